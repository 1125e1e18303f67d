"""Every rule has what a page needs, and its example is true."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migrate.catalog import annotation_rows, needles, rows, rule_tables
from migrate.errors import BadMapping
from migrate.manifest.settle import settle
from migrate.model.decided import Decided
from migrate.model.effects import Remove, Set
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.model.rules import Rule
from migrate.planner import Neighbours
from migrate.rules import all_rules

RULES = {rule.id: rule for rule in all_rules()}


def _object(kind: tuple[str, str], body: Mapping[str, Any]) -> Object:
    return Object(Ref(kind[0], kind[1], "ns", "x"), body)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_has_a_whole_page(rule: Rule) -> None:
    assert rule.title and rule.what.endswith(".") and rule.why.endswith(".") and rule.do
    assert rule.docs.startswith("https://") and rule.gke and rule.eks and rule.change


@pytest.mark.parametrize("rule", [r for r in RULES.values() if r.example], ids=lambda r: r.id)
def test_the_example_is_true(rule: Rule) -> None:
    assert rule.example is not None
    obj = _object(min(rule.kinds), rule.example.before)
    effects = list(rule.effects(obj, Neighbours([obj], {}, Decided(), rule_tables())))
    edits = [(rule.id, effect) for effect in effects if isinstance(effect, (Set, Remove))]
    assert settle(obj.body, edits).body == rule.example.after


@pytest.mark.parametrize("row", annotation_rows(), ids=lambda r: r.where)
def test_every_row_removes_every_key_it_names(row: Any) -> None:
    rule = RULES[row.fields["rule"]]
    for text in row.fields["kinds"]:
        group, _, kind = ("", "", "Pod") if text == "pods" else text.rpartition("/")
        value = row.fields["example"]["value"]
        body = {"metadata": {"annotations": {**dict.fromkeys(row.fields["keys"], value), "mine": "stays"}}}
        obj = _object((group, kind), body)
        effects = [(rule.id, e) for e in rule.effects(obj, Neighbours([obj], {}, Decided(), rule_tables()))]
        done = settle(body, [e for e in effects if isinstance(e[1], (Set, Remove))])
        assert done.body == {"metadata": {"annotations": {"mine": "stays"}}}
        assert all("mappings/annotations.yaml:" in change.because for change in done.changes)


def test_an_unknown_column_is_refused_with_its_line() -> None:
    with pytest.raises(BadMapping, match=r"t.yaml:2: unknown column 'kyes'; did you mean 'keys'"):
        rows("- rule: X\n  kyes: []\n", "t.yaml", frozenset({"rule", "keys"}))


def test_the_bundled_tables_are_well_formed() -> None:
    assert len(needles()) > 10 and any(row.fields["type"] == "pd-ssd" for row in rule_tables()["storage.yaml"])


def test_every_rule_of_every_module_is_registered(repo: Path) -> None:
    for file in sorted((repo / "migrate/rules").glob("*.py")):
        module = importlib.import_module(f"migrate.rules.{file.stem}")
        for rule in getattr(module, "RULES", ()):
            assert RULES.get(rule.id) == rule, f"{file.stem}.RULES is not in migrate/rules/__init__.py"
