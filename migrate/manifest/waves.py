"""The order in which objects are written, said out loud.

Waves order writes: those of a wave are sent when those of the wave before were answered, or wait for a gate of their
own. Nothing waits for a wave to be ready: that is asked only along references (semantics/gates.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from migrate.manifest.references import Defined, references
from migrate.model.objects import Object
from migrate.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Row:
    """Kinds of a group that stand in this wave, and why. kinds: one or several, between blanks."""

    group: str
    kinds: str
    why: str


@dataclass(frozen=True, slots=True)
class Wave:
    """`title` is what progress calls it."""

    title: str
    rows: tuple[Row, ...]


_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
_GATEWAYS, _SNAPSHOTS = "gateway.networking.k8s.io", "snapshot.storage.k8s.io"
WAVES: tuple[Wave, ...] = (
    Wave("Namespaces", (Row("", "Namespace", "everything else lives in one"),)),
    Wave(
        "definitions and classes",
        (
            Row("apiextensions.k8s.io", "CustomResourceDefinition", "its objects are refused before it is established"),
            Row("storage.k8s.io", "StorageClass VolumeAttributesClass CSIDriver", "claims name it"),
            Row(_SNAPSHOTS, "VolumeSnapshotClass", "snapshots name it"),
            Row("scheduling.k8s.io", "PriorityClass", "pods that name a missing one are refused"),
            Row("node.k8s.io", "RuntimeClass", "pods that name a missing one are refused"),
            Row("resource.k8s.io", "DeviceClass", "resource claims name it"),
            Row(
                "networking.k8s.io", "IngressClass", "Ingresses get the default class when they are created, not later"
            ),
            Row("elbv2.k8s.aws", "IngressClassParams", "an IngressClass names it"),
            Row("eks.amazonaws.com", "IngressClassParams NodeClass", "classes and node pools name it"),
            Row("karpenter.k8s.aws", "EC2NodeClass", "node pools name it"),
            Row("karpenter.sh", "NodePool", "a new node takes a minute: pods should find it started"),
            Row("flowcontrol.apiserver.k8s.io", "FlowSchema PriorityLevelConfiguration", "it shapes all that follows"),
        ),
    ),
    Wave(
        "quotas, accounts and roles",
        (
            Row("", "ResourceQuota", "counts and refuses from the first pod and claim on"),
            Row("", "LimitRange", "writes its defaults at admission only"),
            Row("", "ServiceAccount", "pods are refused without theirs, and token Secrets are deleted"),
            Row(_RBAC, "ClusterRole Role", "a binding to a missing role is refused to whoever may not grant all"),
            Row(_RBAC, "ClusterRoleBinding RoleBinding", "a controller that starts without its rights may end"),
        ),
    ),
    Wave(
        "ConfigMaps and Secrets",
        (
            Row("", "ConfigMap Secret", "pods do not start before what they mount is there"),
            Row("secrets-store.csi.x-k8s.io", "SecretProviderClass", "pods mount it like a Secret"),
        ),
    ),
    Wave(
        "claims and volumes",
        (
            Row("", "PersistentVolume", "a claim finds it, instead of an empty new one"),
            Row("", "PersistentVolumeClaim", "pods wait for it"),
            Row(_SNAPSHOTS, "VolumeSnapshot VolumeSnapshotContent", "a claim may be filled from it"),
            Row("resource.k8s.io", "ResourceClaim ResourceClaimTemplate", "pods wait for it"),
        ),
    ),
    Wave(
        "Services",
        (
            Row("networking.k8s.io", "NetworkPolicy", "closed before something listens"),
            Row("", "Service", "load balancers take the longest, and pods learn the addresses when they start"),
            Row("", "Endpoints", "beside the Service that they are for"),
            Row("discovery.k8s.io", "EndpointSlice", "beside the Service that it is for"),
        ),
    ),
    Wave(
        "workloads",
        (
            Row("apps", "Deployment StatefulSet DaemonSet ReplicaSet", "all that its pods name is there"),
            Row("batch", "Job CronJob", "all that its pods name is there"),
            Row("", "Pod ReplicationController PodTemplate", "all that it names is there"),
        ),
    ),
    Wave(
        "autoscalers, budgets and Ingresses",
        (
            Row("autoscaling", "HorizontalPodAutoscaler", "never scales what is not there"),
            Row("policy", "PodDisruptionBudget", "counts pods that are there, and blocks no node while they start"),
            Row("networking.k8s.io", "Ingress", "its backends exist"),
            Row("extensions", "Ingress", "its backends exist"),
        ),
    ),
    Wave(
        "webhooks and API services",
        (
            Row(_ADMISSION, "MutatingWebhookConfiguration", "would refuse all while its pods do not answer"),
            Row(_ADMISSION, "ValidatingWebhookConfiguration", "would refuse all while its pods do not answer"),
            Row(_ADMISSION, "ValidatingAdmissionPolicy MutatingAdmissionPolicy", "judges people, not this migration"),
            Row(
                _ADMISSION,
                "ValidatingAdmissionPolicyBinding MutatingAdmissionPolicyBinding",
                "judges people, not this migration",
            ),
            Row(
                "apiregistration.k8s.io",
                "APIService",
                "a group without its backend breaks discovery and the end of Namespaces",
            ),
        ),
    ),
    Wave("custom resources", ()),
)
_WORKLOADS = next(i for i, wave in enumerate(WAVES) if wave.title == "workloads")
_OF_KIND = {
    (row.group, kind): index for index, wave in enumerate(WAVES) for row in wave.rows for kind in row.kinds.split()
}


@cache
def _of_kind(group: str, kind: str) -> int:
    found = _OF_KIND.get((group, kind))
    if found is not None:
        return found
    # Their controllers run, and fill in and check what is written. What Kubernetes brings and no row names is rare.
    custom = any(isinstance(one.to, Defined) for one in references(Object(Ref(group, kind, "", "x"), {})))
    return len(WAVES) - 1 if custom else _WORKLOADS


def wave_of(ref: Ref) -> int:
    """The index into WAVES of an object; also of one that is in no plan."""
    return _of_kind(ref.group, ref.kind)


def level_of(obj: Object) -> int:
    """Where an object stands in the order of writes: its wave, and within it what asks for a number of its own first.

    A Service without a nodePort or clusterIP gets any that is free, also the one that another Service asks for.
    """
    return 2 * wave_of(obj.ref) + (not _asks_for_a_number(obj))


def _asks_for_a_number(obj: Object) -> bool:
    if (obj.ref.group, obj.ref.kind) != ("", "Service"):
        return False
    ports = obj.spec.get("ports")
    fixed = [one.get("nodePort") for one in ports if isinstance(one, Mapping)] if isinstance(ports, list) else []
    check = obj.spec.get("healthCheckNodePort")
    return any(fixed) or bool(check) or obj.spec.get("clusterIP") not in (None, "", "None")


def title(wave: tuple[Ref, ...]) -> str:
    """What to call a wave of a plan."""
    return WAVES[wave_of(wave[0])].title


def waves(refs: list[Ref]) -> tuple[tuple[Ref, ...], ...]:
    """Group refs by wave, first things first, sorted within a wave; empty waves are left out."""
    found: dict[int, list[Ref]] = {}
    for ref in refs:
        found.setdefault(wave_of(ref), []).append(ref)
    return tuple(tuple(sorted(found[index])) for index in sorted(found))
