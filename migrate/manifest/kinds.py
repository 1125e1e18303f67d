"""Which well-known kinds live in a namespace; custom kinds say so in their CustomResourceDefinition."""

from __future__ import annotations

_CLUSTER: dict[str, str] = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "metrics.k8s.io": "NodeMetrics",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "snapshot.storage.k8s.io": "VolumeSnapshotClass VolumeSnapshotContent",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
    "gateway.networking.k8s.io": "GatewayClass",
    "cert-manager.io": "ClusterIssuer",
    "cloud.google.com": "ComputeClass",
    "eks.amazonaws.com": "NodeClass",
    "external-secrets.io": "ClusterExternalSecret ClusterPushSecret ClusterSecretStore",
    "karpenter.k8s.aws": "EC2NodeClass",
    "karpenter.sh": "NodeClaim NodePool",
    "keda.sh": "ClusterTriggerAuthentication",
    "kueue.x-k8s.io": "AdmissionCheck ClusterQueue Cohort MultiKueueCluster MultiKueueConfig ResourceFlavor Topology "
    "WorkloadPriorityClass",
    "kyverno.io": "ClusterCleanupPolicy ClusterPolicy",
    "monitoring.googleapis.com": "ClusterNodeMonitoring ClusterPodMonitoring ClusterRules GlobalRules",
    "networking.gke.io": "GKENetworkParamSet Network",
    "nodemanagement.gke.io": "UpdateInfo",
    "templates.gatekeeper.sh": "ConstraintTemplate",
    "elbv2.k8s.aws": "IngressClassParams",
}

_NAMESPACED: dict[str, str] = {
    "": "Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController "
    "ResourceQuota Secret Service ServiceAccount",
    "apps": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "authorization.k8s.io": "LocalSubjectAccessReview",
    "autoscaling": "HorizontalPodAutoscaler",
    "autoscaling.k8s.io": "MultidimPodAutoscaler VerticalPodAutoscaler VerticalPodAutoscalerCheckpoint",
    "autoscaling.gke.io": "MultidimPodAutoscaler",
    "batch": "CronJob Job",
    "coordination.k8s.io": "Lease LeaseCandidate",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "extensions": "DaemonSet Deployment Ingress NetworkPolicy ReplicaSet",
    "metrics.k8s.io": "PodMetrics",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "policy": "PodDisruptionBudget",
    "rbac.authorization.k8s.io": "Role RoleBinding",
    "resource.k8s.io": "ResourceClaim ResourceClaimTemplate",
    "snapshot.storage.k8s.io": "VolumeSnapshot",
    "storage.k8s.io": "CSIStorageCapacity",
    "gateway.networking.k8s.io": "BackendTLSPolicy GRPCRoute Gateway HTTPRoute ListenerSet ReferenceGrant TCPRoute "
    "TLSRoute UDPRoute",
    "cert-manager.io": "Certificate CertificateRequest Issuer",
    "cloud.google.com": "BackendConfig",
    "elbv2.k8s.aws": "TargetGroupBinding",
    "external-secrets.io": "ExternalSecret PushSecret SecretStore",
    "keda.sh": "ScaledJob ScaledObject TriggerAuthentication",
    "kueue.x-k8s.io": "LocalQueue Workload",
    "monitoring.coreos.com": "Alertmanager PodMonitor Probe Prometheus PrometheusRule ServiceMonitor ThanosRuler",
    "monitoring.googleapis.com": "OperatorConfig PodMonitoring Rules",
    "net.gke.io": "ServiceExport ServiceImport",
    "networking.gke.io": "FrontendConfig GCPBackendPolicy GCPGatewayPolicy GCPHTTPFilter GCPSessionAffinityFilter "
    "GCPTrafficDistributionPolicy GCPTrafficExtension HealthCheckPolicy ManagedCertificate MultiClusterIngress "
    "MultiClusterService ServiceNetworkEndpointGroup",
    "networking.istio.io": "DestinationRule EnvoyFilter Gateway ServiceEntry Sidecar VirtualService WorkloadEntry "
    "WorkloadGroup",
    "secrets-store.csi.x-k8s.io": "SecretProviderClass SecretProviderClassPodStatus",
    "security.istio.io": "AuthorizationPolicy PeerAuthentication RequestAuthentication",
    "serving.knative.dev": "Configuration Revision Route Service",
}


def _pairs(table: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((group, kind) for group, kinds in table.items() for kind in kinds.split())


CLUSTER_SCOPED = _pairs(_CLUSTER)
NAMESPACED = _pairs(_NAMESPACED)


def is_cluster_scoped(group: str, kind: str) -> bool | None:
    """Tell whether a kind is cluster-scoped; None when it is not a kind we know."""
    if (group, kind) in CLUSTER_SCOPED:
        return True
    return False if (group, kind) in NAMESPACED else None
