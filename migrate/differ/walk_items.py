"""Pair the items of two lists by identity: by their merge keys, or by themselves where the list is a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.manifest.list_keys import identity
from migrate.model.objects import MISSING
from migrate.model.path import Item

Placed = list[tuple[int, Any]]


@dataclass(frozen=True, slots=True)
class Keyed:
    """`pairs`: (segment, ours, theirs), MISSING for none, in our order, then theirs. `order`: segments in their order.

    `loose`: (place, item) of both sides, one entry for each key that a side has twice and one for what has no key.
    """

    pairs: list[tuple[Item, Any, Any]]
    order: list[Item]
    loose: list[tuple[Placed, Placed]]


def named(items: Sequence[Any]) -> bool:
    """Tell whether all are maps and each has a name of its own."""
    names = [item.get("name") for item in items if isinstance(item, Mapping)]
    return len(names) == len(items) == len(set(map(str, names))) and all(name and type(name) is str for name in names)


def keyed(one: Sequence[Any], other: Sequence[Any], row: Mapping[str, Any] | None) -> Keyed:
    """Match two lists by the keys of a row of the table; without a row they are sets of scalars."""
    mine, theirs = _by_key(one, row), _by_key(other, row)
    found = Keyed([], [], [])
    segments: dict[Any, Item] = {}
    for key in dict.fromkeys((*mine, *theirs)):
        here, there = mine.get(key, []), theirs.get(key, [])
        segment = None if key is MISSING else _segment((here or there)[0][1], row, (mine, theirs))
        if row is None and segment is not None:
            here, there = here[:1], there[:1]  # an item is in a set or not, however often it is written
        if segment is None or len(here) > 1 or len(there) > 1:
            found.loose.append((here, there))
            continue
        segments[key] = segment
        found.pairs.append((segment, here[0][1] if here else MISSING, there[0][1] if there else MISSING))
    found.order.extend(segments[key] for key in theirs if key in segments)
    return found


def _by_key(items: Sequence[Any], row: Mapping[str, Any] | None) -> dict[Any, Placed]:
    found: dict[Any, Placed] = {}
    for at, item in enumerate(items):
        if row is not None:
            key = identity(item, row["by"], row.get("default", {}))
        else:  # with its type, since 1 == True
            key = (type(item), item) if isinstance(item, (str, int)) else MISSING
        found.setdefault(key, []).append((at, item))
    return found


def _segment(item: Any, row: Mapping[str, Any] | None, sides: tuple[dict[Any, Placed], ...]) -> Item | None:
    """Name an item by the keys that it says; by its defaults as well only where others say the same."""
    if row is None:
        return Item((("", item),))
    default = row.get("default", {})
    full = {key: value for key in row["by"] if (value := _either(item.get(key), default.get(key))) is not None}
    if not all(isinstance(value, (str, int)) for value in full.values()):
        return None
    said = {key: value for key, value in full.items() if item.get(key) is not None}
    if not said:
        return None
    if len(said) < len(full) and any(_others(said, full, side, default) for side in sides):
        said = full
    return Item(tuple(said.items()))


def _either(said: Any, default: Any) -> Any:
    return default if said is None else said


def _others(
    said: Mapping[str, Any], full: Mapping[str, Any], side: Mapping[Any, Placed], default: Mapping[str, Any]
) -> bool:
    """Tell whether another identity of a side also fits what an item says of its keys."""
    firsts = (here[0][1] for key, here in side.items() if key is not MISSING)
    return any(
        all(one.get(key) == value for key, value in said.items())
        and any(_either(one.get(key), default.get(key)) != value for key, value in full.items())
        for one in firsts
    )
