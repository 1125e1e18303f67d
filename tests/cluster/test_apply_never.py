"""What must never happen, each tried with the real command line between two real control planes."""

from __future__ import annotations

from typing import Any

import pytest
from apply_kinds import ONCE, deployment
from apply_move import Move, flat, move
from apply_real import Replicas, results
from holding_help import eventually
from rig.http import ApiError, Client, Json

__all__ = ["move"]


def there(client: Client, version: str, kind: str, name: str, namespace: str | None = None) -> Json | None:
    try:
        return client.get(version, kind, name, namespace)
    except ApiError as no:
        assert no.status == 404
        return None


def found(client: Client, version: str, kind: str, name: str, namespace: str | None = None) -> Json:
    body = there(client, version, kind, name, namespace)
    assert body is not None
    return body


def begin(move: Move, name: str, *bodies: Json) -> None:
    """A namespace on the source with these in it."""
    for body in ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, *bodies):
        move.old.create(body)


def within(namespace: str, version: str, kind: str, name: str, **fields: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields}


def database(namespace: str) -> Json:
    room = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"metadata": {"name": "data"}, "spec": {**room, "storageClassName": "standard-rwo"}}
    body = deployment(namespace, "db", 1)
    return {
        **body,
        "kind": "StatefulSet",
        "spec": {**body["spec"], "serviceName": "db", "volumeClaimTemplates": [claim]},
    }


def bound(move: Move, namespace: str, claim: str) -> bool:
    body = there(move.old, "v1", "PersistentVolumeClaim", claim, namespace)
    return body is not None and body.get("status", {}).get("phase") == "Bound"


@pytest.mark.parametrize("answer", ["copied", "empty-ok", "external"])
def test_a_database_does_not_start_before_somebody_answers_for_its_data(move: Move, answer: str) -> None:
    space = f"db-{answer}"
    begin(move, space, database(space))
    eventually(lambda: bound(move, space, "data-db-0"))
    move.export(space)
    done = move.go("apply", space)
    assert done.exit == 0, done.out
    held = found(move.new, "apps/v1", "StatefulSet", "db", space)
    assert held["spec"]["replicas"] == 0 and "gke2eks/hold" in held["metadata"]["annotations"]
    # Nothing runs there any more, so that the data alone is the reason.
    move.old.patch(database(space), {"spec": {"replicas": 0}})
    eventually(lambda: move.old.list("v1", "Pod", space) == [])
    for _ in range(2):
        done = move.go("release", space)
        assert done.exit == 1 and f'volumes: {{"{space}/data-db-0": copied}}' in flat(done.out), done.out
        assert move.written() == []
        assert found(move.new, "apps/v1", "StatefulSet", "db", space)["spec"]["replicas"] == 0
    assert move.new.list("v1", "Pod", space) == []
    move.plan(space, f"volumes:\n  {space}/data-db-0: {answer}\n")
    assert move.go("apply", space).exit == 0  # a plan that calls it free of data starts nothing that is held
    assert found(move.new, "apps/v1", "StatefulSet", "db", space)["spec"]["replicas"] == 0
    done = move.go("release", space)
    assert done.exit == 0, done.out
    assert found(move.new, "apps/v1", "StatefulSet", "db", space)["spec"]["replicas"] == 1


def test_what_is_held_starts_at_release_only_and_not_while_its_twin_runs(move: Move) -> None:
    space = "twins"
    job = {"template": {"spec": ONCE}}
    nightly = within(
        space, "batch/v1", "CronJob", "nightly", spec={"schedule": "* * * * *", "jobTemplate": {"spec": job}}
    )
    begin(move, space, deployment(space, "worker", 2), nightly)
    eventually(lambda: len(move.old.list("v1", "Pod", space)) >= 2)
    move.export(space)
    done = move.go("apply", space)
    assert done.exit == 0, done.out
    asked = [one.path for one in move.proxy.log if one.method == "PATCH" and "cronjobs/nightly" in one.path]
    assert asked and all("dryRun=All" in path for path in asked)
    assert there(move.new, "batch/v1", "CronJob", "nightly", space) is None
    assert found(move.new, "apps/v1", "Deployment", "worker", space)["spec"]["replicas"] == 0
    refused = move.go("release", space)
    assert refused.exit == 1 and move.written() == [], refused.out
    said = results(move.go("release", space, "-o", "json"))
    assert {key: one["action"] for key, one in said.items()} == {
        f"Deployment {space}/worker": "left_out",
        f"CronJob {space}/nightly": "left_out",
    }
    assert move.new.list("v1", "Pod", space) == [] and there(move.new, "batch/v1", "CronJob", "nightly", space) is None
    # The very commands that it printed, typed at the source.
    for one in said.values():
        move.obey(one["fix"])
    eventually(lambda: not [one for one in move.old.list("v1", "Pod", space) if one["status"]["phase"] == "Running"])
    eventually(lambda: move.go("release", space).exit == 0)
    assert found(move.new, "apps/v1", "Deployment", "worker", space)["spec"]["replicas"] == 2
    assert found(move.new, "batch/v1", "CronJob", "nightly", space)["spec"].get("suspend", False) is False


def scaled_objects() -> Json:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": schema}
    names = {
        "plural": "scaledobjects",
        "singular": "scaledobject",
        "kind": "ScaledObject",
        "listKind": "ScaledObjectList",
    }
    spec = {"group": "keda.sh", "scope": "Namespaced", "names": names, "versions": [version]}
    meta = {"name": "scaledobjects.keda.sh"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


def scaled(space: str) -> list[Json]:
    """A web server with an HPA of at least 3, a queue that KEDA scales from 2 on; both stand at fewer on the source."""
    ports = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}
    most = {"minReplicas": 3, "maxReplicas": 9, "scaleTargetRef": target, "metrics": [cpu]}
    trigger = {"type": "rabbitmq", "metadata": {"queueName": "q"}}
    queue = {"scaleTargetRef": {"name": "queue"}, "minReplicaCount": 2, "maxReplicaCount": 9, "triggers": [trigger]}
    return [
        deployment(space, "web", 1),
        within(space, "v1", "Service", "web", spec=ports),
        within(space, "autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=most),
        deployment(space, "queue", 1),
        within(space, "keda.sh/v1alpha1", "ScaledObject", "queue", spec=queue),
    ]


@pytest.mark.parametrize("hold", ["--hold", ""])
def test_replicas_never_fall(move: Move, hold: str) -> None:
    space, smallest = f"scaled{hold}", {"web": 3, "queue": 2}
    for client in (move.old, move.new):
        if not there(client, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "scaledobjects.keda.sh"):
            client.create(scaled_objects())
            eventually(lambda client=client: "keda.sh" in str(client.raw("GET", "/apis")))
    begin(move, space, *scaled(space))
    move.export(space)
    watched = Replicas(move.new)
    more = [hold] if hold else []
    assert (done := move.go("apply", space, *more)).exit == 0, done.out
    assert move.go("apply", space, *more).exit == 0 and move.written() == []
    assert (done := move.go("release", space, "--source-stopped")).exit == 0, done.out
    for name in smallest:
        assert found(move.new, "apps/v1", "Deployment", name, space)["spec"]["replicas"] == smallest[name]
    # As an autoscaler does it: by an update of the scale, under a name of its own.
    for name in smallest:
        move.new.patch(deployment(space, name, 0), {"spec": {"replicas": 7}}, sub="scale")
    for command in ("apply", "release", "apply"):
        assert (done := move.go(command, space)).exit == 0, done.out
        assert move.written() == []
    for name in smallest:
        eventually(lambda name=name: watched.seen.get((space, name), [])[-1:] == [7])
        seen = watched.seen[space, name]
        started = [number for at, number in enumerate(seen) if any(seen[: at + 1])]
        assert started and started[0] >= smallest[name] and min(started) >= smallest[name], (name, seen)
        assert (seen[0] == 0) == (bool(hold) or name == "queue"), (name, seen)
    watched.stop()
    assert watched.errors == []
