"""How two values stand side by side: on one line each, or as the lines in which they differ."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import takewhile
from typing import Any

from migrate.manifest.text import dump
from migrate.model.objects import MISSING
from migrate.render.words import number, plain, safe, shown

_SHORT = 80  # a structure that is this short stands on one line
_LONGEST = 400  # characters of one value on one line; a ConfigMap may hold a megabyte
_BEFORE = 40  # of these, characters before the first that differs
_PAIRS = 4_000_000  # pairs of lines that may have to be looked at; some seconds at worst
_NO_END = "\\ no newline at the end"


@dataclass(frozen=True, slots=True)
class Sides:
    """Two values, ready to print. A side is '' where `lines` show it.

    `lines` begin with '-' (only left), '+' (only right), ' ' (both) or '@@' (where), as in every unified diff.
    """

    left: str
    right: str
    lines: tuple[str, ...] = ()


def sides(left: Any, right: Any, *, left_gone: str = "not set", right_gone: str = "not set") -> Sides:
    """Lay out two values that differ; they never look the same. MISSING prints as the word that was given."""
    texts = _tall(left), _tall(right)
    if texts[0] is not None and texts[1] is not None:
        lines = _differing(texts[0], texts[1])
        if lines:
            return Sides("", "", lines)
    elif texts[0] is not None and right is MISSING:
        return Sides("", right_gone, tuple(f"-{_line(line)}" for line in _lines(texts[0])))
    elif texts[1] is not None and left is MISSING:
        return Sides(left_gone, "", tuple(f"+{_line(line)}" for line in _lines(texts[1])))
    return Sides(*_windows(*_told_apart(shown(left, left_gone), shown(right, right_gone), left, right)))


def single(value: Any) -> Sides:
    """Lay out one value: `left`, or lines that begin with a space."""
    text = _tall(value)
    if text is None:
        return Sides(_windows(shown(value), "")[0], "")
    return Sides("", "", tuple(f" {_line(line)}" for line in _lines(text)))


def _tall(value: Any) -> str | None:
    """The text of a value that takes more than one line; a structure becomes YAML. None: one line is enough."""
    if isinstance(value, str):
        return value if "\n" in value.rstrip("\n") else None
    if not isinstance(value, (Mapping, Sequence)) or isinstance(value, bytes) or not value:
        return None
    if len(shown(value)) <= _SHORT:
        return None
    return _yaml(value)


def _yaml(value: Any) -> str | None:
    """A structure as YAML. Keys are sorted: their order says nothing, and would mark lines that do not differ."""
    body = _sorted(plain(value))
    try:
        # A list has no document of its own kind here; it stands under a key that is taken off again.
        return dump(body) if isinstance(body, dict) else dump({"list": body}).partition("\n")[2]
    except (TypeError, ValueError):
        return None


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _differing(left: str, right: str) -> tuple[str, ...]:
    """A unified diff. Equal texts give no lines."""
    texts = _lines(left), _lines(right)
    if left.endswith("\n") != right.endswith("\n"):
        texts[left.endswith("\n")].append(_NO_END)  # to the one that lacks it
    blind = _looks(left) == _looks(right)
    found = _whole(*texts) if _hopeless(*texts) else list(unified_diff(*texts, n=3, lineterm=""))[2:]
    return tuple(one if one.startswith("@@") else one[0] + _line(one[1:], one[0] != " ", blind) for one in found)


def _hopeless(left: list[str], right: list[str]) -> bool:
    """Tell whether line by line would take seconds: difflib's time grows with the square of what differs."""
    pairs = list(zip(left, right, strict=False))
    start = next((at for at, (one, other) in enumerate(pairs) if one != other), len(pairs))
    ends = zip(reversed(left[start:]), reversed(right[start:]), strict=False)
    same = start + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return (len(left) - same) * (len(right) - same) > _PAIRS


def _whole(left: list[str], right: list[str]) -> list[str]:
    head = f"@@ -1,{len(left)} +1,{len(right)} @@"
    return [head, *(f"-{line}" for line in left), *(f"+{line}" for line in right)]


def _lines(text: str) -> list[str]:
    """Lines end with a newline and with nothing else: a carriage return is a part of the text."""
    lines = text.split("\n")
    return lines[:-1] if text.endswith("\n") else lines


def _line(text: str, marked: bool = False, blind: bool = False) -> str:
    """One line, safe. A space at the end of a marked line can be seen, and so can all that has no shape if `blind`."""
    text = safe(text)
    if marked and text.endswith(" "):
        text = text[:-1] + "\\x20"
    return text.encode("ascii", "backslashreplace").decode() if blind else text


def _told_apart(left: str, right: str, one: Any, other: Any) -> tuple[str, str]:
    """Values of two types, or that differ in what nobody sees, are quoted and escaped."""
    if _looks(left) != _looks(right) or one is MISSING or other is MISSING:
        return left, right
    return json.dumps(plain(one)), json.dumps(plain(other))


def _looks(text: str) -> str:
    """What a person sees of a text: marks without a shape are gone, composed and decomposed letters are one."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", "".join(char for char in text if unicodedata.category(char) != "Cf"))


def _windows(left: str, right: str) -> tuple[str, str]:
    """Cut long texts around the first character that differs: cut at the end, they could look the same."""
    if max(len(left), len(right)) <= _LONGEST:
        return left, right
    same = next((at for at, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, same - _BEFORE)
    return _window(left, start), _window(right, start)


def _window(text: str, start: int) -> str:
    if len(text) <= _LONGEST:
        return text
    start = min(start, len(text) - _BEFORE)
    cut = text[start : start + _LONGEST]
    head, tail = "…" if start else "", "…" if start + len(cut) < len(text) else ""
    return f"{head}{cut}{tail} ({number(len(text))} characters; -o json shows all)"
