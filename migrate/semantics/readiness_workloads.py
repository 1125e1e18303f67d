"""Readiness of what runs pods, read from the statuses of the built-in controllers as `kubectl rollout status` does."""

from __future__ import annotations

from migrate.model.objects import Body
from migrate.semantics.readiness_words import (
    SEEN,
    Failed,
    Readiness,
    Ready,
    Waiting,
    as_map,
    conditions,
    count,
    is_true,
    is_unseen,
    one_line,
    spec,
    status,
    why,
)

_OFF = "its replicas are 0"
_BY_HAND = "on the old template until somebody deletes them (OnDelete)"


def deployment(body: Body) -> Readiness:
    wanted, now = count(spec(body), "replicas", 1), status(body)
    if wanted == 0:
        return _off(now)
    if is_unseen(body):
        return Waiting(SEEN)
    found = conditions(now)
    # A stuck rollout says so once, by this reason; it may recover, but nobody should wait for that.
    progress = found.get("Progressing", {})
    if progress.get("reason") == "ProgressDeadlineExceeded":
        seconds = count(spec(body), "progressDeadlineSeconds", 600)
        return Failed(f"the rollout made no progress for {seconds} s; {_ready(now, wanted)}{_refused(found)}")
    updated, all_of_them = count(now, "updatedReplicas"), count(now, "replicas")
    if spec(body).get("paused") is True and updated < wanted:
        return Ready(inert="it is paused: its pods start when it is resumed")
    if updated < wanted:
        return Waiting(f"its pods: {updated} of {wanted} made of the new template{_refused(found)}")
    if all_of_them > updated:
        return Waiting(f"{_pods(all_of_them - updated)} of the old template to end")
    return _available(now, wanted)


def replica_set(body: Body) -> Readiness:
    """ReplicaSet and ReplicationController."""
    wanted, now = count(spec(body), "replicas", 1), status(body)
    if wanted == 0:
        return _off(now)
    if is_unseen(body):
        return Waiting(SEEN)
    made = count(now, "replicas")
    if made < wanted:
        return Waiting(f"its pods: {made} of {wanted} made of the new template{_refused(conditions(now))}")
    return _available(now, wanted)


def stateful_set(body: Body) -> Readiness:
    wanted, now = count(spec(body), "replicas", 1), status(body)
    if wanted == 0:
        return _off(now)
    if is_unseen(body):
        return Waiting(SEEN)
    made, updated = count(now, "replicas"), count(now, "updatedReplicas")
    if made < wanted:
        one_by_one = spec(body).get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        tail = "; each starts when the one before it is ready" if one_by_one and wanted > 1 else ""
        return Waiting(f"its pods: {count(now, 'readyReplicas')} of {wanted} ready{tail}")
    if made > wanted:
        return Waiting(f"{_pods(made - wanted)} too many to end")
    strategy = as_map(spec(body).get("updateStrategy"))
    available = _available(now, wanted)
    if strategy.get("type") == "OnDelete":
        # Nothing updates the current revision here, so pods that are up are all there is to wait for.
        return _with_note(available, f"{_pods(wanted - updated)} {_BY_HAND}" if updated < wanted else "")
    partition = min(count(as_map(strategy.get("rollingUpdate")), "partition"), wanted)
    if updated < wanted - partition:
        return Waiting(f"its update: {updated} of {wanted - partition} pods run the new template")
    kept = f"{_pods(partition)} on the old template (partition {partition})"
    behind = now.get("updateRevision") != now.get("currentRevision") and "updateRevision" in now
    if not partition and behind and isinstance(available, Ready):
        return Waiting("its update to end: the new revision is not the current one yet")
    return _with_note(available, kept if partition and behind else "")


def daemon_set(body: Body) -> Readiness:
    now = status(body)
    if is_unseen(body):
        return Waiting(SEEN)
    wanted, updated = count(now, "desiredNumberScheduled"), count(now, "updatedNumberScheduled")
    if wanted == 0:
        left = count(now, "numberMisscheduled")
        return Waiting(f"{_pods(left)} to end") if left else Ready(inert="no node is for it")
    by_hand = as_map(spec(body).get("updateStrategy")).get("type") == "OnDelete"
    if updated < wanted and not by_hand:
        return Waiting(f"its pods: {updated} of {wanted} made of the new template")
    note = f"{_pods(wanted - updated)} {_BY_HAND}" if updated < wanted else ""
    ready, available = count(now, "numberReady"), count(now, "numberAvailable")
    if available < wanted:
        return Waiting(_short(ready, available, wanted))
    return Ready(note=note)


def job(body: Body) -> Readiness:
    now = status(body)
    found = conditions(now)
    for word in ("Failed", "FailureTarget"):
        if is_true(found.get(word)):
            return Failed(f"the Job failed ({why(found[word])})")
    if is_true(found.get("Complete")):
        return Ready()
    if spec(body).get("suspend") is True:
        active = count(now, "active")
        return Waiting(f"{_pods(active)} to end") if active else Ready(inert="it is suspended")
    done, active, failed = (count(now, key) for key in ("succeeded", "active", "failed"))
    wanted = count(spec(body), "completions", 1)
    parts = [f"{done} of {wanted} done", f"{active} running" if active else "", f"{failed} failed" if failed else ""]
    return Waiting(f"its work: {', '.join(filter(None, parts))}")


def cron_job(body: Body) -> Readiness:
    """A CronJob is ready when it is accepted: its next tick may be months away."""
    return Ready(inert="it is suspended") if spec(body).get("suspend") is True else Ready()


def _off(now: Body) -> Readiness:
    left = count(now, "replicas")
    return Waiting(f"{_pods(left)} to end") if left else Ready(inert=_OFF)


def _available(now: Body, wanted: int) -> Readiness:
    ready, available = count(now, "readyReplicas"), count(now, "availableReplicas")
    return Ready() if available >= wanted else Waiting(_short(ready, available, wanted))


def _short(ready: int, available: int, wanted: int) -> str:
    # Ready for less than minReadySeconds is not available yet.
    late = f", {available} for as long as minReadySeconds asks" if ready >= wanted else ""
    return f"its pods: {ready} of {wanted} ready{late}"


def _ready(now: Body, wanted: int) -> str:
    return f"{count(now, 'readyReplicas')} of {wanted} {'pod' if wanted == 1 else 'pods'} ready"


def _refused(found: dict[str, Body]) -> str:
    """Quotas, admission and a missing ServiceAccount refuse pods; the message is the server's."""
    failure = found.get("ReplicaFailure")
    if failure is not None and is_true(failure):
        return f"; they are refused: {one_line(str(failure.get('message', '')))}"
    return ""


def _with_note(found: Readiness, note: str) -> Readiness:
    return Ready(note=note) if note and isinstance(found, Ready) else found


def _pods(number: int) -> str:
    return "1 pod" if number == 1 else f"{number} pods"
