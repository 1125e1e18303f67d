"""Settle what rules ask of one object: equal wishes merge, disagreements are named, any order gives the same answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from migrate.manifest.places import drop, get, prunable, put
from migrate.model.effects import Remove, Set
from migrate.model.objects import MISSING, Body
from migrate.model.path import Item, Path
from migrate.model.plan import Change

Edit = tuple[str, Set | Remove]


@dataclass(frozen=True, slots=True)
class Settled:
    """The edited body, its changes in the order they were made, and the wishes that could not be granted."""

    body: Body
    changes: tuple[Change, ...]
    conflicts: tuple[tuple[Path, str], ...]


def settle(body: Body, edits: Iterable[Edit]) -> Settled:
    """Apply edits to a body. A place on which two rules disagree keeps the source's value and is a conflict."""
    wishes = sorted({(str(e.path), rule, _print(e), e.because): (rule, e) for rule, e in edits}.items())
    granted, conflicts = _judge([edit for _, edit in wishes])
    changes: list[Change] = []
    written = [edit.path for _, edit in granted if isinstance(edit, Set)]
    for rule, edit in sorted(granted, key=_turn):
        before = get(body, edit.path)
        if isinstance(edit, Remove):
            if before is MISSING:
                continue
            body = drop(body, edit.path)
            changes.append(Change(rule, edit.path, before, MISSING, edit.because))
            body = _prune(body, edit.path, rule, changes, written)
        elif not same(before, edit.value):
            try:
                body = put(body, edit.path, edit.value)
            except KeyError:
                conflicts.append((edit.path, f"{rule} asks for a place that is not there"))
                continue
            changes.append(Change(rule, edit.path, before, edit.value, edit.because))
    return Settled(body, tuple(changes), tuple(sorted(conflicts, key=lambda c: (str(c[0]), c[1]))))


def same(one: Any, other: Any) -> bool:
    """Equal in value and in type: 1, 1.0 and True are three things."""
    if one is MISSING or other is MISSING:
        return one is other
    return one == other and _bytes(one) == _bytes(other)


def _bytes(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=repr)


def _print(edit: Set | Remove) -> str:
    return "remove" if isinstance(edit, Remove) else _bytes(edit.value).decode()


def _judge(edits: list[Edit]) -> tuple[list[Edit], list[tuple[Path, str]]]:
    by_path: dict[Path, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit[1].path, []).append(edit)
    removed = {path for path, here in by_path.items() if all(isinstance(e, Remove) for _, e in here)}
    kept: list[Edit] = []
    conflicts: list[tuple[Path, str]] = []
    for path, here in by_path.items():
        ancestor = next((path[:n] for n in range(1, len(path)) if path[:n] in by_path), None)
        if ancestor is not None and ancestor in removed:
            continue  # Remove of an ancestor beats what is below it.
        rules = " and ".join(sorted({rule for rule, _ in here}))
        if len({_print(e) for _, e in here}) > 1:
            conflicts.append((path, f"{rules} ask for different values"))
        elif ancestor is not None:
            above = " and ".join(sorted({rule for rule, _ in by_path[Path(ancestor)]}))
            conflicts.append((path, f"{rules} asks for a field inside what {above} writes as a whole"))
        else:
            kept.append(min(here, key=lambda edit: (edit[0], edit[1].because)))
    # A whole value written over a field in dispute would decide the dispute by accident.
    disputed = {path for path, _ in conflicts}
    kept = [e for e in kept if not any(d.startswith(e[1].path) for d in disputed)]
    return kept, conflicts


def _turn(edit: Edit) -> tuple[int, tuple[int, ...], str]:
    """Fields first, then keys that identify a list item, then removals from lists by index, last item first."""
    path = edit[1].path
    indices = tuple(-s for s in path if isinstance(s, int))
    if isinstance(edit[1], Remove) and indices:
        return 3, indices, str(path)
    if isinstance(edit[1], Remove) and isinstance(path[-1], Item):
        return 2, (), str(path)
    holder = path[-2] if len(path) > 1 else ""
    names_item = isinstance(holder, Item) and any(path[-1] == key for key, _ in holder.keys)
    return int(names_item), (), str(path)


def _prune(body: Body, path: Path, rule: str, changes: list[Change], written: list[Path]) -> Body:
    """Take away what the removal emptied, unless another edit writes into it: then it only looks empty for now."""
    parent = Path(path[:-1])
    while prunable(parent) and get(body, parent) in ({}, []) and not any(one.startswith(parent) for one in written):
        empty = get(body, parent)
        body = drop(body, parent)
        changes.append(Change(rule, parent, empty, MISSING, f"nothing was left in it after {path} went"))
        parent = Path(parent[:-1])
    return body


def replay(body: Body, changes: Iterable[Change]) -> Body:
    """Apply changes as they were recorded: law 3's other half."""
    for change in changes:
        body = drop(body, change.path) if change.after is MISSING else put(body, change.path, change.after)
    return body
