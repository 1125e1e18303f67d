"""The story of `gke2eks export`: every kind of a live cluster is listed, redacted, and kept as a snapshot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from migrate import catalog
from migrate.cluster.port import Source
from migrate.errors import BadInput, Expired, Forbidden, NotLoggedIn, Refused, Unreachable
from migrate.flow.asking import choose, namespaces
from migrate.flow.lists import Listed, list_kind
from migrate.flow.meanwhile import look_again
from migrate.flow.secret_keeping import Keeping
from migrate.flow.threads import in_threads
from migrate.model.listing import Kind, Listing, Outcome
from migrate.model.objects import LeftOut, Object, Snapshot
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection
from migrate.reading import LiveList, Redactor, no_garbage_collection
from migrate.workspace import folder, hashkey, secret_file
from migrate.workspace import snapshot as snapshots

_THREADS = 4  # more gain nothing: parsing holds the interpreter
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
    listed: Listed | None = None
    trouble: Refused | None = None

    @property
    def found(self) -> LiveList | None:
        return self.listed.found if self.listed else None


def export(
    source: Source,
    workspace: Path,
    *,
    now: str,
    without: Sequence[str] = (),
    hash_key_file: Path | None = None,
    facts: Mapping[str, Any] | None = None,
    select: Selection = EVERYTHING,
    age_recipients: Sequence[str] = (),
    progress: Callable[[Progress], None] = lambda _: None,
) -> Snapshot:
    """Read a ready source into the workspace's snapshot. `now` is the time to remember; `facts` what else is known.

    With namespaces in `select` only these are listed; the rest of it is remembered for the plan, because what is needed
    along must be there. Nothing is written unless the reading came to its end. With `age_recipients` the values of
    Secrets are kept beside the snapshot, for them alone; without, such a file of an older snapshot goes. Raises
    BadInput, BadWorkspace, Refused.
    """
    to = secret_file.recipients(age_recipients)
    ws = folder.open_workspace(workspace)
    keeping = Keeping(source) if to else None
    needles = tuple(needle.needle for needle in catalog.needles())
    redactor = Redactor(needles, hashkey.hash_key(hash_key_file, workspace))
    served = source.version().get("gitVersion")
    asked, left_out = choose(source.kinds(), without)
    spaces = namespaces(source, select.namespaces)
    with no_garbage_collection():
        reads = _read_all(keeping or source, asked, spaces, redactor, progress)
        _refuse_nothing(source, reads)
        reads = _looked_again(source, reads, redactor)
        found = _snapshot(source.name, now, reads, left_out)
        found = replace(found, facts={"kubernetes": str(served or ""), **(facts or {})}, select=select)
        observed = {
            ref: {"ref": str(ref), "keys": keys}
            for one in reads
            if one.found
            for ref, keys in one.found.observed.items()
        }
        digest = snapshots.save(ws, found, observed)
        if keeping:
            values = keeping.of(obj.ref for obj in found.objects)
            secret_file.seal(ws, digest, now, values, to)
        else:
            secret_file.remove(ws)
    return found


def _read_all(
    source: Source,
    kinds: Sequence[Kind],
    namespaces: Sequence[str],
    redactor: Redactor,
    progress: Callable[[Progress], None],
) -> list[_Read]:
    """List the kinds in a few threads. Raises Refused when the server is gone or does not know us."""
    start, seen = time.monotonic(), _Seen()

    def work(kind: Kind, over: threading.Event) -> _Read:
        return _read(source, kind, namespaces, redactor, seen, over)

    def tick(reads: list[_Read]) -> None:
        last = reads[-_PATIENCE:]
        if len(last) == _PATIENCE and all(isinstance(one.trouble, Unreachable) for one in last) and last[-1].trouble:
            raise last[-1].trouble
        progress(Progress(len(reads), len(kinds), seen.count, time.monotonic() - start))

    return sorted(in_threads(kinds, work, _THREADS, tick), key=lambda one: one.listing.kind)


class _Seen:
    """How many objects came so far, over all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def __call__(self, more: int) -> None:
        with self._lock:
            self.count += more


def _read(
    source: Source, kind: Kind, namespaces: Sequence[str], redactor: Redactor, seen: _Seen, over: threading.Event
) -> _Read:
    """List one kind; a refusal is a result, except of our credentials."""
    if not kind.plural:
        return _Read(Listing(kind, Outcome.FAILED, why="the server behind this API did not say which kinds it has"))
    try:
        listed = list_kind(source, kind, namespaces, redactor, over, seen=seen)
    except NotLoggedIn:
        raise
    except Expired:
        return _Read(Listing(kind, Outcome.FAILED, why="its list expired again and again while it was read"))
    except Forbidden as no:
        return _Read(Listing(kind, Outcome.FORBIDDEN, why=no.what), trouble=no)
    except Refused as bad:
        return _Read(Listing(kind, Outcome.FAILED, why=bad.what), trouble=bad)
    version = next(iter(listed.versions.values()), "")
    return _Read(Listing(kind, Outcome.LISTED, listed.found.count, resource_version=version), listed)


def _looked_again(source: Source, reads: Sequence[_Read], redactor: Redactor) -> list[_Read]:
    """Add to each kind what happened to it while the others were read."""
    seen = look_again(source, [(one.listing.kind, one.listed) for one in reads if one.listed], redactor)
    nothing: tuple[tuple[str, ...], str] = ((), "")
    found = []
    for one in reads:
        changed, unseen = seen.get(one.listing.kind, nothing)
        found.append(replace(one, listing=replace(one.listing, changed=changed, unseen=unseen)))
    return found


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
