"""Who may be sent now: waves order writes, gates wait for readiness, and who fails stops only what is behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from migrate.manifest.waves import wave_of
from migrate.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Stopped:
    """`ref` is not sent, because `root` did not come to be."""

    ref: Ref
    root: Ref


class Order:
    """The state of a run's order. Deterministic: the same answers in the same order give the same sends.

    `waits` are {ref: refs that must be open first}; edges to what is not in this run do not count. A wave begins when
    all of the waves before it were answered, are stopped, or wait for a gate of their own.
    """

    def __init__(
        self, refs: Iterable[Ref], waits: Mapping[Ref, Iterable[Ref]], level: Callable[[Ref], int] = wave_of
    ) -> None:
        self._level = {ref: level(ref) for ref in refs}
        self._shut = {ref: {to for to in waits.get(ref, ()) if to in self._level and to != ref} for ref in self._level}
        self._behind: dict[Ref, set[Ref]] = {}
        for ref, gates in self._shut.items():
            for to in gates:
                self._behind.setdefault(to, set()).add(ref)
        self._todo = set(self._level)  # not given out yet, not stopped
        self._levels = sorted(set(self._level.values()))
        # Kept as they change: to look through all of 30,000 objects after each answer would take hours.
        self._free: dict[int, set[Ref]] = {level: set() for level in self._levels}  # of _todo, without a gate
        for ref, gates in self._shut.items():
            if not gates:
                self._free[self._level[ref]].add(ref)
        self._flying: dict[int, set[Ref]] = {level: set() for level in self._levels}
        self._at = 0

    @property
    def level(self) -> int | None:
        """The level that runs; None when there never was one."""
        return self._levels[self._at] if self._levels else None

    @property
    def over(self) -> bool:
        """Nothing is left to give out, and nothing is under way."""
        return not self._todo and not any(self._flying.values())

    @property
    def untried(self) -> frozenset[Ref]:
        """What was neither given out nor stopped."""
        return frozenset(self._todo)

    def take(self) -> list[Ref]:
        """Give out what may be sent now, sorted; waves begin here."""
        while True:
            reached = self._levels[: self._at + 1]
            free = [ref for level in reached for ref in sorted(self._free[level])]
            if free or any(self._flying[level] for level in reached) or self._at + 1 >= len(self._levels):
                break
            self._at += 1
        self._todo.difference_update(free)
        for ref in free:
            self._flying[self._level[ref]].add(ref)
        for level in reached:
            self._free[level].clear()
        return free

    def answered(self, ref: Ref) -> None:
        """It was sent, or nothing had to be sent."""
        self._flying[self._level[ref]].discard(ref)

    def opened(self, ref: Ref) -> None:
        """It is ready, or accepted where that is enough: what waits for it need not any more."""
        for near in self._behind.pop(ref, ()):
            self._shut[near].discard(ref)
            if not self._shut[near] and near in self._todo:
                self._free[self._level[near]].add(near)

    def waited_for(self, ref: Ref) -> int:
        """How many objects that are not sent yet wait for this one, directly."""
        return len(self._behind.get(ref, set()) & self._todo)

    def stop(self, root: Ref) -> list[Stopped]:
        """It failed: give what would only wait for it, however far away. Each is given once."""
        found, queue = [], [root]
        while queue:
            for ref in sorted(self._behind.get(queue.pop(0), set()) & self._todo):
                self._todo.discard(ref)
                self._free[self._level[ref]].discard(ref)
                found.append(Stopped(ref, root))
                queue.append(ref)
        return found
