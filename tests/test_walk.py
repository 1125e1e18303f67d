"""The walk: which differences two bodies have, and where each of them is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from migrate.differ.walk import Raw, differences
from migrate.differ.walk_alike import alike
from migrate.model.objects import MISSING
from migrate.model.path import Path, parse

Json = dict[str, Any]
DEPLOYMENT, SERVICE, CONFIG, CUSTOM = ("apps", "Deployment"), ("", "Service"), ("", "ConfigMap"), ("acme.io", "Shop")


def told(kind: tuple[str, str], planned: Json, live: Json, **more: Any) -> list[tuple[str, Any, Any]]:
    return [(str(one.path), one.planned, one.target) for one in differences(kind, planned, live, **more)]


def in_pod(pod: Any) -> Json:
    return {"spec": {"template": {"spec": pod}}}


def main(**more: Any) -> Json:
    return in_pod({"containers": [{"name": "api", **more}]})


def spec(value: Any) -> Json:
    return {"spec": value}


_POD = "spec.template.spec"
_API = f"{_POD}.containers[name=api]"
_N = MISSING
TABLE: list[tuple[str, tuple[str, str], Json, Json, list[tuple[str, Any, Any]]]] = [
    ("equal", DEPLOYMENT, main(image="a"), main(image="a"), []),
    ("a field", DEPLOYMENT, main(image="a"), main(image="b"), [(f"{_API}.image", "a", "b")]),
    ("one is not true", DEPLOYMENT, spec({"replicas": 1}), spec({"replicas": True}), [("spec.replicas", 1, True)]),
    ("one is not 1.0", CUSTOM, spec({"a": [1]}), spec({"a": [1.0]}), [("spec.a[0]", 1, 1.0)]),
    ("null is not nothing", CUSTOM, spec({"a": None}), spec({}), [("spec.a", None, _N)]),
    ("empty is not nothing", CUSTOM, spec({}), spec({"a": {}}), [("spec.a", _N, {})]),
    (
        "a struct of one side is one",
        DEPLOYMENT,
        spec({}),
        spec({"s": {"a": 1, "b": 2}}),
        [("spec.s", _N, {"a": 1, "b": 2})],
    ),
    ("a list is no map", CUSTOM, spec({"a": []}), spec({"a": {}}), [("spec.a", [], {})]),
    (
        "labels are one each",
        CUSTOM,
        {"metadata": {}},
        {"metadata": {"labels": {"a": "1", "b/c": "2"}}},
        [("metadata.labels.a", _N, "1"), ('metadata.labels["b/c"]', _N, "2")],
    ),
    (
        "null labels are none",
        CONFIG,
        {"metadata": {"labels": None}},
        {"metadata": {"labels": {"a": "1"}}},
        [("metadata.labels.a", _N, "1")],
    ),
    (
        "empty labels are not none",
        CONFIG,
        {"metadata": {"labels": {}}},
        {"metadata": {}},
        [("metadata.labels", {}, _N)],
    ),
    ("data", CONFIG, {"data": {"a": "1"}}, {}, [("data.a", "1", _N)]),
    (
        "containers by name",
        DEPLOYMENT,
        in_pod({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}),
        in_pod({"containers": [{"name": "mesh"}, {"name": "b"}, {"name": "a", "image": "2"}]}),
        [(f"{_POD}.containers[name=a].image", "1", "2"), (f"{_POD}.containers[name=mesh]", _N, {"name": "mesh"})],
    ),
    (
        "volumes nobody planned",
        DEPLOYMENT,
        in_pod({}),
        in_pod({"volumes": [{"name": "t"}]}),
        [(f"{_POD}.volumes[name=t]", _N, {"name": "t"})],
    ),
    (
        "init containers in turn",
        DEPLOYMENT,
        in_pod({"initContainers": [{"name": "a"}, {"name": "b"}]}),
        in_pod({"initContainers": [{"name": "b"}, {"name": "x"}, {"name": "a"}]}),
        [
            (f"{_POD}.initContainers[name=x]", _N, {"name": "x"}),
            (f"{_POD}.initContainers", [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "x"}, {"name": "a"}]),
        ],
    ),
    (
        "a default key",
        DEPLOYMENT,
        main(ports=[{"containerPort": 53}]),
        main(ports=[{"containerPort": 53, "protocol": "TCP", "name": "dns"}]),
        [(f"{_API}.ports[containerPort=53].protocol", _N, "TCP"), (f"{_API}.ports[containerPort=53].name", _N, "dns")],
    ),
    (
        "a default key that must be said",
        SERVICE,
        spec({"ports": [{"port": 53, "nodePort": 1}, {"port": 53, "protocol": "UDP"}]}),
        spec({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP", "nodePort": 2}]}),
        [("spec.ports[port=53,protocol=TCP].nodePort", 1, 2), ("spec.ports[port=53,protocol=TCP].protocol", _N, "TCP")],
    ),
    (
        "duplicates of a key survive",
        DEPLOYMENT,
        main(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "B"}]),
        main(env=[{"name": "B"}, {"name": "A", "value": "2"}]),
        [(f"{_API}.env[0]", {"name": "A", "value": "1"}, _N)],
    ),
    (
        "items without a key",
        DEPLOYMENT,
        main(env=[{"value": "1"}, "odd"]),
        main(env=[{"value": "1"}]),
        [(f"{_API}.env[1]", "odd", _N)],
    ),
    (
        "a set",
        CONFIG,
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["c", "a"]}},
        [('metadata.finalizers[""=b]', "b", _N), ('metadata.finalizers[""=c]', _N, "c")],
    ),
    (
        "a set in another order",
        CONFIG,
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "a"]}},
        [],
    ),
    (
        "a set of nobody's",
        CONFIG,
        {"metadata": {}},
        {"metadata": {"finalizers": ["b"]}},
        [('metadata.finalizers[""=b]', _N, "b")],
    ),
    (
        "an argument put in",
        DEPLOYMENT,
        main(args=["a", "b", "c"]),
        main(args=["a", "x", "b", "c"]),
        [(f"{_API}.args[1]", _N, "x")],
    ),
    (
        "an argument taken",
        DEPLOYMENT,
        main(args=["a", "b", "c"]),
        main(args=["a", "c"]),
        [(f"{_API}.args[1]", "b", _N)],
    ),
    (
        "an argument changed",
        DEPLOYMENT,
        main(args=["a", "b", "c"]),
        main(args=["a", "x", "c"]),
        [(f"{_API}.args[1]", "b", "x")],
    ),
    (
        "an argument moved",
        DEPLOYMENT,
        main(args=["a", "b", "c"]),
        main(args=["c", "a", "b"]),
        [(f"{_API}.args[0]", _N, "c"), (f"{_API}.args[2]", "c", _N)],
    ),
    (
        "a plain list of maps",
        DEPLOYMENT,
        in_pod({"tolerations": [{"key": "a", "effect": "NoSchedule"}, {"key": "b"}]}),
        in_pod({"tolerations": [{"key": "x"}, {"key": "a", "effect": "NoExecute"}, {"key": "b"}]}),
        [(f"{_POD}.tolerations[0]", _N, {"key": "x"}), (f"{_POD}.tolerations[0].effect", "NoSchedule", "NoExecute")],
    ),
    (
        "one rule that allows all is not none",
        ("networking.k8s.io", "NetworkPolicy"),
        spec({"ingress": []}),
        spec({"ingress": [{}]}),
        [("spec.ingress[0]", _N, {})],
    ),
    (
        "arguments swapped",
        DEPLOYMENT,
        main(args=["a", "b"]),
        main(args=["b", "a"]),
        [(f"{_API}.args[0]", "a", _N), (f"{_API}.args[1]", _N, "a")],
    ),
    (
        "an item put in after one that changed",
        CUSTOM,
        spec({"r": [{"host": "a", "n": 1}]}),
        spec({"r": [{"host": "a", "n": 2}, {"host": "x", "n": 3}]}),
        [("spec.r[0].n", 1, 2), ("spec.r[1]", _N, {"host": "x", "n": 3})],
    ),
    ("twice in a set", CONFIG, {"metadata": {"finalizers": ["a", "a"]}}, {"metadata": {"finalizers": ["a"]}}, []),
    ("lists of lists", CUSTOM, spec({"a": [[1, 2], [3]]}), spec({"a": [[1, 2], [3, 4]]}), [("spec.a[1][1]", _N, 4)]),
    (
        "custom items by name",
        CUSTOM,
        spec({"parts": [{"name": "a", "n": 1}, {"name": "b"}]}),
        spec({"parts": [{"name": "a", "n": 2}, {"name": "c"}, {"name": "b"}]}),
        [("spec.parts[name=a].n", 1, 2), ("spec.parts[name=c]", _N, {"name": "c"})],
    ),
    (
        "custom items in turn",
        CUSTOM,
        spec({"steps": [{"name": "a"}, {"name": "b"}]}),
        spec({"steps": [{"name": "b"}, {"name": "a"}]}),
        [("spec.steps", [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}])],
    ),
    (
        "custom items that share a name",
        CUSTOM,
        spec({"p": [{"name": "a", "n": 1}, {"name": "a"}]}),
        spec({"p": [{"name": "a", "n": 2}, {"name": "a"}]}),
        [("spec.p[0].n", 1, 2)],
    ),
    (
        "a custom name that is a number",
        CUSTOM,
        spec({"p": [{"name": 1, "n": 1}]}),
        spec({"p": [{"name": 1, "n": 2}]}),
        [("spec.p[0].n", 1, 2)],
    ),
    (
        "values of a Secret",
        ("", "Secret"),
        {"data": {"a": "x"}, "type": "a"},
        {"data": {"b": "y"}, "type": "b"},
        [("type", "a", "b")],
    ),
]


@pytest.mark.parametrize(
    ("planned", "live", "kind", "wanted"), [pytest.param(p, q, k, w, id=n) for n, k, p, q, w in TABLE]
)
def test_differences(planned: Json, live: Json, kind: tuple[str, str], wanted: list[tuple[str, Any, Any]]) -> None:
    kept = copy.deepcopy((planned, live))
    found = told(kind, planned, live)
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert all(
        alike(a, b)
        for (_, *x), (_, *y) in zip(sorted(found, key=str), sorted(wanted, key=str), strict=True)
        for a, b in zip(x, y, strict=True)
    )
    assert (planned, live) == kept
    assert all(str(parse(path)) == path for path, _, _ in found)
    # Turned around, as many differences; alignments may tell the same move by another item.
    assert len(told(kind, live, planned)) == len(wanted)


def test_what_is_asked_of_same() -> None:
    """Unequal leaves, whole selectors, plain lists and orders; never whether an item is as good as none."""
    asked: list[str] = []

    def same(path: Path, one: Any, other: Any) -> bool:
        asked.append(str(path))
        return True

    planned = main(env=[{"name": "A"}, {"name": "B"}], args=["a"], image="a", tty=True) | {"kind": "D"}
    live = main(env=[{"name": "B"}, {"name": "A"}, {"name": "C"}], args=["b", "c"], image="b") | {"kind": "D"}
    planned["spec"] |= {"selector": {"matchLabels": {"a": "1"}}, "x": 1}
    live["spec"] |= {"selector": {"matchLabels": {"a": "2"}}, "x": 1}
    assert told(DEPLOYMENT, planned, live, same=same) == [(f"{_API}.env[name=C]", MISSING, {"name": "C"})]
    assert asked == [f"{_API}.env", f"{_API}.args", f"{_API}.image", f"{_API}.tty", "spec.selector"]


def test_order_is_asked_with_the_targets_items() -> None:
    asked: list[tuple[Any, Any]] = []

    def same(path: Path, one: Any, other: Any) -> bool:
        if isinstance(one, list):
            asked.append((one, other))
        return False

    told(
        DEPLOYMENT,
        main(env=[{"name": "A", "value": "1"}, {"name": "B"}]),
        main(env=[{"name": "B"}, {"name": "X"}, {"name": "A"}]),
        same=same,
    )
    assert asked == [([{"name": "A"}, {"name": "B"}], [{"name": "B"}, {"name": "A"}])]


def test_no_value_in_a_repr() -> None:
    assert "canary" not in repr(Raw(Path(("a",)), "canary", {"b": "canary"}))
