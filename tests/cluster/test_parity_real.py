"""Runtime parity of statuses that real controllers write: rollouts, crash loops, addresses, claims, autoscalers, holds.

Each scene is looked at whole, as the flow does: all objects are listed, indexed once, and asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from holding_help import (
    AT_ONCE,
    applied,
    body,
    cron_job,
    eventually,
    hpa,
    job,
    pods,
    released,
    with_a_node,
    workload,
)
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client, Json
from rig.services import Addresses

from migrate.differ.parity import Neighbours, around, parity
from migrate.model.comparison import Parity
from migrate.model.ref import Ref, group_of

DIGEST = "sha256:" + "a" * 64
LISTED = (
    *(f"v1 {kind}" for kind in ("Pod", "Service", "Endpoints", "PersistentVolumeClaim", "PersistentVolume")),
    *(f"apps/v1 {kind}" for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")),
    *(f"batch/v1 {kind}" for kind in ("CronJob", "Job")),
    "autoscaling/v2 HorizontalPodAutoscaler",
    "discovery.k8s.io/v1 EndpointSlice",
    "storage.k8s.io/v1 StorageClass",
)


@pytest.fixture(scope="module")
def client(assets: Assets) -> Iterator[Client]:
    with ControlPlane(assets).start(with_kwok=True) as plane:
        yield with_a_node(plane)


def everything(client: Client) -> Neighbours:
    found = {}
    for one in LISTED:
        version, kind = one.split()
        for item in client.list(version, kind):
            metadata = item["metadata"]
            ref = Ref(group_of(version), kind, metadata.get("namespace", ""), metadata["name"])
            found[ref] = {"apiVersion": version, "kind": kind} | item
    return around(found)


def ref_of(of: Json) -> Ref:
    return Ref(group_of(of["apiVersion"]), of["kind"], "default", of["metadata"]["name"])


def compare(client: Client, planned: Json, source: Neighbours | None = None) -> dict[str, Parity]:
    ref = ref_of(planned)
    before = None if source is None else source.of(ref)
    return {one.check: one for one in parity(ref, before, everything(client).of(ref), planned=planned)}


def becomes(client: Client, planned: Json, check: str, ok: bool | None, words: str = "", **more: Any) -> Parity:
    """Look until the check answers so; fail with what it answers instead."""
    last: list[Parity] = []

    def reached() -> bool:
        last[:] = [compare(client, planned, **more)[check]]
        return last[0].ok is ok and words in last[0].message

    try:
        eventually(reached, 60)
    except AssertionError:
        raise AssertionError(last) from None
    return last[0]


def service(name: str, **spec: Any) -> Json:
    return body("Service", name, ports=[{"port": 80}], **spec)


def write(client: Client, pod: Json, *, looping: bool) -> None:
    """Be the kubelet of one pod."""
    loop = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}
    ended = {"exitCode": 137, "reason": "OOMKilled", "message": "password=hunter2"} | _TIMES
    state = {"state": loop, "lastState": {"terminated": ended}} if looping else {"state": {"running": {}}}
    one = {"name": "main", "image": "example.com/a:1", "imageID": f"example.com/a@{DIGEST}", "ready": not looping}
    said = "False" if looping else "True"
    conditions = [{"type": kind, "status": said} for kind in ("Ready", "ContainersReady")]
    status = {"containerStatuses": [one | state | {"restartCount": 7 if looping else 0}], "conditions": conditions}
    client.patch(pod, {"status": status}, sub="status")


_TIMES = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}


def test_a_deployment_its_service_a_crash_loop_and_back(client: Client) -> None:
    web, traffic = workload("Deployment", "web", replicas=2), service("web", selector={"app": "web"})
    for one in (web, traffic):
        client.apply(one)
    becomes(client, web, "replicas", True)
    becomes(client, traffic, "endpoints", True)
    for pod in pods(client, "web"):
        write(client, pod, looping=False)
    well = everything(client)
    found = compare(client, web, well)
    assert {name: one.ok for name, one in found.items()} == {"replicas": True, "restarts": True, "image main": True}
    assert (found["replicas"].target, found["image main"].target) == ("2 of 2 ready", DIGEST)
    broken = pods(client, "web")[0]
    write(client, broken, looping=True)
    words = f"crash loop: {broken['metadata']['name']}/main (7 restarts, last OOMKilled, exit code 137)"
    assert becomes(client, web, "restarts", False, words).target == 7
    late = becomes(client, web, "replicas", False, "CrashLoopBackOff", source=well)
    assert (late.source, late.target) == ("2 of 2 ready", "1 of 2 ready")
    assert becomes(client, traffic, "endpoints", False, "1 of 2 endpoints ready").target == "1 of 2 ready"
    assert "hunter2" not in str([compare(client, one) for one in (web, traffic)])
    write(client, broken, looping=False)
    becomes(client, web, "replicas", True)
    becomes(client, traffic, "endpoints", True)
    client.patch(web, {"spec": {"replicas": 1}})
    becomes(client, web, "replicas", False, "the plan says 2")


def test_a_held_workload_its_autoscaler_and_its_service_are_held_until_release(client: Client) -> None:
    main, scaler = workload("Deployment", "held", replicas=2), hpa(workload("Deployment", "held"), 2)
    traffic, daemons = service("held", selector={"app": "held"}), workload("DaemonSet", "held")
    work = job("held")
    for one in (main, daemons, work):
        applied(client, one)
    for one in (scaler, traffic):
        client.apply(one)
    held: list[tuple[Json, str]] = [(main, "replicas"), (daemons, "replicas"), (work, "completion")]
    for one, check in [*held, (scaler, "metrics"), (traffic, "endpoints")]:
        becomes(client, one, check, True, "held until release")
    for one in (main, daemons, work):
        released(client, one)
    becomes(client, main, "replicas", True)
    becomes(client, daemons, "replicas", True)
    becomes(client, traffic, "endpoints", True)
    assert compare(client, main)["replicas"].message == compare(client, daemons)["replicas"].message == ""
    becomes(client, work, "completion", True)  # kwok ends the pods of Jobs
    # Nobody serves the metric: the autoscaler says so, and writes an empty one.
    silent = becomes(client, scaler, "metrics", False, "FailedGetExternalMetric")
    assert silent.target == "0 of 1 metrics"


def test_an_address_comes_from_the_controller(client: Client) -> None:
    balancer = service("lb", type="LoadBalancer", loadBalancerClass="service.k8s.aws/nlb")
    client.apply(balancer)
    assert compare(client, balancer)["address"].ok is False
    with Addresses(client, "standard"):
        found = becomes(client, balancer, "address", True)
    assert str(found.target).endswith(".elb.us-east-1.amazonaws.com")


def test_endpoints_of_a_service_without_selector(client: Client) -> None:
    own = service("own")
    client.apply(own)
    assert compare(client, own)["endpoints"].ok is None  # there is no slice, and no source that says whether one was
    subsets = [
        {"addresses": [{"ip": "192.0.2.1"}], "notReadyAddresses": [{"ip": "192.0.2.2"}], "ports": [{"port": 80}]}
    ]
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": own["metadata"], "subsets": subsets}
    client.apply(endpoints)
    becomes(client, own, "endpoints", False, "1 of 2 endpoints ready")
    # The mirror of the endpoints has the same answer as they have.
    eventually(
        lambda: [one for one in client.list("discovery.k8s.io/v1", "EndpointSlice", "default") if _of(one, "own")]
    )
    becomes(client, own, "endpoints", False, "1 of 2 endpoints ready")
    subsets[0].pop("notReadyAddresses")
    client.apply(endpoints)
    becomes(client, own, "endpoints", True)


def _of(piece: Json, name: str) -> bool:
    return bool((piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == name)


def test_a_claim_waits_for_its_first_pod_or_for_a_volume(client: Client) -> None:
    late = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late"}}
    client.create(late | {"provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"})

    def claim(name: str, of: str) -> Json:
        asked = {"requests": {"storage": "1Gi"}}
        return body("PersistentVolumeClaim", name, accessModes=["ReadWriteOnce"], resources=asked, storageClassName=of)

    waits, lost, bound = claim("waits", "late"), claim("lost", "none-such"), claim("bound", "")
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "parity"},
        "spec": {
            "capacity": {"storage": "2Gi"},
            "accessModes": ["ReadWriteOnce"],
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"},
            "claimRef": {"namespace": "default", "name": "bound"},
        },
    }
    for one in (waits, lost, volume, bound):
        client.apply(one)
    becomes(client, waits, "bound", None, "its first pod")
    becomes(client, lost, "bound", False, "class none-such")
    becomes(client, bound, "bound", True, "volume parity")
    found = compare(client, bound)["size"]
    assert (found.target, found.ok) == ("2Gi", True)
    larger = {**bound, "spec": {**bound["spec"], "resources": {"requests": {"storage": "3Gi"}}}}
    assert compare(client, larger)["size"].ok is False


def test_cron_jobs_and_jobs_that_fail(client: Client) -> None:
    sleeps, wakes = cron_job("sleeps", suspend=True), cron_job("sleeps")
    client.apply(sleeps)
    found = compare(client, sleeps)
    assert [(one.ok, one.message) for one in found.values()] == [(True, ""), (None, "suspended: no run yet")]
    asleep = compare(client, wakes)["suspended"]
    assert (asleep.ok, asleep.message) == (False, "suspended, but not by the plan")
    late = job("late", activeDeadlineSeconds=1)
    late["spec"]["template"] = {"spec": {**AT_ONCE, "nodeSelector": {"no": "such"}}}
    client.apply(late)
    assert compare(client, late)["completion"].ok is None
    assert becomes(client, late, "completion", False, "DeadlineExceeded").target == "failed"
