"""The second plan on two real control planes: the scenes of the fast lane, and what only a real one has."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from apply_help import Watched
from apply_stage import Shown, Stage, agree, alone
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client
from rollback_help import obj
from since_help import CLAIM, Team, config, image, kept, secret, shop, soon
from since_scenes import *  # noqa: F403
from since_scenes_more import *  # noqa: F403

from migrate.flow.run import Wait
from migrate.practice import Cluster, Server
from migrate.practice.simulation import Simulation

WRITE = os.environ.get("GKE2EKS_WRITE_DOCS") == "1"  # a stage has no such variables
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def source(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start() as plane:
        yield plane


@pytest.fixture
def team(control_plane: ControlPlane, source: ControlPlane, tmp_path: Path) -> Team:
    return Team(control_plane.client(), tmp_path, f"second{next(_numbers)}", old=source.client())


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    alone(tmp_path, monkeypatch)
    clusters = Cluster(), Cluster()
    Simulation(clusters[0], 0.02)
    servers = [Server(one).start() for one in clusters]
    yield Stage(tmp_path, {"server": servers[0].url}, {}, servers[1].url)
    for one in servers:
        one.stop()


def test_the_page(stage: Stage, capfd: pytest.CaptureFixture[str], repo: Path) -> None:
    """What docs/apply.md shows is what the commands print on practice clusters; GKE2EKS_WRITE_DOCS=1 writes it."""
    page, source = repo / "docs" / "apply.md", Client(stage.source)
    to = "-w out --context prod --source-context gke --yes --wait none"

    def run(command: str, code: int = 0) -> str:
        assert stage.run(command, capfd) == code, stage.said + stage.err
        return stage.err + stage.said

    def moved() -> None:
        for command in ("gke2eks export --context gke -n shop -w out", "gke2eks plan -w out --flavour standard"):
            assert stage.quiet(command)[0] in (0, 1)

    runs = shop("shop")
    for body in runs.values():
        source.apply(body)
    moved()
    run(f"gke2eks apply {to}")
    run(f"gke2eks release {to} --source-stopped", 1)  # `old` has data that nobody decided about
    for body in (image("shop", "worker", 2), config("shop", "flags"), secret("shop", "second")):
        source.apply(body, force=True)
    for name in ("old", "old-settings", "data"):
        source.delete(runs[name])
    moved()
    for title, command in (("What a second apply shows", f"{to} --no-undo"), ("Prune", f"{to} --prune")):
        found = run(f"gke2eks apply {command}")
        agree(page, Shown(title, f"gke2eks apply {command}", 0, found), write=WRITE)


def test_a_set_goes_and_its_claims_stay_unless_they_would_go_with_it(team: Team) -> None:
    space = team.space
    pods = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "example.com/x:1"}]}}
    claims = [{"metadata": {"name": "data"}, "spec": CLAIM}]
    spec = {"selector": {"matchLabels": {"app": "x"}}, "serviceName": "x", "template": pods}
    bound = {"volumeClaimTemplates": claims, "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
    free = obj("StatefulSet", "free", space, "apps/v1", spec={**spec, "volumeClaimTemplates": claims})
    tied = obj("StatefulSet", "tied", space, "apps/v1", spec={**spec, **bound})
    rest = [obj("Namespace", space), obj("ConfigMap", "stays", space, data={"a": "1"})]
    team.plan(*rest, free, tied)
    answers = "".join(f"  {space}/data-{name}-0: empty-ok\n" for name in ("free", "tied"))
    with (team.ws / "gke2eks.yaml").open("a") as file:
        file.write(f"volumes:\n{answers}")
    team.plan(*rest, free, tied)
    team.apply()
    assert team.release().counts["left_out"] == 0
    # Claims are made when pods are.
    soon(lambda: len(team.client.list("v1", "PersistentVolumeClaim", space)) == 2)
    team.plan(*rest)
    why = "its claims would go with it (persistentVolumeClaimRetentionPolicy)"
    assert kept(team.since()) == {"StatefulSet/free": "", "StatefulSet/tied": why}
    report = team.apply(prune=True)
    assert report.counts["deleted"] == 1 and report.since and list(kept(report.since)) == ["StatefulSet/tied"]
    assert len(team.client.list("v1", "PersistentVolumeClaim", space)) == 2


def test_a_finalizer_of_others_is_waited_for(team: Team) -> None:
    space = team.space
    rest = obj("Namespace", space)
    settings, service = obj("ConfigMap", "settings", space, data={"a": "1"}), obj("Service", "web", space)
    service["spec"] = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    team.plan(rest, settings, service)
    team.apply()
    # As a load balancer controller does.
    team.client.patch(service, {"metadata": {"finalizers": ["service.k8s.aws/resources"]}})
    team.plan(rest)
    assert kept(team.since()) == {"ConfigMap/settings": "", "Service/web": ""}
    with team.ready(prune=True) as ready:
        report = ready.run(wait=Wait.NONE, ready_timeout=0.5, watcher=Watched(), stop=threading.Event())
    (failed,) = [one for one in report.results if one.action.value == "failed"]
    assert failed.message == "it is being deleted, and waits for service.k8s.aws/resources" and report.exit == 1
    assert team.on_target(settings) and report.since
    assert kept(report.since)["ConfigMap/settings"] == "what goes before it is not gone yet, and may need it"
    assert kept(team.since())["Service/web"] == "it is being deleted already"
    team.client.patch(service, {"metadata": {"finalizers": None}})
    report = team.apply(prune=True)
    assert report.exit == 0 and report.counts["deleted"] == 1 and team.on_target(settings) is None
