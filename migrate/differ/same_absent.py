"""What says nothing: the null, empty and zero values that an API server stores as if they were not there.

Kubernetes' own kinds are Go structs: a field that is no pointer is left out when it is zero. Which ones are no pointers
stands in k8s.io/api v0.36; that the server does so was tried on v1.36 (tests/cluster/test_same_real.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.differ.same_places import Keys, Kind, Sort, built_in, sort_of, words
from migrate.model.objects import MISSING

# Maps and plain structs; {} of a pointer to a struct (emptyDir, a selector, securityContext) says something.
_EMPTY = words(
    "annotations labels matchLabels nodeSelector limits requests capacity allocatable hard used podFixed parameters"
    " volumeAttributes data binaryData stringData strategy updateStrategy status metadata"
)
_FALSE = words(
    "hostIPC hostNetwork hostPID globalDefault paused publishNotReadyAddresses stdin stdinOnce tty unschedulable"
    " readOnly"
)
_BLANK = words(
    "clusterIP externalName loadBalancerIP externalTrafficPolicy sessionAffinity workingDir subPath subPathExpr"
    " terminationMessagePath terminationMessagePolicy imagePullPolicy serviceAccountName serviceAccount schedulerName"
    " priorityClassName nodeName hostname subdomain dnsPolicy medium volumeName host effect value podManagementPolicy"
    " concurrencyPolicy generateName description fieldPath scheme ip hostIP serviceName image"
)
_ZERO = words(
    "hostPort nodePort healthCheckNodePort minReadySeconds initialDelaySeconds failureThreshold periodSeconds"
    " successThreshold"
)
# The same names where a pointer stands, so that zero says something.
_POINTERS = (
    ("volumes", "csi", "readOnly"),
    ("azureDisk", "readOnly"),
    ("dnsConfig", "options", "value"),
    ("endpoints", "hostname"),
    ("endpoints", "nodeName"),
    ("addresses", "nodeName"),
    ("notReadyAddresses", "nodeName"),
    ("subresources", "status"),
)
_NAMELESS = (("spec", "ports", "name"), ("containers", "ports", "name"), ("initContainers", "ports", "name"))
# Where a claim's "" asks for no class, a volume's says nothing.
_BLANK_IN: dict[Kind, frozenset[str]] = {("", "PersistentVolume"): frozenset({"storageClassName"})}
_DEVICES = words("capacity nodeName nodeSelector")
_POINTED: dict[Kind, frozenset[str]] = {
    ("networking.k8s.io", "IngressClass"): frozenset({"parameters"}),
    ("node.k8s.io", "RuntimeClass"): frozenset({"overhead"}),
    ("storage.k8s.io", "CSINode"): frozenset({"allocatable"}),
    ("coordination.k8s.io", "Lease"): frozenset({"strategy"}),
    ("resource.k8s.io", "ResourceClaim"): _DEVICES,
    ("resource.k8s.io", "ResourceClaimTemplate"): _DEVICES,
    ("resource.k8s.io", "ResourceSlice"): _DEVICES,
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): frozenset({"value"}),
}


def says_nothing(kind: Kind, keys: Keys, value: Any) -> bool:
    """Tell whether a server takes this value for none: MISSING and null always, but for null in a map of strings."""
    if value is MISSING:
        return True
    sort = sort_of(kind, keys)
    if value is None:
        return not (in_map(kind, keys) and built_in(kind, keys)) and sort is not Sort.RAW
    if value not in (False, "") and value not in ([], {}):
        return False
    if not built_in(kind, keys) or sort is Sort.RAW or in_map(kind, keys) or not keys:
        return False
    last = keys[-1]
    if any(keys[-len(row) :] == row for row in _POINTERS) or last in _POINTED.get(kind, ()):
        return False
    if isinstance(value, list):
        return True
    if isinstance(value, bool):
        return last in _FALSE
    if isinstance(value, str):
        return last in _BLANK or last in _BLANK_IN.get(kind, ()) or any(keys[-len(row) :] == row for row in _NAMELESS)
    if isinstance(value, Mapping):
        return last in _EMPTY or _plain_struct(kind, keys)
    return last in _ZERO


def in_map(kind: Kind, keys: Keys) -> bool:
    """Tell whether the key is the user's own: an entry of a map of strings or of amounts."""
    return sort_of(kind, keys) in (Sort.NOTE, Sort.DATA, Sort.WORD) or (
        sort_of(kind, keys) in (Sort.AMOUNTS, Sort.BYTES) and sort_of(kind, (*keys[:-1], "?")) is sort_of(kind, keys)
    )


def _plain_struct(kind: Kind, keys: Keys) -> bool:
    if keys[-1:] == ("resources",):
        # Those of a container and of a claim; those of a whole Pod are a pointer.
        return keys[-2:-1] != ("spec",) or kind[1] == "PersistentVolumeClaim" or "volumeClaimTemplates" in keys
    if keys[-1:] == ("overhead",):
        return True
    if keys == ("spec", "podSelector"):
        return kind == ("networking.k8s.io", "NetworkPolicy")
    return keys == ("spec", "selector") and kind in (("", "Service"), ("", "ReplicationController"))
