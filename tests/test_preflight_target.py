"""Who the target is, what it serves, and what is tried: judged from what a target shows."""

from __future__ import annotations

import pytest
from preflight_target_help import Json, Target, a_going, only, ref_of, said, thing

from migrate.errors import BadInput, Refused
from migrate.flow.fingerprint import fingerprint, not_the_source, who
from migrate.model.checks import Status
from migrate.model.effects import Severity
from migrate.preflight import identity, served
from migrate.preflight.dryrun import dropped, elsewhere, filled, trials
from migrate.preflight.served import REMOVED, left_to_dry_runs, removed
from migrate.preflight.structural import judge

AWS = thing("v1 Node", "n", spec={"providerID": "aws:///us-east-2a/i-1"})
AUTO = "eks.amazonaws.com/v1 NodeClass"
CRD = "apiextensions.k8s.io/v1 CustomResourceDefinition"


def checks(*bodies: Json, target: Target, source: str = "source-uid", version: str = "1.36.1", **more: str | bool):
    going = a_going(*bodies, version=version, flavour=str(more.pop("planned", "standard")))
    return list(identity.checks(going, target, source_uid=source, **more))  # type: ignore[arg-type]


def definition(kind: str, *versions: str) -> Json:
    served = [{"name": name, "served": name != "v0", "schema": {"openAPIV3Schema": {}}} for name in versions]
    return thing(CRD, f"{kind.lower()}s.x.io", spec={"group": "x.io", "names": {"kind": kind}, "versions": served})


def test_all_is_well() -> None:
    assert {one.status for one in checks(target=Target(AWS))} == {Status.PASS}


def test_source_and_target_are_one_cluster() -> None:
    found = only(checks(target=Target(AWS), source="target-uid"), "PRE001")
    assert (found.status, found.severity) == (Status.FINDING, Severity.BLOCKER)
    with pytest.raises(BadInput) as error:
        not_the_source(Target(), "target-uid", "--context gke_acme_prod", "--eks us-east-2/prod")
    assert error.value.what == "source and target are the same cluster (uid target)"
    assert error.value.details == ("--context gke_acme_prod and --eks us-east-2/prod both answer as this cluster.",)
    assert error.value.next == "name another target. Nothing was read or written."
    not_the_source(Target(), "")
    not_the_source(Target(), "source-uid")


@pytest.mark.parametrize(("source", "blind"), [("", ()), ("source-uid", ("Namespace",))])
def test_nobody_could_look_who_it_is(source: str, blind: tuple[str, ...]) -> None:
    found = only(checks(target=Target(AWS, blind=blind), source=source), "PRE001")
    assert found.status is Status.UNKNOWN and found.because and found.fix


@pytest.mark.parametrize(
    ("node", "kinds", "eks", "status"),
    [
        (thing("v1 Node", "n", spec={"providerID": "gce://p/z/n"}), "", True, Status.FINDING),
        (thing("v1 Node", "n", labels={"cloud.google.com/gke-nodepool": "a"}), "", False, Status.FINDING),
        (None, "networking.gke.io/v1 ManagedCertificate", False, Status.FINDING),
        (None, "networking.gke.io/v1 ManagedCertificate, vpcresources.k8s.aws/v1 CNINode", False, Status.PASS),
        (None, "", True, Status.PASS),
        (None, "", False, Status.UNKNOWN),
        (thing("v1 Node", "n"), "", False, Status.UNKNOWN),
    ],
)
def test_whether_it_is_eks(node: Json | None, kinds: str, eks: bool, status: Status) -> None:
    target = Target(*([node] if node else []), kinds=kinds)
    assert only(checks(target=target, eks=eks), "PRE002").status is status


@pytest.mark.parametrize(
    ("version", "status"),
    [("1.36.9", "pass"), ("1.35.0", "pass"), ("1.9.0", "pass"), ("1.37.0", "finding"), ("", "unknown")],
)
def test_no_older_than_the_source(version: str, status: str) -> None:
    assert only(checks(target=Target(AWS), version=version), "PRE003").status.value == status


@pytest.mark.parametrize(
    ("planned", "kinds", "told", "status"),
    [
        ("standard", "", "", "pass"),
        ("auto", AUTO, "", "pass"),
        ("auto", "", "", "finding"),
        ("standard", AUTO, "", "finding"),
        ("standard", AUTO, "standard", "pass"),  # AWS knows better: kinds may outlive Auto Mode
    ],
)
def test_the_flavour(planned: str, kinds: str, told: str, status: str) -> None:
    found = only(checks(target=Target(AWS, kinds=kinds), planned=planned, flavour=told), "PRE010")
    assert found.status.value == status
    if status == "finding":
        other = "auto" if planned == "standard" else "standard"
        assert f"gke2eks plan --flavour {other}" in found.fix and found.severity is Severity.BLOCKER


def test_a_silent_group_does_not_tell_the_flavour() -> None:
    found = only(checks(target=Target(AWS, silent="eks.amazonaws.com/v1")), "PRE010")
    assert found.status is Status.UNKNOWN


def test_the_fingerprint_covers_what_the_plan_uses_and_does_not_make() -> None:
    going = a_going(thing("v1 ConfigMap", "c", "shop"), definition("Own", "v1"), thing("x.io/v1 Own", "o", "shop"))
    first = fingerprint(Target(), going, "standard")
    assert (
        (first.cluster, first.minor, first.flavour)
        == ("target-uid", "1.36", "standard")
        == (
            who(Target()),
            Target.minor,
            "standard",
        )
    )
    for kinds in ("x.io/v1 Own", "x.io/v1 More", "y.io/v1 Else"):
        assert fingerprint(Target(kinds=kinds), going, "standard") == first
    other = Target()
    other._kinds = tuple(one for one in other._kinds if one.kind != "ConfigMap")
    assert fingerprint(other, going, "standard") != first


def test_a_group_that_is_silent_for_a_while_is_no_other_target() -> None:
    going = a_going(thing("y.io/v1 Other", "o", "shop"))
    there, silent = Target(kinds="y.io/v1 Other"), Target(silent="y.io/v1")
    assert fingerprint(there, going, "auto") == fingerprint(silent, going, "auto")
    assert fingerprint(there, going, "auto") != fingerprint(Target(), going, "auto")


def test_a_target_that_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(Refused):
        fingerprint(Target(blind=["Namespace"]), a_going(), "auto")


def test_kinds() -> None:
    going = a_going(
        thing("v1 ConfigMap", "c", "shop"),
        thing("autoscaling/v1 HorizontalPodAutoscaler", "h", "shop"),
        thing("z.io/v1 Nobody", "n", "shop"),
        thing("q.io/v1 Quiet", "q", "shop"),
        thing("batch/v1beta1 CronJob", "old", "shop"),
        definition("Own", "v0", "v1"),
        thing("x.io/v1 Own", "o", "shop"),
        thing("x.io/v0 Own", "p", "shop"),
        thing("apiregistration.k8s.io/v1 APIService", "v1.m.io", spec={"group": "m.io", "version": "v1"}),
        thing("m.io/v1 Metric", "m", "shop"),
    )
    target = Target(silent="q.io/v1")
    found = {one.refs[0].name: one for one in served.checks(going, target) if one.refs}
    assert {name: (one.id, one.status.value) for name, one in found.items()} == {
        "n": ("PRE030", "finding"),
        "q": ("PRE030", "unknown"),
        "old": ("PRE032", "finding"),
        "o": ("PRE031", "pass"),
        "p": ("PRE031", "finding"),
        "m": ("PRE031", "pass"),
    }
    assert "--exclude 'Nobody.z.io/*/*'" in found["n"].fix and "batch/v1" in found["old"].fix
    assert left_to_dry_runs(going, target) == {("autoscaling/v1", "HorizontalPodAutoscaler")}
    assert {one.ref.name for one in trials(going, target, {})} == {"c", "h", "o", "p", "owns.x.io", "v1.m.io"}


def test_versions_of_a_custom_kind_are_in_its_definition() -> None:
    target = Target(definition("Own", "v0", "v1", "v2"), kinds="x.io/v2 Own")
    going = a_going(*(thing(f"x.io/{version} Own", version, "shop") for version in ("v0", "v1", "v2")))
    assert said(served.checks(going, target)) == [("PRE030", "finding"), ("PRE030", "pass")]
    blind = Target(kinds="x.io/v2 Own", blind=["CustomResourceDefinition"])
    assert left_to_dry_runs(going, blind) == {("x.io/v0", "Own"), ("x.io/v1", "Own")}


def test_removed_versions() -> None:
    row = removed("policy/v1beta1", "PodDisruptionBudget", "1.36")
    assert row and (row.since, row.instead) == ("1.25", "policy/v1")
    assert removed("policy/v1beta1", "PodDisruptionBudget", "1.24") is None
    assert removed("policy/v1", "PodDisruptionBudget", "1.36") is None
    assert len({(row.api_version, kind) for row in REMOVED for kind in row.kinds}) == sum(
        len(row.kinds) for row in REMOVED
    )


def test_what_is_tried_elsewhere() -> None:
    space, there = thing("v1 Namespace", "new"), thing("v1 Namespace", "shop")
    going = a_going(space, there, thing("v1 ConfigMap", "c", "new"), thing("v1 ConfigMap", "c", "shop"))
    found = {str(one.ref): one for one in trials(going, Target(there), {})}
    assert [found[name].moved for name in ("ConfigMap/new/c", "ConfigMap/shop/c", "Namespace/new")] == [
        True,
        False,
        False,
    ]
    moved = found["ConfigMap/new/c"].body["metadata"]
    assert moved["namespace"] == "default" and moved["name"].startswith("gke2eks-dry-run-") and len(moved["name"]) < 40
    assert elsewhere(ref_of(space), space)["metadata"]["name"] != moved["name"]


def test_values_of_secrets_are_made_up_only_where_nobody_filled_them() -> None:
    mine = thing("v1 Secret", "s", "shop", data={"a": "YQ=="})
    assert filled(mine) == (mine, False)
    made, was = filled(thing("v1 Secret", "s", "shop", data={"a": "(secret, 3 bytes, key a)"}))
    assert was and made["data"] == {"a": "eHh4"}
    planned = thing("v1 Secret", "s", "shop", data={"a": "(secret, 3 bytes, key a)"})
    (one,) = trials(a_going(planned), Target(thing("v1 Namespace", "shop")), {ref_of(mine): mine})
    assert one.body["data"] == {"a": "YQ=="} and not one.made_up


def test_a_held_object_is_tried_as_it_is_sent() -> None:
    body = thing("apps/v1 Deployment", "d", "shop", spec={"replicas": 3})
    (one,) = trials(a_going(body, held=True), Target(thing("v1 Namespace", "shop")), {})
    assert one.body["spec"]["replicas"] == 0 and "gke2eks/hold" in one.body["metadata"]["annotations"]
    job = thing("batch/v1 CronJob", "j", "shop", spec={"schedule": "x"})
    (made_later,) = trials(a_going(job, held=True), Target(kinds="batch/v1 CronJob"), {})
    assert made_later.body["spec"] == {"schedule": "x"}


def test_what_the_answer_lacks() -> None:
    body = thing("v1 Pod", "p", "shop", spec={"a": 1, "b": {"c": "x", "d": ""}, "l": [{"e": 1}], "m": [1]})
    (one,) = trials(a_going(body), Target(), {})
    answer = thing("v1 Pod", "p", "shop", spec={"a": 1, "b": {}, "l": [{"f": 1}], "m": [1, 2]})
    (lost,) = dropped(one, answer)
    assert "spec.b.c, spec.l[0].e, and" in lost.message
    assert list(dropped(one, body)) == []


def test_offline_says_what_it_cannot_do() -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"a": {"type": "string", "pattern": r"\p{L}+"}, "m": {"type": "object"}},
                "x-kubernetes-validations": [{"rule": "true"}],
            }
        },
    }
    found = judge(thing("x.io/v1 T", "t", spec={"a": "x", "m": {"k": 1}}), schema)
    assert (found.faults, found.unchecked) == ([], ["rules in CEL", "the pattern of spec.a"])
    assert found.dropped == ["spec.m.k"]
