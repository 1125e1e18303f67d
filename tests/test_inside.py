"""Where inside two documents differ: our paths, both values, never deepdiff's words."""

from __future__ import annotations

import json

import pytest

from migrate.differ.inside import inside, told_inside
from migrate.differ.same_places import Sort
from migrate.model.comparison import Class, Delta
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.model.ref import Ref

SETTINGS = Ref("", "ConfigMap", "shop", "settings")


@pytest.mark.parametrize(
    ("planned", "target", "said"),
    [
        ('{"server": {"port": 80}}', '{"server":{"port":81}}', "server.port: 80 planned, 81 on the target"),
        ('{"a.b/c": "x"}', '{"a.b/c": "y"}', '["a.b/c"]: "x" planned, "y" on the target'),
        ('{"a": [1, 2, 3]}', '{"a": [1, 3]}', "a[1]: 2 planned, not on the target"),
        ('{"a": [1, 3]}', '{"a": [1, 2, 3]}', "a[1]: 2 only on the target"),
        ('{"a": 1}', '{"a": true}', "a: 1 planned, true on the target"),
        ('{"a": 1}', '{"a": "1"}', 'a: 1 planned, "1" on the target'),
        ('{"a": 1}', '{"a": 1.0}', "a: 1 planned, 1.0 on the target"),
        ('{"a": 1}', '{"a": 1, "b": {"c": 1}}', "b: (1 key) only on the target"),
        ('{"a": null}', "{}", "a: null planned, not on the target"),
        ('{"a": {}}', '{"a": [1, 2]}', "a: (0 keys) planned, (2 items) on the target"),
        ('{"a": 1}', "[1]", "the whole: (1 key) planned, (1 item) on the target"),
        ("[{}]", "[[]]", "[0]: (0 keys) planned, (0 items) on the target"),
    ],
)
def test_it_says_where_and_both_values(planned: str, target: str, said: str) -> None:
    assert inside(planned, target) == f"inside: {said}"


@pytest.mark.parametrize(
    ("planned", "target", "said"),
    [
        ("server:\n  port: 80\n", "server: {port: 81}\n", "server.port: 80 planned, 81 on the target"),
        ("port: 80\n", 'port: "80"\n', 'port: 80 planned, "80" on the target'),
        ("a: yes\n", "a: true\n", "a: yes planned, true on the target"),
        ("80: a\n", "80: b\n", '["80"]: "a" planned, "b" on the target'),
        ("a: 1\n---\nb: 1\n", "a: 1\n---\nb: 2\n", "[1].b: 1 planned, 2 on the target"),
        ("a: 1\n", "a: 1\n---\nb: 2\n", "[1]: (1 key) only on the target"),
    ],
)
def test_yaml_where_its_name_says_so(planned: str, target: str, said: str) -> None:
    assert inside(planned, target, name="app.yaml") == f"inside: {said}"
    assert inside(planned, target, name="app.txt") == ""
    assert inside(planned, target, name="proxy.istio.io/config", sort=Sort.NOTE) == f"inside: {said}"


@pytest.mark.parametrize(
    ("planned", "target"),
    [
        ("plain", "text"),
        ('{"a": 1}', "plain"),
        ('{"a": 1}', '{"a": 1, "a": 2}'),
        ('{"a": 1, "b": [1.0]}', '{"b":[1.00],"a":1}'),
        (json.dumps({"a": "x" * 70_000}), json.dumps({"a": "y"})),
        (json.dumps(list(range(5000))), json.dumps(list(range(5000, 10_000)))),
        (json.dumps([0] * 5000), json.dumps([1] * 5000)),
        ("{" * 200 + "}" * 200, "{}"),
    ],
)
def test_what_it_does_not_look_into(planned: str, target: str) -> None:
    assert inside(planned, target) == ""


@pytest.mark.parametrize("text", ["a: &x {b: 1}\nc: *x\n", '"1": a\n1: b\n', "? {a: b}\n: c\n", "a: !x b\n"])
def test_yaml_that_nobody_could_be_told_of(text: str) -> None:
    assert inside(text, "a: 1\n", name="a.yaml") == inside("a: 1\n", text, name="a.yaml") == ""


def test_three_are_told_and_the_rest_counted() -> None:
    one, other = ({f"k{n}": value for n in range(5)} for value in (1, 2))
    text = inside(json.dumps(one), json.dumps(other))
    assert text.startswith("inside: k0: 1 planned, 2 on the target; k1: ") and text.endswith("; and 2 more")
    assert inside(json.dumps(one), json.dumps(other), 5).count("planned") == 5
    assert "more" not in inside(json.dumps(one), json.dumps(other), 5)


def test_items_come_in_their_order() -> None:
    text = inside(json.dumps([*range(12)]), json.dumps([*range(9), 0, 0, 0]), 99)
    assert [part.partition(":")[0] for part in text.removeprefix("inside: ").split("; ")] == ["[9]", "[10]", "[11]"]


def test_a_long_value_is_cut() -> None:
    text = inside(json.dumps({"a": "x" * 5000}), json.dumps({"a": "y" * 5000}))
    assert len(text) < 220 and "… (5002 characters) planned" in text


def test_no_word_of_deepdiff_reaches_anybody() -> None:
    one = {"changed": 1, "gone": 1, "turned": 1, "list": [1, {"a": 1}, 3], "same": 1}
    other = {"changed": 2, "new": 1, "turned": [], "list": [{"a": 2}, 3, 4], "same": 1}
    text = inside(json.dumps(one), json.dumps(other), 99)
    words = ("root", "values_changed", "type_changes", "item_added", "item_removed", "not present", "'")
    assert [word for word in words if word in text] == []
    assert "same" not in text and text.count(";") >= 5


def delta(ref: Ref = SETTINGS, **more: object) -> Delta:
    given = {"path": P("data", "a"), "planned": '{"a": 1}', "target": '{"a": 2}', "because": "written by x"} | more
    return Delta(given.pop("kind", Class.UNEXPECTED), ref, **given)  # type: ignore[arg-type]


def test_an_unexpected_delta_of_a_document_says_it() -> None:
    assert told_inside(delta()).because == "written by x; inside: a: 1 planned, 2 on the target"
    noted = delta(Ref("apps", "Deployment", "shop", "api"), path=P("metadata", "annotations", "x"))
    assert "inside: a: 1" in told_inside(noted).because


@pytest.mark.parametrize(
    "other",
    [
        delta(Ref("", "Secret", "shop", "login")),
        delta(Ref("", "Secret", "shop", "login"), path=P("metadata", "annotations", "a")),
        delta(kind=Class.RUNTIME),
        delta(target=MISSING),
        delta(path=P()),
        delta(path=P("metadata", "labels", "a")),
        delta(Ref("apps", "Deployment", "shop", "api"), path=P("spec", "x")),
    ],
)
def test_no_other_delta_does(other: Delta) -> None:
    assert told_inside(other) is other
