"""plan.json: the machine contract. Fields may be added; none changes its meaning within one `schema`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from migrate.model.objects import MISSING
from migrate.model.plan import Change, Difference, Finding, Plan, Step, Transformed, Undecided
from migrate.model.ref import Ref
from migrate.render import source
from migrate.render.words import plain

SCHEMA = "gke2eks.plan/v1"

Manifests = Mapping[Ref, tuple[str, str]]


def plan_document(plan: Plan, manifests: Manifests) -> dict[str, Any]:
    """Give the plan as JSON values. `manifests` names the file and its digest for every object that has one."""
    return {
        "schema": SCHEMA,
        "digest": plan.digest,
        "flavour": plan.flavour,
        "source": {"name": plan.source_name, "read_at": plan.read_at, "facts": source.document(plan.facts)},
        "verdict": plan.verdict,
        "counts": dict(plan.counts),
        "steps": [_step(step, manifests) for step in plan.steps],
        "findings": [_finding(found) for found in plan.findings],
        "left_out": [
            {"source": left.source, "line": left.line, "reason": left.reason, "fix": left.fix} for left in plan.left_out
        ],
        "undecided": [_undecided(answer) for answer in plan.undecided],
        "differences": [_difference(difference) for difference in plan.differences],
        "rules": [
            {
                "id": rule.id,
                "title": rule.title,
                "area": rule.area,
                "severity": rule.severity.value,
                "do": rule.do,
                "docs": rule.docs,
            }
            for rule in plan.rules
        ],
        "waves": [[ref.as_dict() for ref in wave] for wave in plan.waves],
    }


def dumps(doc: Mapping[str, Any]) -> bytes:
    """Write a document: stable order, indented, a final newline; any string and any integer."""
    try:
        return orjson.dumps(doc, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # Integers above 64 bits and lone surrogates; the latter become JSON's own escapes.
        return (json.dumps(doc, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _step(step: Step, manifests: Manifests) -> dict[str, Any]:
    ref = step.ref
    file = manifests.get(ref)
    return {
        "ref": {
            "group": ref.group,
            "version": step.version,
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
        },
        "fate": step.fate.value,
        "cause": step.cause.value,
        "standing": step.standing.value,
        "reason": step.reason,
        "into": step.into.as_dict() if step.into else None,
        "manifest": {"path": file[0], "digest": file[1]} if file else None,
        "changes": [_change(change) for change in step.changes],
        "cleaned": len(step.cleaned),
        "transforms": [_transformed(one) for one in step.transforms],
        "runs": step.runs,
        "runs_because": step.runs_because,
    }


def _change(change: Change) -> dict[str, Any]:
    # null is a value that Kubernetes knows; a side that does not exist has no key.
    sides = {"before": change.before, "after": change.after}
    there = {side: plain(value) for side, value in sides.items() if value is not MISSING}
    return {"rule": change.rule, "path": str(change.path), **there, "because": change.because}


def _transformed(one: Transformed) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "path": str(one.path),
        "name": one.name,
        "argument": one.argument,
        "because": one.because,
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "severity": found.severity.value,
        "ref": found.ref.as_dict() if found.ref else None,
        "path": str(found.path),
        "message": found.message,
        "fix": found.fix,
        "docs": found.docs,
        "decision": found.decision,
        "already": found.already,
        "waived": found.waived,
    }


def _undecided(answer: Undecided) -> dict[str, Any]:
    return {
        "key": ".".join(answer.key),
        "group": answer.group,
        "question": answer.question,
        "blocks": answer.blocks,
        "until": answer.until,
        "refs": [ref.as_dict() for ref in answer.refs],
        "where": answer.where,
        "example": answer.example,
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "rule": difference.rule,
        "topic": difference.topic,
        "gke": difference.gke,
        "eks": difference.eks,
        "handled": difference.handled,
        "refs": [ref.as_dict() for ref in difference.refs],
        "fix": difference.fix,
    }
