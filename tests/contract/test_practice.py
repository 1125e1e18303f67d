"""What only the practice cluster does: its 501s, its simulated controllers, loading, odd input, the command."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contract.client import APPLY, MERGE, STRATEGIC
from contract.servers import (
    CRDS,
    GROUP,
    Json,
    Server,
    Space,
    config_map,
    define,
    deployment,
    eventually,
    is_status,
    practice,
)
from migrate.practice import Cluster
from migrate.practice.shapes import table


@pytest.fixture(scope="module")
def ours() -> Iterator[Server]:
    yield from practice()


@pytest.fixture
def home(ours: Server) -> Space:
    define(ours)
    ours.client.post("/api/v1/namespaces", {"metadata": {"name": "home"}})
    return Space(ours, "home")


@pytest.mark.parametrize(
    ("method", "path", "body", "media"),
    [
        ("GET", "/openapi/v3", None, MERGE),
        ("GET", "/openapi/v2", None, MERGE),
        ("GET", "/metrics", None, MERGE),
        ("GET", "/apis/events.k8s.io/v1", None, MERGE),
        ("GET", "/apis/autoscaling/v1/namespaces/home/horizontalpodautoscalers", None, MERGE),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}, "application/json"),
        ("GET", "/apis/apps/v1/namespaces/home/deployments/a/scale", None, MERGE),
        ("POST", "/api/v1/namespaces/home/pods/a/eviction", {}, "application/json"),
        ("GET", "/api/v1/namespaces/home/pods/a/log", None, MERGE),
        ("POST", "/api/v1/namespaces/home/serviceaccounts/a/token", {}, "application/json"),
        ("DELETE", "/api/v1/namespaces/home/configmaps", None, MERGE),
        ("PATCH", "/api/v1/namespaces/home/configmaps/a", {}, STRATEGIC),
        ("DELETE", "/api/v1/namespaces/home/configmaps/a", {"propagationPolicy": "Foreground"}, "application/json"),
        ("DELETE", "/api/v1/namespaces/home/configmaps/a", {"propagationPolicy": "Orphan"}, "application/json"),
        ("GET", "/api/v1/namespaces/home/pods?fieldSelector=spec.nodeName%3Da", None, MERGE),
        ("GET", "/api/v1/namespaces/home/configmaps/a?watch=true", None, MERGE),
        ("POST", "/api/v1/namespaces/home/configmaps", b"k8s\0", "application/vnd.kubernetes.protobuf"),
    ],
)
def test_what_is_not_done_is_501(home: Space, method: str, path: str, body: Json, media: str) -> None:
    answer = home.client.call(method, path, body, type=media)
    assert is_status(answer, 501, "NotImplemented")
    assert answer.message.startswith("the practice cluster does not do this: ")


def test_chunked_bodies_are_501(ours: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(ours.client.url).port, timeout=5)
    connection.request("POST", "/api/v1/namespaces", iter([b"{}"]), encode_chunked=True)
    assert connection.getresponse().status == 501


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_a_web_page_gets_nothing(ours: Server, headers: Json) -> None:
    answer = http.client.HTTPConnection("127.0.0.1", urlsplit(ours.client.url).port, timeout=5)
    answer.request("GET", "/api/v1/namespaces", headers=headers)
    assert answer.getresponse().status == 403


def status(home: Space, path: str) -> Json:
    eventually(lambda: bool(home.client.read(path).body.get("status")), 5)
    return dict(home.client.read(path).body["status"])


def test_workloads_become_ready(home: Space) -> None:
    client = home.client
    client.lay(home.deployments("d"), deployment("d", replicas=3))
    found = status(home, home.deployments("d"))
    assert (found["readyReplicas"], found["availableReplicas"], found["observedGeneration"]) == (3, 3, 1)
    assert {one["type"]: one["status"] for one in found["conditions"]} == {"Available": "True", "Progressing": "True"}
    client.change(home.deployments("d"), {"spec": {"replicas": 1}})
    eventually(lambda: client.read(home.deployments("d")).body["status"]["readyReplicas"] == 1, 5)
    for plural, kind in (("statefulsets", "StatefulSet"), ("daemonsets", "DaemonSet")):
        path = home.path(plural, "w", "apps/v1")
        client.lay(path, deployment("w", replicas=2) | {"kind": kind})
        found = status(home, path)
        assert found.get("readyReplicas", found.get("numberReady")) == (2 if kind == "StatefulSet" else 1)
    assert client.read(home.deployments("d")).owners["practice-cluster/Update/status"]["f:status"]


def test_jobs_end_unless_suspended(home: Space) -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"completions": 2}}
    path = home.path("jobs", "", "batch/v1")
    held = job | {"metadata": {"name": "held"}, "spec": {"suspend": True}}
    home.client.post(path, held)
    home.client.post(path, job)
    found = status(home, f"{path}/j")
    assert (found["succeeded"], found["conditions"][0]["type"]) == (2, "Complete")
    assert "status" not in home.client.read(f"{path}/held").body


def test_claims_are_bound_and_load_balancers_get_a_name(home: Space) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    home.client.post(home.path("persistentvolumeclaims"), {"metadata": {"name": "c"}, "spec": spec})
    found = status(home, home.path("persistentvolumeclaims", "c"))
    assert found == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
    claim = home.client.read(home.path("persistentvolumeclaims", "c"))
    assert claim.body["spec"]["volumeName"] == f"pvc-{claim.meta['uid']}"
    home.client.post(home.path("services"), {"metadata": {"name": "s"}, "spec": {"type": "LoadBalancer"}})
    home.client.post(home.path("services"), {"metadata": {"name": "t"}, "spec": {"type": "ClusterIP"}})
    found = status(home, home.path("services", "s"))
    assert found == {"loadBalancer": {"ingress": [{"hostname": "s-home.elb.practice.invalid"}]}}
    assert "status" not in home.client.read(home.path("services", "t")).body


_ODD = [None, 5, True, "x", "", [], {}, [1], ["a"], [None], [{}], {"a": None}, {"a": {"b": [1]}}, [{"name": "a"}] * 2]
_FIELDS = """
metadata metadata.name metadata.namespace metadata.labels metadata.annotations metadata.finalizers metadata.uid
metadata.ownerReferences metadata.managedFields metadata.resourceVersion metadata.generation metadata.generateName
spec spec.template spec.ports spec.items spec.set spec.map spec.names spec.versions spec.replicas spec.resources
status status.loadBalancer data apiVersion kind
"""
_ONE = {"fieldManager": "m", "force": "true"}
_WAYS: list[tuple[str, str, str, Json]] = [
    ("POST", "", "application/json", {}),
    ("PUT", "/odd", "application/json", {}),
    ("PATCH", "/odd", MERGE, {}),
    ("PATCH", "/odd", APPLY, _ONE),
    ("PATCH", "/odd/status", MERGE, {}),
    ("PATCH", "/odd/status", APPLY, _ONE),
    ("GET", "?labelSelector=a", "application/json", {}),
    ("DELETE", "/odd", "application/json", {}),
]


@pytest.mark.parametrize("kind", ["Deployment", "Service", "Typed", "CustomResourceDefinition"])
def test_odd_bodies_never_break_it(home: Space, kind: str) -> None:
    path, version = {
        "Deployment": (home.deployments(), "apps/v1"),
        "Service": (home.path("services"), "v1"),
        "Typed": (home.typed(), f"{GROUP}/v1"),
        "CustomResourceDefinition": (CRDS, "apiextensions.k8s.io/v1"),
    }[kind]
    codes = set()
    for field, odd in itertools.product(_FIELDS.split(), _ODD):
        body: Json = {"apiVersion": version, "kind": kind, "metadata": {"name": "odd"}}
        outer, _, inner = field.partition(".")
        if inner:
            body.setdefault(outer, {})[inner] = odd
        else:
            body[outer] = odd
        for method, tail, media, query in _WAYS:
            sent = body if method in ("POST", "PUT", "PATCH") else None
            answer = home.client.call(method, path + tail, sent, query, media)
            assert answer.reason != "InternalError", (field, odd, method, media, answer.body)
            codes.add(answer.code)
        home.client.change(f"{path}/odd", {"metadata": {"finalizers": None}})
        home.client.drop(f"{path}/odd")
    assert {200, 400, 404, 422} <= codes
    home.client.post(home.path("services"), {"metadata": {"name": kind.lower()}, "spec": {"type": "LoadBalancer"}})
    assert status(home, home.path("services", kind.lower())), "the simulation is still alive"


def test_the_table_holds_texts_only() -> None:
    """YAML reads some short words as booleans, such as the short name of nodes."""
    found = table()
    for rows in found["kinds"].values():
        for kind, row in rows.items():
            assert all(isinstance(word, str) for word in [kind, row["plural"], row["of"], *row.get("short", [])])
    assert found["kinds"]["v1"]["Node"]["short"] == ["no"]
    for name, fields in found["types"].items():
        assert fields, name
        for row in fields.values():
            assert row.get("of", "whole") in {"whole", *found["types"]}
            assert row.keys() <= {"by", "default", "set", "free", "of"}


def test_loading(tmp_path: Path) -> None:
    from migrate.practice.loading import load
    from migrate.reading import read

    canary = base64.b64encode(b"canary-of-the-practice-cluster").decode()
    docs: list[Json] = [
        config_map("a", {"k": "v"}, namespace="late", uid="kept", labels={"x": "y"}),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque", "data": {"k": canary}},
        {"apiVersion": "example.dev/v1", "kind": "Policy", "metadata": {"name": "p", "namespace": "late"}, "spec": {}},
        {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}},
        config_map("Bad_Name"),
        deployment("d") | {"status": {"observedGeneration": 1, "readyReplicas": 0}},
    ]
    (tmp_path / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": docs}))
    cluster = Cluster()
    snapshot = read([str(tmp_path)], stdin=bytes, needles=(), hash_key=b"k" * 32).snapshot
    loaded, notes = load(cluster, snapshot.objects)
    assert loaded == 4
    assert sorted(note.split(":")[0] for note in notes) == [
        "Policy of example.dev/v1 has no CustomResourceDefinition here; served with any content",
        "left out",
        "left out",
        "made the namespace late, which was not among the objects",
    ]
    stored = {name[1]: body for _, name, body in cluster.store.each()}
    assert stored["a"]["metadata"]["uid"] == "kept"
    assert base64.b64decode(stored["s"]["data"]["k"]) == b"x" * len("canary-of-the-practice-cluster")
    assert stored["d"]["status"]["readyReplicas"] == 0
    assert cluster.kinds.of("example.dev/v1", "policies") is not None
