"""Where inside two documents differ: JSON and YAML in annotations and in files of ConfigMaps. Pure.

They are read as differ/same_texts reads them, so that what it takes for the same is not told. deepdiff does the walk
(tree view); its paths and words stay here.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

from migrate.differ import same_texts as texts
from migrate.differ.same_places import Sort, keys_of, sort_of
from migrate.model.comparison import Class, Delta
from migrate.model.path import Path

_LARGEST = 65_536  # characters of one text
_MOST = 8_000  # values in both texts; deepdiff takes some 70 µs for each pair that differs
_ALIGNED = 1_000  # in more values items are matched by their place alone: an alignment takes seconds
_LONGEST = 60  # characters of one value
_READ = {Sort.NOTE: texts.note, Sort.DATA: texts.data}


class _Unclear(ValueError):
    """Two keys print the same, or a key is a structure: nobody could be told which one."""


def told_inside(delta: Delta) -> Delta:
    """Add to why a delta is unexpected where inside its two texts differ, if they are documents. No Secret's."""
    kind = (delta.ref.group, delta.ref.kind)
    if delta.kind is not Class.UNEXPECTED or kind == ("", "Secret") or not delta.path:
        return delta
    if not isinstance(delta.planned, str) or not isinstance(delta.target, str):
        return delta
    keys = keys_of(delta.path)
    sort = sort_of(kind, keys)
    if sort not in _READ:
        return delta
    found = inside(delta.planned, delta.target, name=keys[-1], sort=sort)
    return replace(delta, because=f"{delta.because}; {found}") if found else delta


def inside(planned: str, target: str, limit: int = 3, *, name: str = "", sort: Sort = Sort.DATA) -> str:
    """Say where two documents differ, such as 'inside: server.port: 80 planned, 81 on the target; and 2 more'.

    `name` is the file or annotation that they are (YAML is read only where its name says so), `sort` says which of the
    two. '' for texts that are no documents, one of each format, or that are too large to look into.
    """
    if max(len(planned), len(target)) > _LARGEST:
        return ""
    forms = _READ[sort](name, planned), _READ[sort](name, target)
    values: dict[Hashable, int] = {}
    try:
        bodies = _bodies(*forms)
        size = sum(map(_size, bodies))
        if size > _MOST:
            return ""
        one, other = (_plain(form, values) for form in bodies)
    except _Unclear:
        return ""
    shown = {number: leaf for leaf, number in values.items()}
    found = sorted(_differences(one, other, size), key=lambda each: _order(each[0]))
    if not found:
        return ""
    said = [_said(path, before, after, shown) for path, before, after in found[:limit]]
    more = [f"and {len(found) - limit} more"] if len(found) > limit else []
    return "inside: " + "; ".join((*said, *more))


def _bodies(planned: Any, target: Any) -> tuple[Any, Any]:
    """The forms of the documents; raises _Unclear unless both texts are documents of one format."""
    if planned is None or target is None or planned[0] != target[0] or planned[0] not in ("json", "yaml"):
        raise _Unclear
    one, other = planned[1], target[1]
    if planned[0] == "json":
        return one, other
    if len(one) == len(other) == 1:
        return one[0], other[0]
    return ("[]", one), ("[]", other)  # streams of several documents: [0] is the first


def _size(form: Any) -> int:
    sort, inner = form
    if sort == "[]":
        return 1 + sum(map(_size, inner))
    return 1 + sum(_size(one) for _, one in inner) if sort == "{}" else 1


def _plain(form: Any, values: dict[Hashable, int]) -> Any:
    """Maps and lists of numbers, each the place of its value in `values`: what is equal to us is equal to deepdiff."""
    sort, inner = form
    if sort == "[]":
        return [_plain(one, values) for one in inner]
    if sort != "{}":
        return values.setdefault(form, len(values))
    found = {_key(key): _plain(one, values) for key, one in inner}
    if len(found) < len(inner):
        raise _Unclear
    return found


def _key(key: Any) -> str:
    """A key of JSON is a text; one of YAML has a form of its own."""
    if isinstance(key, str):
        return key
    if key[0] not in ("str", "bare"):
        raise _Unclear
    return str(key[1])


def _differences(one: Any, other: Any, size: int) -> Iterator[tuple[Path, Any, Any]]:
    """Where they differ, and both values; None where one side has nothing."""
    from deepdiff import DeepDiff  # takes a while to load, and few comparisons need it

    for sort, found in DeepDiff(one, other, view="tree", zip_ordered_iterables=size > _ALIGNED).items():
        for each in found:
            before = None if sort.endswith("_added") else each.t1
            after = None if sort.endswith("_removed") else each.t2
            yield Path(each.path(output_format="list")), before, after


def _order(path: Path) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (0, str(part)) for part in path]


def _said(path: Path, before: Any, after: Any, shown: dict[int, Any]) -> str:
    where = str(path) or "the whole"
    if before is None:
        return f"{where}: {_word(after, shown)} only on the target"
    if after is None:
        return f"{where}: {_word(before, shown)} planned, not on the target"
    return f"{where}: {_word(before, shown)} planned, {_word(after, shown)} on the target"


def _word(value: Any, shown: dict[int, Any]) -> str:
    """A value as its document has it, cut; of a structure only its size."""
    if isinstance(value, (dict, list)):
        many, what = len(value), "key" if isinstance(value, dict) else "item"
        return f"({many} {what}{'' if many == 1 else 's'})"
    sort, leaf = shown[value]
    text = str(leaf) if sort in ("bare", "Decimal", "int") else json.dumps(leaf, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
