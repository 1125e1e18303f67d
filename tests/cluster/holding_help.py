"""Objects to hold, and how the tests of holding send them to a real API server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json

from migrate.semantics.holding import hold
from migrate.semantics.holding_release import Request, arrive, release
from migrate.semantics.holding_scaling import Scaler

VERSIONS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "ReplicaSet": "apps/v1", "DaemonSet": "apps/v1"} | {
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
}
CONTAINERS = {"containers": [{"name": "main", "image": "example.com/a:1"}]}
AT_ONCE = {"containers": CONTAINERS["containers"], "restartPolicy": "Never"}


def with_a_node(plane: ControlPlane) -> Client:
    client = plane.client()
    room = {"cpu": "8", "memory": "32Gi", "pods": "1000"}
    status = {"allocatable": room, "capacity": room}
    client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}, "status": status})
    return client


def body(kind: str, name: str, **spec: Any) -> Json:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, "spec": spec}


def workload(kind: str, name: str, **spec: Any) -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": CONTAINERS}
    selector = {"app": name} if kind == "ReplicationController" else {"matchLabels": {"app": name}}
    return body(kind, name, selector=selector, template=template, **spec)


def job(name: str, **spec: Any) -> Json:
    return body("Job", name, template={"spec": AT_ONCE}, **spec)


def cron_job(name: str, **spec: Any) -> Json:
    return body("CronJob", name, schedule="* * * * *", jobTemplate={"spec": {"template": {"spec": AT_ONCE}}}, **spec)


def hpa(target: Json, smallest: int) -> Json:
    name, metric = target["metadata"]["name"], {"metric": {"name": "q"}, "target": {"type": "Value", "value": "1"}}
    scaled = {"apiVersion": "apps/v1", "kind": target["kind"], "name": name}
    metrics = [{"type": "External", "external": metric}]  # nobody serves it: the HPA keeps to its bounds
    return body(
        "HorizontalPodAutoscaler", name, minReplicas=smallest, maxReplicas=9, scaleTargetRef=scaled, metrics=metrics
    )


def read(client: Client, planned: Json) -> Json | None:
    try:
        return client.get(planned["apiVersion"], planned["kind"], planned["metadata"]["name"], "default")
    except ApiError as error:
        assert error.status == 404
        return None


def there(client: Client, planned: Json) -> Json:
    found = read(client, planned)
    assert found is not None
    return found


def send(client: Client, requests: tuple[Request, ...]) -> None:
    for request in requests:
        client.apply(dict(request.body), manager=request.manager)


def applied(client: Client, planned: Json, held: bool = True, scaler: Scaler | None = None) -> None:
    found = hold(planned) if held else None
    send(client, arrive(read(client, planned), planned, held=found, scaler=scaler))


def released(client: Client, planned: Json, scaler: Scaler | None = None) -> None:
    send(client, release(read(client, planned), planned, scaler=scaler))


def pods(client: Client, name: str) -> list[Json]:
    return [one for one in client.list("v1", "Pod", "default") if one["metadata"]["name"].startswith(name)]


def eventually(true: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)
    return found


def running(client: Client, name: str, count: int) -> bool:
    found = pods(client, name)
    return len(found) == count and all(one["status"]["phase"] == "Running" for one in found)
