"""What stands at a place of an object: a table of the field names of Kubernetes, AWS and well-known custom kinds.

A place is the keys of its path without list items: ('spec', 'containers', 'resources', 'limits', 'cpu'). Rows are the
ends of such places, '*' is any key. tests/cluster/test_same_real.py holds them against the OpenAPI of a real server.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from migrate.model.path import Path

Kind = tuple[str, str]
Keys = tuple[str, ...]


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


class Sort(StrEnum):
    """How values of a place are read."""

    AMOUNTS = "amounts"  # a quantity in a list of resources: servers round it up to a thousandth
    QUANTITY = "quantity"
    TIME = "time"  # servers keep whole seconds
    MICROTIME = "microtime"
    BYTES = "bytes"
    SELECTOR = "selector"
    DURATION = "duration"
    IMAGE = "image"
    ENV = "env"
    NOTE = "note"  # an annotation
    DATA = "data"  # a file of a ConfigMap
    WORD = "word"  # a value of a map of strings; text, and null is the empty text
    RAW = "raw"  # JSON of somebody else, in which null and empty say something
    PLAIN = "plain"


BUILT_IN = frozenset(
    {"", "apps", "batch", "autoscaling", "policy"}
    | {f"{name}.k8s.io" for name in ("networking", "rbac.authorization", "storage", "admissionregistration")}
    | {f"{name}.k8s.io" for name in ("apiextensions", "apiregistration", "scheduling", "node", "discovery")}
    | {f"{name}.k8s.io" for name in ("coordination", "certificates", "resource", "events", "storagemigration")}
    | {"flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io"}
)

# Of any kind, custom ones too: these names mean one thing wherever they stand.
_ANYWHERE = {
    Sort.AMOUNTS: "resources.limits.* resources.requests.*",
    Sort.QUANTITY: "emptyDir.sizeLimit resourceFieldRef.divisor",
    Sort.TIME: "metadata.creationTimestamp metadata.deletionTimestamp managedFields.time conditions.lastTransitionTime",
    Sort.SELECTOR: "labelSelector namespaceSelector podSelector objectSelector",
    Sort.IMAGE: "containers.image initContainers.image ephemeralContainers.image volumes.image.reference",
    Sort.ENV: "containers.env initContainers.env ephemeralContainers.env",
}
# Of Kubernetes' own kinds.
_OWN = {
    Sort.AMOUNTS: "spec.overhead.* allocatedResources.* podFixed.*",
    Sort.TIME: "firstTimestamp lastTimestamp deprecatedFirstTimestamp deprecatedLastTimestamp timeAdded startedAt"
    " finishedAt allocationTimestamp completionTime lastHeartbeatTime lastProbeTime lastUpdateTime expirationTimestamp"
    " lastPhaseTransitionTime lastScaleTime lastScheduleTime lastSuccessfulTime startTime attachError.time"
    " detachError.time disruptedPods.*",
    Sort.MICROTIME: "eventTime lastObservedTime acquireTime renewTime",
    Sort.BYTES: "clientConfig.caBundle",
    Sort.SELECTOR: "metric.selector paramRef.selector clusterRoleSelectors volumeClaimTemplate.spec.selector"
    " volumeClaimTemplates.spec.selector",
    Sort.RAW: "opaque.parameters",
}
_SELECTED = {Sort.SELECTOR: "spec.selector"}
_CUSTOM = _SELECTED  # the shape must fit too: a custom `selector` may be anything
_OF_KIND: dict[Kind, dict[Sort, str]] = {
    ("", "ConfigMap"): {Sort.BYTES: "binaryData.*", Sort.DATA: "data.*"},
    ("", "Secret"): {Sort.BYTES: "data.*", Sort.WORD: "stringData.*"},
    ("", "Service"): {Sort.WORD: "spec.selector.*"},
    ("", "ReplicationController"): {Sort.WORD: "spec.selector.*"},
    ("", "PersistentVolume"): {Sort.AMOUNTS: "spec.capacity.*"},
    ("", "PersistentVolumeClaim"): {Sort.AMOUNTS: "status.capacity.*"} | _SELECTED,
    ("", "Node"): {Sort.AMOUNTS: "status.allocatable.* status.capacity.*"},
    ("", "Pod"): {Sort.AMOUNTS: "nodeAllocatableResourceClaimStatuses.resources.*"},
    ("", "ResourceQuota"): {Sort.AMOUNTS: "hard.* used.*"},
    ("", "LimitRange"): {
        Sort.AMOUNTS: "limits.default.* limits.defaultRequest.* limits.max.* limits.min.* limits.maxLimitRequestRatio.*"
    },
    ("apps", "ControllerRevision"): {Sort.RAW: "data"},
    ("apps", "DaemonSet"): _SELECTED,
    ("apps", "Deployment"): _SELECTED,
    ("apps", "ReplicaSet"): _SELECTED,
    ("apps", "StatefulSet"): {Sort.AMOUNTS: "volumeClaimTemplates.status.capacity.*"} | _SELECTED,
    ("batch", "Job"): _SELECTED,
    ("batch", "CronJob"): _SELECTED,
    ("policy", "PodDisruptionBudget"): _SELECTED,
    ("autoscaling", "HorizontalPodAutoscaler"): {
        Sort.QUANTITY: "target.value target.averageValue current.value current.averageValue scaleUp.tolerance"
        " scaleDown.tolerance"
    },
    ("storage.k8s.io", "StorageClass"): {Sort.WORD: "parameters.*"},
    ("storage.k8s.io", "VolumeAttributesClass"): {Sort.WORD: "parameters.*"},
    ("storage.k8s.io", "VolumeAttachment"): {Sort.AMOUNTS: "inlineVolumeSpec.capacity.*"},
    ("storage.k8s.io", "CSIStorageCapacity"): {
        Sort.QUANTITY: "capacity maximumVolumeSize",
        Sort.SELECTOR: "nodeTopology",
    },
    ("apiregistration.k8s.io", "APIService"): {Sort.BYTES: "spec.caBundle"},
    ("certificates.k8s.io", "CertificateSigningRequest"): {Sort.BYTES: "spec.request status.certificate"},
    ("apiextensions.k8s.io", "CustomResourceDefinition"): {Sort.RAW: "schema"},
    ("resource.k8s.io", "ResourceClaim"): {
        Sort.QUANTITY: "capacity.requests.* consumedCapacity.*",
        Sort.RAW: "devices.data",
    },
    ("resource.k8s.io", "ResourceClaimTemplate"): {Sort.QUANTITY: "capacity.requests.*"},
    ("resource.k8s.io", "ResourceSlice"): {
        Sort.QUANTITY: "capacity.*.value counters.*.value requestPolicy.default requestPolicy.validValues"
        " validRange.min validRange.max validRange.step nodeAllocatableResourceMappings.*.allocationMultiplier"
    },
    ("karpenter.sh", "NodePool"): {Sort.AMOUNTS: "spec.limits.*"},
    ("karpenter.k8s.aws", "EC2NodeClass"): {
        Sort.AMOUNTS: "kubelet.systemReserved.* kubelet.kubeReserved.*",
        Sort.QUANTITY: "ebs.volumeSize",
        Sort.DURATION: "kubelet.evictionSoftGracePeriod.*",
    },
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"): {
        Sort.AMOUNTS: "minAllowed.* maxAllowed.* target.* lowerBound.* upperBound.* uncappedTarget.*"
    },
}
_FLUX = "spec.interval spec.timeout spec.retryInterval"
# Spellings of Go's and of Prometheus' durations, by the fields that their own documents call so. Kubernetes has none.
_OF_GROUP: dict[str, str] = {
    "karpenter.sh": "disruption.consolidateAfter spec.expireAfter spec.terminationGracePeriod budgets.duration",
    "cert-manager.io": "spec.duration spec.renewBefore",
    "gateway.networking.k8s.io": "timeouts.request timeouts.backendRequest sessionPersistence.absoluteTimeout"
    " sessionPersistence.idleTimeout",
    "external-secrets.io": "spec.refreshInterval",
    "helm.toolkit.fluxcd.io": _FLUX,
    "kustomize.toolkit.fluxcd.io": _FLUX,
    "source.toolkit.fluxcd.io": _FLUX,
    "monitoring.coreos.com": "interval scrapeTimeout evaluationInterval scrapeInterval rules.for rules.keep_firing_for"
    " repeatInterval groupInterval groupWait",
    "networking.istio.io": "http.timeout perTryTimeout outlierDetection.interval baseEjectionTime connectTimeout"
    " corsPolicy.maxAge fixedDelay tcp.idleTimeout http.idleTimeout",
    "velero.io": "spec.ttl template.ttl",
}
_NOTES: Keys = ("metadata", "annotations", "*")
_WORDS = "metadata.labels.* matchLabels.* nodeSelector.*"
_OWN_WORDS = "volumeAttributes.* flexVolume.options.*"


def _rows(table: dict[Sort, str]) -> tuple[tuple[Keys, Sort], ...]:
    return tuple((tuple(end.split(".")), sort) for sort, ends in table.items() for end in ends.split())


# Maps of strings first: their keys are the user's, and may be named as any field.
_ALL_FIRST = ((_NOTES, Sort.NOTE), *_rows({Sort.WORD: _WORDS}))
_OWN_FIRST = _rows({Sort.WORD: _OWN_WORDS})
_ALL, _OWN_ROWS, _CUSTOM_ROWS = _rows(_ANYWHERE), _rows(_OWN), _rows(_CUSTOM)
_KIND_ROWS = {kind: _rows(table) for kind, table in _OF_KIND.items()}
_GROUP_ROWS = {group: _rows({Sort.DURATION: ends}) for group, ends in _OF_GROUP.items()}


def ends(keys: Keys, row: Keys) -> bool:
    """Tell whether a place ends as a row says."""
    return len(keys) >= len(row) and all(want in ("*", key) for want, key in zip(row, keys[-len(row) :], strict=True))


def keys_of(path: Path) -> Keys:
    """The place of a path: its keys, without the items of lists."""
    return tuple(segment for segment in path if isinstance(segment, str))


def built_in(kind: Kind, keys: Keys) -> bool:
    """Tell whether a Go type of Kubernetes' own holds the place; the metadata of every kind is one."""
    return kind[0] in BUILT_IN or keys[:1] == ("metadata",)


@lru_cache(maxsize=65536)
def sort_of(kind: Kind, keys: Keys) -> Sort:
    """What stands at a place; PLAIN when no table knows it."""
    own = built_in(kind, keys)
    first = (*_ALL_FIRST, *(_OWN_FIRST if own else ()))
    rest = (*_KIND_ROWS.get(kind, ()), *_GROUP_ROWS.get(kind[0], ()), *_ALL, *(_OWN_ROWS if own else _CUSTOM_ROWS))
    for length in range(1, len(keys) + 1):
        found = next((sort for row, sort in (*first, *rest) if sort is Sort.RAW and ends(keys[:length], row)), None)
        if found:
            return found
    for rows in (first, rest):
        for row, sort in rows:
            if ends(keys, row):
                return sort
    return Sort.PLAIN
