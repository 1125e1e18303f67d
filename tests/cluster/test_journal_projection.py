"""The projection against a real API server: what it defaults and rewrites, what others add. Skips without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rig import assets
from rig.controlplane import ControlPlane
from rig.http import Client

from migrate.workspace.journal_projection import project

Json = dict[str, Any]
META = {"name": "a", "namespace": "shop"}
POD: Json = {
    "initContainers": [{"name": "two", "image": "x"}, {"name": "one", "image": "x"}],
    "containers": [
        {
            "name": "main",
            "image": "x",
            "command": [],
            "env": [
                {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "R", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            ],
            "ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}],
            "resources": {"requests": {"cpu": "100m"}, "limits": {}},
            "livenessProbe": {"httpGet": {"path": "/", "port": 53}},
        }
    ],
    "nodeSelector": {},
    "tolerations": [],
    "securityContext": {},
    "volumes": [
        {"name": "v", "emptyDir": {}},
        {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
    ],
}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": POD}
SELECTOR = {"matchLabels": {"app": "a"}, "matchExpressions": []}
ONCE = {"restartPolicy": "Never", "containers": [{"name": "b", "image": "x"}]}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
SCALED = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}
USED = {"type": "Utilization", "averageUtilization": 50}
RBAC = "rbac.authorization.k8s.io"
BACKEND = {"service": {"name": "a", "port": {"number": 80}}}


def body(api: str, kind: str, **fields: Any) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": META, **fields}


DEPLOYMENT = body("apps/v1", "Deployment", spec={"strategy": {}, "selector": SELECTOR, "template": TEMPLATE})
DEPLOYMENT["metadata"] = {**META, "creationTimestamp": None}
BODIES = [
    DEPLOYMENT,
    body(
        "apps/v1",
        "StatefulSet",
        spec={
            "serviceName": "a",
            "selector": SELECTOR,
            "template": TEMPLATE,
            "volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": CLAIM}],
        },
    ),
    body("batch/v1", "CronJob", spec={"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": ONCE}}}}),
    body(
        "v1",
        "Service",
        spec={
            "selector": {"app": "a"},
            "ports": [{"name": "u", "port": 53, "protocol": "UDP"}, {"name": "t", "port": 53}],
        },
    ),
    body("v1", "Secret", stringData={"a": "é"}, data={"b": "eA=="}),
    body("v1", "PersistentVolumeClaim", spec=CLAIM),
    body("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}, {}]}),
    body(
        "networking.k8s.io/v1",
        "Ingress",
        spec={"rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}]},
    ),
    body(f"{RBAC}/v1", "Role", rules=[]),
    body(
        f"{RBAC}/v1",
        "RoleBinding",
        roleRef={"apiGroup": RBAC, "kind": "Role", "name": "a"},
        subjects=[{"kind": "User", "name": "bob"}],
    ),
    body(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        spec={
            "maxReplicas": 3,
            "scaleTargetRef": SCALED,
            "metrics": [{"type": "Resource", "resource": {"name": name, "target": USED}} for name in ("memory", "cpu")],
        },
    ),
]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    found = assets.find()
    if found is None:
        pytest.skip(assets.why_not())
    with ControlPlane(found).start() as plane:
        client = plane.client()
        client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        yield client


def test_what_came_back_is_what_was_sent(client: Client) -> None:
    for sent in BODIES:
        made = client.apply(sent)
        assert project(made, sent) == project(sent, sent), sent["kind"]
        live = client.get(sent["apiVersion"], sent["kind"], "a", "shop")
        assert project(live, sent) == project(made, sent), sent["kind"]


def test_what_others_do_is_seen_only_where_it_is_ours(client: Client) -> None:
    sent = {**DEPLOYMENT, "metadata": {"name": "b", "namespace": "shop"}}
    mine = project(client.apply(sent), sent)
    side = {"template": {"spec": {"containers": [{"name": "0-side", "image": "s"}]}}}
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**sent["metadata"], "labels": {"z": "1"}}}
    live = client.apply({**other, "spec": side}, manager="other")
    assert len(live["spec"]["template"]["spec"]["containers"]) == 2
    assert project(live, sent) == mine
    first = "/spec/template/spec/initContainers/0"
    swap = [{"op": "move", "from": first, "path": "/spec/template/spec/initContainers/1"}]
    turned = client.patch(sent, swap)
    assert project(turned, sent) != mine
    # Our next apply puts them in our order again, and its dry run says so beforehand.
    assert project(client.apply(sent, dry_run=True), sent) == mine
    assert project(client.apply(sent), sent) == mine


def test_a_quantity_comes_back_in_its_own_spelling(client: Client) -> None:
    """So the digest of the answer is what to keep, not that of what was sent; or a dry run tells."""
    limits = [{"type": "Container", "max": {"cpu": "1000m", "memory": "1024Mi"}}]
    quota = body("v1", "ResourceQuota", spec={"hard": {"pods": "10", "limits.cpu": "1000m"}})
    deployed = {**DEPLOYMENT, "metadata": {"name": "c", "namespace": "shop"}}
    box = {"name": "main", "image": "x", "resources": {"limits": limits[0]["max"]}, "env": [{"name": "E", "value": ""}]}
    deployed["spec"] = {
        **deployed["spec"],
        "template": {"metadata": TEMPLATE["metadata"], "spec": {"containers": [box]}},
    }
    for sent in (quota, deployed):
        made = client.apply(sent)
        assert project(made, sent) != project(sent, sent), sent["kind"]
        assert project(client.apply(sent, dry_run=True), sent) == project(made, sent)
