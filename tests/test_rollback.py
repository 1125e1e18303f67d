"""Rollback on the practice cluster; the same scenes run on a real one in the cluster lane."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.target_help import open_target
from rig.http import Client
from rollback_help import Life
from rollback_scenes import *  # noqa: F403

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
def life(urls: tuple[str, str], tmp_path: Path) -> Life:
    return Life(Client(urls[0]), tmp_path, f"shop{next(_numbers)}", open_target(urls[1]), pace=11)
