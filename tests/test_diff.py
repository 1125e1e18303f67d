"""`gke2eks diff` on practice clusters; the same scenes run on real ones in the cluster lane."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from diff_scenes import *  # noqa: F403
from rig.http import Client
from since_help import Team

from migrate.differ.classes import classify
from migrate.differ.walk import Raw
from migrate.model.comparison import Class
from migrate.model.effects import Cause
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.model.plan import Fate, Standing, Step
from migrate.model.ref import Ref
from migrate.practice import Cluster, Server
from migrate.practice.simulation import Simulation

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def urls() -> Iterator[tuple[str, str]]:
    clusters = Cluster(), Cluster()
    Simulation(clusters[0], 0.02)
    servers = [Server(one).start() for one in clusters]
    yield servers[0].url, servers[1].url
    for one in servers:
        one.stop()


@pytest.fixture
def team(urls: tuple[str, str], tmp_path: Path) -> Team:
    return Team(Client(urls[0]), tmp_path, f"shop{next(_numbers)}", old=Client(urls[1]))


def test_what_servers_copy_is_no_difference_whoever_made_the_object() -> None:
    step = Step(Ref("", "Namespace", "", "shop"), "v1", Fate.MIGRATE, Cause.RULE, Standing.READY, "", None, {}, (), ())
    path = P("metadata", "labels", "kubernetes.io/metadata.name")
    owner = {"manager": "kubectl-create", "operation": "Update", "time": "2026-01-01T00:00:00Z"}
    fields = {"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}}
    for name, kind in (("shop", Class.DEFAULTED), ("other", Class.UNEXPECTED)):
        meta = {"name": "shop", "labels": {path[-1]: name}, "managedFields": [{**owner, "fieldsV1": fields}]}
        live = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
        assert classify(step, None, {}, live, Raw(path, MISSING, name)).kind is kind
