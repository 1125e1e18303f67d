"""What changed since the last apply: objects that are new, that are sent otherwise, and that left the plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from migrate.model.objects import MISSING
from migrate.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is sent otherwise; MISSING where a side has none. Of a Secret only the path is said."""

    path: str
    was: Any = field(default=MISSING, repr=False)
    now: Any = field(default=MISSING, repr=False)


@dataclass(frozen=True, slots=True)
class Changed:
    """An object that is sent otherwise than it was. Without fields: they cannot be told, or are not on the target."""

    ref: Ref
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """An object that apply made and that is no longer in the plan. `why_kept` '' means that --prune deletes it."""

    ref: Ref
    uid: str
    why_kept: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Since:
    """`at` is the time of the last apply, '' where none came to its end. Each is sorted by ref.

    `gone` left the plan, and the target, too, by whoever's hand.
    """

    at: str = ""
    new: tuple[Ref, ...] = ()
    changed: tuple[Changed, ...] = ()
    left: tuple[Left, ...] = ()
    gone: tuple[Ref, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.left)

    @property
    def prunable(self) -> tuple[Left, ...]:
        """What apply --prune deletes."""
        return tuple(one for one in self.left if not one.why_kept)
