"""Pair the items of two lists that have no keys, so that one item put in is one difference and not many."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migrate.differ.walk_alike import alike
from migrate.model.objects import MISSING

Pair = tuple[int | None, int | None]
# Above this many comparisons only equal items are looked for, and the rest is paired by place.
_CELLS = 4096
# Two items that are not alike cost less as a pair than as one taken and one put in, which is 2. A scalar's pair costs
# more than 1, so that an item that moved is one taken and one put in, and the others stay where they are.
_ALONE, _SCALARS = 1.0, 1.01


def align(one: Sequence[Any], other: Sequence[Any]) -> Iterator[Pair]:
    """Give the places of items that belong together, in order; None for none. Paired items need not be alike."""
    start, short = 0, min(len(one), len(other))
    while start < short and alike(one[start], other[start]):
        start += 1
    end = 0
    while end < short - start and alike(one[-1 - end], other[-1 - end]):
        end += 1
    yield from ((at, at) for at in range(start))
    yield from _between(one, other, (start, len(one) - end), (start, len(other) - end))
    yield from ((len(one) - at, len(other) - at) for at in range(end, 0, -1))


def _between(
    one: Sequence[Any], other: Sequence[Any], ours: tuple[int, int], theirs: tuple[int, int]
) -> Iterator[Pair]:
    rows, columns = ours[1] - ours[0], theirs[1] - theirs[0]
    if rows * columns <= _CELLS:
        found = _cheapest(one[slice(*ours)], other[slice(*theirs)])
        yield from ((_at(row, ours[0]), _at(column, theirs[0])) for row, column in found)
        return
    before, after = [[_text(value) for value in side] for side in (one[slice(*ours)], other[slice(*theirs)])]
    for _, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        both = min(b - a, d - c)
        yield from ((ours[0] + a + n, theirs[0] + c + n) for n in range(both))
        yield from ((at, None) for at in range(ours[0] + a + both, ours[0] + b))
        yield from ((None, at) for at in range(theirs[0] + c + both, theirs[0] + d))


def _at(place: int | None, start: int) -> int | None:
    return None if place is None else place + start


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _cheapest(one: Sequence[Any], other: Sequence[Any]) -> list[Pair]:
    """The alignment of least cost (Needleman and Wunsch); of equals, the one that pairs earliest from the end."""
    prices = [[_price(mine, theirs) for theirs in other] for mine in one]
    best = [[_ALONE * column for column in range(len(other) + 1)]]
    for row in range(1, len(one) + 1):
        above, line = best[-1], [_ALONE * row]
        for column in range(1, len(other) + 1):
            paired = above[column - 1] + prices[row - 1][column - 1]
            line.append(min(paired, above[column] + _ALONE, line[-1] + _ALONE))
        best.append(line)
    found: list[Pair] = []
    row, column = len(one), len(other)
    while row and column:
        if best[row][column] == best[row - 1][column - 1] + prices[row - 1][column - 1]:
            row, column = row - 1, column - 1
            found.append((row, column))
        elif best[row][column] == best[row][column - 1] + _ALONE:
            column -= 1
            found.append((None, column))
        else:
            row -= 1
            found.append((row, None))
    found += [(at, None) for at in range(row - 1, -1, -1)] + [(None, at) for at in range(column - 1, -1, -1)]
    return found[::-1]


def _price(mine: Any, theirs: Any) -> float:
    if alike(mine, theirs):
        return 0.0
    if isinstance(mine, (Mapping, list)) and mine.__class__ is theirs.__class__:
        return 0.1 + 1.8 * _apart(mine, theirs)
    return _SCALARS


def _apart(one: Any, other: Any) -> float:
    """How far two values are from each other: 0 for equal ones, 1 for ones that share nothing."""
    if one == other:
        return 0.0
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = one.keys() | other.keys()
        return sum(_apart(one.get(key, MISSING), other.get(key, MISSING)) for key in keys) / len(keys)
    if isinstance(one, list) and isinstance(other, list):
        long, short = max(len(one), len(other)), min(len(one), len(other))
        return (sum(map(_apart, one, other)) + long - short) / long
    return 1.0
