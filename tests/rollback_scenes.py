"""Rollback, scene by scene, on the server that the fixture `life` gives: practice in the fast lane, a real one, too."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from apply_help import TODAY
from pyrage import x25519
from rollback_help import Died, Dying, Life, actions, deployment, fates, messages, obj, state
from test_secret_file import CANARY, in_clear

from migrate.errors import BadInput
from migrate.flow import apply
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal
from migrate.workspace.secret_file import recipients

NOW = base64.b64encode(CANARY.encode()).decode()  # what is in a Secret of others
DATA = [("", "Secret"), ("", "PersistentVolumeClaim")]


def others(life: Life) -> dict[str, Any]:
    """What others made before us: by server-side apply, and by updates."""
    space = life.space
    life.client.apply(obj("Namespace", space), manager="platform")
    life.client.apply(obj("ConfigMap", "settings", space, data={"level": "info"}), manager="argocd")
    life.client.create(obj("Service", "web", space, spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}))
    life.client.create(deployment(space, "old", 2))
    found = [("v1", "ConfigMap", "settings"), ("v1", "Service", "web"), ("apps/v1", "Deployment", "old")]
    return {name: state(life.get(version, kind, name)) for version, kind, name in found}


def planned(life: Life) -> list[Any]:
    """Changes all of others', and makes some."""
    space = life.space
    old = deployment(space, "old", None, nodeSelector={"a": "b"})
    old["metadata"]["labels"] = {"team": "shop"}
    service = obj("Service", "web", space, metadata={"annotations": {"a/b": "c"}})
    service["spec"] = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    return [
        obj("Namespace", space, metadata={"labels": {"team": "shop"}}),
        obj("ConfigMap", "settings", space, data={"mode": "fast"}),
        service,
        old,
        obj("ConfigMap", "new", space, data={"a": "1"}),
        deployment(space, "web", 1),
    ]


def whole(life: Life) -> list[Any]:
    """A namespace of our own, with what holds data."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp3"}
    return [
        obj("Namespace", life.space),
        obj("ConfigMap", "new", life.space, data={"a": "1"}),
        obj("Secret", "login", life.space, type="Opaque", data={"password": NOW}),
        obj("PersistentVolumeClaim", "data", life.space, spec=claim),
        deployment(life.space, "web", 1),
    ]


def test_what_was_changed_is_as_before_with_its_owners_and_what_was_made_is_gone(life: Life) -> None:
    before = others(life)
    space = state(life.client.get("v1", "Namespace", life.space))
    life.plan(*planned(life))
    report = life.apply()
    assert report.counts["configured"] == 4 and report.counts["created"] == 2, report.results
    changed = life.get("v1", "ConfigMap", "settings")
    assert changed is not None and changed["data"] == {"level": "info", "mode": "fast"}
    undone = life.rollback()
    assert undone.counts == {"deleted": 2, "restored": 4, "kept": 0, "failed": 0} and undone.exit == 0, undone.results
    assert {one.message for one in undone.results} == {""}
    for name, was in before.items():
        version, kind = was["apiVersion"], was["kind"]
        assert state(life.get(version, kind, name)) == was
    assert state(life.client.get("v1", "Namespace", life.space)) == space
    assert life.get("v1", "ConfigMap", "new") is None and life.get("apps/v1", "Deployment", "web") is None
    again = life.rollback()
    assert (again.written, again.results, again.exit) == (0, (), 0)
    assert life.apply().counts["configured"] == 4
    assert life.rollback().counts["restored"] == 4


def test_what_holds_data_stays_until_its_kind_is_named(life: Life) -> None:
    life.on_source(*whole(life)[:3])
    life.plan(*whole(life))
    done = life.apply()
    assert done.exit == 0, done.results
    first = life.rollback()
    kept = {"Secret/login", "PersistentVolumeClaim/data", f"Namespace/{life.space}"}
    assert {name for name, action in actions(first).items() if action == "kept"} == kept and first.exit == 1
    assert f"in it stays PersistentVolumeClaim/{life.space}/data" in messages(first)[f"Namespace/{life.space}"]
    assert life.get("v1", "ConfigMap", "new") is None and life.get("v1", "Secret", "login") is not None
    last = life.rollback(data=DATA)
    assert actions(last) == dict.fromkeys(kept, "deleted") and last.exit == 0
    assert life.rollback(data=DATA).written == 0
    again = life.apply()
    assert {one.action.value for one in again.results} == {"created", "held"} and len(again.results) == 5


def test_others_work_is_not_touched(life: Life) -> None:
    others(life)
    life.plan(*planned(life))
    life.apply()
    client, space = life.client, life.space
    client.raw("DELETE", client.path("v1", "ConfigMap", space, "new"))
    client.create(obj("ConfigMap", "new", space, data={"of": "others"}))
    client.apply(obj("Service", "web", space, metadata={"labels": {"by": "hand"}}), manager="kubectl")
    report = life.rollback()
    assert actions(report)["ConfigMap/new"] == actions(report)["Service/web"] == "kept"
    assert "made it anew" in messages(report)["ConfigMap/new"]
    assert messages(report)["Service/web"] == "kubectl wrote to it since"
    new, web = life.get("v1", "ConfigMap", "new"), life.get("v1", "Service", "web")
    assert new is not None and new["data"] == {"of": "others"}
    assert web is not None and web["metadata"]["annotations"] == {"a/b": "c"}
    assert report.counts == {"deleted": 1, "restored": 3, "kept": 2, "failed": 0}


def test_a_namespace_with_things_of_others_stays(life: Life) -> None:
    life.plan(*whole(life)[:2], *whole(life)[4:])
    life.apply()
    life.client.create(obj("ConfigMap", "theirs", life.space))
    assert fates(life.look())[f"Namespace/{life.space}"] == "keep"
    report = life.rollback()
    assert messages(report)[f"Namespace/{life.space}"] == f"in it stays ConfigMap/{life.space}/theirs"
    life.client.raw("DELETE", life.client.path("v1", "ConfigMap", life.space, "theirs"))
    assert actions(life.rollback()) == {f"Namespace/{life.space}": "deleted"}


def test_a_secret_of_others_is_only_overwritten_when_it_can_be_given_back(life: Life, tmp_path: Path) -> None:
    me = x25519.Identity.generate()
    file = tmp_path / "me.txt"
    file.write_text(f"{me}\n")
    life.client.apply(obj("Namespace", life.space), manager="platform")
    life.client.apply(obj("Secret", "login", life.space, type="Opaque", data={"theirs": NOW}), manager="vault")
    was = state(life.get("v1", "Secret", "login"))
    life.plan(obj("Secret", "login", life.space, type="Opaque", data={"ours": "b3Vycw=="}))
    life.on_source(obj("Namespace", life.space), obj("Secret", "login", life.space, data={"ours": "b3Vycw=="}))
    out = life.apply()
    assert [one.action for one in out.results] == ["left_out"] and "no rollback" in out.results[0].message
    assert state(life.get("v1", "Secret", "login")) == was and out.written == 0
    assert life.apply(age_recipients=recipients([str(me.to_public())])).counts["configured"] == 1
    assert in_clear(life.ws) == []
    assert "--age-identity" in life.rollback().results[0].fix
    with pytest.raises(BadInput, match="none of the identities"):
        wrong = tmp_path / "wrong.txt"
        wrong.write_text(f"{x25519.Identity.generate()}\n")
        life.rollback(age_identities=[wrong])
    assert life.rollback(age_identities=[file]).counts["restored"] == 1
    assert state(life.get("v1", "Secret", "login")) == was
    assert life.apply(no_undo=True).counts["configured"] == 1
    assert "nothing was kept" in life.rollback(age_identities=[file]).results[0].message


def test_a_release_is_taken_back_to_held(life: Life) -> None:
    once: dict[str, Any] = {"containers": [{"name": "c", "image": "a:1"}], "restartPolicy": "Never"}
    nightly = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": once}}}}
    bodies = [
        obj("Namespace", life.space),
        deployment(life.space, "web", 3),
        obj("CronJob", "nightly", life.space, "batch/v1", spec=nightly),
    ]
    hook: dict[str, Any] = {
        "name": "a.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "failurePolicy": "Ignore",
    }
    rules = [{"apiGroups": ["none.example.com"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["things"]}]
    hook |= {"rules": rules, "sideEffects": "None", "admissionReviewVersions": ["v1"]}
    webhook = ("ValidatingWebhookConfiguration", life.space, "", "admissionregistration.k8s.io/v1")
    life.plan(*bodies, obj(*webhook, webhooks=[hook]))
    life.apply(hold=True)
    held = state(life.get("apps/v1", "Deployment", "web"))
    assert held is not None and held["spec"]["replicas"] == 0
    assert life.release().counts["failed"] == 0
    assert life.get("batch/v1", "CronJob", "nightly") is not None
    report = life.rollback()
    hooked = f"{webhook[0]}/{life.space}"
    assert actions(report) == {hooked: "deleted", "CronJob/nightly": "deleted", "Deployment/web": "restored"}
    assert state(life.get("apps/v1", "Deployment", "web")) == held
    # What was held by --hold alone is held again, though nothing on the target says so.
    assert life.apply().written == 0 and life.get("batch/v1", "CronJob", "nightly") is None
    assert life.release().counts["created"] == 2
    assert life.rollback(everything=True).exit == 0
    assert life.apply(hold=True).counts["held"] == 3


def test_killed_at_every_write_and_repeated(life: Life) -> None:
    before = others(life)
    life.plan(*planned(life))
    killed = 0
    for at in range(1, 12, life.pace):
        for late in (False, True):
            assert life.apply().exit == 0
            try:
                life.rollback(Dying(life.target, at, late=late))
            except Died:
                killed += 1
            report = life.rollback()
            assert report.exit == 0 and {one.message for one in report.results} <= {""}, (at, late, report.results)
            for name, was in before.items():
                assert state(life.get(was["apiVersion"], was["kind"], name)) == was, (at, late)
            assert life.get("v1", "ConfigMap", "new") is None and life.get("apps/v1", "Deployment", "web") is None
            assert life.rollback().written == 0
    assert killed >= 12 // life.pace, killed


def test_a_killed_apply_is_taken_back_whole(life: Life) -> None:
    before = others(life)
    life.plan(*planned(life))
    for at in range(1, 7, life.pace):
        for late in (False, True):
            with pytest.raises(Died):
                life.apply(target=Dying(life.target, at, late=late))
            if late:
                life.apply()  # gone on from; the second run alone would be half of it
            report = life.rollback()
            assert report.exit == 0, report.results
            for name, was in before.items():
                assert state(life.get(was["apiVersion"], was["kind"], name)) == was, (at, late)
            assert life.get("v1", "ConfigMap", "new") is None and life.get("apps/v1", "Deployment", "web") is None


def test_what_was_taken_back_is_no_part_of_the_next_run(life: Life) -> None:
    others(life)
    life.plan(*planned(life))
    with pytest.raises(Died):
        life.apply(target=Dying(life.target, 6, late=True))
    assert life.rollback().exit == 0
    settings = obj("ConfigMap", "settings", life.space, data={"level": "debug"})
    life.client.apply(settings, manager="argocd")  # between the rollback and the next apply: nothing that we undo
    was = state(life.get("v1", "ConfigMap", "settings"))
    life.apply()
    report = life.rollback()
    assert report.counts["kept"] == 0 and len(report.runs) == 1, report.results
    assert state(life.get("v1", "ConfigMap", "settings")) == was


def test_runs_are_named_by_their_ids(life: Life) -> None:
    others(life)
    life.plan(*planned(life)[:5])
    life.apply()
    life.plan(*planned(life))
    life.apply()
    runs = [one.header.run for one in read_journal(open_workspace(life.ws)).runs]
    assert fates(life.look()) == {"Deployment/web": "delete"}
    assert len(fates(life.look(run=runs[0][:8]))) == len(fates(life.look(everything=True))) == 6
    with pytest.raises(BadInput, match="is no run"):
        life.look(run="nonsense")
    with pytest.raises(BadInput, match="is no workspace"):
        Life(life.client, life.folder, f"{life.space}-none").look()


def test_a_run_that_was_called_off_is_not_the_last(life: Life) -> None:
    life.plan(obj("Namespace", life.space), obj("ConfigMap", "new", life.space, data={"a": "1"}))
    life.apply()
    with apply.prepare(life.target, life.ws, today=TODAY, hash_key_file=life.key):
        pass  # another name was typed
    assert fates(life.look()) == {f"Namespace/{life.space}": "delete", "ConfigMap/new": "delete"}
