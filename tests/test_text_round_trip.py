"""YAML text: awkward strings and numbers, written by us and read by kubectl and by us."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from texts import BITS, TABLE, read

from migrate.manifest.text import dump, load_all


def awkward() -> list[str]:
    """Some 6,500 strings: every spelling of the table, and seeded mixtures of the bits."""
    rng = random.Random(20251)
    found = dict.fromkeys([row["written"] for row in TABLE["rows"]] + BITS)
    found.update(dict.fromkeys(chr(code) for code in range(0x250)))
    found.update({"x" * n: None for n in (79, 80, 119, 121, 1023, 1025, 5000)})
    found.update({"é\t" * 700: None, "5" * 300: None, ("line " * 30 + "\n") * 50: None})
    while len(found) < 6500:
        found["".join(rng.choices(BITS, k=rng.choice((1, 2, 2, 3, 3, 4, 5, 7, 12))))] = None
    return list(found)


def objects() -> list[dict[str, Any]]:
    """The strings as keys, values and list items at several depths, many to an object."""
    strings = awkward()
    rng = random.Random(7)
    found = []
    for start in range(0, len(strings), 500):
        part = strings[start : start + 500]
        other = part[:]
        rng.shuffle(other)
        tree = {
            "m": dict(zip(part, other, strict=True)),
            "l": part,
            "n": [{k: v, "z": [v, [k]]} for k, v in zip(other, part, strict=True)],
            "d": {k: {v: [v, {k: v}]} for k, v in zip(part, other, strict=True)},
        }
        found.append({"apiVersion": "x.io/v1", "kind": "Foo", "metadata": {"name": "a"}, "spec": tree})
    return found


def kubectl(path: Path) -> Any:
    """What the real kubectl reads; needs no server."""
    command = ["kubectl", "label", "--local", "-f", str(path), "x=y", "-o", "json"]
    out = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert out.returncode == 0, out.stderr[:500]
    return json.loads(out.stdout)


def test_awkward_strings_come_back() -> None:
    """load_all(dump(x)) is x."""
    for body in objects():
        assert read(dump(body)) == body


def test_awkward_strings_for_kubectl(tmp_path: Path) -> None:
    """kubectl reads the same keys and values that we wrote."""
    if shutil.which("kubectl") is None:
        pytest.skip("needs the real kubectl on PATH")
    for number, body in enumerate(objects()):
        path = tmp_path / f"{number}.yaml"
        path.write_text(dump(body), encoding="utf-8", newline="")
        got = kubectl(path)["spec"]
        for name, value in body["spec"].items():
            assert got[name] == value, (number, name)


def test_numbers_for_kubectl(tmp_path: Path) -> None:
    """Numbers, truth values, null and empty collections come back too."""
    if shutil.which("kubectl") is None:
        pytest.skip("needs the real kubectl on PATH")
    rng = random.Random(3)
    values: list[Any] = [0, -1, 2**63 - 1, -(2**63), 0.1, 1.0, -0.0, 1e16, 1e22, 5e-324, 1.7e308, True, False, None]
    values += [{}, [], [[]], [{}], {"": {}}, [[[1], []], {"a": []}]]
    values += [rng.uniform(-1, 1) * 10 ** rng.randint(-20, 15) for _ in range(300)]
    path = tmp_path / "n.yaml"
    path.write_text(dump({"apiVersion": "x.io/v1", "kind": "Foo", "metadata": {"name": "a"}, "spec": values}))
    assert kubectl(path)["spec"] == values


TEXTS = st.text(max_size=12) | st.sampled_from(BITS) | st.lists(st.sampled_from(BITS), max_size=6).map("".join)
LEAVES = TEXTS | st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15)
TREES = st.recursive(LEAVES, lambda t: st.lists(t, max_size=4) | st.dictionaries(TEXTS, t, max_size=4), max_leaves=20)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(TEXTS, TREES, max_size=5))
def test_round_trip(body: dict[str, Any]) -> None:
    """Any JSON-like mapping survives dump and load_all, alone and between others."""
    text = dump(body)
    assert read(text) == body
    assert [document.body for document in load_all(f"{text}---\n{text}---\na: 1\n")] == [body, body, {"a": 1}]
    (document,) = load_all(json.dumps(body))
    assert document.body == body
