"""What diff prints with -o json: `reports/diff.schema.json`."""

from __future__ import annotations

from typing import Any

from migrate.model.comparison import Comparison, Delta
from migrate.model.objects import MISSING
from migrate.render.compared_words import exit_code, verdict
from migrate.render.words import plain

SCHEMA = "gke2eks.diff/v1"


def comparison_document(comparison: Comparison, chosen: Comparison | None = None) -> dict[str, Any]:
    """Give a comparison as JSON values. `chosen` is what `only` left: `deltas` and `runtime` are then of it alone.

    What more may be asked for is null here, and given by `gated.document`.
    """
    chosen = comparison if chosen is None else chosen
    return {
        "schema": SCHEMA,
        "verdict": verdict(comparison),
        "counts": dict(comparison.counts),
        "notes": list(comparison.notes),
        "deltas": [_delta(one) for one in chosen.deltas],
        "runtime": [
            {
                "ref": one.ref.as_dict(),
                "check": one.check,
                **_there({side: value for side, value in looked.items() if value is not None}),
                "ok": one.ok,
                "message": one.message,
            }
            for one, looked in ((one, {"source": one.source, "target": one.target}) for one in chosen.runtime)
        ],
        **dict.fromkeys(("drift", "watch", "flaps", "gate")),
        "exit": exit_code(comparison),
    }


def _delta(one: Delta) -> dict[str, Any]:
    return {
        "class": one.kind.value,
        "ref": one.ref.as_dict(),
        "path": str(one.path),
        **_there({"source": one.source, "planned": one.planned, "target": one.target}),
        "owner": {"manager": one.owner.manager, "time": one.owner.time} if one.owner else None,
        "rule": one.rule,
        "because": one.because,
        "fix": one.fix,
    }


def _there(values: dict[str, Any]) -> dict[str, Any]:
    # null is a value that Kubernetes knows; a side that does not exist has no key.
    return {side: plain(value) for side, value in values.items() if value is not MISSING}
