"""Capacity that is asked for before pods start: ProvisioningRequests and CapacityBuffers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from migrate.manifest.pods import KINDS, pod_template
from migrate.model.effects import Effect, Flag, Manual, Remove, Severity
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics.computeclasses import makes_nodes

_QUEUED = "queued-provisioning.gke.io"
_REQUESTS = ("autoscaling.x-k8s.io/", "cluster-autoscaler.kubernetes.io/")
_CLASS = "provisioning-class-name"
_CONSUMES = tuple(f"{prefix}{word}" for prefix in _REQUESTS for word in ("consume-provisioning-request", _CLASS))
_KUEUE = "provreq.kueue.x-k8s.io/"


def _requests(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is None:
        return
    notes = pod.annotations
    asked = [key for key in notes if key in _CONSUMES or (isinstance(key, str) and key.startswith(_KUEUE))]
    if not asked or not _lost(_class_of(notes), known):
        return
    place = Path((*pod.path, "metadata", "annotations"))
    for key in asked:
        yield Remove(place / key, "nothing on EKS queues pods until all of their capacity is there")
    yield Flag(
        place / asked[0],
        "These pods were to start once a ProvisioningRequest had got nodes for all of them; now each starts when it "
        "finds a node.",
        "Reserve capacity (Capacity Blocks, On-Demand Capacity Reservations), or let Kueue admit the whole job.",
        Severity.REVIEW,
    )


def _class_of(notes: Body) -> Any:
    """The provisioning class that a pod names; GKE's own when it names none."""
    return next((notes[f"{prefix}{_CLASS}"] for prefix in _REQUESTS if f"{prefix}{_CLASS}" in notes), _QUEUED)


def _lost(name: Any, known: Known) -> bool:
    """Tell whether nobody on EKS serves this provisioning class: Cluster Autoscaler serves those of its own."""
    return name == _QUEUED or makes_nodes(known) != "node-groups"


def _capacity(obj: Object, known: Known) -> Iterator[Effect]:
    if obj.ref.kind == "ProvisioningRequest":
        name = obj.spec.get("provisioningClassName")
        if _lost(name, known):
            yield Manual("a request for capacity to an autoscaler that EKS does not have")
            yield Flag(
                P("spec", "provisioningClassName"),
                f"Nobody on EKS answers a ProvisioningRequest of the class {name}.",
                "Reserve capacity (Capacity Blocks, On-Demand Capacity Reservations), and take the ProvisioningRequest "
                "check out of Kueue's ClusterQueues.",
                Severity.BLOCKER,
            )
        return
    for key in obj.annotations:
        if isinstance(key, str) and key.startswith("buffer.gke.io/"):
            yield Remove(P("metadata", "annotations", key), "it is about standby nodes, which only GKE has")
    strategy = obj.spec.get("provisioningStrategy")
    if isinstance(strategy, str) and strategy.startswith("buffer.gke.io/"):
        yield Flag(
            P("spec", "provisioningStrategy"),
            "Standby capacity (nodes that sleep until they are needed) exists on GKE only.",
            "Keep capacity warm with low-priority pause pods, or with Karpenter's active CapacityBuffer.",
            Severity.BLOCKER,
        )
    else:
        yield Flag(
            P("spec"),
            "Karpenter reads CapacityBuffers behind a feature gate that is off by default, in version v1alpha1.",
            "Turn on the feature gate CapacityBuffer and check the apiVersion, or keep capacity warm with low-priority "
            "pause pods; for Auto Mode no support is documented.",
            Severity.REVIEW,
        )


def _rule(id: str, title: str, **page: Any) -> Rule:
    given = {"area": "scheduling", "severity": Severity.INFO, "kinds": KINDS, **page}
    return Rule(id=id, title=title, change=given.pop("change", "overrides in gke2eks.yaml"), **given)


RULES: tuple[Rule, ...] = (
    _rule(
        "SCH055",
        "Pods that waited for capacity",
        what="Annotations that tie pods to a ProvisioningRequest go, where nobody on EKS serves it.",
        why="GKE starts such pods together, once nodes for all of them are there. Karpenter knows no such request.",
        docs="https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md",
        do="Reserve capacity, or let Kueue admit jobs as a whole.",
        effects=_requests,
        gke=f"autoscaling.x-k8s.io/provisioning-class-name: {_QUEUED}",
        eks="removed",
        example=Example(
            before={"metadata": {"annotations": {"autoscaling.x-k8s.io/provisioning-class-name": _QUEUED}}},
            after={"metadata": {}},
        ),
    ),
    _rule(
        "SCH056",
        "Requests for capacity",
        what="ProvisioningRequests that nobody serves are left to you; CapacityBuffers are named.",
        why="GKE's autoscaler reads both. Karpenter reads active CapacityBuffers only, behind a feature gate.",
        docs="https://karpenter.sh/preview/concepts/capacitybuffers/",
        severity=Severity.REVIEW,
        kinds=frozenset({("autoscaling.x-k8s.io", "ProvisioningRequest"), ("autoscaling.x-k8s.io", "CapacityBuffer")}),
        do="Reserve capacity on AWS, or keep it warm with low-priority pods.",
        effects=_capacity,
        gke=f"provisioningClassName: {_QUEUED}",
        eks="left to you",
        change="exclude in gke2eks.yaml",
    ),
)
