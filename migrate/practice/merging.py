"""The walks of server-side apply over values and their shapes: which paths, what differs, merged, without.

A path is a tuple of elements as managedFields writes them: ('f:spec', 'k:{"name":"a"}', 'f:image').
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from migrate.model.objects import MISSING
from migrate.practice.shapes import Shape, compact

Where = tuple[str, ...]
Paths = frozenset[Where]


class Unmergeable(ValueError):
    """A keyed list cannot be read as one: an item without its key, or two with the same."""


@dataclass(slots=True)
class Difference:
    """What a write did to an object, as paths."""

    added: set[Where] = field(default_factory=set)
    modified: set[Where] = field(default_factory=set)
    removed: set[Where] = field(default_factory=set)


def paths_of(value: Any, shape: Shape) -> Paths:
    """Every path that someone who sends this value owns."""
    found: set[Where] = set()
    _paths(value, shape, (), found)
    return frozenset(found)


def _paths(value: Any, shape: Shape, at: Where, found: set[Where]) -> None:
    if isinstance(value, dict) and not shape.whole:
        for key, inner in value.items():
            here = (*at, f"f:{key}")
            _paths(inner, shape.child(key), here, found)
            if inner is None or inner == {} or not shape.is_field(key):
                found.add(here)
    elif isinstance(value, list) and shape.associative:
        for name, item in _items(value, shape):
            _paths(item, shape.item, (*at, name), found)
            found.add((*at, name))
    else:
        found.add(at)


def _items(value: Any, shape: Shape, at: Where = (), *, unique: bool = False) -> list[tuple[str, Any]]:
    named: list[tuple[str, Any]] = []
    for index, item in enumerate(value if isinstance(value, list) else ()):
        try:
            named.append((shape.element(item), item))
        except ValueError as error:
            raise Unmergeable(f"{shown(at)}: element {index}: {error}") from None
    if unique and len({name for name, _ in named}) < len(named):
        twice = next(name for i, (name, _) in enumerate(named) if name in {n for n, _ in named[:i]})
        raise Unmergeable(f"{shown(at)}: duplicate entries for key {shown((twice,))}")
    return named


def compare(old: Any, new: Any, shape: Shape) -> Difference:
    """Say what differs between two versions of an object."""
    out = Difference()
    _compare(old, new, shape, (), out)
    return out


def _compare(old: Any, new: Any, shape: Shape, at: Where, out: Difference) -> None:
    if isinstance(old, dict) | isinstance(new, dict) and not shape.whole and (old or new):
        left, right = (side if isinstance(side, dict) else {} for side in (old, new))
        for key in left.keys() | right.keys():
            inner = shape.child(key)
            _compare(left.get(key, MISSING), right.get(key, MISSING), inner, (*at, f"f:{key}"), out)
        clash = not all(side is None or side is MISSING or isinstance(side, dict) for side in (old, new))
    elif isinstance(old, list) | isinstance(new, list) and shape.associative and (old or new):
        lefts, rights = _grouped(old, shape), _grouped(new, shape)
        for name in lefts.keys() | rights.keys():
            _compare_items(lefts.get(name, []), rights.get(name, []), shape.item, (*at, name), out)
        clash = False
    else:
        clash = True
    if old is MISSING:
        out.added.add(at)
    elif new is MISSING:
        out.removed.add(at)
    elif clash and compact(old) != compact(new):
        out.modified.add(at)


def _grouped(value: Any, shape: Shape) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for name, item in _items(value, shape):
        groups.setdefault(name, []).append(item)
    return groups


def _compare_items(left: list[Any], right: list[Any], shape: Shape, at: Where, out: Difference) -> None:
    """Items of one name; where there are several, they count as one value."""
    if len(left) <= 1 and len(right) <= 1:
        _compare(left[0] if left else MISSING, right[0] if right else MISSING, shape, at, out)
    elif len(left) >= 2 and len(right) >= 2:
        if compact(left) != compact(right):
            out.modified.add(at)
    elif len(left) >= 2:
        if right:
            _compare(MISSING, right[0], shape, at, out)
        out.removed.add(at)
    else:
        if left:
            _compare(left[0], MISSING, shape, at, out)
        out.added.add(at)


def merge(live: Any, config: Any, shape: Shape, at: Where = ()) -> Any:
    """Lay what was applied over what is there. Raises Unmergeable for keyed lists that are none."""
    if config is MISSING:
        return live
    if isinstance(config, dict) | isinstance(live, dict) and not shape.whole and (config or live):
        if config is not None and not isinstance(config, dict):
            return config
        left, right = (side if isinstance(side, dict) else {} for side in (live, config))
        return {
            key: merge(left.get(key, MISSING), right.get(key, MISSING), shape.child(key), (*at, f"f:{key}"))
            for key in [*left, *(key for key in right if key not in left)]
        }
    if isinstance(config, list) | isinstance(live, list) and shape.associative and (config or live):
        if config is not None and not isinstance(config, list):
            return config
        return _merge_lists(_items(live, shape, at), _items(config, shape, at, unique=True), shape, at)
    return config


def _merge_lists(left: list[tuple[str, Any]], right: list[tuple[str, Any]], shape: Shape, at: Where) -> list[Any]:
    """The order of the applied list where both have an item; the live list's other items stay near their neighbours."""
    lefts: dict[str, Any] = {}
    for name, item in left:
        lefts[name] = MISSING if name in lefts else item  # items that are there twice are not merged
    rights = dict(right)
    shared = [name for name, _ in right if name in lefts]
    out: list[Any] = []
    done: set[str] = set()

    def take(name: str) -> None:
        done.add(name)
        out.append(merge(lefts.get(name, MISSING), rights[name], shape.item, (*at, name)))

    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right):
            name = left[i][0]
            if name == right[j][0]:
                take(name)
                i, j, shared = i + 1, j + 1, shared[1:]
                continue
            if name in rights and shared and shared[0] != name:
                i += 1
                continue
        if i < len(left):
            name, item = left[i]
            if name not in rights:
                out.append(item)
                i += 1
                continue
            if name in done:
                i += 1
        if j < len(right):
            name = right[j][0]
            take(name)
            j += 1
            if shared and shared[0] == name:
                shared = shared[1:]
    return out


def without(value: Any, shape: Shape, gone: Iterable[Where]) -> Any:
    """The value without these paths. What is emptied by that is null, as in a real server."""
    trie: dict[str, Any] = {}
    for path in gone:
        here = trie
        for element in path:
            here = here.setdefault(element, {})
        here[""] = True  # no element is empty: the mark of a path that ends here
    return _without(value, shape, trie)


def _without(value: Any, shape: Shape, trie: dict[str, Any]) -> Any:
    if isinstance(value, dict) and not shape.whole:
        kept = {}
        for key, inner in value.items():
            below = trie.get(f"f:{key}", {})
            if "" not in below:
                kept[key] = _without(inner, shape.child(key), below) if below else inner
        return kept or None
    if isinstance(value, list) and shape.associative:
        items = []
        for name, item in _items(value, shape):
            below = trie.get(name, {})
            if "" not in below:
                items.append(_without(item, shape.item, below) if below else item)
        return items or None
    return value


def with_fields(paths: Paths, shape: Shape) -> set[Where]:
    """Add the struct fields on the way to each path: who owns a.b.c owns a and a.b where they are fields."""
    found = set(paths)
    for path in paths:
        here = shape
        for depth, element in enumerate(path[:-1], 1):
            if element.startswith("f:"):
                if here.is_field(element[2:]):
                    found.add(path[:depth])
                here = here.child(element[2:])
            else:
                here = here.item
    return found


def shown(path: Where) -> str:
    """Print a path as conflicts do: '.spec.ports[port=80,protocol="TCP"].name'."""
    said = ""
    for element in path:
        kind, text = element[:2], element[2:]
        if kind == "f:":
            said += f".{text}"
        elif kind == "v:":
            said += f"[={text}]"
        else:
            said += "[" + ",".join(f"{key}={compact(value)}" for key, value in sorted(json.loads(text).items())) + "]"
    return said


def in_order(paths: Iterable[Where]) -> list[Where]:
    """Sort as conflicts are listed: at each level first what ends there."""
    return sorted(paths, key=lambda path: [(depth < len(path), element) for depth, element in enumerate(path, 1)])
