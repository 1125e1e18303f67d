"""Every smallest difference of two bodies, matched as Kubernetes matches them. What it means is not judged here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate.differ.walk_align import align
from migrate.differ.walk_alike import alike
from migrate.differ.walk_items import Keyed, keyed, named
from migrate.manifest.list_keys import PLAIN, Row, below, of_item, of_kind
from migrate.model.objects import MISSING, Body
from migrate.model.path import Path

Same = Callable[[Path, Any, Any], bool]
_BY_NAME: Mapping[str, Any] = {"by": ["name"]}
# Keyed lists whose order means something too: init containers run in turn, a variable may use those before it.
_ORDERED = frozenset({"initContainers", "env"})
_SECRET = ("", "Secret")
_IN_HASHES = frozenset({"data", "stringData"})


@dataclass(frozen=True, slots=True)
class Raw:
    """One difference: what is planned and what the target has, MISSING where it has none. Values are not in its repr.

    A path names items by their merge keys, spelled as the plan spells them (as the target does, where only it has the
    item), items of a set as `[""=value]`. A place in any other list is the place in the planned list, or in the
    target's list where only the target has the item.
    """

    path: Path
    planned: Any = field(repr=False)
    target: Any = field(repr=False)


def strict(path: Path, one: Any, other: Any) -> bool:
    """Equal in value and in type, wherever it is: what `differences` takes for the same when told nothing else."""
    return alike(one, other)


def differences(
    kind: tuple[str, str], planned: Body, live: Body, *, same: Same = strict, row: Row = None
) -> Iterator[Raw]:
    """Give what differs between two bodies of a kind (group, kind): in the planned order, then the target's own.

    Maps go by key, lists by the keys of mappings/list-keys.yaml, sets without order; other lists by an alignment, so
    that an item put in is one difference. Of custom kinds, lists of maps with unique names go by name,
    and by the keys that `row` says, if the schema of the kind was read. What only one
    side has is one difference, but labels and other free keys, keyed items and items of sets are one each.

    `same(path, planned, target)` is asked of unequal leaves, of which one may be MISSING, and of unequal values that
    mean something as a whole: selectors, plain lists, and the order of `env`, init containers and named items of custom
    kinds (with the target's items in both orders). It is not asked whether an item that is there is as good as none.
    data and stringData of a Secret are left to the comparison of hashes.
    """
    if kind == _SECRET:
        planned, live = _without(planned), _without(live)
    walk = _Walk(same)
    walk.maps(Path(), planned, live, of_kind(*kind) if row is None else row)
    return iter(walk.found)


def _without(body: Body) -> Body:
    return {key: value for key, value in body.items() if key not in _IN_HASHES}


class _Walk:
    """One run over two bodies; `found` is what differs. Paths are made only where something does."""

    __slots__ = ("found", "same")

    def __init__(self, same: Same) -> None:
        self.same = same
        self.found: list[Raw] = []

    def maps(self, path: Path, one: Body, other: Body, row: Row) -> None:
        for key, mine in one.items():
            theirs = other.get(key, MISSING)
            if mine is not theirs and not alike(mine, theirs):
                self.value(path / key, mine, theirs, below(row, key), key)
        for key, theirs in other.items():
            if key not in one:
                self.value(path / key, MISSING, theirs, below(row, key), key)

    def value(self, path: Path, one: Any, other: Any, row: Row, name: str) -> None:
        """Two values that are not alike; `name` is the key that they are under, '' for items of a list."""
        if one is MISSING or one is None:
            one = _none(other, row, one)
        elif other is MISSING or other is None:
            other = _none(one, row, other)
        if isinstance(other, Mapping) and isinstance(one, Mapping):
            if not (_whole(row, name) and self.same(path, one, other)):
                self.maps(path, one, other, row)
        elif isinstance(one, list) and isinstance(other, list):
            self.lists(path, one, other, row, name)
        elif not self.same(path, one, other):
            self.found.append(Raw(path, one, other))

    def lists(self, path: Path, one: Sequence[Any], other: Sequence[Any], row: Row, name: str) -> None:
        if row is not None and row.get("set"):
            self.by_key(path, keyed(one, other, None), PLAIN)
        elif row is not None and "by" in row:
            self.by_key(path, found := keyed(one, other, row), of_item(row))
            if name in _ORDERED:
                self.order(path, one, other, found)
        elif row is None and named(one) and named(other):
            self.by_key(path, found := keyed(one, other, _BY_NAME), None)
            self.order(path, one, other, found)
        elif not self.same(path, one, other):
            self.plain(path, list(enumerate(one)), list(enumerate(other)), of_item(row))

    def by_key(self, path: Path, found: Keyed, item: Row) -> None:
        for segment, mine, theirs in found.pairs:
            if mine is MISSING or theirs is MISSING:
                self.found.append(Raw(path / segment, mine, theirs))
            elif not alike(mine, theirs):
                self.value(path / segment, mine, theirs, item, "")
        for ours, others in found.loose:
            self.plain(path, ours, others, item)

    def order(self, path: Path, one: Sequence[Any], other: Sequence[Any], found: Keyed) -> None:
        """The order of the items that both have is a difference of the whole list, of which both sides are told."""
        both = {segment: theirs for segment, mine, theirs in found.pairs if not (mine is MISSING or theirs is MISSING)}
        there = [segment for segment in found.order if segment in both]
        if there != list(both) and not self.same(path, list(both.values()), [both[segment] for segment in there]):
            self.found.append(Raw(path, one, other))

    def plain(self, path: Path, one: list[tuple[int, Any]], other: list[tuple[int, Any]], item: Row) -> None:
        """Items (place, value) without identity."""
        for mine, theirs in align([value for _, value in one], [value for _, value in other]):
            if mine is None or theirs is None:
                at = one[mine][0] if mine is not None else other[theirs or 0][0]
                before = one[mine][1] if mine is not None else MISSING
                after = other[theirs][1] if theirs is not None else MISSING
                self.found.append(Raw(path / at, before, after))
            elif not alike(one[mine][1], other[theirs][1]):
                self.value(path / one[mine][0], one[mine][1], other[theirs][1], item, "")


def _none(beside: Any, row: Row, nothing: Any) -> Any:
    """Nothing, beside keys or items that each stand for themselves, is none of them: each is its own difference."""
    if not beside or row is None:
        return nothing
    if row.get("free") and isinstance(beside, Mapping):
        return {}
    return [] if ("by" in row or row.get("set")) and isinstance(beside, list) else nothing


def _whole(row: Row, name: str) -> bool:
    return name[-8:].lower() == "selector" or (row is not None and row.get("of") == "whole")
