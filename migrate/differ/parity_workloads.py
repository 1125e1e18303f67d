"""Runtime parity of what runs pods: replicas that are wanted and ready, restarts and crash loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate.differ.parity_around import HPA, POD, Around
from migrate.differ.parity_words import HELD, Check, Sides, Verdict, count_of, not_listed, was_seen
from migrate.model.objects import Body
from migrate.semantics.holding import inert
from migrate.semantics.readiness import Failed, Ready, Waiting, readiness, reasons
from migrate.semantics.readiness_words import SEEN, as_list, as_map, count, one_line, spec, status

_LOOPS = "CrashLoopBackOff"
_SHOWN_LOOPS = 3


def live_pods(side: Around) -> tuple[Body, ...]:
    """Pods that are to stay: not those that are being deleted, and not those that ran to their end."""
    return tuple(
        pod
        for pod in side.pods
        if not as_map(pod.get("metadata")).get("deletionTimestamp")
        and status(pod).get("phase") not in ("Succeeded", "Failed")
    )


def pods_unseen(side: Around) -> bool:
    """Tell whether the status counts pods of which none was read: as in a snapshot of chosen kinds."""
    return not side.pods and side.body is not None and _made(side.body) > 0


def _replicas_shown(side: Around) -> str:
    assert side.body is not None
    return f"{_ready(side.body)} of {_wanted(side.body)} ready"


def _replicas(sides: Sides) -> Verdict:
    here = sides.here
    if sides.is_held:
        return _held(here)
    found, wanted = readiness(here), _wanted(here)
    if isinstance(found, Failed):
        return False, f"{found.reason}{_because(sides.target)}{_as_there(sides)}"
    asked = _asked(sides)
    if asked is not None and asked != wanted:
        whose = f"{sides.on_source} there are" if sides.planned is None else "the plan says"
        unread = not_listed(sides.target, (HPA,))
        perhaps = f"; whether an autoscaler did so is not known ({unread})" if unread else ""
        return None if unread else False, f"{wanted} wanted, {whose} {asked}{perhaps}"
    if isinstance(found, Waiting):
        ok = None if found.reason == SEEN else False
        return ok, f"waits for {found.reason}{_because(sides.target)}{_as_there(sides)}"
    if found.inert:
        return _inert(sides, found.inert)
    return True, found.note


def _held(here: Body) -> Verdict:
    """The mark alone starts and stops nothing: somebody may have scaled what is held."""
    if not inert(here):
        return False, f"{HELD}, but somebody started it: {_wanted(here)} wanted"
    left = _made(here)
    return (None, f"{HELD}, but {count_of(left, 'pod')} still to end") if left else (True, HELD)


def _inert(sides: Sides, why: str) -> Verdict:
    """Ready, and yet nothing runs: as planned unless pods ran on the source."""
    ran = was_seen(sides.source) and _ready(sides.there) > 0
    if not ran or (sides.planned is not None and _asked(sides) == 0):
        return True, why
    # A node may still come for a DaemonSet, and a scaler may still wake what it put to sleep.
    return None, f"{why}; {count_of(_ready(sides.there), 'pod')} ran {sides.on_source}"


def _asked(sides: Sides) -> int | None:
    """How many replicas are to be; None where nodes or an autoscaler say so, or nobody does."""
    if sides.ref.kind == "DaemonSet" or sides.target.scalers or sides.source.scalers:
        return None
    if sides.planned is not None:
        # A plan without the field leaves it to whoever set it.
        return _wanted(sides.planned) if "replicas" in spec(sides.planned) else None
    return _wanted(sides.there) if was_seen(sides.source) else None


def _as_there(sides: Sides) -> str:
    if not was_seen(sides.source) or isinstance(readiness(sides.there), Ready):
        return ""
    return f"; {sides.on_source} {_replicas_shown(sides.source)}, too"


def _because(side: Around) -> str:
    """The first reason of its pods; the readiness of the house quotes no program."""
    said = reasons(live_pods(side))
    return f" ({said[0]})" if said else ""


def _wanted(body: Body) -> int:
    if body.get("kind") == "DaemonSet":
        return count(status(body), "desiredNumberScheduled")
    return count(spec(body), "replicas", 1)


def _ready(body: Body) -> int:
    return count(status(body), "numberReady" if body.get("kind") == "DaemonSet" else "readyReplicas")


def _made(body: Body) -> int:
    return count(status(body), "currentNumberScheduled" if body.get("kind") == "DaemonSet" else "replicas")


def _phase(side: Around) -> str:
    assert side.body is not None
    return str(status(side.body).get("phase") or "Unknown")


def _pod_ready(sides: Sides) -> Verdict:
    if sides.is_held:
        return True, HELD
    found = readiness(sides.here)
    if isinstance(found, Ready):
        return True, found.inert
    reason = f"waits for {found.reason}" if isinstance(found, Waiting) else found.reason
    return False, reason


@dataclass(frozen=True, slots=True)
class _Container:
    """A container of a pod that runs: where it is, how often it was started again, how it ended the last time."""

    name: str
    restarts: int
    loops: bool
    ending: str


def _containers(side: Around) -> Iterator[_Container]:
    for pod in live_pods(side):
        where = as_map(pod.get("metadata")).get("name")
        for key in ("initContainerStatuses", "containerStatuses"):
            for said in as_list(status(pod).get(key)):
                one = as_map(said)
                loops = as_map(as_map(one.get("state")).get("waiting")).get("reason") == _LOOPS
                ended = as_map(as_map(one.get("lastState")).get("terminated"))
                # Never its message: that may be a line of a log.
                ending = f"{ended.get('reason') or 'Error'}, exit code {ended.get('exitCode')}" if ended else ""
                yield _Container(f"{where}/{one.get('name')}", count(one, "restartCount"), loops, one_line(ending))


def _restarts_shown(side: Around) -> int | None:
    return None if pods_unseen(side) else sum(one.restarts for one in _containers(side))


def _restarts(sides: Sides) -> Verdict:
    """More restarts than on the source count against the target, whose pods are the younger ones."""
    if sides.is_held:
        return None, f"{HELD}: nothing runs yet"
    if pods_unseen(sides.target):
        return None, "the target counts its pods and shows none"
    found = sorted(_containers(sides.target), key=lambda one: (-one.restarts, one.name))
    loops = [one for one in found if one.loops]
    if loops:
        more = f" and {len(loops) - _SHOWN_LOOPS} more" if len(loops) > _SHOWN_LOOPS else ""
        return False, f"crash loop: {', '.join(map(_said, loops[:_SHOWN_LOOPS]))}{more}{_loops_there(sides)}"
    total = sum(one.restarts for one in found)
    if total == 0:
        return True, ""
    worst = f"the worst is {_said(found[0])}"
    known = was_seen(sides.source) and not not_listed(sides.source, (POD,))
    before = _restarts_shown(sides.source) if known else None
    if before is None:
        return None, f"{worst}; how many there were on the source is not known"
    return total <= before, worst if total <= before else f"{worst}; {before} {sides.on_source}"


def _loops_there(sides: Sides) -> str:
    return f"; so it does {sides.on_source}" if any(one.loops for one in _containers(sides.source)) else ""


def _said(one: _Container) -> str:
    tail = f", last {one.ending}" if one.ending else ""
    return f"{one.name} ({count_of(one.restarts, 'restart')}{tail})"


REPLICAS = Check("replicas", _replicas_shown, _replicas)
POD_READY = Check("ready", _phase, _pod_ready)
RESTARTS = Check("restarts", _restarts_shown, _restarts, needs=(POD,))
