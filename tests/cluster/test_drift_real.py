"""On a real API server: what it makes of Secrets compares equal, and controllers at work are no drift."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from drift_help import claim, deployment, obj, pods, read, rules, scaler
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json
from rig.shapes.loading import create
from since_help import soon
from test_diff_secrets import KEY, step

from migrate.differ.drift import drift
from migrate.differ.secrets import compare_secret, expected, seen_data
from migrate.model.comparison import Class
from migrate.model.decided import Decided
from migrate.model.drift import Drift, How
from migrate.planner import plan as planned
from migrate.reading.redact import Redactor

KINDS = [
    ("v1", "Namespace"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "Endpoints"),
    ("v1", "Pod"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("coordination.k8s.io/v1", "Lease"),
]


@pytest.fixture(scope="module")
def client(assets: Assets) -> Iterator[Client]:
    with ControlPlane(assets).start(with_controllers=True, tokens=["one"]) as plane:
        client = plane.client()
        create(client, [plain(obj("v1", "Namespace", "shop", ""))])
        soon(lambda: _has(client, "ServiceAccount", "default"))
        yield client


def _has(client: Client, kind: str, name: str) -> bool:
    try:
        return bool(client.get("v1", kind, name, "shop"))
    except ApiError:
        return False


def plain(body: Json) -> Json:
    """As a person writes it: without what a server numbers."""
    out = copy.deepcopy(body)
    for key in ("uid", "resourceVersion"):
        out["metadata"].pop(key, None)
    out.pop("status", None)
    return out


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("nulls", {"data": {"a": None, "b": ""}}),
        ("both", {"data": {"b": "djE="}, "stringData": {"b": "wins", "c": "x\r\n", "d": ""}}),
        ("wrapped", {"data": {"w": "djE\n=", "x": "djE=\n"}}),
        ("none", {}),
    ],
)
@pytest.mark.parametrize("how", ["create", "apply"])
def test_what_a_server_makes_of_a_secret_is_equal(client: Client, name: str, how: str, more: Json) -> None:
    body = plain(obj("v1", "Secret", f"{name}-{how}", type="Opaque", **more))
    if how == "create":
        create(client, [body])
    else:
        client.apply(body, manager="gke2eks", force=True)
    known = Redactor((), KEY).redact(copy.deepcopy(body))
    one = step(known.body)
    found = seen_data(client.get("v1", "Secret", f"{name}-{how}", "shop").get("data"), KEY)
    assert list(compare_secret(one, expected(one, known.keys, KEY), found)) == []
    # The same, when the plan sets the values itself.
    one = step(body)
    assert list(compare_secret(one, expected(one, {}, KEY), found)) == []


def test_a_token_is_written_by_the_target(client: Client) -> None:
    token = "kubernetes.io/service-account-token"
    meta = {"annotations": {"kubernetes.io/service-account.name": "default"}}
    body = plain(obj("v1", "Secret", "token", type=token, metadata=meta))
    create(client, [body])
    soon(lambda: len(client.get("v1", "Secret", "token", "shop").get("data") or {}) == 3)
    one = step(body)
    found = seen_data(client.get("v1", "Secret", "token", "shop")["data"], KEY)
    assert {delta.kind for delta in compare_secret(one, expected(one, {}, KEY), found)} == {Class.RUNTIME}


def look(client: Client) -> list[Json]:
    return [body for version, kind in KINDS for body in client.list(version, kind)]


def compared(then: list[Json], now: list[Json]) -> Drift:
    (first, before), (second, after) = read(then), read(now)
    made = planned(first, rules(), Decided())
    return drift(first, second, made, Decided(), hashes_then=before, hashes_now=after)


def test_controllers_at_work_are_no_drift_and_people_are(client: Client) -> None:
    daemons = {"selector": {"matchLabels": {"app": "api"}}, "template": pods()}
    never = pods()
    never["spec"]["restartPolicy"] = "Never"
    cron = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": never}}}
    ports = {"selector": {"app": "api"}, "ports": [{"port": 80}]}
    bodies: list[Any] = [
        deployment(),
        deployment("web"),
        scaler(),
        claim(),
        obj("apps/v1", "DaemonSet", "agent", spec=daemons),
        obj("batch/v1", "Job", "once", spec={"template": never}),
        obj("batch/v1", "CronJob", "nightly", spec=cron),
        obj("v1", "Service", "api", spec=ports),
        obj("v1", "Secret", "s", type="Opaque", data={"a": "djE="}),
    ]
    create(client, [plain(body) for body in bodies])
    then = look(client)
    soon(lambda: client.get("apps/v1", "Deployment", "web", "shop").get("status", {}).get("observedGeneration") == 1)
    soon(lambda: len(client.list("v1", "Pod", "shop")) >= 7)
    # What an autoscaler does, by the subresource that it uses.
    client.patch(deployment(), {"spec": {"replicas": 5}}, "scale")
    soon(lambda: len(client.list("v1", "Pod", "shop")) >= 9)
    # As GKE's load balancer controller does.
    service = {key: value for key, value in plain(bodies[7]).items() if key != "spec"}
    service["metadata"]["annotations"] = {"cloud.google.com/neg-status": "a"}
    client.apply(service, manager="glbc", force=True)
    now = look(client)
    assert len(now) > len(then)
    found = compared(then, now)
    assert (found.moved, found.redo) == ((), False)

    web, nightly, secret = deployment("web"), bodies[6], bodies[8]
    client.patch(web, {"spec": {"replicas": 0}}, "scale")
    client.patch(nightly, {"spec": {"suspend": True}})
    client.patch(secret, {"data": {"a": "djI="}})
    found = compared(now, look(client))
    assert not found.redo
    assert {one.ref.name: one.how for one in found.moved} == {
        "web": How.STOPPED,
        "nightly": How.STOPPED,
        "s": How.VALUES,
    }
    client.patch(web, {"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "nginx:2"}]}}}})
    assert compared(now, look(client)).redo
