"""What a watch came to: the checks of what runs whose answer changed while somebody looked again and again."""

from __future__ import annotations

from dataclasses import dataclass

from migrate.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Flap:
    """One check whose answer changed.

    `changes` counts changes between yes and no: a look that could not be made is no change. `ok` and `message` are of
    the last look that said yes or no, `changed` when that answer was first seen, `failed` when it was last seen broken
    and what the message was.
    """

    ref: Ref
    check: str
    changes: int
    ok: bool
    message: str
    changed: str
    failed: str
    failure: str

    @property
    def settled(self) -> bool:
        """Tell whether it only became well, once: that is a start and no flap."""
        return self.ok and self.changes == 1


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch that is over. `looks` were answered and `failed` were not, besides the first one, which diff itself took.

    `stopped`: a person ended it early.
    """

    flaps: tuple[Flap, ...]
    looks: int
    failed: int = 0
    stopped: bool = False

    @property
    def restless(self) -> tuple[Flap, ...]:
        """What did more than become well."""
        return tuple(one for one in self.flaps if not one.settled)
