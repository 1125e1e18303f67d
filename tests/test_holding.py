"""How each kind is held, and what it may become on the target."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from holding_bodies import Json, body, live, sent
from hypothesis import given
from hypothesis import strategies as st

from migrate.manifest.places import drop, get, put
from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.model.plan import Change
from migrate.semantics.holding import KEY, MARK, State, hold, inert, marked, may_hold, originals, state
from migrate.semantics.holding_release import OURS, Request, arrive, names_back, release

HELD_BY_A_FIELD = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet", "Job", "Pod")
texts = st.dictionaries(st.text("ab/.", min_size=1, max_size=4), st.text(max_size=3), max_size=2)
notes = st.one_of(st.none(), st.just({}), texts)
specs = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.one_of(st.none(), st.integers(0, 9)),
        "suspend": st.one_of(st.none(), st.booleans()),
        "schedulingGates": st.one_of(st.none(), st.lists(st.fixed_dictionaries({"name": st.text("xy")}), max_size=2)),
        "template": st.fixed_dictionaries(
            {}, optional={"spec": st.fixed_dictionaries({}, optional={"nodeSelector": st.one_of(st.none(), texts)})}
        ),
    },
)


@given(kind=st.sampled_from(HELD_BY_A_FIELD), spec=specs, notes=notes)
def test_a_held_body_is_inert_and_its_mark_gives_the_planned_one_back(kind: str, spec: Json, notes: Any) -> None:
    planned = body(kind, **spec)
    if notes is not None:
        planned["metadata"]["annotations"] = notes
    before = copy.deepcopy(planned)
    held = hold(planned)
    assert held and held.body and planned == before
    assert inert(held.body) and state(held.body) is State.HELD and originals(held.body) == held.originals
    again: Any = held.body
    for one in held.originals:
        again = put(again, one.path, one.value) if one.value is not MISSING else drop(again, one.path)
    assert without_empty(marked(again, released=False)) == without_empty(planned)
    assert json.loads(held.body["metadata"]["annotations"][KEY])


def without_empty(value: Any) -> Any:
    """Parents that a hold made for its field stay behind as empty maps; to a server they are as good as absent."""
    if not isinstance(value, dict):
        return value
    inside = {key: without_empty(one) for key, one in value.items()}
    return {key: one for key, one in inside.items() if one != {}}


def test_how_each_kind_is_held() -> None:
    def held(planned: Json) -> Any:
        found = hold(planned)
        assert found and found.body
        return found.body["spec"]

    assert held(body("Deployment", replicas=3, paused=True)) == {"replicas": 0, "paused": True}
    assert held(body("StatefulSet")) == {"replicas": 0}
    assert held(body("Job", suspend=False)) == {"suspend": True}
    assert held(body("Pod", schedulingGates=[{"name": "kueue"}])) == {
        "schedulingGates": [{"name": "kueue"}, {"name": KEY}]
    }
    selector = {"disk": "ssd"}
    spec = held(body("DaemonSet", template={"spec": {"nodeSelector": selector}}))
    assert spec["template"]["spec"]["nodeSelector"] == {"disk": "ssd", KEY: "true"} and selector == {"disk": "ssd"}


@pytest.mark.parametrize(
    "planned",
    [
        body("CronJob", suspend=True),
        body("Pod", nodeName="node-1"),
        body("HorizontalPodAutoscaler", "autoscaling/v2", minReplicas=0),
        body("ScaledObject", "keda.sh/v1alpha1"),
        body("ScaledJob", "keda.sh/v1alpha1"),
        body("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1"),
        body("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1beta1"),
        body("APIService", "apiregistration.k8s.io/v1", service={"name": "a", "namespace": "b"}),
    ],
)
def test_what_no_field_can_hold_is_made_at_release(planned: Json) -> None:
    held = hold(planned)
    assert held and held.body is None and held.because
    assert arrive(None, planned, held=held) == ()
    (request,) = release(None, planned)
    assert request.body["spec"] == planned["spec"] and state(request.body) is State.RELEASED


@pytest.mark.parametrize(
    "planned",
    [
        body("HorizontalPodAutoscaler", "autoscaling/v2", minReplicas=1),
        body("HorizontalPodAutoscaler", "autoscaling/v2"),
        body("APIService", "apiregistration.k8s.io/v1"),
        body("Service"),
        body("Deployment", "example.com/v1", replicas=3),
    ],
)
def test_what_needs_no_hold(planned: Json) -> None:
    assert hold(planned) is None


def test_a_custom_kind_behind_a_conversion_webhook_is_made_at_release() -> None:
    held = hold(body("Thing", "example.com/v1"), converted={("example.com", "Thing")})
    assert held and held.body is None


def test_a_mark_of_an_older_move_says_nothing() -> None:
    planned = put(body("Deployment", replicas=3), MARK, "released")
    (request,) = arrive(None, planned, held=None)
    assert request == Request(OURS, body("Deployment", replicas=3))
    held = hold(planned)
    assert held and held.body and state(held.body) is State.HELD


# What an object may become on the target.


def test_nothing_that_runs_is_held_and_nothing_released_is_held_again() -> None:
    planned = body("Deployment", replicas=3)
    held = hold(planned)
    for there in (live(planned), live(planned, mark="released"), live(planned, mark="released", replicas=0)):
        assert not may_hold(there)
        assert sent(arrive(there, planned, held=held)) == [(OURS, 3)]
    kept = arrive(live(planned, mark="released"), planned, held=held)[0].body
    assert get(kept, MARK) == "released"  # or our next apply would drop it, and the one after that would hold


def test_only_release_starts_what_is_held() -> None:
    planned = body("Deployment", replicas=3)
    held = hold(planned)
    assert held and held.body
    for there in (None, live(held.body), live(put(held.body, MARK, "what is this")), live(planned, replicas=0)):
        assert may_hold(there)
        assert sent(arrive(there, planned, held=held)) == [(OURS, 0)]
    # A plan that now says both, or an apply that forgets --hold:
    assert sent(arrive(live(held.body), planned, held=None)) == [(OURS, 0)]
    assert sent(release(live(held.body), planned)) == [(OURS, 3)]


def test_release_takes_the_plan_and_not_the_originals() -> None:
    held = hold(body("Deployment", replicas=3))
    assert held
    assert sent(release(held.body, body("Deployment", replicas=5))) == [(OURS, 5)]


def test_a_suspended_job_or_cron_job_of_the_source_stays_suspended() -> None:
    for kind in ("Job", "CronJob"):
        (request,) = release(None, body(kind, suspend=True))
        assert request.body["spec"] == {"suspend": True}


def test_unreadable_originals_are_none() -> None:
    for mark in ("released", "[1]", '{"a": 1}', '{"..": {}}', "", MISSING):
        assert originals(live(body("Job"), mark=mark)) is None


# DNS.


def test_release_gives_dns_free() -> None:
    prefix = "external-dns.alpha.kubernetes.io/"
    old, new, own = (P("metadata", "annotations", f"{prefix}{name}") for name in ("controller", "new", "own"))
    planned: Any = body("Service")
    for place, value in ((old, "held-by-gke2eks"), (new, "held-by-gke2eks"), (own, "mine")):
        planned = put(planned, place, value)
    changes = [
        Change("RUN002", old, "dns-controller", "held-by-gke2eks", ""),
        Change("RUN002", new, MISSING, "held-by-gke2eks", ""),
        Change("RUN002", own, MISSING, "held-by-gke2eks", ""),  # an override came later
        Change("SVC001", P("spec"), {"type": "NodePort"}, {}, ""),
    ]
    (request,) = arrive(None, planned, held=None, changes=changes)
    assert request.body == planned
    (request,) = release(live(planned), planned, changes=changes)
    notes = {f"{prefix}controller": "dns-controller", f"{prefix}own": "mine", KEY: "released"}
    assert request.body["metadata"]["annotations"] == notes
    # DNS that moved is not taken back by the next apply; one that never was released still waits.
    assert arrive(live(request.body), planned, held=None, changes=changes) == (request,)
    assert arrive(live(body("Service")), planned, held=None, changes=changes)[0].body == planned
    alone = names_back(put(body("Service"), new, "held-by-gke2eks"), changes)
    assert alone == body("Service")
