"""Rollback of what a run deleted, scene by scene: by --prune, and by recreate. On the server that `life` gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyrage import x25519
from rollback_help import Died, Dying, Life, actions, deployment, messages, obj, state
from rollback_scenes import NOW
from test_secret_file import in_clear

from migrate.cluster.outcome import Unknown
from migrate.semantics.policy import parse_policies
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal
from migrate.workspace.secret_file import recipients

RECREATE = parse_policies(["recreate"])
_NEW = ("uid", "creationTimestamp")


def same(body: Any) -> Any:
    """An object as it must come back: its own identity is another."""
    found = state(body)
    if found is not None:
        found["metadata"] = {key: value for key, value in found["metadata"].items() if key not in _NEW}
    return found


def left(life: Life) -> dict[tuple[str, str, str], Any]:
    """Applies a plan, then one without two of its objects; these, as they were before the second."""
    stays = [obj("Namespace", life.space), obj("ConfigMap", "stays", life.space, data={"a": "1"})]
    old = deployment(life.space, "old", 1)
    settings = obj("ConfigMap", "settings", life.space, data={"level": "info"})
    life.plan(*stays, settings, old)
    assert life.apply().exit == 0
    life.client.apply(obj("ConfigMap", "settings", life.space, metadata={"finalizers": []}), manager="ops")
    life.plan(*stays, obj("ConfigMap", "new", life.space, data={"a": "1"}))
    keys = [("v1", "ConfigMap", "settings"), ("apps/v1", "Deployment", "old")]
    return {key: same(life.get(*key)) for key in keys}


def immutable(life: Life) -> Any:
    """An immutable ConfigMap of others, and a plan with other values: only recreate gets it there."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    body = obj("ConfigMap", "settings", life.space, immutable=True)
    if life.get("v1", "ConfigMap", "settings") is None:
        life.client.apply({**body, "data": {"level": "debug"}}, manager="argocd")
    life.plan({**body, "data": {"level": "info"}})
    return same(life.get("v1", "ConfigMap", "settings"))


def test_what_was_pruned_is_there_again_with_its_owners(life: Life) -> None:
    was = left(life)
    assert life.apply(prune=True).counts["deleted"] == 2
    with life.look() as ready:
        assert sorted(one.ref.short for one in ready.brings_back) == ["ConfigMap/settings", "Deployment/old"]
    report = life.rollback()
    assert report.counts == {"deleted": 1, "restored": 2, "kept": 0, "failed": 0} and report.exit == 0, report.results
    assert {one.message for one in report.results} == {""}
    assert {key: same(life.get(*key)) for key in was} == was and life.get("v1", "ConfigMap", "new") is None
    assert (again := life.rollback()).results == () and again.written == 0
    # It is as much ours as before: the next apply prunes it, and a rollback of all deletes it.
    assert life.apply(prune=True).counts["deleted"] == 2
    assert life.rollback().counts["restored"] == 2
    assert actions(life.rollback(everything=True))["Deployment/old"] == "deleted"
    assert life.get("apps/v1", "Deployment", "old") is None


def test_what_was_made_anew_is_what_it_was(life: Life) -> None:
    was = immutable(life)
    assert life.apply(policies=RECREATE).exit == 0
    with life.look() as ready:
        assert [one.ref.short for one in ready.brings_back] == ["ConfigMap/settings"] and not ready.deletes
    report = life.rollback()
    assert report.counts == {"deleted": 0, "restored": 1, "kept": 0, "failed": 0}, report.results
    assert same(life.get("v1", "ConfigMap", "settings")) == was
    assert life.rollback().results == () and life.rollback(everything=True).results == ()


def test_bringing_back_killed_at_every_write_and_repeated(life: Life) -> None:
    was = left(life)
    killed = 0
    for at in range(1, 8, life.pace if life.pace == 1 else 3):
        for late in (False, True):
            assert life.apply(prune=True).counts["deleted"] == 2
            try:
                life.rollback(Dying(life.target, at, late=late))  # type: ignore[arg-type]
            except Died:
                killed += 1
            report = life.rollback()
            assert report.exit == 0 and {one.message for one in report.results} <= {""}, (at, late, report.results)
            assert {key: same(life.get(*key)) for key in was} == was, (at, late)
            assert life.get("v1", "ConfigMap", "new") is None and life.rollback().written == 0
    assert killed >= 4


def test_making_room_killed_at_every_write_and_repeated(life: Life) -> None:
    was = immutable(life)
    killed = 0
    for at in range(1, 5):
        for late in (False, True):
            assert life.apply(policies=RECREATE).exit == 0
            try:
                life.rollback(Dying(life.target, at, late=late))  # type: ignore[arg-type]
            except Died:
                killed += 1
            assert life.rollback().exit == 0
            assert same(life.get("v1", "ConfigMap", "settings")) == was and life.rollback().written == 0, (at, late)
    assert killed >= 6  # the delete, the create and an update, before and after


def test_a_creation_whose_answer_is_lost_is_ours_and_made_once(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    was = left(life)
    life.apply(prune=True)
    real, sent = life.target.create, []

    def create(body: Any, **more: Any) -> Any:
        sent.append(body["metadata"]["name"])
        real(body, **more)
        return Unknown("the connection broke")

    monkeypatch.setattr(life.target, "create", create)
    report = life.rollback()
    assert report.exit == 0 and sorted(sent) == ["old", "settings"], report.results
    assert {key: same(life.get(*key)) for key in was} == was


def test_what_somebody_made_meanwhile_stays_and_is_named(life: Life) -> None:
    left(life)
    life.apply(prune=True)
    life.client.create(obj("ConfigMap", "settings", life.space, data={"of": "others"}))
    report = life.rollback()
    assert actions(report)["ConfigMap/settings"] == "kept" and report.exit == 1
    assert "somebody made it meanwhile" in messages(report)["ConfigMap/settings"]
    assert actions(report)["Deployment/old"] == "restored"
    theirs = life.get("v1", "ConfigMap", "settings")
    assert theirs is not None and theirs["data"] == {"of": "others"}
    life.client.raw("DELETE", life.client.path("v1", "ConfigMap", life.space, "settings"))
    assert actions(life.rollback()) == {"ConfigMap/settings": "restored"}


def test_what_somebody_makes_after_a_kill_is_not_taken_for_ours(life: Life) -> None:
    left(life)
    life.apply(prune=True)
    with pytest.raises(Died):  # before the first creation: it was announced, and never sent
        life.rollback(Dying(life.target, 1, late=False))  # type: ignore[arg-type]
    life.client.create(obj("ConfigMap", "settings", life.space, data={"of": "others"}))
    assert actions(life.rollback())["ConfigMap/settings"] == "kept"


def test_a_secret_is_only_deleted_when_it_can_be_brought_back(life: Life, tmp_path: Path) -> None:
    me = x25519.Identity.generate()
    file = tmp_path / "me.txt"
    file.write_text(f"{me}\n")
    secret = obj("Secret", "login", life.space, type="Opaque", data={"password": NOW})
    life.on_source(obj("Namespace", life.space), secret)
    life.plan(obj("Namespace", life.space), secret)
    assert life.apply().exit == 0
    was = same(life.get("v1", "Secret", "login"))
    life.plan(obj("Namespace", life.space))
    kept = life.apply(prune=True)
    assert kept.counts["deleted"] == 0 and kept.since is not None
    assert "no rollback could bring back" in kept.since.left[0].why_kept and "--no-undo" in kept.since.left[0].fix
    assert life.apply(prune=True, age_recipients=recipients([str(me.to_public())])).counts["deleted"] == 1
    assert in_clear(life.ws) == []
    assert "--age-identity" in life.rollback().results[0].fix and life.get("v1", "Secret", "login") is None
    assert actions(life.rollback(age_identities=[file])) == {"Secret/login": "restored"}
    assert same(life.get("v1", "Secret", "login")) == was and in_clear(life.ws) == []
    assert life.apply(prune=True, no_undo=True).counts["deleted"] == 1
    report = life.rollback(age_identities=[file])
    assert messages(report) == {"Secret/login": "it was deleted, and nothing was kept of it"}


def test_the_journal_names_what_was_deleted_and_what_stands_for_it(life: Life) -> None:
    left(life)
    life.apply(prune=True)
    run = read_journal(open_workspace(life.ws)).runs[-1]
    assert {ref.short for ref in run.deleted.values()} == {"ConfigMap/settings", "Deployment/old"}
    assert all(run.kept[ref] for ref in run.deleted.values())
    life.rollback()
    past = read_journal(open_workspace(life.ws))
    now = {(life.get(*key) or {})["metadata"]["uid"] for key in (("v1", "ConfigMap", "settings"),)}
    assert set(past.instead.values()) == set(run.deleted) and now <= past.instead.keys()
    assert now <= past.runs[0].made.keys() and not past.runs[-1].made
