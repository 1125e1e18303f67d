"""Rollback on a real control plane: the scenes of the fast lane, and what only a real one has."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from apply_help import Watched
from contract.target_help import open_target
from holding_help import eventually
from rig.controlplane import ControlPlane
from rollback_help import Life, actions, deployment, fates, messages, obj, state
from rollback_scenes import *  # noqa: F403
from rollback_scenes import others, planned

from migrate.practice import Cluster, Server

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    served = Server(Cluster()).start()
    yield served.url
    served.stop()


@pytest.fixture
def life(control_plane: ControlPlane, source: str, tmp_path: Path) -> Life:
    return Life(control_plane.client(), tmp_path, f"undo{next(_numbers)}", open_target(source))


def test_forced_fields_go_back_to_their_owners(life: Life) -> None:
    """As after an overwrite: we took values that others own, and added to their lists."""
    others(life)
    was = {name: state(life.get("v1", "ConfigMap", name)) for name in ("settings",)}
    deployed = state(life.get("apps/v1", "Deployment", "old"))
    real = life.target.apply
    life.target.apply = lambda body, **more: real(body, **{**more, "force": True})
    dry = life.target.dry_run
    life.target.dry_run = lambda body, **more: dry(body, **{**more, "force": True})
    old = deployment(life.space, "old", 5, containers=[{"name": "web", "image": "example.com/web:2"}])
    old["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "example.com/side:1"})
    life.plan(old, obj("ConfigMap", "settings", life.space, data={"level": "debug", "mode": "fast"}))
    assert life.apply().counts["configured"] == 2
    report = life.rollback()
    assert report.counts["restored"] == 2 and {one.message for one in report.results} == {""}, report.results
    assert state(life.get("v1", "ConfigMap", "settings")) == was["settings"]
    assert state(life.get("apps/v1", "Deployment", "old")) == deployed


def test_what_an_autoscaler_wrote_since_stays(life: Life) -> None:
    others(life)
    life.plan(*planned(life))
    life.apply()
    path = life.client.path("apps/v1", "Deployment", life.space, "old", "scale")
    scale = life.client.raw("GET", path)
    life.client.raw("PUT", path, {"fieldManager": "kube-controller-manager"}, {**scale, "spec": {"replicas": 7}})
    report = life.rollback()
    assert actions(report)["Deployment/old"] == "restored", report.results
    now = life.get("apps/v1", "Deployment", "old")
    assert now is not None and now["spec"]["replicas"] == 7 and "labels" not in now["metadata"]
    assert "nodeSelector" not in now["spec"]["template"]["spec"]


def test_a_definition_with_objects_of_others_stays(life: Life) -> None:
    group = f"{life.space}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = obj(
        "CustomResourceDefinition",
        f"things.{group}",
        "",
        "apiextensions.k8s.io/v1",
        spec={"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    )
    life.plan(definition, obj("Namespace", life.space), obj("Thing", "ours", life.space, f"{group}/v1", spec={}))
    assert life.apply().counts["created"] == 3
    life.client.create(obj("Thing", "theirs", "default", f"{group}/v1", spec={}))
    report = life.rollback()
    assert actions(report)["Thing." + group + "/ours"] == "deleted"
    assert messages(report)[f"CustomResourceDefinition/things.{group}"] == f"in it stays Thing.{group}/default/theirs"
    life.client.raw("DELETE", life.client.path(f"{group}/v1", "Thing", "default", "theirs"))
    assert actions(life.rollback()) == {f"CustomResourceDefinition/things.{group}": "deleted"}
    assert life.rollback().results == ()


def test_whoever_owns_a_claim_stays_with_it(life: Life) -> None:
    """A StatefulSet whose claims go with it."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp3"}
    body = deployment(life.space, "db", 1)
    body["kind"] = "StatefulSet"
    body["spec"] |= {"serviceName": "db", "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}]}
    body["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Delete", "whenScaled": "Retain"}
    life.plan(obj("Namespace", life.space), body, obj("ConfigMap", "new", life.space))
    done = life.apply()
    assert done.exit == 0, done.results
    life.client.patch(body, {"spec": {"replicas": 1}})  # it arrived held
    owned = lambda: (life.get("v1", "PersistentVolumeClaim", "data-db-0") or {"metadata": {}})["metadata"]  # noqa: E731
    eventually(lambda: owned().get("ownerReferences"))
    assert fates(life.look()) == {
        f"Namespace/{life.space}": "keep",
        "StatefulSet/db": "keep",
        "ConfigMap/new": "delete",
    }
    report = life.rollback()
    assert "data-db-0 holds data and would go with it" in messages(report)["StatefulSet/db"]
    assert life.get("v1", "PersistentVolumeClaim", "data-db-0") is not None
    assert life.rollback(data=[("", "PersistentVolumeClaim")]).exit == 0
    assert life.get("v1", "PersistentVolumeClaim", "data-db-0") is None


def test_a_finalizer_stops_what_comes_after(life: Life) -> None:
    """What holds an object may need what would be deleted next."""
    service = obj("Service", "web", life.space, spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})
    life.plan(obj("Namespace", life.space), obj("ConfigMap", "new", life.space), service)
    life.apply()
    life.client.patch({**service}, {"metadata": {"finalizers": ["example.com/hold"]}})
    with life.look() as ready:
        report = ready.run(patience=1, watcher=Watched(), stop=threading.Event())
    assert actions(report) == {"Service/web": "failed"} and report.exit == 5 and report.untried == 2
    assert "waits for example.com/hold" in messages(report)["Service/web"]
    assert life.get("v1", "ConfigMap", "new") is not None
    life.client.patch({**service}, {"metadata": {"finalizers": None}})
    eventually(lambda: life.get("v1", "Service", "web") is None)
    assert life.rollback().exit == 0 and life.get("v1", "ConfigMap", "new") is None
