"""The words of readiness, and how statuses are read. Odd input is passed by, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from migrate.model.objects import Body


@dataclass(frozen=True, slots=True)
class Ready:
    """Nothing that depends on it has to wait.

    settling  what it still waits for, which stops nothing; completes the sentence 'waits for …'
    inert     a clause that says why it is accepted and runs nothing: held, suspended, paused, no node is for it
    note      a clause worth a line beside it
    """

    settling: str = ""
    inert: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet, and it may still come. `reason` completes the sentence 'waits for …'."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It will not come by waiting. `reason` is a clause that says why."""

    reason: str


Readiness = Ready | Waiting | Failed


class FirstPod(Enum):
    """Whether a claim's volume is made for its first pod only (WaitForFirstConsumer), and whether that is there."""

    NOT_AWAITED = "not awaited"
    AWAITED = "awaited"
    THERE = "there"


SEEN = "its controller to see the last change"


def as_map(value: Any) -> Body:
    """The mapping, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def spec(body: Body) -> Body:
    """The spec; empty when it is not one."""
    return as_map(body.get("spec"))


def status(body: Body) -> Body:
    """The status; empty when it is not one."""
    return as_map(body.get("status"))


def count(of: Body, key: str, absent: int = 0) -> int:
    """A whole number; servers leave out zeros."""
    value = of.get(key)
    return value if type(value) is int else absent


def conditions(of: Body) -> dict[str, Body]:
    """Conditions of a status by type."""
    return {str(one.get("type")): one for one in as_list(of.get("conditions")) if isinstance(one, Mapping)}


def is_true(condition: Body | None) -> bool:
    return condition is not None and condition.get("status") == "True"


def is_false(condition: Body | None) -> bool:
    return condition is not None and condition.get("status") == "False"


def why(condition: Body) -> str:
    """'Reason: message' of a condition, in one line."""
    return (
        one_line(": ".join(str(condition[key]) for key in ("reason", "message") if condition.get(key))) or "no reason"
    )


def one_line(text: str, longest: int = 300) -> str:
    """Make what a server said fit for a terminal: one line, no control characters, not endless."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    flat = " ".join(flat.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def number(value: Any) -> int | None:
    """A generation; Argo Rollouts write theirs as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if type(value) is int else None


def is_stale(body: Body, said: Body | None = None) -> bool:
    """Tell whether a status or condition speaks of an older generation. Without the figure nobody knows: False."""
    now = number(as_map(body.get("metadata")).get("generation"))
    seen = number((status(body) if said is None else said).get("observedGeneration"))
    return now is not None and seen is not None and seen < now


def is_unseen(body: Body) -> bool:
    """Tell whether the controller of a built-in kind, which always says what it saw, has not seen this generation."""
    return is_stale(body) or "observedGeneration" not in status(body)
