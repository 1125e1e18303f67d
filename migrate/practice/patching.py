"""Merge patch (RFC 7396) and JSON patch (RFC 6902). Inputs are never changed."""

from __future__ import annotations

import copy
from typing import Any

from migrate.practice.refusal import Refusal, bad

_REJECTED = "the server rejected our request due to an error in our request"


def merge_patch(body: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    out = dict(body) if isinstance(body, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge_patch(out.get(key), value)
    return out


def json_patch(body: Any, patch: Any) -> Any:
    """Apply the operations in turn. Raises the 400 or 422 of a real server."""
    if not isinstance(patch, list) or not all(isinstance(op, dict) for op in patch):
        raise bad("error decoding patch: a JSON patch is a list of operations")
    out = copy.deepcopy(body)
    try:
        for op in patch:
            out = _operate(out, op)
    except (KeyError, IndexError, ValueError, TypeError):
        raise Refusal(422, "Invalid", _REJECTED, {}) from None
    return out


def _operate(body: Any, op: dict[str, Any]) -> Any:
    verb, path = op["op"], _pointer(op["path"])
    if verb == "test":
        if _at(body, path) != op["value"]:
            raise ValueError
        return body
    if verb in ("move", "copy"):
        source = _pointer(op["from"])
        value = copy.deepcopy(_at(body, source))
        if verb == "move":
            _cut(body, source)
        return _put(body, path, value, insert=True)
    if verb == "remove":
        _cut(body, path)
        return body
    if verb not in ("add", "replace"):
        raise ValueError
    # A real server's "replace" also makes a key that is absent, against the RFC.
    return _put(body, path, copy.deepcopy(op["value"]), insert=verb == "add")


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _step(here: Any, part: str) -> Any:
    return here[int(part)] if isinstance(here, list) else here[part]


def _at(body: Any, path: list[str]) -> Any:
    for part in path:
        body = _step(body, part)
    return body


def _cut(body: Any, path: list[str]) -> None:
    here = _at(body, path[:-1])
    del here[int(path[-1]) if isinstance(here, list) else path[-1]]


def _put(body: Any, path: list[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    here, last = _at(body, path[:-1]), path[-1]
    if not isinstance(here, list):
        here[last] = value
    elif not insert:
        here[int(last)] = value
    else:
        index = len(here) if last == "-" else int(last)
        if not 0 <= index <= len(here):
            raise IndexError
        here.insert(index, value)
    return body
