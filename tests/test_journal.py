"""The journal: what is written comes back, what was cut or doubled does no harm."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.errors import BadWorkspace
from migrate.model.journal import (
    Action,
    End,
    Fingerprint,
    Header,
    History,
    Intent,
    Known,
    Note,
    Outcome,
    Record,
    Result,
    Said,
)
from migrate.model.ref import Ref
from migrate.workspace.folder import Workspace, open_workspace
from migrate.workspace.journal import Journal, Start, Unwritable, open_journal, read_journal
from migrate.workspace.journal_digest import digest, key_id
from migrate.workspace.journal_history import history
from migrate.workspace.journal_lines import NAME, line, scan

KEY = b"k" * 32
TARGET = Fingerprint("9f02c1e4", "1.36", "standard", "sha256:served")
START = Start("apply", "sha256:plan", TARGET)
API, WEB, DB = (Ref("apps", "Deployment", "shop", name) for name in ("api", "web", "db"))


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "out")


def begin(ws: Workspace, **other: Any) -> Journal:
    return open_journal(ws, replace(START, **other), KEY)


def sent(journal: Journal, ref: Ref, outcome: Outcome | None, action: Action = Action.APPLY, **result: Any) -> int:
    (number,) = journal.intend([Intent(ref, action, "sent")])
    if outcome:
        journal.record([Result(ref, outcome, number, **result)])
    return number


def test_what_is_written_comes_back(ws: Workspace) -> None:
    assert read_journal(ws) == History()
    with begin(ws) as journal:
        assert journal.past == History()
        number = sent(journal, API, Outcome.CREATED, uid="u1", version="7", seen="seen")
        journal.note([Note(WEB, Said.HELD, {"spec.replicas": 3, 'a["b/c"]': None})])
        journal.record([Result(DB, Outcome.LEFT_OUT)])
        journal.close(1)
    past = read_journal(ws)
    assert number == 2  # 1 is the header
    assert past.objects[API] == Known(API, Outcome.CREATED, "u1", "7", "sent", "seen", key_id(KEY))
    assert past.objects[WEB].originals == {"spec.replicas": 3, 'a["b/c"]': None}
    assert past.made == {"u1": API}
    (run,) = past.runs
    assert run.header == journal.header
    assert (run.header.target, run.header.plan, run.header.pid) == (TARGET, "sha256:plan", os.getpid())
    assert (run.exit, run.counts) == (1, {"created": 1, "left_out": 1})
    assert (ws.path / NAME).stat().st_mode & 0o777 == 0o600


REFS = st.builds(Ref, st.text(), st.text(), st.text(), st.text())
VALUES = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-9, 9) | st.text() | st.just({"a": ["b"]}))
RECORDS = st.one_of(
    st.builds(Intent, REFS, st.sampled_from(Action), st.text(), st.text(), st.text()),
    st.builds(
        Result,
        REFS,
        st.sampled_from(Outcome),
        st.integers(0, 99),
        st.text(),
        st.text(),
        st.text(),
        st.text(),
        st.booleans(),
    ),
    st.builds(Note, REFS, st.sampled_from(Said), VALUES),
    st.builds(End, st.integers(0, 130)),
)
HEADER = Header("r", "2026-11-23T07:14:00Z", "apply", "p", TARGET, "k", 1, "h")


@given(st.lists(RECORDS))
def test_every_record_survives_its_line(records: list[Record]) -> None:
    every: list[Record] = [HEADER, *records]
    data = b"".join(line(number, one) for number, one in enumerate(every, 1))
    assert data.count(b"\n") == len(every)
    found = scan(data)
    assert [one for _, one in found.records] == every
    assert (found.end, found.torn, found.repeated) == (len(data), 0, 0)


def written(ws: Workspace) -> bytes:
    with begin(ws) as journal:
        for ref in (API, WEB, DB):
            sent(journal, ref, Outcome.CREATED, uid=f"u-{ref.name}")
        journal.close(0)
    return (ws.path / NAME).read_bytes()


def test_cut_anywhere_it_is_a_prefix_and_goes_on(ws: Workspace) -> None:
    data = written(ws)
    whole = scan(data).records
    for end in range(len(data) + 1):
        found = scan(data[:end])
        assert found.records == whole[: data[:end].count(b"\n")]
        assert found.end + found.torn == end
    for end in (0, 1, 200, len(data) // 2, len(data) - 1):
        (ws.path / NAME).write_bytes(data[:end])
        with begin(ws) as journal:
            assert journal.past.torn == scan(data[:end]).torn
            sent(journal, DB, Outcome.UNCHANGED, uid="u-db")
        after = read_journal(ws)
        assert (after.torn, after.objects[DB].outcome) == (0, Outcome.UNCHANGED)


@pytest.mark.parametrize(
    "rubbish", [b"\0" * 5000, b"\n\n", b'{"n":9}\n', b"\xff\xfe rubbish\n" * 3, b'{"n":4,"is":"end"']
)
def test_rubbish_at_the_end_goes(ws: Workspace, rubbish: bytes) -> None:
    data = written(ws)
    (ws.path / NAME).write_bytes(data + rubbish)
    assert read_journal(ws).torn == len(rubbish)
    begin(ws).close()
    assert (ws.path / NAME).read_bytes().startswith(data + b'{"n":9,"is":"run"')


def test_a_doubled_end_counts_once(ws: Workspace) -> None:
    data = written(ws)
    tail = b"".join(data.splitlines(keepends=True)[-4:])
    (ws.path / NAME).write_bytes(data + tail + tail[:-9])
    found = read_journal(ws)
    assert (found.repeated, found.torn) == (4 + 3, len(tail[:-9]) - tail[:-9].rfind(b"\n") - 1)
    assert found.objects == history(scan(data).records).objects
    with begin(ws) as journal:
        sent(journal, API, Outcome.UNCHANGED, uid="u-api")
    assert read_journal(ws).objects[API].outcome is Outcome.UNCHANGED


def _swapped(lines: list[bytes]) -> None:
    lines[2], lines[3] = lines[3], lines[2]


def _changed(lines: list[bytes]) -> None:
    lines[2] = lines[2].replace(b"u-api", b"u-web")


def _cut(lines: list[bytes]) -> None:
    lines[2] = lines[2][:40]


def _headless(lines: list[bytes]) -> None:
    del lines[0]


def _numbered_twice(lines: list[bytes]) -> None:
    lines.insert(4, line(3, End(7)))


@pytest.mark.parametrize(
    ("harm", "where"), [(_swapped, 4), (_changed, 3), (_cut, 3), (_headless, 1), (_numbered_twice, 5)]
)
def test_harm_in_the_middle_is_refused(ws: Workspace, harm: Callable[[list[bytes]], None], where: int) -> None:
    lines = written(ws).splitlines(keepends=True)
    harm(lines)
    (ws.path / NAME).write_bytes(b"".join(lines))
    for read in (read_journal, begin):
        with pytest.raises(BadWorkspace, match=f"journal.jsonl:{where} cannot be read") as caught:
            read(ws)
        assert "move the file away" in caught.value.next
    assert (ws.path / NAME).read_bytes() == b"".join(lines)


def test_another_schema_and_another_sort_are_refused(ws: Workspace) -> None:
    (ws.path / NAME).write_bytes(line(1, replace(HEADER, schema="gke2eks/journal/v9")))
    with pytest.raises(BadWorkspace, match=r"another version of gke2eks \(gke2eks/journal/v9\)"):
        read_journal(ws)


def test_no_value_of_a_secret_is_written(ws: Workspace) -> None:
    secret = {"kind": "Secret", "data": {"password": "aHVudGVyMg=="}}
    assert digest(secret, KEY) == digest(dict(reversed(secret.items())), KEY) != digest(secret, b"j" * 32)
    assert digest([1, 2], KEY) != digest([2, 1], KEY)
    assert len({digest(value, KEY) for value in (1, True, "1", 1.0, None)}) == 5
    ref = Ref("", "Secret", "shop", "db")
    with begin(ws) as journal:
        journal.intend([Intent(ref, Action.APPLY, digest(secret, KEY))])
        with pytest.raises(ValueError, match="must not hold values"):
            journal.note([Note(ref, Said.HELD, secret)])
        journal.note([Note(ref, Said.RELEASED)])
    data = (ws.path / NAME).read_bytes()
    assert b"aHVudGVyMg" not in data and b"hunter2" not in data and KEY not in data


def test_calls_that_come_while_the_disk_is_busy_share_a_sync(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    real, syncs = os.fsync, []
    with begin(ws) as journal:

        def slow(handle: int) -> None:
            syncs.append((ws.path / NAME).stat().st_size)
            time.sleep(0.02)
            real(handle)

        def many(name: str) -> None:
            for i in range(5):
                ref = Ref("", "ConfigMap", name, str(i))
                journal.intend([Intent(ref, Action.APPLY, "s")])
                at = (ws.path / NAME).read_bytes().find(f'"namespace":"{name}","name":"{i}"'.encode())
                late.extend([ref] if not 0 <= at < syncs[-1] or at < 0 else [])

        late: list[Ref] = []
        monkeypatch.setattr(os, "fsync", slow)
        threads = [threading.Thread(target=many, args=(f"ns{i}",)) for i in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(syncs) < 20  # for 40 batches
        assert late == []
    assert len(read_journal(ws).unknown) == 40


def test_an_interrupt_while_writing_leaves_whole_lines(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write

    def interrupted(handle: int, data: bytes) -> int:
        real(handle, data[:30])
        raise KeyboardInterrupt

    with begin(ws) as journal:
        sent(journal, API, Outcome.CREATED, uid="u1")
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.intend([Intent(WEB, Action.APPLY, "s")])
        sent(journal, DB, Outcome.CREATED, uid="u2")
        journal.close(130)
    past = read_journal(ws)
    assert (past.torn, set(past.objects), past.runs[0].exit) == (0, {API, DB}, 130)


def test_an_interrupt_while_syncing_leaves_the_next_sync_to_others(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    with begin(ws) as journal:
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.intend([Intent(API, Action.APPLY, "s")])
        other = threading.Thread(target=sent, args=(journal, WEB, Outcome.CREATED), daemon=True)
        other.start()
        other.join(10)
        assert not other.is_alive()
    assert read_journal(ws).unknown == (API,)


def test_closed_is_closed(ws: Workspace) -> None:
    journal = begin(ws)
    journal.close(0)
    journal.close(1)
    with pytest.raises(Unwritable, match="closed"):
        journal.record([Result(API, Outcome.CREATED)])
    assert read_journal(ws).runs[0].exit == 0
