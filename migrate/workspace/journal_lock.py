"""One writer at a time: the kernel's lock on the journal itself, which goes with the process however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path

from migrate.errors import BadWorkspace
from migrate.model.journal import History
from migrate.workspace.folder import sync_folder
from migrate.workspace.journal_history import history
from migrate.workspace.journal_lines import NAME, scan

_PAUSE = 0.1


class Busy(BadWorkspace):
    """Another process writes this journal."""


def open_locked(path: Path, wait: float = 0) -> int:
    """Open the journal for appending, made where needed, and lock it. Waits so many seconds for another process.

    Raises Busy, naming who holds it, or BadWorkspace.
    """
    end = time.monotonic() + wait
    while True:
        try:
            handle = _opened(path)
        except OSError as bad:
            raise unusable(bad) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking somebody may have moved the file away: that lock would guard nothing.
            if _same(handle, path):
                return handle
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(handle)
                raise _busy(path) from None
            time.sleep(_PAUSE)
        except OSError as bad:
            os.close(handle)
            raise unusable(bad) from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def unusable(bad: OSError) -> BadWorkspace:
    """Say that the journal cannot be opened or read."""
    return BadWorkspace(
        f"{NAME} cannot be used",
        "name a workspace on a disk that you may write to with -w. Nothing was sent.",
        [bad.strerror or str(bad)],
    )


def alive(pid: int, host: str) -> bool:
    """Tell whether a process may still be there; those of another machine may."""
    if host != socket.gethostname():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    with contextlib.suppress(FileNotFoundError):
        return os.open(path, flags)
    handle = os.open(path, flags | os.O_CREAT, 0o600)
    sync_folder(path.parent)
    return handle


def _same(handle: int, path: Path) -> bool:
    mine = os.fstat(handle)
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _busy(path: Path) -> Busy:
    """Name the holder: the run that stands last in the journal, unless it is over and the next has not said so yet."""
    known = History()
    with contextlib.suppress(BadWorkspace, OSError):
        found = scan(path.read_bytes())
        known = history(found.records)
    last = known.runs[-1] if known.runs else None
    who = "a process that has only just started"
    if last and last.exit is None and alive(last.header.pid, last.header.host):
        head = last.header
        who = f"process {head.pid} on {head.host}, gke2eks {head.command} since {head.at}"
    return Busy(
        "another gke2eks writes to this workspace",
        "wait until it ends, or stop it, then run the same command again. Nothing was sent.",
        [who],
    )
