"""ComputeClasses of GKE: which become NodePools of Karpenter, and what a pod that asks for one selects instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.effects import Question
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.model.rules import Known

GROUP, KIND = "cloud.google.com", "ComputeClass"
# What a pod of GKE selects its class by.
GOOGLE_LABEL = "cloud.google.com/compute-class"
# What a Namespace says of pods that select none.
FOR_ALL, FOR_MOST = "cloud.google.com/default-compute-class", "cloud.google.com/default-compute-class-non-daemonset"
# The label that each NodePool made from a ComputeClass puts on its nodes.
LABEL = "compute-class"
NODEPOOL_LABEL, NODEGROUP_LABEL = "karpenter.sh/nodepool", "eks.amazonaws.com/nodegroup"
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")
# A priority that names pools by hand says nothing about machines; one for TPUs has none on AWS.
_NO_FORM = ("nodepools", "tpu")


def makes_nodes(known: Known) -> str:
    """Who makes nodes on EKS: 'auto' (Auto Mode), 'node-groups', or 'karpenter', which is taken while it is open."""
    if known.flavour == "auto":
        return "auto"
    return "node-groups" if known.answer("scheduling", "nodes") == "node-groups" else "karpenter"


def nodes_question() -> Question:
    """Ask who makes nodes; Karpenter is the safe answer."""
    return Question(
        key=("scheduling", "nodes"),
        group="scheduling.nodes",
        title="Who makes nodes: Karpenter or managed node groups?",
        until="Karpenter is taken.",
        example="karpenter",
        blocks=False,
    )


def usable(obj: Object) -> Iterator[tuple[int, Body]]:
    """Each priority that says what machine is wanted, with its index: those become NodePools."""
    listed = obj.spec.get("priorities")
    for at, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, Mapping) and not any(one.get(key) for key in _NO_FORM):
            yield at, one


def becomes_nodepools(obj: Object, known: Known) -> bool:
    """Tell whether this ComputeClass becomes NodePools: Karpenter makes the nodes, and nobody named another pool."""
    if makes_nodes(known) == "node-groups" or not _LABEL_VALUE.match(obj.ref.name):
        return False
    return next(usable(obj), None) is not None and not _answer(known, obj.ref.name)


def computeclass_target(known: Known, name: str) -> tuple[str, str] | None:
    """Give the node label (key, value) that a pod asking for this ComputeClass selects on EKS; None while open."""
    answer = _answer(known, name)
    if answer:
        return NODEGROUP_LABEL if makes_nodes(known) == "node-groups" else NODEPOOL_LABEL, answer
    obj = known.find(Ref(GROUP, KIND, "", name))
    if obj is None or not known.migrates(obj.ref) or not becomes_nodepools(obj, known):
        return None
    return LABEL, name


def _answer(known: Known, name: str) -> str:
    found = known.answer("scheduling", "computeClasses", name)
    return found if isinstance(found, str) else ""


def default_class(obj: Object, known: Known) -> str:
    """The ComputeClass that the Namespace gives to this workload's pods when they name none; '' without one."""
    every, most = known.once("computeclasses.defaults", lambda: _defaults(known))
    space = obj.ref.namespace or "default"
    found = every.get(space) or (most.get(space) if obj.ref.kind != "DaemonSet" else None)
    return found or ""


def _defaults(known: Known) -> tuple[Mapping[str, str], Mapping[str, str]]:
    return _labelled(known, FOR_ALL), _labelled(known, FOR_MOST)


def _labelled(known: Known, label: str) -> Mapping[str, str]:
    found = {space.ref.name: space.labels.get(label) for space in known.all("", "Namespace")}
    return {name: value for name, value in found.items() if isinstance(value, str) and value}


def names_class(spec: Body) -> bool:
    """Tell whether a pod asks for a ComputeClass itself, by its nodeSelector or its node affinity."""
    selector = spec.get("nodeSelector")
    if isinstance(selector, Mapping) and any(key in selector for key in (GOOGLE_LABEL, LABEL)):
        return True
    affinity = spec.get("affinity")
    return isinstance(affinity, Mapping) and _mentions(affinity.get("nodeAffinity"))


def _mentions(value: Any) -> bool:
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, Mapping):
            if here.get("key") in (GOOGLE_LABEL, LABEL):
                return True
            stack += here.values()
        elif isinstance(here, list):
            stack += here
    return False
