"""Fields of other managers: leaving them out of what is sent, or making them ours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from migrate.manifest.places import get
from migrate.model.objects import MISSING, Body
from migrate.model.path import Item, P, Path, Segment

_OURS = "gke2eks"
_MANAGED = P("metadata", "managedFields")
# Who scales writes the object's own field through another door; status is nobody's plan.
_DOORS = ("", "scale")


def without(body: Body, paths: Iterable[Path]) -> Body:
    """Give the body without these places, as a conflict names them."""
    out: Any = body
    for path in paths:
        out = _dropped(out, tuple(path))
    assert isinstance(out, Mapping)
    return out


def _dropped(value: Any, path: tuple[Segment, ...]) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(value, Mapping) and isinstance(head, str) and head in value:
        if not rest:
            return {key: one for key, one in value.items() if key != head}
        return {**value, head: _dropped(value[head], rest)}
    if isinstance(value, list):
        fits = [_fits(at, item, head) for at, item in enumerate(value)]
        if not rest:
            return [item for item, fit in zip(value, fits, strict=True) if not fit]
        return [_dropped(item, rest) if fit else item for item, fit in zip(value, fits, strict=True)]
    return value


def _fits(at: int, item: Any, segment: Segment) -> bool:
    """A key that the server filled in, such as a port's protocol, is not among what we sent."""
    if not isinstance(segment, Item):
        return segment == at
    if not isinstance(item, Mapping):
        return any(not name and value == item for name, value in segment.keys)
    return all(item.get(name, value) == value for name, value in segment.keys) and any(
        name in item for name, _ in segment.keys
    )


def taken_over(live: Body, adopts: Callable[[str], bool]) -> tuple[list[Any], tuple[str, ...]] | None:
    """(managedFields after which we own what these managers own, their names); None: they own nothing.

    What they wrote in another version than ours belongs to nobody then: an entry says its fields in one version only.
    """
    found = get(live, _MANAGED)
    entries = [one for one in (found if isinstance(found, list) else ()) if isinstance(one, Mapping)]
    theirs = [one for one in entries if adopts(str(one.get("manager"))) and (one.get("subresource") or "") in _DOORS]
    if not theirs:
        return None
    ours = next((one for one in entries if _is_ours(one)), None)
    base = ours or {**theirs[0], "manager": _OURS, "operation": "Apply"}
    fields: Any = base.get("fieldsV1") or {}
    for one in theirs:
        if one.get("apiVersion") == base.get("apiVersion"):
            fields = _united(fields, one.get("fieldsV1") or {})
    merged = {key: one for key, one in base.items() if key != "subresource"} | {"fieldsV1": fields}
    rest = [one for one in entries if one not in theirs and one is not ours]
    return [merged, *rest], tuple(dict.fromkeys(str(one.get("manager")) for one in theirs))


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return (entry.get("manager"), entry.get("operation"), entry.get("subresource") or "") == (_OURS, "Apply", "")


def _united(one: Any, other: Any) -> Any:
    return {key: _united(one.get(key, {}), other.get(key, {})) for key in (*one, *(k for k in other if k not in one))}


def not_sent(live: Body, managers: Iterable[str], body: Body) -> tuple[str, ...]:
    """The places of these managers that are not in our body: they go when we own them. Names only, never values."""
    found = get(live, _MANAGED)
    out: list[str] = []
    for one in found if isinstance(found, list) else ():
        if one.get("manager") in managers and (one.get("subresource") or "") in _DOORS:
            _lost(one.get("fieldsV1") or {}, body, live, (), out)
    return tuple(dict.fromkeys(out))


def _lost(fields: Mapping[str, Any], ours: Any, live: Any, at: tuple[Segment, ...], out: list[str]) -> None:
    for word, below in fields.items():
        segment = _segment(word)
        if segment is None:
            continue
        here = (*at, segment)
        there, mine = get(live, (segment,)), get(ours, (segment,))
        if isinstance(segment, Item):  # what a server filled in is no key of ours
            mine = (
                next((item for item in ours if _fits(-1, item, segment)), MISSING) if isinstance(ours, list) else mine
            )
        if there is MISSING and not (isinstance(segment, Item) and not segment.keys[0][0]):
            continue
        if mine is MISSING:
            out.append(str(Path(here)))
        elif isinstance(below, Mapping):
            _lost(below, mine, there, here, out)


def _segment(word: str) -> Segment | None:
    """One element of fieldsV1: 'f:name', 'k:{"name":"a"}' or 'v:"x"'; '.' is the place itself."""
    sort, _, text = word.partition(":")
    if sort == "f":
        return text
    if sort not in ("k", "v"):
        return None
    value = orjson.loads(text)
    return Item(tuple(sorted(value.items()))) if isinstance(value, dict) else Item((("", value),))
