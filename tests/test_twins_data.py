"""The guard of release: nothing starts on an empty volume before a person said so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from twins_help import SET, USES, a_plan, claim, obj, owned, step

from migrate.model.listing import Kind, Listing, Outcome
from migrate.model.objects import Object, Snapshot
from migrate.model.ref import Ref
from migrate.model.selection import parse_selection
from migrate.semantics.going import going
from migrate.semantics.running import BOTH, HELD
from migrate.semantics.twins_data import claims_known, data_questions, held_for_data


def asked(of: Object, *source: Object, answers: Mapping[str, str] | None = None, known: bool = True) -> list[str]:
    said = {("volumes", key): value for key, value in (answers or {}).items()}
    found = data_questions(a_plan(step(of)), [of, *source], said, known=lambda _: known)
    assert set(found) <= {of.ref}
    return [name.removeprefix("shop/") for name in found.get(of.ref, ())]


POD = "{spec: {containers: [], volumes: [{persistentVolumeClaim: {claimName: data}}]}}"
WORKLOADS = {
    "apps/v1 Deployment": f"spec: {{template: {POD}}}",
    "apps/v1 DaemonSet": f"spec: {{template: {POD}}}",
    "apps/v1 ReplicaSet": f"spec: {{template: {POD}}}",
    "v1 ReplicationController": f"spec: {{template: {POD}}}",
    "apps/v1 StatefulSet": f"spec: {{template: {POD}}}",
    "batch/v1 Job": f"spec: {{template: {POD}}}",
    "batch/v1 CronJob": f"spec: {{jobTemplate: {{spec: {{template: {POD}}}}}}}",
    "v1 Pod": POD[1:-1],
    "keda.sh/v1alpha1 ScaledJob": f"spec: {{jobTargetRef: {{template: {POD}}}}}",
    "argoproj.io/v1alpha1 Rollout": f"spec: {{template: {POD}}}",
}


@pytest.mark.parametrize("kind", WORKLOADS)
def test_every_kind_with_a_bound_claim_is_asked_about_and_held(kind: str) -> None:
    one = obj(f"{kind} db", WORKLOADS[kind])
    assert asked(one, claim("data")) == ["data"]
    for answer in ("copied", "empty-ok", "external"):
        assert asked(one, claim("data"), answers={"shop/data": answer}) == []
    assert asked(one, claim("data"), answers={"shop/other": "copied"}) == ["data"]
    assert asked(one, claim("data"), answers={"shop/data": "later"}) == ["data"]
    assert asked(one, claim("data", "status: {phase: Pending}")) == []
    for runs in ("", BOTH, HELD):
        plan = a_plan(step(one, runs))
        questions = data_questions(plan, [claim("data")], {})
        made = going(plan, more_held=held_for_data(plan, questions))
        assert one.ref in made.held, runs
        how = made.hold(one.ref, one.body)
        assert how is not None and how.body != one.body
    # Of two ScaledJobs each would start Jobs for the same work; they are held anyhow.
    assert (one.ref in going(a_plan(step(one, BOTH))).held) is (one.ref.kind == "ScaledJob")


@pytest.mark.parametrize(
    ("source", "known", "is_asked"),
    [
        ((claim("data"),), True, True),
        ((claim("data", "spec: {volumeName: pv}"),), True, True),
        ((claim("data", "spec: {volumeName: pv}\nstatus: {phase: Pending}"),), True, True),
        ((claim("data", "status: {phase: Lost}"),), True, True),
        ((claim("data", "spec: {}"),), False, True),  # files without a status
        ((claim("data", "status: {phase: Pending}"),), False, False),
        ((), False, True),  # nobody was allowed to read it
        ((), True, False),  # all were read, and it is not there
    ],
)
def test_what_is_not_known_counts_as_bound(source: tuple[Object, ...], known: bool, is_asked: bool) -> None:
    one = obj("apps/v1 Deployment db", USES)
    assert asked(one, *source, known=known) == (["data"] if is_asked else [])


def test_claims_of_a_stateful_set_one_by_one_and_those_of_replicas_that_are_gone() -> None:
    one = obj("apps/v1 StatefulSet db", SET)
    pvcs = [claim(name) for name in ("data-db-0", "data-db-1", "data-db-7", "data-dbx-0", "data-db-x", "other-db-0")]
    assert asked(one, *pvcs) == ["data-db-0", "data-db-1", "data-db-7"]
    assert asked(one, *pvcs, answers={"shop/data-db-1": "copied"}) == ["data-db-0", "data-db-7"]
    assert asked(one, known=False) == ["data-db-0", "data-db-1"]
    assert asked(one, claim("data-db-0", "status: {phase: Pending}")) == []
    none = obj("apps/v1 StatefulSet db", SET.replace("replicas: 2", "replicas: 0, ordinals: {start: 3}"))
    assert asked(none, known=False) == [] and asked(none, claim("data-db-0")) == ["data-db-0"]
    named = obj("apps/v1 StatefulSet db", SET.replace("replicas: 2", "replicas: 1, ordinals: {start: 3}"))
    assert asked(named, known=False) == ["data-db-3"]


def test_an_autoscaler_starts_more_replicas_than_the_manifest_says() -> None:
    one = obj("apps/v1 StatefulSet db", SET)
    target = "scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}"
    hpa = obj("autoscaling/v2 HorizontalPodAutoscaler db", f"spec: {{minReplicas: 3, {target}}}")
    found = data_questions(a_plan(step(one), step(hpa)), [], {})
    assert found == {one.ref: ("shop/data-db-0", "shop/data-db-1", "shop/data-db-2")}


def test_what_an_operator_makes_counts_for_its_custom_resource() -> None:
    db = obj("postgresql.cnpg.io/v1 Cluster db", "spec: {instances: 2}")
    made = obj("apps/v1 StatefulSet db", SET, **owned(db))
    pod = obj("v1 Pod db-0", POD[1:-1], **owned(made))
    assert asked(db, made, pod, claim("data"), claim("data-db-0")) == ["data", "data-db-0"]
    assert asked(db, claim("db-1", **owned(db))) == ["db-1"]
    assert asked(db, obj("apps/v1 StatefulSet db", SET, **owned(obj("x.io/v1 Other db"))), claim("data-db-0")) == []
    plan = a_plan(step(db))
    questions = data_questions(plan, [made, claim("data-db-0")], {}, known=lambda _: True)
    how = going(plan, more_held=held_for_data(plan, questions)).hold(db.ref, db.body)
    assert how is not None and how.body is None  # made at release


def test_old_replica_sets_and_templates_of_nobody_ask_nothing() -> None:
    web = obj("apps/v1 Deployment web", "spec: {template: {spec: {containers: []}}}")
    old = obj("apps/v1 ReplicaSet web-1", f"spec: {{replicas: 0, template: {POD}}}", **owned(web))
    assert asked(web, old, claim("data")) == []
    assert asked(obj("v1 PodTemplate t", f"template: {POD}"), claim("data")) == []


def test_an_old_replica_set_below_a_custom_resource_asks_nothing() -> None:
    site = obj("x.io/v1 Site web")
    web = obj("apps/v1 Deployment web", "spec: {template: {spec: {containers: []}}}", **owned(site))
    old = obj("apps/v1 ReplicaSet web-1", f"spec: {{replicas: 0, template: {POD}}}", **owned(web))
    assert asked(site, web, old, claim("data")) == []


def test_what_would_wake_it_and_what_waits_for_it_is_held_with_it() -> None:
    db = obj("apps/v1 Deployment db", USES.replace("template: {", "template: {metadata: {labels: {app: db}}, "))
    keda = obj("keda.sh/v1alpha1 ScaledObject db", "spec: {scaleTargetRef: {name: db}}")
    hpa = obj("autoscaling/v2 HorizontalPodAutoscaler db", "spec: {minReplicas: 2, scaleTargetRef: {name: db}}")
    service = obj("v1 Service db", "spec: {selector: {app: db}}")
    hook = Object(
        Ref("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", "db"),
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "db"},
            "webhooks": [{"clientConfig": {"service": {"namespace": "shop", "name": "db"}}}],
        },
    )
    plan = a_plan(*(step(one, BOTH if one is db else "") for one in (db, keda, hpa, service, hook)))
    questions = data_questions(plan, [claim("data")], {})
    held = held_for_data(plan, questions)
    assert set(held) == {db.ref, keda.ref, hook.ref}
    assert "claim shop/data" in held[db.ref]
    assert held_for_data(plan, {}) == {}


@pytest.mark.parametrize(
    ("listings", "namespaces", "known"),
    [
        ((), (), False),
        ((Outcome.LISTED,), (), True),
        ((Outcome.FORBIDDEN,), (), False),
        ((Outcome.LEFT_OUT,), (), False),
        ((Outcome.LISTED,), ("sh*",), True),
        ((Outcome.LISTED,), ("other",), False),
    ],
)
def test_claims_are_known_where_all_were_listed(
    listings: tuple[Outcome, ...], namespaces: tuple[str, ...], known: bool
) -> None:
    kind = Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True)
    found = Snapshot((), listings=tuple(Listing(kind, one) for one in listings))
    found = replace(found, select=parse_selection(namespaces=list(namespaces)))
    assert claims_known(found)("shop") is known
