"""What preflight says of pods, nodes, quotas and limit ranges is what the real scheduler and API server do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from preflight_room_help import asks, going_of, obj, workload
from preflight_room_tables import HARD, LIMITED, NODES, OBJECTS, PODS, RANGES, TAINTS, beside, claim, classes, storage
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json

from migrate.cluster.kubeconfig import connect
from migrate.cluster.target import KubeTarget
from migrate.flow.view import View
from migrate.model.checks import Status
from migrate.preflight import limits, quotas
from migrate.preflight.pods_wanted import pods_wanted
from migrate.preflight.room import place_of
from migrate.preflight.room_nodes import land, packed
from migrate.preflight.room_volumes import volumes_of


@pytest.fixture(scope="module")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start(with_kwok=True) as found:
        client = found.client()
        client.create(obj("v1 Namespace", "shop"))
        for one in NODES:
            client.create({**one, "status": {**one["status"], "capacity": one["status"]["allocatable"]}})
        for one in NODES:
            taints = TAINTS.get(one["metadata"]["name"])
            off = {"unschedulable": True} if one["metadata"]["name"] == "off" else {}
            eventually(lambda one=one: ready(client, one["metadata"]["name"]))
            keep = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}] if off else []
            client.patch(one, {"spec": {"taints": [*keep, *(taints or [])] or None, **off}})
        for one in [*classes(), *storage()]:
            client.create(one)
        eventually(lambda: served_account(client))
        yield found


def ready(client: Client, name: str) -> bool:
    conditions = client.get("v1", "Node", name)["status"].get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def served_account(client: Client) -> Json | None:
    return there(lambda: client.get("v1", "ServiceAccount", "default", "shop"))


def there(read: Callable[[], Json]) -> Json | None:
    try:
        return read()
    except ApiError as error:
        assert error.status == 404
        return None


def eventually(true: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.03)
    return found


def view(plane: ControlPlane) -> View:
    return View(KubeTarget(connect("rig", str(plane.kubeconfig()))))


def decided(client: Client, pod: Json) -> tuple[str, str]:
    """(node, '') or ('', what the scheduler says)."""

    def look() -> tuple[str, str] | None:
        found = client.get("v1", "Pod", pod["metadata"]["name"], "shop")
        if found["spec"].get("nodeName"):
            return found["spec"]["nodeName"], ""
        for one in found.get("status", {}).get("conditions") or ():
            if one["type"] == "PodScheduled" and one.get("reason") == "Unschedulable":
                return "", one["message"]
            if one["type"] == "PodScheduled" and one.get("reason") == "SchedulerError":
                raise AssertionError(one)
        return None

    # A claim that waits for a volume of a provisioner that nobody plays: that a node was chosen stands on the claim.
    def claimed() -> tuple[str, str] | None:
        for volume in pod["spec"].get("volumes") or ():
            found = client.get("v1", "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"], "shop")
            at = (found["metadata"].get("annotations") or {}).get("volume.kubernetes.io/selected-node")
            if at:
                return at, ""
        return None

    return eventually(lambda: look() or claimed())


def test_a_pod_fits_where_the_scheduler_says(plane: ControlPlane) -> None:
    client, seen = plane.client(), view(plane)
    wrong, somewhere = [], 0
    for name, text in PODS.items():
        pod = workload("Pod", name, text)
        pod["spec"]["terminationGracePeriodSeconds"] = 0
        going = going_of(pod)
        (wanted,) = pods_wanted(going, seen)
        where = land(going, seen, [wanted])
        ours = place_of(wanted, where, volumes_of(going, seen, {wanted.ref: wanted.spec}))
        client.create(pod)
        at, why = decided(client, pod)
        client.delete(pod)
        eventually(lambda name=name: there(lambda: client.get("v1", "Pod", name, "shop")) is None)
        somewhere += bool(at)
        if (at and at not in ours.nodes) or (not at and ours.nodes):
            wrong.append((name, "ours", ours.nodes, ours.why, "scheduler", at, why))
    assert wrong == []
    assert len(PODS) >= 25 and 15 <= somewhere <= len(PODS) - 15


def test_as_many_pods_find_room_as_the_scheduler_places(plane: ControlPlane) -> None:
    """Beside pods that run already, and a DaemonSet of the plan that comes at the same time."""
    client = plane.client()
    there_first = workload("Pod", "busy", beside("{cpu: '1500m'}", "nodeSelector: {zone: a}"))
    there_first["spec"]["terminationGracePeriodSeconds"] = 0
    client.create(there_first)
    eventually(lambda: client.get("v1", "Pod", "busy", "shop")["spec"].get("nodeName"))
    daemons = workload("DaemonSet", "agent", asks("{cpu: 600m}"))
    many = workload("Deployment", "many", asks("{cpu: 700m, memory: 1Gi}"), replicas=20)
    going, seen = going_of(daemons, many), view(plane)
    wanted = pods_wanted(going, seen)
    where = land(going, seen, wanted)
    some = [one for one in wanted if not one.everywhere]
    out = packed(some, {one.ref: one.new for one in some}, where.nodes, where.free, {})
    client.create(daemons)
    eventually(lambda: client.get("apps/v1", "DaemonSet", "agent", "shop").get("status", {}).get("numberReady") == 3)
    client.create(many)

    def placed() -> int | None:
        found = [p for p in client.list("v1", "Pod", "shop") if p["metadata"]["name"].startswith("many-")]
        says = [p for p in found if p["spec"].get("nodeName") or (p.get("status") or {}).get("conditions")]
        return sum(bool(p["spec"].get("nodeName")) for p in found) if len(says) == 20 else None

    count = eventually(placed)
    for one in (many, daemons, there_first):
        client.delete(one)
    eventually(lambda: not client.list("v1", "Pod", "shop"))
    assert [20 - count] == list(out.values())


def test_a_limit_range_refuses_what_the_server_refuses(plane: ControlPlane) -> None:
    client = plane.client()
    for name, text in RANGES.items():
        client.create(obj("v1 Namespace", f"lr-{name}"))
        body = obj("v1 LimitRange", name, {"spec": {"limits": [yaml.safe_load(text)]}}, namespace=f"lr-{name}")
        client.create(body)
    for name in RANGES:
        accounts = ("v1", "ServiceAccount", "default", f"lr-{name}")
        eventually(lambda accounts=accounts: there(lambda: client.get(*accounts)))
    # The server reads LimitRanges from a cache of its own: wait until the last one works.
    eventually(lambda: refused(client, moved(claim("probe", "1Gi"), "lr-storage")))
    seen, wrong, yes = view(plane), [], 0
    for where, name, text in LIMITED:
        pod = moved(workload("Pod", name, text), f"lr-{where}")
        yes += agree(client, pod, [*limits.checks(going_of(pod), seen)], wrong)
        # A range that is only in the plan, as a person wrote it, is read like the one that the server completed.
        planned = obj("v1 LimitRange", "r", {"spec": {"limits": [yaml.safe_load(RANGES[where])]}}, namespace="plan")
        agree(client, pod, [*limits.checks(going_of(moved(pod, "plan"), planned), seen)], wrong)
    for size in ("1Gi", "2Gi", "10Gi", "10240Mi", "11Gi", "10737418241"):
        one = moved(claim("c", size), "lr-storage")
        yes += agree(client, one, [*limits.checks(going_of(one), seen)], wrong)
    assert wrong == []
    assert 20 <= yes <= len(LIMITED) - 15


def moved(body: Json, namespace: str) -> Json:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def refused(client: Client, body: Json) -> str:
    try:
        client.create(body, dry_run=True)
    except ApiError as error:
        assert error.status in (403, 422), error
        return str(error)
    return ""


def agree(client: Client, body: Json, checks: list[Any], wrong: list[Any]) -> bool:
    """Note where we and the server differ; tell whether it took the object."""
    theirs = refused(client, body)
    ours = [one.message for one in checks if one.status is Status.FINDING]
    if bool(theirs) != bool(ours):
        wrong.append((body["metadata"], ours, theirs))
    return not theirs


def test_a_quota_refuses_what_the_server_refuses(plane: ControlPlane) -> None:
    client = plane.client()
    for name, value in (("high", 1000), ("low", 10)):
        client.create(obj("scheduling.k8s.io/v1 PriorityClass", name, f"{{value: {value}}}"))
    bodies = {}
    for name, (hard, more) in HARD.items():
        client.create(obj("v1 Namespace", f"q-{name}"))
        spec = yaml.safe_load(f"{{hard: {hard}{', ' + more if more else ''}}}")
        bodies[name] = obj("v1 ResourceQuota", "q", {"spec": spec}, namespace=f"q-{name}")
        eventually(lambda name=name: there(lambda: client.get("v1", "ServiceAccount", "default", f"q-{name}")))
        eventually(lambda name=name: there(lambda: client.get("v1", "ConfigMap", "kube-root-ca.crt", f"q-{name}")))
        client.create(bodies[name])
    for name in HARD:
        eventually(lambda name=name: client.get("v1", "ResourceQuota", "q", f"q-{name}").get("status", {}).get("used"))
    seen, wrong, yes, rows = view(plane), [], 0, 0
    for name in HARD:
        hits = 0
        for body in OBJECTS:
            one = moved(body, f"q-{name}")
            took = agree(client, one, [*quotas.checks(going_of(one), seen)], wrong)
            yes, rows, hits = yes + took, rows + 1, hits + (not took)
        assert hits, f"the quota {name} refused nothing"
    assert wrong == []
    assert rows >= 300 and rows - yes >= 60
