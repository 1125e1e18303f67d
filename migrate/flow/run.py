"""The loop of a run: objects are sent in order by a few threads, looked after until they are ready, and counted."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from migrate.errors import Error
from migrate.flow.crew import THREADS, Crew
from migrate.flow.noting import Sent
from migrate.flow.order import Order
from migrate.flow.waits import Came, Waits
from migrate.manifest.waves import WAVES, wave_of
from migrate.model.journal import Outcome
from migrate.model.ran import At, Ran, Settling, Watcher, WaveDone
from migrate.model.ref import Ref

_TICK, _BREATH = 0.1, 0.01
_LOOKS = (0.2, 0.5, 1.0, 2.0)  # seconds between looks: readiness comes soon, or takes long
# Namespaces, definitions and classes: what lives in them, or names them, needs them to be there and no more.
_COMMON = 1
_DEFINITION = "CustomResourceDefinition"
_GOOD = frozenset({Outcome.CREATED, Outcome.CONFIGURED, Outcome.UNCHANGED, Outcome.HELD})


class Wait(StrEnum):
    """How long a run waits. `waves`: only where something else waits for it; `none`: only for definitions."""

    NONE = "none"
    WAVES = "waves"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Ended:
    """What a loop came to. `trouble` is what ended it early; `untried` were not sent."""

    results: tuple[Ran, ...]
    settling: tuple[Settling, ...]
    untried: tuple[Ref, ...]
    trouble: Error | None


@dataclass(slots=True)
class _Wave:
    began: float
    of: int
    counts: dict[Outcome, int] = field(default_factory=dict)
    answered: int = 0
    said: bool = False


def _nothing(refs: Sequence[Ref]) -> None:
    pass


class Loop:
    """One run. `send` is called by threads, one object at a time each; the watcher by the caller's thread only.

    `ahead` is called with a few objects before one thread sends them, one after the other.
    """

    def __init__(
        self,
        order: Order,
        send: Callable[[Ref], Sent],
        waits: Waits,
        watcher: Watcher,
        stop: threading.Event,
        *,
        wait: Wait = Wait.ALL,
        ahead: Callable[[Sequence[Ref]], None] = _nothing,
    ) -> None:
        self._ahead = ahead
        self._order, self._send, self._waits, self._watcher, self._stop = order, send, waits, watcher, stop
        self._wait = wait
        self._results: dict[Ref, Ran] = {}
        self._early: dict[Ref, Came] = {}  # seen by a look before the thread that sent it could say so
        self._waves: dict[int, _Wave] = {}
        self._crew = Crew(self._ready, self._carry, self._failed)
        self._done: queue.SimpleQueue[_Done | _Looked | _Raised] = queue.SimpleQueue()
        self._flying = 0
        self._looking = False
        self._looks = 0
        self._next_look = self._next_tell = 0.0
        self._trouble: Error | None = None
        self._untried: set[Ref] = set()  # given out, and not sent: the run stops, or its fate is unknown
        self._told = False

    def run(self, sizes: Mapping[int, int]) -> Ended:
        """Run to the end. `sizes`: {wave: how many objects of it}. A second Ctrl-C comes through as it is."""
        now = time.monotonic()
        self._waves = {wave: _Wave(now, size) for wave, size in sorted(sizes.items())}
        self._crew.start()
        try:
            while not self._ended():
                self._give()
                self._take()
                self._tell()
        finally:
            self._crew.dismiss()
        settled = self._waits.open()
        results = tuple(self._results[ref] for ref in sorted(self._results, key=lambda ref: (wave_of(ref), ref)))
        return Ended(results, settled, tuple(sorted(self._order.untried | self._untried)), self._trouble)

    def _ended(self) -> bool:
        if self._stopping:
            return not self._flying  # who only looks need not be waited for
        return not self._flying and not self._looking and self._order.over and not self._awaited()

    @property
    def _stopping(self) -> bool:
        return self._stop.is_set() or self._trouble is not None

    def _awaited(self) -> bool:
        """Tell whether somebody has to wait still: the rest of the order, or with `all` the run itself."""
        unready = self._waits.refs(settling=False)
        return bool(unready) if self._wait is Wait.ALL else any(self._order.waited_for(ref) for ref in unready)

    def _give(self) -> None:
        if self._stopping:
            if not self._told and self._stop.is_set():  # what ends by itself asks for no second Ctrl-C
                self._told = True
                self._watcher.stopping(min(self._flying, THREADS))  # the others only lie in the queue
            return
        for ref in self._order.take():
            self._flying += 1
            self._crew.give(ref)
        due = not self._looking and time.monotonic() >= self._next_look and not self._order_busy()
        if due and self._waits.refs():
            self._looking = True
            threading.Thread(target=self._look, name="readiness", daemon=True).start()

    def _order_busy(self) -> bool:
        """While there is much to write, reading again and again would only slow it down."""
        return self._flying > THREADS * 4

    def _take(self) -> None:
        try:
            done = self._done.get(timeout=_TICK)
        except queue.Empty:
            return
        if self._order_busy():  # nobody waits for what comes of it: to wake up for each would cost the senders
            time.sleep(_BREATH)
        while True:
            self._took(done)
            try:
                done = self._done.get_nowait()
            except queue.Empty:
                return

    def _took(self, done: _Done | _Looked | _Raised) -> None:
        if isinstance(done, _Raised):
            self._flying -= 0 if done.looking else 1
            self._looking = self._looking and not done.looking
            if done.ref is not None:
                self._order.answered(done.ref)
                self._untried.add(done.ref)
            if isinstance(done.what, Error):
                self._trouble = self._trouble or done.what
            elif done.what is not None:
                raise done.what
        elif isinstance(done, _Looked):
            self._looking = False
            self._looks = 0 if done.came else self._looks + 1
            self._next_look = time.monotonic() + _LOOKS[min(self._looks, len(_LOOKS) - 1)]
            for one in done.came:
                self._came(one)
        else:
            self._flying -= 1
            self._order.answered(done.ref)
            self._record(done.sent.ran)
            early = self._early.pop(done.ref, None)
            if done.sent.ran.action not in _GOOD:
                if done.sent.ran.conflicts and done.sent.ran.wave <= _COMMON:
                    self._order.opened(done.ref)  # it is there, by somebody else's hand
                else:
                    self._stopped(done.ref)
            elif (came := done.came or early) is not None:
                self._came(came)

    def _came(self, came: Came) -> None:
        if came.ref not in self._results:
            self._early[came.ref] = came
            return
        if not came.why:
            if came.note:
                self._results[came.ref] = replace(self._results[came.ref], message=came.note)
            self._order.opened(came.ref)
            return
        was = self._results[came.ref]
        see = "see what its pods and events say" if came.pods else "see what it says of itself (kubectl describe)"
        fix = f"{see}, mend it, then run the same command again."
        self._count(was, -1)
        self._record(Ran(came.ref, Outcome.FAILED, was.wave, came.why, came.pods, fix), again=True)
        self._stopped(came.ref)

    def _stopped(self, root: Ref) -> None:
        for hit in self._order.stop(root):
            why = f"it waits for {root}, which {_WHAT[self._results[root].action]}"
            self._record(Ran(hit.ref, Outcome.SKIPPED, wave_of(hit.ref), why, fix=f"see {root}."))

    def _record(self, ran: Ran, *, again: bool = False) -> None:
        self._results[ran.ref] = ran
        self._count(ran, 1)
        if not again and (wave := self._waves.get(ran.wave)):
            wave.answered += 1
        if ran.action in (Outcome.FAILED, Outcome.LEFT_OUT):
            self._watcher.failed(ran)

    def _count(self, ran: Ran, by: int) -> None:
        if wave := self._waves.get(ran.wave):
            wave.counts[ran.action] = wave.counts.get(ran.action, 0) + by

    def _tell(self) -> None:
        now = time.monotonic()
        for number, wave in self._waves.items():
            if not wave.said and wave.answered >= wave.of:
                wave.said = True
                self._watcher.wave_done(WaveDone(number, WAVES[number].title, dict(wave.counts), now - wave.began))
                for later, other in self._waves.items():
                    if later > number and not other.answered:
                        other.began = now
        if now < self._next_tell:
            return
        open_ones = [(number, wave) for number, wave in self._waves.items() if not wave.said]
        number, wave = open_ones[0] if open_ones else (max(self._waves, default=0), _Wave(now, 0))
        settling = [replace(one, stops=self._order.waited_for(one.ref)) for one in self._waits.open()]
        took = now - wave.began
        left = took / wave.answered * (wave.of - wave.answered) if wave.answered and took > 2 else None
        title = WAVES[number].title if self._waves else ""
        self._watcher.at(At(number, title, wave.answered, wave.of, left, settling))
        # With thousands that settle this takes a while: nine tenths of the time are for the work.
        self._next_tell = now + max(_TICK, 10 * (time.monotonic() - now))

    def _ready(self, refs: Sequence[Ref]) -> None:
        if not self._stopping:
            self._ahead(refs)

    def _carry(self, ref: Ref) -> None:
        self._done.put(self._one(ref))

    def _failed(self, bad: BaseException, ref: Ref) -> None:
        self._done.put(_Raised(bad, ref))

    def _one(self, ref: Ref) -> _Done | _Raised:
        if self._stopping:
            return _Raised(None, ref)
        try:
            sent = self._send(ref)
            watched = self._wait is not Wait.NONE or ref.kind == _DEFINITION
            good = sent.ran.action in _GOOD and watched
            came = self._waits.add(ref, sent.live) if good and sent.live is not None else Came(ref)
            return _Done(ref, sent, came)
        except BaseException as bad:  # judged by the thread that waits for it
            return _Raised(bad, ref)

    def _look(self) -> None:
        try:
            self._done.put(_Looked(tuple(self._waits.look())))
        except BaseException as bad:
            self._done.put(_Raised(bad, None, looking=True))


_WHAT = {Outcome.FAILED: "failed", Outcome.LEFT_OUT: "is left out"}


@dataclass(frozen=True, slots=True)
class _Done:
    ref: Ref
    sent: Sent
    came: Came | None


@dataclass(frozen=True, slots=True)
class _Looked:
    came: tuple[Came, ...]


@dataclass(frozen=True, slots=True)
class _Raised:
    """`what` None: it was never sent, because the run stops."""

    what: BaseException | None
    ref: Ref | None
    looking: bool = False
