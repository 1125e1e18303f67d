"""What a plan says of references that lead nowhere, and what a selection takes along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_references import POD, SECRET, obj
from test_selection import obj as named

from migrate.flow.plan import tables
from migrate.model.decided import Decided
from migrate.model.effects import Cause, Severity
from migrate.model.listing import BY_REQUEST, Kind, Listing, Outcome
from migrate.model.objects import Object, Snapshot
from migrate.model.plan import Finding, Plan
from migrate.model.ref import Ref
from migrate.model.selection import parse_selection
from migrate.planner import plan
from migrate.reading import read


def planned(*objects: Object, **more: Any) -> list[Finding]:
    made = plan(Snapshot(objects, **more), tables(), Decided())
    return [f for f in made.findings if f.rule == "REF001"]


def test_a_finding_names_what_was_not_read() -> None:
    (found,) = planned(obj(POD, SECRET))
    assert (found.severity, found.message) == (Severity.REVIEW, "This names Secret/ns/x, which was not read.")
    (found,) = planned(obj(POD, SECRET), obj("v1 Secret", "{data: {a: y}}", "x"))
    assert found.message == "This names the key b of Secret/ns/x, which has no such key; it has a."
    (found,) = planned(obj("v1 Service", "{spec: {selector: {app: x}}}"))
    assert found.message == "This selects pods with the labels app=x, and nothing that was read makes such pods."


def test_five_places_of_one_object_are_one_finding() -> None:
    env = ", ".join(f"{{name: e{n}, valueFrom: {{secretKeyRef: {{name: x, key: k{n}}}}}}}" for n in range(5))
    assert len(planned(obj(POD, f"{{spec: {{containers: [{{name: c, env: [{env}]}}]}}}}"))) == 1


def test_a_definition_is_missed_once() -> None:
    widgets = [obj("acme.example/v1 Widget", "{}", f"w{n}") for n in range(5)]
    (found,) = planned(*widgets)
    assert found.ref is None and "Widget.acme.example" in found.message and "and 2 more" in found.message


def test_a_part_of_a_cluster_is_said_once() -> None:
    pods = [obj(POD, SECRET.replace("x", f"s{n}"), f"p{n:02}") for n in range(30)]
    (found,) = planned(*pods)
    assert found.ref is None and found.message.startswith(
        "30 of 30 references lead to something that was not read, such as: "
    )
    there = [obj("v1 Secret", "{data: {a: y, b: z}}", f"s{n}") for n in range(18)]
    assert len(planned(*pods, *there)) == 1 and len(planned(*pods, *there, *_more(there, 7))) == 5


def _more(there: list[Object], count: int) -> list[Object]:
    return [Object(Ref("", "Secret", "ns", f"s{len(there) + n}"), there[0].body) for n in range(count)]


@pytest.mark.parametrize(("outcome", "why"), [(Outcome.FORBIDDEN, "no rights"), (Outcome.LEFT_OUT, BY_REQUEST)])
def test_a_kind_that_nobody_could_read_is_not_checked(outcome: Outcome, why: str) -> None:
    listing = Listing(Kind("", "v1", "secrets", "Secret", True), outcome, why=why)
    assert planned(obj(POD, SECRET), listings=(listing,)) == []


def test_the_bundled_example_is_whole(repo: Path) -> None:
    snapshot = read([str(repo / "examples/gke-cluster.json")], stdin=lambda: b"", needles=(), hash_key=b"k").snapshot
    assert planned(*snapshot.objects) == []


def _planned(objects: list[Object], **said: list[str]) -> Plan:
    return plan(Snapshot(tuple(objects)), tables(), Decided(select=parse_selection(**said)))


def _cluster() -> list[Object]:
    claim = named("PersistentVolumeClaim/shop/data", spec={"storageClassName": "fast"})
    foreign = named("PersistentVolumeClaim/team/data", spec={"storageClassName": "slow"})
    provider = "ebs.csi.aws.com"
    storage = [
        named(f"StorageClass/{name}", "storage.k8s.io/v1", provisioner=provider) for name in ("fast", "slow", "rest")
    ]
    default = named("StorageClass/own", "storage.k8s.io/v1", provisioner=provider)
    default.body["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    account = named("ServiceAccount/shop/api")
    role = named("ClusterRole/reader", "rbac.authorization.k8s.io/v1")
    binding = named(
        "ClusterRoleBinding/shop-reads",
        "rbac.authorization.k8s.io/v1",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        subjects=[{"kind": "ServiceAccount", "namespace": "shop", "name": "api"}],
    )
    other = named("ClusterRole/other", "rbac.authorization.k8s.io/v1")
    return [
        claim,
        foreign,
        *storage,
        default,
        account,
        role,
        binding,
        other,
        named("Namespace/shop"),
        named("Namespace/team"),
    ]


def test_what_a_namespace_needs_of_the_cluster_comes_along() -> None:
    made = _planned(_cluster(), namespaces=["shop"])
    stays = {str(step.ref) for step in made.steps if step.cause is Cause.EXCLUDED}
    assert stays == {
        *("PersistentVolumeClaim/team/data", "StorageClass/slow", "StorageClass/rest"),
        *("ClusterRole/other", "Namespace/team"),
    }


def test_exclude_wins_over_need() -> None:
    made = _planned(_cluster(), namespaces=["shop"], exclude=["StorageClass/fast"])
    assert next(s for s in made.steps if str(s.ref) == "StorageClass/fast").reason == "excluded by name"


def test_what_is_needed_and_not_selected_is_said() -> None:
    made = _planned(_cluster(), exclude=["ServiceAccount/shop/api"])
    (said,) = (f for f in made.findings if f.rule == "REF001")
    assert said.message == "This names ServiceAccount/shop/api, which the selection leaves out."
    assert (str(said.ref), str(said.path)) == ("ClusterRoleBinding/shop-reads", "subjects[0].name")


def test_a_selection_that_fits_nothing_is_named() -> None:
    made = _planned(_cluster(), only=["Job/x/y"], exclude=["Secret/x/*"], kinds=["jobs"])
    said = " ".join(f.message for f in made.findings if f.ref is None)
    assert "only Job/x/y" in said and "an exclusion of Secret/x/*" in said and "the kind jobs" in said
    assert all(step.cause is Cause.EXCLUDED for step in made.steps)
