"""The walk over whatever shapes there are: odd ones, long lists, the objects of the examples."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from migrate.differ.walk import differences
from migrate.differ.walk_align import align
from migrate.differ.walk_alike import alike
from migrate.manifest.places import get
from migrate.model.objects import MISSING

Json = dict[str, Any]
DEPLOYMENT, SERVICE, CONFIG, CUSTOM = ("apps", "Deployment"), ("", "Service"), ("", "ConfigMap"), ("acme.io", "Shop")


def told(kind: tuple[str, str], planned: Json, live: Json) -> list[tuple[str, Any, Any]]:
    return [(str(one.path), one.planned, one.target) for one in differences(kind, planned, live)]


JSON_LIKE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "b", 0.0, 1.0]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "a", "b", "env", "selector"]), inner, max_size=3)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), JSON_LIKE, max_size=3)


@given(BODIES, BODIES, st.sampled_from([DEPLOYMENT, SERVICE, CONFIG, CUSTOM]))
def test_none_of_a_body_with_itself_and_some_of_any_other(one: Json, other: Json, kind: tuple[str, str]) -> None:
    """Whatever the shapes are: nothing breaks, a copy has no difference, and nothing that differs is lost."""
    assert told(kind, one, copy.deepcopy(one)) == []
    assert alike(one, other) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))
    found = list(differences(kind, one, other))
    # Sets and orders of keyed lists are in metadata only here, and these bodies have none.
    assert bool(found) == (not alike(one, other))
    assert all(not alike(raw.planned, raw.target) for raw in found)


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_an_alignment_has_every_item_once_and_in_order(one: list[str], other: list[str]) -> None:
    pairs = list(align(one, other))
    assert [a for a, _ in pairs if a is not None] == list(range(len(one)))
    assert [b for _, b in pairs if b is not None] == list(range(len(other)))


def test_long_lists_are_aligned_too() -> None:
    one = [{"n": n} for n in range(300)]
    other = [{"n": -1}, *one[:100], {"n": -2}, *one[101:250], *one[251:], {"n": -3}]
    assert told(CUSTOM, {"spec": {"a": one}}, {"spec": {"a": other}}) == [
        ("spec.a[0]", MISSING, {"n": -1}),
        ("spec.a[100].n", 100, -2),
        ("spec.a[250]", {"n": 250}, MISSING),
        ("spec.a[300]", MISSING, {"n": -3}),
    ]


def everywhere(value: Any, edit: Callable[[Json], None]) -> None:
    if isinstance(value, dict):
        edit(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        everywhere(inner, edit)


def test_real_objects(repo: File) -> None:
    """Of the examples: none with a copy whose maps are in another order; one planted field is found where it is."""
    documents = [
        body
        for file in sorted((repo / "examples").rglob("*.yaml"))
        for body in yaml.load_all(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
        if isinstance(body, dict) and "kind" in body and "apiVersion" in body
    ]
    assert documents
    for body in documents:
        kind = (str(body["apiVersion"]).rpartition("/")[0], str(body["kind"]))
        assert told(kind, body, json.loads(json.dumps(body, sort_keys=True))) == []
        live = copy.deepcopy(body)
        everywhere(live, lambda inner: inner.update(planted="x"))
        for raw in differences(kind, body, live):
            assert (raw.planned, raw.target, raw.path[-1]) == (MISSING, "x", "planted")
            assert get(live, raw.path) == "x"
