"""What the journal costs beside a bare write and fsync of the same bytes.

Usage: python benchmarks/journal.py [RECORDS] [BATCH] [ROUNDS]. Intents in batches, each synced; then as many results,
one call each, as workers record them. `floor` writes the very same bytes in the same pieces and syncs as often. Both
are interleaved in one run, on the disk of the current folder; medians. Also: the same by eight threads, and reading
back. No figure here is a test.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from migrate.model.journal import Action, Fingerprint, Intent, Outcome, Result
from migrate.model.ref import Ref
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import Journal, Start, open_journal, read_journal

START = Start(
    "apply", "sha256:" + "p" * 64, Fingerprint("9f02c1e4-0000-4000-8000-000000000000", "1.36", "standard", "s")
)
DIGEST = "d" * 64


def work(journal: Journal, share: str, objects: int, batch: int) -> None:
    for at in range(0, objects, batch):
        refs = [Ref("apps", "Deployment", f"team-{share}", f"service-{i}") for i in range(at, min(at + batch, objects))]
        numbers = journal.intend([Intent(ref, Action.APPLY, DIGEST) for ref in refs])
        for ref, number in zip(refs, numbers, strict=True):
            uid = f"9f02c1e4-0000-4000-8000-{number:012}"
            journal.record([Result(ref, Outcome.CREATED, number, uid, str(number), DIGEST, DIGEST)])


def ours(folder: Path, objects: int, batch: int, threads: int = 1) -> list[tuple[bytes, bool]]:
    """Write, and give what went to the disk: pieces, and whether a sync followed."""
    with open_journal(open_workspace(folder), START, b"k" * 32) as journal:
        shares = [Thread(target=work, args=(journal, str(i), objects // threads, batch)) for i in range(threads)]
        for one in shares:
            one.start()
        for one in shares:
            one.join()
    return []


def recorded(folder: Path, objects: int, batch: int) -> list[tuple[bytes, bool]]:
    pieces: list[tuple[bytes, bool]] = []
    write, sync = os.write, os.fsync

    def noted(handle: int, data: bytes) -> int:
        pieces.append((bytes(data), False))
        return write(handle, data)

    def synced(handle: int) -> None:
        if pieces:
            pieces[-1] = (pieces[-1][0], True)
        sync(handle)

    os.write, os.fsync = noted, synced  # type: ignore[assignment]
    try:
        ours(folder, objects, batch)
    finally:
        os.write, os.fsync = write, sync
    return pieces


def floor(folder: Path, pieces: list[tuple[bytes, bool]]) -> None:
    folder.mkdir()
    handle = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for data, sync in pieces:
        os.write(handle, data)
        if sync:
            os.fsync(handle)
    os.close(handle)


def timed(do: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    do()
    return time.perf_counter() - wall, time.process_time() - cpu


def main(records: int = 40000, batch: int = 100, rounds: int = 5) -> None:
    objects = records // 2
    with tempfile.TemporaryDirectory(dir=".") as name:
        root = Path(name)
        pieces = recorded(root / "first", objects, batch)
        size, syncs = sum(len(data) for data, _ in pieces), sum(sync for _, sync in pieces)
        rows: dict[str, list[tuple[float, float]]] = {"floor": [], "ours": [], "ours, 8 threads": [], "read back": []}
        for i in range(rounds):
            rows["floor"].append(timed(lambda i=i: floor(root / f"floor{i}", pieces)))  # type: ignore[misc]
            rows["ours"].append(timed(lambda i=i: ours(root / f"ours{i}", objects, batch)))  # type: ignore[misc]
            rows["ours, 8 threads"].append(
                timed(lambda i=i: ours(root / f"many{i}", objects, batch, 8))  # type: ignore[misc]
            )
            rows["read back"].append(timed(lambda i=i: read_journal(open_workspace(root / f"ours{i}"))))  # type: ignore[misc]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; {records:,} records, {size / 1e6:.1f} MB,")
    print(f"{syncs} syncs, {len(pieces):,} writes; medians of {rounds}")
    base = statistics.median(wall for wall, _ in rows["floor"])
    for label, found in rows.items():
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        speed = f"{records / wall:10,.0f} records/s {wall / base:5.1f}x floor"
        print(f"{label:16} {wall:6.2f} s wall {cpu:6.2f} s cpu {speed}")


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:]))
