"""Every kind of a live cluster, listed in a few threads; what cannot be read is a result, and said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from migrate.cluster.port import Source
from migrate.errors import BadInput, Expired, Forbidden, NotLoggedIn, Refused, Unreachable
from migrate.flow.lists import Listed, list_kind
from migrate.flow.threads import in_threads
from migrate.model.listing import Kind, Listing, Outcome
from migrate.model.objects import LeftOut, Object, Snapshot
from migrate.model.ref import Ref
from migrate.reading import LiveList, Redactor

_THREADS = 4  # more gain nothing: parsing holds the interpreter
_PATIENCE = 6  # kinds in a row that found no server


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading of a cluster is. `seconds` is since its start."""

    kinds: int
    of_kinds: int
    objects: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Read:
    """What came of asking for one kind. `trouble` is the refusal, if there was one."""

    listing: Listing
    listed: Listed | None = None
    trouble: Refused | None = None

    @property
    def found(self) -> LiveList | None:
        """The objects, None when it was not listed."""
        return self.listed.found if self.listed else None


def read_all(
    source: Source,
    kinds: Sequence[Kind],
    namespaces: Sequence[str],
    redactor: Redactor,
    progress: Callable[[Progress], None],
) -> list[Read]:
    """List the kinds in a few threads. Raises Refused when the server is gone or does not know us."""
    start, seen = time.monotonic(), _Seen()

    def work(kind: Kind, over: threading.Event) -> Read:
        return _read(source, kind, namespaces, redactor, seen, over)

    def tick(reads: list[Read]) -> None:
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
) -> Read:
    """List one kind; a refusal is a result, except of our credentials."""
    if not kind.plural:
        return Read(Listing(kind, Outcome.FAILED, why="the server behind this API did not say which kinds it has"))
    try:
        listed = list_kind(source, kind, namespaces, redactor, over, seen=seen)
    except NotLoggedIn:
        raise
    except Expired:
        return Read(Listing(kind, Outcome.FAILED, why="its list expired again and again while it was read"))
    except Forbidden as no:
        return Read(Listing(kind, Outcome.FORBIDDEN, why=no.what), trouble=no)
    except Refused as bad:
        return Read(Listing(kind, Outcome.FAILED, why=bad.what), trouble=bad)
    version = next(iter(listed.versions.values()), "")
    return Read(Listing(kind, Outcome.LISTED, listed.found.count, resource_version=version), listed)


def refuse_nothing(source: Source, reads: Sequence[Read]) -> None:
    """A reading without a single kind is no result. Raises BadInput, Refused."""
    if reads and not any(one.listing.outcome is Outcome.LISTED for one in reads):
        first = next((one.trouble for one in reads if one.trouble), None)
        what = f"no kind of {source.name} could be read: {first.what if first else 'none was listed'}"
        raise Refused(what, "ask for the rights that gke2eks access source prints, then run this again.")
    if not reads:
        raise BadInput("every kind is left out", "take some --without away.")


def gathered(name: str, now: str, reads: Iterable[Read], left_out: Sequence[Listing]) -> Snapshot:
    """All that was read, as one snapshot: its objects by identity, and what came of each kind."""
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
