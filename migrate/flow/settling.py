"""Sending where a person said what to do about what is in the way: fields of others, and fields fixed for life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrate.cluster.outcome import Applied, Cause, Conflict, Rejected, Unknown, Written
from migrate.flow.alike import others, others_values, uid
from migrate.flow.anew import Anew, has_pods
from migrate.flow.keeping import NotKept
from migrate.flow.noting import Sent
from migrate.flow.refusals import clash
from migrate.flow.secret_values import Missing
from migrate.flow.sending import Sender
from migrate.flow.sending import _Again as Again
from migrate.model.journal import Action, Intent, Outcome
from migrate.model.journal import Known as Past
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.plan import Step
from migrate.model.ran import Clash
from migrate.model.ref import Ref
from migrate.semantics.holding import MARK, REPLICAS, Held, State, inert, state
from migrate.semantics.holding_release import OURS, Request, release
from migrate.semantics.policy import BEFORE, NONE, Choice, Policies, Policy, a_controller
from migrate.semantics.taking_over import not_sent, taken_over, without
from migrate.workspace.journal_digest import digest

_TRIES = 3
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class _Settled:
    """What was settled before the object is sent: `live` is what is there now. `clashes` are the fields in question."""

    policy: Policy
    live: Body | None
    clashes: tuple[Clash, ...] = ()
    message: str = ""


class SettlingSender(Sender):
    """A Sender that does as `policies` say. `agreed`: {ref: UID} of what a person was shown that it is made anew."""

    def __init__(
        self, *args: Any, policies: Policies = NONE, agreed: Mapping[Ref, str] | None = None, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self._policies, self._agreed = policies, agreed or {}
        self._chosen: dict[Ref, tuple[Request, ...]] = {}
        self._forced: set[Ref] = set()
        self._gone: dict[Ref, _Settled] = {}  # deleted in this run, perhaps without an answer

    def fixed(self, refs: Iterable[Ref]) -> dict[Ref, Body]:
        """Which of these would have to be made anew, as policy and dry runs say; each as it is now. Writes nothing."""
        found: dict[Ref, Body] = {}
        for ref in sorted(refs):
            live, step = self._live.get(ref), self._going.steps[ref]
            if live is None or self._policies.of(ref).policy is not Policy.RECREATE:
                continue
            filled = self._fill(step)
            if not isinstance(filled, Missing) and self._is_fixed(step, filled.body, live):
                found[ref] = live
        return found

    def _is_fixed(self, step: Step, body: Body, live: Body) -> bool:
        requests = self._requests(step, body, live)[1]
        if not requests or requests[0].manager != OURS or self._known_as(step.ref, requests, live):
            return False
        tried = self._target.dry_run(requests[0].body, manager=OURS, force=True)
        return isinstance(tried, Rejected) and tried.fixed

    def _once(self, step: Step, body: Body, live: Body | None) -> Sent | Again:
        choice = self._policies.of(step.ref)
        if choice.policy is Policy.FAIL or (choice.policy is Policy.RECREATE and step.ref in self._releases):
            return super()._once(step, body, live)
        settled: _Settled | Sent | Again | None = self._gone.get(step.ref)
        if live is not None:
            self._chosen.pop(step.ref, None)
            self._forced.discard(step.ref)
            settled = self._anew(step, body, live) if choice.policy is Policy.RECREATE else self._ours(step, body, live)
        if isinstance(settled, Sent | Again):
            return settled
        found = super()._once(step, body, settled.live if settled else live)
        if isinstance(found, Again):
            return found
        if found.ran.conflicts and choice.policy is Policy.RECREATE:
            return replace(found, ran=replace(found.ran, because="recreate deletes nothing that can be changed"))
        if settled is None or found.ran.action in (Outcome.FAILED, Outcome.LEFT_OUT):
            return found
        ran = replace(found.ran, policy=settled.policy.value, conflicts=settled.clashes, message=settled.message)
        return replace(found, ran=ran)

    def _requests(self, step: Step, body: Body, live: Body | None) -> tuple[Held | None, tuple[Request, ...]]:
        past = self._journal.past.objects.get(step.ref)
        if live is None and past is not None and past.released and step.ref not in self._releases:
            # It ran here, and is not there any more: by a kill between its end and its new beginning, or by a person.
            scaler = self._going.scalers.get(step.ref)
            return None, release(None, body, scaler=scaler, changes=step.changes)
        held, requests = super()._requests(step, body, live)
        return held, self._chosen.get(step.ref, requests)

    def _apply(self, ref: Ref, request: Request) -> Written:
        if ref not in self._forced or request.manager != OURS:
            return super()._apply(ref, request)
        answer = self._patiently(ref, lambda: self._target.apply(request.body, manager=OURS, force=True))
        if not isinstance(answer, Rejected):
            self._wrote()
        return answer

    def _as_it_is(self, ref: Ref, *args: Any) -> Sent | Body | None:
        # Of what is forced a dry run said already that it differs.
        return None if ref in self._forced else super()._as_it_is(ref, *args)

    def _wrote(self) -> None:
        with self._lock:
            self._writes += 1

    def _known_as(self, ref: Ref, requests: tuple[Request, ...], live: Body) -> bool:
        past: Past | None = self._journal.past.objects.get(ref)
        sent = digest(requests[0].body, self._key)
        return len(requests) == 1 and past is not None and self._is_known(past, sent, requests[0], live)

    def _ours(self, step: Step, body: Body, live: Body) -> _Settled | Sent | Again | None:
        """Settle a conflict of owners; None: there is nothing to settle, or nobody may."""
        ref, choice = step.ref, self._policies.of(step.ref)
        held, requests = self._requests(step, body, live)
        if not requests or requests[0].manager != OURS:
            return None
        adoptable = taken_over(live, choice.adopts) is not None if choice.policy is Policy.ADOPT else False
        if not adoptable and self._known_as(ref, requests, live):
            return None
        causes = self._causes(requests[0], live)
        if isinstance(causes, Rejected) or not (causes or adoptable):
            return None
        if no := _not_settled(causes, choice, held if state(requests[0].body) is State.HELD else None):
            found = self._conflict(ref, Conflict(causes), 0)
            return replace(found, ran=replace(found.ran, because=no))
        clashes = tuple(map(clash, causes))
        if choice.policy is Policy.KEEP_TARGET:
            paths = [one.path for one in causes]
            self._chosen[ref] = tuple(
                replace(one, body=without(one.body, paths)) if one.manager == OURS else one
                for one in requests
                if one.manager == OURS or REPLICAS not in paths  # theirs stay: there is nothing to hand over
            )
            if ref in self._releases and (MARK in paths or self._stays_inert(body, self._chosen[ref])):
                del self._chosen[ref]
                found = self._conflict(ref, Conflict(causes), 0)
                return replace(found, ran=replace(found.ran, because="keep-target would keep it from starting"))
            return _Settled(choice.policy, live, clashes)
        if choice.policy is Policy.ADOPT and adoptable:
            return self._adopted(ref, choice, requests[0].body, clashes)
        self._forced.add(ref)
        return _Settled(choice.policy, live, clashes)

    def _stays_inert(self, planned: Body, requests: tuple[Request, ...]) -> bool:
        """Tell whether what holds the object would stay, because it is somebody else's, too."""
        tried = self._target.dry_run(requests[0].body, manager=OURS)
        return isinstance(tried, Applied) and inert(tried.body) and not inert(planned)

    def _causes(self, request: Request, live: Body) -> tuple[Cause, ...] | Rejected:
        tried = self._target.dry_run(request.body, manager=request.manager)
        if isinstance(tried, Rejected):
            return tried
        if isinstance(tried, Conflict):
            return tried.causes
        keys = others_values(live, request)
        return tuple(Cause(P("data", key), others(live), "", theirs="(secret)", ours="(secret)") for key in keys)

    def _adopted(self, ref: Ref, choice: Choice, body: Body, clashes: tuple[Clash, ...]) -> _Settled | Sent | Again:
        """Make the fields of these managers ours, as kubectl does when it turns to server-side apply; then what is not
        in our body goes with the next apply of ours."""
        for _ in range(_TRIES):
            live = self._read(ref, body)
            if isinstance(live, Again):
                return live
            over = taken_over(live, choice.adopts) if live is not None else None
            if live is None or over is None:
                return _Settled(choice.policy, live, clashes)
            before = self._keep(ref, live)
            if isinstance(before, NotKept):
                return self._said(ref, Outcome.LEFT_OUT, before.why, fix=before.fix)
            entries, managers = over
            gone = not_sent(live, managers, body)
            meta: Any = live["metadata"]
            said = digest({"managedFields": entries}, self._key)
            number = self._journal.intend([Intent(ref, Action.APPLY, said, uid(live), before)])[0]
            answer = self._target.replace({**live, "metadata": {**meta, "managedFields": entries}}, manager=OURS)
            if isinstance(answer, Unknown):
                return Again(f"no answer came: {answer.why}")
            if isinstance(answer, Rejected) and answer.reason.value != "changed":
                return self._rejected(ref, answer, number)
            if isinstance(answer, Rejected | Conflict):
                continue
            self._wrote()
            more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
            lost = f"; gone with it, as the plan has none of it: {', '.join(gone[:_SHOWN])}{more}" if gone else ""
            return _Settled(choice.policy, answer.body, clashes, f"taken over from {', '.join(managers)}{lost}")
        return Again("somebody changed it again and again")

    def _anew(self, step: Step, body: Body, live: Body) -> _Settled | Sent | Again | None:
        """Delete it and make room, where that is the only way; None: it is not."""
        anew = Anew(self._target, self._journal, self._key, self._keep)
        ref = step.ref
        ending = live.get("metadata", {}).get("deletionTimestamp") and self._ends_by_us(ref, live)
        if not ending and not self._is_fixed(step, body, live):
            return None
        if not self._policies.may_recreate(ref, with_claims=anew.takes_claims(live)):
            why = "a field of it cannot be changed, and it may hold data, so it is not deleted"
            fix = f"make it anew by hand, or say so by name: --recreate-data '{ref}'"
            return self._said(ref, Outcome.LEFT_OUT, why, fix=fix)
        if not ending and self._agreed.get(ref) != uid(live):
            why = "a field of it cannot be changed, and nobody was asked whether it may be deleted"
            return self._said(ref, Outcome.LEFT_OUT, why, fix="run the same command again, which asks.")
        chosen = anew.requests(step, body, live, self._going)
        if not ending and (no := anew.refused(chosen[0].body if chosen else body)):
            why = f"it would have to be made anew, and would not be taken: {no}"
            return self._said(ref, Outcome.FAILED, why, fix="correct it first. Nothing of it was deleted.")
        with_pods = ", its pods with it," if has_pods(ref) else ""
        said = f"deleted{with_pods} and made anew: a field of it cannot be changed"
        if chosen:
            self._chosen[ref] = chosen
        self._gone[ref] = _Settled(Policy.RECREATE, None, (), said)
        came = anew.deleted(ref, live, running=anew.runs(ref, live, self._going))
        if came.number:
            self._wrote()
        if came.unknown:
            return Again(came.why)
        if came.why:
            outcome = Outcome.LEFT_OUT if came.spared else Outcome.FAILED
            return self._said(ref, outcome, came.why, fix=came.fix, to=came.number)
        return self._gone[ref]

    def _ends_by_us(self, ref: Ref, live: Body) -> bool:
        if ref in self._gone:
            return self._agreed.get(ref) == uid(live)
        past = self._journal.past.objects.get(ref)
        open_ones = past.open.values() if past else ()
        return any(one.action is Action.DELETE and one.uid == uid(live) for one in open_ones)


def _not_settled(causes: Iterable[Cause], choice: Choice, held: Held | None) -> str:
    """Why this policy does not settle these conflicts; '' where it does."""
    holds = {one.path for one in held.originals} if held is not None else set()
    if any(one.path in holds for one in causes):
        return "somebody started what is held; that is never overruled"
    if choice.policy is Policy.KEEP_TARGET:
        return ""
    if stubborn := sorted({one.manager for one in causes if a_controller(one.manager)}):
        return f"{', '.join(stubborn)} would write it again: keep-target is the way to live with it"
    if choice.policy is Policy.ADOPT:
        strange = sorted({one.manager for one in causes if not choice.adopts(one.manager)} - {BEFORE})
        return f"adopt does not mean {', '.join(strange)}: name it, as in adopt:{strange[0]}" if strange else ""
    return ""
