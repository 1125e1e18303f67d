"""The order in which objects are applied, said out loud."""

from __future__ import annotations

from migrate.model.ref import Ref

# Gaps are left for what comes later; each line says why it stands there.
_RANKS: dict[tuple[str, str], int] = {
    ("", "Namespace"): 10,  # everything else lives in one
    ("apiextensions.k8s.io", "CustomResourceDefinition"): 20,  # its objects are refused before it exists
    ("storage.k8s.io", "StorageClass"): 30,  # claims name it
    ("scheduling.k8s.io", "PriorityClass"): 30,  # pods name it
    ("", "ResourceQuota"): 35,  # counts from the first object on
    ("", "LimitRange"): 35,  # defaults are written at admission only
    ("", "ServiceAccount"): 40,  # pods are refused without theirs
    ("rbac.authorization.k8s.io", "ClusterRole"): 40,  # bindings name it
    ("rbac.authorization.k8s.io", "Role"): 40,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): 45,
    ("rbac.authorization.k8s.io", "RoleBinding"): 45,
    ("", "ConfigMap"): 50,  # pods wait for what they mount
    ("", "Secret"): 50,
    ("", "PersistentVolume"): 50,
    ("", "PersistentVolumeClaim"): 55,
    ("networking.k8s.io", "NetworkPolicy"): 58,  # closed before something listens
    ("", "Service"): 60,  # load balancers take the longest; DNS names exist before clients ask
    ("policy", "PodDisruptionBudget"): 65,
    ("autoscaling", "HorizontalPodAutoscaler"): 90,  # never scales what is not there
    ("networking.k8s.io", "Ingress"): 90,  # its backends exist
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): 95,  # fails closed before its pods run
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): 95,
}
_WORKLOADS = 80


def waves(refs: list[Ref]) -> tuple[tuple[Ref, ...], ...]:
    """Group refs by rank, lowest first, sorted within a wave."""
    by_rank: dict[int, list[Ref]] = {}
    for ref in refs:
        by_rank.setdefault(_RANKS.get((ref.group, ref.kind), _WORKLOADS), []).append(ref)
    return tuple(tuple(sorted(by_rank[rank])) for rank in sorted(by_rank))
