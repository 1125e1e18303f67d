"""Runtime parity of Services, load balancers, claims, CronJobs, Jobs and autoscalers."""

from __future__ import annotations

from typing import Any

import pytest
from parity_help import HOLD, Json, ask, body, deployment, ref_of, said, side

from migrate.differ.parity import around, parity
from migrate.model.ref import Ref

WEB = body("v1 Service", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}, status={"loadBalancer": {}})
PLAIN = body("v1 Service", spec={"ports": [{"port": 80}]}, status={"loadBalancer": {}})


def slices(*ready: bool | None, name: str = "web-1", family: int = 0, **more: Any) -> Json:
    points = [
        {
            "addresses": [f"10.{family}.0.{number}"],
            "conditions": {} if one is None else {"ready": one, "serving": one, "terminating": False},
            "targetRef": {"kind": "Pod", "name": f"web-{number}"},
        }
        for number, one in enumerate(ready)
    ]
    labels = {"kubernetes.io/service-name": "web"}
    return body("discovery.k8s.io/v1 EndpointSlice", name, labels=labels, endpoints=points, **more)


def endpoints(ready: int, not_ready: int = 0) -> Json:
    there = [{"ip": f"192.0.2.{n}"} for n in range(ready)]
    late = [{"ip": f"192.0.3.{n}"} for n in range(not_ready)]
    return body("v1 Endpoints", subsets=[{"addresses": there, "notReadyAddresses": late}])


TWO = [WEB, slices(True, True)]
TRAFFIC: dict[str, tuple[list[Json] | None, list[Json] | None, tuple[Any, ...]]] = {
    "ready": (TWO, TWO, ("2 of 2 ready", "2 of 2 ready", True, "")),
    "fewer, all ready": (TWO, [WEB, slices(True)], ("2 of 2 ready", "1 of 1 ready", True, "")),
    "absent is yes": (TWO, [WEB, slices(None)], ("2 of 2 ready", "1 of 1 ready", True, "")),
    "one is not": (TWO, [WEB, slices(True, False)], ("2 of 2 ready", "1 of 2 ready", False, "1 of 2 endpoints ready")),
    "none": (TWO, [WEB, slices()], ("2 of 2 ready", "0 of 0 ready", False, "no endpoints; 2 on the source")),
    "none there either": ([WEB, slices()], [WEB, slices()], ("0 of 0 ready", "0 of 0 ready", True, "none on the")),
    "nobody knows": (None, [WEB, slices()], (None, "0 of 0 ready", None, "not known")),
    "no slice yet": (TWO, [WEB], ("2 of 2 ready", None, None, "no controller has written")),
    "two families": (
        TWO,
        [WEB, slices(True, True), slices(True, True, name="web-2", family=6)],
        ("2 of 2 ready", "2 of 2 ready", True, ""),
    ),
    "held": (
        TWO,
        [WEB, slices(), deployment(0, notes=HOLD)],
        ("2 of 2 ready", "0 of 0 ready", True, "held until release"),
    ),
    "half held": (
        TWO,
        [WEB, slices(), deployment(0, notes=HOLD), deployment(0, name="other")],
        ("2 of 2 ready", "0 of 0 ready", None, "nothing runs behind it"),
    ),
    "off": (TWO, [WEB, slices(), deployment(0)], ("2 of 2 ready", "0 of 0 ready", None, "0 replicas")),
    "its own": ([PLAIN, endpoints(1)], [PLAIN, endpoints(1)], ("1 of 1 ready", "1 of 1 ready", True, "")),
    "its own, not ready": (None, [PLAIN, endpoints(1, 1)], (None, "1 of 2 ready", False, "1 of 2 endpoints ready")),
    "its own, forgotten": ([PLAIN, endpoints(2)], [PLAIN], ("2 of 2 ready", None, False, "no endpoints; 2 on the")),
}


@pytest.mark.parametrize("name", TRAFFIC)
def test_endpoints(name: str) -> None:
    source, target, wanted = TRAFFIC[name]
    found = said(ask(WEB, source, target, planned=target[0] if target else None)["endpoints"])
    assert found[:3] == wanted[:3], found
    assert wanted[3] in found[3] and bool(found[3]) == bool(wanted[3]), found


def test_endpoints_that_end_are_not_missed_and_unready_addresses_are_no_endpoints() -> None:
    ends = slices(True, False)
    ends["endpoints"][1]["conditions"]["terminating"] = True
    assert ask(WEB, TWO, [WEB, ends], planned=WEB)["endpoints"].ok is True
    published = slices(True)
    published["endpoints"][0]["conditions"] = {"ready": True, "serving": False}
    assert ask(WEB, TWO, [WEB, published], planned=WEB)["endpoints"].ok is False


def test_endpoints_that_nobody_may_list_are_not_known() -> None:
    why = {("discovery.k8s.io", "EndpointSlice"): "403", ("", "Endpoints"): "403"}
    assert ask(WEB, TWO, side(WEB, unread=why), planned=WEB)["endpoints"].ok is None
    assert ask(WEB, side(WEB, unread=why), [WEB, slices()], planned=WEB)["endpoints"].ok is None
    del why["", "Endpoints"]
    assert ask(PLAIN, TWO, side(PLAIN, endpoints(1), unread=why), planned=PLAIN)["endpoints"].ok is True


def test_an_external_name_has_no_endpoints() -> None:
    named = body("v1 Service", spec={"type": "ExternalName", "externalName": "x.example"}, status={"loadBalancer": {}})
    assert ask(named, [named], [named], planned=named) == {}


def balancer(*ingress: Json) -> Json:
    return body("v1 Service", spec={"type": "LoadBalancer"}, status={"loadBalancer": {"ingress": list(ingress)}})


def test_a_load_balancer_has_an_address_of_its_own() -> None:
    there, here = balancer({"ip": "34.1.2.3"}), balancer({"hostname": "x.elb.amazonaws.com"})
    assert said(ask(there, [there], [here], planned=here)["address"]) == ("34.1.2.3", "x.elb.amazonaws.com", True, "")
    assert ask(there, [there], [balancer()], planned=here)["address"].ok is False
    assert "and none on the source" in ask(there, [balancer()], [balancer()], planned=here)["address"].message
    assert ask(there, [there], [there], planned=here)["address"].ok is False
    assert "address" not in ask(there, [there], [WEB], planned=WEB)
    ingress = body("networking.k8s.io/v1 Ingress", spec={}, status={"loadBalancer": {}})
    assert ask(ingress, [ingress], [ingress], planned=ingress)["address"].ok is False
    gateway = body("gateway.networking.k8s.io/v1 Gateway", spec={}, status={"addresses": [{"value": "x.elb"}]})
    assert said(ask(gateway, None, [gateway], planned=gateway)["address"]) == (None, "x.elb", True, "")


def claim(phase: str = "Bound", asked: str = "10Gi", has: str = "10Gi", **more: Any) -> Json:
    spec = {"resources": {"requests": {"storage": asked}}, "storageClassName": "gp3"}
    bound = {"volumeName": "pv-1"} if phase == "Bound" else {}
    status = {"phase": phase, **({"capacity": {"storage": has}} if bound else {}), **more}
    return body("v1 PersistentVolumeClaim", "data", spec=spec | bound, status=status)


def storage(mode: str) -> Json:
    return body("storage.k8s.io/v1 StorageClass", "gp3", volumeBindingMode=mode)


def test_claims() -> None:
    late, at_once = storage("WaitForFirstConsumer"), storage("Immediate")
    pending, bound = claim("Pending"), claim()
    assert said(ask(bound, [bound], [bound], planned=bound)["bound"]) == ("Bound", "Bound", True, "volume pv-1")
    found = ask(bound, [bound], [pending, at_once], planned=bound)
    assert found["bound"].ok is False and "bound on the source" in found["bound"].message
    assert found["size"].ok is None
    assert ask(bound, [bound], [pending, late], planned=bound)["bound"].ok is None
    volume = {"name": "d", "persistentVolumeClaim": {"claimName": "data"}}
    user = body("v1 Pod", "web-1", spec={"volumes": [volume]}, status={"phase": "Pending"})
    assert ask(bound, [bound], [pending, late, user], planned=bound)["bound"].ok is False
    assert ask(bound, [bound], [claim("Lost")], planned=bound)["bound"].ok is False
    unlisted = side(pending, unread={("storage.k8s.io", "StorageClass"): "403"})
    assert ask(bound, [bound], unlisted, planned=bound)["bound"].ok is None
    gone = body("v1 PersistentVolume", "pv-1", spec={}, status={"phase": "Failed", "message": "no such disk"})
    assert "no such disk" in ask(bound, [bound], [bound, gone], planned=bound)["bound"].message


def test_size_is_at_least_the_planned_one() -> None:
    def size(has: str, asked: str) -> bool | None:
        return ask(claim(), [claim()], [claim(has=has)], planned=claim(asked=asked))["size"].ok

    assert [size("10Gi", "10240Mi"), size("12Gi", "10Gi"), size("9Gi", "10Gi")] == [True, True, False]
    assert size("10Gi", "200Gi") is False  # not what the claim on the target says, but the plan
    resizing = claim(has="9Gi", conditions=[{"type": "FileSystemResizePending", "status": "True", "message": "wait"}])
    assert "wait" in ask(claim(), [claim()], [resizing], planned=claim())["size"].message


def cron(suspend: bool, last: str = "") -> Json:
    return body("batch/v1 CronJob", "c", spec={"suspend": suspend}, status={"lastScheduleTime": last} if last else {})


def job(word: str, start: str, name: str = "j", **more: Any) -> Json:
    conditions = [{"type": word, "status": "True", "reason": "BackoffLimitExceeded"}] if word else []
    status = {"conditions": conditions, "startTime": start, **({"active": 1} if not word else {})}
    return body("batch/v1 Job", name, spec=more.pop("spec", {}), status=status, **more)


def test_cron_jobs() -> None:
    runs, sleeps = cron(False, "2026-01-02T00:00:00Z"), cron(True)
    found = ask(runs, [runs], [runs], planned=runs)
    assert said(found["suspended"]) == ("runs", "runs", True, "")
    assert said(found["last schedule"])[:3] == ("2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z", True)
    assert ask(runs, [runs], [sleeps], planned=runs)["suspended"].ok is False
    assert ask(runs, [runs], [sleeps], planned=sleeps)["suspended"].ok is True
    assert ask(runs, [sleeps], [runs])["suspended"].ok is False
    assert ask(runs, None, [runs])["suspended"].ok is None
    assert ask(runs, [runs], [cron(False)], planned=runs)["last schedule"].ok is None
    old, new = (
        job("Failed", "2026-01-01T00:00:00Z", "c-1", owner=runs),
        job("Complete", "2026-01-02", "c-2", owner=runs),
    )
    assert ask(runs, [runs], [runs, old, new], planned=runs)["last schedule"].ok is True
    later = job("Failed", "2026-01-03T00:00:00Z", "c-3", owner=runs)
    found = ask(runs, [runs], [runs, old, new, later], planned=runs)
    assert found["last schedule"].ok is False and found["last schedule"].message.startswith("Job/c-3: ")
    foreign = job("Failed", "2026-01-04", "c-4")
    assert ask(runs, [runs], [runs, foreign], planned=runs)["last schedule"].ok is True
    unlisted = side(runs, unread={("batch", "Job"): "403"})
    assert ask(runs, [runs], unlisted, planned=runs)["last schedule"].ok is None


def test_jobs() -> None:
    done, failed, runs = (job(word, "2026-01-01") for word in ("Complete", "Failed", ""))
    assert said(ask(done, [done], [done], planned=done)["completion"]) == ("complete", "complete", True, "")
    found = ask(done, [failed], [failed], planned=done)["completion"]
    assert found.ok is False and found.message.endswith("; so it did on the source")
    assert said(ask(done, [done], [runs], planned=done)["completion"]) == (
        "complete",
        "1 active",
        None,
        "not done yet",
    )
    stopped = body("batch/v1 Job", "j", spec={"suspend": True}, status={})
    assert ask(done, [done], [stopped], planned=done)["completion"].ok is False
    assert ask(done, [done], [stopped], planned=stopped)["completion"].ok is True
    held = body("batch/v1 Job", "j", spec={"suspend": True}, status={}, notes=HOLD)
    assert said(ask(done, [done], [held], planned=done)["completion"])[1:] == ("suspended", True, "held until release")


def hpa(active: str, reason: str, metrics: list[Json] | None, able: str = "True") -> Json:
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    conditions = [
        {"type": "AbleToScale", "status": able, "reason": "FailedGetScale", "message": "no such target"},
        {"type": "ScalingActive", "status": active, "reason": reason, "message": "no figures"},
    ]
    status = {"currentMetrics": metrics, "conditions": conditions}
    spec = {"scaleTargetRef": scaled, "metrics": [{"type": "Resource"}]}
    return body("autoscaling/v2 HorizontalPodAutoscaler", spec=spec, status=status)


def test_autoscalers() -> None:
    flows = hpa("True", "ValidMetricFound", [{"type": "Resource", "resource": {}}])
    silent = hpa("False", "FailedGetResourceMetric", [{"type": ""}])
    off = hpa("False", "ScalingDisabled", None)
    assert said(ask(flows, [flows], [flows], planned=flows)["metrics"]) == (
        "1 of 1 metrics",
        "1 of 1 metrics",
        True,
        "",
    )
    found = ask(flows, [silent], [silent], planned=flows)["metrics"]
    assert found.ok is False and found.target == "0 of 1 metrics" and found.message.endswith("on the source neither")
    assert "on the source" not in ask(flows, [flows], [silent], planned=flows)["metrics"].message
    # A metric without a value is an empty one, and another that has one keeps ScalingActive true.
    assert ask(flows, [flows], [hpa("True", "ValidMetricFound", [{"type": ""}])], planned=flows)["metrics"].ok is False
    assert ask(flows, [flows], [off, deployment(0, notes=HOLD)], planned=flows)["metrics"].ok is True
    assert ask(flows, [flows], [off, deployment(0)], planned=flows)["metrics"].ok is None
    assert ask(flows, [off], [off], planned=flows)["metrics"].ok is True
    gone = hpa("True", "", [], able="False")
    assert "no such target" in ask(flows, [flows], [gone], planned=flows)["metrics"].message
    new = body("autoscaling/v2 HorizontalPodAutoscaler", spec=flows["spec"], status={})
    assert ask(flows, [flows], [new], planned=flows)["metrics"].ok is None


def test_the_source_may_have_another_name() -> None:
    there, here = deployment(2, 2, name="old"), deployment(2, 2)
    (replicas, *_) = parity(ref_of(here), side(there).of(ref_of(there)), side(here).of(ref_of(here)), planned=here)
    assert replicas.ref == ref_of(here) and replicas.source == "2 of 2 ready"


def test_a_namesake_that_was_made_anew_does_not_inherit_pods() -> None:
    old = deployment()
    old["metadata"]["uid"] = "old"
    pod = body("v1 Pod", "p", spec={}, status={"phase": "Running"}, owner=old)
    assert side(deployment(), pod).of(ref_of(old)).pods == ()
    del old["metadata"]["uid"]  # a file: names are all there is
    assert side(old, pod).of(ref_of(old)).pods == (pod,)
    assert around({}).of(Ref("", "Pod", "a", "b")).body is None
