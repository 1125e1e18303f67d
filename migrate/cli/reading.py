"""Progress on stderr while whole clusters are read: a line written over on a terminal, else one now and then."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from migrate.cli.screen import echo
from migrate.render.words import safe

if TYPE_CHECKING:
    from migrate.flow.everything import Progress

_BEAT = 5.0  # seconds between two lines of a log
_LONG_BEAT = 30.0  # the same, where all that changes is the time


class Reading:
    """Told which side is read, and how far; what else is said goes beside it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = sys.stderr.isatty()
        self._next: dict[str, float] = {}
        self._open = False
        self._clock = clock
        self._said = -_LONG_BEAT

    def __call__(self, name: str, at: Progress) -> None:
        beat = 0.1 if self._terminal else _BEAT
        if at.seconds < self._next.get(name, 0.0 if self._terminal else _BEAT):
            return
        self._next[name] = at.seconds + beat
        self._show(f"reading {name}: {at.kinds} of {at.of_kinds} kinds, {at.objects:,} objects{_left(at)}")

    def say(self, text: str) -> None:
        """Show a line whose time passes; on a terminal the next one takes its place, in a log it comes seldom."""
        now = self._clock()
        if self._terminal or now - self._said >= _LONG_BEAT:
            self._said = now
            self._show(text)

    def tell(self, text: str) -> None:
        """Show a line that stays."""
        self.end()
        echo(safe(text), err=True)

    def end(self) -> None:
        """Take the line away."""
        if self._open:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._open = False

    def _show(self, text: str) -> None:
        if not self._terminal:
            echo(safe(text), err=True)
            return
        # A line that is broken could not be taken away.
        columns = shutil.get_terminal_size((100, 24)).columns
        click.echo(f"\r\x1b[K{safe(text)[: max(columns - 1, 1)]}", nl=False, err=True)
        self._open = True


def _left(at: Progress) -> str:
    """A guess by the share of kinds; kinds differ much, so only after a while."""
    if at.seconds < 3 or not at.kinds or at.kinds == at.of_kinds:
        return ""
    return f", about {at.seconds * (at.of_kinds - at.kinds) / at.kinds:.0f} s left"
