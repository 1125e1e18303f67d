"""Drift: who spoke about what changed, what a selection leaves out, and what nobody could read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from drift_help import GSA, ROLE, Edit, Json, at, edit, look, obj, only, owner, pods, read, rules, source

from migrate.differ.drift import drift
from migrate.model.decided import Decided, Override, Waiver
from migrate.model.drift import How
from migrate.model.listing import BY_REQUEST, Kind, Listing, Outcome
from migrate.model.objects import MISSING, LeftOut
from migrate.model.path import P
from migrate.model.selection import EVERYTHING, parse_selection
from migrate.planner import plan


def neg(zones: str, manager: str) -> Edit:
    """Service of a load balancer: somebody writes which zones it has."""
    field = "cloud.google.com/neg-status"
    fields = [{"manager": manager, "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{field}": {}}}}}]
    return lambda one: one["metadata"].update(annotations={field: zones}, managedFields=fields)


def test_what_a_controller_alone_wrote() -> None:
    first = source()
    neg("a", "glbc")(at(first, "web"))
    assert look(edit("web", neg("a,b", "glbc")), was=first).moved == ()
    assert look(edit("web", neg("a", "glbc"))).moved == ()  # the first annotation of all
    assert look(edit("web", lambda one: one["metadata"].pop("annotations")), was=first).moved == ()
    assert look(edit("web", neg("a,b", "kubectl-edit")), was=first).redo


@pytest.mark.parametrize(
    "odd", [7, [7], [{"fieldsV1": 7}], [{"fieldsV1": {"f:spec": {"f:x": {"k:{": {}, "k:7": {}}}}}], None]
)
def test_managed_fields_that_say_nothing(odd: Any) -> None:
    first = source()
    for fields in (odd, [{"manager": "glbc", "fieldsV1": {"f:spec": odd}}]):
        at(first, "api", "Deployment")["metadata"]["managedFields"] = fields
        assert look(edit("api", lambda one: one["spec"].update(template=pods("x")), "Deployment"), was=first).redo


def ports_of(manager: str, number: int) -> Json:
    keys = 'k:{"port":80,"protocol":"TCP"}'
    fields = {"f:spec": {"f:ports": {keys: {".": {}, "f:targetPort": {}}}}}
    spec = {"ports": [{"port": 80, "protocol": "TCP", "targetPort": number}]}
    return obj("v1", "Service", "x", metadata={"managedFields": [{"manager": manager, "fieldsV1": fields}]}, spec=spec)


def test_an_item_that_a_controller_wrote() -> None:
    for manager, redo in (("glbc", False), ("kubectl", True)):
        first = [*source(), ports_of(manager, 1)]
        assert look(lambda all, who=manager: all.__setitem__(-1, ports_of(who, 2)), was=first).redo is redo


def test_whose_it_is_may_change() -> None:
    first = [*source(), obj("v1", "ServiceAccount", "default")]
    mine = edit("default", lambda one: one["metadata"].update(annotations={"team": "x"}))
    found = only(look(mine, was=first))
    assert found.redo and "now it is yours" in found.because
    owned = edit("c", lambda one: one["metadata"].update(ownerReferences=[{**owner(), "kind": "Deployment"}]))
    assert "left behind" in only(look(owned)).because


def test_rules_and_decisions_that_speak_about_a_place() -> None:
    answers = {("identity", "roles", GSA): ROLE, ("volumes", "shop/data"): "empty-ok"}
    image = P("spec", "template", "spec", "containers", 0, "image")
    over = Override("Deployment/shop/api", image, "nginx:9", "ours", "gke2eks.yaml:7")
    other = Override("Deployment/shop/api", P("spec", "paused"), True, "ours", "gke2eks.yaml:9")
    waive = Waiver("STO002", "PersistentVolumeClaim/shop/data", "we know", "gke2eks.yaml:12")
    decided = Decided(answers=answers, overrides=(over, other), waivers=(waive,))

    def change(all: list[Json]) -> None:
        at(all, "api", "Deployment")["spec"]["template"] = pods("nginx:2")
        at(all, "robot")["metadata"]["annotations"]["iam.gke.io/gcp-service-account"] = "b@c.iam.gserviceaccount.com"
        at(all, "data")["spec"]["storageClassName"] = "premium-rwo"

    found = {one.ref.name: one for one in look(change, decided=decided).moved}
    (api,), (robot,), (data,) = (found[name].places for name in ("api", "robot", "data"))
    assert api.decisions == ("override gke2eks.yaml:7", "question runs.Deployment/shop/api")
    assert api.rules and "override" not in api.rules
    assert robot.rules and robot.decisions == (f"answer identity.roles.{GSA}",)
    assert "answer volumes.shop/data" in data.decisions and data.rules
    assert ("waiver STO002 gke2eks.yaml:12" in data.decisions) == ("STO002" in data.rules)


def test_an_answer_about_an_object_speaks_about_all_of_it() -> None:
    decided = Decided(answers={("runs", "Deployment/shop/api"): "both", ("runs", "Deployment/shop/web"): "both"})
    found = look(edit("api", lambda one: one["spec"].update(replicas=5), "Deployment"), decided=decided)
    assert only(found).places[0].decisions == ("answer runs.Deployment/shop/api",)


def test_outside_the_selection() -> None:
    decided = Decided(select=parse_selection(namespaces=["shop"]))
    found = look(edit("far", lambda one: one["spec"].update(replicas=9)), decided=decided)
    assert not only(found).redo and not found.redo and "selection" in only(found).because
    found = look(lambda all: all.append(obj("v1", "ConfigMap", "n", "other")), decided=decided)
    assert only(found).how is How.ADDED and not found.redo
    assert look(lambda all: all.append(obj("v1", "ConfigMap", "n")), decided=decided).redo


def listing(outcome: Outcome = Outcome.FORBIDDEN, why: str = "nobody may") -> Listing:
    return Listing(Kind("", "v1", "configmaps", "ConfigMap", True), outcome, why=why)


@pytest.mark.parametrize("unread", [listing(), listing(Outcome.FAILED), listing(Outcome.LEFT_OUT, BY_REQUEST)])
def test_what_nobody_read_is_not_gone_and_not_a_pass(unread: Listing) -> None:
    found = look(lambda all: all.remove(at(all, "c")), listings=(unread,))
    assert found.moved == () and found.redo
    assert found.unseen == (f"ConfigMap could not be read this time ({unread.why}): nobody can tell what changed",)
    assert look(listings=(unread,)).redo


def test_a_smaller_reading_is_not_a_pass() -> None:
    part = parse_selection(namespaces=["other"])
    found = look(lambda all: all.remove(at(all, "c")), select=part)
    assert found.moved == () and found.redo and "-n other" in found.unseen[0]
    lost = (LeftOut("a.yaml", 3, "why", "fix"),)
    assert "a.yaml" in look(left_out=lost).reasons[0]
    assert not look(select=EVERYTHING).redo


def test_what_was_not_read_the_first_time_is_in_no_plan() -> None:
    then, now = (read(source(), listings=(listing(),))[0] for _ in range(2))
    assert not drift(then, now, plan(then, rules(), Decided()), Decided()).redo


def test_facts_are_told() -> None:
    then = read(source(), facts={"asked": "container-api", "kubernetes_version": "1.33.4", "autopilot": False})[0]
    now = read(source(), facts={"asked": "container-api", "kubernetes_version": "1.34.1", "autopilot": None})[0]
    found = drift(then, now, plan(then, rules(), Decided()), Decided())
    assert found.facts == ("kubernetes_version: 1.33.4 → 1.34.1", "autopilot: no → not known") and not found.redo


def test_the_same_twice() -> None:
    def change(all: list[Json]) -> None:
        all.reverse()
        at(all, "c")["data"] = {"z": "1"}
        all.remove(at(all, "web"))

    one, other = (look(change) for _ in range(2))
    assert one == other and [moved.ref for moved in one.moved] == sorted(moved.ref for moved in one.moved)
    assert json.dumps(one.reasons) and one.moved[0].places[0].now is MISSING
