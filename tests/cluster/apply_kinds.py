"""One object for each kind of write that apply and release do, under names of one's own."""

from __future__ import annotations

from typing import Any

from rig.http import Json

_FIXTURE_KINDS = [
    ("v1", "Namespace"),
    ("v1", "ServiceAccount"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
]
SMALLEST = {"web": 3, "worker": 2}  # minReplicas of the HPAs of these Deployments
POD = {"containers": [{"name": "main", "image": "example.com/a:1"}]}
ONCE = {**POD, "restartPolicy": "Never"}


def kinds(group: str) -> list[tuple[str, str]]:
    return [*_FIXTURE_KINDS, (f"{group}/v1", "Thing")]


def group_of(name: str) -> str:
    return f"{name}.example.com"


def fixture(name: str) -> list[Json]:
    """The objects, all with `name` in their own names: a namespace, its contents, and what is there for the cluster."""
    rbac, role = "rbac.authorization.k8s.io", f"{name}-reader"
    subject = {"kind": "ServiceAccount", "name": "app", "namespace": name}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp3"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        _definition(name),
        {**_in(name, f"{group_of(name)}/v1", "Thing", "one"), "spec": {"size": 1}},
        _in(name, "v1", "ServiceAccount", "app"),
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": role}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        },
        {**_in(name, "v1", "ConfigMap", "settings"), "data": {"a": "1"}},
        {**_in(name, "v1", "Secret", "login"), "type": "Opaque", "data": {"password": "Y2FuYXJ5"}},
        {**_in(name, "v1", "PersistentVolumeClaim", "scratch"), "spec": claim},
        {**_in(name, "v1", "Service", "web"), "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}},
        deployment(name, "web", 3),
        hpa(name, "web"),
        deployment(name, "worker", 2),  # no Service leads to it: it arrives held, and is handed over at release
        hpa(name, "worker"),
        {**_in(name, "batch/v1", "Job", "once"), "spec": {"template": {"spec": ONCE}}},
        {
            **_in(name, "batch/v1", "CronJob", "nightly"),
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": ONCE}}}},
        },
    ]


def deployment(namespace: str, name: str, replicas: int, **pod: Any) -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": {**POD, **pod}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {**_in(namespace, "apps/v1", "Deployment", name), "spec": spec}


def hpa(namespace: str, name: str) -> Json:
    # Nobody serves the metric: the HPA keeps to its bounds.
    metric = {"metric": {"name": "q"}, "target": {"type": "Value", "value": "1"}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"minReplicas": SMALLEST[name], "maxReplicas": 9, "scaleTargetRef": target}
    return {
        **_in(namespace, "autoscaling/v2", "HorizontalPodAutoscaler", name),
        "spec": {**spec, "metrics": [{"type": "External", "external": metric}]},
    }


def _in(namespace: str, version: str, kind: str, name: str) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def _definition(name: str) -> Json:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    group = group_of(name)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [version],
        },
    }
