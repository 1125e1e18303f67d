"""Tables of the places that name something. One walk over an object reads all rows of its kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SECRET, CONFIG, ACCOUNT, CLAIM, SERVICE = (
    ("", kind) for kind in ("Secret", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "Service")
)
VOLUME, CLASS = ("", "PersistentVolume"), ("storage.k8s.io", "StorageClass")
_ATTRIBUTES = ("storage.k8s.io", "VolumeAttributesClass")
_SNAPSHOTS = "snapshot.storage.k8s.io"
_GATEWAYS = "gateway.networking.k8s.io"
_RBAC = "rbac.authorization.k8s.io"
_RESOURCES = "resource.k8s.io"

Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A place, and what stands there: a name, or a mapping that holds it.

    at        keys with dots; [] is every item of a list
    name      the key of the mapping that holds the name
    key       the key of the mapping that holds a key of the object: text, or a list of {key: …}
    open      the mapping may also say group (or apiGroup, apiVersion), kind and namespace
    kinds     with `open`: the only kinds that are objects here
    may_lack  the object may be absent without harm
    """

    kind: str
    at: str
    to: Kind
    name: str = "name"
    key: str = ""
    open: bool = False
    kinds: tuple[str, ...] = ()
    may_lack: bool = False


@dataclass(slots=True)
class Node:
    """Rows as a tree of keys."""

    children: dict[str, Node] = field(default_factory=dict)
    each: Node | None = None
    rows: list[Row] = field(default_factory=list)


def tree(rows: Iterable[Row]) -> Node:
    """Make a tree of rows."""
    root = Node()
    for row in rows:
        here = root
        for part in row.at.split("."):
            name = part.rstrip("[]")
            here = here.children.setdefault(name, Node())
            for _ in range(part.count("[]")):
                here.each = here.each or Node()
                here = here.each
        here.rows.append(row)
    return root


def _claim(at: str) -> tuple[Row, ...]:
    """The spec of a claim, wherever it stands."""
    return (
        Row("storage class", f"{at}.storageClassName", CLASS),
        Row("volume attributes class", f"{at}.volumeAttributesClassName", _ATTRIBUTES),
        Row("volume of a claim", f"{at}.volumeName", VOLUME),
        Row("data source", f"{at}.dataSourceRef", CLAIM, open=True),
        # The older field repeats the one above.
        Row("data source", f"{at}.dataSource", CLAIM, open=True, may_lack=True),
    )


def _container(at: str) -> tuple[Row, ...]:
    return (
        Row("Secret in env", f"{at}.env[].valueFrom.secretKeyRef", SECRET, key="key"),
        Row("ConfigMap in env", f"{at}.env[].valueFrom.configMapKeyRef", CONFIG, key="key"),
        Row("Secret in envFrom", f"{at}.envFrom[].secretRef", SECRET),
        Row("ConfigMap in envFrom", f"{at}.envFrom[].configMapRef", CONFIG),
    )


POD = tree(
    (
        *(row for name in ("containers", "initContainers", "ephemeralContainers") for row in _container(f"{name}[]")),
        Row("Secret in a volume", "volumes[].secret", SECRET, "secretName", "items"),
        Row("ConfigMap in a volume", "volumes[].configMap", CONFIG, key="items"),
        Row("Secret in a projected volume", "volumes[].projected.sources[].secret", SECRET, key="items"),
        Row("ConfigMap in a projected volume", "volumes[].projected.sources[].configMap", CONFIG, key="items"),
        Row("claim in a volume", "volumes[].persistentVolumeClaim", CLAIM, "claimName"),
        Row("Secret of a CSI volume", "volumes[].csi.nodePublishSecretRef", SECRET),
        Row("Secret of a volume", "volumes[].flexVolume.secretRef", SECRET),
        Row("Secret of a volume", "volumes[].cephfs.secretRef", SECRET),
        Row("Secret of a volume", "volumes[].rbd.secretRef", SECRET),
        Row("Secret of a volume", "volumes[].iscsi.secretRef", SECRET),
        Row(
            "SecretProviderClass in a volume",
            "volumes[].csi.volumeAttributes.secretProviderClass",
            ("secrets-store.csi.x-k8s.io", "SecretProviderClass"),
        ),
        *_claim("volumes[].ephemeral.volumeClaimTemplate.spec"),
        Row("pull secret", "imagePullSecrets[]", SECRET),
        Row("ServiceAccount", "serviceAccountName", ACCOUNT),
        Row("ServiceAccount", "serviceAccount", ACCOUNT, may_lack=True),  # the older field repeats the one above
        Row("priority class", "priorityClassName", ("scheduling.k8s.io", "PriorityClass")),
        Row("runtime class", "runtimeClassName", ("node.k8s.io", "RuntimeClass")),
        Row("resource claim", "resourceClaims[].resourceClaimName", (_RESOURCES, "ResourceClaim")),
        Row(
            "resource claim template",
            "resourceClaims[].resourceClaimTemplateName",
            (_RESOURCES, "ResourceClaimTemplate"),
        ),
    )
)


def _route() -> Node:
    gateway, rule = (_GATEWAYS, "Gateway"), "spec.rules[]"
    return tree(
        (
            Row("backend", f"{rule}.backendRefs[]", SERVICE, open=True),
            Row("mirror", f"{rule}.filters[].requestMirror.backendRef", SERVICE, open=True),
            Row("mirror", f"{rule}.backendRefs[].filters[].requestMirror.backendRef", SERVICE, open=True),
            Row("parent", "spec.parentRefs[]", gateway, open=True),
        )
    )


def _webhooks() -> Node:
    return tree((Row("webhook", "webhooks[].clientConfig.service", SERVICE, open=True),))


def _ingress() -> Node:
    path = "spec.rules[].http.paths[].backend"
    return tree(
        (
            *(Row("backend", f"{at}.service", SERVICE) for at in (path, "spec.defaultBackend")),
            *(Row("backend", f"{at}.resource", SERVICE, open=True) for at in (path, "spec.defaultBackend")),
            *(Row("backend", f"{at}.serviceName", SERVICE) for at in (path, "spec.backend")),  # extensions/v1beta1
            Row("TLS secret", "spec.tls[].secretName", SECRET),
            Row("ingress class", "spec.ingressClassName", ("networking.k8s.io", "IngressClass")),
        )
    )


def _binding() -> Node:
    return tree(
        (
            Row("role", "roleRef", (_RBAC, "ClusterRole"), open=True, kinds=("Role", "ClusterRole")),
            Row("subject", "subjects[]", ACCOUNT, open=True, kinds=("ServiceAccount",)),
        )
    )


def _volume() -> Node:
    secrets = ("nodeStage", "nodePublish", "nodeExpand", "controllerPublish", "controllerExpand")
    return tree(
        (
            Row("claim of a volume", "spec.claimRef", CLAIM, open=True),
            Row(
                "storage class", "spec.storageClassName", CLASS, may_lack=True
            ),  # often only a word that both sides say
            Row("volume attributes class", "spec.volumeAttributesClassName", _ATTRIBUTES),
            *(Row("Secret of a volume", f"spec.csi.{name}SecretRef", SECRET, open=True) for name in secrets),
        )
    )


def _devices(at: str) -> tuple[Row, ...]:
    devices = f"{at}.devices.requests[]"
    names = (f"{devices}.exactly", devices, f"{devices}.firstAvailable[]")
    return tuple(Row("device class", f"{name}.deviceClassName", (_RESOURCES, "DeviceClass")) for name in names)


_SCALED = tree((Row("scale target", "spec.scaleTargetRef", ("apps", "Deployment"), open=True),))
_KINDS: dict[Kind, Node] = {
    ("networking.k8s.io", "Ingress"): _ingress(),
    ("extensions", "Ingress"): _ingress(),
    ("networking.k8s.io", "IngressClass"): tree((Row("parameters", "spec.parameters", ("", ""), open=True),)),
    **{(_GATEWAYS, f"{name}Route"): _route() for name in ("HTTP", "GRPC", "TCP", "TLS", "UDP")},
    (_GATEWAYS, "Gateway"): tree(
        (
            Row("gateway class", "spec.gatewayClassName", (_GATEWAYS, "GatewayClass")),
            Row("TLS secret", "spec.listeners[].tls.certificateRefs[]", SECRET, open=True),
            Row("parameters", "spec.infrastructure.parametersRef", ("", ""), open=True),
        )
    ),
    (_GATEWAYS, "GatewayClass"): tree((Row("parameters", "spec.parametersRef", ("", ""), open=True),)),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks(),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks(),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): tree(
        (Row("webhook", "spec.conversion.webhook.clientConfig.service", SERVICE, open=True),)
    ),
    ("apiregistration.k8s.io", "APIService"): tree((Row("API service", "spec.service", SERVICE, open=True),)),
    ("apps", "StatefulSet"): tree(
        (Row("service name", "spec.serviceName", SERVICE), *_claim("spec.volumeClaimTemplates[].spec"))
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): _SCALED,
    ("keda.sh", "ScaledObject"): _SCALED,
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"): tree(
        (Row("scale target", "spec.targetRef", ("apps", "Deployment"), open=True),)
    ),
    (_RBAC, "RoleBinding"): _binding(),
    (_RBAC, "ClusterRoleBinding"): _binding(),
    ("", "PersistentVolumeClaim"): tree(_claim("spec")),
    ("", "PersistentVolume"): _volume(),
    ("", "ServiceAccount"): tree(
        (Row("pull secret", "imagePullSecrets[]", SECRET), Row("Secret", "secrets[]", SECRET, may_lack=True))
    ),
    (_SNAPSHOTS, "VolumeSnapshot"): tree(
        (
            Row("snapshot class", "spec.volumeSnapshotClassName", (_SNAPSHOTS, "VolumeSnapshotClass")),
            Row("snapshot source", "spec.source.persistentVolumeClaimName", CLAIM),
            Row("snapshot content", "spec.source.volumeSnapshotContentName", (_SNAPSHOTS, "VolumeSnapshotContent")),
        )
    ),
    (_SNAPSHOTS, "VolumeSnapshotContent"): tree(
        (
            Row("snapshot class", "spec.volumeSnapshotClassName", (_SNAPSHOTS, "VolumeSnapshotClass")),
            Row("snapshot", "spec.volumeSnapshotRef", (_SNAPSHOTS, "VolumeSnapshot"), open=True, may_lack=True),
        )
    ),
    (_RESOURCES, "ResourceClaim"): tree(_devices("spec")),
    (_RESOURCES, "ResourceClaimTemplate"): tree(_devices("spec.spec")),
}


def rows_of(group: str, kind: str) -> Node | None:
    """The rows of a kind; None where nothing is known of it."""
    return _KINDS.get((group, kind))


Found = list[tuple[Row, tuple[Any, ...], Any]]


def walk(node: Node, value: Any, path: tuple[Any, ...], found: Found) -> None:
    """Gather (row, path, value) of every row that meets a value; what has another shape is passed by."""
    for row in node.rows:
        found.append((row, path, value))
    if node.children and isinstance(value, dict):
        for key, child in node.children.items():
            if key in value:
                walk(child, value[key], (*path, key), found)
    if node.each is not None and isinstance(value, list):
        for index, item in enumerate(value):
            walk(node.each, item, (*path, index), found)
