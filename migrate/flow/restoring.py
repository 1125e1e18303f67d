"""Giving an object back what it was before: its values, then the owners of its fields."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from migrate.cluster.outcome import Applied, Reason, Rejected, Unknown
from migrate.cluster.port import Target
from migrate.flow.alike import uid
from migrate.flow.refusals import fix_of, why_of
from migrate.manifest.places import get
from migrate.model.journal import Action, Intent
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.model.undone import Taken, Undone
from migrate.semantics.preimage import as_wanted, differences, restored, writers_since
from migrate.workspace.journal import Journal

MANAGER = "gke2eks-rollback"  # owns what a rollback made or changed, until an update gives it back
TRIES = 6  # times that an object is read again, because somebody was faster or no answer came
BETWEEN = 0.3
AGAIN = "run the same command again."


@dataclass(frozen=True, slots=True)
class Restoring:
    """Works for many threads. `wrote` is told each answer."""

    target: Target
    journal: Journal
    wrote: Callable[[object], None]

    def restore(self, ref: Ref, before: Body, *, fresh: bool = False) -> Undone:
        """Put it back. `fresh`: we have just made it, so that whoever wrote to it since did so to a work of ours."""
        why, puts = "", 0
        for _ in range(TRIES):
            live = self.target.get(ref, str(before.get("apiVersion") or ""))
            if live is None or uid(live) != get(before, P("metadata", "uid")):
                return Undone(ref, Taken.KEPT, "it is gone, or somebody made it anew")
            if get(live, P("metadata", "deletionTimestamp")):
                return Undone(ref, Taken.KEPT, "it is being deleted")
            since = () if fresh else writers_since(before, live)
            if since:
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
            self.journal.intend([Intent(ref, Action.RESTORE, "", uid(live))])
            answer = self.target.replace(wanted, manager=MANAGER)
            self.wrote(answer)
            if isinstance(answer, Applied):
                puts += 1
                continue
            if isinstance(answer, Rejected) and answer.reason is not Reason.CHANGED:
                return Undone(ref, Taken.FAILED, why_of(answer), fix_of(answer))
            why = answer.why if isinstance(answer, Unknown) else "others wrote to it again and again"
            time.sleep(BETWEEN)
        return Undone(ref, Taken.FAILED, why, AGAIN)
