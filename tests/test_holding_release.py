"""Replicas that change hands, and who arrives held."""

from __future__ import annotations

from typing import Any

import pytest
from holding_bodies import HPA, KEDA, Json, body, live, scaled_by, sent

from migrate.manifest.places import get, put
from migrate.model.effects import Cause
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.model.plan import Fate, Standing, Step
from migrate.model.ref import Ref, group_of
from migrate.semantics.holding import MARK, hold
from migrate.semantics.holding_release import KEEPER, OURS, arrive, release
from migrate.semantics.holding_scaling import Scaler, replicas_owner
from migrate.semantics.holding_who import waiting


@pytest.mark.parametrize(
    ("planned", "there", "scaler", "count"),
    [
        (5, 0, HPA, 5),
        (2, 0, HPA, 3),
        (2, 8, HPA, 8),
        (None, 0, HPA, 3),
        (0, 0, HPA, 0),
        (0, 2, HPA, 2),
        (0, 0, KEDA, 0),
        (4, 0, KEDA, 4),
        (0, 0, Scaler("ScaledObject", "shop", "k", 2, True), 2),
        (0, 0, Scaler("HorizontalPodAutoscaler", "shop", "h", 0, True), 1),  # or nothing would wake it
    ],
)
def test_how_many_replicas_a_release_starts_with(planned: int | None, there: int, scaler: Scaler, count: int) -> None:
    wanted = body("Deployment") if planned is None else body("Deployment", replicas=planned)
    held = hold(wanted)
    assert held and held.body
    requests = release(live(held.body, OURS, replicas=there), wanted, scaler=scaler)
    assert sent(requests) == [(OURS, count), (KEEPER, count), (OURS, MISSING)]
    assert requests[1].body == body("Deployment", replicas=count)


@pytest.mark.parametrize(
    ("managers", "requests"),
    [
        ((OURS,), [(KEEPER, 6), (OURS, MISSING)]),  # killed after the first request, or the autoscaler is new
        ((OURS, KEEPER), [(OURS, MISSING)]),  # killed after the second
        ((KEEPER,), [(OURS, MISSING)]),  # done
        (("hpa",), [(OURS, MISSING)]),  # done, and the autoscaler scaled
        ((), [(OURS, MISSING)]),  # a default of the server
    ],
)
def test_what_is_left_of_a_hand_over(managers: tuple[str, ...], requests: list[Any]) -> None:
    planned = body("Deployment", replicas=4)
    for mark in (MISSING, "released"):
        there = live(planned, *managers, mark=mark, replicas=6)
        assert sent(arrive(there, planned, held=None, scaler=HPA)) == requests
        assert sent(release(there, planned, scaler=HPA)) == requests


def test_an_update_in_our_name_is_not_our_apply() -> None:
    planned = body("Deployment", replicas=4)
    there = put(live(planned, OURS), P("metadata", "managedFields", 0, "operation"), "Update")
    assert sent(arrive(there, planned, held=None, scaler=HPA)) == [(OURS, MISSING)]


def test_managers_that_were_not_read_are_no_reason_to_drop() -> None:
    there = body("Deployment", replicas=6)
    assert sent(arrive(there, body("Deployment", replicas=4), held=None, scaler=HPA)) == [(KEEPER, 6), (OURS, MISSING)]


def test_the_mark_is_in_every_request_of_ours() -> None:
    requests = release(None, body("Deployment", replicas=4), scaler=HPA)
    assert [get(one.body, MARK) for one in requests] == ["released", MISSING, "released"]
    assert all(get(one.body, MARK) is MISSING for one in arrive(None, body("Deployment"), held=None, scaler=HPA))


def test_what_cannot_be_scaled_has_one_request() -> None:
    assert sent(release(None, body("DaemonSet"), scaler=HPA)) == [(OURS, MISSING)]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, True),
        ({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "name": "api"}, True),
        ({"kind": "Deployment", "name": "api"}, True),
        ({"kind": "StatefulSet", "name": "api"}, False),
        ({"kind": "Deployment", "name": "web"}, False),
        ({"apiVersion": "example.com/v1", "kind": "Deployment", "name": "api"}, False),
        ({"name": "api"}, False),
        (None, False),
    ],
)
def test_who_owns_replicas(target: Any, found: bool) -> None:
    scaler = scaled_by(scaleTargetRef=target, minReplicas=3)
    owner = replicas_owner(body("Deployment"), [body("Service"), scaler])
    expected = Scaler("HorizontalPodAutoscaler", "shop", "of-horizontalpodautoscaler", 3, False)
    assert owner == (expected if found else None)
    elsewhere = put(scaler, P("metadata", "namespace"), "other")
    assert replicas_owner(body("Deployment"), [elsewhere]) is None


def test_defaults_of_autoscalers() -> None:
    target = {"name": "api"}
    hpa = scaled_by(scaleTargetRef=target | {"kind": "Deployment"})
    keda = scaled_by("ScaledObject", scaleTargetRef=target)
    controller = scaled_by(scaleTargetRef={"kind": "ReplicationController", "name": "api"}, minReplicas=0)
    found = [replicas_owner(body("Deployment"), [one]) for one in (hpa, keda)]
    found.append(replicas_owner(body("ReplicationController"), [controller]))
    assert [(one.smallest, one.wakes) for one in found if one] == [(1, False), (0, True), (0, True)]
    both = replicas_owner(body("Deployment"), [keda, hpa, keda])
    assert both and both.kind == "HorizontalPodAutoscaler"
    assert replicas_owner(body("DaemonSet"), [scaled_by(scaleTargetRef={"kind": "DaemonSet", "name": "api"})]) is None


def step(planned: Json, runs: str = "") -> Step:
    metadata = planned["metadata"]
    ref = Ref(group_of(planned["apiVersion"]), planned["kind"], metadata.get("namespace", ""), metadata["name"])
    because = "it elects a leader" if runs == "held" else ""
    head = (ref, "v1", Fate.MIGRATE, Cause.RULE, Standing.READY, "", None)
    return Step(*head, body=planned, changes=(), cleaned=(), runs=runs, runs_because=because)


def cluster_wide(kind: str, version: str, **rest: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": kind.lower()}} | rest


SERVICE = {"namespace": "shop", "name": "hooks"}
LABELLED = {"metadata": {"labels": {"app": "hooks"}}}
BEHIND = [
    cluster_wide("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1")
    | {"webhooks": [{"clientConfig": {"url": "https://x"}}, {"clientConfig": {"service": SERVICE}}]},
    cluster_wide("APIService", "apiregistration.k8s.io/v1", spec={"service": SERVICE}),
    cluster_wide("CustomResourceDefinition", "apiextensions.k8s.io/v1")
    | {
        "spec": {
            "group": "example.com",
            "names": {"kind": "Thing"},
            "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": SERVICE}}},
        }
    },
    body("Thing", "example.com/v1"),
    body("Service", name="hooks", selector={"app": "hooks"}),
    body("PodTemplate") | {"template": LABELLED},  # runs nothing
]
AFTER = {"ValidatingWebhookConfiguration", "APIService", "Thing"}


@pytest.mark.parametrize(("runs", "held"), [("held", {"Deployment", *AFTER}), ("both", set())])
def test_what_would_wait_for_a_held_backend_is_held(runs: str, held: set[str]) -> None:
    steps = [step(one) for one in BEHIND] + [step(body("Deployment", template=LABELLED), runs)]
    found = waiting(steps)
    assert {ref.kind for ref in found} == held
    assert {why for ref, why in found.items() if ref.kind in AFTER} <= {"its backend Deployment/shop/api is held"}
    one_more = step(body("Deployment", name="other", template=LABELLED), "both")
    assert not {ref.kind for ref in waiting([*steps, one_more])} & AFTER


def test_everything_is_everything_that_runs_or_would_wait() -> None:
    steps = [step(one) for one in BEHIND]
    steps += [step(body("Deployment"), "both"), step(body("DaemonSet"), "both"), step(body("Job"), "held")]
    steps += [step(cluster_wide("APIService", "apiregistration.k8s.io/v1") | {"metadata": {"name": "local"}})]
    steps += [step(scaled_by("ScaledJob")), step(body("ConfigMap"))]
    found = waiting(steps, everything=True)
    assert {ref.kind for ref in found} == {"Deployment", "DaemonSet", "Job", "ScaledJob", *AFTER}
    assert "local" not in {ref.name for ref in found}
    assert {why for ref, why in found.items() if ref.kind == "Job"} == {"it elects a leader"}


def test_an_autoscaler_that_would_wake_its_target_is_held_with_it() -> None:
    target = {"kind": "Deployment", "name": "api"}
    scalers = [
        step(scaled_by(scaleTargetRef=target, minReplicas=1)),
        step(scaled_by("ScaledObject", scaleTargetRef=target)),
    ]
    found = waiting([*scalers, step(body("Deployment"), "held")])
    assert {ref.kind for ref in found} == {"Deployment", "ScaledObject"}
    assert found[scalers[1].ref] == "it would start Deployment/api, which is held"
    assert not waiting([*scalers, step(body("Deployment"), "both")])
