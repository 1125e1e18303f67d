"""What a rollback came to: one line for each object that it had to do with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from migrate.model.ref import Ref


class Taken(StrEnum):
    """What became of an object; the words of the summary line."""

    DELETED = "deleted"
    RESTORED = "restored"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Undone:
    """`message` says why it was kept or failed, '' where the action says everything; `fix` what to do next."""

    ref: Ref
    action: Taken
    message: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class UndoReport:
    """A rollback as a whole. `runs` are the times of the runs that it took back. `stopped` is '' or says why it ended
    early, and then `untried` objects are as they were. `written` counts requests that may have changed the target."""

    target: str
    runs: Sequence[str]
    results: tuple[Undone, ...]
    seconds: float
    exit: int
    stopped: str = ""
    untried: int = 0
    written: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many objects had each action; every action is there."""
        every = [one.action for one in self.results]
        return {one.value: every.count(one) for one in Taken}
