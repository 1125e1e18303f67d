"""Drift: what changed on the source since the snapshot, and whether to plan again."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path as File

import pytest
from drift_help import Json, at, edit, look, obj, only, pods, read, rules, scaler, source
from test_secret_file import CANARY, in_clear

from migrate.differ.drift import drift
from migrate.model.decided import Decided
from migrate.model.drift import How
from migrate.planner import plan


def test_a_quiet_source() -> None:
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
def test_what_does_not_count(name: str) -> None:
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
def test_what_the_plan_was_made_from(name: str) -> None:
    change, how, path = REDO[name]
    found = look(change)
    one = only(found)
    assert (one.how, one.redo, found.redo) == (how, True, True) and one.because and one.fix
    assert path in [str(place.path) for place in one.places]
    assert found.reasons == (f"{one.ref}: {one.because}",)


def test_a_value_is_sent_as_it_is_at_apply(tmp_path: File) -> None:
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


def test_hashes_of_two_keys_say_nothing() -> None:
    (then, before), (now, after) = read(source()), read(source(), b"o" * 32)
    made = plan(then, rules(), Decided())
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
def test_what_release_asked_for_is_no_reason(name: str) -> None:
    found = look(STOPS[name])
    assert only(found).how is How.STOPPED and not found.redo


def test_a_number_that_an_autoscaler_owns() -> None:
    both = [*source(), scaler()]
    grown = edit("api", lambda one: one["spec"].update(replicas=7), "Deployment")
    assert look(grown, was=both).moved == ()
    assert only(look(edit("web", lambda one: one["spec"].update(replicas=7)), was=both)).redo
    stopped = look(edit("api", lambda one: one["spec"].update(replicas=0), "Deployment"), was=both)
    assert only(stopped).how is How.STOPPED
