"""Writes mappings/server-defaults.yaml: what a real API server fills in that nobody sent.

PYTHONPATH=tests:tests/cluster .venv/bin/python tests/cluster/classes_help.py > mappings/server-defaults.yaml
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rig.controlplane import ControlPlane
from rig.http import Client, Json

from migrate.differ.classes_tables import flat, runtime_place, under_pods
from migrate.manifest.places import item_segment
from migrate.model.effects import Cause
from migrate.model.objects import MISSING
from migrate.model.path import Item, Path, Segment
from migrate.model.plan import Change, Fate, Standing, Step
from migrate.model.ref import Ref

T = {
    "serviceAccountName": "default",
    "containers": [
        {
            "name": "main",
            "image": "example.com/a:1",
            "ports": [{"containerPort": 80}],
            "env": [{"name": "P", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "livenessProbe": {"httpGet": {"port": 80}},
            "readinessProbe": {"grpc": {"port": 80}},
            "startupProbe": {"tcpSocket": {"port": 80}},
            "lifecycle": {"preStop": {"httpGet": {"port": 80}}},
            "resources": {"limits": {"cpu": "1"}},
            "volumeMounts": [{"name": "c", "mountPath": "/c"}],
        }
    ],
    "initContainers": [{"name": "init", "image": "example.com/b"}, {"name": "tagged", "image": "example.com/b:1"}],
    "volumes": [
        {"name": "c", "configMap": {"name": "x"}},
        {"name": "s", "secret": {"secretName": "x"}},
        {"name": "d", "downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": "h", "hostPath": {"path": "/x"}},
        {"name": "e", "emptyDir": {}},
        {
            "name": "p",
            "projected": {
                "sources": [
                    {"serviceAccountToken": {"path": "t"}},
                    {"downwardAPI": {"items": [{"path": "b", "fieldRef": {"fieldPath": "metadata.name"}}]}},
                ]
            },
        },
        {
            "name": "q",
            "ephemeral": {
                "volumeClaimTemplate": {
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
                }
            },
        },
    ],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": "a"}},
        }
    ],
    "tolerations": [{"key": "a", "operator": "Exists"}],
}
SMALL = {"containers": [{"name": "main", "image": "example.com/a:1"}, {"name": "latest", "image": "example.com/a"}]}
NS = "t"


def b(v, k, n, ns=NS, **rest):
    m = {"name": n}
    if ns:
        m["namespace"] = ns
    return {"apiVersion": v, "kind": k, "metadata": m, **rest}


def w(v, k, n, spec=None, pod=SMALL, sel=True):
    s = {"template": {"metadata": {"labels": {"app": n}}, "spec": pod}, **(spec or {})}
    if sel:
        s["selector"] = {"matchLabels": {"app": n}}
    return b(v, k, n, spec=s)


OBJECTS = [
    b("v1", "Namespace", NS, ""),
    w("apps/v1", "Deployment", "full", pod=T),
    w("apps/v1", "Deployment", "plain"),
    w("apps/v1", "Deployment", "two", {"replicas": 2, "strategy": {"type": "RollingUpdate"}}),
    w(
        "apps/v1",
        "StatefulSet",
        "set",
        {
            "serviceName": "set",
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                }
            ],
        },
    ),
    w("apps/v1", "DaemonSet", "ds"),
    w("apps/v1", "ReplicaSet", "rs"),
    b("v1", "ReplicationController", "rc", spec={"template": {"metadata": {"labels": {"app": "rc"}}, "spec": SMALL}}),
    w("batch/v1", "Job", "job", pod={**SMALL, "restartPolicy": "Never"}, sel=False),
    b(
        "batch/v1",
        "CronJob",
        "cj",
        spec={
            "schedule": "0 0 1 1 *",
            "jobTemplate": {"spec": {"template": {"spec": {**SMALL, "restartPolicy": "OnFailure"}}}},
        },
    ),
    b("v1", "Pod", "pod", spec=SMALL),
    b("v1", "Pod", "limited", spec={"containers": [{**SMALL["containers"][0], "resources": {"limits": {"cpu": "1"}}}]}),
    b("v1", "Service", "cluster", spec={"selector": {"app": "a"}, "ports": [{"port": 80}]}),
    b("v1", "Service", "node", spec={"type": "NodePort", "selector": {"app": "a"}, "ports": [{"port": 80}]}),
    b(
        "v1",
        "Service",
        "lb",
        spec={
            "type": "LoadBalancer",
            "selector": {"app": "a"},
            "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}],
        },
    ),
    b(
        "v1",
        "Service",
        "local",
        spec={
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "selector": {"app": "a"},
            "ports": [{"name": "a", "port": 80}],
        },
    ),
    b(
        "v1",
        "Service",
        "sticky",
        spec={"sessionAffinity": "ClientIP", "selector": {"app": "a"}, "ports": [{"name": "a", "port": 80}]},
    ),
    b("v1", "Service", "headless", spec={"clusterIP": "None", "selector": {"app": "a"}, "ports": [{"port": 80}]}),
    b("v1", "Service", "ext", spec={"type": "ExternalName", "externalName": "a.b"}),
    b("v1", "ConfigMap", "cm", data={"a": "1"}),
    b("v1", "Secret", "sec", stringData={"a": "1"}),
    b("v1", "Secret", "sec2", data={"a": "MQ=="}),
    b("v1", "ServiceAccount", "sa"),
    b(
        "v1",
        "PersistentVolumeClaim",
        "pvc",
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    ),
    b(
        "v1",
        "PersistentVolumeClaim",
        "bound",
        spec={"storageClassName": "", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    ),
    b(
        "v1",
        "PersistentVolume",
        "pv",
        "",
        spec={
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "v"},
            "claimRef": {"name": "bound", "namespace": NS},
        },
    ),
    b(
        "v1",
        "PersistentVolume",
        "pvh",
        "",
        spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}},
    ),
    b("storage.k8s.io/v1", "StorageClass", "gp3", "", provisioner="ebs.csi.aws.com"),
    b("storage.k8s.io/v1", "CSIDriver", "a.b.c", "", spec={}),
    b(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "hpa",
        spec={
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "plain"},
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                }
            ],
        },
    ),
    b(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "hpa2",
        spec={
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "no"},
            "behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}},
        },
    ),
    b("policy/v1", "PodDisruptionBudget", "pdb", spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}),
    b(
        "networking.k8s.io/v1",
        "Ingress",
        "ing",
        spec={
            "rules": [
                {
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "a", "port": {"number": 80}}},
                            }
                        ]
                    }
                }
            ]
        },
    ),
    b("networking.k8s.io/v1", "IngressClass", "alb", "", spec={"controller": "ingress.k8s.aws/alb"}),
    b("networking.k8s.io/v1", "NetworkPolicy", "np", spec={"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}),
    b("networking.k8s.io/v1", "NetworkPolicy", "np2", spec={"podSelector": {}, "egress": [{}]}),
    b(
        "rbac.authorization.k8s.io/v1",
        "Role",
        "role",
        rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    ),
    b(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "crole",
        "",
        rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    ),
    b(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "agg",
        "",
        aggregationRule={
            "clusterRoleSelectors": [{"matchLabels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}]
        },
    ),
    b(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "rb",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "role"},
        subjects=[{"kind": "ServiceAccount", "name": "sa", "namespace": NS}, {"kind": "User", "name": "u"}],
    ),
    b(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "crb",
        "",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "crole"},
        subjects=[{"kind": "Group", "name": "u"}],
    ),
    b(
        "v1",
        "LimitRange",
        "lr",
        spec={
            "limits": [
                {"type": "PersistentVolumeClaim", "max": {"storage": "1Ti"}},
                {"type": "Container", "default": {"cpu": "1"}},
            ]
        },
    ),
    b("v1", "ResourceQuota", "rq", spec={"hard": {"pods": "100"}}),
    b("scheduling.k8s.io/v1", "PriorityClass", "prio", "", value=10),
    b("node.k8s.io/v1", "RuntimeClass", "rtc", "", handler="x"),
    b(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "vwc",
        "",
        webhooks=[
            {
                "name": "a.b.c",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Ignore",
                "clientConfig": {"service": {"name": "x", "namespace": "t"}},
                "rules": [{"apiGroups": ["zzz"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["zs"]}],
            }
        ],
    ),
    b(
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        "mwc",
        "",
        webhooks=[
            {
                "name": "a.b.c",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "clientConfig": {"service": {"name": "x", "namespace": "t"}},
                "rules": [{"apiGroups": ["zzz"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["zs"]}],
            }
        ],
    ),
    b(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        "vap",
        "",
        spec={
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": ["zzz"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["zs"]}
                ]
            },
            "validations": [{"expression": "true"}],
        },
    ),
    b(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        "vapb",
        "",
        spec={"policyName": "vap", "validationActions": ["Deny"], "matchResources": {}},
    ),
    b(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "things.ex.io",
        "",
        spec={
            "group": "ex.io",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "properties": {"n": {"type": "integer", "default": 3}, "m": {"type": "string"}},
                                }
                            },
                        }
                    },
                }
            ],
        },
    ),
    b(
        "apiregistration.k8s.io/v1",
        "APIService",
        "v1.zz.io",
        "",
        spec={
            "group": "zz.io",
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 10,
            "service": {"name": "x", "namespace": "t"},
        },
    ),
    b("v1", "Endpoints", "eps", subsets=[{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]),
    b("coordination.k8s.io/v1", "Lease", "lease", spec={}),
    b(
        "flowcontrol.apiserver.k8s.io/v1",
        "PriorityLevelConfiguration",
        "plc",
        "",
        spec={"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}},
    ),
    b("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "fs", "", spec={"priorityLevelConfiguration": {"name": "plc"}}),
    b(
        "storage.k8s.io/v1",
        "VolumeAttributesClass",
        "vac",
        "",
        driverName="ebs.csi.aws.com",
        parameters={"iops": "3000"},
    ),
]

HEAD = """\
# What an API server (1.36) fills in where a manifest says nothing. tests/cluster/classes_help.py writes this file: it
# applies a minimal and a full object of each kind to a real one and compares. `[]` is any item of a list, `any` a value
# that the server chooses (an address, a port, a name). `pods`: below the spec of a pod, in any kind.
"""
# Values that depend on the object or on the server: they are no constant.
ANY = (
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "healthCheckNodePort",
    "requests",
    "targetPort",
    "selector",
    "defaultRequest",
    "singular",
    "listKind",
    "ipFamilies",
    "ipFamilyPolicy",
    "policyTypes",
    "labels",
    "serviceAccount",
    "hostIP",
    "podIP",
)


def send(client: Client) -> Iterator[tuple[Json, Json]]:
    """Apply each object as gke2eks, and give it with what the server made of it at once."""
    for one in OBJECTS:
        yield one, client.apply(one, manager="gke2eks")


def table(pairs: list[tuple[Json, Json]]) -> dict[str, dict[str, list[Any] | str]]:
    """{kind or 'pods': {path: values}}, from (sent, there)."""
    found: dict[str, dict[str, Any]] = {"pods": {}}
    for sent, there in pairs:
        group = sent["apiVersion"].rpartition("/")[0]
        name = f"{sent['kind']}.{group}" if group else sent["kind"]
        for path, value in _added(sent, there, ()):
            if runtime_place(name, path) or path[0] == "status" or value is None:
                continue
            # Requests follow limits in Pods only, not in templates.
            inside = None if "requests" in path else under_pods(name, path)
            if inside is None and _own(name, path):
                continue
            rows, key = (
                found["pods" if inside else name] if inside else found.setdefault(name, {}),
                _text(inside or path),
            )
            if name == "Pod" and {"volumes", "volumeMounts"} & set(path):  # the token of its account
                continue
            if (at := _chosen(path)) is not None:
                rows[_text((inside or path)[: at - len(path) or None])] = "any"
            elif rows.get(key) != "any" and value not in rows.setdefault(key, []):
                rows[key].append(value)
    return {name: dict(sorted(rows.items())) for name, rows in sorted(found.items()) if rows}


def _chosen(path: tuple[str, ...]) -> int | None:
    """How far the path of a chosen value goes: all that is below is chosen, too; labels one by one."""
    at = next((at for at, word in enumerate(path) if word in ANY), None)
    return None if at is None else len(path) if path[at] == "labels" else at + 1


def _own(name: str, path: tuple[str, ...]) -> bool:
    return path[:2] == ("metadata", "finalizers") or path[-1] == "app" or (name == "Secret" and path[0] == "data")


def _added(sent: Any, there: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(sent, dict) and isinstance(there, dict):
        for key in there:
            if key not in sent:
                yield from flat(there[key], (*at, key))
            else:
                yield from _added(sent[key], there[key], (*at, key))
    elif isinstance(sent, list) and isinstance(there, list) and len(sent) == len(there):
        for one, other in zip(sent, there, strict=True):
            yield from _added(one, other, (*at, "[]"))


def _text(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(".[]", "[]")


def written(found: dict[str, dict[str, Any]]) -> str:
    lines = [HEAD]
    for name, rows in found.items():
        lines.append(f"{name}:\n")
        lines += [f"  {json.dumps(key)}: {json.dumps(values)}\n" for key, values in rows.items()]
    return "".join(lines)


TOP = Path()


@dataclass(frozen=True)
class Raw:
    path: Path
    planned: Any
    target: Any


def raws(planned: Any, target: Any, at: Path = TOP, name: str = "") -> Iterator[Raw]:
    """The differences of two bodies; lists by their merge keys where all items have them."""
    if isinstance(planned, dict) and isinstance(target, dict):
        for key in dict.fromkeys((*planned, *target)):
            yield from raws(planned.get(key, MISSING), target.get(key, MISSING), at / key, key)
    elif isinstance(planned, list) and isinstance(target, list):
        one, other = ({_segment(name, rows, n): row for n, row in enumerate(rows)} for rows in (planned, target))
        for segment in dict.fromkeys((*one, *other)):
            yield from raws(one.get(segment, MISSING), other.get(segment, MISSING), at / segment)
    elif planned != target:
        yield Raw(at, planned, target)


def _segment(name: str, rows: list[Any], n: int) -> Segment:
    item = rows[n]
    for key in ("port", "containerPort") if name == "ports" and isinstance(item, dict) else ():
        if key in item:
            return Item(((key, item[key]),))
    return item_segment(name, rows, n)


def step(body: Json, *changes: Change) -> Step:
    """A planned object as it is migrated."""
    words = {key: body["metadata"].get(key, "") for key in ("namespace", "name")}
    ref = Ref(body["apiVersion"].rpartition("/")[0], body["kind"], words["namespace"], words["name"])
    return Step(ref, "v1", Fate.MIGRATE, Cause.NONE, Standing.READY, "", None, body, changes, ())


if __name__ == "__main__":
    with ControlPlane().start() as plane:
        print(written(table(list(send(plane.client())))), end="")
