"""gke2eks.yaml: what it means, and every message as it is really printed."""

from __future__ import annotations

import datetime
import os
import re
from pathlib import Path

import pytest

from migrate.errors import BadDecisions
from migrate.flow.plan import ANSWERS
from migrate.model.ref import Ref
from migrate.workspace.decisions import AnswerSpec, Decisions, expired, load, matches, parse

KNOWN = {
    spec.group: spec
    for spec in (
        AnswerSpec("identity.mode", "scalar", ("irsa", "pod-identity")),
        AnswerSpec("identity.roles", "map", None, r"arn:aws[a-z-]*:iam::\d{12}:role/.+", "expected a role ARN"),
        AnswerSpec("volumes", "map", ("copied", "empty-ok", "external")),
        AnswerSpec("storage.storageClasses", "map"),
        AnswerSpec("services.idleTimeout", "scalar", None, r"\d+", "expected seconds"),
        AnswerSpec("target.account", "scalar", None, r"\d{12}", "expected 12 digits"),
    )
}
DOC = Path(os.environ.get("GKE2EKS_REPO") or Path(__file__).parents[1]) / "docs" / "decisions.md"
_OVERRIDE = "overrides:\n  - ref: Deployment/shop/api\n    path: spec.replicas\n    value: 3\n"

CASES = {
    "An unknown key": "storage:\n  storageClases:\n    fast: gp3\n",
    "An unknown group": "volume:\n  shop/data: copied\n",
    "An unknown key in a list": _OVERRIDE + "    why: traffic\n    reason: traffic\n",
    "The wrong type": "overlays: mine/\n",
    "An answer of the wrong type": "identity:\n  mode: [irsa]\n",
    "A word that is no choice": "identity:\n  mode: irs\n",
    "An answer of the wrong form": "identity:\n  roles:\n    api@acme.iam.gserviceaccount.com: api\n",
    "An answer left empty": "volumes:\n  shop/data:\n",
    "A flavour that does not exist": "flavour: Auto\n",
    "The same answer twice": "volumes:\n  shop/data: copied\n---\nvolumes:\n  shop/data: external\n",
    "The same key twice": "flavour: auto\nflavour: auto\n",
    "A reason that is missing": _OVERRIDE,
    "A bad reference": "select:\n  exclude: [shop/api]\n",
    "A bad path": _OVERRIDE.replace("spec.replicas", ".spec") + "    reason: traffic\n",
    "A bad date": "waivers:\n  - rule: SVC001\n    reason: known\n    expires: 2026-02-30\n",
    "A bad rule": "waivers:\n  - rule: svc1\n    reason: known\n    expires: 2026-02-03\n",
    "An alias": "volumes:\n  shop/a: &x copied\n  shop/b: *x\n",
    "Not YAML": "volumes:\n\tshop/a: copied\n",
    "A waiver after its last day": "waivers:\n- {rule: STO001, reason: later, expires: 2026-12-01}\n",
}


def printed(text: str) -> str:
    with pytest.raises(BadDecisions) as caught:
        parse(text, "gke2eks.yaml", KNOWN, datetime.date(2026, 12, 2))
    bad = caught.value
    return "\n".join([f"error: {bad.what}", *bad.details, f"next:  {bad.next}"])


EXAMPLE = """\
flavour: standard                  # or auto: EKS Auto Mode
select:                            # also: labels, kinds, only
  namespaces: [shop, "team-*"]     # what goes along, with what it needs of the cluster
  exclude: [Deployment/shop/old]   # what stays behind by your word
overlays: [our-mappings]           # a folder beside this file
identity:
  mode: irsa                       # or pod-identity
  roles:
    "api@acme-prod.iam.gserviceaccount.com": arn:aws:iam::111122223333:role/api
overrides:
- {ref: Service/shop/web, path: spec.externalTrafficPolicy, value: Local, reason: client addresses in the log}
waivers:
- {rule: STO001, ref: StorageClass/fast, reason: replaced by hand, expires: 2027-01-31}
"""


def test_the_example_on_the_page_is_understood() -> None:
    found = parse(EXAMPLE, "gke2eks.yaml", ANSWERS)
    assert found.select.exclude and found.overlays and len(found.answers) == 2 and found.overrides and found.waivers


def answers() -> str:
    rows = [f"| `{spec.group}{'.<name>' if spec.kind == 'map' else ''}` | {spec.what} |" for spec in ANSWERS.values()]
    return "\n".join(["| key | answer |", "|---|---|", *sorted(rows)])


def page() -> str:
    head = (
        "# gke2eks.yaml\n\nThe file is yours: it is read strictly and never written. Everything in it is optional.\n"
        f"```yaml\n{EXAMPLE}```\n\n## Every answer there is\nA plan asks for the ones that it needs; "
        "`gke2eks.undecided.yaml` holds them with examples. Keys with a name below them are maps, and lists are "
        f"written with commas.\n\n{answers()}\n\n## Every message\nEach one is shown as it is printed; "
        "`tests/test_decisions.py` writes this page.\n"
    )
    return head + "".join(f"\n### {title}\n```\n{printed(text)}\n```\n" for title, text in CASES.items())


def test_the_page_shows_what_is_printed() -> None:
    if os.environ.get("GKE2EKS_WRITE_DOCS"):
        DOC.write_text(page(), encoding="utf-8")
    assert DOC.read_text(encoding="utf-8") == page()


def test_the_message_is_the_designed_one() -> None:
    text = "\n" * 12 + "storage:\n  storageClases:\n    fast: gp3\n"
    assert printed(text) == (
        "error: gke2eks.yaml:14:3: unknown key 'storageClases'\n"
        "   14 |   storageClases:\n"
        "      |   ^^^^^^^^^^^^^ did you mean 'storageClasses'?\n"
        "next:  correct the key. Nothing was planned."
    )


@pytest.mark.parametrize("title", CASES)
def test_every_message_names_a_place_and_what_to_do(title: str) -> None:
    lines = printed(CASES[title]).splitlines()
    assert re.match(r"error: gke2eks\.yaml:\d+:\d+: ", lines[0])
    assert "^" in lines[2]
    assert lines[-1].endswith("Nothing was planned.")


def test_twice_names_both_lines() -> None:
    text = printed(CASES["The same answer twice"])
    assert "    2 |   shop/data: copied" in text
    assert "    5 |   shop/data: external" in text


def test_a_full_file() -> None:
    text = (
        "flavour: auto\nsource: {name: prod}\ntarget: {account: '012345670123'}\n"
        "select: {namespaces: [shop], exclude: [Job/shop/once]}\noverlays: [mine]\n"
        + _OVERRIDE
        + "    reason: traffic\n"
        + "waivers:\n  - {rule: SVC001, reason: known, expires: 2026-12-31}\n"
        + "identity:\n  mode: irsa\n---\nidentity:\n  roles:\n    a@b: arn:aws:iam::111122223333:role/api\n"
        + "services: {idleTimeout: 3600}\n"
    )
    found = parse(text, "g.yaml", KNOWN)
    assert (found.flavour, found.source_name, found.select.namespaces) == ("auto", "prod", ("shop",))
    assert [one.text for one in found.select.exclude] == ["Job/shop/once"]
    assert found.answers["identity", "mode"].where == "g.yaml:14"
    assert found.answers["identity", "roles", "a@b"].where == "g.yaml:18"
    assert found.answers["services", "idleTimeout"].value == 3600
    assert found.answers["target", "account"].value == "012345670123"
    assert (found.overrides[0].value, str(found.overrides[0].path)) == (3, "spec.replicas")
    assert found.overrides[0].where == "g.yaml:7"
    waiver = found.waivers[0]
    assert not expired(waiver, datetime.date(2026, 12, 31))
    assert expired(waiver, datetime.date(2027, 1, 1))


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "---\n---\n", "identity:\n", "overlays:\n"])
def test_an_empty_file_means_the_defaults(text: str) -> None:
    assert parse(text, "x", KNOWN) == Decisions(file="x")


def test_absent_and_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    assert load(file, KNOWN) == Decisions(file=str(file))
    file.write_bytes(b"flavour: \xff")
    with pytest.raises(BadDecisions, match="not UTF-8"):
        load(file, KNOWN)


def test_matches() -> None:
    ref = Ref("apps", "Deployment", "shop", "api")
    assert matches("Deployment/shop/api", ref)
    assert matches("Deployment.apps/shop/api", ref)
    assert not matches("Deployment/shop/web", ref)
    assert not matches("Gateway/a/b", Ref("networking.istio.io", "Gateway", "a", "b"))


def test_an_empty_key_of_an_appended_file_says_nothing() -> None:
    text = "volumes:\n---\nvolumes:\n  shop/data: copied\n---\nvolumes:\n"
    assert parse(text, "g.yaml", ANSWERS).answers["volumes", "shop/data"].value == "copied"
