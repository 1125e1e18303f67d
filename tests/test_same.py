"""What is the same to Kubernetes: a table of pairs, and what must hold of any two values."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path as File
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.differ.same import same
from migrate.differ.same_places import built_in, keys_of, sort_of
from migrate.model.objects import MISSING
from migrate.model.path import Path, parse

ROWS: list[dict[str, Any]] = yaml.load(
    (File(__file__).parent / "data" / "same.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader
)


def kind_of(text: str) -> tuple[str, str]:
    kind, _, group = text.partition(".")
    return group, kind


def value_of(said: Any) -> Any:
    return MISSING if said == "absent" else said


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['kind']}:{row['path']}:{row['why']}" for row in ROWS])
def test_a_pair_is_judged_as_the_table_says(row: dict[str, Any]) -> None:
    kind, path, one, other = kind_of(row["kind"]), parse(row["path"]), value_of(row["one"]), value_of(row["other"])
    before = copy.deepcopy((one, other)) if MISSING not in (one, other) else None
    assert same(kind, path, one, other) is row["same"], row["why"]
    assert same(kind, path, other, one) is row["same"], "the other way round"
    assert same(kind, path, one, one) and same(kind, path, other, other)
    assert before is None or before == (one, other)


def test_the_table_has_as_many_unequal_as_equal() -> None:
    counts = Counter(row["same"] for row in ROWS)
    assert len(ROWS) >= 120 and min(counts.values()) > 60
    assert len({(row["kind"], row["path"], repr(row["one"]), repr(row["other"])) for row in ROWS}) == len(ROWS)


def test_every_leaf_of_a_pair_is_seen_from_above() -> None:
    """A difference of two leaves is one of their parents too, and nothing else is."""
    for row in ROWS:
        path = parse(row["path"])
        if not path or not isinstance(path[-1], str) or "absent" in (row["one"], row["other"]):
            continue
        one, other = {path[-1]: row["one"]}, {path[-1]: row["other"]}
        assert same(kind_of(row["kind"]), Path(path[:-1]), one, other) is row["same"], row


KINDS = [
    ("", "Pod"),
    ("", "ConfigMap"),
    ("apps", "Deployment"),
    ("karpenter.sh", "NodePool"),
    ("example.com", "Widget"),
]
PATHS = sorted({row["path"] for row in ROWS})
SPELLINGS = [row[side] for row in ROWS for side in ("one", "other") if row[side] != "absent"]
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text("ab:{}[]0.1mGi\n ,=$()", max_size=8)
VALUES = st.recursive(
    SCALARS | st.sampled_from(SPELLINGS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "name", "value", "matchLabels", "key", "values"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(PATHS), VALUES, VALUES, VALUES)
def test_it_is_reflexive_symmetric_and_transitive(
    kind: tuple[str, str], text: str, one: Any, two: Any, three: Any
) -> None:
    path = parse(text)
    assert same(kind, path, one, copy.deepcopy(one))
    assert same(kind, path, one, two) is same(kind, path, two, one)
    assert same(kind, path, one, MISSING) is same(kind, path, MISSING, one)
    if same(kind, path, one, two) and same(kind, path, two, three):
        assert same(kind, path, one, three)


@pytest.mark.parametrize(
    "text", ["[" * 5000 + "]" * 5000, "a: " + "{" * 3000, '{"a":' * 200 + "1" + "}" * 200, "{}" * 90_000]
)
@pytest.mark.parametrize("path", [parse('data["a.yaml"]'), parse('metadata.annotations["a"]')])
def test_a_hostile_text_is_text(path: Path, text: str) -> None:
    assert same(("", "ConfigMap"), path, text, text)
    assert not same(("", "ConfigMap"), path, text, text + " x")


def test_a_form_never_shows_a_value_in_an_error() -> None:
    class Odd:
        """What no reader of YAML or JSON gives."""

    assert not same(("", "Secret"), parse("data.a"), Odd(), "YQ==")


def test_places_are_named_without_items() -> None:
    path = parse("spec.containers[name=c].resources.limits.cpu")
    assert keys_of(path) == ("spec", "containers", "resources", "limits", "cpu")
    assert sort_of(("", "Pod"), keys_of(path)) == "amounts"
    assert built_in(("example.com", "Widget"), ("metadata", "labels"))
    assert not built_in(("gateway.networking.k8s.io", "Gateway"), ("spec",))
