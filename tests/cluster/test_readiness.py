"""Readiness of workloads as the real controllers write it: each step of a rollout, a stuck image, a failing Job.

`control_plane` has kwok, which makes any scheduled pod run; `by_hand` has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from readiness_help import IMAGE, ROOM, becomes, body, by_hand, look, play, pods, pods_spec, ready_pods, space, workload
from rig.controlplane import ControlPlane
from rig.http import Client, Json
from shapes_help import eventually

from migrate.semantics.readiness import Failed, Ready, Waiting, readiness, reasons

__all__ = ["by_hand", "space"]


def test_deployment_over_a_rollout(by_hand: Client, space: str) -> None:
    web = workload("apps/v1 Deployment", space, replicas=2)
    assert isinstance(readiness(by_hand.create(web)), Waiting)  # the answer to the write has no status yet
    becomes(by_hand, web, Waiting("its pods: 0 of 2 ready"))
    assert eventually(lambda: len(pods(by_hand, space)) == 2)
    first, second = pods(by_hand, space)
    play(by_hand, first)
    becomes(by_hand, web, Waiting("its pods: 1 of 2 ready"))
    play(by_hand, second)
    becomes(by_hand, web, Ready())
    changed = by_hand.patch(web, {"spec": {"template": {"spec": pods_spec("x:2")}}})
    # Its old pods are all ready; only the generation and the counts of new pods tell.
    assert readiness(changed) == Waiting("its controller to see the last change")
    becomes(by_hand, web, Waiting("its pods: 1 of 2 made of the new template"))
    for _ in range(100):
        if look(by_hand, web) == Ready():
            break
        for pod in pods(by_hand, space):
            if pod["status"].get("phase") == "Pending" and pod["spec"].get("nodeName"):
                play(by_hand, pod)
        eventually(lambda: look(by_hand, web) == Ready(), 0.2)
    becomes(by_hand, web, Ready())
    by_hand.patch(web, {"spec": {"replicas": 0}})
    becomes(by_hand, web, Ready(inert="its replicas are 0"))


def test_a_stuck_image_fails_at_the_progress_deadline(by_hand: Client, space: str) -> None:
    web = by_hand.create(workload("apps/v1 Deployment", space, replicas=1, progressDeadlineSeconds=2))
    assert eventually(lambda: pods(by_hand, space) and pods(by_hand, space)[0]["spec"].get("nodeName"))
    play(by_hand, pods(by_hand, space)[0], "Pending", ready=False, state=IMAGE)
    becomes(by_hand, web, Waiting("its pods: 0 of 1 ready"))
    becomes(by_hand, web, Failed("the rollout made no progress for 2 s; 0 of 1 pod ready"))
    stuck = pods(by_hand, space)
    assert reasons(stuck) == (
        f'{stuck[0]["metadata"]["name"]}: container a: ImagePullBackOff: Back-off pulling image "x:1"',
    )
    # It is not over for ever: once the image is there, the same Deployment gets ready.
    ready_pods(by_hand, space, 1)
    becomes(by_hand, web, Ready())


def test_refused_pods_say_who_refuses(by_hand: Client, space: str) -> None:
    quota = body("v1 ResourceQuota", space, {"hard": {"pods": "1"}}, "few")
    assert readiness(by_hand.create(quota)) == Ready()
    key = ("v1", "ResourceQuota", "few", space)
    assert eventually(lambda: by_hand.get(*key).get("status", {}).get("hard"))
    web = by_hand.create(workload("apps/v1 Deployment", space, replicas=2))
    found = eventually(lambda: (f := look(by_hand, web)) and "refused" in f.reason and f)
    assert isinstance(found, Waiting) and "exceeded quota: few" in found.reason, found
    events = by_hand.list("v1", "Event", space)
    assert any("exceeded quota: few" in line for line in reasons((), events)), events


def test_a_pod_without_a_node_says_so(by_hand: Client, space: str) -> None:
    pod = by_hand.create(body("v1 Pod", space, pods_spec(nodeSelector={"no": "such"})))
    found = becomes(by_hand, pod, Waiting)
    found = eventually(lambda: (f := look(by_hand, pod)) and "Unschedulable" in f.reason and f)
    assert isinstance(found, Waiting) and "0/1 nodes are available" in found.reason
    assert len(reasons(pods(by_hand, space))) == 1


def test_a_paused_deployment_starts_nothing(by_hand: Client, space: str) -> None:
    web = by_hand.create(workload("apps/v1 Deployment", space, replicas=1, paused=True))
    becomes(by_hand, web, Ready(inert="it is paused: its pods start when it is resumed"))
    assert pods(by_hand, space) == []


def test_stateful_set_starts_one_by_one_and_updates(by_hand: Client, space: str) -> None:
    web = by_hand.create(workload("apps/v1 StatefulSet", space, replicas=2, serviceName="web"))
    assert isinstance(readiness(web), Waiting)
    tail = "; each starts when the one before it is ready"
    becomes(by_hand, web, Waiting(f"its pods: 0 of 2 ready{tail}"))
    ready_pods(by_hand, space, 1)
    assert eventually(lambda: len(pods(by_hand, space)) == 2)
    becomes(by_hand, web, Waiting("its pods: 1 of 2 ready"))
    ready_pods(by_hand, space, 2)
    becomes(by_hand, web, Ready())
    by_hand.patch(web, {"spec": {"template": {"spec": pods_spec("x:2")}}})
    becomes(by_hand, web, Waiting)
    for number in (1, 2):
        assert eventually(lambda n=number: sum(_image(p) == "x:2" for p in pods(by_hand, space)) == n)
        ready_pods(by_hand, space, 2)
    becomes(by_hand, web, Ready())


def _image(pod: Json) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def test_stateful_set_keeps_old_pods_behind_a_partition(by_hand: Client, space: str) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    more = {"serviceName": "web", "podManagementPolicy": "Parallel", "updateStrategy": strategy}
    web = by_hand.create(workload("apps/v1 StatefulSet", space, replicas=2, **more))
    ready_pods(by_hand, space, 2)
    becomes(by_hand, web, Ready())
    by_hand.patch(web, {"spec": {"template": {"spec": pods_spec("x:2")}}})
    assert eventually(lambda: sorted(map(_image, pods(by_hand, space))) == ["x:1", "x:2"])
    assert isinstance(look(by_hand, web), Waiting)
    ready_pods(by_hand, space, 2)
    becomes(by_hand, web, Ready(note="1 pod on the old template (partition 1)"))


def test_stateful_set_on_delete_is_ready_with_old_pods(by_hand: Client, space: str) -> None:
    web = by_hand.create(
        workload("apps/v1 StatefulSet", space, replicas=1, serviceName="web", updateStrategy={"type": "OnDelete"})
    )
    ready_pods(by_hand, space, 1)
    becomes(by_hand, web, Ready())
    by_hand.patch(web, {"spec": {"template": {"spec": pods_spec("x:2")}}})
    becomes(by_hand, web, Ready(note="1 pod on the old template until somebody deletes them (OnDelete)"))


def test_daemon_set(by_hand: Client, space: str) -> None:
    web = workload("apps/v1 DaemonSet", space)
    assert isinstance(readiness(by_hand.create(web)), Waiting)
    becomes(by_hand, web, Waiting("its pods: 0 of 1 ready"))
    ready_pods(by_hand, space, 1)
    becomes(by_hand, web, Ready())
    by_hand.patch(web, {"spec": {"template": {"spec": {"nodeSelector": {"gke2eks/held": "true"}}}}})
    becomes(by_hand, web, Ready(inert="no node is for it"))
    assert eventually(lambda: not pods(by_hand, space))


def test_jobs_end_well_badly_and_not_at_all(by_hand: Client, space: str) -> None:
    def job(name: str, **more: Any) -> Json:
        spec = {"template": {"spec": pods_spec(restartPolicy="Never")}, **more}
        return by_hand.create(body("batch/v1 Job", space, spec, name))

    good, bad, idle = job("good"), job("bad", backoffLimit=0), job("idle", suspend=True)
    becomes(by_hand, idle, Ready(inert="it is suspended"))
    becomes(by_hand, good, Waiting("its work: 0 of 1 done, 1 running"))
    assert eventually(lambda: len(pods(by_hand, space)) == 2)
    for pod in pods(by_hand, space):
        code = 0 if pod["metadata"]["labels"]["job-name"] == "good" else 3
        ended = {"exitCode": code, "reason": "Error", "message": "password=hunter2"}
        phase = "Failed" if code else "Succeeded"
        play(by_hand, pod, phase, ready=False, state={"terminated": ended | _TIMES})
    becomes(by_hand, good, Ready())
    failed = becomes(by_hand, bad, Failed)
    assert failed == Failed("the Job failed (BackoffLimitExceeded: Job has reached the specified backoff limit)")
    said = reasons(pods(by_hand, space), by_hand.list("v1", "Event", space))
    assert any("container a: Error, exit code 3" in line for line in said)
    assert "hunter2" not in str(said)


_TIMES = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}


def test_a_gated_pod_is_inert(by_hand: Client, space: str) -> None:
    pod = by_hand.create(body("v1 Pod", space, pods_spec(schedulingGates=[{"name": "gke2eks.io/held"}])))
    becomes(by_hand, pod, Ready(inert="it is gated (gke2eks.io/held)"))
    assert reasons(pods(by_hand, space)) == ()
    by_hand.patch(pod, {"spec": {"schedulingGates": None}})
    becomes(by_hand, pod, Waiting)
    ready_pods(by_hand, space, 1)
    becomes(by_hand, pod, Ready())


def _kinds(space: str) -> list[Json]:
    job = {"template": {"spec": pods_spec(restartPolicy="Never")}}
    return [
        workload("apps/v1 Deployment", space, replicas=2, name="d"),
        workload("apps/v1 StatefulSet", space, replicas=2, serviceName="s", name="s"),
        workload("apps/v1 DaemonSet", space, name="ds"),
        workload("apps/v1 ReplicaSet", space, replicas=2, name="rs"),
        body("v1 ReplicationController", space, _controller(), "rc"),
        body("batch/v1 Job", space, job, "j"),
        body("v1 Pod", space, pods_spec(), "p"),
    ]


def _controller() -> Json:
    labels = {"app": "rc"}
    return {"replicas": 2, "selector": labels, "template": {"metadata": {"labels": labels}, "spec": pods_spec()}}


def test_kwok_makes_all_workloads_ready_and_none_is_ready_before(control_plane: ControlPlane) -> None:
    client, space = control_plane.client(), "all-ready"
    status = {"allocatable": ROOM, "capacity": ROOM}
    client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "all-ready"}, "status": status})
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    look_again: list[Callable[[], Any]] = []
    for one in _kinds(space):
        made = client.create(one)
        assert isinstance(readiness(made), Waiting), made["kind"]
        look_again.append(lambda made=made: becomes(client, made, Ready()))
    for again in look_again:
        again()
