"""Runtime parity: what runs for one object, source and target side by side. Pure; `around` gathers the neighbours.

Statuses are those of the built-in controllers as real ones write them (tests/cluster/test_parity_real.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate.differ import parity_others as others
from migrate.differ import parity_services as services
from migrate.differ import parity_workloads as workloads
from migrate.differ.parity_around import Around, Neighbours, around
from migrate.differ.parity_images import images
from migrate.differ.parity_words import Check, Sides, Verdict, not_listed, was_seen
from migrate.model.comparison import Parity
from migrate.model.objects import Body
from migrate.model.ref import Ref

__all__ = ["KINDS", "Around", "Neighbours", "around", "parity"]

_PODS = (workloads.REPLICAS, workloads.RESTARTS)
_CHECKS: dict[tuple[str, str], tuple[Check, ...]] = {
    ("", "PersistentVolumeClaim"): (others.BOUND, others.SIZE),
    ("", "Pod"): (workloads.POD_READY, workloads.RESTARTS),
    ("", "ReplicationController"): _PODS,
    ("", "Service"): (services.ENDPOINTS_READY, services.ADDRESS),
    ("apps", "DaemonSet"): _PODS,
    ("apps", "Deployment"): _PODS,
    ("apps", "ReplicaSet"): _PODS,
    ("apps", "StatefulSet"): _PODS,
    ("autoscaling", "HorizontalPodAutoscaler"): (others.METRICS,),
    ("batch", "CronJob"): (others.SUSPENDED, others.LAST_SCHEDULE),
    ("batch", "Job"): (others.COMPLETION,),
    ("gateway.networking.k8s.io", "Gateway"): (services.ADDRESS,),
    ("networking.k8s.io", "Ingress"): (services.ADDRESS,),
}
KINDS = frozenset(_CHECKS)
_MORE: dict[tuple[str, str], Callable[[Sides], Iterator[Check]]] = dict.fromkeys(
    (kind for kind, checks in _CHECKS.items() if workloads.RESTARTS in checks), images
)
_NOBODY = Around(why="nobody looked")


def parity(
    ref: Ref, source: Around | None, target: Around | None, *, planned: Body | None = None, held: bool = False
) -> Iterator[Parity]:
    """Compare what runs: one Parity per check of its kind; a kind that runs nothing has none.

    ref      of the target; `source` may be of another name, as the plan renames and folds
    source   and target: `Neighbours.of`; None for a side that nobody could read
    planned  the planned object: what it changes on purpose is not broken
    held     the plan holds it, so that one that is made at release only is not missing before

    `source` and `target` of a Parity are texts, numbers or booleans to print, None where a side says nothing.
    `ok` is about the target: False also where the source is no better, which the message then says. None: nobody can
    know, or not yet; the message says why. (ref, check) is unique.
    """
    sides = Sides(ref, source or _NOBODY, target or _NOBODY, planned, held)
    kind = (ref.group, ref.kind)
    checks = [one for one in _CHECKS.get(kind, ()) if one.applies(sides)]
    if kind in _MORE and sides.target.body is not None:
        checks += _MORE[kind](sides)
    if sides.target.body is None:
        checks = checks[:1]  # an object that is not there is said once
    for check in checks:
        ok, message = _verdict(sides, check)
        yield Parity(ref, check.name, _shown(sides.source, check), _shown(sides.target, check), ok, message)


def _verdict(sides: Sides, check: Check) -> Verdict:
    target = sides.target
    if target.why:
        return None, target.why
    if target.body is None:
        return (True, "made at release only") if sides.held else (False, "it is not on the target")
    if not was_seen(target):
        return None, "it has no status on the target"
    unread = not_listed(target, check.needs)
    return (None, unread) if unread else check.judge(sides)


def _shown(side: Around, check: Check) -> object:
    if side.why or not was_seen(side) or not_listed(side, check.needs):
        return None
    return check.shown(side)
