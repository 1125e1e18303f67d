"""Objects for the tests of hold and release."""

from __future__ import annotations

from typing import Any

from migrate.manifest.places import get, put
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.semantics.holding import MARK, REPLICAS
from migrate.semantics.holding_release import Request
from migrate.semantics.holding_scaling import Scaler

Json = dict[str, Any]
HPA = Scaler("HorizontalPodAutoscaler", "shop", "h", 3, False)
KEDA = Scaler("ScaledObject", "shop", "k", 0, True)
VERSIONS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "ReplicaSet": "apps/v1", "DaemonSet": "apps/v1"} | {
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}


def body(kind: str, version: str = "", name: str = "api", **spec: Any) -> Json:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": version or VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, "spec": spec}


def live(planned: Any, *managers: str, mark: Any = MISSING, replicas: int | None = None) -> Json:
    """The object as a server gives it, `replicas` owned by these managers; 'hpa' is an Update."""
    entry = {"f:spec": {"f:replicas": {}}}
    found = put(
        planned,
        P("metadata", "managedFields"),
        [{"manager": one, "operation": "Update" if one == "hpa" else "Apply", "fieldsV1": entry} for one in managers],
    )
    found = found if mark is MISSING else put(found, MARK, mark)
    result: Json = found if replicas is None else put(found, REPLICAS, replicas)
    return result


def sent(requests: tuple[Request, ...]) -> list[tuple[str, Any]]:
    return [(request.manager, get(request.body, REPLICAS)) for request in requests]


def scaled_by(kind: str = "HorizontalPodAutoscaler", **spec: Any) -> Json:
    version = "autoscaling/v2" if kind == "HorizontalPodAutoscaler" else "keda.sh/v1alpha1"
    return body(kind, version, f"of-{kind.lower()}", **spec)
