"""Progress: a block that is redrawn in place on any terminal, lines in a log, guesses that never grow."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from ran_help import API, FAILED, WEB

from migrate.cli.progress import Guess, Lines, Live, Looking, Region
from migrate.model.journal import Outcome
from migrate.model.ran import At, Settling, WaveDone
from migrate.render.ink import strip


class Screen:
    """A terminal in small: what we send moves as it would there."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.row = self.column = 0

    def size(self) -> tuple[int, int]:
        return self.columns, self.rows

    def take(self, text: str) -> list[str]:
        for part in re.findall(r"\x1b\[\d*[A-Z]|[\s\S]", strip(text)):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self._down()
                self.column = 0
            elif part.endswith("A") and len(part) > 2:
                assert int(part[2:-1]) <= self.row, "above the screen"
                self.row -= int(part[2:-1])
            elif part == "\x1b[J":
                self.lines[self.row :] = [self.lines[self.row][: self.column]]
            else:
                assert part.isprintable(), part
                if self.column == self.columns:
                    self._down()
                    self.column = 0
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + part + line[self.column + 1 :]
                self.column += 1
        return [line.rstrip() for line in self.lines]

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def live(columns: int, rows: int = 24) -> tuple[Live, Any, Clock]:
    screen, stream, clock = Screen(columns, rows), StringIO(), Clock()

    def look() -> list[str]:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return screen.take(text)

    return Live(color=False, region=Region(stream, screen.size), clock=clock), look, clock


def at(answered: int = 118, settling: int = 2, left: float | None = 58.0) -> At:
    waits = [Settling(WEB, "an address from the load balancer controller", 10.0 + n) for n in range(settling)]
    return At(5, "Services", answered, 160, left, waits)


def test_a_block_is_redrawn_below_what_is_done() -> None:
    watcher, look, clock = live(101)
    clock.now = 6
    watcher.at(at())
    assert look() == [
        "  wave 6  Services                              118 of 160    about 1 min",
        "  still settling (stops nothing)",
        "          11 s  shop: Service/web  waits for an address from the load balancer controller",
        "          10 s  shop: Service/web  waits for an address from the load balancer controller",
    ]
    clock.now = 6.05
    watcher.at(at(119))
    assert look()[0].endswith("118 of 160    about 1 min")  # not more often than an eye can follow
    clock.now = 7
    watcher.failed(FAILED)
    watcher.wave_done(WaveDone(5, "Services", {Outcome.CREATED: 160}, 70))
    watcher.at(at(1, settling=0, left=None))
    shown = look()
    assert shown[0].startswith("  x shop: Deployment/api  failed") and shown[-3].startswith("      next   copy")
    assert re.fullmatch(r"  wave 6  Services {30}160 created +1 min 10 s", shown[-2])
    assert shown[-1].split() == ["wave", "6", "Services", "1", "of", "160"]
    watcher.stopping(4)
    assert look()[-1] == "  Stopping after the 4 writes in flight. Press Ctrl-C again to stop at once."
    clock.now = 8
    watcher.at(at(2, settling=0, left=None))
    assert "Press Ctrl-C again" in look()[-1]
    watcher.end()
    assert look()[-1] == "" and look()[-2].startswith("  wave 6  Services")


@pytest.mark.parametrize(("columns", "rows"), [(40, 24), (20, 24), (10, 24), (100, 3), (40, 2)])
def test_small_terminals(columns: int, rows: int) -> None:
    watcher, look, clock = live(columns, rows)
    for second in range(5, 9):
        clock.now = second
        watcher.at(at(100 + second, settling=30))
        shown = look()
        assert len(shown) <= rows and all(len(line) < columns for line in shown)
    assert str(108) in "".join(shown)
    watcher.end()
    assert look() == [""]


def test_a_terminal_that_becomes_narrower() -> None:
    stream = StringIO()
    width = [80]
    region = Region(stream, lambda: (width[0], 24))
    region.draw(["x" * 70, "y"])
    width[0] = 40
    region.draw(["z"])
    assert stream.getvalue().endswith("\r\x1b[2A\x1b[Jz")


def test_a_log_has_lines_and_a_heartbeat() -> None:
    said: list[str] = []
    clock = Clock()
    watcher = Lines(said.append, clock=clock)
    for second in range(65):
        clock.now = second
        watcher.at(at(second))
    assert said == [
        "  wave 6 Services: 30 of 160, about 40 s, 2 not ready yet, for 11 s shop: Service/web waits for an address "
        "from the load balancer controller",
        said[0].replace("30 of 160, about 40 s", "60 of 160"),  # half a minute ago that guess was far too good
    ]
    watcher.wave_done(WaveDone(0, "Namespaces", {Outcome.CREATED: 155}, 4))
    watcher.failed(FAILED)
    watcher.stopping(1)
    watcher.stopping(0)
    watcher.end()
    assert said[2].startswith("  wave 1  Namespaces") and said[2].endswith("4 s")
    assert said[-2:] == [
        "  Stopping after the 1 write in flight. Press Ctrl-C again to stop at once.",
        "  Stopping after what is begun. Press Ctrl-C again to stop at once.",
    ]
    assert not any("\x1b" in line for line in said)


def test_a_guess_comes_late_and_never_grows() -> None:
    clock = Clock()
    guess = Guess(clock)
    assert guess.shown(1, 60) is None and guess.shown(1, None) is None
    clock.now = 5
    assert guess.shown(1, 60) == 60
    clock.now = 15
    assert guess.shown(1, 80) == 50  # not longer than was said
    assert guess.shown(1, 30) == 30
    clock.now = 40
    assert guess.shown(1, 60) is None  # it was wrong: silence is better than a figure that stands still
    assert guess.shown(2, 60) == 60


def test_preflight_says_how_far_it_is() -> None:
    said: list[str] = []
    clock = Clock()
    looking = Looking(said.append, region=None, clock=clock)
    for second in range(0, 61, 10):
        clock.now = second
        looking("dry runs", second, 60)
    looking.end()
    assert said == ["  dry runs: 30 of 60", "  dry runs: 60 of 60"]
    stream = StringIO()
    looking = Looking(said.append, region=Region(stream, lambda: (40, 9)), clock=clock)
    looking("\x1b[2J", 0, 0)
    looking.end()
    assert Screen(40, 9).take(stream.getvalue()) == [""] and "[2J" in stream.getvalue()


def test_refs_are_told_apart() -> None:
    """What the block folds is never cut: two names that differ at their end look different."""
    watcher, look, clock = live(40, 30)
    clock.now = 1
    refs = [API.__class__("apps", "Deployment", "shop", "y" * 60 + end) for end in ("a", "b")]
    watcher.at(At(6, "workloads", 1, 2, None, [Settling(ref, "pods", 1.0) for ref in refs]))
    text = "".join(line.strip() for line in look())
    assert "y" * 60 + "a" in text and "y" * 60 + "b" in text
