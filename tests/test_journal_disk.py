"""The journal on disks that are full, broken, read-only or taken away, and two processes that want it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_journal import API, DB, KEY, START, WEB, begin, sent

from migrate.errors import STOPPED, BadWorkspace
from migrate.model.journal import Action, Intent, Outcome, Result
from migrate.workspace.folder import Workspace, open_workspace
from migrate.workspace.journal import Unwritable, open_journal, read_journal
from migrate.workspace.journal_lines import NAME
from migrate.workspace.journal_lock import Busy

HEAD = """
import os, sys, time, resource, signal, subprocess
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_journal import *
from migrate.workspace.journal_lock import Busy
ws = open_workspace(Path(sys.argv[1]))
"""


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "out")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", HEAD.format(tests=str(Path(__file__).parent)) + code]


@contextmanager
def holder(ws: Workspace, code: str = "time.sleep(60)") -> Iterator[subprocess.Popen[str]]:
    """Another process that has the journal and one request under way."""
    text = f'journal = begin(ws)\nsent(journal, API, None)\nprint("ready", flush=True)\n{code}'
    with subprocess.Popen([*python(text), ws.path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


FILL = """
journal = begin(ws)
try:
    for i in range(100000):
        ref = Ref("", "ConfigMap", "shop", f"c{i}")
        numbers = journal.intend([Intent(ref, Action.APPLY, "s" * 64)])
        last = i
        journal.record([Result(ref, Outcome.CREATED, numbers[0], f"u{i}")])
except Unwritable as bad:
    print(bad.code, bad.what, *bad.details, bad.next, sep="|")
    try:
        journal.record([Result(API, Outcome.FAILED)])
    except Unwritable:
        print("dead", last)
journal.close(5)
past = read_journal(ws)
print(past.torn, len(past.objects), len(past.unknown), past.runs[0].exit)
"""


def check_full(said: str, why: str) -> None:
    first, dead, after = said.splitlines()
    code, what, detail, fix = first.split("|")
    assert (int(code), what, detail.strip()) == (STOPPED, "journal.jsonl cannot be written", why)
    assert "run the same command again" in fix
    last = int(dead.removeprefix("dead "))
    torn, objects, unknown, exit = after.split()
    # Whole lines only, each intent that was promised is there, and at most the last has no result.
    assert (torn, int(objects), exit) == ("0", last + 1, "None")
    assert int(unknown) in (0, 1)


def test_a_file_that_may_not_grow(ws: Workspace) -> None:
    """The kernel itself writes a part of a line and then refuses."""
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))\n"
    done = subprocess.run([*python(limit + FILL), ws.path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    check_full(done.stdout, "File too large")
    with begin(ws) as journal:  # with room again it goes on
        sent(journal, API, Outcome.CREATED, uid="u")
    assert read_journal(ws).objects[API].outcome is Outcome.CREATED


def test_a_full_disk(tmp_path: Path) -> None:
    """A real small disk, where the kernel lets us mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=64k none "$0" || exit 77; exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", script, disk, *python(FILL), disk / "out"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare")
    if done.returncode in (1, 77) and "Unwritable" not in done.stdout and "Traceback" not in done.stderr:
        pytest.skip(f"may not mount: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    check_full(done.stdout, "No space left on device")


def test_a_sync_that_fails_is_never_tried_again(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed fsync Linux calls the lost pages clean: the second one would succeed and mean nothing."""
    calls = []

    def failing(handle: int) -> None:
        calls.append(handle)
        raise OSError(5, "Input/output error")

    journal = begin(ws)
    monkeypatch.setattr(os, "fsync", failing)
    for _ in range(2):
        with pytest.raises(Unwritable) as caught:
            journal.intend([Intent(API, Action.APPLY, "s")])
        assert caught.value.details == ("Input/output error",)
    journal.close(0)
    assert len(calls) == 1
    monkeypatch.undo()
    begin(ws).close()  # the lock was let go


def test_threads_that_wait_hear_of_a_failed_sync(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(handle: int) -> None:
        time.sleep(0.1)
        raise OSError(5, "Input/output error")

    heard = []

    def ask() -> None:
        try:
            journal.intend([Intent(API, Action.APPLY, "s")])
        except Unwritable:
            heard.append(1)

    journal = begin(ws)
    monkeypatch.setattr(os, "fsync", failing)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
    assert len(heard) == 4
    journal.close()


def test_a_deleted_journal_stops_the_run(ws: Workspace) -> None:
    with begin(ws) as journal:
        (ws.path / NAME).unlink()
        with pytest.raises(Unwritable) as caught:
            journal.intend([Intent(API, Action.APPLY, "s")])
        assert "deleted" in caught.value.details[0]


def test_a_link_is_not_followed(ws: Workspace, tmp_path: Path) -> None:
    (ws.path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadWorkspace, match=r"journal\.jsonl cannot be used"):
        begin(ws)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_read_only_folder(there: bool) -> None:
    """What is there can be read; writing is refused in words. Tried as nobody, whom root's rights do not help."""
    with tempfile.TemporaryDirectory() as folder:  # nobody may not look into pytest's own
        Path(folder).chmod(0o711)
        _read_only(open_workspace(Path(folder) / "out"), there)


def _read_only(ws: Workspace, there: bool) -> None:
    if there:
        with begin(ws) as journal:
            sent(journal, API, Outcome.CREATED, uid="u1")
        (ws.path / NAME).chmod(0o444)
    ws.path.chmod(0o555)
    out, into = os.pipe()
    pid = os.fork()
    if not pid:
        said = "nothing"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            said = f"{read_journal(ws).made.get('u1')}|"
            open_journal(ws, START, KEY)
        except BadWorkspace as bad:
            said += "|".join((bad.what, *bad.details, bad.next))
        except BaseException as bad:
            said += repr(bad)
        finally:
            os.write(into, said.encode())
            os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        found = pipe.read()
    os.waitpid(pid, 0)
    ws.path.chmod(0o755)
    made, what, why, fix = found.split("|")
    assert made == ("Deployment/shop/api" if there else "None")
    assert (what, why.strip()) == ("journal.jsonl cannot be used", "Permission denied")
    assert "that you may write to" in fix and "Nothing was sent" in fix


def test_the_second_is_told_who_holds_it(ws: Workspace) -> None:
    with holder(ws) as other:
        before = (ws.path / NAME).read_bytes()
        started = time.monotonic()
        with pytest.raises(Busy) as caught:
            begin(ws)
        assert time.monotonic() - started < 5
        since = read_journal(ws).runs[0].header.at
        (who,) = caught.value.details
        assert f"process {other.pid} on " in who and f"gke2eks apply since {since}" in who
        assert "Nothing was sent" in caught.value.next
        assert (ws.path / NAME).read_bytes() == before


def test_the_second_may_wait(ws: Workspace) -> None:
    with holder(ws, "time.sleep(0.5); journal.close(0)") as other:
        with open_journal(ws, START, KEY, wait=30) as journal:
            assert journal.past.runs[0].exit == 0
            assert journal.past.unknown == (API,)
        other.wait(10)


def test_waiting_ends(ws: Workspace) -> None:
    with holder(ws), pytest.raises(Busy):
        open_journal(ws, START, KEY, wait=0.3)


def test_kill_lets_go_at_once_also_with_children_left(ws: Workspace) -> None:
    """A login helper that outlives us must not keep the lock."""
    code = 'c = subprocess.Popen(["sleep", "30"]); print(c.pid, flush=True); time.sleep(60)'
    with holder(ws, code) as other:
        assert other.stdout
        child = int(other.stdout.readline())
        try:
            other.send_signal(signal.SIGKILL)
            other.wait(10)
            with begin(ws) as journal:
                assert journal.past.runs[0].exit is None
                assert journal.past.unknown == (API,)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_holder_that_has_not_said_so_is_not_taken_for_the_run_before(ws: Workspace) -> None:
    with holder(ws) as other:
        other.kill()
        other.wait(10)
        with begin(ws) as journal:
            journal.record([Result(WEB, Outcome.SKIPPED), Result(DB, Outcome.SKIPPED)])
            # As the file is between a lock and its header: the killed run stands last.
            data = (ws.path / NAME).read_bytes()
            (ws.path / NAME).write_bytes(b"".join(data.splitlines(keepends=True)[:2]))
            with pytest.raises(Busy) as caught:
                begin(ws)
            assert "only just started" in caught.value.details[0]
