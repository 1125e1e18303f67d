"""NodePools of Karpenter for the priorities of a ComputeClass: what each field says there, and what has no form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.effects import Flag, Question, Severity
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Known
from migrate.semantics.computeclasses import LABEL, usable
from migrate.semantics.nodes import Need, meaning
from migrate.semantics.nodevalues import Remark
from migrate.semantics.staticvolumes import ZONE_KEY

# GKE's labels for what a priority says, as a pod would select it.
_TYPE, _FAMILY = "node.kubernetes.io/instance-type", "cloud.google.com/machine-family"
_ACCELERATOR = "cloud.google.com/gke-accelerator"
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?\Z")
# Domains whose labels a NodePool may not set, or that mean something on Google's nodes only.
_OWN_DOMAINS = re.compile(
    r"([a-z0-9-]+\.)*(karpenter\.sh|karpenter\.k8s\.aws|eks\.amazonaws\.com|gke\.io|cloud\.google\.com)/|kubernetes\.io/"
)
# EC2 families with Graviton processors: a `g` after the generation (m8g, c7gn, t4g, g5g), and is4gen.
_GRAVITON = re.compile(r"[a-z]+[0-9]+g")
_ACCELERATED = re.compile(r"(g|p)[0-9]")
_GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
_NODE_CLASS: Mapping[str, Mapping[str, str]] = {
    "standard": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
    "auto": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"},
}
# The highest weight that a NodePool may have is 100.
_MOST = 99
_DOMAIN = {"standard": "karpenter.k8s.aws", "auto": "eks.amazonaws.com"}


@dataclass(slots=True)
class _Wish:
    """One priority on its way to a NodePool."""

    place: Path
    requirements: list[dict[str, Any]] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    accelerated: bool = False

    def need(self, key: str, operator: str, *values: str) -> None:
        self.requirements.append(_need(key, operator, *values))

    def want(self, key: str, value: str, *where: str, known: Known) -> bool:
        """Ask for nodes with this label of GKE. False when nothing on EKS says it."""
        meant = meaning(Need(key, "In", (value,)), known)
        for one in meant.needs:
            self.need(one.key, one.operator, *one.values)
        self.flags += [_flag(Path((*self.place, *where)), remark) for remark in meant.remarks]
        return bool(meant.needs)

    def say(self, *where: str, message: str, fix: str) -> None:
        self.flags.append(Flag(Path((*self.place, *where)), message, fix, Severity.REVIEW))


def _need(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


def _flag(place: Path, remark: Remark) -> Flag:
    return Flag(place, remark.message, remark.fix, remark.severity, remark.question, remark.already)


def nodepools(obj: Object, known: Known) -> tuple[list[Object], list[Flag]]:
    """Translate a ComputeClass: its NodePools, first choice first, and what is to be said about its priorities."""
    defaults = _mapping(obj.spec.get("priorityDefaults"))
    rest = _shared(obj)
    anything = obj.spec.get("whenUnsatisfiable") == "ScaleUpAnyway"
    ranks = _ranks([one for _, one in usable(obj)], int(anything))
    made: list[Object] = []
    flags: list[Flag] = []
    for (at, one), rank in zip(usable(obj), ranks, strict=True):
        wish = _Wish(P("spec", "priorities", at))
        _machine(wish, one, known)
        _place(wish, one, defaults, known)
        lives = _seconds(one.get("maxRunDurationSeconds"))
        made.append(_pool(obj, known, f"{at + 1}", rank, wish, rest, {"expireAfter": f"{lives}s"} if lives else {}))
        flags += wish.flags
    if anything:
        wish = _Wish(P("spec", "whenUnsatisfiable"))
        _general(wish, known)
        wish.need("karpenter.sh/capacity-type", "In", "on-demand")
        made.append(_pool(obj, known, "any", 1, wish, rest, {}))
    return made, flags


def _ranks(priorities: list[Body], below: int) -> list[int]:
    """Weights from the bottom up, above `below`: low ones, so that a general NodePool can stand above them all."""
    scores = [one.get("priorityScore") for one in priorities]
    numbers = [score for score in scores if type(score) is int]
    if numbers and len(numbers) == len(scores):
        order = sorted(set(numbers))
        return [min(order.index(score) + 1 + below, _MOST) for score in numbers]
    return [min(len(priorities) - at + below, _MOST) for at in range(len(priorities))]


def _machine(wish: _Wish, one: Body, known: Known) -> None:
    domain = _DOMAIN[known.flavour]
    kind, family, gpu = one.get("machineType"), one.get("machineFamily"), _mapping(one.get("gpu"))
    if gpu:
        _gpu(wish, gpu, domain, known)
        for name in ("machineType", "machineFamily"):
            if one.get(name):
                wish.say(
                    name,
                    message=f"On EC2 the GPU decides which instances there are, so {one[name]} was left out.",
                    fix="Look at vCPU and memory of these instances; name instance types in the NodePool if needed.",
                )
    elif isinstance(kind, str) and kind:
        if not wish.want(_TYPE, kind, "machineType", known=known):
            _unheard_of(wish, kind, known)
    elif not (isinstance(family, str) and family and wish.want(_FAMILY, family, "machineFamily", known=known)):
        _general(wish, known)
    chosen = [value for need in wish.requirements for value in need["values"]]
    if not any(need["key"] == "kubernetes.io/arch" for need in wish.requirements):
        # What no table knows yet is taken to be what GKE makes when nothing is said.
        arm = bool(chosen) and all(map(_GRAVITON.match, chosen))
        wish.requirements.insert(0, _need("kubernetes.io/arch", "In", "arm64" if arm else "amd64"))
    wish.accelerated = bool(gpu) or any(map(_ACCELERATED.match, chosen))
    wish.need("karpenter.sh/capacity-type", "In", "spot" if one.get("spot") is True else "on-demand")
    cores, memory = one.get("minCores"), one.get("minMemoryGb")
    if not kind:
        if type(cores) is int and cores > 0:
            wish.need(f"{domain}/instance-cpu", "Gt", str(cores - 1))
        if type(memory) is int and memory > 0:
            wish.need(f"{domain}/instance-memory", "Gt", str(memory * 1024 - 1))


def _unheard_of(wish: _Wish, kind: str, known: Known) -> None:
    """Ask about a machine type that has not the form of one."""
    question = Question(
        key=("scheduling", "instanceTypes", kind),
        group="scheduling.instanceTypes",
        title="Which EC2 instance type takes the place of each machine type?",
        until="Pods that ask for the machine type are never scheduled.",
        example="m7i.xlarge",
    )
    answer = known.answer(*question.key)
    wish.need(_TYPE, "In", answer if isinstance(answer, str) else f"UNDECIDED: {question.name}")
    if not isinstance(answer, str):
        wish.flags.append(
            Flag(
                Path((*wish.place, "machineType")),
                f"{kind} is no machine type of Google Cloud, and no EC2 instance type is named for it.",
                "Name it under scheduling.instanceTypes in gke2eks.yaml.",
                Severity.DECIDE,
                question,
                already=True,
            )
        )


def _general(wish: _Wish, known: Known) -> None:
    """Machines of every day: what Auto Mode's own general-purpose pool takes."""
    wish.need("kubernetes.io/arch", "In", "amd64")
    wish.need(f"{_DOMAIN[known.flavour]}/instance-category", "In", "c", "m", "r")
    wish.need(f"{_DOMAIN[known.flavour]}/instance-generation", "Gt", "4")


def _gpu(wish: _Wish, gpu: Body, domain: str, known: Known) -> None:
    name, count = gpu.get("type"), gpu.get("count")
    if isinstance(name, str) and name:
        wish.want(_ACCELERATOR, name, "gpu", "type", known=known)
    else:
        wish.need(f"{domain}/instance-gpu-manufacturer", "In", "nvidia")
    if type(count) is int and count > 0:
        wish.need(f"{domain}/instance-gpu-count", "Gt", str(count - 1))


def _place(wish: _Wish, one: Body, defaults: Body, known: Known) -> None:
    mine = _mapping(one.get("location"))
    zones = _list(mine.get("zones")) or _list(_mapping(defaults.get("location")).get("zones"))
    place = Path((*(wish.place if mine.get("zones") else P("spec", "priorityDefaults")), "location", "zones"))
    found: list[str] = []
    for at, name in enumerate(zones):
        if isinstance(name, str) and name:
            meant = meaning(Need(ZONE_KEY, "In", (name,)), known)
            found += meant.needs[0].values if meant.needs else (name,)
            wish.flags += [_flag(place / at, remark) for remark in meant.remarks]
    if found:
        wish.need(ZONE_KEY, "In", *dict.fromkeys(found))


def _shared(obj: Object) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Labels and taints that every node of the class has, without those of Google."""
    config = _mapping(obj.spec.get("nodePoolConfig"))
    labels = {
        key: value
        for key, value in _mapping(config.get("nodeLabels")).items()
        if isinstance(key, str) and isinstance(value, str) and _LABEL_VALUE.match(value) and not _OWN_DOMAINS.match(key)
    }
    taints = [
        # An empty value is none; Karpenter's definition refuses it where Kubernetes does not.
        {name: one[name] for name in ("key", "value", "effect") if isinstance(one.get(name), str) and one[name]}
        for one in map(_mapping, _list(config.get("taints")))
        if isinstance(one.get("key"), str) and isinstance(one.get("effect"), str) and not _OWN_DOMAINS.match(one["key"])
    ]
    return {**labels, LABEL: obj.ref.name}, taints


def _pool(
    obj: Object,
    known: Known,
    suffix: str,
    weight: int,
    wish: _Wish,
    shared: tuple[dict[str, str], list[dict[str, Any]]],
    more: Body,
) -> Object:
    name = f"{obj.ref.name[:59]}-{suffix}".lower()
    taints = [*shared[1], *([dict(_GPU_TAINT)] if wish.accelerated else [])]
    spec: dict[str, Any] = {
        "template": {
            "metadata": {"labels": shared[0]},
            "spec": {
                "nodeClassRef": dict(_NODE_CLASS[known.flavour]),
                **({"taints": taints} if taints else {}),
                "requirements": wish.requirements,
                **more,
            },
        },
        "weight": weight,
    }
    delay = _mapping(obj.spec.get("autoscalingPolicy")).get("consolidationDelayMinutes")
    if type(delay) is int and delay > 0:
        spec["disruption"] = {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": f"{delay}m"}
    body = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name}, "spec": spec}
    return Object(Ref("karpenter.sh", "NodePool", "", name), body)


def _seconds(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _mapping(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
