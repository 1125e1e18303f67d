"""`gke2eks diff` on two real control planes: the scenes of the fast lane, and a target mutated by the table."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from apply_help import TODAY
from diff_mutations import MUTATIONS, chosen, mutated, objects
from diff_scenes import *  # noqa: F403
from diff_scenes import look, said
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client, Json
from since_help import Team

from migrate.flow.export import export
from migrate.flow.plan import make_plan
from migrate.model.comparison import BAD
from migrate.model.selection import EVERYTHING
from migrate.practice import Cluster, Server

SEEDS = int(os.environ.get("GKE2EKS_SEEDS", "240"))
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def source(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start() as plane:
        yield plane


@pytest.fixture
def team(control_plane: ControlPlane, source: ControlPlane, tmp_path: Path) -> Team:
    return Team(control_plane.client(), tmp_path, f"diff{next(_numbers)}", old=source.client())


def _live(client: Client, bodies: list[Json]) -> dict[str, Json]:
    found = {}
    for body in bodies[1:]:
        meta = body["metadata"]
        found[f"{body['kind']}/{meta['name']}"] = client.get(
            body["apiVersion"], body["kind"], meta["name"], meta["namespace"]
        )
    return found


def _bring(client: Client, before: dict[str, Json], after: dict[str, Json]) -> None:
    """Make the server's objects what the mutations say, as somebody with a client would."""
    for short, body in before.items():
        if short not in after:
            client.delete(body)
        elif after[short] != body:
            client.replace(after[short])
    for short, body in after.items():
        if short not in before:
            client.create(body)


def test_each_mutation_gets_the_class_of_the_table(assets: Assets, tmp_path: Path) -> None:
    """A namespace for each seed: planned and applied by us, then mutated 0 to 5 times, and compared as a whole."""
    spaces = [f"mutated{n}" for n in range(SEEDS)]
    old = Server(Cluster()).start()
    try:
        with ControlPlane(assets).start() as plane:
            team = Team(plane.client(), tmp_path, "mutated", old=Client(old.url))
            for space in spaces:
                team.deploy(*objects(space))
            export(team.source, team.ws, now="2026-01-01T00:00:00+00:00", hash_key_file=team.key)
            make_plan([], team.ws, stdin=lambda: b"", today=TODAY, flavour="standard", hash_key_file=team.key)
            report = team.apply()
            assert [one for one in report.results if one.action.value not in ("created", "held")] == []
            assert team.release().counts["failed"] == 0
            calm = look(team, select=EVERYTHING)
            assert [said(one) for one in calm.comparison.deltas if one.kind in BAD] == []

            def spoil(number: int) -> tuple[str, list[tuple[str, str, str]], list[str]]:
                client = plane.client()
                before = _live(client, objects(spaces[number]))
                mutations = chosen(random.Random(number))
                after, told = mutated(before, mutations)
                _bring(client, before, after)
                return spaces[number], told, [one.name for one in mutations]

            with ThreadPoolExecutor(8) as pool:
                wanted = list(pool.map(spoil, range(SEEDS)))
            found: dict[str, list[tuple[str, str, str]]] = {space: [] for space in spaces}
            for one in look(team, select=EVERYTHING).comparison.deltas:
                if one.kind in BAD:
                    found[one.ref.namespace].append(said(one))
    finally:
        old.stop()
    wrong = {space: (names, told, got) for space, told, names in wanted if told != (got := sorted(found[space]))}
    assert wrong == {}
    assert {name for _, _, names in wanted for name in names} == {one.name for one in MUTATIONS}
    assert set(Counter(len(names) for _, _, names in wanted)) == {0, 1, 2, 3, 4, 5}
