"""Bringing back what a run deleted, on a real control plane: the scenes, and what only a real one has."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apply_help import Watched
from contract.target_help import open_target
from rig.controlplane import ControlPlane
from rollback_help import Life, actions, deployment, messages, obj
from rollback_scenes_deleted import *  # noqa: F403
from rollback_scenes_deleted import RECREATE, immutable, same

from migrate.practice import Cluster, Server
from migrate.semantics.policy import parse_policies

_numbers = itertools.count(1)
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp3"}
ONCE = {"containers": [{"name": "c", "image": "a:1"}], "restartPolicy": "Never"}


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    served = Server(Cluster()).start()
    yield served.url
    served.stop()


@pytest.fixture
def life(control_plane: ControlPlane, source: str, tmp_path: Path) -> Life:
    return Life(control_plane.client(), tmp_path, f"back{next(_numbers)}", open_target(source))


def soon(what: Any, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def service(life: Life, **spec: Any) -> Any:
    more = {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    return obj("Service", "web", life.space, spec={**more, **spec})


def test_a_service_has_its_address_and_its_port_again(life: Life) -> None:
    space = obj("Namespace", life.space)
    life.plan(space, service(life))
    life.apply()
    was = same(life.get("v1", "Service", "web"))
    life.plan(space)
    assert life.apply(prune=True).counts["deleted"] == 1
    report = life.rollback()
    assert messages(report) == {"Service/web": ""} and same(life.get("v1", "Service", "web")) == was
    assert was["spec"]["clusterIP"] and was["spec"]["ports"][0]["nodePort"]


def test_an_address_that_was_taken_is_another_and_is_said(life: Life) -> None:
    space = obj("Namespace", life.space)
    life.plan(space, service(life))
    life.apply()
    was = life.get("v1", "Service", "web")
    assert was is not None
    life.plan(space)
    life.apply(prune=True)
    ip, port = was["spec"]["clusterIP"], was["spec"]["ports"][0]["nodePort"]
    thief = obj("Service", "thief", life.space, spec={"clusterIP": ip, "ports": [{"port": 1}]})
    second = obj("Service", "second", life.space, spec={"type": "NodePort", "ports": [{"port": 1, "nodePort": port}]})
    for body in (thief, second):
        soon(lambda body=body: life.client.create(body))
    report = life.rollback()
    now = life.get("v1", "Service", "web")
    assert now is not None and actions(report) == {"Service/web": "restored"}, report.results
    assert now["spec"]["clusterIP"] not in ("", ip) and now["spec"]["ports"][0]["nodePort"] != port
    assert messages(report)["Service/web"].startswith(f"its address {ip} is somebody else's by now: it has ")
    assert life.rollback().results == ()


def test_a_workload_made_anew_is_the_former_one_again(life: Life) -> None:
    """Its selector is fixed for life."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    life.client.apply(deployment(life.space, "web", 2), manager="argocd")
    was = same(life.get("apps/v1", "Deployment", "web"))
    body = deployment(life.space, "web", 2)
    body["spec"]["selector"]["matchLabels"] = body["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    life.plan(body)
    assert life.apply(policies=RECREATE).exit == 0
    assert soon(lambda: len(life.client.list("v1", "Pod", life.space)) == 2)
    report = life.rollback()
    assert messages(report) == {"Deployment/web": ""} and actions(report) == {"Deployment/web": "restored"}
    assert same(life.get("apps/v1", "Deployment", "web")) == was
    labels = lambda: {one["metadata"]["labels"]["app"] for one in life.client.list("v1", "Pod", life.space)}  # noqa: E731
    assert soon(lambda: labels() == {"web"}) and life.rollback().results == ()


def test_a_job_that_had_ended_does_not_run_again(life: Life) -> None:
    body = obj("Job", "once", life.space, "batch/v1", spec={"completions": 0, "template": {"spec": ONCE}})
    life.plan(obj("Namespace", life.space), body)
    life.apply()
    assert soon(lambda: "completionTime" in (life.get("batch/v1", "Job", "once") or {}).get("status", {}))
    life.plan(obj("Namespace", life.space))
    assert life.apply(prune=True).counts["deleted"] == 1
    report = life.rollback()
    assert messages(report)["Job/once"] == "it had ended, so it is there suspended and does not run again"
    now = life.get("batch/v1", "Job", "once")
    assert now is not None and now["spec"]["suspend"] is True and life.rollback().results == ()


def test_who_owned_it_owns_it_again_and_who_is_gone_does_not(life: Life) -> None:
    """What names an owner that is not there is collected at once."""
    space = obj("Namespace", life.space)
    life.plan(space, obj("ConfigMap", "child", life.space, data={"a": "1"}), obj("ConfigMap", "stays", life.space))
    life.apply()
    owner = life.get("v1", "ConfigMap", "stays")
    assert owner is not None
    there = {"apiVersion": "v1", "kind": "ConfigMap", "name": "stays", "uid": owner["metadata"]["uid"]}
    other = obj("ConfigMap", "other", life.space)
    gone = {**there, "name": "other", "uid": life.client.create(other)["metadata"]["uid"]}
    life.client.patch(obj("ConfigMap", "child", life.space), {"metadata": {"ownerReferences": [there, gone]}})
    life.plan(space, obj("ConfigMap", "stays", life.space))
    assert life.apply(prune=True).counts["deleted"] == 1
    life.client.delete(other)
    assert actions(life.rollback())["ConfigMap/child"] == "restored"
    assert life.get("v1", "ConfigMap", "child")["metadata"]["ownerReferences"] == [there]  # type: ignore[index]


def test_a_claim_made_anew_has_lost_its_data_and_it_is_said(life: Life) -> None:
    life.client.apply(obj("Namespace", life.space), manager="platform")
    claim = obj("PersistentVolumeClaim", "data", life.space, spec=CLAIM)
    life.client.apply(claim, manager="argocd")
    life.plan(obj("PersistentVolumeClaim", "data", life.space, spec={**CLAIM, "storageClassName": "io2"}))
    ref = f"PersistentVolumeClaim/{life.space}/data"
    life.client.patch(claim, {"metadata": {"finalizers": None}})
    done = life.apply(policies=parse_policies(["recreate"], [ref]))
    assert done.exit == 0, done.results
    first = life.rollback()
    assert actions(first) == {"PersistentVolumeClaim/data": "kept"}
    lost = "what the one before it held was lost when that was deleted: nothing brings it back"
    assert messages(first)["PersistentVolumeClaim/data"] == f"it holds data; {lost}"
    second = life.rollback(data=[("", "PersistentVolumeClaim")])
    assert actions(second) == {"PersistentVolumeClaim/data": "deleted"}
    assert messages(second)["PersistentVolumeClaim/data"] == lost
    third = life.rollback()
    assert life.get("v1", "PersistentVolumeClaim", "data") is None and third.counts["kept"] == 1
    assert "nothing brings that back" in third.results[0].message


def test_kinds_of_many_sorts_come_back(life: Life) -> None:
    """Each with what its server fills in, and all its owners."""
    space = life.space
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    db = deployment(space, "db", 1)
    db["kind"], db["spec"] = "StatefulSet", {**db["spec"], "serviceName": "db"}
    bodies = [
        obj("ServiceAccount", "web", space),
        obj("Role", "reads", space, "rbac.authorization.k8s.io/v1", rules=rules),
        obj(
            *("RoleBinding", "web", space, "rbac.authorization.k8s.io/v1"),
            roleRef=role,
            subjects=[{"kind": "ServiceAccount", "name": "web", "namespace": space}],
        ),
        obj("LimitRange", "limits", space, spec={"limits": [{"type": "Pod", "max": {"cpu": "4"}}]}),
        obj("NetworkPolicy", "closed", space, "networking.k8s.io/v1", spec={"podSelector": {}}),
        service(life),
        db,
        deployment(space, "web", 1),
        obj(
            *("HorizontalPodAutoscaler", "web", space, "autoscaling/v2"),
            spec={"scaleTargetRef": scaled, "maxReplicas": 3, "metrics": [metric]},
        ),
        obj("PodDisruptionBudget", "web", space, "policy/v1", spec={"minAvailable": 1, "selector": {}}),
        obj("Ingress", "web", space, "networking.k8s.io/v1", spec={"defaultBackend": backend}),
        obj(
            *("CronJob", "nightly", space, "batch/v1"),
            spec={"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": ONCE}}}},
        ),
    ]
    life.plan(obj("Namespace", space), *bodies)
    report = life.apply()
    assert report.exit == 0, report.results
    made = [one for one in bodies if life.get(one["apiVersion"], one["kind"], one["metadata"]["name"])]
    was = [same(life.get(one["apiVersion"], one["kind"], one["metadata"]["name"])) for one in made]
    assert len(made) >= len(bodies) - 2  # what arrives held is not there yet
    life.plan(obj("Namespace", space))
    done = life.apply(prune=True)
    assert done.counts["deleted"] == len(made), done
    report = life.rollback()
    assert report.counts["restored"] == len(made) and set(messages(report).values()) == {""}, report.results
    assert [same(life.get(one["apiVersion"], one["kind"], one["metadata"]["name"])) for one in made] == was
    assert life.rollback().results == ()


def test_what_does_not_make_room_stops_what_comes_after(life: Life) -> None:
    """The object that apply made is held by a finalizer: who holds it may be in a wave that comes later."""
    was = immutable(life)
    life.apply(policies=RECREATE)
    body = obj("ConfigMap", "settings", life.space)
    life.client.patch(body, {"metadata": {"finalizers": ["example.com/hold"]}})
    seen = Watched()
    with life.look() as ready:
        report = ready.run(patience=1, watcher=seen, stop=threading.Event())
    assert actions(report) == {"ConfigMap/settings": "failed"} and report.exit == 5
    assert "to make room, and is not gone yet; its finalizers hold it: example.com/hold" in report.results[0].message
    life.client.patch(body, {"metadata": {"finalizers": None}})
    assert soon(lambda: life.get("v1", "ConfigMap", "settings") is None)
    assert actions(life.rollback()) == {"ConfigMap/settings": "restored"}
    assert same(life.get("v1", "ConfigMap", "settings")) == was


def test_a_secret_of_ours_is_not_made_anew_unless_it_can_come_back(life: Life) -> None:
    space, login = obj("Namespace", life.space), obj("Secret", "login", life.space, type="Opaque", data={"a": "YQ=="})
    life.on_source(space, login)
    life.plan(space, {**login, "immutable": True})
    life.apply()
    was = same(life.get("v1", "Secret", "login"))
    life.on_source({**login, "data": {"a": "Yg=="}})
    out = life.apply(policies=RECREATE)
    assert actions(out)["Secret/login"] == "left_out" and out.written == 0, out.results
    assert "no rollback could bring back" in next(one.message for one in out.results if one.ref.kind == "Secret")
    assert same(life.get("v1", "Secret", "login")) == was
    assert life.apply(policies=RECREATE, no_undo=True).counts["created"] == 1
