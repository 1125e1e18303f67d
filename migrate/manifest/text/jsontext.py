"""Reading JSON, also several values one after the other, by the rules of the YAML side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from migrate.manifest.text.document import MAX_DEPTH, Document, ParseError
from migrate.manifest.text.scalars import narrow

_BLANK: Final = re.compile(r"\s*")
_BIG_NUMBER: Final = re.compile(r"[0-9]{19}")
_COLON_VALUE: Final = re.compile(r'[\[:,]\s*":')


def json_documents(text: str) -> Iterator[tuple[Document, int]]:
    """JSON documents at the start of a text, each with its end; stops at the first thing that is not JSON."""
    try:
        body = orjson.loads(text)
    except ValueError:
        yield from _json_stream(text)
        return
    line = text.count("\n", 0, _skip_blank(text, 0)) + 1
    keys, depth = _measure(body)
    if depth <= MAX_DEPTH and _keys_written(text, keys) != keys:
        yield from _json_stream(text)
        return
    yield _json_document(text, body, depth, line, None), len(text)


def _skip_blank(text: str, position: int) -> int:
    """The next position that is not white space."""
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _keys_written(text: str, keys: int) -> int:
    """How many keys the JSON text spells; more than the values hold means that a key was given twice."""
    written = text.count('":') - text.count('\\":')
    return written if written == keys else written - sum(1 for _ in _COLON_VALUE.finditer(text))


def _measure(body: Any) -> tuple[int, int]:
    """The number of keys and the nesting depth of a value, without recursion."""
    keys = depth = 0
    level = [body] if type(body) in (dict, list) else []
    while level:
        depth += 1
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                keys += len(item)
                item = item.values()
            below.extend(value for value in item if type(value) is dict or type(value) is list)
        level = below
    return keys, depth


def _json_document(text: str, body: Any, depth: int, line: int, twice: str | None) -> Document:
    """One JSON value with the limits and the number rules of the YAML side."""
    if depth > MAX_DEPTH:
        message = f"nested more than {MAX_DEPTH} levels deep"
        return Document(None, line, ParseError(line, 1, message, "deep"))
    if _BIG_NUMBER.search(text):
        body = _narrow_tree(body)
    if twice is not None:
        return Document(body, line, ParseError(line, 1, f"the key '{twice}' is given twice", "duplicate"))
    return Document(body, line)


def _narrow_tree(value: Any) -> Any:
    """A JSON value with every whole number beyond 64 bits as the float kubectl makes of it."""
    if type(value) is dict:
        return {key: _narrow_tree(item) for key, item in value.items()}
    if type(value) is list:
        return [_narrow_tree(item) for item in value]
    return narrow(value) if type(value) is int else value


def _json_stream(text: str) -> Iterator[tuple[Document, int]]:
    """JSON values one after the other, as kubectl accepts them, with keys given twice noted."""
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        """A mapping; the first repeated key is remembered."""
        found = dict(items)
        if len(found) != len(items):
            names = [name for name, _ in items]
            twice.append(next(name for name in names if names.count(name) > 1))
        return found

    decoder = json.JSONDecoder(object_pairs_hook=pairs)
    position = _skip_blank(text, 0)
    while text[position : position + 1] in ("{", "["):
        twice.clear()
        try:
            _, end = decoder.raw_decode(text, position)
            body = orjson.loads(text[position:end])
        except (ValueError, RecursionError):
            return
        after = _skip_blank(text, end)
        if text[after : after + 1] not in ("", "{", "[", "-", "."):
            return
        line = text.count("\n", 0, position) + 1
        yield _json_document(text[position:end], body, _measure(body)[1], line, twice[0] if twice else None), after
        position = after
