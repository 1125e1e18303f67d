"""What a journal means when it is read back: unknown objects, runs, what was made, what is held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_journal import API, DB, TARGET, WEB, begin, sent

from migrate.errors import BadWorkspace
from migrate.model.journal import Action, Intent, Note, Outcome, Result, Said, differences
from migrate.workspace.folder import Workspace, open_workspace
from migrate.workspace.journal import read_journal
from migrate.workspace.journal_lines import NAME


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "out")


def test_another_cluster_is_refused_and_other_differences_are_said(ws: Workspace) -> None:
    begin(ws).close()
    before = (ws.path / NAME).read_bytes()
    with pytest.raises(BadWorkspace, match="applied to another cluster") as caught:
        begin(ws, target=replace(TARGET, cluster="else"))
    assert "Nothing was sent" in caught.value.next
    assert (ws.path / NAME).read_bytes() == before
    with begin(ws, plan="sha256:new", target=replace(TARGET, minor="1.37")) as journal:
        assert differences(journal.past.runs[-1].header, journal.header) == (
            "the plan was sha256:plan and is sha256:new",
            "the target's Kubernetes version was 1.36 and is 1.37",
        )


def test_unknown_until_somebody_sees_the_object(ws: Workspace) -> None:
    with begin(ws) as journal:
        first = sent(journal, API, None)
        assert read_journal(ws).unknown == (API,)
    with begin(ws) as journal:
        assert journal.past.objects[API].open == {first: Intent(API, Action.APPLY, "sent")}
        # Neither not looking nor another request's refusal says what became of the first.
        journal.record([Result(API, Outcome.SKIPPED)])
        sent(journal, API, Outcome.FAILED)
        assert read_journal(ws).unknown == (API,)
        journal.record([Result(API, Outcome.UNCHANGED, uid="u1", version="3")])
        assert read_journal(ws).unknown == ()
        sent(journal, API, Outcome.FAILED)
    known = read_journal(ws).objects[API]
    assert (known.unknown, known.outcome, known.uid) == (False, Outcome.FAILED, "u1")


def test_a_late_answer_says_nothing_of_a_newer_request(ws: Workspace) -> None:
    with begin(ws) as journal:
        old, new = journal.intend([Intent(API, Action.APPLY, "a"), Intent(API, Action.RELEASE, "b")])
        journal.record([Result(API, Outcome.CONFIGURED, old, "u1")])
    assert list(read_journal(ws).objects[API].open) == [new]


def test_what_a_run_made_counts_for_the_run_that_sent_it(ws: Workspace) -> None:
    with begin(ws) as journal:
        number = sent(journal, API, None)
        sent(journal, WEB, Outcome.HELD, uid="u-web", made=True)
        sent(journal, DB, Outcome.CONFIGURED, uid="u-db")
    with begin(ws) as journal:
        journal.record([Result(API, Outcome.UNCHANGED, number, "u-api", made=True)])
    past = read_journal(ws)
    assert [run.made for run in past.runs] == [{"u-web": WEB, "u-api": API}, {}]


def test_what_was_kept_first_stays(ws: Workspace) -> None:
    with begin(ws) as journal:
        refused, lost, again = (Intent(API, Action.APPLY, "s", "u1", f"kept-{i}") for i in range(3))
        (one,) = journal.intend([refused])
        journal.record([Result(API, Outcome.FAILED, one)])
        journal.intend([lost])
        journal.record([Result(API, Outcome.UNCHANGED, uid="u1")])
        (three,) = journal.intend([again])
        journal.record([Result(API, Outcome.CONFIGURED, three, "u1")])
    assert read_journal(ws).objects[API].before == "kept-1"


def test_held_until_somebody_sees_it_otherwise(ws: Workspace) -> None:
    """A CronJob is held by not being there: a release that refused it, or failed, must not make that forgotten."""
    with begin(ws) as journal:
        journal.record([Result(API, Outcome.HELD), Result(WEB, Outcome.HELD), Result(DB, Outcome.LEFT_OUT)])
        journal.record([Result(API, refused) for refused in (Outcome.LEFT_OUT, Outcome.SKIPPED, Outcome.FAILED)])
        journal.record([Result(WEB, Outcome.CREATED, uid="u-web")])
    objects = read_journal(ws).objects
    assert [objects[ref].held for ref in (API, WEB, DB)] == [True, False, False]


def test_released_is_for_ever(ws: Workspace) -> None:
    with begin(ws) as journal:
        journal.note([Note(API, Said.HELD, {"spec.replicas": 3})])
        journal.note([Note(API, Said.RELEASED)])
        journal.note([Note(WEB, Said.HELD, {})])
    objects = read_journal(ws).objects
    assert (objects[API].released, objects[API].originals) == (True, None)
    assert (objects[WEB].released, objects[WEB].originals) == (False, {})
