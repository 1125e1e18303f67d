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
        root = yaml.compose(text, yaml.CSafeLoader)
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
    read = yaml.load(text, yaml.CSafeLoader)
    return tuple(Row(fields, f"{name}:{line}") for fields, line in zip(read, found, strict=True))


@dataclass(frozen=True, slots=True)
class Needle:
    """Something that looks like Google: a cheap substring and the pattern that decides."""

    needle: str
    pattern: re.Pattern[str]
    what: str
    under: re.Pattern[str] | None = None


_ANNOTATIONS = frozenset(
    {"rule", "title", "area", "severity", "what", "why", "docs", "kinds", "keys", "at", "verb", "because"}
    | {"say", "fix", "weight", "when", "example", "source"}
)
_PAGE = {"title", "area", "severity", "what", "why", "docs"}
_SWEEP = frozenset({"needle", "pattern", "what"})
_EKS_VERSIONS = frozenset({"version", "standard", "extended", "read", "source"})
# Tables that rules read through `known.rows(name)`: their columns, and those that every row must have.
_COLUMNS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "eks-versions.yaml": (_EKS_VERSIONS, _EKS_VERSIONS),
    "storage.yaml": (frozenset({"type", "ebs", "iops", "note", "source"}), frozenset({"type", "ebs"})),
    "dependencies.yaml": (
        frozenset({"service", "rule", "what", "needles", "patterns", "unless", "with", "severity", "say", "fix"})
        | {"together", "local", "docs", "source"},
        frozenset({"service", "rule", "what", "needles", "patterns", "severity", "say", "fix", "docs", "source"}),
    ),
    "external-dns.yaml": (frozenset({"kinds", "passes", "source"}), frozenset({"kinds", "passes", "source"})),
    "outside-world.yaml": (
        frozenset({"program", "images", "labels", "says", "files", "runs", "because", "source"}),
        frozenset({"program", "because", "source"}),
    ),
    "registries.yaml": (
        frozenset({"hosts", "under", "verb", "to", "because", "say", "fix", "weight", "source"}),
        frozenset({"hosts", "verb", "because", "source"}),
    ),
    "gpus.yaml": (frozenset({"gke", "ec2", "memory", "note", "source"}), frozenset({"gke", "ec2"})),
    "machine-types.yaml": (frozenset({"family", "types"}), frozenset({"family", "types"})),
    "node-labels.yaml": (
        frozenset({"eks", "auto", "groups", "group-values", "keys", "to", "by", "values", "always", "topology"})
        | {"block", "say", "fix", "weight", "because", "source"},
        frozenset({"source"}),
    ),
    "rbac.yaml": (
        frozenset({"what", "names", "say", "fix", "weight", "source"}),
        frozenset({"what", "names", "say", "fix", "source"}),
    ),
    "parameters.yaml": (
        frozenset({"drivers", "kinds", "keys", "values", "say", "fix", "weight", "because", "source"}),
        frozenset({"drivers", "keys", "because", "source"}),
    ),
}


@dataclass(frozen=True, slots=True)
class Overlay:
    """A table of the user's own: which table it adds to, its text, and how to name it in reasons and errors."""

    table: str
    text: str
    where: str


TABLES = ("annotations.yaml", "sweep.yaml", *sorted(_COLUMNS))


def annotation_rows(overlays: tuple[Overlay, ...] = ()) -> tuple[Row, ...]:
    """The table of annotations that only Google's controllers know. An overlay's rows come after the bundled ones."""
    found = _table("annotations.yaml", _ANNOTATIONS, overlays)
    described = {row.fields["rule"] for row in found if "title" in row.fields and "rule" in row.fields}
    for row in found:
        needs = {"rule", "kinds", "keys", "verb", "because"}
        needs |= {"example"} | (set() if row.fields.get("rule") in described else _PAGE)
        _require(row, needs)
        if row.fields["verb"] not in ("remove", "flag"):
            raise BadMapping(f"{row.where}: unknown verb '{row.fields['verb']}'", "use remove or flag.")
        if row.fields.get("at", "object") not in ("object", "template"):
            raise BadMapping(f"{row.where}: unknown place '{row.fields['at']}'", "use object or template.")
        if ("say" in row.fields) != ("fix" in row.fields):
            raise BadMapping(f"{row.where}: say and fix belong together", "write both, or none.")
        _pattern(row, row.fields.get("when", ""))
    return found


def needles(overlays: tuple[Overlay, ...] = ()) -> tuple[Needle, ...]:
    """The sweep's table."""
    found = []
    for row in _table("sweep.yaml", _SWEEP | {"under"}, overlays):
        _require(row, set(_SWEEP))
        pattern = _pattern(row, row.fields["pattern"])
        under = _pattern(row, row.fields["under"]) if "under" in row.fields else None
        found.append(Needle(str(row.fields["needle"]).lower(), pattern, row.fields["what"], under))
    return tuple(found)


def rule_tables(overlays: tuple[Overlay, ...] = ()) -> Mapping[str, tuple[Row, ...]]:
    """The tables that rules ask for by name; an overlay's rows come after the bundled ones."""
    found = {name: _table(name, columns, overlays) for name, (columns, _) in _COLUMNS.items()}
    for name, table in found.items():
        for row in table:
            _require(row, set(_COLUMNS[name][1]))
    return found


def _table(name: str, columns: frozenset[str], overlays: tuple[Overlay, ...]) -> tuple[Row, ...]:
    more = [rows(overlay.text, overlay.where, columns) for overlay in overlays if overlay.table == name]
    return tuple(row for table in [_bundled(name, columns), *more] for row in table)


@cache
def _bundled(name: str, columns: frozenset[str]) -> tuple[Row, ...]:
    return rows(text(name), f"mappings/{name}", columns)


def _pattern(row: Row, text: Any) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, TypeError) as error:
        raise BadMapping(f"{row.where}: not a regular expression: {error}", "correct the pattern.") from None


def _require(row: Row, columns: set[str]) -> None:
    missing = sorted(columns - set(row.fields))
    if missing:
        raise BadMapping(f"{row.where}: the row has no {', '.join(missing)}", "add what is missing.")


def text(name: str) -> str:
    """Read one bundled table as text."""
    return bundled.folder("mappings").joinpath(name).read_text("utf-8")
