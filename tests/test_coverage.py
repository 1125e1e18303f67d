"""Every identifier of GKE's storage and Services has a verdict by exact key, shown on an object that holds it.

tests/coverage/*.yaml are lists of entries:
  id        the identifier's name in the reference catalogue
  key       the key, value or field as people know it
  verdict   translated | asked | removed | kept | advised | blocked | manual | left behind | cleaned
  becomes   what it is on EKS, in a few words (printed in docs/)
  rule      the rule that judges it; 'cleaner' and 'owners' for what the planner does before the rules
  objects   objects to plan; the first one is judged
  changes   paths that the rule changes in the first object (all of them must be among its changes)
  findings  '<severity> <path>' that the rule says about the first object (all of them)
  cleaned   paths that cleaning takes away
  cause     why the first object stays behind
  created   objects that the plan adds, as Kind/name
  says      'whole' when the rule speaks of the cluster as a whole, 'default' when of a default that differs
  decisions answers in gke2eks.yaml
  flavours  [standard, auto] when nothing is said
  exact     the text whose misspelling must not get the same verdict; `key` when nothing is said, '' for none
"""

from __future__ import annotations

import json
import os
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from vocabulary import strangers

from migrate.flow.plan import read_decisions, tables
from migrate.model.plan import Plan, Standing, Step
from migrate.planner import plan
from migrate.reading import read
from migrate.rules import all_rules

HERE = Path(__file__).parent / "coverage"
DOCS = {
    "storage": "docs/storage.md",
    "services": "docs/load-balancers.md",
    "identity": "docs/identity.md",
    "scheduling": "docs/scheduling.md",
    "compute": "docs/compute.md",
    "images": "docs/images.md",
    "dependencies": "docs/dependencies.md",
}
VERDICTS = {
    "translated",
    "asked",
    "removed",
    "kept",
    "advised",
    "blocked",
    "manual",
    "left behind",
    "cleaned",
}
COLUMNS = {
    *("id", "key", "verdict", "becomes", "rule", "objects", "changes", "findings", "cleaned", "cause", "created"),
    *("says", "decisions", "flavours", "exact"),
}


@cache
def entries(area: str) -> list[dict[str, Any]]:
    file = HERE / f"{area}.yaml"
    return list(yaml.load(file.read_text("utf-8"), yaml.CSafeLoader) or ())


ALL = [(area, entry) for area in DOCS for entry in entries(area)]
CASES = [(area, e, flavour) for area, e in ALL for flavour in e.get("flavours", ["standard", "auto"])]


def planned(objects: list[Any], decisions: dict[str, Any], flavour: str, tmp_path: Path) -> Plan:
    (tmp_path / "gke2eks.yaml").write_text(yaml.safe_dump(decisions))
    decided, _ = read_decisions(tmp_path, today=date(2026, 11, 23), flavour=flavour)
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    snapshot = read(["-"], stdin=lambda: body, needles=(), hash_key=b"k").snapshot
    return plan(snapshot, tables(), decided)


def judged(made: Plan, first: dict[str, Any]) -> Step:
    name, kind = first["metadata"]["name"], first["kind"]
    return next(s for s in made.steps if s.ref.kind == kind and s.ref.name == name)


def seen(made: Plan, step: Step, rule: str) -> dict[str, set[str]]:
    return {
        "changes": {str(c.path) for c in step.changes if c.rule == rule},
        "findings": {f"{f.severity} {f.path}".strip() for f in made.findings if f.ref == step.ref and f.rule == rule},
        "cleaned": {str(path) for path in step.cleaned},
        "cause": {step.cause.value} - {""},
        "says": {"whole" for f in made.findings if f.ref is None and f.rule == rule}
        | {"default" for d in made.differences if d.rule == rule and step.ref in d.refs},
        "created": {
            f"{s.ref.kind}/{s.ref.name}" for s in made.steps for c in s.changes if c.rule == rule and not c.path
        },
    }


def invented(made: Plan, objects: list[Any], flavour: str) -> list[str]:
    """What the plan says to AWS that AWS does not publish and the source did not say; blocked objects aside."""
    said = {text for body in objects for text in strangers(body, flavour)}
    steps = [step for step in made.steps if step.body is not None and step.standing is not Standing.BLOCKED]
    return [f"{step.ref} {text}" for step in steps for text in strangers(step.body or {}, flavour) if text not in said]


def wanted(entry: dict[str, Any]) -> dict[str, set[str]]:
    return {
        name: {entry[name]} if isinstance(entry[name], str) else set(entry[name])
        for name in ("changes", "findings", "cleaned", "cause", "created", "says")
        if name in entry
    }


@pytest.mark.parametrize(("area", "entry", "flavour"), CASES, ids=lambda v: v["id"] if isinstance(v, dict) else str(v))
def test_the_identifier_has_its_verdict(area: str, entry: dict[str, Any], flavour: str, tmp_path: Path) -> None:
    assert set(entry) <= COLUMNS and entry["verdict"] in VERDICTS and entry["becomes"]
    want = wanted(entry)
    if entry["verdict"] != "kept":
        assert want, "a verdict is shown by what happens"
    decisions = entry.get("decisions") or {}
    made = planned(entry["objects"], decisions, flavour, tmp_path)
    step = judged(made, entry["objects"][0])
    got = seen(made, step, entry["rule"])
    for name, values in want.items():
        assert values <= got[name], f"{name}: {sorted(values - got[name])} not among {sorted(got[name])}"
    if entry["verdict"] == "kept":
        assert step.body is not None and not got["changes"]
    assert invented(made, entry["objects"], flavour) == []
    exact = entry.get("exact", entry["key"])
    if exact:
        text = json.dumps(entry["objects"])
        quoted = json.dumps(exact)
        assert quoted in text, f"{exact} does not stand in the objects; say `exact:`"
        other = planned(json.loads(text.replace(quoted, json.dumps(exact + "zz"))), decisions, flavour, tmp_path)
        other_step = judged(other, entry["objects"][0])
        assert (other_step.body, seen(other, other_step, entry["rule"])) != (step.body, got)


def test_rules_named_here_exist() -> None:
    known = {rule.id for rule in all_rules()} | {"cleaner", "owners"}
    assert {entry["rule"] for _, entry in ALL} <= known


def test_no_identifier_stands_twice() -> None:
    ids = [entry["id"] for _, entry in ALL]
    assert sorted(ids) == sorted(set(ids))


def _service_entry(entry: dict[str, Any]) -> bool:
    return "Service" in str(entry["where"]).replace("ServiceEntry", "") or str(entry["id"]).startswith("svc")


def _listed(shared: Path, name: str) -> list[dict[str, Any]]:
    return list(yaml.load((shared / "reference" / name).read_text("utf-8"), yaml.CSafeLoader))


def test_every_identifier_of_a_service_is_here(shared: Path) -> None:
    want = {e["id"] for e in _listed(shared, "gke-networking.yaml") if _service_entry(e)}
    assert sorted(want - {entry["id"] for entry in entries("services")}) == []
    assert len(want) == 99


# Kinds of other people's operators and of Google's managed products, which no rule judges yet.
LATER = {
    *("spc-gcp", "spc-params", "spc-params-pm", "csi-secrets-driver", "secretsync", "eso-gcpsm", "eso-generator"),
    *("eso-pushsecret", "sops-gcpkms", "vault-gcp", "binauthz-breakglass", "kcc-annot", "kcc-finalizers", "kcc-labels"),
    *("gmp-podmonitoring", "gmp-clusterpodmonitoring", "gmp-nodemonitoring", "gmp-rules", "gmp-operatorconfig"),
    *("monitoring-gke-io", "gkebackup", "configsync-markers", "policycontroller", "mesh-csm", "cost-labels"),
    *("model-labels", "mpa-gke", "kueue-resourceflavor"),
}


@pytest.mark.parametrize(
    ("area", "number"), [("storage", 110), ("identity", 39), ("compute", 75), ("images", 21), ("dependencies", 37)]
)
def test_every_identifier_of_the_platform_is_here(area: str, number: int, shared: Path) -> None:
    want = {e["id"] for e in _listed(shared, "gke-platform.yaml") if e["area"] == area}
    have = {entry["id"] for _, entry in ALL}
    assert sorted(want - have - LATER) == [] and not have & LATER
    assert len(want) == number


BEGIN, END = "<!-- generated from tests/coverage -->", "<!-- end -->"


def _table(area: str) -> str:
    lines = ["| On GKE | Verdict | On EKS | Rule |", "|---|---|---|---|"]
    for e in entries(area):
        flavours = "" if len(e.get("flavours", "ab")) == 2 else f" ({e['flavours'][0]} only)"
        cells = (f"`{e['key']}`", e["verdict"] + flavours, e["becomes"], e["rule"])
        lines.append("| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


@pytest.mark.parametrize("area", DOCS)
def test_the_page_shows_the_table(area: str, repo: Path) -> None:
    page = repo / DOCS[area]
    text = page.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    now = f"{head}{BEGIN}\n{_table(area)}\n{END}{tail}"
    if os.environ.get("GKE2EKS_WRITE_DOCS"):
        page.write_text(now, "utf-8")
    assert text == now or os.environ.get("GKE2EKS_WRITE_DOCS"), "run GKE2EKS_WRITE_DOCS=1 make test"
