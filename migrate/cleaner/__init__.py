"""The planner's first step: what servers and controllers wrote goes, by tables. Defaulted fields stay."""

from __future__ import annotations

from migrate.cleaner.anywhere import metadata_of, templates
from migrate.cleaner.cut import without
from migrate.cleaner.found import Place
from migrate.cleaner.kinds import BY_KIND
from migrate.cleaner.tables import Cleaning, Names, load_cleaning
from migrate.model.objects import Body, Object
from migrate.model.path import Path

__all__ = ["Cleaning", "Names", "clean", "load_cleaning"]

_NO_STATUS_KINDS = frozenset({"List"})


def clean(obj: Object, tables: Cleaning) -> tuple[Body, tuple[Path, ...]]:
    """Give the body without what servers and controllers wrote, and the paths that went. The input is not touched."""
    body = obj.body
    metadata, spec = obj.metadata, obj.spec
    found: list[Place] = list(metadata_of(metadata, tables))
    if "status" in body and obj.ref.kind not in _NO_STATUS_KINDS:
        found.append(("status",))
    by_kind = BY_KIND.get((obj.ref.group, obj.ref.kind))
    if by_kind:
        found.extend(by_kind(obj, tables))
    if spec:
        found.extend(templates(spec))
    paths = sorted({path: None for path in found}, key=_order)
    return (without(body, paths), tuple(Path(path) for path in paths)) if paths else (body, ())


def _order(path: Place) -> list[tuple[bool, str | int]]:
    return [(isinstance(segment, str), segment) for segment in path]
