"""Readiness of a Pod, and what pods and events say about why something is not ready."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from migrate.model.objects import Body
from migrate.semantics.readiness_words import (
    Failed,
    Readiness,
    Ready,
    Waiting,
    as_list,
    as_map,
    conditions,
    is_false,
    is_true,
    one_line,
    spec,
    status,
    why,
)

_PODS, _EVENTS = 3, 3
# What a program prints may hold a secret: of these events only what the kubelet itself says, up to the colon.
_QUOTES_PROGRAMS = frozenset({"Unhealthy", "ProbeWarning", "FailedPostStartHook", "FailedPreStopHook"})


def pod(body: Body) -> Readiness:
    """A pod that ran to its end is ready: nothing more will come of it."""
    if spec(body).get("schedulingGates"):
        gates = ", ".join(str(as_map(one).get("name")) for one in as_list(spec(body)["schedulingGates"]))
        return Ready(inert=f"it is gated ({gates})")
    phase = status(body).get("phase")
    if phase == "Succeeded":
        return Ready()
    if phase == "Failed":
        return Failed(f"the pod failed ({pod_reason(body) or 'no reason'})")
    if phase == "Running" and is_true(conditions(status(body)).get("Ready")):
        return Ready()
    return Waiting(f"its containers ({pod_reason(body)})" if pod_reason(body) else "its containers")


def pod_reason(body: Body) -> str:
    """Why this pod is not ready, 'ImagePullBackOff: …'; '' where it is, or where nobody says.

    Messages that containers leave when they end are never quoted: they may be lines of their logs.
    """
    now = status(body)
    if spec(body).get("schedulingGates") or now.get("phase") == "Succeeded":
        return ""
    for name, state, last in _containers(now):
        waits, ended = as_map(state.get("waiting")), as_map(state.get("terminated"))
        if waits.get("reason") and waits["reason"] not in ("ContainerCreating", "PodInitializing"):
            tail = f"; {_ending(last)}" if last else ""
            return f"container {one_line(name)}: {why(waits)}{tail}"
        if ended and ended.get("exitCode") != 0:
            return f"container {one_line(name)}: {_ending(ended)}"
    if now.get("reason"):  # of the pod as a whole: Evicted, DeadlineExceeded
        return why(now)
    found = conditions(now)
    for word in ("PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"):
        condition = found.get(word)
        if condition is not None and is_false(condition) and condition.get("reason"):
            return why(condition)
    return ""


def reasons(pods: Iterable[Body], events: Iterable[Body] = ()) -> tuple[str, ...]:
    """Say why pods are not ready, then the last events: at most 3 lines each, what repeats once with its number."""
    said: dict[str, list[str]] = {}
    for body in sorted(pods, key=_name):
        reason = "" if isinstance(pod(body), Ready) else pod_reason(body)
        if reason:
            # Pods of one workload differ by name only, and some messages hold it.
            said.setdefault(reason.replace(_name(body), "…"), []).append(f"{_name(body)}: {reason}")
    lines = [_and_more(of_one[0], len(of_one), "pod") for of_one in sorted(said.values(), key=lambda one: -len(one))]
    folded = len(lines) - _PODS
    lines = lines[:_PODS] + ([f"and {folded} more reasons"] if folded > 0 else [])
    return (*lines, *_last(events))


def _last(events: Iterable[Body]) -> Iterator[str]:
    """Warnings, the newest first; the same words about several objects once."""
    seen: dict[str, int] = {}
    found = [event for event in events if event.get("type") == "Warning"]
    for event in sorted(found, key=lambda one: (_time(one), _name(one)), reverse=True):
        reason = one_line(str(event.get("reason") or "Event"))
        message = str(event.get("message") or event.get("note") or "")
        if reason in _QUOTES_PROGRAMS:
            message = message.partition(":")[0]
        about = as_map(event.get("involvedObject") or event.get("regarding"))
        key = f"{reason}: {one_line(message.replace(str(about.get('name') or chr(0)), '…'))}"
        seen[key] = seen.get(key, 0) + 1
    for key in list(seen)[:_EVENTS]:
        yield f"event {_and_more(key, seen[key], 'object')}"


def _and_more(line: str, number: int, what: str) -> str:
    more = number - 1
    return line if more == 0 else f"{line} (and {more} more {what}{'s' if more > 1 else ''})"


def _containers(now: Body) -> Iterator[tuple[str, Body, Body]]:
    """(name, state, how it ended the last time) of containers, those of the start first."""
    for key in ("initContainerStatuses", "containerStatuses"):
        for one in as_list(now.get(key)):
            last = as_map(as_map(as_map(one).get("lastState")).get("terminated"))
            yield str(as_map(one).get("name")), as_map(as_map(one).get("state")), last


def _ending(ended: Body) -> str:
    reason, code = ended.get("reason") or "Error", ended.get("exitCode")
    return one_line(f"{reason}, exit code {code}")


def _name(body: Body) -> str:
    return str(as_map(body.get("metadata")).get("name") or "")


def _time(event: Body) -> str:
    """RFC 3339 in UTC, so that text sorts as time does."""
    candidates: tuple[Any, ...] = (
        as_map(event.get("series")).get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        as_map(event.get("metadata")).get("creationTimestamp"),
    )
    return next((str(one) for one in candidates if one), "")
