"""Whether an object on the target is ready, waits or has failed: one table of kinds, judged by their status alone."""

from __future__ import annotations

from collections.abc import Callable

from migrate.model.objects import Body
from migrate.model.ref import group_of
from migrate.semantics import readiness_others as others
from migrate.semantics import readiness_workloads as workloads
from migrate.semantics.readiness_custom import custom
from migrate.semantics.readiness_others import first_pod
from migrate.semantics.readiness_pods import pod, reasons
from migrate.semantics.readiness_words import Failed, FirstPod, Readiness, Ready, Waiting, as_map

__all__ = ["Failed", "FirstPod", "Readiness", "Ready", "Waiting", "first_pod", "readiness", "reasons"]

_CLAIM = ("", "PersistentVolumeClaim")
_JUDGES: dict[tuple[str, str], Callable[[Body], Readiness]] = {
    ("", "Namespace"): others.namespace,
    ("", "PersistentVolume"): others.volume,
    ("", "Pod"): pod,
    ("", "ReplicationController"): workloads.replica_set,
    ("", "Service"): others.service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): others.definition,
    ("apiregistration.k8s.io", "APIService"): others.api_service,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): others.autoscaler,
    ("batch", "CronJob"): workloads.cron_job,
    ("batch", "Job"): workloads.job,
    ("networking.k8s.io", "Ingress"): others.ingress,
    ("policy", "PodDisruptionBudget"): others.budget,
    ("snapshot.storage.k8s.io", "VolumeSnapshot"): others.snapshot,
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent"): others.snapshot,
}


def readiness(body: Body, *, claim_waits: FirstPod = FirstPod.NOT_AWAITED) -> Readiness:
    """Judge a live object. `claim_waits` matters for claims only, see `first_pod`.

    Kinds that are in no table are ready when they are accepted, unless they have conditions that say otherwise:
    ConfigMaps, roles and webhooks have no status, and of custom kinds many have none.
    """
    if as_map(body.get("metadata")).get("deletionTimestamp"):
        return Failed("it is being deleted; what was sent goes with it")
    group, kind = group_of(str(body.get("apiVersion", ""))), str(body.get("kind", ""))
    if (group, kind) == _CLAIM:
        return others.claim(body, claim_waits)
    judge = _JUDGES.get((group, kind))
    return judge(body) if judge is not None else custom(body, group, kind)
