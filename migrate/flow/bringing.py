"""Bringing back what a run deleted: what it made in its place goes, then the former object is made once more."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.cluster.outcome import Applied, Reason, Rejected, Unknown
from migrate.cluster.port import Target
from migrate.flow.alike import uid, version
from migrate.flow.anew import Anew
from migrate.flow.keeping import keep_nothing
from migrate.flow.refusals import fix_of, why_of
from migrate.flow.restoring import AGAIN, BETWEEN, MANAGER, TRIES, Restoring
from migrate.manifest.places import get
from migrate.model.journal import Action, Intent, Outcome, Result
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.model.undone import Taken, Undone
from migrate.semantics.bring_back import as_new, made_by, moved, standing_in, without_taken
from migrate.semantics.rollback import Undo
from migrate.workspace.journal import Journal


@dataclass(frozen=True, slots=True)
class Bringing:
    """Works for many threads. `made` are UIDs that the runs made, `like` those of what was brought back already.

    `going` is told what is waited for, for `patience` seconds at most; `over` says that somebody pressed Ctrl-C.
    """

    target: Target
    journal: Journal
    made: Mapping[Ref, Collection[str]]
    like: Mapping[Ref, Collection[str]]
    restoring: Restoring
    going: Callable[[Ref, str], None]
    over: Callable[[], bool]
    patience: float
    stuck: list[Ref] = field(default_factory=list)  # what stands in their place did not go
    _now: dict[str, Body] = field(default_factory=dict, repr=False)  # what came back, by the UID that it had

    def bring_back(self, one: Undo) -> Undone | None:
        """Do it; None: Ctrl-C came while it waited for room. Where there is room it is made: something may be down."""
        assert one.before is not None
        ref, before, first, sent, why = one.ref, one.before, uid(one.before), 0, ""
        body = as_new(before, self._owners(before))
        for _ in range(TRIES):
            live = self.target.get(ref, str(before.get("apiVersion") or ""))
            bare = not get(before, P("metadata", "managedFields"))
            if live is not None and sent and made_by(live, MANAGER, bare=bare):
                # Its answer was lost. Nobody else writes under this name.
                return self._made(one, before, live, sent)
            if live is not None and uid(live) in self.like.get(ref, ()):
                return self._given(one, before, live)
            if live is not None and (uid(live) in self.made.get(ref, ()) or uid(live) == first):
                if no := self._away(ref, live):
                    return None if self.over() else no
                continue
            if live is not None:
                fix = "look at both; delete it or give it another name, then run the same command again."
                return Undone(ref, Taken.KEPT, "somebody made an object of its name meanwhile, which stays", fix)
            sent = self.journal.intend([Intent(ref, Action.BRING_BACK, "", first)])[0]
            answer = self.target.create(body, manager=MANAGER)
            self.restoring.wrote(answer)
            if isinstance(answer, Applied):
                return self._made(one, before, answer.body, sent)
            if isinstance(answer, Unknown):
                why = f"no answer came: {answer.why}"
            elif isinstance(answer, Rejected) and answer.reason is not Reason.EXISTS:
                self.journal.record([Result(ref, Outcome.FAILED, sent)])
                less = without_taken(body, [fault.field for fault in answer.faults])
                if less is None:
                    return Undone(ref, Taken.FAILED, why_of(answer), fix_of(answer))
                body, why = less, why_of(answer)
                continue
            time.sleep(BETWEEN)
        return Undone(ref, Taken.FAILED, why or "others made and deleted it again and again", AGAIN)

    def _made(self, one: Undo, before: Body, live: Body, sent: int) -> Undone:
        # On record before anything else is sent: from now on its UID tells that it is ours.
        self.journal.record([Result(one.ref, Outcome.CREATED, sent, uid(live), version(live))])
        return self._given(one, before, live)

    def _given(self, one: Undo, before: Body, live: Body) -> Undone:
        self._now[uid(before)] = live
        found = self.restoring.restore(one.ref, standing_in(before, live), fresh=True)
        if found.action is not Taken.RESTORED:
            return found
        said = "; ".join(filter(None, (one.why, moved(before, live), found.message)))
        return Undone(one.ref, Taken.RESTORED, said)

    def _away(self, ref: Ref, live: Body) -> Undone | None:
        """Delete what stands in its place, and wait until it and its pods are gone; None: they are."""

        def look(left: str) -> bool:
            self.going(ref, f"room: {_room(left)}")
            return self.over()

        try:
            gone = Anew(self.target, self.journal, b"", keep_nothing, look, self.patience).deleted(
                ref, live, running=False
            )
        finally:
            self.going(ref, "")
        if gone.number:
            self.restoring.wrote(gone)
        if not gone.why:
            return None
        self.stuck.append(ref)
        return Undone(ref, Taken.FAILED, _room(gone.why), gone.fix or AGAIN)

    def _owners(self, before: Body) -> list[Mapping[str, Any]]:
        """Its owners that are there: those of before, or as they came back. Who names another is collected."""
        found = get(before, P("metadata", "ownerReferences"))
        there: list[Mapping[str, Any]] = []
        for one in found if isinstance(found, list) else ():
            back = self._now.get(str(one.get("uid")))
            if back is not None:
                there.append({**one, "uid": uid(back)})
            elif self._stands(one, get(before, P("metadata", "namespace"))):
                there.append(one)
        return there

    def _stands(self, owner: Mapping[str, Any], namespace: Any) -> bool:
        version = str(owner.get("apiVersion") or "")
        group, kind, name = version.rpartition("/")[0], str(owner.get("kind") or ""), str(owner.get("name") or "")
        # A cluster-wide kind is asked for without its namespace by the client itself.
        live = self.target.get(Ref(group, kind, str(namespace or ""), name), version)
        return uid(live) == owner.get("uid")


def _room(left: str) -> str:
    return left.replace("deleted to be made anew", "deleted to make room")
