"""What the controllers of pods, volumes and addresses would write into a status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from migrate.practice.lifecycle import now
from migrate.practice.store import Key

Json = dict[str, Any]
Around = Callable[[Key], Iterable[Json]]
"""The objects of a kind: of the namespace of the one that settles, or of the cluster."""

CLAIMS, VOLUMES, PODS, NODES = ("", "persistentvolumeclaims"), ("", "persistentvolumes"), ("", "pods"), ("", "nodes")
DEPLOYMENTS, SETS = ("apps", "deployments"), ("apps", "statefulsets")
REPLICA_SETS, CONTROLLERS = ("apps", "replicasets"), ("", "replicationcontrollers")
# What runs pods by a number, and the kind as others name it.
SCALED: dict[Key, str] = {
    DEPLOYMENTS: "Deployment",
    SETS: "StatefulSet",
    REPLICA_SETS: "ReplicaSet",
    CONTROLLERS: "ReplicationController",
}


@dataclass(frozen=True, slots=True)
class Live:
    """An object that settles."""

    body: Json
    spec: Json
    status: Json
    around: Around

    @property
    def generation(self) -> int:
        return int(self.body["metadata"].get("generation") or 0)

    @property
    def seen(self) -> bool:
        """Tell whether a controller has seen this generation already, here or where the object came from."""
        found = self.status.get("observedGeneration")
        return isinstance(found, int) and found >= self.generation

    def condition(self, word: str, why: str, message: str = "simulated", said: str = "True", **more: Any) -> Json:
        """One condition; it keeps its time while it says the same."""
        found = self.status.get("conditions")
        was: Json = next((c for c in (found if isinstance(found, list) else ()) if c.get("type") == word), {})
        when = was.get("lastTransitionTime") if was.get("status") == said else None
        head = {"type": word, "status": said, **more}
        return {**head, "lastTransitionTime": when or now(), "reason": why, "message": message}


def replicas(spec: Json) -> int:
    found = spec.get("replicas", 1)
    return found if isinstance(found, int) else 1


def _deployment(live: Live) -> Json:
    if live.seen:
        return {}
    words = {"Available": "MinimumReplicasAvailable", "Progressing": "NewReplicaSetAvailable"}
    conditions = [live.condition(word, why) for word, why in words.items()]
    names = ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")
    return {
        **dict.fromkeys(names, replicas(live.spec)),
        "observedGeneration": live.generation,
        "conditions": conditions,
    }


def _stateful_set(live: Live) -> Json:
    if live.seen:
        return {}
    names = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    revision = f"{live.body['metadata']['name']}-practice"
    revisions = {"currentRevision": revision, "updateRevision": revision}
    return {**dict.fromkeys(names, replicas(live.spec)), **revisions, "observedGeneration": live.generation}


def _replica_set(live: Live) -> Json:
    if live.seen:
        return {}
    names = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    return {**dict.fromkeys(names, replicas(live.spec)), "observedGeneration": live.generation}


def _daemon_set(live: Live) -> Json:
    if live.seen:
        return {}
    wanted = _nodes(live)
    counts = {f"{word}NumberScheduled": wanted for word in ("current", "desired", "updated")}
    counts |= {"numberReady": wanted, "numberAvailable": wanted}
    return {**counts, "numberMisscheduled": 0, "observedGeneration": live.generation}


def _nodes(live: Live) -> int:
    """For how many Nodes a DaemonSet is. Without any there is one, and it wears all labels but those that hold."""
    found = ((live.spec.get("template") or {}).get("spec") or {}).get("nodeSelector") or {}
    nodes = [node["metadata"].get("labels") or {} for node in live.around(NODES)]
    if not nodes:
        return 0 if any(key.startswith("gke2eks/") for key in found) else 1
    return sum(found.items() <= labels.items() for labels in nodes)


def _job(live: Live) -> Json:
    if live.status.get("conditions") or live.spec.get("suspend") is True:
        return {}
    count = live.spec.get("completions") if isinstance(live.spec.get("completions"), int) else 1
    conditions = [live.condition("Complete", "CompletionsReached")]
    return {"succeeded": count, "startTime": now(), "completionTime": now(), "conditions": conditions}


def _pod(live: Live) -> Json:
    """A Pod that nothing made; what a workload would make is never there."""
    if live.status.get("phase") not in (None, "Pending") or live.spec.get("schedulingGates"):
        return {}
    if live.body["metadata"].get("ownerReferences"):
        return {}
    words = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    conditions = [live.condition(word, "Simulated") for word in words]
    return {"phase": "Running", "startTime": now(), "conditions": conditions}


def _claim(live: Live) -> Json:
    if live.status.get("phase") == "Bound":
        return {}
    wanted = live.spec.get("resources") if isinstance(live.spec.get("resources"), dict) else {}
    capacity = {"capacity": wanted["requests"]} if wanted and wanted.get("requests") else {}
    return {"phase": "Bound", "accessModes": live.spec.get("accessModes") or [], **capacity}


def _volume(live: Live) -> Json:
    if live.status.get("phase") in ("Bound", "Released", "Failed"):
        return {}
    name = live.body["metadata"]["name"]
    taken = any((claim.get("spec") or {}).get("volumeName") == name for claim in live.around(CLAIMS))
    phase = "Bound" if taken else "Available"
    return {} if live.status.get("phase") == phase else {"phase": phase, "lastPhaseTransitionTime": now()}


def _service(live: Live) -> Json:
    return _address(live) if live.spec.get("type") == "LoadBalancer" else {}


def _address(live: Live) -> Json:
    if (live.status.get("loadBalancer") or {}).get("ingress"):
        return {}
    metadata = live.body["metadata"]
    host = f"{metadata['name']}-{metadata['namespace']}.elb.practice.invalid"
    return {"loadBalancer": {"ingress": [{"hostname": host}]}}


def _api(live: Live) -> Json:
    if live.status.get("conditions"):
        return {}
    local = not live.spec.get("service")
    why = ("Local", "Local APIServices are always available") if local else ("Passed", "all checks passed")
    return {"conditions": [live.condition("Available", *why)]}


SETTLE: dict[Key, Callable[[Live], Json]] = {
    DEPLOYMENTS: _deployment,
    SETS: _stateful_set,
    REPLICA_SETS: _replica_set,
    CONTROLLERS: _replica_set,
    ("apps", "daemonsets"): _daemon_set,
    ("batch", "jobs"): _job,
    PODS: _pod,
    CLAIMS: _claim,
    VOLUMES: _volume,
    ("", "services"): _service,
    ("networking.k8s.io", "ingresses"): _address,
    ("apiregistration.k8s.io", "apiservices"): _api,
}
