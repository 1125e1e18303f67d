"""The words of runtime parity: both sides of one object, and a check as a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migrate.differ.parity_around import Around, Kind
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.semantics.holding import State, state

Verdict = tuple[bool | None, str]
"""(ok, message); ok None is a thing that nobody can know, and the message says why."""

HELD = "held until release"


@dataclass(frozen=True, slots=True)
class Sides:
    """One object on both sides. `planned` is what the plan says, None where the caller has no plan.

    `held` tells that the plan holds it: one that has no field to hold it by is not there before release.
    """

    ref: Ref
    source: Around
    target: Around
    planned: Body | None
    held: bool

    @property
    def here(self) -> Body:
        """The live object of the target; empty when it is not there."""
        return {} if self.target.body is None else self.target.body

    @property
    def there(self) -> Body:
        """The object of the source as it was seen; empty when it was not."""
        return {} if self.source.body is None else self.source.body

    @property
    def plan(self) -> Body:
        """What is to be: the planned object, without a plan the live one."""
        return self.here if self.planned is None else self.planned

    @property
    def is_held(self) -> bool:
        """Tell whether the object on the target carries our mark and waits for release."""
        return self.target.body is not None and state(self.target.body) is State.HELD

    @property
    def on_source(self) -> str:
        """'on the source', and when that was seen."""
        return f"on the source at {self.source.at}" if self.source.at else "on the source"


def _always(_: Sides) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Check:
    """One look. `shown` gives what to print of one side, None where it says nothing; `judge` compares.

    `needs`: at least one of these kinds must have been listed on a side for that side to say anything.
    """

    name: str
    shown: Callable[[Around], Any]
    judge: Callable[[Sides], Verdict]
    needs: tuple[Kind, ...] = ()
    applies: Callable[[Sides], bool] = _always


def not_listed(side: Around, needs: tuple[Kind, ...]) -> str:
    """Why none of the kinds was listed on this side; '' when one was, or none is needed."""
    if not needs or any(kind not in side.unread for kind in needs):
        return ""
    return f"{needs[0][1]}: {side.unread[needs[0]]}"


def was_seen(side: Around) -> bool:
    """Tell whether a live object was read: files hold none of the status."""
    return side.body is not None and "status" in side.body


def count_of(number: int, what: str) -> str:
    """'1 pod', '2 pods'."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
