"""The story of `gke2eks rollback`: what runs of apply and release made is deleted, what they changed is given back."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from migrate.cluster.eks_facts import EksFacts
from migrate.cluster.port import Target
from migrate.errors import BAD_INPUT, DONE, LOOK, BadInput, Forbidden, Refused
from migrate.flow.allowed import refuse_without
from migrate.flow.around import look_around
from migrate.flow.earlier import forgotten, held_before, known_of
from migrate.flow.fingerprint import who
from migrate.flow.live import may_be_there, read_live
from migrate.flow.opening import PREFLIGHT, ROLLBACK, Who
from migrate.flow.since import knows
from migrate.flow.undoing import Doing, Undoing
from migrate.flow.view import View
from migrate.model.journal import Fingerprint, History, Note, Result, Run
from migrate.model.objects import Body
from migrate.model.ran import Watcher
from migrate.model.ref import Ref
from migrate.model.undone import UndoReport
from migrate.preflight.identity import shown_flavour
from migrate.semantics.more_rights import of, to_make
from migrate.semantics.rollback import CLAIM, Around, Earlier, Fate, Undo, judge
from migrate.semantics.target_rights import Need
from migrate.workspace import hashkey
from migrate.workspace.folder import MARKER, open_workspace
from migrate.workspace.journal import Journal, Start, open_journal, read_journal


@dataclass(slots=True)
class Ready:
    """Everything was looked at, nothing was written to the target. To be closed, or used in a `with`.

    `undos` say what becomes of each object, `runs` are those that are taken back, the oldest first. `before` is the
    last run before them that changed something which is not taken back yet.
    """

    target: Who
    runs: tuple[Run, ...]
    undos: tuple[Undo, ...]
    before: Run | None
    _doing: Doing
    _forget: tuple[Note | Result, ...] = ()
    _begun: bool = field(default=False, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, sort: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self._doing.journal.close(BAD_INPUT if not self._begun and sort is None else None)

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """The runs as (time, command)."""
        return tuple((one.header.at, one.header.command) for one in self.runs)

    @property
    def earlier(self) -> tuple[str, str, str] | None:
        """The run before these, as (id, time, command)."""
        head = self.before.header if self.before else None
        return (head.run, head.at, head.command) if head else None

    @property
    def deletes(self) -> tuple[Undo, ...]:
        return self._of(Fate.DELETE)

    @property
    def restores(self) -> tuple[Undo, ...]:
        return self._of(Fate.RESTORE)

    @property
    def brings_back(self) -> tuple[Undo, ...]:
        return self._of(Fate.BRING_BACK)

    @property
    def keeps(self) -> tuple[Undo, ...]:
        return self._of(Fate.KEEP)

    def _of(self, fate: Fate) -> tuple[Undo, ...]:
        return tuple(one for one in self.undos if one.fate is fate)

    @property
    def objects(self) -> int:
        """How many this run deletes, restores or brings back."""
        return sum(one.fate is not Fate.KEEP for one in self.undos)

    def run(self, *, patience: float, watcher: Watcher, stop: threading.Event) -> UndoReport:
        """Carry it out. `patience`: seconds that what was deleted may take to be gone, for each wave.

        Raises what ended the run before anything was sent.
        """
        self._begun = True
        _write(self._doing.journal, self._forget)
        undoing = Undoing(self._doing, self.undos, patience, watcher, stop)
        return undoing.run(self.target.name, [run.header.at for run in self.runs])


def prepare(
    target: Target,
    workspace: Path,
    *,
    facts: EksFacts | None = None,
    run: str = "",
    everything: bool = False,
    data: Collection[tuple[str, str]] = (),
    age_identities: Sequence[Path] = (),
    hash_key_file: Path | None = None,
) -> Ready:
    """Look at everything that a rollback needs. `run` is the id, or the beginning of one, of the first run to be taken
    back; without it that is the last, with those that it went on from. Raises BadInput, BadWorkspace, Refused."""
    if not (workspace / MARKER).is_file():
        raise BadInput(f"{workspace} is no workspace of gke2eks", "name the one that was applied with -w.")
    ws = open_workspace(workspace)
    past = read_journal(ws)
    first = _first(past, run, everything, workspace)
    view = View(target)
    cluster = who(view)
    if not cluster:
        raise Refused(
            f"{target.name} cannot be told from other clusters",
            "ask for the right to list Namespaces: gke2eks access target prints it. Nothing was written.",
        )
    last = past.runs[-1].header
    flavour = (facts.flavour if facts else "") or shown_flavour(view)
    print_of = Fingerprint(cluster, view.minor, last.target.flavour, last.target.served)
    journal = open_journal(ws, Start(ROLLBACK, last.plan, print_of), hashkey.hash_key(hash_key_file, workspace))
    try:
        # Read again under the lock: somebody may have gone on meanwhile.
        past = journal.past
        runs = tuple(one for one in past.runs[first:] if writes(one) and not _idle(one))
        earlier = past.runs[:first]
        refs = sorted({ref for one in runs for ref in _changed(one)})
        live = _live(view, target, refs)
        known = known_of(past, runs, live, ws, age_identities)
        made, changed = known.made, known.changed
        like = {ref: one.like for ref, one in changed.items()}
        live = _as_kept(target, live, changed)
        around = look_around(view, [ref for ref in made if ref in live], live)
        undos = judge(made, changed, live, around, data)
        _refuse_without(target, view, undos, around, data)
        doing = Doing(target, view, journal, made, live, like, frozenset(data), held_before(earlier))
        shown = Who(target.name, facts.account if facts else "", view.minor, flavour, cluster)
        return Ready(
            shown, runs, undos, _before(past, earlier), doing, (*known.heard, *forgotten(past, runs, earlier, live))
        )
    except BaseException:
        journal.close()
        raise


def _before(past: History, earlier: Sequence[Run]) -> Run | None:
    """The last of these that a rollback would still have something to do about."""
    able = [one for one in earlier if writes(one)]
    return next((one for one in reversed(able) if any(knows(past, ref) for ref in _changed(one))), None)


def _changed(run: Run) -> set[Ref]:
    return {*run.made.values(), *run.kept, *run.new, *run.deleted.values()}


def writes(run: Run) -> bool:
    """Tell whether a run is one that can be taken back."""
    return run.header.command not in (PREFLIGHT, ROLLBACK)


def _idle(run: Run) -> bool:
    """Tell whether a run was refused or called off before it sent anything: to a person the one before is the last."""
    return run.exit not in (DONE, LOOK) and not (run.outcomes or _changed(run))


def _refuse_without(
    target: Target, view: View, undos: Sequence[Undo], around: Around, data: Collection[tuple[str, str]]
) -> None:
    """A rollback that could do only a part may leave worse than it found. Raises Forbidden, Refused."""
    deletes = [one.ref for one in undos if one.fate is Fate.DELETE]
    needs = [of("delete", ref) for ref in deletes]
    brought = [one.ref for one in undos if one.fate is Fate.BRING_BACK]
    needs += [of("update", one.ref) for one in undos if one.fate is Fate.RESTORE]
    needs += [need for ref in brought for need in (to_make(ref), of("update", ref))]
    if deletes and CLAIM not in data:
        needs.append(Need("list", *CLAIM))
    refuse_without(target, view, needs, "--rollback", "")
    if deletes and CLAIM not in data and (why := around.unseen.get(CLAIM)):
        # Whose claims would go with it, and their data, nobody could tell.
        raise Refused(
            f"nobody could look which claims hold data ({why})",
            "see why, or get the right to (gke2eks access target prints it). Nothing was written.",
        )


def _first(past: History, run: str, everything: bool, workspace: Path) -> int:
    """The index of the first run to be taken back. Raises BadInput."""
    able = [at for at, one in enumerate(past.runs) if writes(one)]
    if not able:
        raise BadInput(f"nothing was applied from {workspace}", "name the workspace that was applied with -w.")
    if everything:
        return able[0]
    if run:
        found = [at for at in able if past.runs[at].header.run.startswith(run)]
        if len(found) == 1:
            return found[0]
        known = [
            f"{past.runs[at].header.run}  {past.runs[at].header.at}  {past.runs[at].header.command}" for at in able
        ]
        what = "fits more than one run" if found else "is no run in the journal"
        raise BadInput(f"--run {run} {what}", "name one of these. Nothing was written.", known[-10:])
    able = [at for at in able if not _idle(past.runs[at])] or able
    at = able[-1]
    for before in reversed(able[:-1]):
        one, then = past.runs[before], past.runs[at].header
        # One that was killed, and gone on from, is the same work to a person; what was taken back since is not.
        if one.exit in (DONE, LOOK) or (one.header.command, one.header.plan) != (then.command, then.plan):
            break
        if any(between.header.command == ROLLBACK for between in past.runs[before:at]):
            break
        at = before
    return at


def _live(view: View, target: Target, refs: Sequence[Ref]) -> dict[Ref, Body]:
    """What is there of them."""
    try:
        return dict(read_live(view, target, may_be_there(view, refs)))
    except Forbidden as no:
        raise _unreadable(no) from None


def _as_kept(target: Target, live: Mapping[Ref, Body], changed: Mapping[Ref, Earlier]) -> dict[Ref, Body]:
    """The same, each in the version that was kept of it."""
    found = dict(live)
    try:
        for ref, one in changed.items():
            version = str(one.body.get("apiVersion") or "")
            if ref in live and version and version != live[ref].get("apiVersion"):
                found[ref] = target.get(ref, version) or live[ref]
    except Forbidden as no:
        raise _unreadable(no) from None
    return found


def _unreadable(no: Forbidden) -> Forbidden:
    fix = "have an admin grant it (gke2eks access target --rollback prints it). Nothing was written."
    return Forbidden(no.what, fix)


def _write(journal: Journal, records: Sequence[Note | Result]) -> None:
    journal.note([one for one in records if isinstance(one, Note)])
    journal.record([one for one in records if isinstance(one, Result)])
