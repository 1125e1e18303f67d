"""One object on its way to the target: what must be sent, what came of it, and the journal's lines about both."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from migrate.cluster.outcome import Cause, Conflict, Reason, Rejected, Unknown, Written
from migrate.cluster.port import Target
from migrate.errors import Refused
from migrate.flow.alike import differs_not, others, others_values, ours_alone, uid, version
from migrate.flow.keeping import Keep, NotKept, keep_nothing
from migrate.flow.noting import Noting, Sent
from migrate.flow.secret_values import Filled, Missing
from migrate.flow.trouble import only_here
from migrate.manifest.places import get
from migrate.model.journal import Action, Intent, Note, Outcome, Result, Said
from migrate.model.journal import Known as Past
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.plan import Step
from migrate.model.ref import Ref
from migrate.semantics.going import Going
from migrate.semantics.holding import Held, State, state
from migrate.semantics.holding_release import Request, arrive, release
from migrate.workspace.journal import Journal
from migrate.workspace.journal_digest import digest
from migrate.workspace.journal_projection import project

_AGAIN = 3  # times that an object is read again after an answer was lost, or somebody was faster
_PATIENCE, _BETWEEN = 20.0, 0.25  # seconds
_NO_ACCOUNT = re.compile(r'serviceaccount "default" not found')
Fill = Callable[[Step], Filled | Missing]


class Sender(Noting):
    """Sends objects of one run, from many threads, each object from one at a time.

    `live` is what was there when the run began; `releases` are the objects that this run releases. `told` are those of
    whose end the journal knows; `unknown` says that of one nobody knows what came.
    """

    def __init__(
        self,
        target: Target,
        going: Going,
        journal: Journal,
        key: bytes,
        live: Mapping[Ref, Body],
        fill: Fill,
        releases: frozenset[Ref] = frozenset(),
        keep: Keep = keep_nothing,
    ) -> None:
        super().__init__(going, journal, key)
        self._target = target
        self._live, self._fill, self._releases, self._keep = live, fill, releases, keep
        self._created, self._known = set[Ref](), set[Ref]()
        self._ready: dict[Ref, _Ready] = {}
        self._lock = threading.Lock()
        self._writes, self.unknown = 0, False

    @property
    def writes(self) -> int:
        """Requests so far that changed the target, or may have."""
        with self._lock:
            return self._writes

    def send(self, ref: Ref) -> Sent:
        """Bring one object to where this run wants it. Raises what ends the run: Refused, Unwritable."""
        try:
            return self._sent(ref)
        except Refused as no:
            if not only_here(self._target, no):
                raise
            return self._said(ref, Outcome.FAILED, no.what, fix=no.next)

    def ahead(self, refs: Sequence[Ref]) -> None:
        """Write the intents of those that are new in one piece: the disk is waited for once. Each is then to be sent;
        of one that is not, the next run reads what is there. Raises Unwritable."""
        ready = {ref: one for ref in refs if (one := self._made_ready(ref)) is not None}
        intents = [Intent(ref, Action.APPLY, one.sent, "", "") for ref, one in ready.items()]
        for (ref, one), number in zip(ready.items(), self._journal.intend(intents), strict=True):
            self._ready[ref] = replace(one, number=number)

    def _made_ready(self, ref: Ref) -> _Ready | None:
        """What is first sent of an object that is not there and arrives as it is; None for all others."""
        if ref in self._live or ref in self._releases:
            return None
        step = self._going.steps[ref]
        filled = self._fill(step)
        if isinstance(filled, Missing):
            return None
        held, requests = self._requests(step, filled.body, None)
        if held is not None or not requests or state(requests[-1].body) is State.HELD:
            return None
        return _Ready(filled, requests, digest(requests[0].body, self._key))

    def _sent(self, ref: Ref) -> Sent:
        step = self._going.steps[ref]
        ready = self._ready.get(ref)
        filled = ready.filled if ready else self._fill(step)
        if isinstance(filled, Missing):
            return self._said(ref, Outcome.LEFT_OUT, filled.why, fix=filled.fix)
        body = filled.body
        live = self._live.get(ref)
        if live is not None and live.get("apiVersion") != body.get("apiVersion"):
            near = self._read(ref, body)  # lists come in the version that the group prefers
            if isinstance(near, _Again):
                return self._said(ref, Outcome.FAILED, near.why, fix="see why, then run the same command again.")
            live = near
        for attempt in range(_AGAIN):
            found: Sent | _Again = self._once(step, body, live)
            if not isinstance(found, _Again) or attempt == _AGAIN - 1:
                break
            near = self._read(ref, body)
            if isinstance(near, _Again):
                found = near
                break
            live = near
        if isinstance(found, _Again):
            # No result is written: the next run finds the open intent and reads the object again.
            self.unknown = True
            self.told.add(ref)
            return Sent(self._ran(ref, Outcome.FAILED, found.why, fix="run the same command again."))
        drift = filled.drift and not found.ran.message
        return replace(found, ran=replace(found.ran, message=filled.drift)) if drift else found

    def _read(self, ref: Ref, body: Body) -> Body | _Again | None:
        try:
            return self._target.get(ref, str(body.get("apiVersion") or ""))
        except Refused as no:
            if not only_here(self._target, no):
                raise
            return _Again(f"it could not be read: {no.what}")

    def _once(self, step: Step, body: Body, live: Body | None) -> Sent | _Again:
        ref, past = step.ref, self._journal.past.objects.get(step.ref)
        ready = self._ready.pop(ref, None)
        held, requests = (None, ready.requests) if ready else self._requests(step, body, live)
        if not requests:
            return self._later(ref, body, held, past)
        holds = state(requests[-1].body) is State.HELD
        action = Action.RELEASE if ref in self._releases else Action.HOLD if holds else Action.APPLY
        outcome = Outcome.HELD if holds else Outcome.UNCHANGED
        last: Body | None = live
        number = 0
        for at, request in enumerate(requests):
            first = ready if at == 0 else None
            sent = first.sent if first else digest(request.body, self._key)
            if at == 0 and live is not None and (one := self._as_it_is(ref, request, requests, sent, live, past)):
                return one if isinstance(one, Sent) else self._same(ref, request, outcome, one, past, held)
            before = self._keep(ref, live) if at == 0 and live is not None and not self._was_absent(ref, past) else ""
            if isinstance(before, NotKept):
                return self._said(ref, Outcome.LEFT_OUT, before.why, fix=before.fix)
            if at == 0 and held is not None:
                self._keep_originals(ref, held, past)
            intent = Intent(ref, action, sent, uid(last), before)
            number = first.number if first else self._journal.intend([intent])[0]
            answer = self._apply(ref, request)
            if isinstance(answer, Unknown):
                return _Again(f"no answer came: {answer.why}")
            if isinstance(answer, Conflict) and at > 0:
                return _Again("an autoscaler was faster")
            if isinstance(answer, Conflict):
                return self._conflict(ref, answer, number)
            if isinstance(answer, Rejected):
                return self._rejected(ref, answer, number, absent=past if ref not in self._live else None)
            if answer.ending:
                why = "it is being deleted; what was sent goes with it"
                return self._said(ref, Outcome.FAILED, why, fix="wait until it is gone, then run it again.", to=number)
            if answer.created:
                self._created.add(ref)
            if outcome is Outcome.UNCHANGED and version(answer.body) != version(live):
                outcome = Outcome.CONFIGURED
            last = answer.body
        # Also when it was made, and then somebody was faster, or an answer was lost.
        made = ref in self._created or (self._was_absent(ref, past) and ours_alone(last))
        outcome = Outcome.CREATED if (live is None or made) and outcome is not Outcome.HELD else outcome
        self._journal.record([self._result(ref, outcome, number, requests[-1], last, made=made)])
        if ref in self._releases:
            self._journal.note([Note(ref, Said.RELEASED)])
        return Sent(self._ran(ref, outcome, because=self._because(ref, outcome)), last)

    def _apply(self, ref: Ref, request: Request) -> Written:
        answer = self._patiently(ref, lambda: self._target.apply(request.body, manager=request.manager))
        if not isinstance(answer, Rejected):
            with self._lock:
                self._writes += 1
        return answer

    def _patiently(self, ref: Ref, ask: Callable[[], Written]) -> Written:
        """Ask again where something new is not seen yet: a namespace's account, a kind that this plan defines."""
        late = time.monotonic() + _PATIENCE
        defined = any(to.kind == "CustomResourceDefinition" for to in self._going.gates.waits.get(ref, ()))
        while True:
            answer = ask()
            if not isinstance(answer, Rejected) or time.monotonic() > late:
                return answer
            if not (_NO_ACCOUNT.search(answer.message) or (defined and answer.reason is Reason.UNSERVED)):
                return answer
            time.sleep(_BETWEEN)

    def _requests(self, step: Step, body: Body, live: Body | None) -> tuple[Held | None, tuple[Request, ...]]:
        scaler = self._going.scalers.get(step.ref)
        if step.ref in self._releases and state(live) is not State.RELEASED:
            return None, release(live, body, scaler=scaler, changes=step.changes)
        held = self._going.hold(step.ref, body)
        return held, arrive(live, body, held=held, scaler=scaler, changes=step.changes)

    def _as_it_is(
        self, ref: Ref, request: Request, requests: Sequence[Request], sent: str, live: Body, past: Past | None
    ) -> Sent | Body | None:
        """Tell whether nothing has to be sent: the live body if so, a refusal if the server would refuse, else None."""
        if len(requests) > 1:
            return None
        if past and self._is_known(past, sent, request, live):
            self._known.add(ref)
            return live
        tried = self._target.dry_run(request.body, manager=request.manager)
        if isinstance(tried, Conflict):
            return self._conflict(ref, tried, 0)
        if isinstance(tried, Rejected):
            return self._rejected(ref, tried, 0)
        if keys := others_values(live, request):
            causes = tuple(Cause(P("data", key), others(live), "", theirs="(secret)", ours="(secret)") for key in keys)
            return self._conflict(ref, Conflict(causes), 0)
        return live if differs_not(tried, live, request) else None

    def _is_known(self, past: Past, sent: str, request: Request, live: Body) -> bool:
        return (
            not past.unknown
            and past.key == self._journal.header.key
            and (past.sent, past.uid) == (sent, uid(live))
            and past.seen == digest(project(live, request.body), self._key)
            and not get(live, P("metadata", "deletionTimestamp"))
        )

    def _same(
        self, ref: Ref, request: Request, outcome: Outcome, live: Body, past: Past | None, held: Held | None
    ) -> Sent:
        """Nothing had to be sent. The journal is told only what it does not know yet."""
        if held is not None:
            self._keep_originals(ref, held, past)
        ours = ref in self._created or (self._was_absent(ref, past) and ours_alone(live))
        second = ref not in self._live  # an answer was lost
        outcome = Outcome.CREATED if second and outcome is not Outcome.HELD else outcome
        if not past or ref not in self._known or past.outcome not in _GOOD:
            self._journal.record([self._result(ref, outcome, 0, request, live, made=ours)])
        if ref in self._releases:
            self._journal.note([Note(ref, Said.RELEASED)])
        return Sent(self._ran(ref, outcome, because=self._because(ref, outcome)), live)

    def _was_absent(self, ref: Ref, past: Past | None) -> bool:
        """Tell whether it was not there before this run, or before an earlier request of which nobody heard again."""
        return ref not in self._live or (past is not None and any(one.uid == "" for one in past.open.values()))

    def _later(self, ref: Ref, body: Body, held: Held | None, past: Past | None) -> Sent:
        """It is only made at release; now the server says whether it would take it."""
        tried = self._patiently(ref, lambda: self._target.dry_run(body))
        assert not isinstance(tried, Unknown)
        how = f"made at release: {held.because}" if held and held.because else "made at release"
        if isinstance(tried, Conflict):
            return self._conflict(ref, tried, 0)
        if isinstance(tried, Rejected):
            # Who would be asked is held itself; nothing can be said of the object yet.
            if tried.reason not in _NOT_ASKED and held is not None and not held.converted:
                return self._rejected(ref, tried, 0)
            how = f"{how}; the server could not be asked whether it would take it"
        if not past or past.outcome is not Outcome.HELD:
            self._journal.record([Result(ref, Outcome.HELD)])
        return Sent(self._ran(ref, Outcome.HELD, how, because=self._going.held.get(ref, "")))


@dataclass(frozen=True, slots=True)
class _Ready:
    """An object whose intent is on disk."""

    filled: Filled
    requests: tuple[Request, ...]
    sent: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class _Again:
    why: str


_NOT_ASKED = frozenset({Reason.WEBHOOK_DOWN, Reason.WEBHOOK_NO_DRY_RUN})
_GOOD = frozenset({Outcome.CREATED, Outcome.CONFIGURED, Outcome.UNCHANGED, Outcome.HELD})
