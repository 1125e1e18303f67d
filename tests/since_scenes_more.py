"""More scenes of the second plan, for the cluster lane; they run on practice as well."""

from __future__ import annotations

from typing import Any

import pytest
from rollback_help import Died, Dying, actions
from since_help import Team, config, kept, names, shop
from since_scenes import first

from migrate.cluster.outcome import Reason, Rejected
from migrate.model.selection import parse_selection
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal


def test_what_was_not_read_or_not_planned_did_not_leave(team: Team) -> None:
    runs = shop(team.space)
    team.deploy(*runs.values())
    team.export()
    team.apply()
    # A part of it, by the options of plan.
    team.replan(select=parse_selection(only=[f"ConfigMap/{team.space}/settings"]))
    part = "the plan is only of a part of the source, and this is not in it"
    assert set(kept(team.since()).values()) == {part}
    assert team.apply(prune=True).counts["deleted"] == 0
    # Named, and so meant.
    team.replan(select=parse_selection(exclude=[f"ConfigMap/{team.space}/old-settings"]))
    assert kept(team.since())["ConfigMap/old-settings"].endswith(f"Deployment/{team.space}/old names it")
    # A kind that nobody read.
    team.export(without=["ConfigMap"])
    assert kept(team.since())["ConfigMap/settings"].startswith("the export did not read its kind")
    assert team.apply(prune=True).counts["deleted"] == 0


class Refusing:
    """A target with a quota that is used up."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def apply(self, body: Any, **options: Any) -> Any:
        if body["metadata"]["name"] == "bad":
            return Rejected(Reason.QUOTA, "exceeded quota")
        return self._target.apply(body, **options)


def test_nothing_is_pruned_after_a_failure(team: Team) -> None:
    runs = first(team)
    team.undeploy(runs["old"], runs["old-settings"])
    bad = config(team.space, "bad")
    team.deploy(bad)
    team.export()
    report = team.apply(target=Refusing(team.target), prune=True)  # type: ignore[arg-type]
    assert report.exit == 1 and report.counts["deleted"] == 0 and report.since
    assert set(kept(report.since).values()) >= {"1 object failed or was skipped, and may need it"}
    assert team.apply(prune=True).counts["deleted"] == 2


@pytest.mark.parametrize("late", [False, True], ids=["before the request", "after it"])
def test_killed_and_repeated(team: Team, late: bool) -> None:
    runs = first(team)
    team.undeploy(runs["old"], runs["old-settings"])
    team.export()
    for at in (1, 1) if late else (1, 2):
        with pytest.raises(Died):
            team.apply(target=Dying(team.target, at, late=late), prune=True)  # type: ignore[arg-type]
        assert (team.on_target(runs["old"]) is None) is (late or at == 2)
    report = team.apply(prune=True)
    assert report.exit == 0 and report.since is not None and not kept(report.since)
    assert [team.on_target(runs[name]) for name in ("old", "old-settings")] == [None, None]
    assert read_journal(open_workspace(team.ws)).unknown == ()
    # What comes back arrives as the plan says, not as it was known.
    team.deploy(runs["old-settings"], runs["old"])
    team.export()
    assert names(team.since().new) == ["ConfigMap/old-settings", "Deployment/old"]
    assert actions(team.apply())["Deployment/old"] == "held"
