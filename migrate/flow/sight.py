"""How far a rollback is, told to the same `Watcher` as that of apply: always by the main thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from migrate.manifest.waves import WAVES, wave_of
from migrate.model.journal import Outcome
from migrate.model.ran import At, Ran, Settling, Watcher, WaveDone
from migrate.model.ref import Ref
from migrate.model.undone import Taken, Undone

_SURE = 2.0  # seconds before a guess is worth making


class Sight:
    """What threads do, and what is waited for."""

    def __init__(self, watcher: Watcher, stop: threading.Event) -> None:
        self._watcher, self._stop = watcher, stop
        self._wave, self._of, self._behind, self._began = 0, 0, 0, time.monotonic()
        self._answered, self._flying, self._told = 0, 0, False
        self._waits: dict[Ref, tuple[str, float]] = {}
        self._failed: list[Undone] = []
        self._lock = threading.Lock()

    def wave(self, wave: int, objects: int, behind: int) -> None:
        """A wave begins; `behind` objects come after it."""
        self._behind = behind
        self._wave, self._of, self._began, self._answered = wave, objects, time.monotonic(), 0

    def done(self, counts: Mapping[Taken, int]) -> None:
        """It ends."""
        self.look()
        took = time.monotonic() - self._began
        self._watcher.wave_done(WaveDone(self._wave, WAVES[self._wave].title, dict(counts), took))

    def answered(self, one: Undone) -> None:
        """What came of one object; by any thread."""
        with self._lock:
            self._answered += 1
        if one.action is Taken.FAILED:
            self.failed(one)

    def failed(self, one: Undone) -> None:
        """It is told at once, by the next look."""
        with self._lock:
            self._failed.append(one)

    def waits(self, ref: Ref, what: str) -> None:
        """What completes 'waits for …'; '' when it is over. By any thread."""
        with self._lock:
            since = self._waits.get(ref, ("", time.monotonic()))[1]
            self._waits.pop(ref, None)
            if what:
                self._waits[ref] = what, since

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Around the work on one object, by any thread."""
        with self._lock:
            self._flying += 1
        try:
            yield
        finally:
            with self._lock:
                self._flying -= 1

    def look(self) -> None:
        """Tell the watcher; by the main thread, several times a second."""
        now = time.monotonic()
        with self._lock:
            failed, self._failed = self._failed, []
            answered, flying = self._answered, self._flying
            settling = [Settling(ref, what, now - since, self._behind) for ref, (what, since) in self._waits.items()]
        for one in failed:
            self._watcher.failed(Ran(one.ref, Outcome.FAILED, wave_of(one.ref), one.message, fix=one.fix))
        if self._stop.is_set() and not self._told:
            self._told = True
            self._watcher.stopping(flying)
        took = now - self._began
        left = took / answered * (self._of - answered) if answered and took > _SURE else None
        settling.sort(key=lambda one: (-one.seconds, one.ref))
        self._watcher.at(At(self._wave, WAVES[self._wave].title, answered, self._of, left, settling))
