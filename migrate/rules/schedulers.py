"""What would leave a pod waiting for somebody who is not there: schedulers, gates, sandboxes, nodes, priorities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from migrate.manifest.pods import KINDS, PodTemplate, pod_template
from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Example, Known, Rule

_GOOGLE = re.compile(r"([a-z0-9-]+\.)*(gke\.io|cloud\.google\.com|googleapis\.com)(/|\Z)")
# Names that GKE gives to its nodes; of Autopilot gk3.
_GKE_NODE = re.compile(r"gk[e3]-")
# Priorities that GKE brings; nothing on EKS makes them.
_GKE_PRIORITIES = frozenset({"gmp-critical", "gcsfusecsi-mount-priority"})
_EVERYWHERE = ("system-cluster-critical", "system-node-critical")
_GVISOR = "gvisor"
_NEG_READY = "cloud.google.com/load-balancer-neg-ready"


def _spec(pod: PodTemplate, *more: str) -> Path:
    return Path((*pod.path, "spec", *more))


def _scheduler(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    name = pod.spec.get("schedulerName") if pod else None
    if pod is None or not isinstance(name, str) or name in ("", "default-scheduler"):
        return
    if name.startswith("gke.io/"):
        yield Remove(_spec(pod, "schedulerName"), f"{name} runs in GKE's control plane only")
        return
    yield Flag(
        _spec(pod, "schedulerName"),
        f"These pods wait for the scheduler {name}, and nothing that EKS brings runs under this name.",
        f"Install {name} on EKS before these pods, or take schedulerName out.",
        Severity.REVIEW,
    )


def _gates(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    for at, gate in pod.items("readinessGates") if pod else ():
        kind = gate.get("conditionType")
        if pod and isinstance(kind, str) and _GOOGLE.match(kind):
            yield Remove(
                _spec(pod, "readinessGates") / at,
                f"only a controller of GKE says {kind}; without it the pod never becomes ready",
            )
            if kind != _NEG_READY:
                yield _gone(_spec(pod, "readinessGates"), f"{kind} is no longer a condition of being ready")
    for at, gate in pod.items("schedulingGates") if pod else ():
        name = gate.get("name")
        if pod and isinstance(name, str) and _GOOGLE.match(name):
            yield Remove(_spec(pod, "schedulingGates") / at, f"only a controller of GKE lifts {name}")
            yield _gone(_spec(pod, "schedulingGates"), f"The pods start at once: nothing on EKS would lift {name}")


def _gone(place: Path, said: str) -> Flag:
    return Flag(place, f"{said}.", "Check what it waited for, and whether the pods need that.", Severity.REVIEW)


def _sandbox(obj: Object, _known: Known) -> Iterator[Effect]:
    if obj.ref.kind == "RuntimeClass":
        yield from _runtime_class(obj)
        return
    pod = pod_template(obj)
    if pod and pod.spec.get("runtimeClassName") == _GVISOR:
        yield Flag(
            _spec(pod, "runtimeClassName"),
            "These pods run in gVisor, and no node of EKS has it: they would not start. Without runtimeClassName they "
            "would start on the kernel that all pods share.",
            "Decide how to isolate them: nodes of their own with runsc and a RuntimeClass gvisor, Fargate, or nodes "
            "that nothing else uses. Then waive this finding or set runtimeClassName with an override.",
            Severity.BLOCKER,
        )


def _runtime_class(obj: Object) -> Iterator[Effect]:
    if obj.body.get("handler") == _GVISOR:
        yield Flag(
            P("handler"),
            "The handler gvisor belongs to GKE's sandbox nodes; containerd on EKS nodes does not know it.",
            "Install runsc on nodes of your own, and name its handler here with an override; or leave this object out.",
            Severity.BLOCKER,
        )
    scheduling = obj.body.get("scheduling")
    if not isinstance(scheduling, dict):
        return
    why = "no node on EKS has this label or taint"
    selector, tolerations = scheduling.get("nodeSelector"), scheduling.get("tolerations")
    for key, value in selector.items() if isinstance(selector, dict) else ():
        if isinstance(key, str) and _GOOGLE.match(key):
            yield Remove(P("scheduling", "nodeSelector", key), why)
            if obj.body.get("handler") != _GVISOR:
                yield Flag(
                    P("scheduling", "nodeSelector", key),
                    f"Pods of this class ran on nodes with {key}={value}, which had the handler "
                    f"{obj.body.get('handler')}; now any node may get them, and no node of EKS has it by itself.",
                    "Install the handler on nodes of your own, and name their label here with an override.",
                    Severity.REVIEW,
                )
    for at, one in enumerate(tolerations if isinstance(tolerations, list) else ()):
        if isinstance(one, dict) and isinstance(one.get("key"), str) and _GOOGLE.match(one["key"]):
            yield Remove(P("scheduling", "tolerations", at), why)


def _node(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    name = pod.spec.get("nodeName") if pod else None
    if pod is None or not isinstance(name, str) or not name or _scheduled(obj):
        return
    here = _spec(pod, "nodeName")
    if _GKE_NODE.match(name) or known.find(Ref("", "Node", "", name)) is not None:
        yield Remove(here, f"{name} is a node of the source; a pod for a node that is not there never starts")
        yield Flag(
            here,
            f"These pods were tied to the node {name}; now any node may run them.",
            "Select nodes by a label, if the pods need one like it.",
            Severity.REVIEW,
        )


def _scheduled(obj: Object) -> bool:
    """Tell whether a server gave this pod out: then a scheduler chose the node, and cleaning takes it away unsaid."""
    marks = ("uid", "resourceVersion", "creationTimestamp")
    return obj.ref.kind == "Pod" and ("status" in obj.body or any(obj.metadata.get(mark) for mark in marks))


def _priority(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    name = pod.spec.get("priorityClassName") if pod else None
    if pod is None or not isinstance(name, str) or not name or name in _EVERYWHERE:
        return
    ref = Ref("scheduling.k8s.io", "PriorityClass", "", name)
    if known.migrates(ref) or (known.find(ref) is None and name not in _GKE_PRIORITIES):
        return
    why = f"GKE brings the priority {name}; a pod that names a missing one is refused"
    yield Remove(_spec(pod, "priorityClassName"), why)
    if "priority" in pod.spec:
        yield Remove(_spec(pod, "priority"), why)
    yield Flag(
        _spec(pod, "priorityClassName"),
        f"The priority {name} was GKE's own: on EKS these pods have the default one.",
        "Create a PriorityClass of your own and name it here, if they must not be preempted.",
        Severity.REVIEW,
    )


def _rule(id: str, title: str, **page: Any) -> Rule:
    given = {"area": "scheduling", "severity": Severity.INFO, "kinds": KINDS, **page}
    return Rule(id=id, title=title, change=given.pop("change", "overrides in gke2eks.yaml"), **given)


_OPTIMIZE = "gke.io/optimize-utilization-scheduler"
RULES: tuple[Rule, ...] = (
    _rule(
        "SCH050",
        "Scheduler of GKE → default",
        what="A scheduler that runs in GKE's control plane leaves the pod; others of your own are named.",
        why="A pod whose scheduler does not run waits for ever, and no event says why.",
        docs="https://kubernetes.io/docs/tasks/extend-kubernetes/configure-multiple-schedulers/",
        do="Install schedulers of your own before the pods that name them.",
        effects=_scheduler,
        gke=f"schedulerName: {_OPTIMIZE}",
        eks="removed: the default scheduler",
        example=Example(before={"spec": {"schedulerName": _OPTIMIZE}}, after={"spec": {}}),
    ),
    _rule(
        "SCH051",
        "Gates that only GKE opens, removed",
        what="Readiness gates and scheduling gates with names of Google leave the pod.",
        why="Their controllers run on GKE. A pod with such a gate never becomes ready, or never starts.",
        docs="https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/",
        do="Nothing for load balancers: EKS puts in a gate of its own (SVC013).",
        effects=_gates,
        gke=f"readinessGates: [{{conditionType: {_NEG_READY}}}]",
        eks="removed",
        example=Example(before={"spec": {"readinessGates": [{"conditionType": _NEG_READY}]}}, after={"spec": {}}),
    ),
    _rule(
        "SCH052",
        "gVisor sandbox",
        what="Nothing is taken away: pods that run in gVisor, and RuntimeClasses of it, are named.",
        why="EKS nodes have no gVisor. To drop runtimeClassName would let the pods start with weaker isolation.",
        docs="https://gvisor.dev/docs/user_guide/containerd/quick_start/",
        severity=Severity.BLOCKER,
        kinds=KINDS | {("node.k8s.io", "RuntimeClass")},
        do="Decide how these pods are isolated on EKS.",
        effects=_sandbox,
        gke="runtimeClassName: gvisor",
        eks="unchanged, and blocked until you decide",
        change="overrides and waivers in gke2eks.yaml",
    ),
    _rule(
        "SCH053",
        "Node of the source, removed",
        what="spec.nodeName leaves pods that name a node of the source cluster.",
        why="Names of nodes do not move, and a pod with the name of a missing node is never started.",
        docs="https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename",
        do="Select nodes by a label where the place matters.",
        effects=_node,
        gke="nodeName: gke-prod-default-pool-1818e811-bx1z",
        eks="removed",
        example=Example(before={"spec": {"nodeName": "gke-prod-default-pool-1-x"}}, after={"spec": {}}),
    ),
    _rule(
        "SCH054",
        "Priority of GKE, removed",
        what="A priority class that GKE brings leaves the pod.",
        why="The API server refuses a pod whose priority class does not exist.",
        docs="https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/",
        do="Create a PriorityClass of your own where it matters.",
        effects=_priority,
        gke="priorityClassName: gmp-critical",
        eks="removed",
        example=Example(before={"spec": {"priorityClassName": "gmp-critical"}}, after={"spec": {}}),
    ),
)
