"""Hold and release on a real API server: what is held starts nothing, what is released starts once and as planned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from holding_help import (
    CONTAINERS,
    applied,
    body,
    cron_job,
    eventually,
    job,
    pods,
    read,
    released,
    running,
    there,
    with_a_node,
    workload,
)
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json

from migrate.manifest.places import drop, get, put
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.semantics.holding import KEY, MARK, State, hold, state
from migrate.semantics.holding_release import OURS


@pytest.fixture(scope="module")
def client(assets: Assets) -> Iterator[Client]:
    """One control plane with one Node: how many pods a DaemonSet has is part of what is tried."""
    with ControlPlane(assets).start(with_kwok=True) as plane:
        yield with_a_node(plane)


EACH = [
    *(
        workload(kind, "each", replicas=2)
        for kind in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
    ),
    workload("DaemonSet", "each"),
    job("each"),
    body("Pod", "each", **CONTAINERS),
]


@pytest.mark.parametrize("planned", EACH, ids=lambda one: str(one["kind"]))
def test_every_kind_starts_nothing_while_held_and_runs_as_planned_after(client: Client, planned: Json) -> None:
    kind = planned["kind"]
    planned = put(planned, P("metadata", "name"), f"each-{kind.lower()}")
    name = planned["metadata"]["name"]
    applied(client, planned)
    once = there(client, planned)
    assert state(once) is State.HELD
    eventually(
        lambda: (
            kind not in ("DaemonSet", "Deployment")
            or there(client, planned).get("status", {}).get("observedGeneration")
        )
    )
    time.sleep(2)
    assert pods(client, name) == [] or (kind == "Pod" and pods(client, name)[0]["spec"].get("nodeName") is None)
    before = there(client, planned)["metadata"]["resourceVersion"]
    applied(client, planned)
    applied(client, planned, held=False)  # a plan that says both now, or a forgotten --hold
    assert there(client, planned)["metadata"]["resourceVersion"] == before

    released(client, planned)
    count = planned["spec"].get("replicas", 1)
    if kind == "Job":
        eventually(lambda: there(client, planned)["status"].get("succeeded") == 1)
    else:
        eventually(lambda: running(client, name, count))
    again = there(client, planned)
    assert state(again) is State.RELEASED and spec_of(again) == spec_of(made_plainly(client, planned))
    time.sleep(1)
    before = there(client, planned)["metadata"]["resourceVersion"]
    applied(client, planned)
    released(client, planned)
    assert there(client, planned)["metadata"]["resourceVersion"] == before


def made_plainly(client: Client, planned: Json) -> Json:
    """What the server would make of the planned object had nobody held it."""
    return client.create(put(planned, P("metadata", "name"), planned["metadata"]["name"] + "-x"), dry_run=True)


def spec_of(found: Json) -> Any:
    """The spec without what is of one object only."""
    spec: Any = found["spec"]
    for path in (("selector",), ("template", "metadata"), ("nodeName",), ("tolerations",), ("volumes",)):
        spec = drop(spec, path)
    if found["kind"] == "Pod":
        return {key: value for key, value in spec.items() if key != "containers"}
    return spec


# Jobs, Pods, nodes and claims.


def test_a_held_stateful_set_makes_no_claim(client: Client) -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    claim["spec"] |= {"resources": {"requests": {"storage": "1Gi"}}}
    planned = workload("StatefulSet", "db", replicas=1, volumeClaimTemplates=[claim])
    applied(client, planned)
    time.sleep(2)
    assert client.list("v1", "PersistentVolumeClaim", "default") == []
    released(client, planned)
    eventually(lambda: len(client.list("v1", "PersistentVolumeClaim", "default")) == 1)


def test_a_daemon_set_keeps_its_own_selector(client: Client) -> None:
    planned = put(workload("DaemonSet", "agent"), P("spec", "template", "spec", "nodeSelector"), {"disk": "ssd"})
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}}
    client.patch(node, {"metadata": {"labels": {"disk": "ssd"}}})
    applied(client, planned)
    time.sleep(2)
    assert there(client, planned)["status"]["desiredNumberScheduled"] == 0 and pods(client, "agent") == []
    released(client, planned)
    eventually(lambda: running(client, "agent", 1))
    assert there(client, planned)["spec"]["template"]["spec"]["nodeSelector"] == {"disk": "ssd"}


def test_a_gate_is_taken_off_and_never_put_on_again(client: Client) -> None:
    planned = body("Pod", "gated", **CONTAINERS)
    applied(client, planned)
    reason = eventually(lambda: there(client, planned)["status"].get("conditions"))[0]["reason"]
    assert reason == "SchedulingGated" and there(client, planned)["spec"]["schedulingGates"] == [{"name": KEY}]
    released(client, planned)
    eventually(lambda: running(client, "gated", 1))
    held = hold(planned)
    assert held and held.body
    with pytest.raises(ApiError, match="only deletion is allowed"):
        client.apply(dict(held.body), manager=OURS, dry_run=True)
    applied(client, planned)
    assert there(client, planned)["status"]["phase"] == "Running"


def test_a_pod_that_names_its_node_cannot_be_gated(client: Client) -> None:
    gated = body("Pod", "placed", nodeName="node", schedulingGates=[{"name": KEY}], **CONTAINERS)
    with pytest.raises(ApiError, match="cannot be set until all schedulingGates have been cleared"):
        client.apply(gated, dry_run=True)


def test_the_time_of_a_job_starts_at_release(client: Client) -> None:
    planned = job("late", activeDeadlineSeconds=4, ttlSecondsAfterFinished=600)
    applied(client, planned)
    made = there(client, planned)["metadata"]["creationTimestamp"]
    time.sleep(6)
    status = there(client, planned)["status"]
    assert "startTime" not in status and pods(client, "late") == []
    assert [one["type"] for one in status["conditions"] if one["status"] == "True"] == ["Suspended"]
    released(client, planned)
    status = eventually(lambda: (s := there(client, planned)["status"]).get("succeeded") and s)
    assert status["startTime"] > made
    eventually(lambda: "Complete" in [one["type"] for one in there(client, planned)["status"]["conditions"]])


def test_unsuspending_a_cron_job_starts_a_missed_job_and_creating_one_does_not(client: Client) -> None:
    missed, planned, asleep = cron_job("missed", suspend=True), cron_job("created"), cron_job("asleep", suspend=True)
    client.apply(missed)
    for one in (planned, asleep):
        applied(client, one)
        assert read(client, one) is None
    time.sleep(60 - time.time() % 60 + 3)  # a tick goes by
    client.apply(put(missed, P("spec", "suspend"), False))
    for one in (planned, asleep):
        released(client, one)
        assert state(there(client, one)) is State.RELEASED

    def jobs(name: str) -> list[str]:
        found = [one["metadata"]["name"] for one in client.list("batch/v1", "Job", "default")]
        return [one for one in found if one.startswith(name)]

    eventually(lambda: len(jobs("missed")) == 1)
    time.sleep(5)
    assert jobs("created") == [] and there(client, asleep)["spec"]["suspend"] is True
    time.sleep(60 - time.time() % 60 + 1)
    eventually(lambda: len(jobs("created")) == 1)
    assert jobs("asleep") == []


# The marks.


def test_servers_take_the_mark_and_it_is_ours_alone(client: Client) -> None:
    planned = workload("Deployment", "marked", replicas=2)
    applied(client, planned)
    found = there(client, planned)
    assert get(found, MARK) == '{"spec.replicas":{"was":2}}'
    path = P("fieldsV1", "f:metadata", "f:annotations", f"f:{KEY}")
    assert [one["manager"] for one in found["metadata"]["managedFields"] if get(one, path) is not MISSING] == [OURS]


def test_an_object_of_somebody_else_that_runs_is_not_stopped(client: Client) -> None:
    planned = workload("Deployment", "theirs")
    client.apply(planned, manager="them")  # replicas is a default that nobody owns: no conflict would stop us
    eventually(lambda: running(client, "theirs", 1))
    applied(client, planned)
    assert there(client, planned)["spec"]["replicas"] == 1 and state(there(client, planned)) is State.ARRIVED
    held = hold(planned)
    assert held and held.body
    assert client.apply(dict(held.body), manager=OURS, dry_run=True)["spec"]["replicas"] == 0


def test_an_api_service_without_a_backend_keeps_namespaces_from_going(fresh_control_plane: ControlPlane) -> None:
    """Why it is only made at release when its backend is held."""
    client = fresh_control_plane.client()
    spec = {"group": "a.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 1}
    spec |= {"service": {"namespace": "default", "name": "nobody"}, "insecureSkipTLSVerify": True}
    api = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.a.example.com"}}
    client.create(api | {"spec": spec})

    def answers() -> int:
        try:
            client.raw("GET", "/apis/a.example.com/v1")
        except ApiError as error:
            return error.status
        return 200

    eventually(lambda: answers() == 503)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stays"}}
    client.create(space)
    client.delete(space)

    def says() -> list[str]:
        found = client.get("v1", "Namespace", "stays")["status"].get("conditions", [])
        return [one["type"] for one in found if one["status"] == "True"]

    assert "NamespaceDeletionDiscoveryFailure" in eventually(says)
