"""The second plan, scene by scene, on the server that the fixture `team` gives: practice, and a real control plane."""

from __future__ import annotations

from rollback_help import actions
from since_help import Team, config, image, kept, mounts, names, secret, shop

from migrate.model.selection import parse_selection
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal


def first(team: Team) -> dict[str, dict[str, object]]:
    """Plan, apply, release: what runs on the target before the team deploys again."""
    runs = shop(team.space)
    team.deploy(*runs.values())
    team.export()
    assert not team.since()
    report = team.apply()
    assert report.counts["failed"] == report.counts["left_out"] == 0, report.results
    assert actions(report)["Deployment/worker"] == "held" and actions(report)["Deployment/api"] == "created"
    assert team.release().counts["failed"] == 0
    return runs


def test_the_whole_story(team: Team) -> None:
    space, runs = team.space, first(team)
    # An autoscaler scales on the target; meanwhile the team deploys on the source.
    team.client.patch(runs["api"], {"spec": {"replicas": 5}})
    team.deploy(image(space, "worker", 2), config(space, "flags"), secret(space, "second"))
    team.undeploy(runs["old"], runs["old-settings"], runs["data"])
    team.export()

    since = team.since()
    assert names(since.new) == ["ConfigMap/flags"] and since.at
    changed = {one.ref.short: one.fields for one in since.changed}
    assert list(changed) == ["Secret/login", "Deployment/worker"]
    (row,) = changed["Deployment/worker"]
    assert row.path == "spec.template.spec.containers[name=web].image"
    assert (row.was, row.now) == ("example.com/worker:1", "example.com/worker:2")
    (row,) = changed["Secret/login"]
    assert row.path == "data.password" and not row.was and not row.now
    left = {"ConfigMap/old-settings": "", "PersistentVolumeClaim/data": "it holds data", "Deployment/old": ""}
    assert kept(since) == left
    command = f"kubectl delete persistentvolumeclaim data -n {space}"
    assert [one.fix.splitlines()[-1] for one in since.left if one.why_kept] == [command]

    report = team.apply(no_undo=True)
    found = actions(report)
    assert report.counts["held"] == report.counts["deleted"] == report.counts["failed"] == 0
    assert {name: found[name] for name in ("ConfigMap/flags", "Secret/login", "Deployment/worker")} == {
        "ConfigMap/flags": "created",
        "Secret/login": "configured",
        "Deployment/worker": "configured",
    }
    assert {action for name, action in found.items() if name.split("/")[1] not in ("flags", "login", "worker")} == {
        "unchanged"
    }
    worker, api = team.on_target(runs["worker"]), team.on_target(runs["api"])
    assert worker and worker["spec"]["replicas"] == 2 and api and api["spec"]["replicas"] == 5
    assert worker["metadata"]["annotations"]["gke2eks/hold"] == "released"
    assert team.on_target(runs["old"]) and report.since and kept(report.since) == left

    report = team.apply()
    assert report.written == 0 and report.since and kept(report.since) == left
    assert not report.since.new and not report.since.changed
    report = team.apply(prune=True)
    assert report.counts["deleted"] == report.written == 2 and report.exit == 0
    assert [team.on_target(runs[name]) for name in ("old", "old-settings")] == [None, None]
    assert team.on_target(runs["data"]) and report.since and list(kept(report.since)) == ["PersistentVolumeClaim/data"]
    again = team.apply(prune=True)
    assert again.written == again.counts["deleted"] == 0 and again.exit == 0


def test_what_left_the_plan_is_kept_where_somebody_may_need_it(team: Team) -> None:
    space = team.space
    runs = shop(space)
    spare = {name: config(space, name) for name in ("edited", "anew", "named", "gone", "spare")}
    team.deploy(*runs.values(), *spare.values())
    team.export()
    team.apply()
    team.undeploy(*spare.values())
    team.export()
    team.client.apply(config(space, "edited", b="2"), manager="alice")
    team.client.delete(spare["anew"])
    team.client.create(spare["anew"])
    team.client.delete(spare["gone"])
    # Not in the plan, and not ours: somebody's own workload on the target.
    team.client.create(image(space, "theirs", 1, volumes=mounts("named")))
    assert kept(team.since()) == {
        "ConfigMap/edited": "alice wrote to it since",
        "ConfigMap/named": "",
        "ConfigMap/spare": "",
    }
    assert kept(team.since(select=parse_selection(only=[f"ConfigMap/{space}/se*"]))) == {}
    report = team.apply(prune=True)
    assert report.since and [one.ref.name for one in report.results if one.action.value == "deleted"] == ["spare"]
    why = kept(report.since)["ConfigMap/named"]
    assert why.endswith(" names it") and "theirs" in why
    known = read_journal(open_workspace(team.ws)).objects
    assert not any(known[ref].uid for ref in known if ref.name in ("gone", "spare"))
    assert team.on_target(spare["anew"]) and team.on_target(spare["edited"]) and team.on_target(spare["named"])
