"""kill -9 of `gke2eks rollback` at its write boundaries, on a real control plane: run again, all is as before apply.

Boundaries: each request that changes something, before the server gets it and after it acted; writes of the journal,
in the midst and after (GKE2EKS_EVERY=1: all of them, else each third).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from apply_real import CHANGES, WRITES, Commands, Ended, Kill, before, through, writes
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.faults import Faults, Rule
from rollback_help import Life, deployment, obj, state
from rollback_scenes import others, planned
from rollback_scenes_deleted import same

SPACE = "undo-kill"


class Killed:
    """The command line through a proxy that may kill it."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.run, self.proxy, self.folder = Commands(folder), before(plane).start(), folder
        self.config = through(plane, self.proxy, folder / "target.json")

    def __call__(
        self, command: str, *more: str, ws: Path | None = None, nth: int = 0, late: bool = False, tick: int = 0
    ) -> Ended:
        rules = [Rule(Kill(self.run.pid, late), WRITES, CHANGES, nth, times=1)] if nth else []
        self.proxy.faults = Faults(rules=rules)
        words = ("--context", "rig", "--kubeconfig", self.config, "--yes", "-w", ws or self.folder / "ws")
        return self.run(command, *words, *more, *(("--wait", "none") if command == "apply" else ()), die=tick)


@pytest.fixture(scope="module")
def killed(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ControlPlane, Killed]]:
    with ControlPlane(assets).start() as plane:
        one = Killed(plane, tmp_path_factory.mktemp("kill"))
        yield plane, one
        one.run.__exit__(None, None, None)
        one.proxy.stop()


def test_killed_anywhere_and_run_again(killed: tuple[ControlPlane, Killed], tmp_path: Path) -> None:
    plane, go = killed
    life = Life(plane.client(), tmp_path, SPACE)
    was = others(life)
    (go.folder / "plan.yaml").write_text(yaml.safe_dump_all(planned(life)))
    assert go.run("plan", "--from", go.folder / "plan.yaml", "-w", go.folder / "ws").exit == 0
    assert go("apply").exit == 0
    whole = go("rollback")
    assert whole.exit == 0, whole.out
    requests = len(writes(go.proxy))
    assert requests >= 6 and whole.ticks > 20
    # One more apply and rollback tells how many writes there are without the first run's.
    step = 1 if os.environ.get("GKE2EKS_EVERY") else 3
    boundaries = [{"nth": nth, "late": late} for nth in range(1, requests + 1) for late in (False, True)]
    boundaries += [{"tick": tick} for tick in range(1, whole.ticks + 1, step)]
    died = 0
    for at in boundaries:
        applied = go("apply")
        assert applied.exit == 0, f"{at}: {applied.out}"
        died += go("rollback", **at).killed  # type: ignore[arg-type]
        again = go("rollback")
        assert again.exit == 0, f"{at}: {again.out}"
        for name, body in was.items():
            assert state(life.get(body["apiVersion"], body["kind"], name)) == body, f"{at}: {name}"
        assert life.get("v1", "ConfigMap", "new") is None and life.get("apps/v1", "Deployment", "web") is None, at
    assert go("rollback").exit == 0 and writes(go.proxy) == []
    assert died > 0.9 * len(boundaries), f"{died} of {len(boundaries)}"


def test_bringing_back_killed_anywhere_and_run_again(killed: tuple[ControlPlane, Killed], tmp_path: Path) -> None:
    """What --prune and recreate deleted; each time it is there once, with its owners, and nothing of ours beside it."""
    plane, go = killed
    life = Life(plane.client(), tmp_path, f"{SPACE}-back")
    ws, file = go.folder / "back", go.folder / "back.yaml"
    life.client.apply(obj("Namespace", life.space), manager="platform")
    fixed = obj("ConfigMap", "fixed", life.space, immutable=True)
    life.client.apply({**fixed, "data": {"level": "debug"}}, manager="argocd")
    stays = obj("ConfigMap", "stays", life.space)
    service = obj("Service", "web", life.space, spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})

    def plan(*bodies: object) -> None:
        file.write_text(yaml.safe_dump_all(bodies))
        assert go.run("plan", "--from", file, "-w", ws).exit == 0

    def run(command: str, **at: int | bool) -> Ended:
        more = ("--prune", "--on-conflict", "recreate") if command == "apply" else ()
        return go(command, *more, ws=ws, **at)  # type: ignore[arg-type]

    plan(stays, service, deployment(life.space, "old", 1))
    assert run("apply").exit == 0
    plan(stays, {**fixed, "data": {"level": "info"}})
    keys = [("v1", "ConfigMap", "fixed"), ("v1", "Service", "web"), ("apps/v1", "Deployment", "old")]
    was = {key: same(life.get(*key)) for key in keys}
    assert run("apply").exit == 0 and life.get("apps/v1", "Deployment", "old") is None
    whole = run("rollback")
    assert whole.exit == 0 and "restored 3" in whole.out, whole.out
    requests = len(writes(go.proxy))
    assert requests >= 7 and {key: same(life.get(*key)) for key in keys} == was
    step = 1 if os.environ.get("GKE2EKS_EVERY") else 6
    boundaries = [{"nth": nth, "late": late} for nth in range(1, requests + 1) for late in (False, True)]
    boundaries += [{"tick": tick} for tick in range(1, whole.ticks + 1, step)]
    died = 0
    for at in boundaries:
        applied = run("apply")
        assert applied.exit == 0 and life.get("v1", "Service", "web") is None, f"{at}: {applied.out}"
        died += run("rollback", **at).killed
        again = run("rollback")
        assert again.exit == 0, f"{at}: {again.out}"
        assert {key: same(life.get(*key)) for key in keys} == was, at
    assert run("rollback").exit == 0 and writes(go.proxy) == []
    assert died > 0.9 * len(boundaries), f"{died} of {len(boundaries)}"
