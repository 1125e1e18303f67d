"""The story of `gke2eks diff`: both sides are read, and compared by the plan; nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from migrate.cluster.port import Source
from migrate.differ.drift import drift
from migrate.differ.parity import KINDS, around, parity
from migrate.differ.whole import Modulo, compare
from migrate.errors import BadInput
from migrate.flow import sides
from migrate.flow.everything import Progress
from migrate.flow.hashed import Hashed, values_for
from migrate.flow.opening import held_here, held_without_journal, questions
from migrate.flow.reviewed import Reviewed, reviewed
from migrate.flow.selected import refuse_nothing
from migrate.model.comparison import Comparison, Parity
from migrate.model.drift import Drift
from migrate.model.journal import History
from migrate.model.objects import Body, Snapshot
from migrate.model.plan import Plan
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection
from migrate.model.side import Side
from migrate.semantics.going import Going, going
from migrate.semantics.holding_who import held_with
from migrate.semantics.twins_data import held_for_data
from migrate.workspace import hashkey
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal

_ELSEWHERE = (
    "The journal of this workspace tells of another cluster: it is not known what was made and released on this one."
)
_SYSTEM = Ref("", "Namespace", "", "kube-system")


@dataclass(frozen=True, slots=True)
class Given:
    """What a person named: the target live or as files, the source live or as it was exported."""

    target: Source | None = None
    files: Sequence[str] = ()
    source: Source | None = None
    age_identities: Sequence[Path] = ()
    hash_key_file: Path | None = None
    select: Selection = EVERYTHING
    allow_extra: bool = False
    again: tuple[str, ...] = ("gke2eks", "apply")  # the apply that would send one object, up to its --only


@dataclass(frozen=True, slots=True)
class Diffed:
    """What a look came to. `drift` is None when the source was not read again."""

    comparison: Comparison
    plan: Plan
    source: str
    source_at: str
    target: str
    drift: Drift | None
    goes: Going
    there: Side

    @property
    def refs(self) -> tuple[Ref, ...]:
        """Every planned object that was compared."""
        return tuple(self.goes.steps)


Watch = Callable[[str, Progress], None]


def diff(
    given: Given,
    workspace: Path,
    *,
    today: date,
    now: str,
    stdin: Callable[[], bytes],
    watch: Watch = lambda _side, _progress: None,
) -> Diffed:
    """Read both sides and compare them by the plan that was reviewed. `watch` is told which side is read, and how far.

    Raises BadInput, BadWorkspace, Refused.
    """
    agreed = reviewed(workspace, today=today)
    refuse_nothing(agreed.plan, replace(given.select, exclude=()), workspace)  # that may be on the target only
    key = hashkey.hash_key(given.hash_key_file, workspace)
    redacts = sides.redactor(key)
    whole = going(agreed.plan)
    versions = sides.versions_of(whole.bodies)
    source, snapshot = sides.of(agreed.snapshot, agreed.hashes), None
    if given.source is not None:
        source, snapshot = sides.live(
            given.source, redacts, now=now, versions={}, progress=lambda at: watch("source", at)
        )
        _refuse(source, agreed.source_uid, same=True)
    if given.target is not None:
        target, _ = sides.live(
            given.target, redacts, now=now, versions=versions, progress=lambda at: watch("target", at)
        )
        _refuse(target, agreed.source_uid, same=False)
    else:
        target = sides.files(given.files, redacts, stdin=stdin)
    past = read_journal(open_workspace(workspace))
    elsewhere = _of_another_cluster(past, target)
    past = History() if elsewhere else past
    goes = _going(agreed, target, past, given.select)
    values = values_for(tuple(goes.steps.values()), workspace, given.source, given.age_identities)
    secrets = Hashed(source.hashes, target, values, key)
    released = frozenset(ref for ref, known in past.objects.items() if known.released)
    by = Modulo(goes, secrets, released, given.select, given.allow_extra, given.again, frozenset(past.made))
    found = compare(by, source, target)
    notes = (*found.notes, _ELSEWHERE) if elsewhere else found.notes
    found = replace(found, runtime=tuple(parities(goes, source, target)), notes=notes)
    moved = _drift(agreed, snapshot, source) if snapshot else None
    return Diffed(found, agreed.plan, source.name, source.at, target.name, moved, goes, source)


def _drift(agreed: Reviewed, now: Snapshot, source: Side) -> Drift:
    """What changed on the source since the snapshot that was planned."""
    hashes = {"hashes_then": agreed.hashes, "hashes_now": source.hashes}
    return drift(agreed.snapshot, now, agreed.plan, agreed.decided, **hashes)


def parities(goes: Going, source: Side, target: Side) -> Iterator[Parity]:
    """What runs, side by side, of all that goes."""
    here = around(target.objects, unread=target.unread)
    there = around(source.objects, at=source.at, unread=source.unread)
    for ref, body in goes.bodies.items():
        if (ref.group, ref.kind) in KINDS:
            yield from parity(ref, there.of(ref), here.of(ref), planned=body, held=ref in goes.held)


def _going(agreed: Reviewed, target: Side, past: History, select: Selection) -> Going:
    """What the plan sends, and what of it is held: by its mark, by the journal, or because apply would hold it."""
    refs = going(agreed.plan, select=select).steps
    live: Mapping[Ref, Body] = {ref: body for ref in refs if (body := target.body(ref)) is not None}
    more = {
        **held_with(agreed.plan.steps, held_here(past, live)),
        **held_for_data(agreed.plan, questions(agreed)),
    }
    everything = held_without_journal(past, agreed.plan, live)
    return going(agreed.plan, select=select, everything=everything, more_held=more)


def _of_another_cluster(past: History, target: Side) -> bool:
    """Whether the journal tells of another target: what was made and released there says nothing of this one."""
    uid = _uid(target)
    return bool(uid and past.runs) and past.runs[-1].header.target.cluster != uid


def _uid(side: Side) -> str:
    """The UID of kube-system, '' where it was not read."""
    return str(side.objects.get(_SYSTEM, {}).get("metadata", {}).get("uid") or "")


def _refuse(side: Side, exported: str, *, same: bool) -> None:
    """The source must be the cluster that was exported, the target another one. Raises BadInput."""
    uid = _uid(side)
    if not uid or not exported or (uid == exported) is same:
        return
    if same:
        raise BadInput(
            f"{side.name} is not the cluster that was exported",
            "name the one that the snapshot was read from, or export and plan again.",
            [f"its uid is {uid.partition('-')[0]}, that of the exported one {exported.partition('-')[0]}"],
        )
    raise BadInput(
        f"{side.name} is the source itself (uid {uid.partition('-')[0]})",
        "name the cluster that the plan was applied to.",
    )
