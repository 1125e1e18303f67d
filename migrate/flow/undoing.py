"""A rollback at work: waves backwards, what was deleted gone before the next begins, Namespaces only when empty."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from migrate.cluster.outcome import Applied, Deleted, Reason, Rejected, Unknown
from migrate.cluster.port import Target
from migrate.errors import DONE, INTERRUPTED, LOOK, STOPPED, Error, NotLoggedIn, Refused, Unreachable, worst
from migrate.flow.alike import uid, version
from migrate.flow.around import look_around
from migrate.flow.refusals import fix_of, why_of
from migrate.flow.threads import in_threads
from migrate.flow.view import View
from migrate.manifest.places import get
from migrate.manifest.waves import WAVES, wave_of
from migrate.model.journal import Action, Intent, Note, Outcome, Result, Said
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.model.undone import Taken, Undone, UndoReport
from migrate.semantics.preimage import as_wanted, differences, restored, writers_since
from migrate.semantics.rollback import DEFINITION, NAMESPACE, Fate, Undo, left_in, stays, unseen_in
from migrate.workspace.journal import Journal

MANAGER = "gke2eks-rollback"  # owns what an update changed, until the second one gives it back
_THREADS = 4
_TRIES = 6  # times that an object is read again, because somebody was faster or no answer came
_BETWEEN = 0.3
_EMPTY = 30.0  # seconds in which what Kubernetes itself removes may go from a Namespace
_AGAIN = "run the same command again."


@dataclass(frozen=True, slots=True)
class Doing:
    """What a rollback works with. `held` was held before the runs that are taken back."""

    target: Target
    view: View
    journal: Journal
    made: Mapping[Ref, Collection[str]]
    live: Mapping[Ref, Body]
    data: frozenset[tuple[str, str]]
    held: frozenset[Ref]


class Undoing:
    """One rollback."""

    def __init__(
        self, doing: Doing, undos: Sequence[Undo], patience: float, tell: Callable[[str], None], stop: threading.Event
    ) -> None:
        self._doing, self._undos, self._patience, self._tell, self._stop = doing, undos, patience, tell, stop
        self._results: dict[Ref, Undone] = {}
        self._writes = 0
        self._lock = threading.Lock()

    def run(self, target: str, runs: Sequence[str]) -> UndoReport:
        """Do it, to the end or until it must stop. Raises what ended it before anything was sent."""
        began = time.monotonic()
        trouble: Error | None = None
        stopped = ""
        for one in self._undos:
            if one.fate is Fate.KEEP:
                self._results[one.ref] = Undone(one.ref, Taken.KEPT, one.why, one.fix)
        todo = [one for one in self._undos if one.fate is not Fate.KEEP]
        try:
            for wave in sorted({wave_of(one.ref) for one in todo}, reverse=True):
                if stopped := self._wave(wave, [one for one in todo if wave_of(one.ref) == wave]):
                    break
        except Error as bad:
            if not self._writes:
                raise
            trouble, stopped = bad, f"{bad.what}\n{bad.next}"
        if self._stop.is_set():
            stopped = "Ctrl-C"
        results = tuple(self._results[ref] for ref in sorted(self._results, key=lambda ref: (-wave_of(ref), ref)))
        codes = [LOOK if any(one.action in (Taken.KEPT, Taken.FAILED) for one in results) else DONE]
        codes += [STOPPED] if stopped else []
        codes += [INTERRUPTED] if self._stop.is_set() else []
        code = worst(codes)
        if trouble is None:
            self._doing.journal.close(code)
        untried = sum(one.ref not in self._results for one in todo)
        took = time.monotonic() - began
        return UndoReport(target, runs, results, took, code, stopped, untried, self._writes)

    def _wave(self, wave: int, todo: Sequence[Undo]) -> str:
        """One wave; why the rollback must stop after it, or ''."""
        began = time.monotonic()
        last = [one for one in todo if one.fate is Fate.DELETE and _kind(one.ref) in (DEFINITION, NAMESPACE)]
        in_threads([one for one in todo if one not in last], self._one, _THREADS)
        for kind in (DEFINITION, NAMESPACE):
            in_threads(self._empty([one for one in last if _kind(one.ref) == kind]), self._one, _THREADS)
        late = self._gone([one.ref for one in todo if one.fate is Fate.DELETE])
        counts = [self._results[one.ref].action for one in todo if one.ref in self._results]
        said = "   ".join(f"{counts.count(one)} {one.value}" for one in Taken if one in counts)
        self._tell(f"wave {wave + 1}  {WAVES[wave].title}: {said or 'nothing'}, {time.monotonic() - began:.0f} s")
        if self._stop.is_set():
            return "Ctrl-C"
        if late:
            # Who lets go of them may be in a wave that comes later: it must not go before.
            return f"{late[0]} is not gone yet, and what comes next may be what it needs"
        return ""

    def _empty(self, todo: Sequence[Undo]) -> list[Undo]:
        """Those of these Namespaces or definitions in which nothing of others is, now that ours is gone. What
        Kubernetes removes by itself is waited for."""
        refs = [one.ref for one in todo]
        end = time.monotonic() + min(_EMPTY, self._patience)
        while refs:
            self._doing.view.forget()
            around = look_around(self._doing.view, refs, self._doing.live)
            others = {ref: left_in(ref, (), self._doing.live, around, self._doing.data) for ref in refs}
            unseen = {ref: unseen_in(ref, around, self._doing.live) for ref in refs}
            if not any(others.values()) or time.monotonic() > end or self._stop.is_set():
                break
            time.sleep(_BETWEEN)
        for ref in refs:
            why = f"nobody could look what is in it ({unseen[ref]})" if unseen[ref] else ""
            if why or others[ref]:
                fix = "delete it by hand when that is gone."
                self._results[ref] = Undone(ref, Taken.KEPT, why or stays(others[ref]), fix)
        return [one for one in todo if one.ref not in self._results]

    def _one(self, one: Undo, over: threading.Event) -> None:
        if self._stop.is_set() or over.is_set():
            return
        try:
            found = self._restore(one.ref, one.before) if one.before is not None else self._delete(one.ref)
        except (NotLoggedIn, Unreachable):
            raise
        except Refused as no:
            found = Undone(one.ref, Taken.FAILED, no.what, no.next)
        if found.action is Taken.FAILED:
            self._doing.journal.record([Result(one.ref, Outcome.FAILED)])
        elif found.action is Taken.RESTORED:
            self._undone(one.ref)
        self._results[one.ref] = found

    def _delete(self, ref: Ref) -> Undone:
        target, why = self._doing.target, ""
        for _ in range(_TRIES):
            live = target.get(ref)
            if live is None or uid(live) not in self._doing.made[ref] or get(live, P("metadata", "deletionTimestamp")):
                return Undone(ref, Taken.DELETED)
            self._doing.journal.intend([Intent(ref, Action.DELETE, "", uid(live))])
            answer = target.delete(ref, version(live), uid(live))
            self._count(answer)
            if isinstance(answer, Deleted) or (isinstance(answer, Rejected) and answer.reason is Reason.ABSENT):
                return Undone(ref, Taken.DELETED)
            if isinstance(answer, Rejected) and answer.reason is not Reason.CHANGED:
                return Undone(ref, Taken.FAILED, why_of(answer), fix_of(answer))
            why = answer.why if isinstance(answer, Unknown) else "others wrote to it again and again"
            time.sleep(_BETWEEN)
        return Undone(ref, Taken.FAILED, why, _AGAIN)

    def _restore(self, ref: Ref, before: Body) -> Undone:
        target, why, puts = self._doing.target, "", 0
        for _ in range(_TRIES):
            live = target.get(ref, str(before.get("apiVersion") or ""))
            if live is None or uid(live) != get(before, P("metadata", "uid")):
                return Undone(ref, Taken.KEPT, "it is gone, or somebody made it anew")
            if get(live, P("metadata", "deletionTimestamp")):
                return Undone(ref, Taken.KEPT, "it is being deleted")
            if since := writers_since(before, live):
                return Undone(ref, Taken.KEPT, f"{', '.join(since)} wrote to it since", "put it right by hand.")
            wanted = restored(before, live)
            if as_wanted(live, wanted):
                return Undone(ref, Taken.RESTORED)
            if puts >= 2:
                other = differences(live, wanted)
                said = (
                    f"the server makes something else of {', '.join(other)}" if other else "its owners are others now"
                )
                return Undone(ref, Taken.RESTORED, said)
            self._doing.journal.intend([Intent(ref, Action.RESTORE, "", uid(live))])
            answer = target.replace(wanted, manager=MANAGER)
            self._count(answer)
            if isinstance(answer, Applied):
                puts += 1
                continue
            if isinstance(answer, Rejected) and answer.reason is not Reason.CHANGED:
                return Undone(ref, Taken.FAILED, why_of(answer), fix_of(answer))
            why = answer.why if isinstance(answer, Unknown) else "others wrote to it again and again"
            time.sleep(_BETWEEN)
        return Undone(ref, Taken.FAILED, why, _AGAIN)

    def _gone(self, refs: Sequence[Ref]) -> list[Ref]:
        """Wait until what was deleted is gone; give what is not."""
        end = time.monotonic() + self._patience
        waiting = [ref for ref in refs if ref in self._results and self._results[ref].action is Taken.DELETED]
        while waiting:
            still: dict[Ref, Body] = {}
            for ref in waiting:
                live = self._doing.target.get(ref)
                if live is not None and uid(live) in self._doing.made[ref]:
                    still[ref] = live
                else:
                    self._undone(ref)
            waiting = list(still)
            if waiting and (time.monotonic() > end or self._stop.is_set()):
                for ref, live in still.items():
                    self._results[ref] = Undone(ref, Taken.FAILED, _held_by(live), f"see who lets it go, then {_AGAIN}")
                return waiting
            if waiting:
                time.sleep(_BETWEEN)
        return []

    def _undone(self, ref: Ref) -> None:
        self._doing.journal.note([Note(ref, Said.UNDONE)])
        if ref in self._doing.held:
            self._doing.journal.record([Result(ref, Outcome.HELD)])

    def _count(self, answer: object) -> None:
        if not isinstance(answer, Rejected):
            with self._lock:
                self._writes += 1


def _held_by(live: Body) -> str:
    names = get(live, P("metadata", "finalizers"))
    if isinstance(names, list) and names:
        return f"it is being deleted, and waits for {', '.join(map(str, names))}"
    return "it is being deleted, and not gone yet"


def _kind(ref: Ref) -> tuple[str, str]:
    return ref.group, ref.kind
