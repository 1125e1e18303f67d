"""kill -9 at a random request of an apply of the whole corpus, by seeds: run again, and the end is the same each time.

Each seed gets a real API server of its own, without controllers, so that all that is there was sent by us. The lane
runs a few seeds; GKE2EKS_SEEDS=20 runs so many.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from apply_real import CHANGES, WRITES, Commands, Ended, Kill, before, differs, projected, results, through, writes
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.faults import Faults, Proxy, Rule
from rig.http import Client, Json
from rig.shapes.export import everything
from test_corpus import karpenter

from migrate.flow.practice import start, write_kubeconfig
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal

SEEDS = range(int(os.environ.get("GKE2EKS_SEEDS", "2")))
# Of the server itself: named or filled by chance.
_ITS_OWN = {"Lease", "Event", "IPAddress", "ComponentStatus", "EndpointSlice", "Endpoints"}


class Move:
    """The corpus, planned with every question answered by its example, and the source that has the values."""

    def __init__(self, corpus: Path, folder: Path) -> None:
        self.run, self.folder = Commands(folder), folder
        self.practising = start([str(corpus)], stdin=lambda: b"", port=0)
        write_kubeconfig(folder / "source", self.practising.server.url, "source")
        self.plan(corpus, folder / "first")

    def plan(self, corpus: Path, workspace: Path) -> None:
        said = ""
        for _ in range(4):
            assert self.run("plan", "--from", corpus, "-w", workspace).exit in (0, 1)
            asked = workspace / "gke2eks.undecided.yaml"
            # What holds only release is a comment there.
            said = re.sub(r"(?m)^(---| *#.*)\n", "", asked.read_text()) if asked.exists() else ""
            if not re.search(r"(?m)^ +\S", said):
                return
            with (workspace / "gke2eks.yaml").open("a") as file:
                file.write(said)
        raise AssertionError(f"questions stay open: {said}")

    def workspace(self, name: str) -> Path:
        """The same plan in a workspace without a journal."""
        new = self.folder / name
        if not new.exists():
            shutil.copytree(self.folder / "first", new, ignore=shutil.ignore_patterns("journal.jsonl"))
        return new

    def apply(self, proxy: Proxy, kubeconfig: Path, workspace: Path, kill: Rule | None = None) -> Ended:
        proxy.faults = Faults(rules=[kill] if kill else [])
        names = ("--context", "rig", "--kubeconfig", kubeconfig)
        source = ("--source-context", "source", "--source-kubeconfig", self.folder / "source")
        return self.run("apply", "-w", workspace, *names, *source, "--yes", "--wait", "none", "-o", "json")

    def close(self) -> None:
        self.run.__exit__(None, None, None)
        self.practising.server.stop()


@dataclass(frozen=True, slots=True)
class Whole:
    """What an undisturbed apply left, and how many requests that took."""

    state: dict[str, Json]
    requests: int
    bad: dict[str, str]


@pytest.fixture(scope="module")
def move(assets: Assets, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    move = Move(shared / "corpus" / "gke-cluster.json.gz", tmp_path_factory.mktemp("move"))
    yield move
    move.close()


@pytest.fixture
def target(assets: Assets, tmp_path: Path) -> Iterator[tuple[Client, Proxy, Path]]:
    yield from _target(assets, tmp_path)


def _target(assets: Assets, folder: Path) -> Iterator[tuple[Client, Proxy, Path]]:
    with ControlPlane(assets).start(with_controllers=False) as plane, before(plane) as proxy:
        karpenter(plane.client(), "standard")
        yield plane.client(), proxy, through(plane, proxy, folder / "target.json")


@pytest.fixture(scope="module")
def whole(assets: Assets, move: Move, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    for client, proxy, config in _target(assets, tmp_path_factory.mktemp("whole")):
        ended = move.apply(proxy, config, move.workspace("whole"))
        assert ended.exit == 1, ended.out  # it says what is left out
        return Whole(state(client), len(writes(proxy)), bad(ended))
    raise AssertionError("unreachable")


def state(client: Client) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for body in everything(client):
        meta = body["metadata"]
        if body["kind"] not in _ITS_OWN and (meta.get("namespace"), meta["name"]) != ("default", "kubernetes"):
            key = f"{body['apiVersion'].partition('/')[0]} {body['kind']} {meta.get('namespace', '')}/{meta['name']}"
            found[key] = projected(body)
    return found


def bad(ended: Ended) -> dict[str, str]:
    """What failed or stayed out, and why."""
    return {
        ref: f"{one['action']}: {one['message']}"
        for ref, one in results(ended).items()
        if one["action"] in ("failed", "skipped", "left_out")
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_a_random_request(seed: int, move: Move, whole: Whole, target: tuple[Client, Proxy, Path]) -> None:
    dice = random.Random(f"kill/{seed}")
    nth, late = dice.randint(1, whole.requests), dice.random() < 0.5
    client, proxy, config = target
    workspace = move.workspace(f"seed-{seed}")
    where = f"{'after' if late else 'before'} request {nth} of {whole.requests}"
    kill = Rule(Kill(move.run.pid, late), WRITES, CHANGES, nth, times=1)
    assert move.apply(proxy, config, workspace, kill).killed, where
    ended = move.apply(proxy, config, workspace)
    assert ended.exit == 1 and not (other := differs(bad(ended), whole.bad)), f"{where}: {other}"
    assert not (other := differs(state(client), whole.state)), f"{where}: another end: {other[:20]}"
    assert move.apply(proxy, config, workspace).exit == 1
    assert writes(proxy) == [], where
    assert read_journal(open_workspace(workspace)).unknown == (), where
    assert proxy.errors == []
