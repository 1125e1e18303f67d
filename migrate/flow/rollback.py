"""The story of `gke2eks rollback`: what runs of apply and release made is deleted, what they changed is given back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from migrate.cluster.eks_facts import EksFacts
from migrate.cluster.port import Target
from migrate.errors import BAD_INPUT, DONE, LOOK, BadInput, Forbidden, Refused
from migrate.flow.alike import ours_alone, uid
from migrate.flow.allowed import refuse_without
from migrate.flow.around import look_around
from migrate.flow.fingerprint import who
from migrate.flow.live import may_be_there, read_live
from migrate.flow.opening import PREFLIGHT, ROLLBACK, Who
from migrate.flow.undoing import Doing, Undoing
from migrate.flow.view import View
from migrate.model.journal import Fingerprint, History, Note, Outcome, Result, Run, Said
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.model.undone import UndoReport
from migrate.preflight.identity import shown_flavour
from migrate.semantics.more_rights import of
from migrate.semantics.rollback import CLAIM, Around, Earlier, Fate, Undo, judge
from migrate.semantics.target_rights import Need
from migrate.workspace import hashkey
from migrate.workspace.folder import MARKER, Workspace, open_workspace
from migrate.workspace.journal import Journal, Start, open_journal, read_journal
from migrate.workspace.preimages import look


@dataclass(slots=True)
class Ready:
    """Everything was looked at, nothing was written to the target. To be closed, or used in a `with`.

    `undos` say what becomes of each object, `runs` are those that are taken back, the oldest first.
    """

    target: Who
    runs: tuple[Run, ...]
    undos: tuple[Undo, ...]
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
    def deletes(self) -> tuple[Undo, ...]:
        return self._of(Fate.DELETE)

    @property
    def restores(self) -> tuple[Undo, ...]:
        return self._of(Fate.RESTORE)

    @property
    def keeps(self) -> tuple[Undo, ...]:
        return self._of(Fate.KEEP)

    def _of(self, fate: Fate) -> tuple[Undo, ...]:
        return tuple(one for one in self.undos if one.fate is fate)

    @property
    def objects(self) -> int:
        """How many this run deletes or restores."""
        return sum(one.fate is not Fate.KEEP for one in self.undos)

    def run(self, *, patience: float, tell: Callable[[str], None], stop: threading.Event) -> UndoReport:
        """Carry it out. `patience`: seconds that what was deleted may take to be gone, for each wave.

        Raises what ended the run before anything was sent.
        """
        self._begun = True
        _write(self._doing.journal, self._forget)
        return Undoing(self._doing, self.undos, patience, tell, stop).run(
            self.target.name, [run.header.at for run in self.runs]
        )


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
        changed = _changed(ws, runs, age_identities)
        refs = sorted({ref for one in runs for ref in (*one.made.values(), *one.kept, *one.new)})
        live = _live(view, target, refs, changed)
        made = _made(past, runs, live)
        around = look_around(view, [ref for ref in made if ref in live], live)
        undos = judge(made, changed, live, around, data)
        _refuse_without(target, view, undos, around, data)
        doing = Doing(target, view, journal, made, live, frozenset(data), _held_before(earlier))
        shown = Who(target.name, facts.account if facts else "", view.minor, flavour, cluster)
        return Ready(shown, runs, undos, doing, _forgotten(past, runs, earlier, live))
    except BaseException:
        journal.close()
        raise


def writes(run: Run) -> bool:
    """Tell whether a run is one that can be taken back."""
    return run.header.command not in (PREFLIGHT, ROLLBACK)


def _idle(run: Run) -> bool:
    """Tell whether a run was refused or called off before it sent anything: to a person the one before is the last."""
    return run.exit not in (DONE, LOOK) and not (run.outcomes or run.made or run.kept or run.new)


def _refuse_without(
    target: Target, view: View, undos: Sequence[Undo], around: Around, data: Collection[tuple[str, str]]
) -> None:
    """A rollback that could do only a part may leave worse than it found. Raises Forbidden, Refused."""
    deletes = [one.ref for one in undos if one.fate is Fate.DELETE]
    needs = [of("delete", ref) for ref in deletes]
    needs += [of("update", one.ref) for one in undos if one.fate is Fate.RESTORE]
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


def _live(view: View, target: Target, refs: Sequence[Ref], changed: Mapping[Ref, Earlier]) -> dict[Ref, Body]:
    """What is there of them, each in the version that was kept of it."""
    try:
        live = dict(read_live(view, target, may_be_there(view, refs)))
        for ref, one in changed.items():
            version = str(one.body.get("apiVersion") or "")
            if ref in live and version and version != live[ref].get("apiVersion"):
                live[ref] = target.get(ref, version) or live[ref]
    except Forbidden as no:
        fix = "have an admin grant it (gke2eks access target --rollback prints it). Nothing was written."
        raise Forbidden(no.what, fix) from None
    return live


def _made(past: History, runs: Sequence[Run], live: Mapping[Ref, Body]) -> dict[Ref, set[str]]:
    found: dict[Ref, set[str]] = {}
    for run in runs:
        for id, ref in run.made.items():
            found.setdefault(ref, set()).add(id)
    for ref in {ref for run in runs for ref in run.new if past.objects[ref].unknown}:
        # Sent where nothing was, and nobody heard: whoever has only our fields is ours.
        body = live.get(ref)
        if body is not None and any(one.uid == "" for one in past.objects[ref].open.values()) and ours_alone(body):
            found.setdefault(ref, set()).add(uid(body))
    return found


def _changed(ws: Workspace, runs: Sequence[Run], keys: Sequence[Path]) -> dict[Ref, Earlier]:
    found: dict[Ref, Earlier] = {}
    for run in runs:
        for ref, name in run.kept.items():
            if ref in found:  # the first shows what was there before all of them
                continue
            if not name:
                found[ref] = Earlier(why="nothing was kept of it before it was changed", fix="put it right by hand.")
                continue
            one = look(ws, name, ref, keys)
            found[ref] = Earlier(one.body, one.uid, one.why, one.fix)
    return found


def _held_before(earlier: Sequence[Run]) -> frozenset[Ref]:
    """What was held when the first of the runs began: taken back means held again."""
    last: dict[Ref, Outcome] = {}
    for run in earlier:
        last |= run.outcomes
    return frozenset(ref for ref, outcome in last.items() if outcome is Outcome.HELD)


def _forgotten(
    past: History, runs: Sequence[Run], earlier: Sequence[Run], live: Mapping[Ref, Body]
) -> tuple[Note | Result, ...]:
    """What to write of objects that are no longer there: what was known of them must not guide a later apply."""
    before, held = {ref for run in earlier for ref in run.outcomes}, _held_before(earlier)
    found: list[Note | Result] = []
    for ref in sorted({ref for run in runs for ref in (*run.made.values(), *run.outcomes)}):
        known = past.objects.get(ref)
        if known is None or ref in live or not (known.uid or known.held or known.released):
            continue
        if known.uid or ref not in before:
            found.append(Note(ref, Said.UNDONE))
            found += [Result(ref, Outcome.HELD)] if ref in held else []
    return tuple(found)


def _write(journal: Journal, records: Sequence[Note | Result]) -> None:
    journal.note([one for one in records if isinstance(one, Note)])
    journal.record([one for one in records if isinstance(one, Result)])
