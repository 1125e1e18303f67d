"""`apply --prune`: what we made and what left the plan is deleted, after all else went well, the last wave first."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from migrate.cluster.outcome import Deleted, Reason, Rejected, Unknown
from migrate.errors import Error, NotLoggedIn, Refused, Unreachable
from migrate.flow.alike import uid, version
from migrate.flow.keeping import Keep, NotKept
from migrate.flow.opening import Opened
from migrate.flow.refusals import fix_of, why_of
from migrate.flow.since import still_needed
from migrate.flow.threads import in_threads
from migrate.manifest.places import get
from migrate.manifest.waves import WAVES, wave_of
from migrate.model.journal import Action, Intent, Note, Outcome, Said
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ran import Ran, Watcher, WaveDone
from migrate.model.ref import Ref
from migrate.model.since import Left, Since
from migrate.semantics.going import Going
from migrate.semantics.since import writers

_THREADS = 4
_TRIES, _BETWEEN = 4, 0.25
_BAD = frozenset({Outcome.FAILED, Outcome.SKIPPED})


@dataclass(slots=True)
class Pruned:
    """What came of it. `since` says why what is left was kept; `trouble` ended it early."""

    since: Since
    results: list[Ran] = field(default_factory=list)
    writes: int = 0
    trouble: Error | None = None


def prune(
    opened: Opened,
    goes: Going,
    since: Since,
    results: Iterable[Ran],
    *,
    patience: float,
    watcher: Watcher,
    stop: threading.Event,
    keep: Keep,
) -> Pruned:
    """Delete what left the plan, unless something of this run is not as it should be: that may still need it.

    `patience`: seconds that what was deleted may take to be gone, for each wave.
    """
    bad = sum(one.action in _BAD for one in results)
    if bad:
        why = f"{bad} object{'s' if bad > 1 else ''} failed or {'were' if bad > 1 else 'was'} skipped, and may need it"
        return Pruned(_kept(since, {one.ref: why for one in since.prunable}))
    return _Pruning(opened, patience, watcher, stop, keep).run(goes, since)


class _Pruning:
    def __init__(self, opened: Opened, patience: float, watcher: Watcher, stop: threading.Event, keep: Keep) -> None:
        self._opened, self._patience, self._watcher, self._stop = opened, patience, watcher, stop
        self._keep = keep
        self._lock = threading.Lock()
        self._writes = 0
        self._results: dict[Ref, Ran] = {}
        self._why: dict[Ref, str] = {}

    def run(self, goes: Going, since: Since) -> Pruned:
        trouble: Error | None = None
        try:
            left = still_needed(self._opened, goes, since.prunable)
            self._why |= {one.ref: one.why_kept for one in left if one.why_kept}
            todo = [one for one in left if not one.why_kept]
            for wave in sorted({wave_of(one.ref) for one in todo}, reverse=True):
                if self._stop.is_set() or not self._wave(wave, [one for one in todo if wave_of(one.ref) == wave]):
                    break
        except Error as bad:
            trouble = bad
        found = sorted(self._results.values(), key=lambda one: (-one.wave, one.ref))
        done = {one.ref for one in found if one.action is Outcome.DELETED}
        # What should have gone before them has not: they may be what it needs.
        late = {one.ref: "what goes before it is not gone yet, and may need it" for one in since.prunable}
        self._why = {ref: why for ref, why in (late | self._why).items() if ref not in done}
        self._why |= {one.ref: one.message for one in found if one.action is Outcome.FAILED}
        rest = replace(since, left=tuple(one for one in since.left if one.ref not in done))
        return Pruned(_kept(rest, self._why), found, self._writes, trouble)

    def _wave(self, wave: int, todo: Sequence[Left]) -> bool:
        """Delete them and wait until they are gone; tell whether what comes next may go: it may be what they need."""
        began = time.monotonic()
        in_threads(todo, self._one, _THREADS)
        gone = self._gone([one for one in todo if one.ref in self._results])
        counts = Counter(self._results[one.ref].action for one in todo if one.ref in self._results)
        self._watcher.wave_done(WaveDone(wave, WAVES[wave].title, dict(counts), time.monotonic() - began))
        return gone and not counts[Outcome.FAILED]

    def _one(self, one: Left, over: threading.Event) -> None:
        if self._stop.is_set() or over.is_set():
            return
        try:
            found = self._deleted(one)
        except (NotLoggedIn, Unreachable):
            raise
        except Refused as no:
            found = self._failed(one.ref, no.what, no.next)
        if found is not None:
            self._results[one.ref] = found

    def _deleted(self, one: Left) -> Ran | None:
        target, journal, why = self._opened.target, self._opened.journal, ""
        for _ in range(_TRIES):
            live = target.get(one.ref)
            if live is None or uid(live) != one.uid or _ends(live):
                return Ran(one.ref, Outcome.DELETED, wave_of(one.ref))
            if who := writers(live):
                self._why[one.ref] = f"{', '.join(who)} wrote to it since"
                return None
            before = self._keep(one.ref, live, deleting=True)
            if isinstance(before, NotKept):
                self._why[one.ref] = before.why
                return None
            journal.intend([Intent(one.ref, Action.DELETE, "", one.uid, before)])
            answer = target.delete(one.ref, version(live), one.uid)
            if not isinstance(answer, Rejected):
                with self._lock:
                    self._writes += 1
            if isinstance(answer, Deleted) or (isinstance(answer, Rejected) and answer.reason is Reason.ABSENT):
                return Ran(one.ref, Outcome.DELETED, wave_of(one.ref))
            if isinstance(answer, Rejected) and answer.reason is not Reason.CHANGED:
                return self._failed(one.ref, why_of(answer), fix_of(answer))
            why = answer.why if isinstance(answer, Unknown) else "others wrote to it again and again"
            time.sleep(_BETWEEN)
        return self._failed(one.ref, why, "run the same command again.")

    def _gone(self, todo: Sequence[Left]) -> bool:
        end, journal = time.monotonic() + self._patience, self._opened.journal
        waiting = [one for one in todo if self._results[one.ref].action is Outcome.DELETED]
        while waiting:
            still = []
            for one in waiting:
                live = self._opened.target.get(one.ref)
                if live is not None and uid(live) == one.uid:
                    still.append((one, live))
                else:
                    journal.note([Note(one.ref, Said.UNDONE)])
            if still and (time.monotonic() > end or self._stop.is_set()):
                for one, live in still:
                    why, fix = _held_by(live), "see who lets it go, then run the same command again."
                    self._results[one.ref] = self._failed(one.ref, why, fix)
                return False
            waiting = [one for one, _ in still]
            if waiting:
                time.sleep(_BETWEEN)
        return True

    def _failed(self, ref: Ref, why: str, fix: str) -> Ran:
        return Ran(ref, Outcome.FAILED, wave_of(ref), why, fix=fix)


def _kept(since: Since, why: dict[Ref, str]) -> Since:
    return replace(since, left=tuple(replace(one, why_kept=why.get(one.ref, one.why_kept)) for one in since.left))


def _ends(live: Body) -> bool:
    return bool(get(live, P("metadata", "deletionTimestamp")))


def _held_by(live: Body) -> str:
    names = get(live, P("metadata", "finalizers"))
    if isinstance(names, list) and names:
        return f"it is being deleted, and waits for {', '.join(map(str, names))}"
    return "it is being deleted, and is not gone yet"
