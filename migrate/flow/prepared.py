"""A run that is ready to begin: what a person is shown before the first write, and how it is then carried out."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from migrate.cluster.port import Source
from migrate.errors import BAD_INPUT, DONE, INTERRUPTED, LOOK, STOPPED, Error, worst
from migrate.flow.keeping import Keep, keep_nothing
from migrate.flow.opening import PREFLIGHT, ROLLBACK, Opened, Who
from migrate.flow.order import Order
from migrate.flow.pruning import Pruned, prune
from migrate.flow.run import Ended, Loop, Wait
from migrate.flow.sending import Fill, Sender
from migrate.flow.waits import Waits
from migrate.manifest.waves import level_of, wave_of
from migrate.model.journal import Known, Note, Outcome, Result, Said
from migrate.model.objects import Object
from migrate.model.plan import Fate
from migrate.model.ran import Ran, Report, Watcher
from migrate.model.ref import Ref
from migrate.model.since import Since
from migrate.semantics.going import Going
from migrate.semantics.holding import may_hold

_BAD = frozenset({Outcome.FAILED, Outcome.SKIPPED, Outcome.LEFT_OUT})


@dataclass(slots=True)
class Prepared:
    """Everything was looked at, nothing was written. To be closed, or used in a `with`.

    `refused` are objects that this run leaves out, with why. `waits` say who must be ready before whom. With
    `prunes` what left the plan (`since`) is deleted in the end.
    """

    command: str
    opened: Opened
    going: Going
    fill: Fill
    refs: tuple[Ref, ...]
    waits: Mapping[Ref, Iterable[Ref]]
    source: Source | None = None
    releases: frozenset[Ref] = frozenset()
    refused: tuple[Ran, ...] = ()
    notes: tuple[str, ...] = ()
    keep: Keep = keep_nothing
    sender: Callable[..., Sender] = Sender
    since: Since | None = None
    prunes: bool = False
    _begun: bool = field(default=False, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, sort: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        # A run that a person called off ended by itself; one that an error ends did not.
        self.opened.journal.close(BAD_INPUT if not self._begun and sort is None else None)

    @property
    def target(self) -> Who:
        return self.opened.who

    @property
    def source_name(self) -> str:
        """What the plan says that it came from; a plan of files says nothing, and then the source that was named."""
        return self.going.plan.source_name or (self.source.name if self.source is not None else "")

    @property
    def digest(self) -> str:
        return self.going.plan.digest

    @property
    def objects(self) -> int:
        """How many this run sends, or looks at."""
        return len(self.refs)

    @property
    def wave_count(self) -> int:
        return len({wave_of(ref) for ref in self.refs})

    @property
    def held(self) -> int:
        """How many arrive inert. What runs already, or was released, is not among them."""
        asked = [ref for ref in self.refs if ref in self.going.held and ref not in self.releases]
        past = self.opened.journal.past.objects
        return sum(may_hold(self.opened.live.get(ref)) for ref in asked if ref not in past or not past[ref].released)

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many stay out, by why."""
        return Counter(one.short for one in self.going.left_out.values())

    @property
    def folded(self) -> int:
        return sum(step.fate is Fate.FOLD for step in self.going.plan.steps)

    @property
    def changes(self) -> tuple[str, ...]:
        """What is not as it was in the run before, each as a sentence without a full stop."""
        return self.opened.changes

    @property
    def resumed(self) -> str:
        """The time of the run before, if it did not come to its end; ''."""
        runs = self.opened.journal.past.runs
        # One that found nothing new to write down came to its end all the same.
        past = [run for run in runs if run.header.command != PREFLIGHT and (run.outcomes or run.exit in (DONE, LOOK))]
        last = past[-1] if past and past[-1].header.command != ROLLBACK else None
        ended = last is None or last.exit in (DONE, LOOK) or last.header.plan != self.opened.journal.header.plan
        return "" if ended or last is None else last.header.at

    def _level(self, ref: Ref) -> int:
        return level_of(Object(ref, self.going.steps[ref].body or {}))

    def run(self, *, wait: Wait, ready_timeout: float, watcher: Watcher, stop: threading.Event) -> Report:
        """Carry it out. Raises what ended the run before anything was sent."""
        self._begun = True
        began, opened, journal = time.monotonic(), self.opened, self.opened.journal
        if self.since is not None:
            journal.note([Note(ref, Said.UNDONE) for ref in self.since.gone])
        sender = self.sender(
            opened.target, self.going, journal, opened.key, opened.live, self.fill, self.releases, self.keep
        )
        loop = Loop(
            Order(self.refs, self.waits, self._level),
            sender.send,
            Waits(opened.target, ready_timeout),
            watcher,
            stop,
            wait=wait,
            ahead=sender.ahead,
        )
        sizes = Counter(wave_of(ref) for ref in self.refs)
        ended = loop.run(sizes)
        if ended.trouble is not None and not sender.writes:
            raise ended.trouble
        left = (*self.refused, *(_left_out(ref, self.going) for ref in self.going.left_out))
        results = (*ended.results, *sorted(left, key=lambda one: (one.wave, one.ref)))
        pruned = Pruned(self.since) if self.since is not None else None
        if self.prunes and self.since and ended.trouble is None and not stop.is_set():
            pruned = prune(
                opened,
                self.going,
                self.since,
                results,
                patience=ready_timeout,
                watcher=watcher,
                stop=stop,
                keep=self.keep,
            )
            results = (*results, *pruned.results)
            ended = replace(ended, trouble=pruned.trouble)
        code = _exit(results, ended, unknown=sender.unknown, stopped=stop.is_set())
        if ended.trouble is None:
            past = journal.past.objects
            said = [one for one in results if one.action in _BAD and one.ref not in sender.told]
            # What is left out in every run is written down once.
            known = [Result(one.ref, one.action) for one in said if one.action is not _outcome(past.get(one.ref))]
            journal.record(known)
            journal.close(code)
        return Report(
            command=self.command,
            target=opened.who.name,
            plan=self.digest,
            results=results,
            settling=ended.settling,
            seconds=time.monotonic() - began,
            exit=code,
            # Also when all was sent: what a person did not wait for may not be ready.
            stopped=_stopped(ended.trouble, stop.is_set()),
            untried=len(ended.untried),
            resumed=self.resumed,
            written=sender.writes + (pruned.writes if pruned else 0),
            refused=tuple(one.ref for one in self.refused),
            since=pruned.since if pruned else None,
        )


def _outcome(known: Known | None) -> Outcome | None:
    return known.outcome if known else None


def _left_out(ref: Ref, going: Going) -> Ran:
    why = going.left_out[ref]
    return Ran(ref, Outcome.LEFT_OUT, wave_of(ref), why.why, fix=why.fix)


def _exit(results: Iterable[Ran], ended: Ended, *, unknown: bool, stopped: bool) -> int:
    codes = [LOOK if any(one.action in _BAD for one in results) else DONE]
    if ended.trouble is not None or unknown:
        codes.append(STOPPED)
    if stopped:
        codes.append(INTERRUPTED)
    return worst(codes)


def _stopped(trouble: Error | None, by_hand: bool) -> str:
    if trouble is not None:
        why = ": ".join((trouble.what, *(line.strip() for line in trouble.details)))
        return f"{why}\n{trouble.next}"
    return "Ctrl-C" if by_hand else ""
