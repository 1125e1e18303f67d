"""The practice cluster writes statuses as the real controllers do, as far as anybody reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from holding_help import CONTAINERS, with_a_node
from practice_help import World, body
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client, Json
from shapes_help import eventually

# What differs and matters to nobody: times, words for people, names of revisions, where a pod runs.
_OWN = frozenset(
    {"lastTransitionTime", "lastUpdateTime", "lastProbeTime", "lastPhaseTransitionTime", "message", "currentMetrics"}
    | {"currentRevision", "updateRevision", "collisionCount", "startTime", "completionTime"}
)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def plain(value: Any) -> Any:
    """Without what differs, and without zeros, which servers leave out."""
    if isinstance(value, list):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in _OWN and v not in (0, None, "", [], {})}
    return value


def workload(kind: str, name: str, count: int) -> Json:
    labels = {"app": name}
    selector = labels if kind == "v1 ReplicationController" else {"matchLabels": labels}
    spec = {"selector": selector, "template": {"metadata": {"labels": labels}, "spec": CONTAINERS}}
    return body(kind, name, spec=spec if "Daemon" in kind else {**spec, "replicas": count})


def scaler(name: str) -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 1}},
    }
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5, "metrics": [metric]}
    return body("autoscaling/v2 HorizontalPodAutoscaler", name, spec=spec)


def budget(name: str, app: str, **spec: Any) -> Json:
    return body("policy/v1 PodDisruptionBudget", name, spec={"selector": {"matchLabels": {"app": app}}, **spec})


CASES: dict[str, list[Json]] = {
    **{
        f"{kind} {count}": [workload(kind, f"{kind.split()[1].lower()}-{count}", count)]
        for kind in ("apps/v1 Deployment", "apps/v1 StatefulSet", "apps/v1 ReplicaSet", "v1 ReplicationController")
        for count in (0, 3)
    },
    "DaemonSet": [workload("apps/v1 DaemonSet", "agent", 0)],
    "an autoscaler of nothing": [scaler("nothing")],
    "an autoscaler that is off": [workload("apps/v1 Deployment", "off", 0), scaler("off")],
    "a budget in percent": [workload("apps/v1 Deployment", "half", 3), budget("half", "half", minAvailable="50%")],
    "a tight budget": [workload("apps/v1 Deployment", "tight", 2), budget("tight", "tight", minAvailable=2)],
    "a budget of what may go": [workload("apps/v1 Deployment", "may", 3), budget("may", "may", maxUnavailable=1)],
    "half may go": [workload("apps/v1 StatefulSet", "go", 3), budget("go", "go", maxUnavailable="50%")],
    "a budget of nobody": [budget("nobody", "nobody", maxUnavailable=1)],
    "a budget of what is off": [workload("apps/v1 Deployment", "zero", 0), budget("zero", "zero", minAvailable=1)],
}


@pytest.fixture(scope="module")
def client(assets: Assets) -> Iterator[Client]:
    with ControlPlane(assets).start(with_kwok=True) as plane:
        client = with_a_node(plane)
        client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        for one in (one for case in CASES.values() for one in case):
            client.create(one)  # all at once: an autoscaler is looked at every 15 seconds
        yield client


@pytest.mark.parametrize("case", CASES)
def test_the_same_objects_have_the_same_statuses(client: Client, world: World, case: str) -> None:
    for one in CASES[case]:
        world.send(one)

    def both(one: Json) -> tuple[Any, Any]:
        here = client.get(one["apiVersion"], one["kind"], one["metadata"]["name"], "shop").get("status")
        return plain(here or {}), plain(world.look(one).get("status") or {})

    for one in CASES[case]:
        eventually(lambda one=one: (found := both(one)) and found[0] == found[1] != {})
        real, practice = both(one)
        assert practice == real and real, one["kind"]
