"""A rollback at work: waves backwards, what was deleted gone before the next begins, Namespaces only when empty."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from migrate.cluster.outcome import Deleted, Reason, Rejected, Unknown
from migrate.cluster.port import Target
from migrate.errors import DONE, INTERRUPTED, LOOK, STOPPED, Error, NotLoggedIn, Refused, Unreachable, worst
from migrate.flow.alike import uid, version
from migrate.flow.around import look_around
from migrate.flow.bringing import Bringing
from migrate.flow.refusals import fix_of, why_of
from migrate.flow.restoring import AGAIN, BETWEEN, TRIES, Restoring
from migrate.flow.sight import Sight
from migrate.flow.threads import in_threads
from migrate.flow.view import View
from migrate.manifest.places import get
from migrate.manifest.waves import wave_of
from migrate.model.journal import Action, Intent, Note, Outcome, Result, Said
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ran import Watcher
from migrate.model.ref import Ref
from migrate.model.undone import Taken, Undone, UndoReport
from migrate.semantics.rollback import DEFINITION, NAMESPACE, Fate, Undo, left_in, stays, unseen_in
from migrate.workspace.journal import Journal

_THREADS = 4
_EMPTY = 30.0  # seconds in which what Kubernetes itself removes may go from a Namespace


@dataclass(frozen=True, slots=True)
class Doing:
    """What a rollback works with. `held` was held before the runs that are taken back.

    `made` and `like` are UIDs: of what these runs made, and of what was brought back already.
    """

    target: Target
    view: View
    journal: Journal
    made: Mapping[Ref, Collection[str]]
    live: Mapping[Ref, Body]
    like: Mapping[Ref, Collection[str]]
    data: frozenset[tuple[str, str]]
    held: frozenset[Ref]


class Undoing:
    """One rollback."""

    def __init__(
        self, doing: Doing, undos: Sequence[Undo], patience: float, watcher: Watcher, stop: threading.Event
    ) -> None:
        self._doing, self._undos, self._patience, self._stop = doing, undos, patience, stop
        self._results: dict[Ref, Undone] = {}
        self._sight = Sight(watcher, stop)
        self._writes = 0
        self._lock = threading.Lock()
        self._restoring = Restoring(doing.target, doing.journal, self._count)
        self._bringing = Bringing(
            doing.target,
            doing.journal,
            doing.made,
            doing.like,
            self._restoring,
            self._sight.waits,
            stop.is_set,
            patience,
        )

    def run(self, target: str, runs: Sequence[str]) -> UndoReport:
        """Do it, to the end or until it must stop. Raises what ended it before anything was sent."""
        began = time.monotonic()
        trouble: Error | None = None
        stopped = ""
        for one in self._undos:
            if one.fate is Fate.KEEP:
                self._results[one.ref] = Undone(one.ref, Taken.KEPT, one.why, one.fix)
        todo = [one for one in self._undos if one.fate is not Fate.KEEP]
        # What went last comes back first: --prune deletes in the end, and what is restored may need it.
        first = [one for one in todo if one.fate is Fate.BRING_BACK and one.ref not in self._doing.live]
        then = [one for one in todo if one not in first]
        try:
            for some, backwards in ((first, False), (then, True)):
                for wave in sorted({wave_of(one.ref) for one in some}, reverse=backwards):
                    stopped = stopped or self._wave(wave, [one for one in some if wave_of(one.ref) == wave])
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
        behind = sum(one.ref not in self._results for one in self._undos) - len(todo)
        self._sight.wave(wave, len(todo), behind)
        last = [one for one in todo if one.fate is not Fate.RESTORE and _kind(one.ref) in (DEFINITION, NAMESPACE)]
        self._all([one for one in todo if one not in last])
        for kind in (DEFINITION, NAMESPACE):
            self._all(self._empty([one for one in last if _kind(one.ref) == kind]))
        late = self._bringing.stuck + self._gone([one.ref for one in todo if one.fate is Fate.DELETE])
        counts = Counter(self._results[one.ref].action for one in todo if one.ref in self._results)
        self._sight.done(counts)
        if self._stop.is_set():
            return "Ctrl-C"
        if late:
            # Who lets go of them may be in a wave that comes later: it must not go before.
            return f"{late[0]} is not gone yet, and what comes next may be what it needs"
        return ""

    def _all(self, todo: Sequence[Undo]) -> None:
        in_threads(todo, self._one, _THREADS, tick=lambda _: self._sight.look())

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
            for ref, left in others.items():
                self._sight.waits(ref, f"{left[0]} in it to go" if left else "")
            self._sight.look()
            time.sleep(BETWEEN)
        for ref in refs:
            self._sight.waits(ref, "")
            why = f"nobody could look what is in it ({unseen[ref]})" if unseen[ref] else ""
            if why or others[ref]:
                fix = "delete it by hand when that is gone."
                self._results[ref] = Undone(ref, Taken.KEPT, why or stays(others[ref]), fix)
        return [one for one in todo if one.ref not in self._results]

    def _one(self, one: Undo, over: threading.Event) -> None:
        if self._stop.is_set() or over.is_set():
            return
        with self._sight.at_work():
            try:
                found = self._done(one)
            except (NotLoggedIn, Unreachable):
                raise
            except Refused as no:
                found = Undone(one.ref, Taken.FAILED, no.what, no.next)
        if found is None:
            return
        if found.action is Taken.FAILED:
            self._doing.journal.record([Result(one.ref, Outcome.FAILED)])
        elif found.action is Taken.RESTORED:
            self._undone(one.ref)
        self._results[one.ref] = found
        self._sight.answered(found)

    def _done(self, one: Undo) -> Undone | None:
        if one.fate is Fate.BRING_BACK:
            return self._bringing.bring_back(one)
        if one.before is not None:
            return self._restoring.restore(one.ref, one.before)
        return replace(found, message=one.why) if (found := self._delete(one.ref)).action is Taken.DELETED else found

    def _delete(self, ref: Ref) -> Undone:
        target, why = self._doing.target, ""
        for _ in range(TRIES):
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
            time.sleep(BETWEEN)
        return Undone(ref, Taken.FAILED, why, AGAIN)

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
                    self._sight.waits(ref, _lets_go(live))
                else:
                    self._sight.waits(ref, "")
                    self._undone(ref)
                self._sight.look()
            waiting = list(still)
            if waiting and (time.monotonic() > end or self._stop.is_set()):
                for ref, live in still.items():
                    self._sight.waits(ref, "")
                    self._results[ref] = Undone(ref, Taken.FAILED, _held_by(live), f"see who lets it go, then {AGAIN}")
                    self._sight.failed(self._results[ref])
                return waiting
            if waiting:
                time.sleep(BETWEEN)
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


def _lets_go(live: Body) -> str:
    """Completes 'waits for …'."""
    names = get(live, P("metadata", "finalizers"))
    held = isinstance(names, list) and names
    return f"{', '.join(map(str, names))} to let it go" if held else "the server to take it away"


def _kind(ref: Ref) -> tuple[str, str]:
    return ref.group, ref.kind
