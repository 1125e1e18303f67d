"""A small source of every sort, read twice: what tests of drift share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from migrate.differ.drift import drift
from migrate.flow.plan import tables
from migrate.model.decided import Decided
from migrate.model.drift import Drift, Moved
from migrate.model.objects import Object, Snapshot
from migrate.model.ref import Ref, group_of
from migrate.planner import Tables, plan
from migrate.reading.redact import Redactor

Json = dict[str, Any]
Edit = Callable[[Json], object]
KEY = b"k" * 32
GSA = "api@acme-prod.iam.gserviceaccount.com"
ROLE = "arn:aws:iam::111122223333:role/api"


def obj(version: str, kind: str, name: str, space: str = "shop", **more: Any) -> Json:
    meta = {"name": name, "uid": f"u-{kind}-{name}", "resourceVersion": "1", **more.pop("metadata", {})}
    meta |= {"namespace": space} if space else {}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **more}


def pods(image: str = "nginx:1") -> Json:
    spec = {"containers": [{"name": "api", "image": image, "env": [{"name": "A", "value": "1"}]}]}
    return {"metadata": {"labels": {"app": "api"}}, "spec": spec}


def deployment(name: str = "api", space: str = "shop") -> Json:
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "api"}}, "template": pods()}
    return obj("apps/v1", "Deployment", name, space, spec=spec, status={"replicas": 3})


def claim() -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return obj("v1", "PersistentVolumeClaim", "data", spec=spec | {"storageClassName": "standard-rwo"})


def scaler(kind: str = "Deployment", name: str = "api") -> Json:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return obj("autoscaling/v2", "HorizontalPodAutoscaler", "h", spec={"scaleTargetRef": target, "maxReplicas": 9})


def source() -> list[Json]:
    robot = {"annotations": {"iam.gke.io/gcp-service-account": GSA}}
    daemons = {"selector": {"matchLabels": {"app": "api"}}, "template": pods()}
    cron = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": pods()}}}
    return [
        obj("v1", "Namespace", "shop", ""),
        deployment(),
        deployment("web"),
        deployment("far", "other"),
        obj("apps/v1", "DaemonSet", "agent", spec=daemons),
        obj("batch/v1", "CronJob", "nightly", spec=cron),
        obj("batch/v1", "Job", "once", spec={"template": pods()}, status={"active": 1}),
        obj("v1", "ConfigMap", "c", data={"a": "1"}),
        obj("v1", "ConfigMap", "cluster-kubestore", "kube-system", data={"a": "1"}),
        obj("v1", "ServiceAccount", "robot", metadata=robot),
        claim(),
        obj("v1", "Secret", "s", type="Opaque", data={"a": "c2VjcmV0", "b": ""}),
        obj("v1", "Pod", "api-1", metadata={"ownerReferences": [owner()]}, spec=pods()["spec"]),
    ]


def owner() -> Json:
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api", "uid": "r", "controller": True}


def read(bodies: list[Json], key: bytes = KEY, **more: Any) -> tuple[Snapshot, Mapping[Ref, Any]]:
    objects, hashes = [], {}
    for body in bodies:
        meta = body["metadata"]
        ref = Ref(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])
        found = Redactor((), key).redact(copy.deepcopy(body))
        objects.append(Object(ref, found.body))
        hashes |= {ref: found.keys} if found.keys else {}
    return Snapshot(tuple(sorted(objects, key=lambda one: one.ref)), **more), hashes


@cache
def rules() -> Tables:
    return tables(())


def look(
    change: Callable[[list[Json]], object] | None = None,
    *,
    decided: Decided | None = None,
    was: list[Json] | None = None,
    **more: Any,
) -> Drift:
    """Plan the source, change it, and look again."""
    first = was or source()
    second = copy.deepcopy(first)
    if change is not None:
        change(second)
    decided = decided or Decided()
    (then, before), (now, after) = read(first, read_at="t1"), read(second, read_at="t2", **more)
    kept = copy.deepcopy((then, now))
    found = drift(then, now, plan(then, rules(), decided), decided, hashes_then=before, hashes_now=after)
    assert (then, now) == kept
    return found


def at(bodies: list[Json], name: str, kind: str = "") -> Json:
    return next(one for one in bodies if one["metadata"]["name"] == name and kind in ("", one["kind"]))


def edit(name: str, how: Edit, kind: str = "") -> Callable[[list[Json]], object]:
    return lambda bodies: how(at(bodies, name, kind))


def only(found: Drift) -> Moved:
    (one,) = found.moved
    return one
