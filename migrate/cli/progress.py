"""Progress on stderr: a live block at the bottom of a terminal, or a line now and then where there is none."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from migrate.model.ran import At, Ran, WaveDone
from migrate.render import live
from migrate.render.ink import columns
from migrate.render.words import safe

_BEAT = 30.0  # seconds between two lines of a log
_FRAME = 0.1
_SURE = 5.0  # seconds before a guess is worth showing
Clock = Callable[[], float]


def is_live() -> bool:
    """Tell whether stderr is a terminal that can be drawn on."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def size() -> tuple[int, int]:
    """Columns and rows of the terminal behind stderr: stdout may be a file."""
    try:
        found = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        found = shutil.get_terminal_size((100, 24))
    return found.columns or 100, found.lines or 24  # some terminals say 0


class Region:
    """Lines at the bottom of a terminal that are written over; what is said goes above them."""

    def __init__(self, stream: TextIO | None = None, size: Callable[[], tuple[int, int]] = size) -> None:
        self._stream, self._size = stream or sys.stderr, size
        self._drawn: list[str] = []

    def room(self) -> tuple[int, int]:
        """Columns to fill, and rows that a block may have."""
        columns, rows = self._size()
        return max(10, columns - 1), max(1, rows - 1)  # in the last column some terminals break the line, others wait

    def draw(self, lines: Sequence[str], above: Sequence[str] = ()) -> None:
        """Replace the block, with new lines that stay above it."""
        # A terminal that became narrower has broken the old lines, so they take more rows now.
        width, _ = self._size()
        rows = sum(max(1, -(-columns(line) // width)) for line in self._drawn)
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        text = f"\r{up}\x1b[J" if rows else ""
        text += "".join(f"{line}\n" for line in above) + "\n".join(lines)
        self._drawn = list(lines)
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()


class Guess:
    """A guess of the seconds that are left, fit to be shown: not at once, and within a wave it never grows."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._start = clock, clock()
        self._wave, self._end = -1, 0.0

    def shown(self, wave: int, left: float | None) -> float | None:
        """What to show now; None when nobody knows, or the old guess was far too good."""
        now = self._clock()
        if left is None or now - self._start < _SURE:
            return None
        if wave != self._wave:
            self._wave, self._end = wave, now + left
        self._end = min(self._end, now + left)
        kept = self._end - now
        return kept if left <= 2 * kept + _SURE else None


class Live:
    """A `Watcher` for a terminal."""

    def __init__(self, *, color: bool, region: Region | None = None, clock: Clock = time.monotonic) -> None:
        self._region, self._color, self._clock = region or Region(), color, clock
        self._guess = Guess(clock)
        self._next = 0.0
        self._block: list[str] = []
        self._note = ""

    def at(self, where: At) -> None:
        now = self._clock()
        left = self._guess.shown(where.wave, where.left)
        if now < self._next:
            return
        self._next = now + _FRAME
        width, rows = self._region.room()
        note = live.folded([f"  {self._note}"], width) if self._note else []
        self._block = live.running(where, left, width=width, rows=max(1, rows - len(note))) + note
        self._region.draw(self._block)

    def wave_done(self, wave: WaveDone) -> None:
        self._block = []
        self._region.draw([], live.wave_done(wave, width=self._region.room()[0], color=self._color))
        self._next = 0.0

    def failed(self, one: Ran) -> None:
        lines = live.failure(one, width=self._region.room()[0], color=self._color)
        self._region.draw(self._block, lines)

    def stopping(self, in_flight: int) -> None:
        self._note = live.stopping(in_flight)
        width = self._region.room()[0]
        self._block = [*self._block, *live.folded([f"  {self._note}"], width)]
        self._region.draw(self._block)

    def end(self) -> None:
        """Take the block away; what was said stays."""
        self._region.draw([])


class Lines:
    """A `Watcher` for logs: a line for each wave, what failed, and a heartbeat."""

    def __init__(self, say: Callable[[str], None], *, clock: Clock = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._guess = Guess(clock)
        self._next = clock() + _BEAT

    def at(self, where: At) -> None:
        left = self._guess.shown(where.wave, where.left)
        if self._clock() >= self._next:
            self._all([live.heartbeat(where, left)])

    def wave_done(self, wave: WaveDone) -> None:
        self._all(live.wave_done(wave))

    def failed(self, one: Ran) -> None:
        self._all(live.failure(one))

    def stopping(self, in_flight: int) -> None:
        self._all([f"  {live.stopping(in_flight)}"])

    def end(self) -> None:
        """Nothing to take away."""

    def _all(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._say(line)
        self._next = self._clock() + _BEAT


class Looking:
    """How far preflight is: one line that is written over, or a heartbeat."""

    def __init__(self, say: Callable[[str], None], *, region: Region | None, clock: Clock = time.monotonic) -> None:
        self._say, self._region, self._clock = say, region, clock
        self._next = 0.0 if region else clock() + _BEAT

    def __call__(self, what: str, done: int, of: int) -> None:
        now = self._clock()
        if now < self._next:
            return
        text = f"  {safe(what)}: {done:,} of {of:,}" if of else f"  {safe(what)}"
        if self._region is None:
            self._next = now + _BEAT
            self._say(text)
        else:
            self._next = now + _FRAME
            self._region.draw(live.folded([text], self._region.room()[0]))

    def end(self) -> None:
        """Take the line away."""
        if self._region is not None:
            self._region.draw([])
