"""Drift: what changed on the source since the snapshot, who spoke about it, and whether to plan again."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path as File
from typing import Any

import pytest
from test_secret_file import CANARY, in_clear

from migrate.differ.drift import drift
from migrate.flow.plan import tables
from migrate.model.decided import Decided, Override, Waiver
from migrate.model.drift import Drift, How, Moved
from migrate.model.listing import BY_REQUEST, Kind, Listing, Outcome
from migrate.model.objects import MISSING, LeftOut, Object, Snapshot
from migrate.model.path import P
from migrate.model.ref import Ref, group_of
from migrate.model.selection import EVERYTHING, parse_selection
from migrate.planner import Tables, plan
from migrate.reading.redact import Redactor

Json = dict[str, Any]
Edit = Callable[[Json], object]
KEY = b"k" * 32
GSA = "api@acme-prod.iam.gserviceaccount.com"
ROLE = "arn:aws:iam::111122223333:role/api"


def obj(version: str, kind: str, name: str, space: str = "shop", **more: Any) -> Json:
    meta = {"name": name, "uid": f"u-{kind}-{name}", "resourceVersion": "1", **more.pop("metadata", {})}
    meta |= {"namespace": space} if space else {}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **more}


def pods(image: str = "nginx:1") -> Json:
    spec = {"containers": [{"name": "api", "image": image, "env": [{"name": "A", "value": "1"}]}]}
    return {"metadata": {"labels": {"app": "api"}}, "spec": spec}


def deployment(name: str = "api", space: str = "shop") -> Json:
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "api"}}, "template": pods()}
    return obj("apps/v1", "Deployment", name, space, spec=spec, status={"replicas": 3})


def claim() -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return obj("v1", "PersistentVolumeClaim", "data", spec=spec | {"storageClassName": "standard-rwo"})


def scaler(kind: str = "Deployment", name: str = "api") -> Json:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return obj("autoscaling/v2", "HorizontalPodAutoscaler", "h", spec={"scaleTargetRef": target, "maxReplicas": 9})


def source() -> list[Json]:
    robot = {"annotations": {"iam.gke.io/gcp-service-account": GSA}}
    daemons = {"selector": {"matchLabels": {"app": "api"}}, "template": pods()}
    cron = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": pods()}}}
    return [
        obj("v1", "Namespace", "shop", ""),
        deployment(),
        deployment("web"),
        deployment("far", "other"),
        obj("apps/v1", "DaemonSet", "agent", spec=daemons),
        obj("batch/v1", "CronJob", "nightly", spec=cron),
        obj("batch/v1", "Job", "once", spec={"template": pods()}, status={"active": 1}),
        obj("v1", "ConfigMap", "c", data={"a": "1"}),
        obj("v1", "ConfigMap", "cluster-kubestore", "kube-system", data={"a": "1"}),
        obj("v1", "ServiceAccount", "robot", metadata=robot),
        claim(),
        obj("v1", "Secret", "s", type="Opaque", data={"a": "c2VjcmV0", "b": ""}),
        obj("v1", "Pod", "api-1", metadata={"ownerReferences": [owner()]}, spec=pods()["spec"]),
    ]


def owner() -> Json:
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api", "uid": "r", "controller": True}


def read(bodies: list[Json], key: bytes = KEY, **more: Any) -> tuple[Snapshot, Mapping[Ref, Any]]:
    objects, hashes = [], {}
    for body in bodies:
        meta = body["metadata"]
        ref = Ref(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])
        found = Redactor((), key).redact(copy.deepcopy(body))
        objects.append(Object(ref, found.body))
        hashes |= {ref: found.keys} if found.keys else {}
    return Snapshot(tuple(sorted(objects, key=lambda one: one.ref)), **more), hashes


@pytest.fixture(scope="module")
def rules() -> Tables:
    return tables(())


@pytest.fixture
def look(rules: Tables) -> Callable[..., Drift]:
    """Plan the source, change it, and look again."""

    def again(
        change: Callable[[list[Json]], object] | None = None,
        *,
        decided: Decided | None = None,
        was: list[Json] | None = None,
        **more: Any,
    ) -> Drift:
        first = was or source()
        second = copy.deepcopy(first)
        if change is not None:
            change(second)
        decided = decided or Decided()
        (then, before), (now, after) = read(first, read_at="t1"), read(second, read_at="t2", **more)
        kept = copy.deepcopy((then, now))
        made = plan(then, rules, decided)
        found = drift(then, now, made, decided, hashes_then=before, hashes_now=after)
        assert (then, now) == kept
        return found

    return again


def at(bodies: list[Json], name: str, kind: str = "") -> Json:
    return next(one for one in bodies if one["metadata"]["name"] == name and kind in ("", one["kind"]))


def edit(name: str, how: Edit, kind: str = "") -> Callable[[list[Json]], object]:
    return lambda bodies: how(at(bodies, name, kind))


def only(found: Drift) -> Moved:
    (one,) = found.moved
    return one


def test_a_quiet_source(look: Callable[..., Drift]) -> None:
    found = look()
    assert (found.moved, found.unseen, found.redo, found.reasons) == ((), (), False, ())
    assert (found.then, found.now, found.objects) == ("t1", "t2", len(source()))


QUIET: Mapping[str, Callable[[list[Json]], object]] = {
    "versions": lambda all: [one["metadata"].update(resourceVersion="9", generation=7) for one in all],
    "status": edit("api", lambda one: one.update(status={"replicas": 1, "conditions": []})),
    "managers": edit("api", lambda one: one["metadata"].update(managedFields=[{"manager": "x"}])),
    "revision": edit("api", lambda one: one["metadata"].update(annotations={"deployment.kubernetes.io/revision": "4"})),
    "the system's own": edit("cluster-kubestore", lambda one: one.update(data={"a": "2"})),
    "a pod of a controller": edit("api-1", lambda one: one["spec"].update(nodeName="n")),
    "a pod is gone": lambda all: all.remove(at(all, "api-1")),
    "a pod is new": lambda all: all.append(
        {**at(all, "api-1"), "metadata": {**at(all, "api-1")["metadata"], "name": "z"}}
    ),
    "bound": edit("data", lambda one: one["spec"].update(volumeName="pvc-01234567-89ab-cdef-0123-456789abcdef")),
    "amounts": edit("data", lambda one: one["spec"]["resources"]["requests"].update(storage="1024Mi")),
    "order of keys": edit("api", lambda one: one.update(spec=dict(reversed(one["spec"].items())))),
    "the system grows": lambda all: all.append(obj("v1", "ConfigMap", "kube-root-ca.crt", data={})),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_does_not_count(look: Callable[..., Drift], name: str) -> None:
    assert look(QUIET[name]).moved == ()


REDO: Mapping[str, tuple[Callable[[list[Json]], object], How, str]] = {
    "image": (
        edit("api", lambda one: one["spec"].update(template=pods("nginx:2")), "Deployment"),
        How.CHANGED,
        "spec.template.spec.containers[name=api].image",
    ),
    "replicas": (edit("api", lambda one: one["spec"].update(replicas=5)), How.CHANGED, "spec.replicas"),
    "a label": (edit("c", lambda one: one["metadata"].update(labels={"a": "b"})), How.CHANGED, "metadata.labels"),
    "null": (edit("c", lambda one: one.update(data={"a": None})), How.CHANGED, "data.a"),
    "a key of a Secret": (edit("s", lambda one: one["data"].update(c="eA==")), How.CHANGED, "data.c"),
    "a key less": (edit("s", lambda one: one["data"].pop("b")), How.CHANGED, "data.b"),
    "type of a Secret": (edit("s", lambda one: one.update(type="x/y")), How.CHANGED, "type"),
    "what rules read of a value": (
        edit("s", lambda one: one["data"].update(a="eyJhdXRocyI6eyJnY3IuaW8iOnt9fX0=")),
        How.CHANGED,
        "gke2eksFacts",
    ),
    "a Job is done": (
        edit("once", lambda one: one.update(status={"conditions": [{"type": "Complete", "status": "True"}]})),
        How.CHANGED,
        "status.conditions",
    ),
    "data": (edit("data", lambda one: one.update(status={"phase": "Bound"})), How.CHANGED, "status.phase"),
    "started": (edit("nightly", lambda one: one["spec"].update(schedule="1 * * * *")), How.CHANGED, "spec.schedule"),
    "gone": (lambda all: all.remove(at(all, "web")), How.REMOVED, ""),
    "new": (lambda all: all.append(obj("v1", "ConfigMap", "d", data={"a": "1"})), How.ADDED, ""),
    "stopped and more": (
        edit("api", lambda one: one["spec"].update(replicas=0, paused=True), "Deployment"),
        How.CHANGED,
        "spec.replicas",
    ),
}


@pytest.mark.parametrize("name", REDO)
def test_what_the_plan_was_made_from(look: Callable[..., Drift], name: str) -> None:
    change, how, path = REDO[name]
    found = look(change)
    one = only(found)
    assert (one.how, one.redo, found.redo) == (how, True, True) and one.because and one.fix
    assert path in [str(place.path) for place in one.places]
    assert found.reasons == (f"{one.ref}: {one.because}",)


def test_a_value_is_sent_as_it_is_at_apply(look: Callable[..., Drift], tmp_path: File) -> None:
    """Of the same size, and of another one; neither is a reason to plan again, and neither is shown."""
    for value in ("U0VDUkVU", "bG9uZ2VyIHNlY3JldA==", ""):
        found = look(edit("s", lambda one, value=value: one["data"].update(a=value)))
        one = only(found)
        assert (one.how, one.redo, found.redo) == (How.VALUES, False, False)
        assert [str(place.path) for place in one.places] == ["data.a"] and "sent as it is at apply" in one.because
    form = base64.b64encode(CANARY.encode()).decode()
    found = look(edit("s", lambda one: one["data"].update(a=form, c=form)))
    shown = [repr((found, place.was, place.now)) for one in found.moved for place in one.places]
    (tmp_path / "said").write_text("\n".join((*shown, *found.reasons)))
    assert len(shown) == 2 and in_clear(tmp_path) == []


def test_hashes_of_two_keys_say_nothing(rules: Tables) -> None:
    (then, before), (now, after) = read(source()), read(source(), b"o" * 32)
    made = plan(then, rules, Decided())
    assert drift(then, now, made, Decided(), hashes_then=before, hashes_now=after).moved == ()


STOPS: Mapping[str, Callable[[list[Json]], object]] = {
    "scaled to 0": edit("web", lambda one: one["spec"].update(replicas=0)),
    "suspended": edit("nightly", lambda one: one["spec"].update(suspend=True)),
    "on no node": edit(
        "agent", lambda one: one["spec"]["template"]["spec"].update(nodeSelector={"gke2eks/stopped": "true"})
    ),
    "paused by KEDA": edit(
        "c", lambda one: one["metadata"].update(annotations={"autoscaling.keda.sh/paused-replicas": "0"})
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_what_release_asked_for_is_no_reason(look: Callable[..., Drift], name: str) -> None:
    found = look(STOPS[name])
    assert only(found).how is How.STOPPED and not found.redo


def test_a_number_that_an_autoscaler_owns(look: Callable[..., Drift]) -> None:
    both = [*source(), scaler()]
    grown = edit("api", lambda one: one["spec"].update(replicas=7), "Deployment")
    assert look(grown, was=both).moved == ()
    assert only(look(edit("web", lambda one: one["spec"].update(replicas=7)), was=both)).redo
    stopped = look(edit("api", lambda one: one["spec"].update(replicas=0), "Deployment"), was=both)
    assert only(stopped).how is How.STOPPED


def test_rules_and_decisions_that_speak_about_a_place(look: Callable[..., Drift]) -> None:
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


def test_an_answer_about_an_object_speaks_about_all_of_it(look: Callable[..., Drift]) -> None:
    decided = Decided(answers={("runs", "Deployment/shop/api"): "both", ("runs", "Deployment/shop/web"): "both"})
    found = look(edit("api", lambda one: one["spec"].update(replicas=5), "Deployment"), decided=decided)
    assert only(found).places[0].decisions == ("answer runs.Deployment/shop/api",)


def test_outside_the_selection(look: Callable[..., Drift]) -> None:
    decided = Decided(select=parse_selection(namespaces=["shop"]))
    found = look(edit("far", lambda one: one["spec"].update(replicas=9)), decided=decided)
    assert not only(found).redo and not found.redo and "selection" in only(found).because
    found = look(lambda all: all.append(obj("v1", "ConfigMap", "n", "other")), decided=decided)
    assert only(found).how is How.ADDED and not found.redo
    assert look(lambda all: all.append(obj("v1", "ConfigMap", "n")), decided=decided).redo


def listing(outcome: Outcome = Outcome.FORBIDDEN, why: str = "nobody may") -> Listing:
    return Listing(Kind("", "v1", "configmaps", "ConfigMap", True), outcome, why=why)


@pytest.mark.parametrize("unread", [listing(), listing(Outcome.FAILED), listing(Outcome.LEFT_OUT, BY_REQUEST)])
def test_what_nobody_read_is_not_gone_and_not_a_pass(look: Callable[..., Drift], unread: Listing) -> None:
    found = look(lambda all: all.remove(at(all, "c")), listings=(unread,))
    assert found.moved == () and found.redo
    assert found.unseen == (f"ConfigMap could not be read this time ({unread.why}): nobody can tell what changed",)
    assert look(listings=(unread,)).redo


def test_a_smaller_reading_is_not_a_pass(look: Callable[..., Drift]) -> None:
    part = parse_selection(namespaces=["other"])
    found = look(lambda all: all.remove(at(all, "c")), select=part)
    assert found.moved == () and found.redo and "-n other" in found.unseen[0]
    lost = (LeftOut("a.yaml", 3, "why", "fix"),)
    assert "a.yaml" in look(left_out=lost).reasons[0]
    assert not look(select=EVERYTHING).redo


def test_what_was_not_read_the_first_time_is_in_no_plan(rules: Tables) -> None:
    then, now = (read(source(), listings=(listing(),))[0] for _ in range(2))
    assert not drift(then, now, plan(then, rules, Decided()), Decided()).redo


def test_facts_are_told(rules: Tables) -> None:
    then = read(source(), facts={"asked": "container-api", "kubernetes_version": "1.33.4", "autopilot": False})[0]
    now = read(source(), facts={"asked": "container-api", "kubernetes_version": "1.34.1", "autopilot": None})[0]
    found = drift(then, now, plan(then, rules, Decided()), Decided())
    assert found.facts == ("kubernetes_version: 1.33.4 → 1.34.1", "autopilot: no → not known") and not found.redo


def test_the_same_twice(look: Callable[..., Drift]) -> None:
    def change(all: list[Json]) -> None:
        all.reverse()
        at(all, "c")["data"] = {"z": "1"}
        all.remove(at(all, "web"))

    one, other = (look(change) for _ in range(2))
    assert one == other and [moved.ref for moved in one.moved] == sorted(moved.ref for moved in one.moved)
    assert json.dumps(one.reasons) and one.moved[0].places[0].now is MISSING
