"""Rules that are rows: annotations of Google's controllers, from mappings/annotations.yaml."""

from __future__ import annotations

from collections.abc import Iterator

from migrate import catalog
from migrate.catalog import Row
from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Object
from migrate.model.path import P
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
        kinds=frozenset(_kind(kind) for row in rows for kind in row.fields["kinds"]),
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


def _kind(text: str) -> tuple[str, str]:
    group, _, kind = text.rpartition("/")
    return group, kind


def _effects(obj: Object, rows: list[Row]) -> Iterator[Effect]:
    identity = (obj.ref.group, obj.ref.kind)
    for row in rows:
        if identity not in {_kind(kind) for kind in row.fields["kinds"]}:
            continue
        for key in row.fields["keys"]:
            if key not in obj.annotations:
                continue
            because = f"{row.fields['because']} ({row.where})"
            if row.fields["verb"] == "remove":
                yield Remove(ANNOTATIONS / key, because)
            else:
                yield Flag(ANNOTATIONS / key, row.fields["because"], "Decide what takes its place on EKS.")
