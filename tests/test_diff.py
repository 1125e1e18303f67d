"""`gke2eks diff` on practice clusters; the same scenes run on real ones in the cluster lane."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from diff_scenes import *  # noqa: F403
from rig.http import Client
from since_help import Team

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
