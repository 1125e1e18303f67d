"""A place inside an object: keys, list items by identity, list items by index. `parse(str(path)) == path`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:@-]+\Z")


@dataclass(frozen=True, slots=True)
class Item:
    """A list item named by its Kubernetes merge keys, e.g. (('name', 'api'),)."""

    keys: tuple[tuple[str, str | int | bool], ...]


Segment = str | int | Item


class Path(tuple[Segment, ...]):
    """A tuple of segments: str is a key, int a list index, Item a list item by identity."""

    __slots__ = ()

    def __truediv__(self, segment: Segment) -> Path:
        return Path((*self, segment))

    def __str__(self) -> str:
        out: list[str] = []
        for segment in self:
            if isinstance(segment, Item):
                out.append("[" + ",".join(f"{_text(k)}={_value(v)}" for k, v in segment.keys) + "]")
            elif isinstance(segment, int):
                out.append(f"[{segment}]")
            elif _PLAIN_KEY.match(segment):
                out.append(f".{segment}" if out else segment)
            else:
                out.append(f"[{json.dumps(segment, ensure_ascii=False)}]")
        return "".join(out)

    def startswith(self, other: Path) -> bool:
        """Tell whether `other` is this path or an ancestor of it."""
        return self[: len(other)] == other


def _text(key: str) -> str:
    return key if _PLAIN_KEY.match(key) else json.dumps(key, ensure_ascii=False)


def _value(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    # A string that reads as a number or a boolean keeps its quotes, so that parsing gives a string again.
    if _PLAIN_VALUE.match(value) and not re.fullmatch(r"-?\d+|true|false", value):
        return value
    return json.dumps(value, ensure_ascii=False)


class PathError(ValueError):
    """A text that is no path; says at which character."""


def parse(text: str) -> Path:
    """Read a printed path back. Raises PathError."""
    segments: list[Segment] = []
    at = 0
    while at < len(text):
        if text[at] == "[":
            segment, at = _bracket(text, at)
            segments.append(segment)
            continue
        if text[at] == ".":
            if not segments:
                raise PathError(f"a path does not start with a dot: {text!r}")
            at += 1
        found = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*").match(text, at)
        if not found:
            raise PathError(f'cannot read {text!r} at character {at + 1}; quote odd keys: annotations["a.b/c"]')
        segments.append(found.group())
        at = found.end()
    return Path(segments)


_DECODER = json.JSONDecoder()


def _bracket(text: str, at: int) -> tuple[Segment, int]:
    inside = at + 1
    number = re.compile(r"(\d+)\]").match(text, inside)
    if number:
        return int(number.group(1)), number.end()
    if text[inside : inside + 1] == '"':
        key, after = _string(text, inside)
        if text[after : after + 1] == "]":
            return key, after + 1
    pairs: list[tuple[str, str | int | bool]] = []
    while True:
        key, inside = _string(text, inside) if text[inside : inside + 1] == '"' else _bare(text, inside, "=")
        if text[inside : inside + 1] != "=":
            raise PathError(f"cannot read {text!r} at character {inside + 1}; expected '='")
        inside += 1
        value: str | int | bool
        if text[inside : inside + 1] == '"':
            value, inside = _string(text, inside)
        else:
            word, inside = _bare(text, inside, ",]")
            value = int(word) if re.fullmatch(r"-?\d+", word) else {"true": True, "false": False}.get(word, word)
        pairs.append((key, value))
        if text[inside : inside + 1] == "]":
            return Item(tuple(pairs)), inside + 1
        if text[inside : inside + 1] != ",":
            raise PathError(f"cannot read {text!r} at character {inside + 1}; expected ',' or ']'")
        inside += 1


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except ValueError:
        raise PathError(f"cannot read {text!r} at character {at + 1}; a quote is not closed") from None
    if not isinstance(value, str):
        raise PathError(f"cannot read {text!r} at character {at + 1}; expected a quoted key")
    return value, end


def _bare(text: str, at: int, stops: str) -> tuple[str, int]:
    end = at
    while end < len(text) and text[end] not in stops:
        end += 1
    return text[at:end], end


def P(*segments: Segment) -> Path:
    """Build a path from its segments."""
    return Path(segments)
