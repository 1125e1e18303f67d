"""What a run of apply or release came to: one line for each object, and what is told while it works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from migrate.model.journal import Outcome
from migrate.model.ref import Ref
from migrate.model.since import Since
from migrate.model.undone import Taken


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that another manager owns. `path` is printed; of Secrets both values are only their sizes.

    `theirs` is MISSING when it could not be read.
    """

    path: str
    manager: str
    theirs: Any = field(repr=False)
    ours: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one object. `wave` is the index into WAVES.

    `message` says what happened, `because` why, `fix` what to do next; all '' where the action says everything.
    `policy` is what a person chose for what was in the way, '' where nothing was: then `conflicts` are settled.
    """

    ref: Ref
    action: Outcome
    wave: int
    message: str = ""
    because: str = ""
    fix: str = ""
    conflicts: tuple[Clash, ...] = ()
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Settling:
    """An object that is not ready yet. `waits_for` completes 'waits for …'; `stops` counts what waits for it."""

    ref: Ref
    waits_for: str
    seconds: float
    stops: int = 0


@dataclass(frozen=True, slots=True)
class WaveDone:
    """All of a wave that could be sent was answered. `counts` by action; `seconds` since it began."""

    wave: int
    title: str
    counts: Mapping[Outcome, int] | Mapping[Taken, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class At:
    """Where a run is: `answered` of `of` objects of the wave that runs; `left` are seconds by guess, None: unknown."""

    wave: int
    title: str
    answered: int
    of: int
    left: float | None
    settling: Sequence[Settling]


class Watcher(Protocol):
    """Who is told while a run works, always by the main thread. `at` comes several times a second."""

    def at(self, where: At) -> None: ...

    def wave_done(self, wave: WaveDone) -> None: ...

    def failed(self, one: Ran) -> None:
        """At once when an object fails or is left out after a conflict; it is in the results, too."""
        ...

    def stopping(self, in_flight: int) -> None:
        """After the first Ctrl-C."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """A run as a whole. `source` and `target` as people call them; `settling` is what was not ready at the end.

    `stopped` is '' or says why the run ended early; then `untried` objects were not sent yet. `resumed` is the time of
    the run before this one that did not end by itself, '' when there is none. `written` counts requests that may have
    changed the target: with 0, `No object was written.` is true. `refused` are those results that a release does not
    start yet. `since` is what changed since the last apply; what --prune deleted is no longer among it.
    """

    command: str
    target: str
    plan: str
    results: tuple[Ran, ...]
    settling: tuple[Settling, ...]
    seconds: float
    exit: int
    stopped: str = ""
    untried: int = 0
    resumed: str = ""
    written: int = 0
    refused: tuple[Ref, ...] = ()
    since: Since | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many objects had each action; every action is there."""
        every = [one.action for one in self.results]
        return {one.value: every.count(one) for one in Outcome}
