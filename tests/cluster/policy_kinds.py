"""Each kind with a field that is fixed for life: as it is there, and as it is planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rig.http import Json
from rollback_help import deployment, obj


def changed(body: Json, path: str, value: Any) -> Json:
    """A copy with another value at a.b.c."""
    head, _, rest = path.partition(".")
    return {**body, head: changed(body.get(head) or {}, rest, value) if rest else value}


def pods(space: str, kind: str, version: str = "apps/v1", **spec: Any) -> Json:
    body = deployment(space, "web", 1)
    return {**body, "kind": kind, "apiVersion": version, "spec": {**body["spec"], **spec}}


def labels(which: str) -> Json:
    return {"app": "web", "tier": which}


def selecting(space: str, kind: str, which: str) -> Json:
    body = pods(space, kind, selector={"matchLabels": labels(which)})
    body["spec"]["template"]["metadata"]["labels"] = labels(which)
    if kind == "DaemonSet":
        body["spec"].pop("replicas")
    return body


def job(space: str, image: str) -> Json:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": image}]}}
    return obj("Job", "web", space, "batch/v1", spec={"template": template})


def binding(space: str, role: str) -> Json:
    group = "rbac.authorization.k8s.io"
    ref = {"apiGroup": group, "kind": "ClusterRole", "name": role}
    who = [{"kind": "ServiceAccount", "name": "default", "namespace": space}]
    return obj("RoleBinding", "web", space, f"{group}/v1", roleRef=ref, subjects=who)


def service(space: str, ip: str) -> Json:
    return obj("Service", "web", space, spec={"clusterIP": ip, "selector": labels("a"), "ports": [{"port": 80}]})


def slice_(space: str, sort: str, address: str) -> Json:
    there = [{"addresses": [address]}]
    return obj("EndpointSlice", "web", space, "discovery.k8s.io/v1", addressType=sort, endpoints=there, ports=[])


def storage(space: str, kind: str) -> Json:
    return obj("StorageClass", space, "", "storage.k8s.io/v1", provisioner="a.b/c", parameters={"type": kind})


# {what: how it is there, how it is planned}, by the namespace or, for cluster scope, a name of its own
FIXED: dict[str, Callable[[str], tuple[Json, Json]]] = {
    "Deployment": lambda s: (selecting(s, "Deployment", "a"), selecting(s, "Deployment", "b")),
    "DaemonSet": lambda s: (selecting(s, "DaemonSet", "a"), selecting(s, "DaemonSet", "b")),
    "ReplicaSet": lambda s: (selecting(s, "ReplicaSet", "a"), selecting(s, "ReplicaSet", "b")),
    "StatefulSet": lambda s: (
        pods(s, "StatefulSet", serviceName="a"),
        pods(s, "StatefulSet", serviceName="b"),
    ),
    "Job": lambda s: (job(s, "example.com/a:1"), job(s, "example.com/a:2")),
    "Service": lambda s: (service(s, ""), service(s, "None")),
    "RoleBinding": lambda s: (binding(s, "view"), binding(s, "edit")),
    "Secret": lambda s: (
        obj("Secret", "web", s, type="Opaque"),
        obj("Secret", "web", s, type="example.com/other"),
    ),
    "EndpointSlice": lambda s: (slice_(s, "IPv4", "10.0.0.1"), slice_(s, "IPv6", "2001:db8::1")),
    "StorageClass": lambda s: (storage(s, "gp2"), storage(s, "gp3")),
    "IngressClass": lambda s: (
        obj("IngressClass", s, "", "networking.k8s.io/v1", spec={"controller": "a.b/c"}),
        obj("IngressClass", s, "", "networking.k8s.io/v1", spec={"controller": "a.b/d"}),
    ),
    "PriorityClass": lambda s: (
        obj("PriorityClass", s, "", "scheduling.k8s.io/v1", value=1),
        obj("PriorityClass", s, "", "scheduling.k8s.io/v1", value=2),
    ),
    "RuntimeClass": lambda s: (
        obj("RuntimeClass", s, "", "node.k8s.io/v1", handler="a"),
        obj("RuntimeClass", s, "", "node.k8s.io/v1", handler="b"),
    ),
}
