"""What is known of the source cluster, and what is said about it as a whole, in words for every format."""

from __future__ import annotations

from typing import Any

from migrate.model.effects import Severity
from migrate.model.facts import UNKNOWN, Facts
from migrate.model.plan import Finding, Plan, Standing
from migrate.render.ink import Paper
from migrate.render.words import SIGNS, number, plural, safe, sentence

QUESTION = "What concerns the whole cluster?"
_ASKED = {"container-api": "as Google's Container API says", "nodes": "as its nodes tell"}
# What plan.json says of the source; the snapshot holds the rest.
_SHORT = (
    *("asked", "project", "name", "location", "zones", "kubernetes_version", "gke_version", "release_channel"),
    *("autopilot", "dataplane_v2", "network_policy"),
)
_POOL = ("name", "machine_type", "provisioning", "accelerators", "taints", "zones", "version")


def known(facts: Facts) -> str:
    """'GKE 1.34.4-gke.1047000, release channel unknown, Standard, 2 node pools (main, spot), as its nodes tell'."""
    if facts in (UNKNOWN, Facts(asked="nodes")):
        return "unknown: neither its nodes nor Google's answer about it were read"
    parts = [_version(facts), _channel(facts), _mode(facts), _pools(facts)]
    return ", ".join([*parts, *([_ASKED[facts.asked]] if facts.asked in _ASKED else [])])


def document(facts: Facts) -> dict[str, Any]:
    """The facts for machines; null is unknown."""
    whole = facts.as_json()
    pools = whole["node_pools"]
    short = {key: whole[key] for key in _SHORT}
    return short | {"node_pools": pools and [{key: pool[key] for key in _POOL} for pool in pools]}


def said(plan: Plan) -> tuple[Finding, ...]:
    """Findings without an object that no other section shows: blockers and questions have their own."""
    return tuple(
        found
        for found in plan.findings
        if found.ref is None and not found.decision and (found.severity is not Severity.BLOCKER or found.waived)
    )


def headline(found: tuple[Finding, ...]) -> str:
    """'3 findings, 2 to look at'; 'Nothing.'"""
    look = sum(one.severity is not Severity.INFO and not one.waived for one in found)
    text = plural(len(found), "finding")
    return f"{text}, {number(look)} to look at" if look else text if found else "Nothing."


def section(paper: Paper, plan: Plan) -> None:
    """What concerns the whole cluster?"""
    found = said(plan)
    paper.heading(QUESTION, headline(found))
    paper.add(sentence(known(plan.facts)), 2, "Source: ")
    for one in found:
        sign = SIGNS[Standing.LOOK] if one.severity is not Severity.INFO and not one.waived else " "
        paper.add(sentence(one.message), 2, paper.paint(sign, sign) + " ", safe(one.rule))
        if one.waived:
            paper.add(safe(one.waived), 6, "waived  ")
        elif one.fix:
            paper.add(sentence(one.fix), 6)


def page(plan: Plan, *, width: int = 100, color: bool = False, unicode: bool = True) -> str:
    """The section alone: what `explain` shows of the cluster as a whole."""
    paper = Paper(width, color, unicode)
    section(paper, plan)
    return paper.text()


def _version(facts: Facts) -> str:
    if facts.gke_version:
        return f"GKE {safe(facts.gke_version)}"
    if facts.kubernetes_version:
        return f"Kubernetes {safe(facts.kubernetes_version)}"
    seen = sorted({pool.version for pool in facts.node_pools or () if pool.version})
    return "version unknown" + (f" (nodes {safe(', '.join(seen))})" if seen else "")


def _channel(facts: Facts) -> str:
    if facts.release_channel is None:
        return "release channel unknown"
    return "no release channel" if facts.release_channel == "none" else f"{safe(facts.release_channel)} channel"


def _mode(facts: Facts) -> str:
    return {True: "Autopilot", False: "Standard", None: "mode unknown"}[facts.autopilot]


def _pools(facts: Facts) -> str:
    if facts.node_pools is None:
        return "node pools unknown"
    names = ", ".join(pool.name for pool in facts.node_pools)
    return plural(len(facts.node_pools), "node pool") + (f" ({safe(names)})" if names else "")
