"""LimitRanges of the target and of the plan. That the verdict is the server's: tests/cluster/test_preflight_room.py."""

from __future__ import annotations

from typing import Any

from preflight_room_help import FakeSeen, asks, going_of, obj, said, seen_of, workload

from migrate.model.checks import Status
from migrate.preflight.limits import checks
from migrate.semantics.going import Going


def limit_range(items: str, name: str = "r") -> dict[str, Any]:
    return obj("v1 LimitRange", name, f"spec: {{limits: [{items}]}}")


def claim(size: str, name: str = "data") -> dict[str, Any]:
    return obj("v1 PersistentVolumeClaim", name, f"spec: {{resources: {{requests: {{storage: {size}}}}}}}")


def found(going: Going, seen: FakeSeen) -> list[tuple[str, str, str]]:
    return said(list(checks(going, seen)))


def test_workloads_with_the_same_reason_are_one_finding() -> None:
    seen = seen_of(limit_range("{type: Container, max: {memory: 1Gi}}"))
    bodies = [workload(name=name, pod=asks("{}", "{memory: 2Gi}")) for name in "abcd"]
    going = going_of(*bodies, workload(name="fine"), claim("1Gi"))
    every = list(checks(going, seen))
    ((one,), (fine,)) = ([c for c in every if c.status is status] for status in (Status.FINDING, Status.PASS))
    assert (one.id, one.severity.value) == ("PRE085", "blocker")
    assert one.message == (
        "The LimitRange of shop would refuse pods of Deployment/a, Deployment/b, Deployment/c and 1 more: "
        "container main: memory 2Gi, at most 1Gi is allowed (LimitRange r)."
    )
    assert [ref.name for ref in one.refs] == ["a", "b", "c", "d"]
    assert one.because == "the workload is taken, but each of its pods is refused; only its events say so"
    assert one.fix
    assert fine.message == "LimitRanges take the pods of 1 workload"


def test_the_plans_range_wins_over_that_on_the_target() -> None:
    there = seen_of(limit_range("{type: Pod, max: {cpu: '1'}}"))
    pod = workload("Pod", pod=asks("{cpu: '2'}", "{cpu: '2'}"))
    assert [id for id, _, _ in found(going_of(pod), there)] == ["PRE085"]
    assert found(going_of(pod, limit_range("{type: Pod, max: {cpu: '4'}}")), there) == []
    ends = {**limit_range("{type: Pod, max: {cpu: '1'}}")}
    ends["metadata"] = {**ends["metadata"], "deletionTimestamp": "2026-11-23T00:00:00Z"}
    assert found(going_of(pod), seen_of(ends)) == []


def test_a_default_below_the_request_is_a_refusal() -> None:
    seen = seen_of(limit_range("{type: Container, default: {cpu: 500m}}"))
    ((_, _, message),) = found(going_of(workload("Pod", pod=asks("{cpu: '1'}"))), seen)
    assert message.startswith("The LimitRange of shop would refuse Pod/api: container main: requests cpu 1, and the")


def test_claims_and_templates_of_claims() -> None:
    seen = seen_of(limit_range("{type: PersistentVolumeClaim, min: {storage: 2Gi}, max: {storage: 10Gi}}"))
    template = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "20Gi"}}}}
    database = workload("StatefulSet", "db", volumeClaimTemplates=[template])
    rows = found(going_of(claim("1Gi", "small"), claim("2Gi", "fits"), database), seen)
    assert [(id, weight) for id, weight, _ in rows] == [("PRE086", "blocker")] * 2
    assert [message for _, _, message in rows] == [
        "The LimitRange of shop would refuse PersistentVolumeClaim/small: it asks for storage 1Gi, at least 2Gi is "
        "allowed (LimitRange r).",
        "The LimitRange of shop would refuse claims of StatefulSet/db: it asks for storage 20Gi, at most 10Gi is "
        "allowed (LimitRange r).",
    ]


def test_nobody_could_look_is_never_green() -> None:
    (one,) = checks(going_of(workload()), seen_of(silent=("LimitRange",)))
    assert (one.id, one.status, one.because) == ("PRE085", Status.UNKNOWN, "the caller may not list LimitRange")
    assert one.fix
    assert not list(checks(going_of(obj("v1 ConfigMap", "c")), seen_of(silent=("LimitRange",))))
    assert not list(checks(going_of(workload()), seen_of()))
