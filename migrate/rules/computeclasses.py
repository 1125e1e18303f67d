"""ComputeClasses: each becomes NodePools in order of priority; what a Namespace gives its pods is said on each pod."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrate.manifest.pods import KINDS, PodTemplate, pod_template
from migrate.model.effects import Cause, Create, Effect, Flag, Fold, Manual, Remove, Set, Severity, Skip
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.rules import Known, Rule
from migrate.semantics import computeclasses
from migrate.semantics.computeclasses import FOR_ALL, FOR_MOST, GOOGLE_LABEL, NODEGROUP_LABEL, NODEPOOL_LABEL
from migrate.semantics.nodepools import nodepools
from migrate.semantics.nodes import Need, meaning

_SPEC = P("spec")
_PRIORITIES, _CONFIG = _SPEC / "priorities", _SPEC / "nodePoolConfig"
_POOL = "cloud.google.com/gke-nodepool"
_BY_HAND = "Say it in the NodePool or in the node class of these nodes, if it matters on EKS."
# Fields that a NodePool says, or that say nothing about nodes.
_TRANSLATED = frozenset({"machineFamily", "machineType", "spot", "minCores", "minMemoryGb", "gpu", "location"})
_TRANSLATED |= {"priorityScore", "maxRunDurationSeconds", "podFamily"}
# What tells choices apart.
_TELLING = ("nodepools", "machineType", "machineFamily", "gpu", "tpu", "spot")
# Field of a priority: what is lost, and what to do.
_LOST: Mapping[str, tuple[str, str]] = {
    "nodepools": (
        "Choice {at} is a node pool made by hand, and no NodePool was made for it.",
        "Give the NodePool that replaces it the label compute-class with the name of this class.",
    ),
    "tpu": (
        "Choice {at} is made of TPUs, which AWS does not have; no NodePool was made for it.",
        "Port the model to GPUs, or to Trainium or Inferentia.",
    ),
    "reservations": (
        "Choice {at} asked for reserved capacity of Google Cloud: its NodePool takes on-demand instances.",
        "Buy Capacity Reservations, select them in the EC2NodeClass, and ask for capacity type reserved.",
    ),
    "flexStart": (
        "Choice {at} waits in a queue for capacity (flex start); its NodePool asks for it at once.",
        "Use Capacity Blocks for ML, if on-demand instances are not to be had.",
    ),
    "storage": (
        "Disks of nodes are no part of a NodePool: the nodes have the disk of their node class.",
        "Set size and type there (blockDeviceMappings of an EC2NodeClass, ephemeralStorage of a NodeClass); for local "
        "SSDs take instances with NVMe.",
    ),
    "nodeSystemConfig": (
        "Kernel and kubelet settings are no part of a NodePool.",
        "Set them in the EC2NodeClass (kubelet, userData); Auto Mode has no place for them.",
    ),
}
# What kept other people from memory and kernel: without it pods run less protected, and nothing tells them.
_GUARDS: Mapping[str, tuple[str, str]] = {
    "confidentialNodeType": (
        "The memory of these nodes was encrypted (confidential nodes); that of their NodePools' nodes is not.",
        "Make nodes with AMD SEV-SNP of your own (launch template, cpu-options; m6a, c6a or r6a), and name them under "
        "scheduling.computeClasses; or waive this finding.",
    ),
    "sandbox": (
        "These nodes ran pods in a sandbox (gVisor), which no node of EKS has.",
        "Decide how to isolate these pods (nodes of their own with runsc, Fargate), or waive this finding.",
    ),
}
_LOST_ABOVE: Mapping[str, tuple[str, str]] = {
    "activeMigration": (
        "Karpenter does not move pods to a better choice once it can be had; it consolidates by price only.",
        "Nothing, unless pods must leave a second choice soon: then let nodes of that NodePool expire early.",
    ),
    "autopilot": (
        "Pods of this class ran in Autopilot mode, on nodes and with checks that Google managed.",
        "Set Pod Security on their namespaces, and look at what they request.",
    ),
}
# Values that ask for nothing.
_OFF: tuple[Any, ...] = (None, False, "", [], {}, {"enabled": False}, {"optimizeRulePriority": False})
_SILENT = frozenset({"priorities", "description", "whenUnsatisfiable", "nodePoolAutoCreation"})
_DONE = {"autoscalingPolicy": {"consolidationDelayMinutes"}, "priorityDefaults": {"location"}}
_DONE["nodePoolConfig"] = {"nodeLabels", "taints"}


def _compute_class(obj: Object, known: Known) -> Iterator[Effect]:
    if not computeclasses.becomes_nodepools(obj, known):
        yield from _by_hand(obj, known)
        return
    pools, said = nodepools(obj, known)
    names = ", ".join(pool.ref.name for pool in pools)
    for pool in pools:
        yield Create(pool, f"ComputeClass {obj.ref.name} lists its choices; Karpenter has a NodePool for each of them")
    yield Fold(pools[0].ref, f"its priorities are NodePools now: {names}")
    yield from _once([*said, *_lost(obj)])
    top = max(pool.body["spec"]["weight"] for pool in pools)
    node_class = "EC2NodeClass default" if known.flavour != "auto" else "NodeClass default, which Auto Mode brings"
    yield Flag(
        _SPEC,
        f"The class becomes {names}, with nodes of {node_class}.",
        "Make sure that it exists, and that its subnets, role and disk suit these nodes.",
        Severity.REVIEW,
    )
    yield Flag(
        _PRIORITIES,
        "A taint of GKE kept other pods off these nodes. On EKS pods that select nothing may get nodes of these "
        "NodePools, too.",
        "Add a taint to these NodePools and its toleration to the pods of the class. A weight of your general NodePool "
        f"above {top} keeps new nodes apart only: free places on nodes that are there stay open to all.",
        Severity.REVIEW,
    )
    if obj.ref.name == "default":
        yield Flag(
            P("metadata", "name"),
            "If the cluster had this class as its default, every pod that named none got it; on EKS none of them does.",
            "Give this NodePool's choices to your general NodePool, too.",
            Severity.REVIEW,
        )
    if known.flavour != "auto" and known.answer("scheduling", "nodes") is None:
        yield Flag(
            _SPEC,
            "Karpenter was taken for what makes the nodes.",
            "With managed node groups say scheduling.nodes: node-groups in gke2eks.yaml.",
            Severity.INFO,
            computeclasses.nodes_question(),
        )


def _once(flags: Iterable[Flag]) -> list[Flag]:
    """What is true of several choices is said at the first."""
    return list({flag.message: flag for flag in reversed(list(flags))}.values())[::-1]


def _by_hand(obj: Object, known: Known) -> Iterator[Effect]:
    target = computeclasses.computeclass_target(known, obj.ref.name)
    if target is not None:
        yield Skip(Cause.RULE, f"{target[1]} takes its place, as scheduling.computeClasses says")
        return
    what = "managed node groups" if computeclasses.makes_nodes(known) == "node-groups" else "a NodePool"
    yield Manual(f"Karpenter cannot make these nodes from what the class says: build {what} for it.")
    yield Flag(
        _PRIORITIES,
        f"Nothing was made for this ComputeClass: {_choices(obj)}.",
        f"Build {what} for its choices, and name it under scheduling.computeClasses in gke2eks.yaml.",
        Severity.REVIEW,
    )


def _choices(obj: Object) -> str:
    listed = obj.spec.get("priorities")
    said = [
        " ".join(key if one[key] is True else f"{key} {_short(one[key])}" for key in _TELLING if one.get(key))
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, Mapping)
    ]
    return "its choices are " + ", then ".join(said) if any(said) else "it says no machine"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("type")
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) < 60 else f"{text[:57]}…"


def _lost(obj: Object) -> Iterator[Flag]:
    """Name each field that no NodePool has."""
    listed = obj.spec.get("priorities")
    for at, one in enumerate(listed if isinstance(listed, list) else ()):
        for key in sorted(map(str, _mapping(one))):
            if key not in _TRANSLATED and _mapping(one).get(key) not in _OFF:
                said, fix = _LOST.get(key, (f"{key} has no form in a NodePool.", _BY_HAND))
                yield Flag(_PRIORITIES / at / key, said.replace("{at}", str(at + 1)), fix, Severity.REVIEW)
    for key in sorted(map(str, obj.spec)):
        value = obj.spec.get(key)
        if key in _SILENT or value in _OFF:
            continue
        if key in _LOST_ABOVE:
            yield Flag(_SPEC / key, *_LOST_ABOVE[key], Severity.REVIEW)
            continue
        for part in sorted(map(str, _mapping(value))) or [""]:
            if part not in _DONE.get(key, ()) and (not part or _mapping(value).get(part)):
                place = _SPEC / key / part if part else _SPEC / key
                said, fix = {**_GUARDS, **_LOST}.get(part, (f"{part or key} has no form in a NodePool.", _BY_HAND))
                yield Flag(place, said, fix, Severity.BLOCKER if part in _GUARDS else Severity.REVIEW)


def _defaults(obj: Object, known: Known) -> Iterator[Effect]:
    if obj.ref.kind == "Namespace":
        for label in (FOR_ALL, FOR_MOST):
            if label in obj.labels:
                here = P("metadata", "labels", label)
                yield Remove(here, "nothing on EKS gives the pods of a namespace their nodes")
                yield Flag(
                    here,
                    f"Pods of this namespace got the ComputeClass {obj.labels[label]}; the workloads that were read "
                    "now select it themselves, and those that come later have to.",
                    "Say it in your templates, or let an admission policy add the nodeSelector.",
                    Severity.REVIEW,
                )
        return
    pod = pod_template(obj)
    name = computeclasses.default_class(obj, known) if pod else ""
    if pod is None or not pod.spec or not name or computeclasses.names_class(pod.spec):
        return
    yield from _select(pod, name, known)


def _select(pod: PodTemplate, name: str, known: Known) -> Iterator[Effect]:
    selector = pod.spec.get("nodeSelector")
    if selector is not None and not isinstance(selector, Mapping):
        return
    mine = _mapping(selector)
    here = Path((*pod.path, "spec", "nodeSelector"))
    meant = meaning(Need(GOOGLE_LABEL, "In", (name,)), known)
    because = f"its namespace gave its pods the ComputeClass {name}; {meant.because or 'EKS has none'}"
    for need in meant.needs:
        own_pool = need.key in (NODEPOOL_LABEL, NODEGROUP_LABEL) and _POOL in mine
        if need.operator == "In" and len(need.values) == 1 and need.key not in mine and not own_pool:
            yield Set(here / need.key, need.values[0], because)
    for remark in meant.remarks:
        place = here / meant.needs[0].key if meant.needs else here
        yield Flag(place, remark.message, remark.fix, remark.severity, remark.question, remark.already)


def _mapping(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}


RULES: tuple[Rule, ...] = (
    Rule(
        id="SCH030",
        title="ComputeClass → NodePools",
        what="A ComputeClass becomes a Karpenter NodePool for each of its priorities, with falling weights.",
        why="EKS has no ComputeClass. Karpenter tries NodePools in the order of their weights, which is a preference "
        "and no strict order, and a NodePool says nothing about disks, kernels and reservations.",
        docs="https://karpenter.sh/docs/concepts/scheduling/#weighted-nodepools",
        area="scheduling",
        severity=Severity.INFO,
        kinds=frozenset({(computeclasses.GROUP, computeclasses.KIND)}),
        do="Read the NodePools, make sure that their node class exists, and keep other pods off them.",
        effects=_compute_class,
        gke="priorities: [{machineFamily: n2, spot: true}, {machineFamily: n2}]",
        eks="NodePool web-1 (weight 2, spot) and web-2 (weight 1, on-demand), nodes labelled compute-class: web",
        change="scheduling.computeClasses, scheduling.instanceTypes and zones in gke2eks.yaml",
    ),
    Rule(
        id="SCH031",
        title="Default ComputeClass of a namespace → nodeSelector",
        what="Workloads that name no ComputeClass select the one that their namespace gave them.",
        why="GKE puts the selector into pods when they are made; the workload's own manifest does not show it.",
        docs="https://cloud.google.com/kubernetes-engine/docs/how-to/default-compute-classes",
        area="scheduling",
        severity=Severity.INFO,
        kinds=KINDS | {("", "Namespace")},
        do="Say it in templates of workloads that come later.",
        effects=_defaults,
        gke=f"Namespace label {FOR_ALL}: web",
        eks="nodeSelector: {compute-class: web} in each workload",
        change="scheduling.computeClasses in gke2eks.yaml",
    ),
)
