"""Each folder in tests/cases is one judgement: what goes in, what comes out, and why.

why.yaml may hold `decisions`, as gke2eks.yaml does, and `facts`, as the snapshot of a live cluster does; a finding
about the cluster as a whole has `cluster` in place of an object.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrate.flow.plan import read_decisions, tables
from migrate.manifest.text import load_all
from migrate.planner import plan
from migrate.reading import read
from migrate.rules import all_rules

CASES = sorted((Path(__file__).parent / "cases").iterdir())
TODAY = date(2026, 11, 23)


def _documents(file: Path) -> dict[tuple[str, str], Any]:
    found = [document.body for document in load_all(file.read_text())]
    return {(body["kind"], body["metadata"]["name"]): body for body in found}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_case(case: Path, tmp_path: Path) -> None:
    why = yaml.safe_load((case / "why.yaml").read_text())
    (tmp_path / "gke2eks.yaml").write_text(yaml.safe_dump(why.get("decisions") or {}))
    decided, _ = read_decisions(tmp_path, today=TODAY, flavour=None)
    snapshot = read([str(case / "input.yaml")], stdin=lambda: b"", needles=(), hash_key=b"k").snapshot
    snapshot = replace(snapshot, facts=why.get("facts") or {})
    made = plan(snapshot, tables(), decided)
    bodies = {(step.ref.kind, step.ref.name): step.body for step in made.steps if step.body is not None}
    assert bodies == _documents(case / "expected.yaml")
    assert (
        sorted(f"{c.rule} {str(c.path) or '(whole object)'}" for s in made.steps for c in s.changes) == why["changes"]
    )
    # A case is an excerpt: what its objects name, what brings them work and what the cluster does is elsewhere, and
    # only the cases of those rules are about it.
    elsewhere = tuple(rule for rule in ("REF001", "RUN001", "CLU00", "CLU01") if not case.name.startswith(rule))
    findings = [f for f in made.findings if not f.rule.startswith(elsewhere)]
    assert sorted(f"{f.rule} {f.severity} {f.ref or 'cluster'} {f.path}".strip() for f in findings) == why["findings"]
    asked = [q for q in made.undecided if q.group != "runs" or "RUN001" not in elsewhere]
    assert [".".join(q.key) for q in asked] == why["questions"]


def test_every_rule_function_has_a_case() -> None:
    covered = {case.name.partition("-")[0] for case in CASES}
    functions = {
        rule.id for rule in all_rules() if rule.effects.__module__ not in ("migrate.rules.table", "migrate.rules.said")
    }
    assert functions - covered == set()
