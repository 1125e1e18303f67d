"""Arithmetic of quotas. What a pod counts for, and whom scopes mean: tests/cluster/test_preflight_room.py."""

from __future__ import annotations

from typing import Any

import pytest
from preflight_room_help import FakeSeen, asks, going_of, node, obj, said, seen_of, workload

from migrate.model.checks import Status
from migrate.preflight.quotas import checks
from migrate.semantics.going import Going

HALF = asks("{cpu: 500m}", "{cpu: '1'}")


def quota(hard: str, used: str = "{}", more: str = "{}") -> dict[str, Any]:
    return obj("v1 ResourceQuota", "q", f"{{spec: {{hard: {hard}}}, status: {{used: {used}}}, {more[1:-1]}}}")


def hpa(most: int, least: int = 1, name: str = "api") -> dict[str, Any]:
    target = f"{{apiVersion: apps/v1, kind: Deployment, name: {name}}}"
    text = f"spec: {{minReplicas: {least}, maxReplicas: {most}, scaleTargetRef: {target}}}"
    return obj("autoscaling/v2 HorizontalPodAutoscaler", name, text)


def found(going: Going, seen: FakeSeen) -> list[tuple[str, str, str]]:
    return said(list(checks(going, seen)))


def rows(hard: str, *bodies: Any, used: str = "{}", there: tuple[Any, ...] = ()) -> list[tuple[str, str]]:
    every = found(going_of(*bodies), seen_of(quota(hard, used), *there))
    return [(id, message.partition(": ")[2]) for id, _, message in every]


def test_what_goes_and_is_not_there_yet_must_fit() -> None:
    deployment = workload(pod=HALF, replicas=5)
    assert rows("{requests.cpu: '4'}", deployment, used="{requests.cpu: '1'}") == [
        ("PRE082", "requests.cpu: 2.5 more, and 1 of 4 are used."),  # room for 5, not for the 2 of a rolling update
    ]
    assert rows("{requests.cpu: '3'}", deployment, used="{requests.cpu: '1'}") == [
        ("PRE080", "requests.cpu: 2.5 more, and 1 of 3 are used.")
    ]
    live = {**deployment, "status": {"replicas": 4}}
    assert rows("{requests.cpu: '3'}", deployment, used="{requests.cpu: '2'}", there=(live,))[0][0] == "PRE082"


def test_refused_pods_say_that_only_events_tell() -> None:
    (one,) = checks(going_of(workload(pod=HALF, replicas=3), held=("api",)), seen_of(quota("{pods: '2'}")))
    assert (one.id, one.severity.value, one.status) == ("PRE080", "blocker", Status.FINDING)
    assert one.message == (
        "ResourceQuota/shop/q has no room for what goes (1 of them held: it shows at release): "
        "pods: 3 more, and 0 of 2 are used."
    )
    assert one.because.startswith("the workloads are taken, but pods beyond the quota are refused")
    assert [ref.kind for ref in one.refs] == ["ResourceQuota", "Deployment"]
    (service,) = checks(going_of(obj("v1 Service", "s")), seen_of(quota("{services: '0'}")))
    assert service.because == "" and service.status is Status.FINDING


@pytest.mark.parametrize(
    ("body", "pods"),
    [
        (workload("StatefulSet", replicas=3), 3),
        (workload("ReplicaSet"), 1),
        (workload("Pod"), 1),
        (workload("Job", parallelism=4, completions=3), 3),
        (workload("Job", parallelism=4), 4),
        (workload("Job", suspend=True), 0),
        (workload("CronJob"), 1),
        (workload("CronJob", job={"parallelism": 6}), 6),
        (workload("CronJob", suspend=True), 0),
        (workload("DaemonSet"), 2),  # one of the three nodes has a taint
        (workload(replicas=0), 0),
    ],
)
def test_how_many_pods_each_kind_starts(body: Any, pods: int) -> None:
    nodes = (node("a"), node("b"), node("c", taints=[{"key": "x", "effect": "NoSchedule"}]))
    assert rows(f"{{pods: '{pods}'}}", body, there=nodes) == []
    if pods:
        ((id, text),) = rows(f"{{pods: '{pods - 1}'}}", body, there=nodes)
        assert (id, text) == ("PRE080", f"pods: {pods} more, and 0 of {pods - 1} are used.")


def test_pods_of_a_daemon_set_that_run_are_counted_once() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "api"}
    pod = obj("v1 Pod", "api-x", "spec: {nodeName: a}", ownerReferences=[owner])
    there = (node("a"), node("b"), pod)
    assert rows("{pods: '2'}", workload("DaemonSet"), used="{pods: 1}", there=there) == []
    assert rows("{pods: '1'}", workload("DaemonSet"), used="{pods: 1}", there=there)[0][0] == "PRE080"


def test_an_autoscaler_starts_with_its_minimum_and_may_want_its_maximum() -> None:
    deployment = workload(pod=HALF, replicas=1, strategy={"type": "Recreate"})
    hard = "{requests.cpu: '2'}"
    assert rows(hard, deployment, hpa(4)) == []
    assert rows(hard, deployment, hpa(5)) == [("PRE083", "requests.cpu: 2.5 more, and 0 of 2 are used.")]
    assert rows(hard, deployment, hpa(5, least=5)) == [("PRE080", "requests.cpu: 2.5 more, and 0 of 2 are used.")]
    live = {**workload(replicas=3), "status": {"replicas": 0}}
    assert rows("{pods: '2'}", workload(), hpa(3), there=(live,)) == [("PRE080", "pods: 3 more, and 0 of 2 are used.")]
    assert rows("{pods: '0'}", workload(replicas=0), hpa(5)) == []  # 0 turns it off


@pytest.mark.parametrize(
    ("strategy", "fits"),
    [
        ({}, False),  # 25 % of 4
        ({"rollingUpdate": {"maxSurge": 0}}, True),
        ({"rollingUpdate": {"maxSurge": "50%"}}, False),
        ({"type": "Recreate"}, True),
    ],
)
def test_a_rolling_update_wants_room_for_its_surge(strategy: dict[str, Any], fits: bool) -> None:
    every = rows("{pods: '4'}", workload(replicas=4, strategy=strategy))
    assert [id for id, _ in every] == ([] if fits else ["PRE082"])


def test_every_container_must_state_what_a_quota_limits() -> None:
    two = "containers: [{name: a}, {name: b, resources: {requests: {cpu: 1m}, limits: {memory: 1Mi}}}]"
    going = going_of(workload(pod=f"{{{two}}}"), workload("CronJob", "off", suspend=True))
    one, *rest = checks(going, seen_of(quota("{requests.cpu: '9', limits.memory: 9Gi, limits.ephemeral-storage: 9Gi}")))
    assert (one.id, one.severity.value, rest) == ("PRE081", "blocker", [])
    assert one.message == (
        "ResourceQuota/shop/q wants every container to state what it limits: "
        "a of Deployment/api states no limits.memory and no requests.cpu."
    )
    limits = obj("v1 LimitRange", "r", "spec: {limits: [{type: Container, default: {cpu: 1, memory: 1Mi}}]}")
    going = going_of(workload(pod=f"{{{two}}}"), limits)
    assert not found(going, seen_of(quota("{requests.cpu: '9', limits.memory: 9Gi}")))


def test_objects_claims_and_what_controllers_make() -> None:
    claim = {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    database = workload("StatefulSet", "db", replicas=3, volumeClaimTemplates=[claim])
    gold = obj(
        "storage.k8s.io/v1 StorageClass", "gold", annotations={"storageclass.kubernetes.io/is-default-class": "true"}
    )
    storage = "gold.storageclass.storage.k8s.io/requests.storage"
    assert rows(f"{{{storage}: 6Gi, persistentvolumeclaims: '3'}}", database, gold) == []
    there = obj("v1 PersistentVolumeClaim", "d-db-0", "spec: {}")
    assert rows("{persistentvolumeclaims: '2'}", database, there=(there,), used="{persistentvolumeclaims: 0}") == []
    assert rows(f"{{{storage}: 5Gi}}", database, gold) == [("PRE080", f"{storage}: 6Gi more, and 0 of 5Gi are used.")]
    assert rows("{count/replicasets.apps: '0'}", workload()) == [
        ("PRE080", "count/replicasets.apps: 1 more, and 0 of 0 are used.")
    ]
    assert rows("{count/deployments.apps: '0'}", workload())[0][0] == "PRE080"
    assert rows("{count/deployments.apps: '1'}", workload(), there=(workload(),)) == []
    assert rows("{configmaps: '0'}", obj("v1 Namespace", "shop"), workload())[0][1].startswith("configmaps: 1 more")
    kind = obj(
        "apiextensions.k8s.io/v1 CustomResourceDefinition",
        "things.x.io",
        "spec: {group: x.io, names: {kind: Thing, plural: things}}",
    )
    assert rows("{count/things.x.io: '0'}", kind, obj("x.io/v1 Thing", "t"))[0][0] == "PRE080"


def test_a_service_that_changes_its_type_takes_the_difference() -> None:
    after = obj("v1 Service", "s", "spec: {type: LoadBalancer, ports: [{port: 1}, {port: 2}]}")
    before = obj("v1 Service", "s", "spec: {type: NodePort, ports: [{port: 1}]}")
    hard, used = (
        "{services.loadbalancers: 1, services.nodeports: 2, services: 1}",
        "{services.nodeports: 1, services: 1}",
    )
    assert rows(hard, after, used=used, there=(before,)) == []
    less = hard.replace("nodeports: 2", "nodeports: 1")
    assert rows(less, after, used=used, there=(before,)) == [
        ("PRE080", "services.nodeports: 1 more, and 1 of 1 are used.")
    ]


def test_of_a_quota_that_is_only_planned_the_use_is_counted() -> None:
    pods = [obj("v1 Pod", f"p{i}", f"{asks('{cpu: 1}')}") for i in range(3)]
    pods = [{**pod, "spec": {"containers": pod.pop("containers")}} for pod in pods]
    pods[2]["status"] = {"phase": "Succeeded"}
    planned = quota("{requests.cpu: '3', count/pods: '3', secrets: '0'}")
    every = found(going_of(planned, workload("Pod", pod=asks("{cpu: 1001m}"))), seen_of(*pods))
    ((id, _, message),) = every
    assert id == "PRE080"
    assert "requests.cpu: 1.001 more, and 2 of 3 are used" in message
    assert "count/pods: 1 more, and 3 of 3 are used" in message
    silent = seen_of(*pods, silent=("Pod",))
    every = checks(going_of(planned, workload("Pod", pod=asks("{cpu: 1m}"))), silent)
    assert {one.status for one in every} == {Status.UNKNOWN}


def test_scopes_mean_some_pods_only() -> None:
    scoped = "{spec: {hard: {pods: '0'}, scopes: [BestEffort]}}"
    seen = seen_of(obj("v1 ResourceQuota", "q", scoped))
    assert [id for id, _, _ in found(going_of(workload()), seen)] == ["PRE080"]
    assert found(going_of(workload(pod=HALF), obj("v1 ConfigMap", "c")), seen) == []


def test_nobody_could_look_is_never_green_and_what_fits_is_one_pass() -> None:
    (one,) = checks(going_of(workload()), seen_of(silent=("ResourceQuota",)))
    assert (one.id, one.status, one.because) == ("PRE080", Status.UNKNOWN, "the caller may not list ResourceQuota")
    (fine,) = checks(going_of(workload()), seen_of(quota("{pods: '9'}")))
    assert (fine.status, fine.message) == (Status.PASS, "1 ResourceQuota has room for what goes")
    assert not list(checks(going_of(workload()), seen_of()))
