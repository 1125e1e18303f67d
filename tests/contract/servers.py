"""The fixtures of the contract: a server to ask, a namespace of one's own, three custom kinds."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from rig.controlplane import ControlPlane

from contract.client import Answer, Client

Json = dict[str, Any]
GROUP = "contract.gke2eks.dev"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """`expire` forgets the past: what is older than now is 410 from then on."""

    name: str
    client: Client
    expire: Callable[[], None]


@dataclass(frozen=True)
class Space:
    """A namespace of its own, and the paths in it."""

    server: Server
    name: str

    @property
    def client(self) -> Client:
        return self.server.client

    def path(self, plural: str, name: str = "", group: str = "") -> str:
        base = {"": "/api/v1", "custom": f"/apis/{GROUP}/v1"}.get(group, f"/apis/{group}")
        return f"{base}/namespaces/{self.name}/{plural}" + (f"/{name}" if name else "")

    def maps(self, name: str = "") -> str:
        return self.path("configmaps", name)

    def typed(self, name: str = "") -> str:
        return self.path("typeds", name, "custom")

    def free(self, name: str = "") -> str:
        return self.path("frees", name, "custom")

    def deployments(self, name: str = "") -> str:
        return self.path("deployments", name, "apps/v1")


def practice() -> Iterator[Server]:
    """A practice cluster of the tests' own, on a port of the kernel's choice."""
    from migrate.practice import Cluster
    from migrate.practice import Server as Practice
    from migrate.practice.simulation import Simulation

    cluster = Cluster()
    Simulation(cluster, 0.05)
    served = Practice(cluster).start()
    client = Client(served.url)
    yield Server("practice", client, cluster.store.forget)
    client.close()
    served.stop()


def real(plane: ControlPlane) -> Iterator[Server]:
    """A control plane that somebody else started and stops."""
    client = Client(plane.url, plane.ca, plane.token())
    yield Server("real", client, lambda: _compact(plane))
    client.close()


class _Etcd(http.client.HTTPConnection):
    """etcd's JSON gateway on its socket."""

    def __init__(self, path: str) -> None:
        super().__init__("etcd", timeout=10)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def _compact(plane: ControlPlane) -> None:
    """Let etcd forget, as the API server has it done every five minutes."""

    def ask(path: str, body: Json) -> Json:
        here = os.getcwd()
        os.chdir(plane.folder)  # a path to a socket has a hundred characters at most
        try:
            etcd = _Etcd("clients:1")
            etcd.request("POST", path, json.dumps(body))
            answer = etcd.getresponse()
            found = json.loads(answer.read())
            assert answer.status == 200, found
            return dict(found)
        finally:
            os.chdir(here)

    now = int(ask("/v3/kv/range", {"key": "AA=="})["header"]["revision"])
    ask("/v3/kv/compaction", {"revision": now, "physical": True})


@pytest.fixture
def space(server: Server, kinds: None) -> Space:
    name = f"contract-{os.getpid()}-{next(_numbers)}"
    made = server.client.post("/api/v1/namespaces", {"metadata": {"name": name}})
    assert made.code == 201, made.body
    return Space(server, name)


@pytest.fixture(scope="session")
def kinds(server: Server) -> None:
    """Free takes anything, Plain has no status subresource, Typed has one list of each type."""
    define(server)


def define(server: Server) -> None:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    # An apply that gives up all of a struct leaves null in a custom object; only a nullable field may hold it.
    text, named = {"type": "string"}, {"name": {"type": "string"}, "v": {"type": "string"}}
    spec = {
        "one": text,
        "map": {"type": "object", "additionalProperties": text},
        "deep": {"type": "object", "properties": {"a": text, "b": text}},
        "items": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": named},
        },
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
        "plain": {"type": "array", "items": text},
        "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"q": text}},
    }
    spec = {name: schema | {"nullable": True} for name, schema in spec.items()}
    top = {"type": "object", "nullable": True, "properties": spec}
    typed = {"type": "object", "properties": {"spec": top, "status": anything}}
    for kind, schema, status in (("Free", anything, True), ("Plain", anything, False), ("Typed", typed, True)):
        made = server.client.post(CRDS, definition(kind, schema, status=status))
        assert made.code in (201, 409), made.body
        eventually(lambda kind=kind: server.client.read(f"/apis/{GROUP}/v1/{kind.lower()}s").code == 200)


def definition(kind: str, schema: Json, *, status: bool = True) -> Json:
    low = kind.lower()
    version: Json = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{low}s.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": f"{low}s", "singular": low, "kind": kind, "listKind": f"{kind}List"},
            "versions": [version | ({"subresources": {"status": {}}} if status else {})],
        },
    }


def eventually(test: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for what a server does in its own time."""
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


def config_map(name: str, data: Json | None = None, **metadata: Any) -> Json:
    body: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
    return body | ({"data": data} if data is not None else {})


def custom(kind: str, name: str, **fields: Any) -> Json:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, **fields}


def deployment(name: str, **spec: Any) -> Json:
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": "registry.invalid/a:1"}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def is_status(answer: Answer, code: int, reason: str) -> bool:
    """Tell whether this is a Status with that code and reason; shows it when not."""
    body = answer.body
    assert isinstance(body, dict) and body.get("kind") == "Status", body
    assert (answer.code, body.get("code"), answer.reason) == (code, code, reason), body
    return True
