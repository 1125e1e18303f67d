"""Renderers: every figure, every name, every section, in every size; nothing is cut and nothing acts on a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import jsonschema
import pytest
import yaml

from migrate.errors import Error
from migrate.model.effects import Cause, Severity
from migrate.model.objects import MISSING, LeftOut
from migrate.model.path import P
from migrate.model.plan import Change, Difference, Fate, Finding, Plan, RuleNote, Standing, Step, Undecided
from migrate.model.ref import Ref
from migrate.render import document, markdown, terminal, words
from migrate.render.undecided import example_lines, undecided_yaml

HEADINGS = (
    "Can this move?",
    "What blocks?",
    "What must you decide?",
    "What concerns the whole cluster?",
    "What differs silently?",
    "What changed?",
    "What stays behind?",
    "What was not read?",
    "What next?",
)
NASTY = ("[/web]", "a'b\"c", "<PROJECT_ID>", "a|b", "`x``y`", "\U0001f600", "\u200fabc", "@sha256", "#12", "C:\\n")
FATES = {
    Standing.FOLDED: Fate.FOLD,
    Standing.LEFT_BEHIND: Fate.SKIP,
    Standing.BY_HAND: Fate.MANUAL,
    Standing.NEW: Fate.CREATE,
}


def step(name: str, standing: Standing, changes: int = 1) -> Step:
    fate = FATES.get(standing, Fate.MIGRATE)
    cause = Cause.GKE if standing is Standing.LEFT_BEHIND else Cause.NONE
    ref = Ref("apps", "Deployment", "shop", name)
    changed = tuple(Change("IMG001", P("spec", f"f{n}"), MISSING, f"v{n}", "It moves.") for n in range(changes))
    kept = fate in (Fate.MIGRATE, Fate.CREATE)
    reason = "" if kept else f"because of {fate.value}"
    return Step(ref, "v1", fate, cause, standing, reason, None, None, changed if kept else (), (P("status"),))


def plan_of(amount: int, name: str = "") -> Plan:
    steps = tuple(step(f"{s.value}-{n}{name}", s) for s in Standing for n in range(amount))
    refs = {s: tuple(x.ref for x in steps if x.standing is s) for s in Standing}
    found = [
        Finding("MCS001", Severity.BLOCKER, r, P("spec"), "Nothing reads it.", "Do it", "docs")
        for r in refs[Standing.BLOCKED]
    ]
    found += [Finding("ING001", Severity.DECIDE, r, P(), "No match.", "Write one", "") for r in refs[Standing.BY_HAND]]
    asked = tuple(
        Undecided(
            ("identity", "roles", f"api{n}@x.iam{name}"),
            "identity.roles",
            "Which role?",
            True,
            "Calls fail.",
            (r,),
            "",
            "arn:x",
        )
        for n, r in enumerate(refs[Standing.WAIT])
    )
    differences = [
        Difference("NET001", f"Policy {n}{name}", "enforced", "stored", n % 2 == 1, (), "Set it") for n in range(amount)
    ]
    counts = {s.value: amount for s in Standing} | {
        "objects": amount * 7,
        "yours": amount * 6,
        "created": amount,
        "cleaned": len(steps),
        "fields_changed": sum(len(x.changes) for x in steps),
        "namespaces": 1 if amount else 0,
        "namespaces_whole": 0,
    }
    left = tuple(LeftOut(f"a{n}.yaml{name}", n + 1, "not YAML", "Correct it") for n in range(amount))
    rule = RuleNote("IMG001", f"Image moves{name}", "images", Severity.INFO, "", "")
    verdict = "Nothing to move." if not amount else f"Not yet: {amount} blocked."
    return Plan(
        "auto",
        f"prod{name}",
        "2026-01-01T00:00:00Z",
        verdict,
        counts,
        steps,
        tuple(found),
        left,
        asked,
        tuple(differences),
        (rule,),
        (refs[Standing.READY],),
        "sha256:0",
    )


def shown(plan: Plan, **more: Any) -> str:
    options: dict[str, Any] = {
        "width": 100,
        "color": False,
        "unicode": True,
        "workspace": "out",
        "next_commands": ["gke2eks plan -w out/"],
    }
    return terminal.summary(plan, files=["out/report.html", "report.md"], **(options | more))


@pytest.mark.parametrize("amount", [0, 1, 2, 12, 150])
def test_nine_sections_in_order_with_their_figures(amount: int) -> None:
    plan = plan_of(amount)
    for text in (shown(plan), shown(plan, width=40), markdown.report(plan)):
        places = [text.index(heading) for heading in HEADINGS]
        assert places == sorted(places)
        flat = " ".join(text.split())
        assert f"{words.plural(amount * 7, 'object')} read = {words.number(amount * 6)} yours + {amount}" in flat
        assert not re.search(r"\b1 (objects|questions|answers|reasons|fields|documents|namespaces)\b", flat)
        if amount:
            assert f"{words.number(amount)} blocked" in flat
            assert f"{words.plural(plan.counts['fields_changed'], 'field')} in" in flat


@pytest.mark.parametrize("amount", [0, 1, 5, 150])
def test_colour_only_repeats(amount: int) -> None:
    plan = plan_of(amount)
    coloured = shown(plan, color=True)
    assert "\x1b[" in coloured
    assert terminal.strip(coloured) == shown(plan)


def test_small_folds_nothing_and_large_says_how_much() -> None:
    small, large = plan_of(5), plan_of(150)
    text = shown(small)
    assert all(item.ref.name in text for item in small.steps if item.yours and item.standing is not Standing.FOLDED)
    assert "and 147 more" in shown(large)
    assert "150 documents" in shown(large)


@pytest.mark.parametrize("name", NASTY)
def test_nasty_names_come_back_whole(name: str) -> None:
    plan = plan_of(2, name)
    assert f"Deployment/blocked-0{name}" in shown(plan)
    assert f"Deployment/blocked-0{name}" in markdown.report(plan).replace("\\|", "|")
    doc = json.loads(document.dumps(document.plan_document(plan, {})))
    assert doc["source"]["name"] == f"prod{name}"
    assert set(yaml.safe_load(undecided_yaml(plan))["identity"]["roles"]) == {a.key[2] for a in plan.undecided}
    assert f"blocked-0{name}" in terminal.explain(plan, plan.steps[0])


@pytest.mark.parametrize("name", ["\x1b[31m", "\x07", "a\nb", "\x9b2J", "\ud800", "\x7f"])
def test_control_characters_never_act(name: str) -> None:
    plan = plan_of(2, name)
    texts = [shown(plan), markdown.report(plan), undecided_yaml(plan)]
    texts += [terminal.explain(plan, item, cleaned=True) for item in plan.steps]
    for text in texts:
        assert not set(text) & set("\x1b\x07\x9b\ud800\x7f")
        assert "a\nb" not in text
    document.dumps(document.plan_document(plan, {})).decode()


def test_markdown_stays_below_its_limit() -> None:
    plan = plan_of(5000 // 8, "-" + "x" * 60)
    text = markdown.report(plan)
    assert len(text) < 60_000
    assert text.splitlines()[-1].startswith("Left out for length: ")
    assert all(heading in text for heading in HEADINGS[:3])
    assert "Left out" not in markdown.report(plan_of(2))


def test_code_spans_are_closed_by_a_longer_fence() -> None:
    assert markdown.code("a``b") == "```a``b```"
    assert markdown.code("`") == "`` ` ``"
    assert markdown.prose("see <ID> and @me now") == "see `<ID>` and `@me` now"


def test_document_keeps_the_schema(repo: File) -> None:
    schema = json.loads((repo / "reports/plan.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for amount in (0, 1, 2):
        plan = plan_of(amount)
        manifests = {item.ref: ("shop/a.yaml", "sha256:1") for item in plan.steps[:1]}
        doc = json.loads(document.dumps(document.plan_document(plan, manifests)))
        jsonschema.Draft202012Validator(schema).validate(doc)
    change = doc["steps"][0]["changes"][0]
    assert "before" not in change and change["after"] == "v0"
    assert doc["undecided"][0]["key"] == "identity.roles.api0@x.iam"
    assert json.loads(document.dumps({"n": 2**70})) == {"n": 2**70}


def test_words() -> None:
    assert (words.number(2648), words.plural(1, "object"), words.plural(0, "object")) == (
        "2,648",
        "1 object",
        "0 objects",
    )
    assert [words.shown(v) for v in (MISSING, "", "not set", "1", 1, None, "a b")] == [
        "not set",
        '""',
        '"not set"',
        '"1"',
        "1",
        "null",
        "a b",
    ]
    assert len(set(words.SIGNS.values())) == len(Standing) == len(words.WORDS)


def test_explain_one_field_and_all() -> None:
    plan = plan_of(1)
    found = next(item for item in plan.steps if item.standing is Standing.BLOCKED)
    text = terminal.explain(plan, found, None, "out/manifests/a.yaml")
    for part in (
        "x blocked   fate: migrate → out/manifests/a.yaml",
        "GKE  not set",
        "EKS  v0",
        "next  Do it.",
        "--cleaned",
    ):
        assert part in text
    assert "It did not change" in terminal.explain(plan, found, P("spec", "other"))
    assert "status" in terminal.explain(plan, found, cleaned=True)


def test_errors_and_rules() -> None:
    assert terminal.error_text(Error("no", "Go.", ["a\x1b"])) == "error: no\n       a\\x1b\nnext:  Go.\n"
    rule = RuleNote("STO001", "Disk class", "storage", Severity.INFO, "", "EBS")
    assert "storage, info" in terminal.rules_list([rule])
    assert "  Why      Because" in terminal.rule_page(rule, what="A", why="Because")


def test_lines_break_at_spaces_and_arrows_have_a_plain_form() -> None:
    plan = plan_of(5, "-" + "y" * 120)
    assert all(f"ready-{n}-" + "y" * 120 in shown(plan, width=40) for n in range(5))
    assert "→" not in shown(plan, unicode=False)
    assert all(len(line) <= 60 for line in shown(plan_of(3), width=60).splitlines())


def test_the_example_of_a_safe_question_is_a_comment_everywhere() -> None:
    key = ("volumes", "shop/data")
    where = (Ref("", "PersistentVolumeClaim", "shop", "data"),)
    asked = Undecided(key, "volumes", "What becomes of the data?", False, "Held.", where, "", "copied")
    assert example_lines((asked,)) == ["volumes:", '  # "shop/data": "copied"']
    assert example_lines((replace(asked, blocks=True),)) == ["volumes:", '  "shop/data": "copied"']
