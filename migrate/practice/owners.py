"""Who owns which field: managedFields in and out, and what a write does to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrate.practice.merging import (
    Paths,
    Unmergeable,
    Where,
    compare,
    in_order,
    merge,
    paths_of,
    shown,
    with_fields,
    without,
)
from migrate.practice.refusal import Refusal
from migrate.practice.shapes import Shape

Json = dict[str, Any]
_BEFORE = "before-first-apply"
_META_FIELDS = "name namespace creationTimestamp selfLink uid clusterName generation managedFields resourceVersion"
_META = {("f:apiVersion",), ("f:kind",), ("f:metadata",)} | {
    ("f:metadata", f"f:{name}") for name in _META_FIELDS.split()
}


@dataclass(frozen=True, slots=True)
class Owner:
    """A manager as it is told apart: its name is not enough."""

    name: str
    operation: str  # Apply or Update
    version: str  # apiVersion
    subresource: str = ""

    def __str__(self) -> str:
        said = f'"{self.name}"' + (f' with subresource "{self.subresource}"' if self.subresource else "")
        return f"{said} using {self.version}" if self.operation == "Update" else said


@dataclass(frozen=True, slots=True)
class Owned:
    paths: Paths
    time: str


Owners = dict[Owner, Owned]


def decode(body: Mapping[str, Any]) -> Owners:
    """Read metadata.managedFields; entries that make no sense are left out."""
    found: Owners = {}
    for entry in body["metadata"].get("managedFields") or ():
        if not isinstance(entry.get("fieldsV1"), dict):
            continue
        words = (str(entry.get(key) or "") for key in ("manager", "operation", "apiVersion", "subresource"))
        paths: set[Where] = set()
        _decode(entry["fieldsV1"], (), paths)
        found[Owner(*words)] = Owned(frozenset(paths), str(entry.get("time") or ""))
    return found


def _decode(fields: Mapping[str, Any], at: Where, found: set[Where]) -> None:
    for element, below in fields.items():
        if element == ".":
            found.add(at)
        elif isinstance(below, dict) and below:
            _decode(below, (*at, element), found)
        else:
            found.add((*at, element))


def encode(owners: Owners) -> list[Json]:
    """Write managedFields in the order of a real server."""
    out = []
    for owner, owned in sorted(
        owners.items(), key=lambda one: (one[0].operation, one[1].time, one[0].name, one[0].version, one[0].subresource)
    ):
        entry = {"manager": owner.name, "operation": owner.operation, "apiVersion": owner.version}
        entry |= ({"time": owned.time} if owned.time else {}) | {"fieldsType": "FieldsV1"}
        out.append(
            {**entry, "fieldsV1": _fields(owned.paths)}
            | ({"subresource": owner.subresource} if owner.subresource else {})
        )
    return out


def _fields(paths: Paths) -> Json:
    out: Json = {}
    for path in sorted(paths):
        here = out
        for element in path:
            here = here.setdefault(element, {})
        if path:
            here["."] = {}
    return _tidy(out)


def _tidy(fields: Json) -> Json:
    """A leaf is {}, not {".": {}}."""
    return {key: {} if inner == {".": {}} else _tidy(inner) for key, inner in fields.items()}


def is_reset(body: Mapping[str, Any]) -> bool:
    """Tell whether a write asks to forget all owners: managedFields: [] or [{}]."""
    return body["metadata"].get("managedFields") in ([], [{}])


def updated(
    old: Json | None, new: Json, owners: Owners, owner: Owner, shape: Shape, ours: Callable[[Where], bool], now: str
) -> Owners:
    """Give the owners after a create, replace or patch. `ours` says which paths this endpoint may own."""
    if old is not None and not owners:
        return owners  # an object whose owners were never known gets none until it is applied
    try:
        touched, removed = _changes(_bare(old or {"metadata": {}}), _bare(new), shape, ours)
    except Unmergeable:
        return {}  # as a real server, which forgets the owners of what it cannot compare
    left = _lose(owners, touched | removed)
    taken = frozenset(touched - _META)
    if not taken:
        return left
    before = left.get(owner)
    left[owner] = Owned(taken | (before.paths if before else frozenset()), now)
    return left


def applied(
    live: Json | None,
    config: Json,
    owners: Owners,
    owner: Owner,
    shape: Shape,
    ours: Callable[[Where], bool],
    now: str,
    *,
    force: bool,
) -> tuple[Json, Owners]:
    """Merge a server-side apply into what is there. Raises Refusal with the conflicts."""
    base = _bare(live) if live is not None else {"metadata": {}}
    if live is not None and not owners:
        before = frozenset(_changes({}, base, shape, ours)[0] - _META)
        owners = {replace(owner, name=_BEFORE, operation="Update"): Owned(before, now)} if before else {}
    config = _bare(config)
    merged = merge(base, config, shape)
    last = owners.get(owner)
    wanted = frozenset(path for path in paths_of(config, shape) if ours(path))
    after = {**owners, owner: Owned(wanted, now)}
    if last is not None and last.paths:
        merged = _pruned(merged, after, last.paths, shape)
    touched, removed = _changes(base, merged, shape, ours)
    conflicts = {o: owned.paths & touched for o, owned in after.items() if o != owner and owned.paths & touched}
    if conflicts and not force:
        raise _conflict(conflicts)
    others = _lose({o: owned for o, owned in after.items() if o != owner}, touched | removed)
    mine = wanted - _META
    if mine:
        same = last is not None and last.paths == mine and merged == base
        others[owner] = Owned(mine, last.time if same and last is not None else now)
    return merged, others


def _changes(old: Json, new: Json, shape: Shape, ours: Callable[[Where], bool]) -> tuple[set[Where], set[Where]]:
    """What was set and what was removed, of what may be owned through this endpoint."""
    change = compare(old, new, shape)
    return set(filter(ours, change.added | change.modified)), set(filter(ours, change.removed))


def _lose(owners: Owners, paths: set[Where]) -> Owners:
    left = {o: replace(owned, paths=owned.paths - paths) for o, owned in owners.items()}
    return {o: owned for o, owned in left.items() if owned.paths}


def _pruned(merged: Json, owners: Owners, last: Paths, shape: Shape) -> Json:
    """Take away what this manager applied last time, not this time, and nobody else owns."""
    mine = with_fields(last, shape)
    there = with_fields(paths_of(merged, shape), shape)
    pruned = without(merged, shape, mine)
    owned = with_fields(frozenset().union(*(one.paths for one in owners.values())), shape)
    pruned = without(merged, shape, there - with_fields(paths_of(pruned, shape), shape) - owned)
    found = without(merged, shape, (there - with_fields(paths_of(pruned, shape), shape)) & mine)
    return found if isinstance(found, dict) else {}


def _bare(body: Json) -> Json:
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": metadata}


def _conflict(conflicts: Mapping[Owner, Paths]) -> Refusal:
    found = [(owner, path) for owner in sorted(conflicts, key=str) for path in in_order(conflicts[owner])]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {owner}", "field": shown(path)}
        for owner, path in found
    ]
    if len(found) == 1:
        said = f"1 conflict: conflict with {found[0][0]}: {shown(found[0][1])}"
    else:
        lines = [
            "\n".join([f"conflicts with {owner}:", *(f"- {shown(path)}" for path in in_order(conflicts[owner]))])
            for owner in sorted(conflicts, key=str)
        ]
        said = f"{len(found)} conflicts: " + "\n".join(lines)
    return Refusal(409, "Conflict", f"Apply failed with {said}", details={"causes": causes})
