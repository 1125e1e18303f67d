"""--on-conflict, scene by scene, on the server that the fixture `life` gives: practice, and a real one, too."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest
from rig.http import Json
from rollback_help import Died, Dying, Life, actions, deployment, obj

from migrate.cluster.outcome import Unknown
from migrate.model.ran import Ran, Report
from migrate.render.ran import Words, summary
from migrate.render.ran_document import ran_document
from migrate.semantics.policy import Policies, parse_policies

LAST = "kubectl.kubernetes.io/last-applied-configuration"
MANAGERS = ("argocd", "kubectl-client-side-apply", "kubectl-edit")
VALUE = "a value that nobody may see"


def chosen(*texts: str, data: Iterable[str] = ()) -> Policies:
    return parse_policies(texts, data)


def write_as(life: Life, manager: str, body: Json) -> None:
    """As argocd applies, as kubectl apply did before servers could, or as an edit by hand."""
    if manager == "argocd":
        life.client.apply(body, manager=manager)
        return
    if manager == "kubectl-client-side-apply":
        notes = {LAST: json.dumps(body)}
        body = {**body, "metadata": {**body["metadata"], "annotations": notes}}
    path = life.client.path_of(body).rpartition("/")[0]
    life.client.raw("POST", path, {"fieldManager": manager}, body)


def settings(space: str, name: str = "settings", **data: str) -> Json:
    return obj("ConfigMap", name, space, data=data)


def theirs(life: Life, manager: str) -> None:
    life.client.apply(obj("Namespace", life.space), manager="platform")
    write_as(life, manager, settings(life.space, level="debug", extra="e"))
    life.plan(settings(life.space, level="info", more="m"))


def there(life: Life, name: str = "settings") -> tuple[dict[str, str], list[str]]:
    """(data, managers) of a ConfigMap."""
    found = life.get("v1", "ConfigMap", name)
    assert found is not None
    return found.get("data") or {}, sorted(one["manager"] for one in found["metadata"].get("managedFields", ()))


def one(report: Report, short: str) -> Ran:
    return next(one for one in report.results if one.ref.short == short)


def page(report: Report) -> str:
    return summary(report, Words("again", "release", "journal"))


@pytest.mark.parametrize("manager", MANAGERS)
def test_fail_is_what_nobody_said(life: Life, manager: str) -> None:
    theirs(life, manager)
    here = f"ConfigMap/{life.space}/settings"
    for texts in ((), ("fail",), ("overwrite=ConfigMap/other/*",), (f"fail={here}", "overwrite")):
        policies = chosen(*texts)
        report = life.apply(policies=policies)
        assert actions(report) == {"ConfigMap/settings": "left_out"} and report.written == 0
    assert there(life) == ({"level": "debug", "extra": "e"}, [manager])


@pytest.mark.parametrize("manager", MANAGERS)
def test_overwrite_takes_our_fields_and_no_more(life: Life, manager: str) -> None:
    theirs(life, manager)
    report = life.apply(policies=chosen("overwrite"))
    found = one(report, "ConfigMap/settings")
    assert (found.action, found.policy) == ("configured", "overwrite") and report.exit == 0
    assert [(clash.path, clash.theirs, clash.ours) for clash in found.conflicts] == [("data.level", "debug", "info")]
    assert there(life)[0] == {"level": "info", "more": "m", "extra": "e"}
    assert f"data.level  debug -> info  ({manager})" in page(report) and "overwritten" in page(report)
    for policies in (chosen("overwrite"), chosen()):
        again = life.apply(policies=policies)
        assert actions(again) == {"ConfigMap/settings": "unchanged"} and again.written == 0


@pytest.mark.parametrize("manager", MANAGERS)
def test_keep_target_applies_the_rest(life: Life, manager: str) -> None:
    theirs(life, manager)
    kept = chosen(f"keep-target=ConfigMap/{life.space}/*")
    report = life.apply(policies=kept)
    assert one(report, "ConfigMap/settings").policy == "keep-target" and report.exit == 0
    assert there(life)[0] == {"level": "debug", "more": "m", "extra": "e"}
    assert f"data.level  debug stays, planned info  ({manager})" in page(report)
    again = life.apply(policies=kept)
    assert actions(again) == {"ConfigMap/settings": "unchanged"} and again.written == 0
    assert one(again, "ConfigMap/settings").policy == "keep-target"  # it is said each time
    without = life.apply()
    assert actions(without) == {"ConfigMap/settings": "left_out"} and without.written == 0


@pytest.mark.parametrize("manager", MANAGERS)
def test_adopt_takes_all_of_a_manager(life: Life, manager: str) -> None:
    theirs(life, manager)
    said = chosen("adopt" if manager in ("kubectl-client-side-apply",) else f"adopt:{manager}")
    report = life.apply(policies=said)
    found = one(report, "ConfigMap/settings")
    assert (found.action, found.policy) == ("configured", "adopt") and report.exit == 0
    assert there(life) == ({"level": "info", "more": "m"}, ["gke2eks"])
    assert "data.extra" in found.message and manager in found.message
    body = life.get("v1", "ConfigMap", "settings")
    assert body is not None and LAST not in (body["metadata"].get("annotations") or {})
    for policies in (said, chosen()):
        again = life.apply(policies=policies)
        assert actions(again) == {"ConfigMap/settings": "unchanged"} and again.written == 0


def test_adopt_leaves_whom_it_was_not_told_of(life: Life) -> None:
    theirs(life, "argocd")
    report = life.apply(policies=chosen("adopt"))
    found = one(report, "ConfigMap/settings")
    assert found.action == "left_out" and "adopt:argocd" in found.because and report.written == 0
    assert there(life)[1] == ["argocd"]


def test_adopt_takes_what_is_the_same_as_planned(life: Life) -> None:
    """There is no conflict, and yet it is somebody else's: what they own goes over to us."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    write_as(life, "argocd", settings(life.space, level="info"))
    life.plan(settings(life.space, level="info"))
    assert life.apply(policies=chosen("adopt:argocd")).written > 0
    assert there(life) == ({"level": "info"}, ["gke2eks"])
    assert life.apply(policies=chosen("adopt:argocd")).written == 0


def test_no_controller_is_fought(life: Life) -> None:
    life.client.apply(obj("Namespace", life.space), manager="platform")
    write_as(life, "kube-controller-manager", settings(life.space, level="debug"))
    life.plan(settings(life.space, level="info", more="m"))
    report = life.apply(policies=chosen("overwrite"))
    assert actions(report) == {"ConfigMap/settings": "left_out"} and report.written == 0
    assert "keep-target" in one(report, "ConfigMap/settings").because
    assert life.apply(policies=chosen("keep-target")).exit == 0
    assert there(life)[0] == {"level": "debug", "more": "m"}


def test_whoever_fights_back_is_seen_each_time(life: Life) -> None:
    """Another tool that goes on writing: each run says so, and takes it again."""
    theirs(life, "argocd")
    for _ in range(2):
        report = life.apply(policies=chosen("overwrite"))
        assert one(report, "ConfigMap/settings").policy == "overwrite"
        assert there(life)[0]["level"] == "info"
        life.client.apply(settings(life.space, level="debug", extra="e"), manager="argocd", force=True)
    assert actions(life.apply()) == {"ConfigMap/settings": "left_out"}


def test_what_somebody_started_while_it_was_held_stays(life: Life) -> None:
    life.client.apply(obj("Namespace", life.space), manager="platform")
    life.plan(deployment(life.space, "web", 2))
    assert actions(life.apply(hold=True)) == {"Deployment/web": "held"}
    life.client.apply(
        {**obj("Deployment", "web", life.space, "apps/v1"), "spec": {"replicas": 5}}, manager="ops", force=True
    )
    for policy in ("overwrite", "keep-target", "adopt:ops", "recreate"):
        report = life.apply(hold=True, policies=chosen(policy))
        assert actions(report) == {"Deployment/web": "left_out"} and report.written == 0, policy
        assert policy == "recreate" or "never overruled" in one(report, "Deployment/web").because
    found = life.get("apps/v1", "Deployment", "web")
    assert found is not None and found["spec"]["replicas"] == 5


@pytest.mark.parametrize("policy", ["fail", "overwrite", "keep-target", "adopt:argocd"])
def test_values_of_a_secret_are_shown_nowhere(life: Life, policy: str) -> None:
    secret_of_others(life, policy, "data")


def secret_of_others(life: Life, policy: str, written: str) -> None:
    """Theirs was written as `data` or as `stringData`, which has no conflict."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    coded = base64.b64encode(VALUE.encode()).decode()
    secret = obj("Secret", "login", life.space, **{written: {"password": VALUE if written == "stringData" else coded}})
    life.client.apply(secret, manager="argocd")
    ours = obj("Secret", "login", life.space, data={"password": base64.b64encode(b"ours, hidden").decode()})
    life.on_source(obj("Namespace", life.space), ours)
    life.plan(ours)
    for _ in range(2):
        report = life.apply(policies=chosen(policy), no_undo=True)
        text = page(report) + json.dumps(ran_document(report)) + repr(report)
        for value in (VALUE, coded, "ours, hidden", ours["data"]["password"]):
            assert value not in text
            assert not any(value.encode() in file.read_bytes() for file in life.ws.rglob("*") if file.is_file())
    assert report.written == 0
    body = life.get("v1", "Secret", "login")
    assert body is not None
    won = policy in ("overwrite", "adopt:argocd")
    assert body["data"]["password"] == (ours["data"]["password"] if won else coded)


def test_without_a_way_back_a_secret_is_not_adopted(life: Life) -> None:
    life.client.apply(obj("Namespace", life.space), manager="platform")
    secret = obj("Secret", "login", life.space, data={"password": "YQ=="})
    life.client.apply(secret, manager="argocd")
    life.on_source(obj("Namespace", life.space), {**secret, "data": {"password": "Yg=="}})
    life.plan({**secret, "data": {"password": "Yg=="}})
    report = life.apply(policies=chosen("adopt:argocd"))
    assert actions(report) == {"Secret/login": "left_out"} and report.written == 0
    assert "--no-undo" in one(report, "Secret/login").fix


def fixed(life: Life) -> None:
    """An immutable ConfigMap of others, and a plan with other values."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    life.client.create({**settings(life.space, level="debug"), "immutable": True})
    life.plan({**settings(life.space, level="info"), "immutable": True})


def test_recreate_deletes_and_makes_anew(life: Life) -> None:
    fixed(life)
    assert actions(life.apply(policies=chosen("overwrite"))) == {"ConfigMap/settings": "failed"}
    was = life.get("v1", "ConfigMap", "settings")
    report = life.apply(policies=chosen("recreate"))
    now = life.get("v1", "ConfigMap", "settings")
    assert was is not None and now is not None and was["metadata"]["uid"] != now["metadata"]["uid"]
    assert actions(report) == {"ConfigMap/settings": "created"} and there(life)[0] == {"level": "info"}
    assert "1 object DELETED and made anew" in page(report) and "ConfigMap/settings" in page(report)
    assert life.apply(policies=chosen("recreate")).written == 0
    assert life.rollback().exit == 0


def test_a_delete_whose_answer_is_lost(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed(life)
    real = life.target.delete

    def delete(*args: Any) -> Unknown:
        real(*args)
        return Unknown("the connection broke")

    monkeypatch.setattr(life.target, "delete", delete)
    report = life.apply(policies=chosen("recreate"))
    found = one(report, "ConfigMap/settings")
    assert (found.action, found.policy) == ("created", "recreate") and report.exit == 0
    assert there(life)[0] == {"level": "info"}


def test_recreate_changes_nothing_that_can_be_changed(life: Life) -> None:
    theirs(life, "argocd")
    report = life.apply(policies=chosen("recreate"))
    assert actions(report) == {"ConfigMap/settings": "left_out"} and report.written == 0


def test_nothing_is_deleted_that_would_not_be_taken_anew(life: Life) -> None:
    fixed(life)
    big = {**settings(life.space, **{"level": "info", "not a key!": "x"}), "immutable": True}
    life.plan(big)
    was = life.get("v1", "ConfigMap", "settings")
    report = life.apply(policies=chosen("recreate"))
    assert one(report, "ConfigMap/settings").action == "failed" and report.written == 0
    assert life.get("v1", "ConfigMap", "settings") == was


def test_recreate_killed_anywhere_ends_with_the_object_there(life: Life) -> None:
    killed = 0
    for at in range(1, 4):
        for late in (False, True):
            life.client.apply(obj("Namespace", life.space), manager="platform")
            if life.get("v1", "ConfigMap", "settings"):
                life.client.delete(settings(life.space))
            fixed(life)
            try:
                life.apply(target=Dying(life.target, at, late=late), policies=chosen("recreate"))
            except Died:
                killed += 1
            report = life.apply(policies=chosen("recreate"))
            assert report.exit == 0 and there(life)[0] == {"level": "info"}, (at, late, report.results)
            assert life.apply(policies=chosen("recreate")).written == 0
    assert killed == 4  # the delete and the create, before and after
