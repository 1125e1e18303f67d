"""The journal of apply: what is about to be sent is on disk before it is sent, what came of it right after."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from migrate.errors import STOPPED, BadWorkspace, Error
from migrate.model.journal import End, Fingerprint, Header, History, Intent, Note, Record, Result
from migrate.workspace.folder import Workspace
from migrate.workspace.journal_digest import key_id
from migrate.workspace.journal_history import history
from migrate.workspace.journal_lines import NAME, line, scan
from migrate.workspace.journal_lock import open_locked, unusable


class Unwritable(Error):
    """The journal can take no more: nothing further may be sent."""

    code = STOPPED


@dataclass(frozen=True, slots=True)
class Start:
    """What a run says of itself at its start."""

    command: str
    plan: str
    target: Fingerprint


class Journal:
    """An open journal; its methods may be called by many threads. After Unwritable it takes nothing more.

    `past` is what was known before this run, `header` what this run said of itself.
    """

    def __init__(self, handle: int, size: int, number: int, past: History, header: Header) -> None:
        self.past = past
        self.header = header
        self._handle = handle
        self._size = size  # where the last whole line ends
        self._number = number
        self._synced = number
        self._syncing = False
        self._dead: Unwritable | None = None
        self._change = threading.Condition()

    def intend(self, intents: Iterable[Intent]) -> list[int]:
        """Write what is about to be sent, and give a number for each. It is on disk when this returns.

        One call for a batch, or calls by many threads: those that come while the disk is busy share the next sync.
        """
        numbers = self._append(list(intents))
        self._wait_for_disk(numbers[-1] if numbers else 0)
        return numbers

    def record(self, results: Iterable[Result]) -> None:
        """Write what came of it. A kill of this process loses nothing; a power cut may, and then it is unknown."""
        self._append(list(results))

    def note(self, notes: Iterable[Note]) -> None:
        """Write notes; on disk when this returns. The values of a Secret have no place here: ValueError."""
        rows = list(notes)
        if any(one.ref.kind.casefold() == "secret" and one.originals for one in rows):
            raise ValueError("a note of a Secret must not hold values")
        numbers = self._append(rows)
        self._wait_for_disk(numbers[-1] if numbers else 0)

    def close(self, exit: int | None = None) -> None:
        """Let go of the journal. With an exit code the run counts as ended by itself. A second call does nothing."""
        if self._handle < 0:
            return
        try:
            if self._dead is None:
                last = self._append([End(exit)]) if exit is not None else [self._number]
                self._wait_for_disk(last[-1])
        finally:
            with self._change:
                handle, self._handle = self._handle, -1
                self._dead = self._dead or _closed()
            os.close(handle)  # the kernel's lock goes with it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, sort: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _append(self, records: Sequence[Record]) -> list[int]:
        """Write the lines in one piece or not at all."""
        with self._change:
            if self._dead:
                raise self._dead
            # Counted before it is written: whatever interrupts us, no number is used twice.
            first = self._number + 1
            self._number += len(records)
            data = b"".join(line(number, one) for number, one in enumerate(records, first))
            try:
                _write(self._handle, data)
            except OSError as bad:
                self._undo()
                self._dead = _unwritable(bad)
                raise self._dead from None
            except BaseException:
                self._undo()
                raise
            self._size += len(data)
            return list(range(first, first + len(records)))

    def _undo(self) -> None:
        """Take half-written lines away; should that fail too, the next reader drops them as torn."""
        try:
            os.ftruncate(self._handle, self._size)
        except OSError as bad:
            self._dead = _unwritable(bad)

    def _wait_for_disk(self, number: int) -> None:
        """Return when the line of this number is on disk. One thread syncs for all that have written by then."""
        while True:
            mine, bad, done = False, None, 0
            try:
                with self._change:
                    while self._syncing and self._synced < number and not self._dead:
                        self._change.wait()
                    if self._dead:
                        raise self._dead
                    if self._synced >= number:
                        return
                    mine = self._syncing = True
                    upto = self._number
                bad = _sync(self._handle)
                done = 0 if bad else upto
            finally:
                # Also when Ctrl-C came in between: others must not wait for a sync that nobody does.
                if mine:
                    with self._change:
                        self._syncing = False
                        self._dead = self._dead or bad
                        self._synced = max(self._synced, done)
                        self._change.notify_all()


def open_journal(ws: Workspace, start: Start, key: bytes, wait: float = 0) -> Journal:
    """Lock the journal, read it, drop a torn end, and write the header of a new run; all on disk when this returns.

    `key` is the hash key; only its id is kept. `wait` is how many seconds to wait for another process.
    Raises Busy, or BadWorkspace when it is that of another cluster, broken, or cannot be written.
    """
    handle = open_locked(ws.inside(NAME), wait)
    try:
        found = scan(_read(handle))
        past = history(found.records, found.torn, found.repeated)
        _refuse_another_cluster(past, start.target)
        if found.torn:
            # Synced before anything is appended: half a line must never come back in the middle.
            os.ftruncate(handle, found.end)
            os.fsync(handle)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        who = (os.getpid(), socket.gethostname())
        header = Header(secrets.token_hex(8), now, start.command, start.plan, start.target, key_id(key), *who)
        number = found.records[-1][0] if found.records else 0
        journal = Journal(handle, found.end, number, past, header)
        journal._wait_for_disk(journal._append([header])[-1])
    except OSError as bad:
        os.close(handle)
        raise unusable(bad) from None
    except BaseException:
        os.close(handle)
        raise
    return journal


def read_journal(ws: Workspace) -> History:
    """Read without the lock, from a folder that may be read-only; empty when there is none. Raises BadWorkspace."""
    try:
        data = ws.inside(NAME).read_bytes()
    except FileNotFoundError:
        return History()
    except OSError as bad:
        raise unusable(bad) from None
    found = scan(data)
    return history(found.records, found.torn, found.repeated)


def _refuse_another_cluster(past: History, target: Fingerprint) -> None:
    last = past.runs[-1].header if past.runs else None
    if last and last.target.cluster != target.cluster:
        raise BadWorkspace(
            f"this workspace was applied to another cluster (kube-system UID {last.target.cluster})",
            "name the target of then, or another workspace with -w. Nothing was sent.",
            [f"the target of now has {target.cluster}"],
        )


def _read(handle: int) -> bytes:
    with os.fdopen(os.dup(handle), "rb") as file:
        file.seek(0)
        return file.read()


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sync(handle: int) -> Unwritable | None:
    """Bring the file to disk. After a failure the kernel forgets what was not written: asking again would lie."""
    try:
        os.fsync(handle)
        if os.fstat(handle).st_nlink == 0:
            return _unwritable(OSError(0, "somebody deleted the file while it was in use"))
    except OSError as bad:
        return _unwritable(bad)
    return None


def _unwritable(bad: OSError) -> Unwritable:
    return Unwritable(
        f"{NAME} cannot be written",
        "make room or mend the disk, then run the same command again: what is not known is read from the target.",
        [bad.strerror or str(bad)],
    )


def _closed() -> Unwritable:
    return Unwritable(f"{NAME} is closed already", "this is a bug in gke2eks; please report it.")
