"""Falsely unexpected, falsely missing, falsely fine: what real clusters do to what was moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from rollback_help import deployment, obj

from migrate.differ.classes import classes
from migrate.differ.classes_objects import ended, is_eks_own
from migrate.differ.extras import extras
from migrate.differ.walk import differences
from migrate.differ.walk_schema import Schemas
from migrate.manifest.places import put
from migrate.model.comparison import Class, Delta
from migrate.model.effects import Cause
from migrate.model.objects import Body
from migrate.model.path import P, Path, parse
from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.model.ref import Ref, group_of
from migrate.model.selection import parse_selection
from migrate.model.side import Side

D, R, U = Class.DEFAULTED, Class.RUNTIME, Class.UNEXPECTED
NS = "shop"


def ref_of(body: Body) -> Ref:
    meta = body["metadata"]
    return Ref(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])


def step(body: Body) -> Step:
    return Step(ref_of(body), "v1", Fate.MIGRATE, Cause.NONE, Standing.READY, "", None, body, (), ())


def wrote(manager: str, *path: str) -> Mapping[str, Any]:
    fields: dict[str, Any] = {}
    here = fields
    for word in path:
        here = here.setdefault(f"f:{word}", {})
    return {"manager": manager, "operation": "Update", "time": "2026-11-24T03:00:00Z", "fieldsV1": fields}


def judge(planned: Body, changed: Body, manager: str, at: Path, **options: Any) -> list[Delta]:
    live = put(changed, P("metadata", "managedFields"), [wrote(manager, *map(str, at))])
    raws = [one for one in differences(("x", "y"), planned, live) if one.path[-1:] != ("managedFields",)]
    return list(classes(step(planned), None, planned, live, raws, **options))


RESTART = parse('spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]')
CA = parse("spec.conversion.webhook.clientConfig.caBundle")


@dataclass(frozen=True)
class Written:
    """Something is written to a planned object by `manager`."""

    planned: Body
    at: Path
    value: Any
    manager: str
    kind: Class


INJECTED = {"annotations": {"cert-manager.io/inject-ca-from": "x/y"}}
HOOK = {"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://a"}}}}
SCALED = obj("ScaledObject", "web", NS, "keda.sh/v1alpha1")
WRITTEN = {
    "restart": Written(deployment(NS), RESTART, "2026-11-24T03:00:00Z", "kubectl-rollout", R),
    "restart again": Written(put(deployment(NS), RESTART, "2025"), RESTART, "2026", "kubectl-rollout", R),
    "other note on the pods": Written(deployment(NS), Path((*RESTART[:-1], "a")), "b", "kubectl-edit", U),
    "injected CA": Written(obj("Thing", "a", spec=HOOK, metadata=INJECTED), CA, "QQ==", "cainjector", R),
    "a CA of somebody": Written(obj("Thing", "a", spec=HOOK), CA, "QQ==", "kubectl-edit", U),
    "KEDA's label": Written(SCALED, P("metadata", "labels", "scaledobject.keda.sh/name"), "web", "keda", R),
    "planned label": Written(
        put(SCALED, P("metadata", "labels"), {"scaledobject.keda.sh/name": "a"}),
        P("metadata", "labels", "scaledobject.keda.sh/name"),
        "b",
        "kubectl-label",
        U,
    ),
    "a person's label": Written(SCALED, P("metadata", "labels", "team"), "a", "kubectl-label", U),
    "Karpenter's hash": Written(SCALED, P("metadata", "annotations", "karpenter.sh/nodepool-hash"), "1", "x", R),
    "Auto Mode's hash": Written(SCALED, P("metadata", "annotations", "eks.amazonaws.com/nodeclass-hash"), "1", "x", R),
    "being deleted": Written(deployment(NS), P("metadata", "deletionTimestamp"), "2026", "", U),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_to_a_planned_object(name: str) -> None:
    row = WRITTEN[name]
    found = judge(row.planned, put(row.planned, row.at, row.value), row.manager, row.at)
    assert [one.kind for one in found] == [row.kind]
    assert found[0].because and bool(found[0].fix) is (row.kind is U)


@pytest.mark.parametrize(
    ("planned", "there", "off", "kind"), [(3, 0, True, U), (3, 0, False, R), (0, 0, True, R), (3, 5, True, R)]
)
def test_no_replicas_turn_an_autoscaler_off(planned: int, there: int, off: bool, kind: Class) -> None:
    sent = deployment(NS, replicas=None)
    live = put(sent, P("spec", "replicas"), there)
    raws = list(differences(("apps", "Deployment"), sent, live))
    (found,) = classes(step(deployment(NS, replicas=planned)), None, sent, live, raws, scaled=True, off=off)
    assert found.kind is kind
    assert not off or kind is R or "--replicas=3" in found.fix


def test_a_job_may_be_gone_after_its_end() -> None:
    gone = ended(step(obj("Job", "a", NS, "batch/v1", spec={"ttlSecondsAfterFinished": 60})))
    assert gone is not None and gone.kind is R and "60 s" in gone.because
    assert ended(step(obj("Job", "a", NS, "batch/v1", spec={}))) is None
    assert ended(step(obj("Thing", "a", NS, "x/v1", spec={"ttlSecondsAfterFinished": 60}))) is None


UID = "a-uid"
OWNER = put(deployment(NS), P("metadata", "uid"), UID)


def owned(kind: str, uid: str) -> Body:
    return obj(kind, "made", NS, metadata={"ownerReferences": [{"kind": "Deployment", "name": "web", "uid": uid}]})


def certificate(**metadata: Any) -> Body:
    return obj("Secret", "tls", NS, type="kubernetes.io/tls", metadata=metadata)


STACK = {"labels": {"ingress.k8s.aws/stack": "a"}}
# What is in a planned namespace, and whether it is extra.
THERE = {
    "owned, though not by a controller": (owned("ConfigMap", UID), False),
    "owned by what is not there": (owned("ConfigMap", "other"), True),
    "a claim has data": (owned("PersistentVolumeClaim", UID), True),
    "binding of the load balancer": (
        obj("TargetGroupBinding", "a", NS, "elbv2.k8s.aws/v1beta1", metadata=STACK),
        False,
    ),
    "binding of a person": (obj("TargetGroupBinding", "a", NS, "elbv2.k8s.aws/v1beta1"), True),
    "checkpoint": (obj("VerticalPodAutoscalerCheckpoint", "a", NS, "autoscaling.k8s.io/v1"), False),
    "autoscaler of a person": (obj("VerticalPodAutoscaler", "a", NS, "autoscaling.k8s.io/v1"), True),
    "endpoint of the network": (obj("PolicyEndpoint", "a", NS, "networking.k8s.aws/v1alpha1"), False),
    "certificate": (certificate(annotations={"cert-manager.io/certificate-name": "web"}), False),
    "key on its way": (certificate(labels={"cert-manager.io/next-private-key": "true"}), False),
    "from a vault": (certificate(labels={"reconcile.external-secrets.io/managed": "true"}), False),
    "a person's": (certificate(), True),
}


def plan_of(*bodies: Body) -> Plan:
    steps = tuple(step(one) for one in bodies)
    return Plan("standard", "gke", "", "", {}, steps, (), (), (), (), (), (), "")


def found_extra(side: Side, plan: Plan, **select: Any) -> list[str]:
    return [f"{one.kind.value} {one.ref.short}" for one in extras(plan, side, parse_selection(**select), look=True)]


@pytest.mark.parametrize("name", THERE)
def test_what_controllers_make_is_not_extra(name: str) -> None:
    body, extra = THERE[name]
    side = Side("eks", {ref_of(one): one for one in (OWNER, body)})
    assert found_extra(side, plan_of(deployment(NS))) == ([f"extra {ref_of(body).short}"] if extra else [])


@pytest.mark.parametrize(
    ("body", "made", "extra"),
    [
        # A ServiceAccount or Namespace of nothing but a name does not say who made it: the journal does.
        (obj("Namespace", "left", metadata={"uid": "1"}), {"1"}, True),
        (obj("Namespace", "left", metadata={"uid": "2"}), {"1"}, False),
        (obj("ServiceAccount", "a", "left", metadata={"uid": "1"}), {"1"}, True),
        (obj("ServiceAccount", "a", "left", metadata={"uid": "2"}), {"1"}, False),
    ],
)
def test_what_we_made_is_extra_in_any_namespace(body: Body, made: set[str], extra: bool) -> None:
    """Also where a whole namespace left the plan."""
    side = Side("eks", {ref_of(body): body})
    found = list(extras(plan_of(deployment(NS)), side, parse_selection(), look=True, made=made))
    assert [one.fix for one in found] == (["gke2eks apply --prune deletes it."] if extra else [])


def test_a_table_of_targets_says_who() -> None:
    assert "Load Balancer" in is_eks_own(THERE["binding of the load balancer"][0])


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ({}, ["failed ClusterThing.x.io/*", "failed Secret/*"]),
        ({"namespaces": [NS]}, ["failed Secret/*"]),
        ({"kinds": ["Deployment"]}, []),
        ({"only": [f"Deployment/{NS}/web"]}, []),
        ({"only": [f"Secret/{NS}/a"]}, ["failed Secret/*"]),
        ({"namespaces": [NS], "kinds": ["ClusterThing"]}, ["failed ClusterThing.x.io/*"]),
    ],
)
def test_what_was_not_asked_for_may_be_unread(select: dict[str, Any], told: list[str]) -> None:
    """Who may see one namespace only proves that one."""
    unread = {("", "Secret"): "forbidden", ("x.io", "ClusterThing"): "forbidden"}
    side = Side("eks", {}, unread=unread, wide=frozenset({("x.io", "ClusterThing")}))
    assert sorted(found_extra(side, plan_of(deployment(NS)), **select)) == told


def test_an_api_that_does_not_answer_hides_its_objects() -> None:
    """They are not missing: nobody knows."""
    side = Side("eks", {}, unread={("x.io", ""): "it did not answer"}, served=frozenset())
    assert side.silent(Ref("x.io", "Thing", NS, "a")) == "it did not answer"
    assert side.silent(Ref("", "Secret", NS, "a")) == ""


PORTS = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["port", "proto"],
    "items": {"type": "object", "properties": {"port": {"type": "integer"}, "proto": {"default": "TCP"}}},
}
TAGS = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
PLAIN = {"type": "array", "items": {"type": "string"}}


def definition() -> Body:
    fields = {"type": "object", "properties": {"ports": PORTS, "tags": TAGS, "order": PLAIN}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": fields}}}
    spec = {"group": "x.io", "names": {"kind": "Thing"}, "versions": [{"name": "v1", "schema": schema}]}
    return obj("CustomResourceDefinition", "things.x.io", "", "apiextensions.k8s.io/v1", spec=spec)


@pytest.mark.parametrize(
    ("planned", "there", "paths"),
    [
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, []),
        ({"tags": ["a", "b"]}, {"tags": ["b"]}, ['spec.tags[""=a]']),
        ({"order": ["a", "b"]}, {"order": ["b", "a"]}, ["spec.order[0]", "spec.order[1]"]),
        ({"ports": [{"port": 1}, {"port": 2}]}, {"ports": [{"port": 2}, {"port": 1, "proto": "TCP"}]}, None),
        ({"ports": [{"port": 1, "a": "b"}]}, {"ports": [{"port": 2}, {"port": 1, "a": "c"}]}, None),
    ],
)
def test_lists_of_custom_kinds_go_by_the_keys_of_their_schema(
    planned: Body, there: Body, paths: list[str] | None
) -> None:
    schemas = Schemas({ref_of(definition()): definition()}, {})
    one, other = (obj("Thing", "a", NS, "x.io/v1", spec=spec) for spec in (planned, there))
    row = schemas.row("x.io", "Thing", "v1")
    found = sorted(str(raw.path) for raw in differences(("x.io", "Thing"), one, other, row=row))
    told = {1: ["spec.ports[port=1].a", "spec.ports[port=2]"], 2: ["spec.ports[port=1].proto"]}
    assert found == (told[len(planned["ports"])] if paths is None else paths)
    assert schemas.row("x.io", "Other", "v1") == schemas.row("x.io", "Thing", "v2")
