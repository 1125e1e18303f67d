"""Making an object anew because a field of it is fixed for its life: the one delete of apply."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from migrate.cluster.outcome import Reason, Rejected, Unknown
from migrate.cluster.port import Target
from migrate.errors import Refused
from migrate.flow.alike import uid, version
from migrate.flow.keeping import Keep, NotKept
from migrate.flow.refusals import fix_of, why_of
from migrate.flow.trouble import only_here
from migrate.flow.view import listed
from migrate.manifest.places import get, put
from migrate.model.journal import Action, Intent, Note, Said
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.plan import Step
from migrate.model.ref import Ref
from migrate.semantics.going import Going
from migrate.semantics.holding import REPLICAS, State, hold, inert, state
from migrate.semantics.holding_release import Request, arrive, release
from migrate.semantics.holding_scaling import number
from migrate.semantics.policy import trial_name
from migrate.workspace.journal import Journal

_TRIES = 5  # controllers write to the status of what they look after, and each write makes a new version
_GONE, _LOOKS = 120.0, (0.05, 0.2, 0.5, 1.0)  # seconds
_WITH_PODS = frozenset(
    {("apps", kind) for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")}
    | {("batch", "CronJob"), ("batch", "Job"), ("", "ReplicationController"), ("", "Pod")}
)
_BETWEEN = (("apps", "ReplicaSet"), ("batch", "Job"))  # what stands between a workload and its pods
# Two objects cannot have these at once, so that a trial beside the old one says nothing about them.
_TAKEN = ("metadata.name", "spec.clusterIP", "spec.ports", "spec.healthCheckNodePort", "spec.allocateLoadBalancer")
_NOT_JUDGED = frozenset({Reason.THROTTLED, Reason.WEBHOOK_NO_DRY_RUN, Reason.QUOTA, Reason.ABSENT})


@dataclass(frozen=True, slots=True)
class Gone:
    """What came of a delete. `number` is that of its intent, 0: nothing was sent. `why` is '' when it is gone.

    `spared`: it was not deleted, as nobody could bring it back.
    """

    number: int = 0
    why: str = ""
    fix: str = ""
    unknown: bool = False
    spared: bool = False


@dataclass(frozen=True, slots=True)
class Anew:
    """Works on one object at a time, for many threads."""

    target: Target
    journal: Journal
    key: bytes
    keep: Keep
    over: Callable[[str], bool] = lambda left: False  # told what is left at each look; True: wait no longer
    patience: float = _GONE
    _kinds: list[Kind] = field(default_factory=list)

    @staticmethod
    def takes_claims(live: Body) -> bool:
        """Tell whether its claims are deleted with it."""
        found = get(live, P("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"))
        return isinstance(found, str) and found == "Delete"

    @staticmethod
    def runs(ref: Ref, live: Body, going: Going) -> bool:
        """Tell whether the new one must not be held although the plan holds it: it was released, or runs here."""
        where = state(live)
        return where is State.RELEASED or (where is State.ARRIVED and ref in going.held and not inert(live))

    def requests(self, step: Step, body: Body, live: Body, going: Going) -> tuple[Request, ...]:
        """What to send when it is gone: held if it was held, else as many replicas as there are where they are not ours
        to choose."""
        scaler, where = going.scalers.get(step.ref), state(live)
        if where is State.HELD or (step.ref in going.held and not self.runs(step.ref, live, going)):
            return arrive(None, body, held=going.hold(step.ref, body) or hold(body), scaler=scaler)
        if where is State.RELEASED:
            found = release(None, body, scaler=scaler, changes=step.changes)
        else:
            found = arrive(None, body, held=None, scaler=scaler)
        count = max((number(get(one.body, REPLICAS), 0) for one in found), default=0)
        there = number(get(live, REPLICAS), 0)
        if len(found) == 1 or there <= count:
            return found
        return tuple(
            replace(one, body=put(one.body, REPLICAS, there)) if number(get(one.body, REPLICAS), -1) == count else one
            for one in found
        )

    def refused(self, body: Body) -> str:
        """Why a server would not take it as a new object; ''. Tried under another name, beside the old one."""
        meta: Any = body["metadata"]
        tried = self.target.dry_run({**body, "metadata": {**meta, "name": trial_name(str(meta["name"]))}})
        if not isinstance(tried, Rejected) or tried.reason in _NOT_JUDGED:
            return ""
        if tried.faults and all(one.field.startswith(_TAKEN) for one in tried.faults):
            return ""
        return why_of(tried)

    def deleted(self, ref: Ref, live: Body, *, running: bool) -> Gone:
        """Delete this very object, and wait until it and its pods are gone."""
        first, children, sent = uid(live), self._children(ref, live), 0
        pods = has_pods(ref)
        for _ in range(_TRIES):
            near = self._look(ref)
            if isinstance(near, str):
                return Gone(sent, near, "see why, then run the same command again.")
            if near is None or get(near, P("metadata", "deletionTimestamp")):
                break
            if uid(near) != first:
                return Gone(sent, "somebody made it anew meanwhile", "look at it, then run the same command again.")
            before = self.keep(ref, near, deleting=True)
            if isinstance(before, NotKept):
                return Gone(sent, before.why, before.fix, spared=True)
            if running:
                # Written first: between its end and its new beginning nothing else says that it ran.
                self.journal.note([Note(ref, Said.RELEASED)])
            sent = self.journal.intend([Intent(ref, Action.DELETE, "", first, before)])[0]
            answer = self.target.delete(ref, version(near), first)
            if isinstance(answer, Unknown):
                return Gone(sent, f"no answer came: {answer.why}", unknown=True)
            if not isinstance(answer, Rejected) or answer.reason is Reason.ABSENT:
                break
            if answer.reason is not Reason.CHANGED:
                return Gone(sent, f"it could not be deleted: {why_of(answer)}", fix_of(answer))
        else:
            why = "it could not be deleted: somebody changed it again and again"
            return Gone(sent, why, "run the same command again.")
        why = self._awaited(ref, live, {first, *children} if pods else set())
        fix = "see what holds it (kubectl get with -o yaml), then run the same command again: it goes on."
        return Gone(sent, why, fix if why else "")

    def _awaited(self, ref: Ref, live: Body, owners: Collection[str]) -> str:
        """Wait until it is gone, and what it owned that runs; '' or what is still there."""
        grace = number(get(live, P("spec", "template", "spec", "terminationGracePeriodSeconds")), 30)
        late = time.monotonic() + self.patience + (grace if owners else 0)
        looks = 0
        while True:
            near = self._look(ref)
            left = near if isinstance(near, str) else self._left(ref, near, uid(live), owners)
            if not left:
                return ""
            if self.over(left) or time.monotonic() > late:
                return left
            time.sleep(_LOOKS[min(looks, len(_LOOKS) - 1)])
            looks += 1

    def _left(self, ref: Ref, near: Body | None, first: str, owners: Collection[str]) -> str:
        if near is not None and uid(near) == first:
            found = get(near, P("metadata", "finalizers"))
            held = f"; its finalizers hold it: {', '.join(map(str, found))}" if isinstance(found, list) else ""
            return f"it was deleted to be made anew, and is not gone yet{held}"
        pods = self._owned(("", "Pod"), ref.namespace, owners) if owners else {}
        return f"it was deleted to be made anew, and of its pods {len(pods)} still end" if pods else ""

    def _children(self, ref: Ref, live: Body) -> set[str]:
        found: set[str] = set()
        for kind in _BETWEEN if has_pods(ref) else ():
            found |= {uid(body) for body in self._owned(kind, ref.namespace, {uid(live)}).values()}
        return found

    def _owned(self, kind: tuple[str, str], namespace: str, owners: Collection[str]) -> Mapping[Ref, Body]:
        if not self._kinds:
            self._kinds.extend(self.target.kinds())
        served = next((one for one in self._kinds if (one.group, one.kind) == kind), None)
        if served is None:
            return {}
        try:
            bodies = listed(self.target, served, namespace)
        except Refused as no:
            if not only_here(self.target, no):
                raise
            return {}  # who may not look does not wait for them
        return {ref: body for ref, body in bodies.items() if _owners(body) & set(owners)}

    def _look(self, ref: Ref) -> Body | str | None:
        try:
            return self.target.get(ref)
        except Refused as no:
            if not only_here(self.target, no):
                raise
            return f"it could not be read: {no.what}"


def has_pods(ref: Ref) -> bool:
    """Tell whether pods go with it."""
    return (ref.group, ref.kind) in _WITH_PODS


def _owners(body: Body) -> set[str]:
    found = get(body, P("metadata", "ownerReferences"))
    return {str(one.get("uid")) for one in found} if isinstance(found, list) else set()
