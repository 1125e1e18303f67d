"""Any order of rules gives the same object, the same changes and the same conflicts."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from migrate.manifest.places import get
from migrate.manifest.settle import Edit, replay, settle
from migrate.model.effects import Remove, Set
from migrate.model.objects import MISSING
from migrate.model.path import Item, P, Path

SOURCE: dict[str, Any] = {
    "metadata": {"annotations": {"a": "1", "b/c": "2"}, "name": "x"},
    "spec": {
        "args": ["one", "two", "three"],
        "containers": [{"name": "api", "image": "i", "env": [{"name": "E", "value": "v"}]}, {"name": "side"}],
        "emptyDir": {},
    },
}
PLACES: list[Path] = [
    P("metadata", "annotations", "a"),
    P("metadata", "annotations", "b/c"),
    P("metadata", "annotations"),
    P("metadata", "labels", "new"),
    P("spec", "args", 0),
    P("spec", "args", 2),
    P("spec", "args"),
    P("spec", "containers", Item((("name", "api"),)), "image"),
    P("spec", "containers", Item((("name", "api"),)), "name"),
    P("spec", "containers", Item((("name", "api"),)), "env", Item((("name", "E"),))),
    P("spec", "containers", Item((("name", "side"),))),
    P("spec", "containers", Item((("name", "gone"),)), "image"),
    P("spec", "emptyDir", "medium"),
]


def _edit(rng: random.Random) -> Edit:
    path = rng.choice(PLACES)
    rule = f"R{rng.randrange(4)}"
    if rng.random() < 0.4:
        return rule, Remove(path, "because")
    return rule, Set(path, rng.choice(["x", "y", 1, True, {"k": "v"}, ["l"]]), "because")


@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_effect_sets_in_any_order(seed: int) -> None:
    rng = random.Random(seed)
    before = orjson.dumps(SOURCE)
    for _ in range(1000):
        edits = [_edit(rng) for _ in range(rng.randrange(1, 6))]
        first = settle(SOURCE, edits)
        shuffled = edits[:]
        rng.shuffle(shuffled)
        assert settle(SOURCE, shuffled) == first
        assert replay(SOURCE, first.changes) == first.body
    assert orjson.dumps(SOURCE) == before


def test_remove_of_an_ancestor_beats_what_is_below() -> None:
    done = settle(SOURCE, [("A", Remove(P("spec", "args"), "x")), ("B", Set(P("spec", "args", 0), "y", "x"))])
    assert "args" not in done.body["spec"] and done.conflicts == ()


def test_a_disagreement_keeps_the_source_value() -> None:
    place = P("metadata", "annotations", "a")
    done = settle(SOURCE, [("A", Set(place, "x", "-")), ("B", Set(place, "y", "-"))])
    assert get(done.body, place) == "1" and done.changes == ()
    assert done.conflicts == ((place, "A and B ask for different values"),)


def test_the_last_annotation_takes_the_empty_map_along_and_says_so() -> None:
    places = [P("metadata", "annotations", key) for key in ("a", "b/c")]
    done = settle(SOURCE, [("A", Remove(place, "-")) for place in places])
    assert "annotations" not in done.body["metadata"]
    assert done.changes[-1].path == P("metadata", "annotations") and done.changes[-1].after is MISSING


def test_a_map_that_is_emptied_and_filled_again_never_went() -> None:
    source = {"spec": {"nodeSelector": {"old": "x"}}}
    edits: list[Edit] = [
        ("A", Remove(P("spec", "nodeSelector", "old"), "gone")),
        ("A", Set(P("spec", "nodeSelector", "zone"), "y", "new")),
    ]
    done = settle(source, edits)
    assert done.body == {"spec": {"nodeSelector": {"zone": "y"}}}
    assert [str(change.path) for change in done.changes] == ["spec.nodeSelector.old", "spec.nodeSelector.zone"]


def test_a_meaningful_empty_stays() -> None:
    source = {"spec": {"emptyDir": {"medium": "Memory"}}}
    done = settle(source, [("A", Remove(P("spec", "emptyDir", "medium"), "-"))])
    assert done.body == {"spec": {"emptyDir": {}}}


def test_a_place_that_is_not_there_is_a_conflict_not_a_crash() -> None:
    place = P("spec", "containers", Item((("name", "gone"),)), "image")
    done = settle(SOURCE, [("A", Set(place, "x", "-"))])
    assert done.body == SOURCE and done.conflicts == ((place, "A asks for a place that is not there"),)
