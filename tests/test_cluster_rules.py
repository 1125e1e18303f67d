"""What is said about the cluster as a whole: once, in every format, counted, and never part of the digest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from migrate.catalog import Overlay
from migrate.flow.plan import read_decisions, tables
from migrate.model.effects import Flag, Severity
from migrate.model.facts import Facts
from migrate.model.path import P
from migrate.model.plan import Finding, Plan
from migrate.model.rules import Known, Rule
from migrate.planner import plan
from migrate.reading import read
from migrate.render import document, markdown, source, terminal
from migrate.rules import all_rules

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": []}}
POLICY = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a"}, "spec": {}}
POOL = {"name": "ml", "machine_type": "g2-standard-8", "provisioning": "spot", "zones": ["europe-west1-b"]}
POOL |= {"accelerators": [{"type": "nvidia-l4", "count": 1}], "labels": {"team": "ml"}}
TAINTS = [("gpu", "", "NoSchedule"), ("t", "v", "NoExecute")]
POOL |= {"taints": [{"key": key, "value": value, "effect": effect} for key, value, effect in TAINTS]}
POOL |= {"autoscaled": True, "autoscaling": {"minimum": 0, "maximum": 5, "scope": "zone"}}


def made(*bodies: dict[str, Any], rules: tuple[Rule, ...] = (), text: str = "", **facts: Any) -> Plan:
    """Plan objects with the Container API's facts; `text` is gke2eks.yaml, `rules` are asked instead of ours."""
    stream = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies}).encode()
    snapshot = read(["-"], stdin=lambda: stream, needles=(), hash_key=b"k").snapshot
    snapshot = replace(snapshot, facts={"asked": "container-api", **facts} if facts else {})
    given = replace(tables(), rules=rules) if rules else tables()
    return plan(snapshot, given, decided(text))


def decided(text: str) -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "gke2eks.yaml").write_text(text)
        return read_decisions(Path(folder), today=date(2026, 11, 23), flavour=None)[0]


def said(found: Plan, rule: str) -> list[Finding]:
    return [one for one in found.findings if one.rule == rule]


def shown(found: Plan) -> str:
    text = terminal.summary(
        found, width=100, color=False, unicode=True, files=["r.md"], next_commands=[], workspace="out"
    )
    return " ".join(text.split())


def loud(severity: Severity) -> Rule:
    def judge(known: Known) -> Iterator[Flag]:
        yield Flag(P(), f"The channel is {known.facts.release_channel}.", "Look at it.", severity)

    what = {"what": "w.", "why": "y.", "do": "d.", "docs": "https://example.com", "area": "cluster"}
    return Rule(id="TST001", title="t", severity=Severity.INFO, kinds=frozenset(), cluster=judge, **what)


@pytest.mark.parametrize(
    ("version", "severity", "word"),
    [
        ("1.99.0", Severity.REVIEW, "the newest that EKS offered on 2026-11-23 is 1.36"),
        ("1.30.9", Severity.REVIEW, "the oldest that EKS offered on 2026-11-23 is 1.31"),
        ("1.33.4", Severity.INFO, "ended on 2026-07-29"),
        ("1.34.1", None, ""),
        ("1.36.0", None, ""),
        (None, None, ""),
        ("odd", None, ""),
        ("9" * 5000 + ".1.0", None, ""),
    ],
)
def test_the_version_of_the_source(version: str | None, severity: Severity | None, word: str) -> None:
    found = said(made(POD, kubernetes_version=version), "CLU001")
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(word in one.message and one.ref is None for one in found)


def test_1_9_is_older_than_1_31() -> None:
    (one,) = said(made(POD, kubernetes_version="1.9.7"), "CLU001")
    assert "the oldest" in one.message


def test_versions_of_ones_own_count() -> None:
    row = "- {version: '1.37', standard: '2027-12-01', extended: '2028-12-01', read: '2026-12-01', source: mine}"
    snapshot = read(["-"], stdin=lambda: json.dumps(POD).encode(), needles=(), hash_key=b"k").snapshot
    snapshot = replace(snapshot, facts={"kubernetes": "v1.37.0"})
    for overlays, count in (((), 1), ((Overlay("eks-versions.yaml", row, "mine/eks-versions.yaml"),), 0)):
        assert len(said(plan(snapshot, tables(overlays), decided("")), "CLU001")) == count


def test_a_pool_is_described_whole() -> None:
    (one,) = said(made(POD, node_pools=[POOL]), "CLU003")
    assert one.message == (
        "1 node pool of the source needs a counterpart: ml (g2-standard-8, 1 × nvidia-l4, spot, taint gpu:NoSchedule, "
        "taint t=v:NoExecute, label team=ml, 0 to 5 nodes in each zone, zones europe-west1-b)."
    )
    assert "managed node group" in one.fix


def test_auto_mode_brings_a_pool() -> None:
    (one,) = said(made(POD, text="flavour: auto", node_pools=[POOL, {"name": "b"}]), "CLU003")
    assert "2 node pools of the source need" in one.message and "b (machine type unknown)" in one.message
    assert "general-purpose" in one.fix


@pytest.mark.parametrize(
    "quiet",
    [
        {"node_pools": [POOL], "autopilot": True},  # the pools are Google's
        {"node_pools": []},
        {"node_pools": None},
    ],
)
def test_no_pools_to_speak_of(quiet: dict[str, Any]) -> None:
    assert said(made(POD, **quiet), "CLU003") == []


def test_without_pods_nodes_do_not_matter() -> None:
    assert not made(POLICY, node_pools=[POOL], autopilot=False).findings
    assert not said(made(POLICY, autopilot=True), "CLU002")


def test_autopilot_is_named_where_a_namespace_has_no_level() -> None:
    level = {"pod-security.kubernetes.io/enforce": "baseline"}
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"n{n}", "labels": level if n else {}}}
        for n in range(3)
    ]
    requests, security = said(made(POD, *spaces, autopilot=True), "CLU002")
    assert "Without a level of their own: n0." in security.message and "requests" in requests.message
    (only,) = said(made(POD, *spaces[1:], autopilot=True), "CLU002")
    assert "requests" in only.message
    assert not said(made(POD, *spaces, autopilot=False), "CLU002") and not said(made(POD, autopilot=None), "CLU002")


@pytest.mark.parametrize(
    ("facts", "who"),
    [
        ({"dataplane_v2": True, "network_policy": True}, "Dataplane V2 enforced 1 NetworkPolicy;"),
        ({"dataplane_v2": False, "network_policy": True}, "GKE enforced 1 NetworkPolicy;"),
        ({"network_policy": False}, ""),
        ({"network_policy": None, "name": "x"}, ""),
    ],
)
def test_policies_that_the_source_enforced(facts: dict[str, Any], who: str) -> None:
    assert [one.message.startswith(who) for one in said(made(POLICY, **facts), "CLU004")] == [True] * bool(who)
    assert not said(made(POD, **facts), "CLU004")


def test_each_flavour_switches_enforcement_on_in_its_own_way() -> None:
    plans = [made(POLICY, text=f"flavour: {flavour}", network_policy=True) for flavour in ("standard", "auto")]
    fixes = [said(found, "CLU004")[0].fix for found in plans]
    assert "enableNetworkPolicy" in fixes[0] and "enable-network-policy-controller" in fixes[1]


def test_a_rule_for_the_cluster_is_asked_once_and_no_object_with_it() -> None:
    pods = [POD | {"metadata": {"name": f"p{n}"}} for n in range(3)]
    found = made(*pods, rules=(loud(Severity.REVIEW),), release_channel="rapid")
    assert [(f.rule, f.ref, f.message) for f in found.findings] == [("TST001", None, "The channel is rapid.")]
    assert (found.counts["look"], found.counts["cluster_look"], found.counts["cluster_blocked"]) == (0, 1, 0)


@pytest.mark.parametrize(
    ("severity", "verdict"),
    [
        (Severity.INFO, "Yes."),
        (Severity.REVIEW, "Yes, and the cluster as a whole wants a look."),
        (Severity.BLOCKER, "Not yet: the cluster as a whole is blocked."),
    ],
)
def test_the_verdict_knows_what_is_said_of_the_whole(severity: Severity, verdict: str) -> None:
    found = made(POD, rules=(loud(severity),), name="x")
    assert found.verdict == verdict
    waived = "waivers: [{rule: TST001, reason: seen, expires: 2027-01-01}]"
    accepted = made(POD, rules=(loud(severity),), text=waived, name="x")
    assert accepted.verdict == "Yes." and accepted.findings[0].waived.startswith("seen (")
    for text in (shown(accepted), markdown.report(accepted)):
        assert "The channel is None." in text and "seen" in text


def test_a_waiver_for_one_object_leaves_the_cluster_alone() -> None:
    other = "waivers: [{rule: TST001, ref: Pod/default/a, reason: seen, expires: 2027-01-01}]"
    assert not made(POD, rules=(loud(Severity.REVIEW),), text=other, name="x").findings[0].waived


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.REVIEW, Severity.DECIDE, Severity.BLOCKER])
def test_every_format_shows_it_once(severity: Severity, repo: Path) -> None:
    found = made(POD, rules=(loud(severity),), release_channel="rapid")
    for text in (shown(found), markdown.report(found)):
        assert text.count("The channel is rapid.") == 1 and text.count("Look at it.") == 1
        assert "rapid channel" in text
    if severity is not Severity.BLOCKER:
        assert "The channel is rapid." in source.page(found)
    doc = json.loads(document.dumps(document.plan_document(found, {})))
    jsonschema.validate(doc, json.loads((repo / "reports/plan.schema.json").read_text()))
    assert [one["ref"] for one in doc["findings"]] == [None]


def test_the_plan_says_what_is_known_of_the_source(repo: Path) -> None:
    facts = {"gke_version": "1.34.4-gke.1", "release_channel": "regular", "autopilot": False, "node_pools": [POOL]}
    found = made(POD, **facts)
    line = "GKE 1.34.4-gke.1, regular channel, Standard, 1 node pool (ml), as Google's Container API says."
    assert line in shown(found) and line in markdown.report(found)
    doc = document.plan_document(found, {})
    jsonschema.validate(doc, json.loads((repo / "reports/plan.schema.json").read_text()))
    assert {key: doc["source"]["facts"][key] for key in facts if key != "node_pools"}.items() <= facts.items()
    assert doc["source"]["facts"]["node_pools"][0]["accelerators"] == [{"type": "nvidia-l4", "count": 1}]
    assert doc["source"]["facts"]["location"] is None


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (Facts(), "unknown: neither its nodes nor Google's answer about it were read"),
        (
            Facts(kubernetes_version="1.34.1"),
            "Kubernetes 1.34.1, release channel unknown, mode unknown, node pools unknown",
        ),
        (
            Facts(asked="container-api", release_channel="none", autopilot=True, node_pools=()),
            "version unknown, no release channel, Autopilot, 0 node pools, as Google's Container API says",
        ),
    ],
)
def test_what_is_unknown_is_called_so(facts: Facts, line: str) -> None:
    assert source.known(facts) == line


def test_the_digest_does_not_depend_on_facts() -> None:
    known = made(POD, POLICY, autopilot=True, network_policy=True, kubernetes_version="1.20.1", node_pools=[POOL])
    unknown = made(POD, POLICY)
    first, second = ({f.rule for f in one.findings} for one in (known, unknown))
    assert known.digest == unknown.digest
    assert first - second == {"CLU001", "CLU002", "CLU004"} and not second - first


def test_rows_are_in_order_and_end_in_order(repo: Path) -> None:
    rows = yaml.safe_load((repo / "mappings/eks-versions.yaml").read_text())
    minors = [tuple(map(int, row["version"].split("."))) for row in rows]
    assert minors == sorted(set(minors))
    for row in rows:
        assert date.fromisoformat(row["standard"]) < date.fromisoformat(row["extended"]), row["version"]
        assert date.fromisoformat(row["read"]) <= date.fromisoformat(row["extended"]), f"{row['version']} is over"


def test_pages_of_these_rules_lead_somewhere() -> None:
    ours = [rule for rule in all_rules() if rule.cluster and rule.id.startswith("CLU00")]
    assert [rule.id for rule in ours] == ["CLU001", "CLU002", "CLU003", "CLU004"]
    assert all(rule.docs.startswith("https://") and rule.area == "cluster" for rule in ours)
