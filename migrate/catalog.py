"""mappings/*.yaml as typed tables that remember their line numbers. Unknown columns are refused with file and line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from migrate import bundled
from migrate.errors import BadMapping


@dataclass(frozen=True, slots=True)
class Row:
    """One table row: its columns and where it stands, as 'mappings/file.yaml:line'."""

    fields: Mapping[str, Any]
    where: str


def rows(text: str, name: str, columns: frozenset[str]) -> tuple[Row, ...]:
    """Read a table. Raises BadMapping naming file:line for anything that is not a list of known columns."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise BadMapping(f"{name}: not YAML: {error}", "correct the table. Nothing was planned.") from None
    if not isinstance(root, yaml.SequenceNode):
        raise BadMapping(f"{name}:1: a table is a list of rows", "start each row with '- '. Nothing was planned.")
    found: list[int] = []
    for node in root.value:
        where = f"{name}:{node.start_mark.line + 1}"
        if not isinstance(node, yaml.MappingNode):
            raise BadMapping(f"{where}: a row is a mapping", "correct the row. Nothing was planned.")
        for key, _ in node.value:
            if key.value not in columns:
                near = difflib.get_close_matches(str(key.value), columns, 1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                raise BadMapping(
                    f"{name}:{key.start_mark.line + 1}: unknown column '{key.value}'{hint}",
                    "correct the column. Nothing was planned.",
                )
        found.append(node.start_mark.line + 1)
    return tuple(Row(fields, f"{name}:{line}") for fields, line in zip(yaml.safe_load(text), found, strict=True))


@dataclass(frozen=True, slots=True)
class Needle:
    """Something that looks like Google: a cheap substring and the pattern that decides."""

    needle: str
    pattern: re.Pattern[str]
    what: str


_ANNOTATIONS = frozenset(
    {"rule", "title", "area", "severity", "what", "why", "docs", "kinds", "keys", "verb", "because"}
    | {"example", "source"}
)
_SWEEP = frozenset({"needle", "pattern", "what"})
_STORAGE = frozenset({"type", "ebs", "note"})


@cache
def annotation_rows() -> tuple[Row, ...]:
    """The table of annotations that only Google's controllers know."""
    return rows(text("annotations.yaml"), "mappings/annotations.yaml", _ANNOTATIONS)


@cache
def needles() -> tuple[Needle, ...]:
    """The sweep's table."""
    table = rows(text("sweep.yaml"), "mappings/sweep.yaml", _SWEEP)
    return tuple(
        Needle(r.fields["needle"], re.compile(r.fields["pattern"], re.IGNORECASE), r.fields["what"]) for r in table
    )


@cache
def disk_types() -> Mapping[str, Row]:
    """EBS volume types by Google disk type."""
    return {r.fields["type"]: r for r in rows(text("storage.yaml"), "mappings/storage.yaml", _STORAGE)}


def text(name: str) -> str:
    """Read one bundled table as text."""
    return bundled.folder("mappings").joinpath(name).read_text("utf-8")
