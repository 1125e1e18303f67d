"""Where a run is, in lines: a wave that is done, the wave that runs, what is not ready yet."""

from __future__ import annotations

from migrate.manifest.waves import WAVES
from migrate.model.ran import At, Ran, WaveDone
from migrate.model.undone import Taken
from migrate.render import ran
from migrate.render.ink import Paper, columns
from migrate.render.times import about, duration
from migrate.render.words import namespace, number, plural, safe, short

_WORDS = {**{str(one): one.value for one in Taken}, **{str(one): word for one, word in ran.WORDS.items()}}
_WIDE = 80  # columns from which on there is room for columns
_TITLE = max(len(wave.title) for wave in WAVES)


def wave_done(wave: WaveDone, *, width: int = 100, color: bool = False) -> list[str]:
    """'  wave 2  definitions and classes   24 created   2 unchanged        6 s'"""
    paper = Paper(width, color)
    counts = {str(one): n for one, n in wave.counts.items()}
    said = "   ".join(f"{number(n)} {word}" for one, word in _WORDS.items() if (n := counts.get(one, 0)))
    paper.add(_figure(said, width), 2, _lead(wave.wave, wave.title, width), duration(wave.seconds))
    return paper.lines


def running(at: At, left: float | None, *, width: int = 100, rows: int = 24) -> list[str]:
    """The live block, at most `rows` lines of at most `width` columns. `left` is what is shown of `at.left`."""
    paper = Paper(width)
    guess = f"{'    ' if width >= _WIDE else ', '}{about(left)}" if left is not None else ""
    said = f"{number(at.answered)} of {number(at.of)}{guess}"
    if at.of:  # all waves may be done, and some objects not yet ready
        paper.add(_figure(said, width), 2, _lead(at.wave, at.title, width))
    head = folded(paper.lines, width)
    for most in (3, 2, 1, 0):
        paper = Paper(width)
        ran.settling(paper, at.settling, most)
        lines = head + folded(paper.lines, width)
        if len(lines) <= rows:
            return lines
    return head[: max(1, rows)]


def heartbeat(at: At, left: float | None) -> str:
    """One line for a log: 'wave 6 Services: 118 of 160, about 1 min, 29 not ready yet, …'"""
    parts = [f"{number(at.answered)} of {number(at.of)}", *([about(left)] if left is not None else [])]
    if at.settling:
        longest = max(at.settling, key=lambda one: one.seconds)
        where = f"{namespace(longest.ref)}: {short(longest.ref)}"
        parts.append(f"{number(len(at.settling))} not ready yet")
        parts.append(f"for {duration(longest.seconds)} {where} waits for {safe(longest.waits_for)}")
    return f"  wave {at.wave + 1} {safe(at.title)}: {', '.join(parts)}"


def failure(one: Ran, *, width: int = 100, color: bool = False) -> list[str]:
    """An object that failed or met a conflict, as it is told at once."""
    paper = Paper(width, color)
    ran.entry(paper, one)
    return paper.lines


def stopping(in_flight: int) -> str:
    """What the first Ctrl-C is answered with."""
    what = f"the {plural(in_flight, 'write')} in flight" if in_flight else "what is begun"
    return f"Stopping after {what}. Press Ctrl-C again to stop at once."


def folded(lines: list[str], width: int) -> list[str]:
    """Lines that a terminal of this width does not break by itself, so that they can be counted. Nothing is cut."""
    found: list[str] = []
    for line in lines:
        part, used = "", 0
        for char in line:
            size = columns(char)
            if used + size > width:
                found.append(part)
                part, used = "", 0
            part, used = part + char, used + size
        found.append(part)
    return found


def _lead(wave: int, title: str, width: int) -> str:
    return f"wave {wave + 1:<2} {safe(title):<{_TITLE if width >= _WIDE else 1}}  "


def _figure(said: str, width: int) -> str:
    """Numbers stand below each other where there is room for columns."""
    first, _, rest = said.partition(" ")
    return f"{first:>5} {rest}".rstrip() if width >= _WIDE else said
