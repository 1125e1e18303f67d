"""Scenes of `gke2eks diff` on the server that the fixture `team` gives: practice clusters, and real control planes."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from apply_help import TODAY
from rig.http import Json
from rollback_help import obj
from since_help import Team, config, image, secret, shop

from migrate.errors import BadInput
from migrate.flow.diff import Diffed, Given, diff
from migrate.model.comparison import BAD, Class, Delta
from migrate.model.journal import Header
from migrate.model.objects import MISSING
from migrate.model.selection import parse_selection
from migrate.render import compared, compared_junit, compared_markdown, gated
from migrate.render.compared_document import comparison_document
from migrate.render.document import dumps
from migrate.workspace.journal_lines import line, scan

AGAIN = ("gke2eks", "apply", "-w", "out", "--context", "eks")


def look(team: Team, **options: Any) -> Diffed:
    """Both sides read and compared, in the namespace of the team."""
    options.setdefault("select", parse_selection(namespaces=[team.space]))
    given = Given(
        **({"target": team.target} if "files" not in options else {}), hash_key_file=team.key, again=AGAIN, **options
    )
    return diff(given, team.ws, today=TODAY, now="2026-11-23T10:00:00+00:00", stdin=lambda: b"")


def moved(team: Team, password: str = "first") -> dict[str, Json]:
    """Planned, applied, and released."""
    runs = {**shop(team.space), "login": secret(team.space, password)}
    team.deploy(*runs.values())
    team.export()
    assert team.apply().counts["failed"] == 0
    assert team.release().counts["failed"] == 0
    return runs


def bad(found: Diffed) -> list[Delta]:
    return [one for one in found.comparison.deltas if one.kind in BAD]


def said(one: Delta) -> tuple[str, str, str]:
    return one.kind.value, one.ref.short, str(one.path)


def forms(value: bytes) -> list[str]:
    """A value as it would be written by accident."""
    coded = [base64.b64encode(value), base64.urlsafe_b64encode(value), base64.b64encode(value).rstrip(b"=")]
    return [value.decode().strip(), value.hex(), *(one.decode() for one in coded)]


def every_output(found: Diffed) -> str:
    one = found.comparison
    parts = [compared.page(one, show_expected=True), compared_markdown.page(one, show_expected=True)]
    parts += [compared_junit.junit(one, None, found.refs), dumps(comparison_document(one)).decode()]
    parts += [gated.page(found.drift, (), ()), gated.markdown(found.drift, (), ()), repr(found)]
    parts += [json.dumps(gated.document(found.drift, (), ()))]
    return "\n".join(parts)


def test_after_apply_and_release_it_is_what_was_planned(team: Team) -> None:
    moved(team)
    found = look(team)
    assert bad(found) == []
    assert found.comparison.proven and found.comparison.objects == 10
    # Nobody answered for the data of `old`, which is bound where volumes are provided.
    assert {one.ref.short for one in found.comparison.deltas if one.kind is Class.HELD} <= {"Deployment/old"}
    assert all(one.because for one in found.comparison.deltas)


def test_what_is_held_is_held_and_not_broken(team: Team) -> None:
    team.deploy(*shop(team.space).values())
    team.export()
    team.apply()
    found = look(team)
    assert bad(found) == []
    held = {one.ref.short for one in found.comparison.deltas if one.kind is Class.HELD}
    assert held == {"Deployment/old", "Deployment/worker"}


def test_each_mutation_is_found_and_says_whose_it_is(team: Team) -> None:
    runs = moved(team, "topsecret")
    team.client.patch(runs["worker"], {"spec": {"template": {"spec": {"priority": None, "serviceAccountName": "x"}}}})
    team.client.patch(runs["settings"], {"data": {"a": "2", "b": "new"}})
    team.client.patch(runs["login"], {"data": {"password": base64.b64encode(b"topsecret\n").decode()}})
    team.client.delete(runs["service"])
    team.client.apply(config(team.space, "stranger"), manager="somebody")
    found = look(team)
    assert sorted(map(said, bad(found))) == [
        ("extra", "ConfigMap/stranger", ""),
        ("missing", "Service/api", ""),
        ("unexpected", "ConfigMap/settings", "data.a"),
        ("unexpected", "ConfigMap/settings", "data.b"),
        ("unexpected", "Deployment/worker", "spec.template.spec.serviceAccountName"),
        ("unexpected", "Secret/login", "data.password"),
    ]
    one = {said(one): one for one in bad(found)}
    assert one["missing", "Service/api", ""].fix.startswith("gke2eks apply -w out --context eks --only ")
    changed = one["unexpected", "ConfigMap/settings", "data.a"]
    assert (changed.source, changed.planned, changed.target) == ("1", "1", "2")
    assert changed.owner is not None and changed.owner.manager and changed.owner.time and changed.fix
    assert "newline" in one["unexpected", "Secret/login", "data.password"].because
    text = every_output(found)
    assert [form for form in (*forms(b"topsecret"), *forms(b"topsecret\n")) if form in text] == []


def test_a_namespace_that_nobody_planned_counts_for_nothing(team: Team) -> None:
    moved(team)
    other = f"{team.space}-other"
    team.client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}, manager="somebody")
    team.client.apply(config(other, "stranger"), manager="somebody")
    team.client.apply(config(other, "of-another-workspace"), manager="gke2eks")
    team.client.apply(config(team.space, "here"), manager="somebody")
    whole = look(team, select=parse_selection())
    assert [said(one) for one in bad(whole) if one.ref.namespace in (team.space, other)] == [
        ("extra", "ConfigMap/here", "")
    ]
    assert look(team, allow_extra=True).comparison.proven
    without = parse_selection(namespaces=[team.space], exclude=[f"ConfigMap/{team.space}/here"])
    assert look(team, select=without).comparison.proven, "what is on the target only can be left out, too"


def test_a_live_source_says_what_changed_there(team: Team) -> None:
    moved(team)
    calm = look(team, source=team.source)
    assert calm.drift is not None and bad(calm) == []
    mine = [one for one in calm.drift.moved if one.ref.namespace == team.space]
    assert mine == []
    team.deploy(image(team.space, "worker", 2), config(team.space, "flags"), secret(team.space, "second"))
    found = look(team, source=team.source)
    assert found.drift is not None
    kinds = {one.ref.short: (one.how.value, one.redo) for one in found.drift.moved if one.ref.namespace == team.space}
    assert kinds == {
        "ConfigMap/flags": ("added", True),
        "Deployment/worker": ("changed", True),
        "Secret/login": ("values", False),
    }
    assert found.drift.redo and gated.reasons(found.comparison, found.drift, ())
    # The value that an apply would send now is the one of now: the target has the old one.
    assert ("unexpected", "Secret/login", "data.password") in map(said, bad(found))


def test_the_target_as_files(team: Team) -> None:
    runs = moved(team)
    bodies = [team.on_target(one) for name, one in runs.items() if name != "space"]
    bodies.append(team.client.get("v1", "Namespace", team.space))
    file = team.folder / "target.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies}))
    assert bad(look(team, files=[str(file)])) == []
    for body in bodies:
        assert body is not None
        body["metadata"].pop("managedFields", None)
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies}))
    assert bad(look(team, files=[str(file)])) == []
    bodies = [one for one in bodies if one and one["kind"] != "Secret"]
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies}))
    assert [said(one) for one in bad(look(team, files=[str(file)]))] == [("missing", "Secret/login", "")]


def test_the_source_is_no_target(team: Team) -> None:
    moved(team)
    with pytest.raises(BadInput, match="is the source itself"):
        diff(Given(target=team.source, hash_key_file=team.key), team.ws, today=TODAY, now="", stdin=lambda: b"")
    with pytest.raises(BadInput, match="is not the cluster that was exported"):
        look(team, source=team.target)


def test_what_was_released_and_is_gone_is_missing(team: Team) -> None:
    space = team.space
    pods = {"containers": [{"name": "a", "image": "example.com/a:1"}], "restartPolicy": "Never"}
    job = {"template": {"spec": {"template": {"spec": pods}}}}
    nightly = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": space},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": job["template"]},
    }
    team.deploy({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}, nightly)
    team.export()
    team.apply()
    before = look(team)
    assert bad(before) == []
    assert [said(one) for one in before.comparison.deltas if one.kind is Class.HELD] == [
        ("held", "CronJob/nightly", "")
    ]
    team.release()
    assert bad(look(team)) == []
    team.client.delete(nightly)
    assert [said(one) for one in bad(look(team))] == [("missing", "CronJob/nightly", "")]


def _elsewhere(record: Any) -> Any:
    return replace(record, target=replace(record.target, cluster="another")) if isinstance(record, Header) else record


def test_the_journal_of_another_cluster_says_nothing_of_this_one(team: Team) -> None:
    """What was released there is still held here, by not being there."""
    space = team.space
    pods = {"containers": [{"name": "a", "image": "example.com/a:1"}], "restartPolicy": "Never"}
    job = {"spec": {"template": {"spec": pods}}}
    nightly = obj("CronJob", "nightly", space, "batch/v1", spec={"schedule": "0 0 1 1 *", "jobTemplate": job})
    team.deploy(obj("Namespace", space), nightly)
    team.export()
    team.apply()
    team.release()
    team.client.delete(nightly)
    assert [said(one) for one in bad(look(team))] == [("missing", "CronJob/nightly", "")]
    journal = team.ws / "journal.jsonl"
    records = scan(journal.read_bytes()).records
    journal.write_bytes(b"".join(line(number, _elsewhere(record)) for number, record in records))
    found = look(team)
    assert [said(one) for one in found.comparison.deltas if one.kind is Class.HELD] == [("held", "CronJob/nightly", "")]
    assert any("another cluster" in note for note in found.comparison.notes)


def test_values_are_never_missing_without_a_word(team: Team) -> None:
    """A value that is not set, an empty one and null are three."""
    runs = moved(team)
    team.client.patch(runs["settings"], {"data": None})
    (one,) = bad(look(team))
    assert (said(one), one.planned, one.target) == (
        ("unexpected", "ConfigMap/settings", "data"),
        {"a": "1"},
        MISSING,
    ) or (said(one), one.planned, one.target) == (("unexpected", "ConfigMap/settings", "data.a"), "1", MISSING)
