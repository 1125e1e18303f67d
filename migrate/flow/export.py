"""The story of `gke2eks export`: every kind of a live cluster is listed, redacted, and kept as a snapshot."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from migrate import catalog
from migrate.cluster.port import Source
from migrate.errors import BadInput, Expired, Forbidden, NotLoggedIn, Refused, Unreachable
from migrate.flow.asking import choose
from migrate.model.listing import Kind, Listing, Outcome
from migrate.model.objects import LeftOut, Object, Snapshot
from migrate.model.ref import Ref
from migrate.reading import LiveList, Redactor, no_garbage_collection
from migrate.workspace import folder, hashkey
from migrate.workspace import snapshot as snapshots

_THREADS = 4  # more gain nothing: parsing holds the interpreter
_PAGE = 500
_RESTARTS = 2  # of a list whose place expired; then all of it is asked for at once
_PATIENCE = 6  # kinds in a row that found no server


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is. `seconds` is since its start."""

    kinds: int
    of_kinds: int
    objects: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Read:
    listing: Listing
    found: LiveList | None = None
    trouble: Refused | None = None


def export(
    source: Source,
    workspace: Path,
    *,
    now: str,
    without: Sequence[str] = (),
    hash_key_file: Path | None = None,
    facts: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Snapshot:
    """Read a ready source into the workspace's snapshot. `now` is the time to remember; `facts` what else is known.

    Nothing is written unless the reading came to its end. Raises BadInput, BadWorkspace, Refused.
    """
    ws = folder.open_workspace(workspace)
    needles = tuple(needle.needle for needle in catalog.needles())
    redactor = Redactor(needles, hashkey.hash_key(hash_key_file, workspace))
    served = source.version().get("gitVersion")
    asked, left_out = choose(source.kinds(), without)
    with no_garbage_collection():
        reads = _read_all(source, asked, redactor, progress)
        _refuse_nothing(source, reads)
        found = _snapshot(source.name, now, reads, left_out)
        found = replace(found, facts={"kubernetes": str(served or ""), **(facts or {})})
        observed = {
            ref: {"ref": str(ref), "keys": keys}
            for one in reads
            if one.found
            for ref, keys in one.found.observed.items()
        }
        snapshots.save(ws, found, observed)
    return found


def _read_all(
    source: Source, kinds: Sequence[Kind], redactor: Redactor, progress: Callable[[Progress], None]
) -> list[_Read]:
    """List the kinds in a few threads. Whatever ends this early ends them, too: they are daemons and own nothing."""
    work: queue.SimpleQueue[Kind] = queue.SimpleQueue()
    for kind in kinds:
        work.put(kind)
    done: queue.SimpleQueue[_Read | BaseException] = queue.SimpleQueue()
    over, start, counts = threading.Event(), time.monotonic(), [0] * _THREADS

    def worker(number: int) -> None:
        try:
            while not over.is_set():
                done.put(_read(source, work.get_nowait(), redactor, counts, number, over))
        except queue.Empty:
            return
        except BaseException as bad:  # judged by the thread that waits for it
            done.put(bad)

    for number in range(_THREADS):
        threading.Thread(target=worker, args=(number,), name=f"export {number}", daemon=True).start()
    reads: list[_Read] = []
    in_vain = 0
    try:
        while len(reads) < len(kinds):
            try:
                one = done.get(timeout=0.25)
            except queue.Empty:
                one = None
            if isinstance(one, BaseException):
                raise one
            if one is not None:
                reads.append(one)
                in_vain = in_vain + 1 if isinstance(one.trouble, Unreachable) else 0
                if in_vain >= _PATIENCE and one.trouble is not None:
                    raise one.trouble
            progress(Progress(len(reads), len(kinds), sum(counts), time.monotonic() - start))
    finally:
        over.set()
    return sorted(reads, key=lambda one: one.listing.kind)


def _read(
    source: Source, kind: Kind, redactor: Redactor, counts: list[int], number: int, over: threading.Event
) -> _Read:
    """List one kind; a refusal is a result, except of our credentials."""
    if not kind.plural:
        return _Read(Listing(kind, Outcome.FAILED, why="the server behind this API did not say which kinds it has"))
    for attempt in range(_RESTARTS + 1):
        found = LiveList(kind, source.name, redactor)
        version = ""
        try:
            for page in source.pages(kind, _PAGE if attempt < _RESTARTS else 0):
                counts[number] += found.add(page)
                version = str(page["metadata"].get("resourceVersion") or "")
                if over.is_set():
                    break
            return _Read(Listing(kind, Outcome.LISTED, found.count, resource_version=version), found)
        except Expired:
            counts[number] -= found.count
        except NotLoggedIn:
            raise
        except Forbidden as no:
            return _Read(Listing(kind, Outcome.FORBIDDEN, why=no.what), trouble=no)
        except Refused as bad:
            counts[number] -= found.count
            return _Read(Listing(kind, Outcome.FAILED, why=bad.what), trouble=bad)
    return _Read(Listing(kind, Outcome.FAILED, why="its list expired again and again while it was read"))


def _refuse_nothing(source: Source, reads: Sequence[_Read]) -> None:
    """A snapshot without a single kind is no result."""
    if reads and not any(one.listing.outcome is Outcome.LISTED for one in reads):
        first = next((one.trouble for one in reads if one.trouble), None)
        what = f"no kind of {source.name} could be read: {first.what if first else 'none was listed'}"
        raise Refused(what, "ask for the rights that gke2eks access source prints, then run this again.")
    if not reads:
        raise BadInput("every kind is left out", "take some --without away.")


def _snapshot(name: str, now: str, reads: Iterable[_Read], left_out: Sequence[Listing]) -> Snapshot:
    objects: dict[Ref, Object] = {}
    unfit: list[LeftOut] = []
    duplicates: list[tuple[Ref, str, str]] = []
    listings = list(left_out)
    for one in reads:
        listings.append(one.listing)
        if one.found is None:
            continue
        unfit += one.found.left_out
        for obj in one.found.objects:
            first = objects.setdefault(obj.ref, obj)
            if first.body != obj.body:
                duplicates.append((obj.ref, first.origin, obj.origin))
    return Snapshot(
        objects=tuple(objects[ref] for ref in sorted(objects)),
        left_out=tuple(sorted(unfit)),
        documents=sum(listing.count for listing in listings),
        name=name,
        read_at=now,
        duplicates=tuple(duplicates),
        listings=tuple(sorted(listings)),
    )
