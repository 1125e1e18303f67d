"""YAML text: what we write looks like kubectl's, and what no YAML can hold is refused."""

from __future__ import annotations

from typing import Any

import pytest
from texts import read

from migrate.manifest.text import dump


def test_dump_looks_like_kubectl() -> None:
    """The order of keys, lists level with their key, blocks for text with lines."""
    body = {
        "status": {},
        "zeta": [],
        "data": {"b": "x\ny\n", "a": "x\n\ny", "c": "x\n\n", "d": " x\ny"},
        "spec": {"list": [{"name": "a", "args": ["--x=1", "y", ["n"]]}], "f": 1.5, "t": True, "n": None, "p": "25%"},
        "metadata": {"uid": "u", "annotations": {"a": "1"}, "labels": {}, "namespace": "n", "name": "m"},
        "kind": "K",
        "apiVersion": "v1",
    }
    lines = [
        "apiVersion: v1",
        "kind: K",
        "metadata:",
        "  name: m",
        '  namespace: "n"',
        "  labels: {}",
        "  annotations:",
        '    a: "1"',
        "  uid: u",
        "spec:",
        "  list:",
        "  - name: a",
        "    args:",
        "    - --x=1",
        '    - "y"',
        '    - - "n"',
        "  f: 1.5",
        "  t: true",
        '  "n": null',
        "  p: 25%",
        "data:",
        "  b: |",
        "    x",
        "    y",
        "  a: |-",
        "    x",
        "",
        "    y",
        "  c: |+",
        "    x",
        "",
        "  d: |2-",
        "     x",
        "    y",
        "status: {}",
        "zeta: []",
    ]
    assert dump(body).splitlines() == lines
    assert dump({}) == "{}\n"


def test_dump_writes_no_anchors() -> None:
    """The same object in two places is written twice."""
    shared = {"a": ["b"]}
    assert dump({"x": shared, "y": shared}) == 'x:\n  a:\n  - b\n"y":\n  a:\n  - b\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", "a\n\ud800", {"\udfff": 1}])
def test_dump_refuses_what_yaml_cannot_hold(value: Any) -> None:
    """A clear ValueError instead of a file that nobody can read."""
    with pytest.raises(ValueError, match=r"cannot|no YAML can"):
        dump({"a": value})


def test_dump_refuses_foreign_types_and_cycles() -> None:
    """Keys that are no text, values that are no JSON, and values that contain themselves."""
    for body in ({"a": {1: 2}}, {"a": {1, 2}}, {"a": b"x"}):
        with pytest.raises(TypeError):
            dump(body)
    ring: dict[str, Any] = {}
    ring["a"] = ring
    with pytest.raises(ValueError, match="contains itself"):
        dump(ring)


def test_dump_takes_look_alikes() -> None:
    """Tuples and subclasses are written as what they stand for."""

    class Text(str):
        """A kind of text."""

    class Box(dict[str, Any]):
        """A kind of mapping."""

    body = {"a": (1, "y"), "b": Text("no"), "c": Box(d=Text("x\ny")), "e": [Box(), (), (1,), Box(f=[Box(g=1)])]}
    assert read(dump(body)) == {"a": [1, "y"], "b": "no", "c": {"d": "x\ny"}, "e": [{}, [], [1], {"f": [{"g": 1}]}]}
