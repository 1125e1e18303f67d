"""The sides of a comparison, read: a live cluster, files, or the stored snapshot. Secret values become keyed hashes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from migrate import catalog
from migrate.cluster.port import Source
from migrate.flow.asking import choose
from migrate.flow.everything import Progress, Read, gathered, read_all, refuse_nothing
from migrate.model.listing import Kind, Outcome
from migrate.model.objects import Body, Snapshot
from migrate.model.ref import Ref
from migrate.model.side import Hashes, Side
from migrate.reading import Redactor, no_garbage_collection
from migrate.reading.objects import read_with
from migrate.reading.redact import FACTS

Versions = Mapping[tuple[str, str], frozenset[str]]
"""(group, kind) → the apiVersions that a plan has it in."""


def redactor(key: bytes) -> Redactor:
    """What takes the values out of all that is read."""
    return Redactor(tuple(needle.needle for needle in catalog.needles()), key, variants=True)


@no_garbage_collection()
def live(
    source: Source,
    redacts: Redactor,
    *,
    now: str,
    versions: Versions,
    only: Collection[tuple[str, str]] = (),
    progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[Side, Snapshot]:
    """Read a cluster, as an export would; what the plan has in another version than the server prefers is read in that.

    `only` these (group, kind), if any are named. `now` is the time to remember. Raises Refused when nothing could be
    read.
    """
    kinds, left_out = choose(source.kinds())
    kinds = [one for one in kinds if not only or (one.group, one.kind) in only]
    asked, more = _in_versions(kinds, versions)
    reads = read_all(source, [*asked, *more], (), redacts, progress)
    refuse_nothing(source, reads)
    if again := _not_served(reads, kinds, more):
        reads = [one for one in reads if one.listing.kind not in again]
        reads += read_all(source, list(again.values()), (), redacts, progress)
    first = [one for one in reads if one.listing.kind not in more]
    snapshot = gathered(source.name, now, first, left_out)
    snapshot = replace(snapshot, facts={"kubernetes": str(source.version().get("gitVersion") or "")})
    other = {
        (obj.ref, str(obj.body.get("apiVersion"))): obj.body
        for one in reads
        if one.listing.kind in more and one.found
        for obj in one.found.objects
    }
    hashes = {ref: keys for one in reads if one.found for ref, keys in one.found.observed.items() if keys}
    found = of(snapshot, hashes, served=frozenset((one.group, one.kind) for one in kinds if one.plural))
    return replace(found, other=other), snapshot


def files(paths: Sequence[str], redacts: Redactor, *, stdin: Callable[[], bytes]) -> Side:
    """Read what somebody saved of a cluster. Raises BadInput."""
    found = read_with(redacts, paths, stdin=stdin)
    by_name = {str(obj.ref): obj.ref for obj in found.snapshot.objects}
    hashes = {by_name[one["ref"]]: one["keys"] for one in found.observed if one["ref"] in by_name}
    return of(replace(found.snapshot, name=", ".join(paths)), hashes)


def of(snapshot: Snapshot, hashes: Mapping[Ref, Hashes], *, served: frozenset[tuple[str, str]] | None = None) -> Side:
    """A snapshot as a side."""
    missing = [one for one in snapshot.listings if one.missing]
    return Side(
        name=snapshot.name,
        objects={obj.ref: _without_facts(obj.body) for obj in snapshot.objects},
        at=snapshot.read_at,
        hashes=hashes,
        unread={(one.kind.group, one.kind.kind): one.why for one in missing},
        wide=frozenset((one.kind.group, one.kind.kind) for one in missing if not one.kind.namespaced),
        served=served,
    )


def versions_of(bodies: Mapping[Ref, Body]) -> Versions:
    """The versions that a plan has each kind in."""
    found: dict[tuple[str, str], set[str]] = {}
    for ref, body in bodies.items():
        found.setdefault((ref.group, ref.kind), set()).add(str(body.get("apiVersion")))
    return {kind: frozenset(versions) for kind, versions in found.items()}


def _in_versions(kinds: Iterable[Kind], versions: Versions) -> tuple[list[Kind], list[Kind]]:
    """Each kind in the version of the plan, and once more for each further one."""
    asked: list[Kind] = []
    more: list[Kind] = []
    for kind in kinds:
        wanted = sorted(versions.get((kind.group, kind.kind), ())) if kind.plural else []
        if not wanted or kind.api_version in wanted:
            asked.append(kind)
            wanted = [one for one in wanted if one != kind.api_version]
        else:
            asked.append(replace(kind, version=wanted.pop(0).rpartition("/")[2]))
        more += [replace(kind, version=one.rpartition("/")[2]) for one in wanted]
    return asked, more


def _not_served(reads: Iterable[Read], kinds: Iterable[Kind], more: Sequence[Kind]) -> Mapping[Kind, Kind]:
    """What failed in the version of the plan, perhaps as the target does not have it → the version that it prefers."""
    prefers = {(one.group, one.kind): one for one in kinds}
    lost = [one.listing.kind for one in reads if one.listing.outcome is Outcome.FAILED]
    found = {one: prefers[one.group, one.kind] for one in lost if one.plural and one not in more}
    return {one: other for one, other in found.items() if one != other}


def _without_facts(body: Body) -> Body:
    """A body as its server has it: what we remember of a Secret stands beside it."""
    return {key: value for key, value in body.items() if key != FACTS} if FACTS in body else body
