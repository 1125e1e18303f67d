"""The second plan on practice clusters; the same scenes run on real ones in the cluster lane. And the pure part."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rig.http import Client
from since_help import Team
from since_scenes import *  # noqa: F403

from migrate.model.objects import MISSING
from migrate.model.path import P
from migrate.model.ran import Report
from migrate.model.ref import Ref
from migrate.model.since import Changed, Field, Left, Since
from migrate.practice import Cluster, Server
from migrate.practice.simulation import Simulation
from migrate.render.ink import Paper
from migrate.render.ran_document import ran_document
from migrate.render.since import before
from migrate.semantics.since import changed, dropped, needed, writers

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def urls() -> Iterator[tuple[str, str]]:
    clusters = Cluster(), Cluster()
    Simulation(clusters[0], 0.02)
    servers = [Server(one).start() for one in clusters]
    yield servers[0].url, servers[1].url
    for one in servers:
        one.stop()


@pytest.fixture
def team(urls: tuple[str, str], tmp_path: Path) -> Team:
    return Team(Client(urls[0]), tmp_path, f"shop{next(_numbers)}", old=Client(urls[1]))


REF = Ref("apps", "Deployment", "shop", "api")


def rows(was: Any, now: Any, ref: Ref = REF) -> dict[str, tuple[Any, Any]]:
    return {one.path: (one.was, one.now) for one in changed(ref, was, now).fields}


def test_fields_are_named_as_people_name_them() -> None:
    was = {"spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b"}], "args": ["x"], "gone": 1}}
    now = {"spec": {"containers": [{"name": "b"}, {"name": "a", "image": "a:2"}], "args": ["x", "y"], "new": None}}
    assert rows(was, now) == {
        "spec.args": (["x"], ["x", "y"]),
        "spec.containers[name=a].image": ("a:1", "a:2"),
        "spec.gone": (1, MISSING),
        "spec.new": (MISSING, None),
    }


def test_an_amount_may_be_spelled_otherwise_and_nothing_else() -> None:
    was = {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}, "env": [{"name": "A", "value": "1"}]}
    now = {"resources": {"limits": {"cpu": "1000m", "memory": "2Gi"}}, "env": [{"name": "A", "value": "1000m"}]}
    assert rows(was, now) == {
        "env[name=A].value": ("1", "1000m"),
        "resources.limits.memory": ("1Gi", "2Gi"),
    }
    assert rows({"a": 1}, {"a": True}) == {"a": (1, True)}


def test_of_a_secret_only_the_places_are_said() -> None:
    secret = Ref("", "Secret", "shop", "login")
    found = changed(secret, {"data": {"a": "MQ==", "b": "Mg=="}}, {"data": {"a": "Mw=="}}, [(P("data", "c"), "NA==")])
    assert [one.path for one in found.fields] == ["data.a", "data.b", "data.c"]
    assert all(one.was is MISSING and one.now is MISSING for one in found.fields)


def test_what_is_ours_and_sent_no_more() -> None:
    fields = {
        "f:metadata": {"f:labels": {"f:a": {}, "f:b": {}}},
        "f:spec": {"f:containers": {'k:{"name":"x"}': {".": {}, "f:image": {}}, 'k:{"name":"y"}': {"f:image": {}}}},
    }
    mine = {"manager": "gke2eks", "operation": "Apply", "fieldsV1": fields}
    theirs = {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}}
    live = {
        "metadata": {"labels": {"a": "1", "b": "2"}, "managedFields": [mine, theirs]},
        "spec": {"paused": True, "containers": [{"name": "x", "image": "x:1"}, {"name": "y", "image": "y:1"}]},
    }
    sent = {"metadata": {"labels": {"a": "1"}}, "spec": {"containers": [{"name": "x"}]}}
    assert {str(path): value for path, value in dropped(live, sent)} == {
        "metadata.labels.b": "2",
        "spec.containers[name=x].image": "x:1",
        "spec.containers[name=y]": {"name": "y", "image": "y:1"},
    }
    assert writers(live) == ("kubectl",)


def test_controllers_do_not_count_as_others() -> None:
    def by(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
        return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}

    finalizer, note = {"f:metadata": {"f:finalizers": {}}}, {"f:metadata": {"f:annotations": {}}}
    entries = [
        by("controller", finalizer),
        by("kube-controller-manager", note),
        by("someone", note, subresource="status"),
        by("gke2eks-replicas", {}),
    ]
    assert writers({"metadata": {"managedFields": entries}}) == ()
    assert writers({"metadata": {"managedFields": [by("controller", finalizer | note), by("a", note)]}}) == (
        "a",
        "controller",
    )


def test_who_is_kept_keeps_what_it_names_and_who_goes_does_not() -> None:
    def body(uid: str, names: str = "", owner: str = "") -> dict[str, Any]:
        volumes = [{"name": "v", "configMap": {"name": names}}] if names else []
        owners = [{"uid": owner}] if owner else []
        return {"metadata": {"uid": uid, "ownerReferences": owners}, "spec": {"volumes": volumes}}

    def pod(name: str) -> Ref:
        return Ref("", "Pod", "shop", name)

    def maps(name: str) -> Ref:
        return Ref("", "ConfigMap", "shop", name)

    claim = Ref("", "PersistentVolumeClaim", "shop", "data")
    found = [Left(pod("a"), "1"), Left(maps("of-a"), "2"), Left(pod("b"), "3"), Left(maps("of-b"), "4")]
    bodies = {pod("a"): body("1", "of-a"), pod("b"): body("3", "of-b"), claim: body("9", owner="3")}
    bodies[pod("of-a-too")] = body("8", "of-a", owner="1")
    assert {one.ref.name: one.why_kept for one in needed(found, bodies, {})} == {
        "a": "",
        "of-a": "",
        "b": "PersistentVolumeClaim/shop/data holds data and would go with it",
        "of-b": "Pod/shop/b names it",
    }
    unseen = needed(found, bodies, {("", "Pod"): "no right"})
    assert {one.why_kept for one in unseen} == {"nobody could look who names it (Pod: no right)"}


def test_the_frame_folds_and_names_the_command() -> None:
    refs = [Ref("", "ConfigMap", "shop", f"c{n}") for n in range(5)]
    one = Changed(REF, (Field("spec.image", "api:1", "api:2"), Field("spec.note", "x" * 90), Field("data.password")))
    data = Left(Ref("", "PersistentVolumeClaim", "shop", "data"), "9", "it holds data", "by hand:\nkubectl delete x")
    last = Since("2026-11-23T08:00:00Z", tuple(refs), (one,), (Left(refs[0], "1"), data))

    def shown(prunes: bool) -> str:
        paper = Paper()
        before(paper, last, prunes)
        return paper.text()

    assert shown(False) == (
        "  Since the last apply (23 Nov 2026, 08:00 UTC): 5 new, 1 changed, 2 left the plan\n"
        "    new      shop: ConfigMap/c0, ConfigMap/c1, ConfigMap/c2\n"
        "             and 2 more\n"
        "    changed  shop: Deployment/api\n"
        "               spec.image  api:1 → api:2\n"
        f"               spec.note  {'x' * 59}… → removed\n"
        "               data.password\n"
        "    left     shop: ConfigMap/c0\n"
        "             it stays until apply is run with --prune\n"
        "    kept     shop: PersistentVolumeClaim/data  it holds data.\n"
        "             by hand:\n"
        "             kubectl delete x\n"
    )
    assert "it stays until" not in shown(True)
    assert shown(True).endswith("  Deletes 1 object, after all else went well: 1 ConfigMap\n")


def test_the_document_is_of_the_schema(repo: Path) -> None:
    one = Changed(REF, (Field("a", None, 1), Field("b", MISSING, [1]), Field("data.password")))
    last = Since("", (REF,), (one,), (Left(REF, "1", "why", "fix"),))
    page = ran_document(Report("apply", "prod", "sha256:1", (), (), 1, 0, since=last))
    jsonschema.Draft202012Validator(json.loads((repo / "reports/apply.schema.json").read_text())).validate(page)
    assert page["since"]["changed"][0]["fields"] == [
        {"path": "a", "was": None, "now": 1},
        {"path": "b", "now": [1]},
        {"path": "data.password"},
    ]
    assert list(page["counts"])[-1] == "deleted"
