"""Readiness by statuses that the real controllers write (tests/cluster/test_readiness.py), and by odd ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from migrate.semantics.readiness import (
    _JUDGES,
    Failed,
    FirstPod,
    Readiness,
    Ready,
    Waiting,
    first_pod,
    readiness,
    reasons,
)
from migrate.semantics.readiness_custom import _SPEAKS

SEEN = Waiting("its controller to see the last change")
# (apiVersion kind, spec, status, what it is); the generation is 2.
TABLE: list[tuple[str, str, str, Readiness]] = [
    ("apps/v1 Deployment", "{replicas: 2}", "{observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2}", SEEN),
    ("apps/v1 Deployment", "{replicas: 2}", "{}", SEEN),
    ("apps/v1 Deployment", "{replicas: 0}", "{}", Ready(inert="its replicas are 0")),
    ("apps/v1 Deployment", "{replicas: 0}", "{replicas: 2}", Waiting("2 pods to end")),
    ("apps/v1 Deployment", "{}", "{observedGeneration: 2, updatedReplicas: 1, availableReplicas: 1}", Ready()),
    (
        "apps/v1 Deployment",
        "{replicas: 2}",
        "{observedGeneration: 2, replicas: 3, updatedReplicas: 2, readyReplicas: 3, availableReplicas: 3}",
        Waiting("1 pod of the old template to end"),
    ),
    (
        "apps/v1 Deployment",
        "{replicas: 2, minReadySeconds: 60}",
        "{observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 1}",
        Waiting("its pods: 2 of 2 ready, 1 for as long as minReadySeconds asks"),
    ),
    (
        "apps/v1 Deployment",
        "{replicas: 3}",
        "{observedGeneration: 2, replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3,"
        " conditions: [{type: Available, status: 'True'},"
        " {type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]}",
        Failed("the rollout made no progress for 600 s; 3 of 3 pods ready"),
    ),
    (
        "apps/v1 StatefulSet",
        "{replicas: 2}",
        "{observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2,"
        " currentRevision: a, updateRevision: b}",
        Waiting("its update to end: the new revision is not the current one yet"),
    ),
    (
        "apps/v1 StatefulSet",
        "{replicas: 2, podManagementPolicy: Parallel}",
        "{observedGeneration: 2, replicas: 1, readyReplicas: 1}",
        Waiting("its pods: 1 of 2 ready"),
    ),
    (
        "apps/v1 StatefulSet",
        "{replicas: 1}",
        "{observedGeneration: 2, replicas: 3, readyReplicas: 3}",
        Waiting("2 pods too many to end"),
    ),
    (
        "apps/v1 DaemonSet",
        "{updateStrategy: {type: OnDelete}}",
        "{observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 1, numberReady: 3,"
        " numberAvailable: 3}",
        Ready(note="2 pods on the old template until somebody deletes them (OnDelete)"),
    ),
    (
        "apps/v1 DaemonSet",
        "{}",
        "{observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 1, numberAvailable: 3}",
        Waiting("its pods: 1 of 3 made of the new template"),
    ),
    ("batch/v1 Job", "{suspend: true}", "{}", Ready(inert="it is suspended")),
    ("batch/v1 Job", "{suspend: true}", "{conditions: [{type: Complete, status: 'True'}]}", Ready()),
    (
        "batch/v1 Job",
        "{completions: 3}",
        "{succeeded: 1, active: 2, failed: 1}",
        Waiting("its work: 1 of 3 done, 2 running, 1 failed"),
    ),
    (
        "batch/v1 Job",
        "{}",
        "{conditions: [{type: Failed, status: 'True', reason: DeadlineExceeded}]}",
        Failed("the Job failed (DeadlineExceeded)"),
    ),
    ("batch/v1 CronJob", "{suspend: true}", "{}", Ready(inert="it is suspended")),
    ("batch/v1 CronJob", "{}", "{}", Ready()),
    ("v1 PersistentVolumeClaim", "{storageClassName: gp3}", "{phase: Pending}", Waiting("a volume of class gp3")),
    (
        "v1 PersistentVolumeClaim",
        "{storageClassName: ''}",
        "{phase: Pending}",
        Waiting("a volume that fits; it names no class"),
    ),
    (
        "v1 PersistentVolumeClaim",
        "{volumeName: pv-1}",
        "{phase: Pending}",
        Waiting("volume pv-1 to be bound"),
    ),
    ("v1 PersistentVolumeClaim", "{volumeName: pv-1}", "{phase: Lost}", Failed("its volume pv-1 is gone")),
    (
        "v1 PersistentVolume",
        "{}",
        "{phase: Released}",
        Failed("the volume is Released: no claim gets it"),
    ),
    ("v1 Namespace", "{}", "{phase: Active}", Ready()),
    ("v1 Pod", "{}", "{phase: Running}", Waiting("its containers")),
    ("v1 Pod", "{}", "{phase: Running, conditions: [{type: Ready, status: 'True'}]}", Ready()),
    (
        "v1 Pod",
        "{}",
        "{phase: Failed, reason: Evicted, message: no memory}",
        Failed("the pod failed (Evicted: no memory)"),
    ),
    (
        "policy/v1 PodDisruptionBudget",
        "{}",
        "{observedGeneration: 2, conditions: [{type: DisruptionAllowed, status: 'False', reason: SyncFailed,"
        " message: no owner}]}",
        Waiting("its pods to be counted (SyncFailed: no owner)"),
    ),
    ("admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration", "{}", "{}", Ready()),
    ("example.com/v1 Silent", "{}", "{}", Ready()),
    ("example.com/v1 Argo", "{}", "{observedGeneration: '1'}", SEEN),
    (
        "example.com/v1 Stuck",
        "{}",
        "{conditions: [{type: Stalled, status: 'True', reason: Bad}]}",
        Failed("its controller gave up (Bad)"),
    ),
    ("example.com/v1 Odd", "{}", "{conditions: [{type: Degraded, status: 'False'}]}", Ready()),
    ("cert-manager.io/v1 Certificate", "{}", "{}", Waiting("its controller to say Ready")),
    (
        "gateway.networking.k8s.io/v1 Gateway",
        "{}",
        "{conditions: [{type: Accepted, status: 'True'}]}",
        Waiting("its controller to say Programmed"),
    ),
    (
        "gateway.networking.k8s.io/v1 Gateway",
        "{}",
        "{conditions: [{type: Accepted, status: Unknown, reason: Pending, message: Waiting for controller}]}",
        Waiting("its controller to say Accepted (Pending: Waiting for controller)"),
    ),
    (
        "gateway.networking.k8s.io/v1 HTTPRoute",
        "{}",
        "{parents: [{conditions: [{type: Accepted, status: 'True'}]},"
        " {conditions: [{type: Accepted, status: 'False', reason: NotAllowedByListeners}]}]}",
        Waiting("its controller to say Accepted (NotAllowedByListeners)"),
    ),
    ("snapshot.storage.k8s.io/v1 VolumeSnapshot", "{}", "{readyToUse: false}", Waiting("the snapshot controller")),
]


def live(what: str, spec: Any, status: Any, **metadata: Any) -> dict[str, Any]:
    version, kind = what.split()
    meta = {"name": "me", "generation": 2, **metadata}
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec, "status": status}


@pytest.mark.parametrize(("what", "spec", "status", "wanted"), TABLE, ids=[f"{r[0]} {r[3]}"[:90] for r in TABLE])
def test_a_status(what: str, spec: str, status: str, wanted: Readiness) -> None:
    body = live(what, yaml.safe_load(spec), yaml.safe_load(status))
    before = json.dumps(body)
    assert readiness(body) == wanted
    assert json.dumps(body) == before
    assert isinstance(readiness({**body, "metadata": {"deletionTimestamp": "now"}}), Failed)


@pytest.mark.parametrize("what", [*_JUDGES, *_SPEAKS], ids=str)
def test_no_kind_with_a_status_is_ready_without_one(what: tuple[str, str]) -> None:
    """A green light that nobody switched on is the worst. The few that are ready at once are named."""
    at_once = {"Service", "CronJob", "Ingress"} - ({"Service"} if "knative" in what[0] else set())
    group, kind = what
    spec = {"type": "ClusterIP"} if kind == "Service" else {}
    found = readiness(live(f"{group}/v1 {kind}" if group else f"v1 {kind}", spec, {}))
    assert isinstance(found, Ready if kind in at_once else Waiting), found


WORDS = """type status reason message conditions phase replicas observedGeneration state waiting terminated
 containerStatuses rollingUpdate updateStrategy volumes loadBalancer ingress schedulingGates parents name volumeName"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "True", "False", "Ready", "Pending", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS.split()),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KINDS = sorted({*_JUDGES, *_SPEAKS, ("", "PersistentVolumeClaim"), ("x.io", "Y")})


@given(st.sampled_from(KINDS), JSON, JSON, JSON, st.sampled_from(FirstPod))
def test_nothing_odd_is_an_error(kind: tuple[str, str], spec: Any, status: Any, meta: Any, waits: FirstPod) -> None:
    body = {"apiVersion": f"{kind[0]}/v1".strip("/"), "kind": kind[1], "metadata": meta, "spec": spec, "status": status}
    found = readiness(body, claim_waits=waits)
    assert isinstance(found, Ready | Waiting | Failed)
    if isinstance(found, Waiting | Failed):
        assert found.reason
    assert isinstance(first_pod(body, {"volumeBindingMode": "WaitForFirstConsumer"}, [body]), FirstPod)
    assert all(isinstance(line, str) for line in reasons([body], [body]))


def test_a_claim_that_waits_for_its_first_pod() -> None:
    claim = live("v1 PersistentVolumeClaim", {"storageClassName": "late"}, {"phase": "Pending"})
    late = {"volumeBindingMode": "WaitForFirstConsumer"}
    uses = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "me"}}]}
    own = {"volumes": [{"name": "data", "ephemeral": {}}]}
    alive, ended = {"phase": "Pending"}, {"phase": "Succeeded"}
    assert first_pod(claim, None, []) is FirstPod.NOT_AWAITED
    assert first_pod(claim, {"volumeBindingMode": "Immediate"}, []) is FirstPod.NOT_AWAITED
    assert first_pod(claim, late, [live("v1 Pod", {}, alive)]) is FirstPod.AWAITED
    assert first_pod(claim, late, [live("v1 Pod", uses, ended)]) is FirstPod.AWAITED
    assert first_pod(claim, late, [live("v1 Pod", uses | {"schedulingGates": [{}]}, alive)]) is FirstPod.AWAITED
    assert first_pod(claim, late, [live("v1 Pod", uses, alive)]) is FirstPod.THERE
    named = {**claim, "metadata": {"name": "p-data"}}
    assert first_pod(named, late, [live("v1 Pod", own, alive, name="p")]) is FirstPod.THERE
    assert isinstance(readiness(claim, claim_waits=FirstPod.THERE), Waiting)
    assert readiness(claim, claim_waits=FirstPod.AWAITED).settling.startswith("its first pod")
    chosen = {**claim, "metadata": {"annotations": {"volume.kubernetes.io/selected-node": "n"}}}
    assert isinstance(readiness(chosen, claim_waits=FirstPod.AWAITED), Waiting)


def stuck(name: str, state: Any, **more: Any) -> dict[str, Any]:
    return live(
        "v1 Pod", {}, {"phase": "Pending", "containerStatuses": [{"name": "a", "state": state, **more}]}, name=name
    )


def test_reasons_are_few_and_name_one_pod_each() -> None:
    image = {"waiting": {"reason": "ImagePullBackOff", "message": "no repository shop/api"}}
    crash = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    killed = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "message": "token=canary"}}
    pods = [stuck(f"api-{i}", image) for i in range(5)] + [stuck("db-0", crash, lastState=killed)]
    assert reasons(pods) == (
        "api-0: container a: ImagePullBackOff: no repository shop/api (and 4 more pods)",
        "db-0: container a: CrashLoopBackOff: back-off; OOMKilled, exit code 137",
    )
    many = [stuck(f"p-{i}", {"waiting": {"reason": f"R{i}"}}) for i in range(5)]
    assert reasons(many)[-1] == "and 2 more reasons"
    fine = live("v1 Pod", {}, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    assert reasons([fine, live("v1 Pod", {}, {"phase": "Succeeded"})]) == ()


def event(reason: str, message: str, at: str, **more: Any) -> dict[str, Any]:
    return {"type": "Warning", "reason": reason, "message": message, "lastTimestamp": at, **more}


def test_events_are_the_last_warnings_and_quote_no_program() -> None:
    events = [
        event("Old", "1", "2026-01-01T00:00:00Z"),
        event("Unhealthy", "Readiness probe failed: token=canary", "2026-01-01T00:00:03Z"),
        event("Failed", "no image for web-1", "2026-01-01T00:00:02Z", involvedObject={"name": "web-1"}),
        event("Failed", "no image for web-2", "2026-01-01T00:00:01Z", involvedObject={"name": "web-2"}),
        event("New", "a\x1b[31mb\nc", "2026-01-01T00:00:04Z"),
        {"type": "Normal", "reason": "Pulled", "lastTimestamp": "2026-01-02T00:00:00Z"},
    ]
    assert reasons((), events) == (
        "event New: a [31mb c",
        "event Unhealthy: Readiness probe failed",
        "event Failed: no image for … (and 1 more object)",
    )
