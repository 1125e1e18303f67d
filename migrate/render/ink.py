"""Paper with a width: lines that break at spaces only, and colours that repeat what the text says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from migrate.model.plan import Standing
from migrate.render.words import SIGNS

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STYLES = {"x": "1;31", "?": "33", "@": "35", "!": "34", ">": "2", "-": "2", "bold": "1", "error": "1;31"}


def strip(text: str) -> str:
    """Take our colours away."""
    return _ANSI.sub("", text)


def columns(text: str) -> int:
    """How many columns a text takes on a terminal."""
    text = strip(text)
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrap(text: str, width: int, first: str, rest: str) -> list[str]:
    """Break at spaces only; a word that is too long gets a line of its own and stays whole."""
    lines: list[str] = []
    line, used, empty = first, columns(first), True
    for word in text.split(" "):
        size = columns(word)
        if not empty and used + 1 + size > width:
            lines.append(line)
            line, used, empty = rest, columns(rest), True
        line += word if empty else " " + word
        used += size if empty else size + 1
        empty = False
    return [*lines, line]


class Paper:
    """Collects the lines of one page."""

    def __init__(self, width: int = 100, color: bool = False, unicode: bool = True) -> None:
        self.width = max(20, min(width, 100))
        self.color = color
        self.unicode = unicode
        self.lines: list[str] = []

    def paint(self, text: str, style: str) -> str:
        """Colour a text; without colour it stays as it is."""
        code = _STYLES.get(style, "")
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code else text

    def sign(self, standing: Standing) -> str:
        """The standing's sign, in its colour."""
        return self.paint(SIGNS[standing], SIGNS[standing])

    def add(self, text: str = "", indent: int = 0, lead: str = "", tail: str = "") -> None:
        """Add a paragraph: `lead` starts it, the rest hangs below its text, `tail` stands at the right."""
        first = " " * indent + lead
        rest = " " * columns(first)
        lines = wrap(text, self.width, first, rest)
        if tail:
            gap = self.width - columns(lines[-1]) - columns(tail)
            if gap >= 2:
                lines[-1] += " " * gap + tail
            else:
                lines.append(" " * max(columns(rest), self.width - columns(tail)) + tail)
        self.lines.extend(line.rstrip(" ") for line in lines)

    def heading(self, question: str, answer: str) -> None:
        """One of the nine questions, with its answer on the same line."""
        if self.lines:
            self.lines.append("")
        self.add(answer, lead=self.paint(question, "bold") + "  ", indent=0)

    def block(self, lines: Iterable[str], indent: int, label: str = "") -> None:
        """Lines that are copied as they are; `label` stands before the first."""
        for at, line in enumerate(lines):
            self.lines.append(" " * indent + (label if at == 0 else " " * len(label)) + line)

    def text(self) -> str:
        """The page, with a final newline."""
        page = "\n".join(self.lines) + "\n"
        return page if self.unicode else page.replace("→", "->").replace("…", "...")
