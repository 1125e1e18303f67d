"""What objects count for in a ResourceQuota, under every name that a quota may use, and whom its scopes mean."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

from migrate.manifest.places import get
from migrate.model.checks import Seen
from migrate.model.labels import Requirement
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.after import items, mapping
from migrate.preflight.requests import CONTAINERS, for_whole_pod, of_container
from migrate.preflight.requests import usage as pod_usage
from migrate.semantics.claims import BETA_CLASS
from migrate.semantics.going import Going
from migrate.semantics.quantities import CPU, MEMORY, STORAGE, amounts

_ONE = Fraction(1)
_OF_CLASS = ".storageclass.storage.k8s.io/"
# Kinds that quotas know by a name without count/, beside pods.
_PLAIN = frozenset(
    {"configmaps", "secrets", "services", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas"}
)
_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
_AFFINITIES = ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution")


def plurals(going: Going, seen: Seen) -> dict[tuple[str, str], str]:
    """{(group, kind): the name in a quota's count/…}, of what is served and of what the plan defines itself."""
    found = {(one.group, one.kind): one.plural for one in seen.kinds() if one.plural}
    for body in going.bodies.values():
        if body.get("kind") == "CustomResourceDefinition":
            names = mapping(get(body, P("spec", "names")))
            group = str(get(body, P("spec", "group")))
            found.setdefault((group, str(names.get("kind"))), str(names.get("plural")))
    return found


def as_object(plural: str, group: str) -> dict[str, Fraction]:
    """What any object counts for: itself."""
    found = {f"count/{plural}.{group}" if group else f"count/{plural}": _ONE}
    return found | ({plural: _ONE} if not group and plural in _PLAIN else {})


def as_service(body: Body) -> dict[str, Fraction]:
    """What a Service counts for beside itself."""
    spec = mapping(body.get("spec"))
    kind, ports = spec.get("type"), items(spec.get("ports"))
    if kind not in ("NodePort", "LoadBalancer"):
        return {}
    if kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
        ports = [port for port in ports if port.get("nodePort")]
    found = {"services.nodeports": Fraction(len(ports))}
    return found | ({"services.loadbalancers": _ONE} if kind == "LoadBalancer" else {})


def as_claim(spec: Body, annotations: Body, default_class: str) -> dict[str, Fraction]:
    """What a claim counts for, as an object and by its size."""
    found = as_object("persistentvolumeclaims", "")
    asked = amounts(mapping(spec.get("resources")).get("requests"))
    if STORAGE in asked:
        found["requests.storage"] = Fraction(math.ceil(asked[STORAGE]))
    name = annotations.get(BETA_CLASS, spec.get("storageClassName"))
    name = default_class if name is None else name
    if name:
        found[f"{name}{_OF_CLASS}persistentvolumeclaims"] = _ONE
        if STORAGE in asked:
            found[f"{name}{_OF_CLASS}requests.storage"] = found["requests.storage"]
    return found


def as_running(pod: Body) -> dict[str, Fraction]:
    """What a pod on the target counts for; one that has ended, as an object only."""
    if get(pod, P("status", "phase")) in ("Succeeded", "Failed"):
        return {"count/pods": _ONE}
    return pod_usage(mapping(pod.get("spec")))


def default_class(classes: Mapping[Ref, Body]) -> str:
    """The StorageClass of claims that name none, '' when there is none; the newest of several."""
    key = P("metadata", "annotations", "storageclass.kubernetes.io/is-default-class")
    found = [
        (str(get(body, P("metadata", "creationTimestamp")) or "~"), ref.name)
        for ref, body in classes.items()
        if get(body, key) == "true"
    ]
    return max(found)[1] if found else ""


def scopes(quota: Body) -> list[Body]:
    """The scopes of a quota as selectors; a quota with any counts pods only."""
    spec = mapping(quota.get("spec"))
    said = spec.get("scopes")
    plain = [{"scopeName": name, "operator": "Exists"} for name in (said if isinstance(said, list) else ())]
    return [*plain, *items(mapping(spec.get("scopeSelector")).get("matchExpressions"))]


def means(selectors: Iterable[Body], pod: Body) -> bool:
    """Tell whether scopes mean a pod of this spec."""
    return all(_means(one, pod) for one in selectors)


def _means(selector: Body, pod: Body) -> bool:
    name = selector.get("scopeName")
    if name in ("Terminating", "NotTerminating"):
        deadline = pod.get("activeDeadlineSeconds")
        ends = isinstance(deadline, int) and deadline >= 0
        return ends is (name == "Terminating")
    if name in ("BestEffort", "NotBestEffort"):
        return best_effort(pod) is (name == "BestEffort")
    if name == "PriorityClass":
        values = frozenset(str(one) for one in selector.get("values") or ())
        operator = _OPERATORS.get(str(selector.get("operator")), "odd")
        priority = pod.get("priorityClassName")
        return Requirement("PriorityClass", operator, values).holds({"PriorityClass": priority} if priority else {})
    return name == "CrossNamespacePodAffinity" and _across(pod)


def best_effort(pod: Body) -> bool:
    """Tell whether no container, and not the pod itself, asks for cpu or memory."""
    if for_whole_pod(pod):
        parts = [amounts(mapping(pod.get("resources")).get(part)) for part in ("requests", "limits")]
    else:
        every = [one for where in CONTAINERS for one in items(pod.get(where))]
        parts = [of_container(one, part) for one in every for part in ("requests", "limits")]
    return not any(one.get(name) for one in parts for name in (CPU, MEMORY))


def _across(pod: Body) -> bool:
    affinity = mapping(pod.get("affinity"))
    for kind in ("podAffinity", "podAntiAffinity"):
        for when in _AFFINITIES:
            for term in items(mapping(affinity.get(kind)).get(when)):
                inner = mapping(term.get("podAffinityTerm")) or term
                if inner.get("namespaces") or inner.get("namespaceSelector") is not None:
                    return True
    return False
