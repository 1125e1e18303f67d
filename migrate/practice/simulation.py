"""What controllers would do after a moment: workloads become ready, claims bound, load balancers get a name."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from typing import Any

from migrate.practice.cluster import Asked, Cluster
from migrate.practice.lifecycle import NAMESPACES, now
from migrate.practice.refusal import Refusal
from migrate.practice.store import Key, Name

Json = dict[str, Any]
MANAGER = "practice-cluster"


class Simulation:
    """Watches a cluster and settles each object `moment` seconds after it was written."""

    def __init__(self, cluster: Cluster, moment: float = 0.3) -> None:
        self._cluster = cluster
        self._moment = moment
        self._due: list[tuple[float, Key, Name]] = []
        self._wake = cluster.store.lock
        cluster.changed = self._changed
        threading.Thread(target=self._run, daemon=True).start()

    def _changed(self, key: Key, name: Name) -> None:
        namespace = self._cluster.store.get(NAMESPACES, ("", name[0])) if name[0] else None
        if namespace and namespace["metadata"].get("deletionTimestamp"):
            key, name = NAMESPACES, ("", name[0])
        if key in _SETTLE or key == NAMESPACES:
            heapq.heappush(self._due, (time.monotonic() + self._moment, key, name))
            self._wake.notify_all()

    def _run(self) -> None:
        with self._wake:
            while not self._cluster.store.closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._wake.wait(wait)
                    continue
                _, key, name = heapq.heappop(self._due)
                try:
                    self._settle(key, name)
                except (Refusal, TypeError, AttributeError):
                    continue  # it changed meanwhile and has its own turn, or it is too odd to become ready

    def _settle(self, key: Key, name: Name) -> None:
        body = self._cluster.store.get(key, name)
        if body is None:
            return
        if key == NAMESPACES:
            if body["metadata"].get("deletionTimestamp"):
                self._empty(name[1])
            return
        status, spec = body.get("status"), body.get("spec")
        wanted = _SETTLE[key](body, spec if isinstance(spec, dict) else {}, status if isinstance(status, dict) else {})
        kind = self._cluster.kinds.stored(key)
        if not wanted or kind is None or "deletionTimestamp" in body["metadata"]:
            return
        if key == _CLAIMS and not (body.get("spec") or {}).get("volumeName"):
            volume = {"volumeName": f"pvc-{body['metadata']['uid']}"}
            self._cluster.patch(
                Asked(kind, *name, manager=MANAGER),
                lambda live: {**live, "spec": {**(live.get("spec") or {}), **volume}},
            )
        asked = Asked(kind, *name, sub="status", manager=MANAGER)
        self._cluster.patch(asked, lambda live: {**live, "status": {**(live.get("status") or {}), **wanted}})

    def _empty(self, namespace: str) -> None:
        """Delete what is in a namespace, and the namespace once nothing is; finalizers may hold it back."""
        left = [(key, name) for key, name, _ in self._cluster.store.each() if name[0] == namespace]
        for key, name in left:
            kind = self._cluster.kinds.stored(key)
            if kind and self._cluster.store.get(key, name):
                self._cluster.delete(Asked(kind, *name))
        if not any(name[0] == namespace for _, name, _ in self._cluster.store.each()):
            self._cluster.remove(NAMESPACES, ("", namespace))


def _observed(body: Json, status: Json) -> bool:
    """Tell whether a controller has seen this generation already, here or where the object came from."""
    seen = status.get("observedGeneration")
    return isinstance(seen, int) and seen >= body["metadata"].get("generation", 0)


def _replicas(spec: Json) -> int:
    found = spec.get("replicas", 1)
    return found if isinstance(found, int) else 1


def _deployment(body: Json, spec: Json, status: Json) -> Json:
    if _observed(body, status):
        return {}
    count = _replicas(spec)
    words = {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
    conditions = [_condition(word, why) for word, why in words.items()]
    counts = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), count)
    return {**counts, "observedGeneration": body["metadata"]["generation"], "conditions": conditions}


def _stateful_set(body: Json, spec: Json, status: Json) -> Json:
    if _observed(body, status):
        return {}
    names = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    revision = f"{body['metadata']['name']}-practice"
    revisions = {"currentRevision": revision, "updateRevision": revision}
    return {**dict.fromkeys(names, _replicas(spec)), **revisions, "observedGeneration": body["metadata"]["generation"]}


def _daemon_set(body: Json, spec: Json, status: Json) -> Json:
    if _observed(body, status):
        return {}
    words = ("current", "desired", "updated")
    counts = {f"{word}NumberScheduled": 1 for word in words} | {"numberReady": 1, "numberAvailable": 1}
    return {**counts, "numberMisscheduled": 0, "observedGeneration": body["metadata"]["generation"]}


def _job(body: Json, spec: Json, status: Json) -> Json:
    if status.get("conditions") or spec.get("suspend") is True:
        return {}
    count = spec.get("completions") if isinstance(spec.get("completions"), int) else 1
    conditions = [_condition("Complete", "CompletionsReached")]
    return {"succeeded": count, "startTime": now(), "completionTime": now(), "conditions": conditions}


def _claim(body: Json, spec: Json, status: Json) -> Json:
    if status.get("phase") == "Bound":
        return {}
    wanted = spec.get("resources") if isinstance(spec.get("resources"), dict) else {}
    capacity = {"capacity": wanted["requests"]} if wanted and wanted.get("requests") else {}
    return {"phase": "Bound", "accessModes": spec.get("accessModes") or [], **capacity}


def _service(body: Json, spec: Json, status: Json) -> Json:
    if spec.get("type") != "LoadBalancer" or (status.get("loadBalancer") or {}).get("ingress"):
        return {}
    host = f"{body['metadata']['name']}-{body['metadata']['namespace']}.elb.practice.invalid"
    return {"loadBalancer": {"ingress": [{"hostname": host}]}}


def _condition(word: str, why: str) -> Json:
    return {"type": word, "status": "True", "reason": why, "lastTransitionTime": now(), "message": "simulated"}


_CLAIMS = ("", "persistentvolumeclaims")
_SETTLE: dict[Key, Callable[[Json, Json, Json], Json]] = {
    ("apps", "deployments"): _deployment,
    ("apps", "statefulsets"): _stateful_set,
    ("apps", "daemonsets"): _daemon_set,
    ("batch", "jobs"): _job,
    _CLAIMS: _claim,
    ("", "services"): _service,
}
