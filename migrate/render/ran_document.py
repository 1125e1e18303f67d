"""What apply and release print with -o json: `reports/apply.schema.json`."""

from __future__ import annotations

from typing import Any

from migrate.model.objects import MISSING
from migrate.model.ran import Clash, Ran, Report
from migrate.render import since
from migrate.render.words import plain

SCHEMA = "gke2eks.apply/v1"


def ran_document(report: Report) -> dict[str, Any]:
    """Give a run as JSON values. Waves are numbered as progress shows them, from 1."""
    return {
        "schema": SCHEMA,
        "command": report.command,
        "target": report.target,
        "plan": report.plan,
        "counts": report.counts,
        "written": report.written,
        "results": [_result(one) for one in report.results],
        "settling": [
            {"ref": one.ref.as_dict(), "waits_for": one.waits_for, "seconds": round(one.seconds, 1), "stops": one.stops}
            for one in report.settling
        ],
        "stopped": report.stopped.partition("\n")[0],
        "next": report.stopped.partition("\n")[2],
        "untried": report.untried,
        "resumed": report.resumed,
        "seconds": round(report.seconds, 1),
        "exit": report.exit,
        **({"since": since.document(report.since)} if report.since is not None else {}),
    }


def _result(one: Ran) -> dict[str, Any]:
    return {
        "ref": one.ref.as_dict(),
        "action": one.action.value,
        "message": one.message,
        "because": one.because,
        "fix": one.fix,
        "wave": one.wave + 1,
        "conflicts": [_clash(clash) for clash in one.conflicts],
        **({"policy": one.policy} if one.policy else {}),
    }


def _clash(clash: Clash) -> dict[str, Any]:
    # null is a value that Kubernetes knows; a side that is not there, or could not be read, has no key.
    sides = {"theirs": clash.theirs, "ours": clash.ours}
    there = {side: plain(value) for side, value in sides.items() if value is not MISSING}
    return {"path": clash.path, "manager": clash.manager, **there}
