"""Progress on stderr while whole clusters are read: a line written over on a terminal, else one now and then."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from migrate.cli.screen import echo

if TYPE_CHECKING:
    from migrate.flow.everything import Progress

_BEAT = 5.0  # seconds between two lines of a log


class Reading:
    """Told which side is read, and how far; what else is said goes beside it."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next: dict[str, float] = {}
        self._open = False

    def __call__(self, name: str, at: Progress) -> None:
        beat = 0.1 if self._terminal else _BEAT
        if at.seconds < self._next.get(name, 0.0 if self._terminal else _BEAT):
            return
        self._next[name] = at.seconds + beat
        self.say(f"reading {name}: {at.kinds} of {at.of_kinds} kinds, {at.objects:,} objects{_left(at)}")

    def say(self, text: str) -> None:
        """Show a line; on a terminal the next one takes its place."""
        if self._terminal:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
            self._open = True
        else:
            echo(text, err=True)

    def end(self) -> None:
        """Take the line away."""
        if self._open:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._open = False


def _left(at: Progress) -> str:
    """A guess by the share of kinds; kinds differ much, so only after a while."""
    if at.seconds < 3 or not at.kinds or at.kinds == at.of_kinds:
        return ""
    return f", about {at.seconds * (at.of_kinds - at.kinds) / at.kinds:.0f} s left"
