"""The second plan on two real control planes: the scenes of the fast lane, and what only a real one has."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from apply_help import Watched
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rollback_help import obj
from since_help import CLAIM, Team, kept, soon
from since_scenes import *  # noqa: F403
from since_scenes_more import *  # noqa: F403

from migrate.flow.run import Wait

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def source(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start() as plane:
        yield plane


@pytest.fixture
def team(control_plane: ControlPlane, source: ControlPlane, tmp_path: Path) -> Team:
    return Team(control_plane.client(), tmp_path, f"second{next(_numbers)}", old=source.client())


def test_a_set_goes_and_its_claims_stay_unless_they_would_go_with_it(team: Team) -> None:
    space = team.space
    pods = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "example.com/x:1"}]}}
    claims = [{"metadata": {"name": "data"}, "spec": {key: CLAIM[key] for key in ("accessModes", "resources")}}]
    spec = {"selector": {"matchLabels": {"app": "x"}}, "serviceName": "x", "template": pods}
    bound = {"volumeClaimTemplates": claims, "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}
    free = obj("StatefulSet", "free", space, "apps/v1", spec={**spec, "volumeClaimTemplates": claims})
    tied = obj("StatefulSet", "tied", space, "apps/v1", spec={**spec, **bound})
    rest = [obj("Namespace", space), obj("ConfigMap", "stays", space, data={"a": "1"})]
    team.plan(*rest, free, tied)
    team.apply()
    team.release()
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
    assert team.on_target(settings)  # it comes later, and may be what the other needs
    assert kept(team.since())["Service/web"] == "it is being deleted already"
    team.client.patch(service, {"metadata": {"finalizers": None}})
    report = team.apply(prune=True)
    assert report.exit == 0 and report.counts["deleted"] == 1 and team.on_target(settings) is None
