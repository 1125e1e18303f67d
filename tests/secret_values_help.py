"""Secrets of every sort, a plan of them, and a source that holds them and remembers what it was asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from migrate.flow import reviewed, secret_parts
from migrate.flow.plan import make_plan
from migrate.flow.secret_values import Filled, Missing, SecretValues, from_source
from migrate.model.listing import Kind
from migrate.model.plan import Step

CANARY = "kanarienvogel-7c1f-vermilion"
DAY = date(2026, 11, 23)
KEY = b"k" * 32
SECRETS = Kind("", "v1", "secrets", "Secret", True, ("list",))
WORKS = Kind("work.example.com", "v1", "manifestworks", "ManifestWork", True, ("list",))


def b64(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def docker(*hosts: str) -> str:
    return json.dumps({"auths": {host: {"auth": b64(f"u:{CANARY}{host}")} for host in hosts}, "other": 1})


def secret(name: str, data: Mapping[str, str] | None, sort: str = "Opaque", **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "shop", **more.pop("metadata", {})}
    body = {"apiVersion": "v1", "kind": "Secret", "type": sort, "metadata": meta, **more}
    return body | ({"data": dict(data)} if data is not None else {})


def source_objects() -> list[dict[str, Any]]:
    token = {"annotations": {"kubernetes.io/service-account.name": "robot"}}
    signed = {key: b64(CANARY + key) for key in ("token", "ca.crt", "namespace")}
    work = {"apiVersion": "work.example.com/v1", "kind": "ManifestWork", "metadata": {"name": "w", "namespace": "shop"}}
    inner = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "in"}}
    manifests = [{"kind": "ConfigMap", "data": {"a": "b"}}, {**inner, "data": {"p": b64(CANARY)}}]
    manifests.append({**inner, "stringData": {"q": CANARY, "r": "${R}"}})
    return [
        secret("plain", {"password": b64(CANARY), "empty": ""}, metadata={"labels": {"app": "db"}}),
        secret("binary", {"blob": b64(bytes(range(256)))}),
        secret("fixed", {"a": b64("one two three")}, immutable=True),
        secret("tls", {"tls.crt": b64("cert " + CANARY), "tls.key": b64("key " + CANARY)}, "kubernetes.io/tls"),
        secret("nothing", None),
        secret("odd", {"a) b": b64(CANARY)}),
        secret("mixed", {".dockerconfigjson": b64(docker("gcr.io", "quay.io"))}, "kubernetes.io/dockerconfigjson"),
        secret("token", signed, secret_parts.TOKEN, metadata=token),
        secret("tokenmore", {**signed, "mine": b64(CANARY + "mine")}, secret_parts.TOKEN, metadata=token),
        {**work, "spec": {"workload": {"manifests": manifests}}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "shop"}},
    ]


class Live:
    """A source that holds objects and remembers what it was asked."""

    name = "old"

    def __init__(self, objects: Sequence[dict[str, Any]]) -> None:
        self.objects = [json.loads(json.dumps(one)) for one in objects]
        self.asked: list[tuple[str, str]] = []
        self.refuses: Exception | None = None

    def version(self) -> Mapping[str, Any]:
        return {"gitVersion": "v1.33.0"}

    def kinds(self) -> tuple[Kind, ...]:
        self.asked.append(("kinds", ""))
        return SECRETS, WORKS

    def pages(self, kind: Kind, limit: int = 500, namespace: str = "") -> Iterator[Mapping[str, Any]]:
        self.asked.append((kind.plural, namespace))
        if self.refuses:
            raise self.refuses
        for one in self.objects:
            if one["kind"] == kind.kind and namespace in ("", one["metadata"]["namespace"]):
                item = {key: value for key, value in one.items() if key not in ("kind", "apiVersion")}
                yield {"metadata": {}, "items": [item]}

    def changes(self, kind: Kind, since: str, namespace: str = "") -> Sequence[Mapping[str, Any]]:
        raise AssertionError("never watched")

    def __getitem__(self, name: str) -> dict[str, Any]:
        return next(one for one in self.objects if one["metadata"]["name"] == name)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> reviewed.Reviewed:
    folder = tmp_path_factory.mktemp("values")
    return planned(folder, "")


def planned(folder: Path, decisions: str) -> reviewed.Reviewed:
    out = folder / "out"
    out.mkdir()
    (out / ".gke2eks").write_text("")
    (out / "gke2eks.yaml").write_text(decisions)
    (folder / "key").write_bytes(KEY)
    (folder / "objects.json").write_bytes(orjson.dumps({"kind": "List", "apiVersion": "v1", "items": source_objects()}))
    make_plan([str(folder / "objects.json")], out, stdin=lambda: b"", today=DAY, hash_key_file=folder / "key")
    assert not [p for p in out.rglob("*") if p.is_file() and (CANARY in p.read_text() or b64(CANARY) in p.read_text())]
    return reviewed.reviewed(out, today=DAY)


def steps(found: reviewed.Reviewed) -> dict[str, Step]:
    return {step.ref.name: step for step in found.plan.steps if step.body is not None}


@pytest.fixture
def live() -> Live:
    return Live(source_objects())


def values(found: reviewed.Reviewed, live: Live, key: bytes = KEY) -> SecretValues:
    return from_source(live, found.plan.steps, hashes=found.hashes, hash_key=key)


def fill(found: reviewed.Reviewed, live: Live, name: str, key: bytes = KEY) -> Filled | Missing:
    return values(found, live, key).fill(steps(found)[name])
