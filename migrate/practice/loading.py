"""Put objects that were read from files into a cluster as they are: with their status, uid and owners."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from migrate.manifest.kinds import is_cluster_scoped
from migrate.model.objects import Object
from migrate.practice.checks import check
from migrate.practice.cluster import CRD, Asked, Cluster
from migrate.practice.kinds import Kind
from migrate.practice.lifecycle import NAMESPACES, completed, fit, now
from migrate.practice.refusal import Refusal

Json = dict[str, Any]
_REDACTED = re.compile(r"\(secret, (\d+) bytes, key .*\)\Z", re.DOTALL)
_FIRST = {CRD: 0, NAMESPACES: 1}


def load(cluster: Cluster, objects: Iterable[Object]) -> tuple[int, list[str]]:
    """Load all that fits; give how many, and a line for each that does not or that needed something first."""
    loaded = 0
    notes: list[str] = []
    for one in sorted(objects, key=lambda o: _FIRST.get((o.ref.group, f"{o.ref.kind.lower()}s"), 2)):
        try:
            kind = _kind(cluster, one, notes)
            _load(cluster, kind, one, notes)
            loaded += 1
        except Refusal as no:
            notes.append(f"left out: {one.ref}: {no}")
    return loaded, notes


def _kind(cluster: Cluster, one: Object, notes: list[str]) -> Kind:
    version = str(one.body["apiVersion"])
    found = cluster.kinds.named(version, one.ref.kind)
    if found:
        return found
    built_in = version in cluster.kinds.unserved or any(
        k.api_version == version and not k.custom for k in cluster.kinds.all()
    )
    if built_in:
        raise Refusal(501, "NotImplemented", f"the practice cluster does not serve {version}")
    namespaced = is_cluster_scoped(one.ref.group, one.ref.kind) is not True and bool(one.ref.namespace)
    notes.append(f"{one.ref.kind} of {version} has no CustomResourceDefinition here; served with any content")
    return cluster.kinds.stand_in(version, one.ref.kind, namespaced)


def _load(cluster: Cluster, kind: Kind, one: Object, notes: list[str]) -> None:
    namespace = one.ref.namespace if kind.namespaced else ""
    metadata = {key: value for key, value in one.metadata.items() if value is not None and key != "namespace"}
    metadata |= {"namespace": namespace} if namespace else {}
    body = {**_with_values(one.body), "metadata": metadata}
    fit(kind, body)
    body = completed(kind, body)
    check(kind, body)
    if namespace and cluster.store.get(NAMESPACES, ("", namespace)) is None:
        cluster.make_namespace(namespace)
        notes.append(f"made the namespace {namespace}, which was not among the objects")
    there = cluster.store.get(kind.key, (namespace, one.ref.name))
    fresh = {"uid": there["metadata"]["uid"] if there else str(uuid.uuid4()), "creationTimestamp": now()}
    fresh |= {"generation": 1} if kind.counted else {}
    body = {**body, "metadata": {**fresh, **body["metadata"]}}
    cluster.write(Asked(kind, namespace, one.ref.name), body)


def _with_values(body: Mapping[str, Any]) -> Json:
    """A Secret comes redacted; each value becomes as many letters, so that it is one again."""
    data = body.get("data")
    if body.get("kind") != "Secret" or body.get("apiVersion") != "v1" or not isinstance(data, Mapping):
        return dict(body)
    values = {key: _letters(value) for key, value in data.items()}
    return {key: value for key, value in body.items() if key != "gke2eksFacts"} | {"data": values}


def _letters(value: Any) -> Any:
    found = _REDACTED.match(value) if isinstance(value, str) else None
    return base64.b64encode(b"x" * min(int(found[1]), 1 << 20)).decode() if found else value
