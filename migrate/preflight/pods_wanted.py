"""The pods that a plan wants on the target: of each workload, how many, how many at most, and what one asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrate.manifest.places import get
from migrate.manifest.pods import pod_template
from migrate.model.checks import Seen
from migrate.model.objects import Body, Object
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.after import After, after, items, mapping
from migrate.preflight.limit_ranges import Limit, filled, limits_of
from migrate.preflight.requests import defaulted
from migrate.semantics.going import Going
from migrate.semantics.holding import SCALED, kind_of
from migrate.semantics.holding_scaling import HPA, number, target_of
from migrate.semantics.running import WORKLOADS

_MOST = {("autoscaling", HPA): ("maxReplicas", 1), ("keda.sh", "ScaledObject"): ("maxReplicaCount", 100)}
_SURGE = P("spec", "strategy", "rollingUpdate", "maxSurge")
_DAEMON_SURGE = P("spec", "updateStrategy", "rollingUpdate", "maxSurge")
# What the controller of DaemonSets adds to the tolerations of their pods, (key, effect).
_DAEMON_TOLERATES = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Pods of one workload. `spec` is one pod's as the server will have it, LimitRanges and RuntimeClass included.

    `count` are there after release, `here` of them are on the target already; `most` if its autoscaler goes up all
    the way; `surge` more while it is updated. `everywhere`: one on each node that takes it (a DaemonSet; its `count`
    is 0). `passing`: they end (a Job; one run of a CronJob). `raw` is the spec before a LimitRange filled it in.
    """

    ref: Ref
    spec: Body
    raw: Body
    labels: Body
    count: int
    most: int
    here: int = 0
    surge: int = 0
    everywhere: bool = False
    passing: bool = False
    held: bool = False

    @property
    def new(self) -> int:
        """The pods that come to what is there now."""
        return max(self.count - self.here, 0)


def pods_wanted(going: Going, seen: Seen) -> tuple[Wanted, ...]:
    """All pods of what goes, sorted by workload. What is held counts as it will be after release."""
    limits = limit_ranges(after(going, seen, "", "LimitRange"))
    classes = after(going, seen, "node.k8s.io", "RuntimeClass")
    priority = _global_priority(after(going, seen, "scheduling.k8s.io", "PriorityClass").bodies.values())
    most = _most(going.bodies.values())
    found = []
    for ref, body in sorted(going.bodies.items()):
        pod = pod_template(Object(ref, body)) if (ref.group, ref.kind) in WORKLOADS else None
        if pod is None:
            continue
        spec = defaulted(pod.spec)
        spec = _with_class(spec, classes)
        if priority and not spec.get("priorityClassName"):
            spec["priorityClassName"] = priority
        if ref.kind == "DaemonSet":
            spec = daemon_spec(spec)
        if ref.kind in ("Job", "CronJob"):
            spec.setdefault("restartPolicy", "Never")
        one = Wanted(ref, filled(spec, limits.get(ref.namespace, ())), spec, pod.labels, 0, 0, held=ref in going.held)
        found.append(_counted(one, body, going, seen, most.get(ref)))
    return tuple(found)


def limit_ranges(seen: After) -> dict[str, list[Limit]]:
    """The limits of each namespace."""
    found: dict[str, list[Limit]] = {}
    for ref, body in sorted(seen.bodies.items()):
        found.setdefault(ref.namespace, []).extend(limits_of(ref.name, body))
    return found


def _counted(one: Wanted, body: Body, going: Going, seen: Seen, most: int | None) -> Wanted:
    ref = one.ref
    live = mapping(seen.of(ref.group, ref.kind).bodies.get(ref))
    spec, status = mapping(body.get("spec")), mapping(live.get("status"))
    if kind_of(body) in SCALED:
        planned, there = number(spec.get("replicas"), 1), number(get(live, P("spec", "replicas")), 0)
        scaler = going.scalers.get(ref)
        if scaler is None:
            count = planned
        elif planned == 0 and not scaler.wakes:
            count = there  # 0 turns an HPA off, and it stays off
        else:
            count = max(planned, there, scaler.smallest)
        top = max(count, most or 0) if scaler and count else count
        surge = _part(get(body, _SURGE), count, 25) if ref.kind == "Deployment" and _rolls(spec) else 0
        return replace(one, count=count, most=top, surge=surge, here=number(status.get("replicas"), 0))
    if ref.kind == "DaemonSet":
        return replace(one, everywhere=True, surge=_part(get(body, _DAEMON_SURGE), 1, 0))
    if ref.kind == "Pod":
        return replace(one, count=1, most=1, here=int(bool(live)))
    job = mapping(get(body, P("spec", "jobTemplate", "spec"))) if ref.kind == "CronJob" else spec
    count = 0 if spec.get("suspend") is True or job.get("suspend") is True else _at_once(job)
    if ref.kind == "CronJob":
        return replace(one, count=count, most=count, passing=True)
    ended = any(
        each.get("type") in ("Complete", "Failed") and each.get("status") == "True"
        for each in items(status.get("conditions"))
    )
    here = count if ended else number(status.get("active"), 0)
    return replace(one, count=count, most=count, here=here, passing=True)


def _at_once(job: Body) -> int:
    parallel = number(job.get("parallelism"), 1)
    return min(parallel, number(job.get("completions"), parallel))


def _rolls(spec: Body) -> bool:
    return str(mapping(spec.get("strategy")).get("type", "RollingUpdate")) == "RollingUpdate"


def _part(said: Any, count: int, default: int) -> int:
    """A number, or so many per cent of `count`, rounded up; `default` is per cent."""
    if isinstance(said, int) and not isinstance(said, bool):
        return said
    text = said.removesuffix("%") if isinstance(said, str) else ""
    share = int(text) if text.isdecimal() and len(text) < 5 else default
    return -(-count * share // 100)


def _most(bodies: Iterable[Body]) -> Mapping[Ref, int]:
    found: dict[Ref, int] = {}
    for body in bodies:
        target = target_of(body)
        if target:
            field, default = _MOST[kind_of(body)]
            top = number(get(body, P("spec", field)), default)
            found[Ref(*target)] = max(found.get(Ref(*target), 0), top)
    return found


def _with_class(spec: dict[str, Any], classes: After) -> dict[str, Any]:
    """What a RuntimeClass adds to its pods when they are created: overhead, a node selector, tolerations."""
    name = spec.get("runtimeClassName")
    body = mapping(classes.bodies.get(Ref("node.k8s.io", "RuntimeClass", "", str(name)))) if name else {}
    where = mapping(body.get("scheduling"))
    over = mapping(mapping(body.get("overhead")).get("podFixed"))
    found = {**spec, "overhead": over} if over else spec
    if where.get("nodeSelector"):
        found = {**found, "nodeSelector": {**mapping(spec.get("nodeSelector")), **mapping(where["nodeSelector"])}}
    if where.get("tolerations"):
        found = {**found, "tolerations": [*items(spec.get("tolerations")), *items(where["tolerations"])]}
    return found


def daemon_spec(spec: Body) -> dict[str, Any]:
    """The spec of a DaemonSet's pod as its controller writes it."""
    pairs = [*_DAEMON_TOLERATES]
    if spec.get("hostNetwork") is True:
        pairs.append(("node.kubernetes.io/network-unavailable", "NoSchedule"))
    more = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in pairs]
    return {**spec, "tolerations": [*items(spec.get("tolerations")), *more]}


def _global_priority(bodies: Iterable[Body]) -> str:
    """The class of pods that name none: of several global ones the server takes that with the lowest value."""
    every = [body for body in bodies if body.get("globalDefault") is True]
    found = [(number(body.get("value"), 0), str(get(body, P("metadata", "name")))) for body in every]
    return min(found)[1] if found else ""
