"""Runtime parity of claims, CronJobs, Jobs and autoscalers."""

from __future__ import annotations

from typing import Any

from migrate.differ.parity_around import CLASS, JOB, VOLUME, Around
from migrate.differ.parity_words import HELD, Check, Sides, Verdict, count_of, not_listed, was_seen
from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.semantics.holding import State, state
from migrate.semantics.quantities import quantity
from migrate.semantics.readiness import Failed, Ready, first_pod, readiness
from migrate.semantics.readiness_words import as_list, as_map, conditions, count, is_false, is_true, spec, status, why

_ASKED = P("spec", "resources", "requests", "storage")
_CAPACITY = P("status", "capacity", "storage")
_OFF = "ScalingDisabled"


def _phase(side: Around) -> Any:
    return status(side.body or {}).get("phase")


def _bound(sides: Sides) -> Verdict:
    target, here = sides.target, sides.here
    if status(here).get("phase") == "Bound":
        return _volume(target)
    waits = first_pod(here, target.storage_class, list(target.pods))
    found = readiness(here, claim_waits=waits)
    if isinstance(found, Ready):
        return None, "its volume is made with its first pod"
    unknown = spec(here).get("storageClassName") and target.storage_class is None and not_listed(target, (CLASS,))
    if unknown and not isinstance(found, Failed):
        return None, f"waits for {found.reason}; whether it waits for its first pod is not known ({unknown})"
    reason = found.reason if isinstance(found, Failed) else f"waits for {found.reason}"
    source = f"; bound {sides.on_source}" if _phase(sides.source) == "Bound" else ""
    return False, f"{reason}{source}"


def _volume(target: Around) -> Verdict:
    name = spec(target.body or {}).get("volumeName")
    if target.volume is not None:
        found = readiness(target.volume)
        return (False, found.reason) if isinstance(found, Failed) else (True, f"volume {name}")
    return True, f"volume {name}" if name and not not_listed(target, (VOLUME,)) else ""


def _size_shown(side: Around) -> Any:
    found = get(side.body, _CAPACITY)
    return found if isinstance(found, str) else None


def _size(sides: Sides) -> Verdict:
    has, asked = get(sides.here, _CAPACITY), get(sides.plan, _ASKED)
    if not has:
        return None, "it has no volume yet"
    size, wanted = quantity(has), quantity(asked)
    if size is None or wanted is None:
        return None, "its size cannot be read"
    if size < wanted:
        grows = next((why(one) for word, one in conditions(status(sides.here)).items() if "Resiz" in word), "")
        return False, f"{has}, smaller than the {asked} that are asked for{f' ({grows})' if grows else ''}"
    return True, ""


def _is_suspended(body: Body) -> bool:
    return spec(body).get("suspend") is True


def _suspended_shown(side: Around) -> str:
    return "suspended" if _is_suspended(side.body or {}) else "runs"


def _suspended(sides: Sides) -> Verdict:
    here = _is_suspended(sides.here)
    if sides.planned is not None:
        asked, whose = _is_suspended(sides.planned), "by the plan"
    elif was_seen(sides.source):
        asked, whose = _is_suspended(sides.there), sides.on_source
    else:
        return None, "nothing to compare with: no plan, and the source was not seen"
    if here == asked:
        return True, ""
    return False, f"suspended, but not {whose}" if here else f"it runs, but is suspended {whose}"


def _schedule_shown(side: Around) -> Any:
    return status(side.body or {}).get("lastScheduleTime")


def _scheduled(sides: Sides) -> Verdict:
    """How its newest Job ended. Without a clock nobody can say whether a run is late."""
    if _schedule_shown(sides.target) is None:
        return None, "suspended: no run yet" if _is_suspended(sides.here) else "its first run is still to come"
    unread = not_listed(sides.target, (JOB,))
    if unread:
        return None, f"it was scheduled; how its Jobs end is not known ({unread})"
    ended = [one for one in sides.target.jobs if isinstance(readiness(one), Failed) or _is_complete(one)]
    last = max(ended, key=lambda one: (str(status(one).get("startTime") or ""), _named(one)), default=None)
    found = readiness(last) if last is not None else Ready()
    if isinstance(found, Failed) and last is not None:
        return False, f"Job/{_named(last)}: {found.reason}"
    return True, "" if ended or not sides.target.jobs else "its first Job runs"


def _is_complete(job: Body) -> bool:
    return is_true(conditions(status(job)).get("Complete"))


def _named(body: Body) -> str:
    return str(as_map(body.get("metadata")).get("name"))


def _job_shown(side: Around) -> str:
    job = side.body or {}
    if _is_complete(job):
        return "complete"
    if isinstance(readiness(job), Failed):
        return "failed"
    return "suspended" if _is_suspended(job) else f"{count(status(job), 'active')} active"


def _completion(sides: Sides) -> Verdict:
    here = sides.here
    if sides.is_held:
        return True, HELD
    found = readiness(here)
    if isinstance(found, Failed):
        there = "; so it did on the source" if was_seen(sides.source) and _job_shown(sides.source) == "failed" else ""
        return False, f"{found.reason}{there}"
    if isinstance(found, Ready):
        if found.inert and not _is_suspended(sides.plan):
            return False, f"{found.inert}, but not by the plan"
        return True, found.inert
    failed = count(status(here), "failed")
    return None, f"not done yet; {count_of(failed, 'pod')} failed" if failed else "not done yet"


def _metrics_shown(side: Around) -> str | None:
    now = status(side.body or {})
    active = conditions(now).get("ScalingActive")
    if active is None:
        return None
    if active.get("reason") == _OFF:
        return "off"
    return f"{_figures(now)} of {len(as_list(spec(side.body or {}).get('metrics')))} metrics"


def _figures(now: Body) -> int:
    """Metrics with a value. Real controllers write an empty one, {'type': ''}, for each that they cannot read."""
    return sum(1 for one in map(as_map, as_list(now.get("currentMetrics"))) if one.get("type"))


def _metrics(sides: Sides) -> Verdict:
    now, target = status(sides.here), sides.target.target
    found = conditions(now)
    if not found:
        return None, "its controller has not looked yet"
    if is_false(found.get("AbleToScale")):
        return False, f"its target cannot be scaled ({why(found['AbleToScale'])})"
    active = found.get("ScalingActive")
    if active is None:
        return None, "its controller has not asked for figures yet"
    if active.get("reason") == _OFF:
        if target is not None and state(target) is State.HELD:
            return True, f"{HELD}: its target has 0 replicas"
        off = _metrics_shown(sides.source) == "off"
        return (True, f"off, as {sides.on_source}") if off else (None, "off: its target has 0 replicas")
    if not is_true(active):
        there = conditions(status(sides.there)).get("ScalingActive")
        too = f"; {sides.on_source} neither" if is_false(there) else ""
        return False, f"no figures flow ({why(active)}){too}"
    asked, has = len(as_list(spec(sides.here).get("metrics"))), _figures(now)
    return (True, "") if has >= asked else (False, f"figures for {has} of {count_of(asked, 'metric')} only")


BOUND = Check("bound", _phase, _bound)
SIZE = Check("size", _size_shown, _size)
SUSPENDED = Check("suspended", _suspended_shown, _suspended)
LAST_SCHEDULE = Check("last schedule", _schedule_shown, _scheduled)
COMPLETION = Check("completion", _job_shown, _completion)
METRICS = Check("metrics", _metrics_shown, _metrics)
