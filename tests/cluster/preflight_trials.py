"""Dry runs of plans against a real API server that has the Namespaces shop, full and strict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from contract.target_help import as_client
from preflight_target_help import Json, thing
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client

from migrate.flow.dry_runs import dry_runs
from migrate.flow.view import View
from migrate.model.checks import Check, Status
from migrate.semantics.going import Going

POD = {"containers": [{"name": "main", "image": "registry.invalid/a:1"}]}


@pytest.fixture(scope="module")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start() as plane:
        client = plane.client()
        for name in ("shop", "full", "strict"):
            client.create(thing("v1 Namespace", name))
        yield plane


@pytest.fixture(scope="module")
def client(plane: ControlPlane) -> Client:
    return plane.client()


def tried(client: Client, going: Going, **bodies: Any) -> list[Check]:
    target = as_client(client)
    return list(dry_runs(target, going, View(target), bodies.get("bodies", {})))


def of(checks: list[Check], id: str, status: Status | None = None) -> list[Check]:
    return [one for one in checks if one.id == id and status in (None, one.status)]


def workload(name: str, space: str, kind: str = "Deployment", **spec: Any) -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": POD}
    body = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return thing(f"apps/v1 {kind}", name, space, spec=body)


def config(name: str, space: str, **data: str) -> Json:
    return thing("v1 ConfigMap", name, space, data=data)
