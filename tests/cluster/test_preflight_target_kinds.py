"""Kinds and versions on a real API server, and offline verdicts about custom kinds beside its own."""

from __future__ import annotations

import json

from contract.target_help import as_client
from preflight_target_help import Json, a_going, thing
from preflight_trials import client, config, of, plane, tried
from rig.http import Client
from shapes_help import eventually

from migrate.cluster.outcome import Applied
from migrate.flow.fingerprint import fingerprint, not_the_source, who
from migrate.flow.view import View
from migrate.model.checks import Status
from migrate.preflight import served
from migrate.preflight.structural import judge

__all__ = ["client", "plane"]


SCHEMA: Json = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size", "kind"],
            "x-kubernetes-validations": [{"rule": "self.size < 100"}],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 50},
                "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
                "port": {"x-kubernetes-int-or-string": True},
                "note": {"type": "string", "nullable": True, "pattern": "^[a-z]+$", "maxLength": 5},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "map": {"type": "object", "additionalProperties": {"type": "boolean"}, "maxProperties": 2},
                "empty": {"type": "object"},
                "share": {"type": "number", "exclusiveMinimum": True, "minimum": 0, "multipleOf": 0.5},
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}, "maxItems": 3},
                "rows": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "v": {"type": "integer"}},
                    },
                },
                "either": {
                    "type": "object",
                    "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                },
            },
        }
    },
}


def definition(kind: str, schema: Json, versions: tuple[str, ...] = ("v1",)) -> Json:
    plural = f"{kind.lower()}s"
    spec = {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": kind, "plural": plural},
        "versions": [
            {"name": name, "served": True, "storage": name == versions[0], "schema": {"openAPIV3Schema": schema}}
            for name in versions
        ],
    }
    return thing("apiextensions.k8s.io/v1 CustomResourceDefinition", f"{plural}.example.com", spec=spec)


SPECS: list[Json] = [
    {"size": 3},
    {"size": 0},
    {"size": 51},
    {"size": "3"},
    {"size": 3.0},
    {"size": 2.5},
    {},
    {"size": 3, "kind": "c"},
    {"size": 3, "kind": None},
    {"size": 3, "port": "http"},
    {"size": 3, "port": 80},
    {"size": 3, "port": True},
    {"size": 3, "note": None},
    {"size": 3, "note": "abc"},
    {"size": 3, "note": "ABC"},
    {"size": 3, "note": "abc\n"},
    {"size": 3, "note": "abcdef"},
    {"size": 3, "unknown": 1},
    {"size": 3, "free": {"x": {"y": 1}}},
    {"size": 3, "map": {"a": True}},
    {"size": 3, "map": {"a": "x"}},
    {"size": 3, "map": {"a": True, "b": True, "c": False}},
    {"size": 3, "empty": {}},
    {"size": 3, "empty": {"x": 1}},
    {"size": 3, "share": 0},
    {"size": 3, "share": 1.5},
    {"size": 3, "share": 1.2},
    {"size": 3, "set": ["a", "b"]},
    {"size": 3, "set": ["a", "a"]},
    {"size": 3, "set": ["a", "b", "c", "d"]},
    {"size": 3, "set": "a"},
    {"size": 3, "rows": [{"name": "a"}, {"name": "b", "v": 1}]},
    {"size": 3, "rows": [{"name": "a"}, {"name": "a"}]},
    {"size": 3, "rows": [{"v": 1}]},
    {"size": 3, "rows": [{"name": "a", "w": 1}]},
    {"size": 3, "either": {"a": "x"}},
    {"size": 3, "either": {"a": "x", "b": "x"}},
    {"size": 3, "either": {}},
    {"size": 3, "empty": None},
]


def test_offline_verdicts_are_those_of_the_server(client: Client) -> None:
    client.create(definition("Judge", SCHEMA))
    target = as_client(client)
    first = thing("example.com/v1 Judge", "x", "shop", spec={"size": 3})
    assert eventually(lambda: isinstance(target.dry_run(first), Applied))
    differ = []
    for spec in SPECS:
        body = thing("example.com/v1 Judge", "x", "shop", spec=spec)
        taken, found = target.dry_run(body), judge(body, SCHEMA)
        if isinstance(taken, Applied) == bool(found.faults):
            differ.append((json.dumps(spec), [str(one) for one in found.faults], taken))
    assert differ == []


def test_what_a_server_would_drop_without_a_word(client: Client) -> None:
    """An object without properties in its schema: a strict apply takes what is in it, and stores nothing of it."""
    client.create(definition("Dropper", SCHEMA))
    body = thing("example.com/v1 Dropper", "x", "shop", spec={"size": 3, "empty": {"x": 1}})
    target = as_client(client)
    assert eventually(lambda: isinstance(target.dry_run(body), Applied))
    found = tried(client, a_going(body))
    assert [(one.id, one.status.value) for one in found] == [("PRE040", "pass"), ("PRE047", "finding")]
    assert "spec.empty.x" in found[1].message
    later = thing("example.com/v1 Later", "x", "shop", spec={"size": 3, "empty": {"x": 1}})
    (lost,) = of(tried(client, a_going(later, definition("Later", SCHEMA))), "PRE043")
    assert lost.status is Status.FINDING and "spec.empty.x" in lost.message and "dropped" in lost.message


def test_a_kind_that_the_plan_defines(client: Client) -> None:
    good = thing("example.com/v1 Fresh", "good", "shop", spec={"size": 1})
    bad = thing("example.com/v1 Fresh", "bad", "shop", spec={"size": 99, "odd": 1})
    late = thing("example.com/v2 Fresh", "late", "shop", spec={"size": 1})
    going = a_going(definition("Fresh", SCHEMA), good, bad, late)
    found = tried(client, going)
    assert [(one.refs[0].name, one.status.value) for one in of(found, "PRE043")] == [
        ("bad", "finding"),
        ("good", "pass"),
        ("late", "unknown"),
    ]
    assert "rules in CEL" in of(found, "PRE043", Status.PASS)[0].message
    assert "spec.odd: unknown field" in of(found, "PRE043", Status.FINDING)[0].message
    view = View(as_client(client))
    kinds = list(served.checks(going, view))
    assert [(one.status.value, "example.com/v2" in one.message) for one in kinds if one.id == "PRE031"] == [
        ("pass", False),
        ("finding", True),
    ]


def test_a_definition_that_the_plan_changes(client: Client) -> None:
    old: Json = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    new: Json = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"b": {"type": "string"}}}}}
    client.create(definition("Moving", old))
    body = thing("example.com/v1 Moving", "m", "shop", spec={"b": "x"})
    target = as_client(client)
    eventually(lambda: "not declared" in str(target.dry_run(body)) or "unknown" in str(target.dry_run(body)))
    assert of(tried(client, a_going(body)), "PRE040", Status.FINDING)
    found = tried(client, a_going(body, definition("Moving", new)))
    assert {one.status for one in found if one.refs[0].kind == "Moving"} == {Status.PASS}


def test_versions_are_asked_for_exactly(client: Client) -> None:
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"maxReplicas": 3, "scaleTargetRef": scaled}
    good = thing("autoscaling/v1 HorizontalPodAutoscaler", "old", "shop", spec=spec)
    gone = thing("autoscaling/v2beta2 HorizontalPodAutoscaler", "gone", "shop", spec=spec)
    odd = thing("autoscaling/v7 HorizontalPodAutoscaler", "odd", "shop", spec=spec)
    nobody = thing("example.org/v1 Nobody", "n", "shop")
    going = a_going(good, gone, odd, nobody)
    before = list(served.checks(going, View(as_client(client))))
    assert [(one.id, one.status.value, one.refs[0].name) for one in before if one.refs] == [
        ("PRE030", "finding", "n"),
    ]
    found = tried(client, going)
    assert [(one.id, one.refs[0].name) for one in found if one.status is Status.FINDING] == [
        ("PRE032", "gone"),
        ("PRE030", "odd"),
    ]
    assert [one.refs[0].name for one in of(found, "PRE030", Status.PASS)] == ["old"]


def test_what_the_server_calls_deprecated(client: Client) -> None:
    found = tried(client, a_going(thing("v1 Endpoints", "e", "shop"), thing("v1 Endpoints", "f", "shop")))
    (old,) = of(found, "PRE032")
    assert "v1 Endpoints is deprecated in v1.33+" in old.message and len(old.refs) == 2


def test_fingerprint_is_the_same_until_the_target_is_another(client: Client) -> None:
    going = a_going(config("a", "shop"), definition("Printed", SCHEMA), thing("example.com/v1 Printed", "p", "shop"))
    view = View(as_client(client))
    first = fingerprint(view, going, "standard")
    assert first.cluster == who(view) == client.get("v1", "Namespace", "kube-system")["metadata"]["uid"]
    client.create(definition("Printed", SCHEMA))
    eventually(lambda: any(one.kind == "Printed" for one in as_client(client).kinds()))
    assert fingerprint(View(as_client(client)), going, "standard") == first
    not_the_source(view, "another")
