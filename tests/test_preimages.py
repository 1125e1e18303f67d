"""What is kept of an object for a rollback, and what a run that changed it says of that afterwards."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pyrage import x25519
from test_journal import begin
from test_secret_file import CANARY, forms

from migrate.flow.keeping import Keeping, NotKept
from migrate.model.journal import Action, Intent, Known, Note, Outcome, Result, Said
from migrate.model.ref import Ref
from migrate.workspace.folder import Workspace, open_workspace
from migrate.workspace.journal import read_journal
from migrate.workspace.preimages import keep, look
from migrate.workspace.secret_file import recipients

MAP, SECRET = Ref("", "ConfigMap", "shop", "m"), Ref("", "Secret", "shop", "s")
OWNER = {"manager": "vault", "operation": "Apply"}
BODY = {"kind": "ConfigMap", "metadata": {"name": "m", "uid": "u1"}, "data": {"a": "1"}}
HIDDEN = {"kind": "Secret", "metadata": {"name": "s", "uid": "u2", "managedFields": [OWNER]}, "data": {"p": CANARY}}


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "out")


def test_what_was_kept_first_is_what_was_there_before(ws: Workspace) -> None:
    name = keep(ws, "run1", MAP, BODY)
    assert keep(ws, "run1", MAP, {**BODY, "data": {"a": "2"}}) == name != keep(ws, "run2", MAP, BODY)
    found = look(ws, name, MAP)
    assert (found.body, found.uid, found.why) == (BODY, "u1", "")
    place = ws.inside(name)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600 and stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_what_cannot_be_read_back_is_said(ws: Workspace) -> None:
    name = keep(ws, "run1", MAP, BODY)
    for other in (look(ws, name, SECRET), look(ws, "undo/none.json", MAP), look(ws, ".gke2eks", MAP)):
        assert other.why.startswith("what it was before is lost") and other.fix
    ws.inside(name).write_text('{"half')
    assert "cannot be read" in look(ws, name, MAP).why
    assert "lost" in look(ws, "undo/../../../etc/passwd", MAP).why


def test_a_secret_is_in_no_file_in_clear(ws: Workspace, tmp_path: Path) -> None:
    me = x25519.Identity.generate()
    (tmp_path / "me").write_text(f"{me}\n")
    with pytest.raises(ValueError, match="in clear"):
        keep(ws, "run1", SECRET, HIDDEN)
    assert not (ws.path / "undo").exists()
    name = Keeping(ws, "run1", recipients=recipients([str(me.to_public())]))(SECRET, HIDDEN)
    assert isinstance(name, str)
    data = ws.inside(name).read_bytes()
    assert not [form for form in forms() if form in data]
    assert "--age-identity" in look(ws, name, SECRET).fix
    opened = look(ws, name, SECRET, [tmp_path / "me"])
    assert opened.body == HIDDEN and CANARY not in repr(opened)


def test_only_secrets_of_others_need_a_word(ws: Workspace) -> None:
    no = Keeping(ws, "run1")(SECRET, HIDDEN)
    assert isinstance(no, NotKept) and "--age-recipient" in no.fix and CANARY not in repr(no)
    assert Keeping(ws, "run1", no_undo=True)(SECRET, HIDDEN) == ""
    assert Keeping(ws, "run1", made={"u2"})(SECRET, HIDDEN) == ""
    mine = {**HIDDEN, "metadata": {"managedFields": [{"manager": "gke2eks", "operation": "Apply"}]}}
    assert Keeping(ws, "run1")(SECRET, mine) == ""
    # What is deleted is perhaps on the source no more: ours or not, it must be able to come back.
    spared = Keeping(ws, "run1", made={"u2"})(SECRET, HIDDEN, deleting=True)
    assert isinstance(spared, NotKept) and "--no-undo" in spared.fix
    assert Keeping(ws, "run1", no_undo=True)(SECRET, HIDDEN, deleting=True) == ""


def test_the_journal_tells_what_each_run_kept_and_what_was_taken_back(ws: Workspace) -> None:
    new = Ref("", "ConfigMap", "shop", "new")
    with begin(ws) as journal:
        first = journal.intend([Intent(MAP, Action.APPLY, "s", "u1", "undo/1"), Intent(new, Action.APPLY, "s")])
        journal.intend([Intent(MAP, Action.APPLY, "s", "u1"), Intent(SECRET, Action.APPLY, "s", "u2")])
        journal.record([Result(MAP, Outcome.CONFIGURED, first[0], "u1")])
        journal.note([Note(MAP, Said.RELEASED)])
    with begin(ws) as journal:
        journal.intend([Intent(MAP, Action.RESTORE, "", "u1"), Intent(new, Action.DELETE, "", "u3")])
        journal.note([Note(MAP, Said.UNDONE)])
    past = read_journal(ws)
    assert past.runs[0].kept == {MAP: "undo/1", SECRET: ""} and past.runs[0].new == {new}
    assert past.runs[1].kept == {} and past.runs[1].undone == {MAP}
    assert past.objects[MAP] == Known(MAP) and past.objects[new].unknown
