"""What changed on the source since the snapshot, what of the plan that touches, and whether to plan again."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.objects import MISSING
from migrate.model.path import Path
from migrate.model.ref import Ref


class How(StrEnum):
    """What became of an object. `values`: only values of a Secret changed; `stopped`: only that it runs no more."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    VALUES = "values"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Touched:
    """One place that changed; the empty path is the whole object, MISSING a side that has none.

    `rules` are ids of rules that changed this place or found something there; `decisions` are what a person wrote
    about it, as 'override gke2eks.yaml:12', 'waiver …', 'answer …', and open 'question …'. Of a Secret's values `was`
    and `now` are words such as '(secret, 32 bytes, key a)'.
    """

    path: Path
    was: Any = field(default=MISSING, repr=False)
    now: Any = field(default=MISSING, repr=False)
    rules: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """One object of the user's that is not as it was. `because` says why the plan must be redone, or need not be."""

    ref: Ref
    how: How
    places: tuple[Touched, ...]
    redo: bool
    because: str
    fix: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Sorted by ref. `then` and `now` are times, RFC 3339. `facts` are changes of the cluster itself, in words.

    `unseen` says what could not be read the second time: nobody can tell that it is as it was.
    """

    then: str
    now: str
    objects: int
    moved: tuple[Moved, ...] = ()
    unseen: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def redo(self) -> bool:
        """The gate of a cutover: True when the plan must be made again, or nobody can tell that it need not be."""
        return bool(self.unseen) or any(one.redo for one in self.moved)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why `redo` is True, one sentence each; empty when it is not."""
        return (*(f"{one.ref}: {one.because}" for one in self.moved if one.redo), *self.unseen)
