"""Rules that are rows: annotations of Google's controllers, from mappings/annotations.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate import catalog
from migrate.catalog import Row
from migrate.manifest import pods
from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Rule

ANNOTATIONS = P("metadata", "annotations")


def rules(overlays: tuple[catalog.Overlay, ...] = ()) -> tuple[Rule, ...]:
    """One rule for each id in the table."""
    by_id: dict[str, list[Row]] = {}
    for row in catalog.annotation_rows(overlays):
        by_id.setdefault(row.fields["rule"], []).append(row)
    return tuple(_rule(rows) for rows in by_id.values())


def _rule(rows: list[Row]) -> Rule:
    first = rows[0].fields
    key = first["keys"][0]
    return Rule(
        id=first["rule"],
        title=first["title"],
        what=first["what"],
        why=first["why"],
        docs=first["docs"],
        area=first["area"],
        severity=Severity(first["severity"]),
        kinds=frozenset(kind for row in rows for kind in _kinds(row)),
        do="Nothing; the key is removed." if first["verb"] == "remove" else "Look at the key and decide.",
        effects=lambda obj, _known: _effects(obj, rows),
        gke=f"{key}: {first['example']['value']}",
        eks="removed" if first["verb"] == "remove" else "kept, and named in a finding",
        change="a row in your own overlay of mappings/annotations.yaml",
        example=Example(
            before={"metadata": {"annotations": {key: first["example"]["value"]}}},
            after={"metadata": {}},
        ),
    )


def _kinds(row: Row) -> Iterator[tuple[str, str]]:
    """(group, kind) of each kind that the row names; 'pods' is every built-in kind with a pod template."""
    for text in row.fields["kinds"]:
        if text == "pods":
            yield from pods.KINDS
        else:
            group, _, kind = text.rpartition("/")
            yield group, kind


def _effects(obj: Object, rows: list[Row]) -> Iterator[Effect]:
    identity = (obj.ref.group, obj.ref.kind)
    for row in rows:
        if identity not in set(_kinds(row)):
            continue
        where, notes = _place(obj, row)
        for key in row.fields["keys"]:
            if key not in notes:
                continue
            because = f"{row.fields['because']} ({row.where})"
            if row.fields["verb"] == "remove":
                yield Remove(where / key, because)
            if "say" in row.fields and _speaks(row, notes[key]):
                weight = Severity(row.fields["weight"]) if "weight" in row.fields else Severity.REVIEW
                yield Flag(where / key, row.fields["say"], row.fields["fix"], weight)
            elif row.fields["verb"] == "flag" and "say" not in row.fields:
                yield Flag(where / key, row.fields["because"], "Decide what takes its place on EKS.")


def _speaks(row: Row, value: Any) -> bool:
    """Tell whether the finding of a row is for this value; without `when` it is for all."""
    return "when" not in row.fields or re.fullmatch(row.fields["when"], str(value), re.IGNORECASE) is not None


def _place(obj: Object, row: Row) -> tuple[Path, Mapping[str, Any]]:
    template = pods.pod_template(obj) if row.fields.get("at") == "template" else None
    if template is None:
        return ANNOTATIONS, obj.annotations
    return Path((*template.path, *ANNOTATIONS)), template.annotations
