"""A rollback with exactly the roles that access target --rollback prints, or with those less one verb."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from apply_help import TODAY
from contract.target_help import open_target
from policy_scenes import chosen
from rig.controlplane import ControlPlane
from rig.http import Json
from rights_help import printed, user
from rollback_help import Life, actions, deployment, messages, obj, state

from migrate.errors import Forbidden
from migrate.flow.access import access_target
from migrate.practice import Cluster, Server
from migrate.semantics.more_rights import More

RBAC = "rbac.authorization.k8s.io"
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp3"}
DATA = [("", "Secret"), ("", "PersistentVolumeClaim")]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    served = Server(Cluster()).start()
    yield served.url
    served.stop()


@pytest.fixture
def life(control_plane: ControlPlane, source: str, tmp_path: Path) -> Life:
    return Life(control_plane.client(), tmp_path, f"undoing{next(_numbers)}", open_target(source))


def secret(space: str, name: str) -> Json:
    return obj("Secret", name, space, type="Opaque", data={"password": "eA=="})


def role(space: str, *verbs: str) -> Json:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": [*verbs]}]
    return obj("Role", "reads", space, f"{RBAC}/v1", rules=rules)


def changed_and_made(life: Life) -> dict[str, Any]:
    """Of others a ConfigMap, a Service, and a Role that grants more than a run has; of ours two things."""
    space = life.space
    life.client.apply(obj("Namespace", space), manager="platform")
    life.client.apply(obj("ConfigMap", "settings", space, data={"level": "info"}), manager="argocd")
    life.client.apply(role(space, "delete", "watch"), manager="argocd")
    was = {name: state(life.get(version, kind, name)) for version, kind, name in THEIRS}
    claim = obj("PersistentVolumeClaim", "data", space, spec=CLAIM)
    mine = [obj("ConfigMap", "new", space, data={"a": "1"}), deployment(space, "web", 1), claim]
    life.plan(obj("ConfigMap", "settings", space, data={"mode": "fast"}), role(space, "get"), *mine)
    assert life.apply(policies=chosen("overwrite")).exit == 0
    return was


THEIRS = (("v1", "ConfigMap", "settings"), (f"{RBAC}/v1", "Role", "reads"))


def test_rollback_with_what_is_printed(control_plane: ControlPlane, life: Life) -> None:
    was = changed_and_made(life)
    text = printed(life, More(rollback=True))
    assert "escalate or bind, by name" in text and "PersistentVolumeClaim" not in str(deleted(text))
    assert deleted(text) == {("configmaps", "new"), ("deployments", "web")}
    target = user(control_plane, text)
    report = life.rollback(target)
    assert actions(report) == {
        "ConfigMap/new": "deleted",
        "ConfigMap/settings": "restored",
        "Deployment/web": "deleted",
        "PersistentVolumeClaim/data": "kept",
        "Role/reads": "restored",
    }, report.results
    assert {name: state(life.get(version, kind, name)) for version, kind, name in THEIRS} == was
    again = life.rollback(target)
    assert again.written == 0 and again.counts["failed"] == 0
    with_data = printed(life, More(rollback=True, data=frozenset(DATA)))
    assert life.rollback(user(control_plane, with_data), data=DATA).counts["deleted"] == 1


def test_what_prune_and_recreate_deleted_comes_back_with_what_is_printed(
    control_plane: ControlPlane, life: Life
) -> None:
    space = life.space
    life.client.apply(obj("Namespace", space), manager="platform")
    old, settings = deployment(space, "web", 1), obj("ConfigMap", "old", space, data={"a": "1"})
    life.plan(settings, old, obj("ConfigMap", "stays", space, data={"a": "1"}))
    assert life.apply().exit == 0
    was = [state(life.get("v1", "ConfigMap", "old")), state(life.get("apps/v1", "Deployment", "web"))]
    other = {**old, "spec": {**old["spec"], "selector": {"matchLabels": {"app": "web", "tier": "b"}}}}
    other["spec"]["template"] = {**old["spec"]["template"], "metadata": {"labels": {"app": "web", "tier": "b"}}}
    life.plan(other, obj("ConfigMap", "stays", space, data={"a": "1"}))
    assert life.apply(policies=chosen("recreate"), prune=True).exit == 0
    assert life.get("v1", "ConfigMap", "old") is None
    text = printed(life, More(rollback=True))
    assert "they are brought back" in text
    less = user(control_plane, text, without=("create", "configmaps"))
    with pytest.raises(Forbidden) as no:
        life.rollback(less)
    assert "may not create ConfigMap" in no.value.details[0] or "may not create configmaps" in no.value.details[0]
    report = life.rollback(user(control_plane, text))
    assert report.exit == 0 and report.counts["restored"] == 2, report.results
    now = [state(life.get("v1", "ConfigMap", "old")), state(life.get("apps/v1", "Deployment", "web"))]
    assert [_but_for_times(one) for one in now] == [_but_for_times(one) for one in was]


def _but_for_times(body: Json | None) -> Json:
    assert body is not None
    meta = {key: value for key, value in body["metadata"].items() if key not in ("uid", "creationTimestamp")}
    return {**body, "metadata": meta}


def deleted(text: str) -> set[tuple[str, str]]:
    rules = [rule for doc in yaml.safe_load_all(text) for rule in doc.get("rules", ()) if "delete" in rule["verbs"]]
    return {(one, name) for rule in rules for one in rule["resources"] for name in rule["resourceNames"]}


@pytest.mark.parametrize(
    "taken", [("delete", "deployments"), ("update", "configmaps"), ("list", "persistentvolumeclaims")]
)
def test_rollback_says_what_is_missing(control_plane: ControlPlane, life: Life, taken: tuple[str, str]) -> None:
    changed_and_made(life)
    target = user(control_plane, printed(life, More(rollback=True)), without=taken)
    with pytest.raises(Forbidden) as no:
        life.rollback(target)
    (line,) = no.value.details
    assert line.startswith(f"may not {taken[0]} ") and taken[1] in line
    assert "access target --rollback" in no.value.next and life.get("apps/v1", "Deployment", "web")


def test_without_escalate_a_role_stays_as_it_is(control_plane: ControlPlane, life: Life) -> None:
    """Whether somebody holds what a role grants only the write itself tells."""
    changed_and_made(life)
    target = user(control_plane, printed(life, More(rollback=True)), without=("escalate", "roles"))
    report = life.rollback(target)
    assert actions(report)["Role/reads"] == "failed" and "grant" in messages(report)["Role/reads"]
    assert report.exit == 1 and report.counts["restored"] == 1 and report.counts["deleted"] == 2


def test_a_namespace_of_ours_goes_with_what_is_printed(
    fresh_control_plane: ControlPlane, source: str, tmp_path: Path
) -> None:
    """The roles stand in the Namespace themselves, and go with it; a second run still ends well."""
    life = Life(fresh_control_plane.client(), tmp_path, "whole", open_target(source))
    space = life.space
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "a.example", "scope": "Namespaced", "names": names, "versions": [version]}
    definition = obj("CustomResourceDefinition", "things.a.example", "", "apiextensions.k8s.io/v1", spec=spec)
    made = [obj("Namespace", space), secret(space, "login"), definition, obj("Thing", "one", space, "a.example/v1")]
    life.on_source(*made[:2])
    life.plan(*made, deployment(space, "web", 1))
    assert life.apply().exit == 0
    more = More(rollback=True, data=frozenset(DATA))
    alone = access_target(life.ws, today=TODAY, more=more)
    assert "only the target knows" in alone and ("namespaces", space) not in deleted(alone)
    text = printed(life, more)
    assert "SECRETS AND SO THEIR VALUES" in text and ("namespaces", space) in deleted(text)
    blind = user(fresh_control_plane, text, without=("list", "secrets"))
    with life.look(blind, data=DATA) as ready:
        kept = {one.ref.kind: one.why for one in ready.keeps}
    assert kept.keys() == {"Namespace"} and "Secret: the caller may not list" in kept["Namespace"]
    for kind in ("Role", "RoleBinding"):  # those of somebody else would keep it
        for one in life.client.list(f"{RBAC}/v1", kind, space):
            life.client.delete({"apiVersion": f"{RBAC}/v1", "kind": kind, **one})
    target = user(fresh_control_plane, text, own_names=True)
    report = life.rollback(target, data=DATA)
    assert report.exit == 0 and report.counts["deleted"] == 5, report.results
    again = life.rollback(target, data=DATA)
    assert again.exit == 0 and again.results == ()
