"""The story of `gke2eks export`: every kind of a live cluster is listed, redacted, and kept as a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from migrate import catalog
from migrate.cluster.port import Source
from migrate.flow.asking import choose, namespaces
from migrate.flow.everything import Progress, Read, gathered, read_all, refuse_nothing
from migrate.flow.meanwhile import look_again
from migrate.flow.secret_keeping import Keeping
from migrate.model.objects import Snapshot
from migrate.model.selection import EVERYTHING, Selection
from migrate.reading import Redactor, no_garbage_collection
from migrate.workspace import folder, hashkey, secret_file
from migrate.workspace import snapshot as snapshots


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
        reads = read_all(keeping or source, asked, spaces, redactor, progress)
        refuse_nothing(source, reads)
        reads = _looked_again(source, reads, redactor)
        found = gathered(source.name, now, reads, left_out)
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


def _looked_again(source: Source, reads: Sequence[Read], redactor: Redactor) -> list[Read]:
    """Add to each kind what happened to it while the others were read."""
    seen = look_again(source, [(one.listing.kind, one.listed) for one in reads if one.listed], redactor)
    nothing: tuple[tuple[str, ...], str] = ((), "")
    found = []
    for one in reads:
        changed, unseen = seen.get(one.listing.kind, nothing)
        found.append(replace(one, listing=replace(one.listing, changed=changed, unseen=unseen)))
    return found
