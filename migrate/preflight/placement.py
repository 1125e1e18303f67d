"""May a pod run on a node? As the scheduler filters, but for what other pods decide (affinity between pods, spread)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.labels import Requirement
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.preflight.after import items, mapping
from migrate.preflight.requests import requested
from migrate.semantics.holding import KEY
from migrate.semantics.quantities import CPU, PODS, amounts, shown, units
from migrate.semantics.together import REQUIRED, TERMS

_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
_HARD = ("NoSchedule", "NoExecute")
_UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the scheduler sees it. `room` is what is allocatable, `free` what pods there leave; whole units."""

    name: str
    labels: Body
    taints: tuple[Body, ...]
    room: Mapping[str, int]
    free: Mapping[str, int]
    instance: str = ""


def nodes(bodies: Mapping[Ref, Body], pods: Iterable[Body]) -> tuple[Node, ...]:
    """Read Nodes, and take from each what pods that have not ended ask for."""
    taken: dict[str, dict[str, int]] = {}
    for pod in pods:
        spec, status = mapping(pod.get("spec")), mapping(pod.get("status"))
        if spec.get("nodeName") and status.get("phase") not in ("Succeeded", "Failed"):
            here = taken.setdefault(str(spec["nodeName"]), {})
            for name, value in one_pod(spec).items():
                here[name] = here.get(name, 0) + value
    return tuple(_node(ref.name, body, taken.get(ref.name, {})) for ref, body in sorted(bodies.items()))


def _node(name: str, body: Body, taken: Mapping[str, int]) -> Node:
    spec, status = mapping(body.get("spec")), mapping(body.get("status"))
    labels = mapping(mapping(body.get("metadata")).get("labels"))
    taints = tuple(items(spec.get("taints")))
    if spec.get("unschedulable") is True:
        taints = (*taints, _UNSCHEDULABLE)  # the scheduler takes the field for this taint
    room = units(amounts(status.get("allocatable")))
    free = {key: value - taken.get(key, 0) for key, value in room.items()}
    return Node(name, labels, taints, room, free, str(labels.get("node.kubernetes.io/instance-type") or ""))


def one_pod(spec: Body) -> dict[str, int]:
    """What a pod takes from a node, itself counted among its pods."""
    return {name: value for name, value in units(requested(spec)).items() if value > 0} | {PODS: 1}


def why_not(
    spec: Body, asks: Mapping[str, int], node: Node, room: Mapping[str, int], volumes: Iterable[Any] = ()
) -> str:
    """Say why a pod that asks for so much may not run there with so much room; '' when it may. `volumes`: the
    nodeSelectorTerms of each."""
    return why_never(spec, node) or why_no_volume(volumes, node) or why_no_room(asks, room)


def why_never(spec: Body, node: Node) -> str:
    """The reasons that do not depend on room or volumes."""
    wanted = spec.get("nodeName")
    if wanted:
        # Nobody schedules such a pod, so taints and labels are the kubelet's to judge.
        return "" if wanted == node.name else f"it names the node {wanted}"
    taint = next((one for one in node.taints if not _tolerated(one, spec)), None)
    if taint is not None:
        value = f"={taint['value']}" if taint.get("value") else ""
        return f"it does not tolerate the taint {taint.get('key')}{value}:{taint.get('effect')}"
    for key, value in mapping(spec.get("nodeSelector")).items():
        if node.labels.get(key) != value and key != KEY:
            return f"it wants {key}={value}"
    terms = terms_of(spec)
    if terms is not None and not any(holds(term, node.labels, node.name) for term in terms):
        return f"it wants {said(terms)}"
    return ""


def why_no_volume(volumes: Iterable[Any], node: Node) -> str:
    """Tell whether a volume of the pod is where the node is not."""
    for terms in volumes:
        if not any(holds(term, node.labels, node.name) for term in terms):
            return f"its volume wants {said(terms)}"
    return ""


def why_no_room(asks: Mapping[str, int], room: Mapping[str, int]) -> str:
    """Tell what the pod asks for that so much room does not have."""
    for name, value in sorted(asks.items()):
        if value > room.get(name, 0):
            return f"it asks for {name} {amount(name, value)} and there is {amount(name, max(room.get(name, 0), 0))}"
    return ""


def amount(name: str, value: int) -> str:
    """Print so many whole units: '500m' of cpu, '2Gi' of memory."""
    read = amounts({name: f"{value}m" if name == CPU else str(value)})[name]
    return shown(name, read)


def terms_of(spec: Body) -> list[Body] | None:
    """The terms of the required node affinity, one of which must hold; None when there is none."""
    required = mapping(mapping(mapping(spec.get("affinity")).get("nodeAffinity")).get(REQUIRED))
    return items(required.get(TERMS)) if required else None


def holds(term: Body, labels: Body, name: str) -> bool:
    """Tell whether a nodeSelectorTerm means a node. An empty one means none."""
    expressions, fields = items(term.get("matchExpressions")), items(term.get("matchFields"))
    if not expressions and not fields:
        return False
    fields_are = {"metadata.name": name} if name else {}
    return all(_holds(one, labels) for one in expressions) and all(_holds(one, fields_are) for one in fields)


def _holds(one: Body, labels: Body) -> bool:
    key, operator = str(one.get("key")), str(one.get("operator"))
    values = [str(value) for value in one.get("values") or ()]
    if operator in ("Gt", "Lt"):
        here = str(labels.get(key, ""))
        if len(values) != 1 or not _WHOLE.match(here) or not _WHOLE.match(values[0]):
            return False
        return int(here) > int(values[0]) if operator == "Gt" else int(here) < int(values[0])
    return Requirement(key, _OPERATORS.get(operator, "odd"), frozenset(values)).holds(labels)


def said(terms: Iterable[Body]) -> str:
    """Print terms: 'zone In [a, b] and arch In [arm64], or …'."""
    found = []
    for term in terms:
        listed = [*items(term.get("matchExpressions")), *items(term.get("matchFields"))]
        found.append(" and ".join(_said(one) for one in listed))
    return ", or ".join(found) or "a node affinity that no node can meet"


def _said(one: Body) -> str:
    values = [str(value) for value in one.get("values") or ()]
    if one.get("operator") == "In" and len(values) == 1:
        return f"{one.get('key')}={values[0]}"
    listed = f" [{', '.join(values)}]" if values else ""
    return f"{one.get('key')} {one.get('operator')}{listed}"


def _tolerated(taint: Body, spec: Body) -> bool:
    if taint.get("effect") not in _HARD:
        return True
    return any(tolerates(one, taint) for one in items(spec.get("tolerations")))


def tolerates(toleration: Body, taint: Body) -> bool:
    """Tell whether a toleration means a taint. No effect means every effect; no key, with Exists, every key."""
    if toleration.get("effect") and toleration.get("effect") != taint.get("effect"):
        return False
    if toleration.get("key") and toleration.get("key") != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    here, there = str(toleration.get("value") or ""), str(taint.get("value") or "")
    if operator == "Equal":
        return bool(toleration.get("key")) and here == there
    # Gt and Lt are alpha and off (TaintTolerationComparisonOperators, 1.35 and 1.36): such a toleration means no taint.
    return bool(operator == "Exists")
