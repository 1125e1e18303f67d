"""What preflight prints: three states in three words, the worst first, and nothing that nobody looked at is green."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import pytest

from migrate.model.checks import Check, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.ref import Ref
from migrate.render.checked import checked_document, counts, exit_line, page
from migrate.render.ink import columns, strip


@dataclass(frozen=True)
class Who:
    name: str = "us-east-2/prod"
    account: str = "111122223333"
    version: str = "1.36"
    flavour: str = "standard"
    uid: str = "9f02c1e4-aaaa"


SERVICES = tuple(Ref("", "Service", "shop", f"web-{n:02}") for n in range(29))
CHECKS: tuple[Check, ...] = (
    passed("PRE030", "412 kinds are served"),
    unknown("PRE050", "The rights of the caller", "it may not create reviews", "grant it, or check by hand."),
    finding("PRE020", "NetworkPolicy is not switched on in the vpc-cni add-on", "aws eks update-addon …"),
    finding(
        "PRE012",
        "The AWS Load Balancer Controller is not installed",
        "helm install aws-load-balancer-controller …\nor plan with --flavour auto",
        *SERVICES,
        because="29 Services would wait for an address for ever",
        severity=Severity.BLOCKER,
    ),
)


def test_the_page() -> None:
    assert page(CHECKS, Who(), exit_line="exit 1: …") == (
        "EKS us-east-2/prod, account 111122223333, Kubernetes 1.36        reads only, nothing is written\n"
        "  pass 1   finding 2   could not look 1\n"
        "\n"
        "  x The AWS Load Balancer Controller is not installed.                                        PRE012\n"
        "      29 Services would wait for an address for ever.\n"
        "      shop: Service/web-00, Service/web-01, Service/web-02\n"
        "      and 26 more\n"
        "      next  helm install aws-load-balancer-controller …\n"
        "            or plan with --flavour auto\n"
        "  ! NetworkPolicy is not switched on in the vpc-cni add-on.                                   PRE020\n"
        "      next  aws eks update-addon …\n"
        "  ~ could not look: The rights of the caller.                                                 PRE050\n"
        "      it may not create reviews.\n"
        "      next  grant it, or check by hand.\n"
        "exit 1: …\n"
    )


def test_passes_are_one_number_unless_asked_for() -> None:
    assert "412 kinds" not in page(CHECKS, Who())
    assert "  = 412 kinds are served.  " in page(CHECKS, Who(), passes=True)
    assert page(CHECKS[:1], Who("kind", "", "1.36", "")) == (
        "kind, uid 9f02c1e4, Kubernetes 1.36        reads only, nothing is written\n"
        "  pass 1   finding 0   could not look 0\n"
    )


def test_why_the_exit_is_1() -> None:
    assert exit_line(CHECKS[2:3], "review") == (
        "exit 1: 1 finding at review or above; with --fail-on=never the exit is 0"
    )
    assert exit_line(CHECKS[1:], "info").startswith("exit 1: 2 findings and 1 check that could not look at info")


@pytest.mark.parametrize("bad", ["\x1b[2J", "a\nb\x07", "\x9b"])
def test_what_a_cluster_says_never_acts(bad: str) -> None:
    ref = Ref("", "Service", bad, bad)
    check = finding("PRE001", bad, bad, ref, because=bad, severity=Severity.BLOCKER)
    text = page((check, replace(check, id=bad)), Who(bad, bad, bad, bad, bad))
    assert not set(text) & set("\x1b\x07\x9b")


def test_colour_only_repeats_and_forty_columns() -> None:
    assert "\x1b[" in page(CHECKS, Who(), color=True)
    assert strip(page(CHECKS, Who(), color=True)) == page(CHECKS, Who())
    assert all(columns(line) <= 40 for line in page(CHECKS, Who(), width=40).splitlines())


def test_the_document_fits_its_schema(repo: Path) -> None:
    schema = json.loads((repo / "reports/preflight.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    doc = checked_document(CHECKS, Who(), "sha256:0", 1)
    judge.validate(doc)
    judge.validate(checked_document((), Who("kind", "", "", "", ""), "sha256:0", 0))
    assert doc["counts"] == counts(CHECKS) == {"pass": 1, "finding": 2, "unknown": 1}
    assert [one["id"] for one in doc["checks"]] == ["PRE012", "PRE020", "PRE050", "PRE030"]
    doc["checks"][0]["fix"] = ""
    assert not judge.is_valid(doc)
