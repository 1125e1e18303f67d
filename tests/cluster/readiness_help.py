"""A cluster whose kubelet is played by hand, and questions about readiness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client, Json
from shapes_help import eventually

from migrate.semantics.readiness import Readiness, Ready, readiness

ROOM = {"cpu": "64", "memory": "256Gi", "pods": "500"}
UP = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "by hand"}]
IMAGE = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x:1"'}}


@pytest.fixture(scope="module")
def by_hand(assets: Assets) -> Iterator[Client]:
    with ControlPlane(assets).start() as plane:
        client = plane.client()
        status = {"allocatable": ROOM, "capacity": ROOM, "conditions": UP}
        client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": status})
        yield client


@pytest.fixture
def space(by_hand: Client, request: pytest.FixtureRequest) -> str:
    name = request.node.name.removeprefix("test_").replace("_", "-")[:60].strip("-")
    made = by_hand.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert readiness(made) == Ready()
    return name


def body(kind: str, space: str, spec: Json, name: str = "web") -> Json:
    version, _, kind = kind.rpartition(" ")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": space}, "spec": spec}


def pods_spec(image: str = "x:1", **more: Any) -> Json:
    return {"terminationGracePeriodSeconds": 0, "containers": [{"name": "a", "image": image}], **more}


def workload(kind: str, space: str, image: str = "x:1", name: str = "web", **more: Any) -> Json:
    labels = {"app": name}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pods_spec(image)}}
    return body(kind, space, {**spec, **more}, name)


def pods(client: Client, space: str) -> list[Json]:
    found = client.list("v1", "Pod", space)
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def play(client: Client, pod: Json, phase: str = "Running", ready: bool = True, state: Json | None = None) -> None:
    """Be the kubelet of one pod."""
    said = "True" if ready else "False"
    now = "2026-01-01T00:00:00Z"
    kinds = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    conditions = [
        {"type": one, "status": said if "Ready" in one else "True", "lastTransitionTime": now} for one in kinds
    ]
    states = [
        {
            "name": "a",
            "image": "x:1",
            "imageID": "",
            "ready": ready,
            "restartCount": 0,
            "state": state or {"running": {"startedAt": now}},
        }
    ]
    status = {"phase": phase, "conditions": conditions, "containerStatuses": states}
    client.patch(pod, {"status": status}, sub="status")


def look(client: Client, obj: Json) -> Readiness:
    meta = obj["metadata"]
    return readiness(client.get(obj["apiVersion"], obj["kind"], meta["name"], meta.get("namespace")))


def becomes(client: Client, obj: Json, wanted: Readiness | type[Readiness], seconds: float = 60) -> Readiness:
    """Look until it is as wanted; fail with what it is instead."""

    def reached() -> bool:
        found = look(client, obj)
        return found == wanted or (isinstance(wanted, type) and isinstance(found, wanted))

    eventually(reached, seconds)
    found = look(client, obj)
    live = client.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace"))
    assert reached(), (found, wanted, live.get("status"))
    return found


def ready_pods(client: Client, space: str, number: int) -> None:
    """Wait for so many scheduled pods, and let all of them be ready."""
    assert eventually(lambda: len([p for p in pods(client, space) if p["spec"].get("nodeName")]) >= number)
    for pod in pods(client, space):
        play(client, pod)
