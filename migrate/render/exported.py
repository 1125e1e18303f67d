"""What an export read, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from migrate.model.listing import Listing, Outcome
from migrate.model.objects import Snapshot
from migrate.render.words import safe

SCHEMA = "gke2eks.export/v1"
_SHOWN = 3  # changes of one kind, for people


def export_lines(found: Snapshot) -> list[str]:
    """Say what was read and, by kind, what was not and why."""
    listed = _of(found, Outcome.LISTED)
    version = found.facts.get("kubernetes") or "an unknown version"
    kinds = f"{len(listed)} kind{'s' if len(listed) != 1 else ''}"
    lines = [f"{found.name}: {len(found.objects):,} objects of {kinds} read, Kubernetes {version}."]
    lines += [f"  {one.outcome.value:<9}  {one.kind}: {one.why}" for one in found.listings if one.missing]
    lines += [f"  unfit      {one.source} {one.reason}. {one.fix}" for one in found.left_out]
    wished = [one for one in found.listings if one.by_request]
    if wished:
        lines.append(f"  left out, as asked: {_names(wished)}")
    rest = [one for one in _of(found, Outcome.LEFT_OUT) if not one.by_request]
    for why in sorted({one.why for one in rest}):
        lines.append(f"  not asked for: {_names([one for one in rest if one.why == why])} ({why})")
    lines += _changes(found)
    if found.select:
        lines.append(f"  selected, also for plan: {found.select.as_options()}")
    if any(one.missing for one in found.listings):
        lines.append("The snapshot is incomplete: gke2eks access source prints the rights that are missing.")
    return [safe(line) for line in lines]


def export_document(found: Snapshot, next_command: str) -> dict[str, Any]:
    """Give the same as JSON values: `reports/export.schema.json`. `kinds` holds every kind that the cluster serves."""
    return {
        "schema": SCHEMA,
        "source": found.name,
        "kubernetes": str(found.facts.get("kubernetes") or ""),
        "read_at": found.read_at,
        "select": found.select.texts(),
        "counts": {
            "objects": len(found.objects),
            "kinds": len(found.listings),
            **{outcome.value: len(_of(found, outcome)) for outcome in Outcome},
            "unfit": len(found.left_out),
            "changed": sum(bool(one.changed) for one in found.listings),
        },
        "kinds": [_kind(one) for one in found.listings],
        "next": next_command,
    }


def _kind(one: Listing) -> dict[str, Any]:
    # Two groups may have kinds of one name: Event is in the core group and in events.k8s.io.
    return {
        "kind": one.kind.kind,
        "group": one.kind.group,
        "version": one.kind.version,
        "outcome": one.outcome.value,
        "count": one.count,
        "why": one.why,
        "changed": list(one.changed),
        "unseen": one.unseen,
    }


def _changes(found: Snapshot) -> list[str]:
    """What happened while the export ran. Each list is right by itself; two of them may not fit together."""
    lines = []
    for one in found.listings:
        if one.changed:
            more = f" and {len(one.changed) - _SHOWN:,} more" if len(one.changed) > _SHOWN else ""
            lines.append(f"  meanwhile  {one.kind}: {', '.join(one.changed[:_SHOWN])}{more}")
    for why in sorted({one.unseen for one in found.listings if one.unseen}):
        lines.append(f"  not watched: {_names([one for one in found.listings if one.unseen == why])} ({why})")
    if any(one.changed for one in found.listings):
        lines.append("Objects changed while the export ran; export again in a quiet moment to have them fit together.")
    return lines


def _of(found: Snapshot, outcome: Outcome) -> list[Listing]:
    return [one for one in found.listings if one.outcome is outcome]


def _names(listings: Sequence[Listing]) -> str:
    return ", ".join(sorted(str(one.kind) for one in listings))
