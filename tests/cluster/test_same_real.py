"""What a real API server makes of a spelling is the same to us; and our tables of places are those of its OpenAPI."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client
from shapes_help import eventually

from migrate.differ.same import same
from migrate.differ.same_absent import says_nothing
from migrate.differ.same_places import BUILT_IN, Keys, Sort, keys_of, sort_of
from migrate.model.objects import MISSING
from migrate.model.path import P, Path
from migrate.model.ref import group_of

SPACE = "same"
NUMBERS = itertools.count(1)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def client(control_plane: ControlPlane) -> Iterator[Client]:
    found = control_plane.client()
    found.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    assert eventually(lambda: found.list("v1", "ServiceAccount", SPACE))
    found.create(CRD)
    assert eventually(lambda: served(found))
    yield found


def served(client: Client) -> bool:
    try:
        client.list("same.gke2eks.dev/v1", "Widget", SPACE)
    except ApiError as error:
        assert error.status == 404
        return False
    return True


def body(api_version: str, kind: str, **parts: Any) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "same", "namespace": SPACE}} | parts


CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.same.gke2eks.dev"},
    "spec": {
        "group": "same.gke2eks.dev",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "text": {"type": "string"},
                                    "number": {"type": "number"},
                                    "list": {"type": "array", "items": {"type": "string"}},
                                    "on": {"type": "boolean"},
                                    "port": {"x-kubernetes-int-or-string": True},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


def lost(kind: tuple[str, str], sent: Any, got: Any, path: Path) -> list[str]:
    """Where the server stored something that is not the same as what was sent. What it added is no matter of ours."""
    if says_nothing(kind, keys_of(path), sent):
        # The server leaves it out, or writes a default in its place; a plain struct stays as {}.
        kept_it = sent is not None and not isinstance(sent, dict) and same(("", ""), P(), sent, got)
        return [f"{path}: {sent!r} says nothing, and was kept"] if kept_it else []
    if isinstance(sent, dict) and isinstance(got, dict) and not same(kind, path, sent, got):
        return [place for key in sent for place in lost(kind, sent[key], got.get(key, MISSING), path / key)]
    if isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        pairs = zip(sent, got, strict=True)
        return [place for at, (one, other) in enumerate(pairs) for place in lost(kind, one, other, path / at)]
    return [] if same(kind, path, sent, got) else [f"{path}: {sent!r} became {got!r}"]


def kept(client: Client, sent: Json) -> None:
    """Write it, read it back, and take it away again."""
    sent = sent | {"metadata": sent["metadata"] | {"name": f"same-{next(NUMBERS)}"}}
    client.create(sent)
    try:
        got = client.get(sent["apiVersion"], sent["kind"], sent["metadata"]["name"], SPACE)
    finally:
        client.delete(sent)
    assert lost((group_of(sent["apiVersion"]), sent["kind"]), sent, got, P()) == []


SUFFIX = st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi", "e3", "E2", "u", "n"])
NUMBER = st.sampled_from(["0", "1", "0.5", ".5", "1.", "100", "1024", "1500", "0.001", "0.0001", "1.25", "007", "+3"])
AMOUNT = (
    st.builds(str.__add__, NUMBER, SUFFIX)
    | st.integers(0, 5000)
    | st.sampled_from([0.5, 0.1, 1.0, 1.5, 1e9])
    | st.none()
)
WORDS = st.sampled_from(["", None, "a", "{}", '{"b": 1, "a": [true]}'])
EMPTY_LIST = st.sampled_from([[], None])
CONTAINER = st.fixed_dictionaries(
    {"name": st.just("c"), "image": st.sampled_from(["x", "docker.io/library/x:latest"])},
    optional={
        "command": EMPTY_LIST | st.just(["a", ""]),
        "env": EMPTY_LIST | st.just([{"name": "A", "value": ""}, {"name": "B", "value": None}, {"name": "C"}]),
        "resources": st.sampled_from([{}, None, {"limits": {}}, {"limits": None, "requests": {}}])
        | st.fixed_dictionaries({"limits": st.fixed_dictionaries({"cpu": AMOUNT, "memory": AMOUNT})}),
        "tty": st.sampled_from([True, False, None]),
        "stdin": st.sampled_from([True, False, None]),
        "workingDir": st.sampled_from(["", None, "/x"]),
        "securityContext": st.sampled_from([{}, None, {"capabilities": {"add": [], "drop": None}}]),
        "lifecycle": st.sampled_from([{}, None]),
        "ports": st.just([{"containerPort": 80, "hostPort": 0, "name": "", "hostIP": ""}]) | EMPTY_LIST,
    },
)
POD_SPEC = st.fixed_dictionaries(
    {"containers": st.lists(CONTAINER, min_size=1, max_size=1)},
    optional={
        "hostNetwork": st.sampled_from([False, None]),
        "hostPID": st.sampled_from([False, True, None]),
        "nodeSelector": st.sampled_from([{}, None, {"a": ""}, {"a": None}]),
        "affinity": st.sampled_from([{}, None]),
        "tolerations": st.sampled_from([[], [{"key": "a", "operator": "Exists", "effect": "", "value": ""}]]),
        "volumes": st.builds(
            lambda size: [{"name": "v", "emptyDir": {"medium": "", "sizeLimit": size}}], AMOUNT.filter(bool)
        ),
        "imagePullSecrets": EMPTY_LIST,
        "hostname": st.sampled_from(["", "a"]),
        "subdomain": st.sampled_from(["", None]),
        "nodeName": st.just(""),
        "priorityClassName": st.just(""),
        "schedulerName": st.none(),
        "automountServiceAccountToken": st.sampled_from([True, False]),
        "dnsConfig": st.sampled_from([{}, None, {"nameservers": []}]),
    },
)
SELECTED = {"app": "same"}
OBJECTS = st.one_of(
    st.builds(
        lambda spec, labels, notes: body(
            "apps/v1",
            "Deployment",
            spec={
                "selector": {"matchLabels": SELECTED, "matchExpressions": []},
                "replicas": 0,
                "paused": False,
                "minReadySeconds": 0,
                "strategy": {},
                "template": {
                    "metadata": {"labels": SELECTED | labels, "annotations": notes, "creationTimestamp": None},
                    "spec": spec,
                },
            },
        ),
        POD_SPEC,
        st.dictionaries(st.sampled_from(["a", "value"]), st.sampled_from(["", "x", None]), max_size=2),
        st.none() | st.dictionaries(st.sampled_from(["a/b", "status"]), WORDS, max_size=2),
    ),
    st.builds(
        lambda data, raw: body("v1", "ConfigMap", data=data, binaryData=raw),
        st.none() | st.dictionaries(st.sampled_from(["a", "a.yaml", "limits"]), WORDS, max_size=2),
        st.none() | st.dictionaries(st.just("raw"), st.sampled_from(["", "YQ\n==", "YQ==", None]), max_size=1),
    ),
    st.builds(
        lambda data: body("v1", "Secret", data=data),
        st.none() | st.dictionaries(st.just("a"), st.sampled_from(["", "YQ\r\n==\n", "YQ==", None]), max_size=1),
    ),
    st.builds(
        lambda empty, peers, types: body(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            spec={"ingress": empty, "egress": [{"to": peers, "ports": empty}], "policyTypes": types}
            | ({"podSelector": {"matchLabels": {}, "matchExpressions": empty}} if peers else {}),
        ),
        EMPTY_LIST,
        st.sampled_from([[], None, [{"namespaceSelector": {}}], [{"podSelector": {"matchLabels": None}}]]),
        st.sampled_from([["Egress", "Ingress"], ["Egress"]]),
    ),
    st.builds(
        lambda amount, mode: body(
            "v1",
            "PersistentVolumeClaim",
            spec={
                "accessModes": ["ReadWriteOnce"],
                "volumeName": "",
                "storageClassName": mode,
                "resources": {"requests": {"storage": amount}},
            },
        ),
        AMOUNT,
        st.sampled_from(["", None, "x"]),
    ),
    st.builds(
        lambda amount: body("v1", "ResourceQuota", spec={"hard": {"requests.memory": amount, "pods": 5}}), AMOUNT
    ),
    st.builds(
        lambda text, number, empty, on: body(
            "same.gke2eks.dev/v1",
            "Widget",
            spec={"text": text, "number": number, "list": empty, "on": on, "port": "80"},
        ),
        st.sampled_from(["", None, "x"]),
        st.sampled_from([1, 1.0, 1.5, 0.0, None, 1e3]),
        EMPTY_LIST,
        st.sampled_from([True, False, None]),
    ),
)


def test_what_the_server_makes_of_it_is_the_same(client: Client) -> None:
    taken = refused = 0

    @settings(max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(OBJECTS)
    def holds(sent: Json) -> None:
        nonlocal taken, refused
        try:
            kept(client, sent)
            taken += 1
        except ApiError as error:
            assert error.status in (400, 422), error
            refused += 1

    holds()
    assert taken > 4 * refused, (taken, refused)


TIMED = body("v1", "Node", spec={"unschedulable": False, "taints": [{"key": "a", "value": "", "effect": "NoSchedule"}]})


@pytest.mark.parametrize("time", ["2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.25Z", "2026-01-01T00:00:00Z"])
def test_a_time_is_the_same_in_another_zone(client: Client, time: str) -> None:
    node = TIMED | {"metadata": {"name": "same"}}
    node["spec"]["taints"][0]["timeAdded"] = time
    got = client.create(node, dry_run=True)
    assert same(("", "Node"), P("spec", "taints", 0), node["spec"]["taints"][0], got["spec"]["taints"][0])
    assert got["spec"]["taints"][0]["timeAdded"] == "2026-01-01T00:00:00Z"


def port(value: Any) -> Json:
    return body("v1", "Service", spec={"ports": [{"port": 1, "targetPort": value}]})


def probed(value: Any) -> Json:
    container = {"name": "c", "image": "x", "livenessProbe": {"tcpSocket": {"port": value}}}
    return body("v1", "Pod", spec={"containers": [container]})


def budget(value: Any) -> Json:
    return body("policy/v1", "PodDisruptionBudget", spec={"selector": {}, "minAvailable": value})


@pytest.mark.parametrize("make", [port, probed, budget])
def test_a_number_in_quotes_is_no_port_and_no_count(client: Client, make: Any) -> None:
    """So 80 and "80" never stand for each other, and differ."""
    kept(client, make(80))
    with pytest.raises(ApiError) as refused:
        kept(client, make("80"))
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hostNetwork", False),
        ("automountServiceAccountToken", False),
        ("hostUsers", True),
        ("shareProcessNamespace", False),
        ("affinity", {}),
        ("dnsConfig", {}),
        ("nodeSelector", {}),
        ("tolerations", None),
        ("overhead", {}),
        ("hostname", ""),
        ("imagePullSecrets", []),
        ("resources", {}),
        ("readinessGates", []),
        ("runtimeClassName", None),
    ],
)
def test_what_says_nothing_is_not_kept_and_the_rest_is(client: Client, key: str, value: Any) -> None:
    template = {"metadata": {"labels": SELECTED}, "spec": {"containers": [{"name": "c", "image": "x"}], key: value}}
    sent = body("apps/v1", "Deployment", spec={"selector": {"matchLabels": SELECTED}, "template": template})
    got = client.create(sent, dry_run=True)["spec"]["template"]["spec"]
    assert (key not in got) is says_nothing(("apps", "Deployment"), ("spec", "template", "spec", key), value)


SORTS = {"Quantity": {Sort.QUANTITY, Sort.AMOUNTS}, "Time": {Sort.TIME}, "MicroTime": {Sort.MICROTIME}}
SORTS |= {"LabelSelector": {Sort.SELECTOR}, "byte": {Sort.BYTES}}


def test_the_places_are_those_of_the_server(client: Client) -> None:
    """Every quantity, time, selector and base64 text of every kind that is served, and no other place."""
    schemas: Json = {}
    for path in client.raw("GET", "/openapi/v3")["paths"]:
        if path.startswith(("api/v1", "apis/")):
            schemas |= client.raw("GET", f"/openapi/v3/{path}").get("components", {}).get("schemas", {})
    seen, wrong = 0, set()
    ours = set().union(*SORTS.values())
    for schema in schemas.values():
        named = schema.get("x-kubernetes-group-version-kind", ())
        if len(named) != 1 or "metadata" not in schema.get("properties", {}) or named[0]["kind"].endswith("List"):
            continue
        kind = (named[0]["group"], named[0]["kind"])
        if kind[0] not in BUILT_IN:
            continue
        for keys, sort in places(schema, schemas, (), frozenset()):
            seen += 1
            found = sort_of(kind, keys)
            if (
                found is not Sort.RAW
                and (found in SORTS.get(sort, ()) if sort in SORTS else found not in ours) is False
            ):
                wrong.add((*kind, ".".join(keys), sort, str(found)))
    assert seen > 5000
    assert wrong == set()


def places(schema: Json, schemas: Json, keys: Keys, above: frozenset[str]) -> Iterator[tuple[Keys, str]]:
    """Each place of a type and what stands there, by the last word of its type's name."""
    named = schema.get("$ref") or next((one["$ref"] for one in schema.get("allOf", ()) if "$ref" in one), "")
    name = named.rpartition("/")[2]
    short = name.rpartition(".")[2]
    if short in SORTS:
        yield keys, short
    elif name and name not in above and short != "JSONSchemaProps":
        yield from places(schemas[name], schemas, keys, above | {name})
    elif schema.get("type") == "array":
        yield from places(schema["items"], schemas, keys, above)
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from places(schema["additionalProperties"], schemas, (*keys, "*"), above)
    elif "properties" in schema:
        for key, inner in schema["properties"].items():
            yield from places(inner, schemas, (*keys, key), above)
    else:
        yield keys, schema.get("format", "")
