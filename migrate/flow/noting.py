"""What came of an object: as the run tells it, and as the journal keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from migrate.cluster.outcome import Conflict, Rejected
from migrate.flow.alike import uid, version
from migrate.flow.refusals import clash, fix_of, why_of
from migrate.manifest.waves import wave_of
from migrate.model.journal import Known as Past
from migrate.model.journal import Note, Outcome, Result, Said
from migrate.model.objects import MISSING, Body
from migrate.model.ran import Ran
from migrate.model.ref import Ref
from migrate.semantics.going import Going
from migrate.semantics.holding import Held
from migrate.semantics.holding_release import Request
from migrate.workspace.journal import Journal
from migrate.workspace.journal_digest import digest
from migrate.workspace.journal_projection import project


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one object. `live` is what is there now, None when it is not, or nobody knows."""

    ran: Ran
    live: Body | None = None


class Noting:
    """Writes to the journal what came of objects, and says it. `told` are those of whose end the journal knows."""

    def __init__(self, going: Going, journal: Journal, key: bytes) -> None:
        self._going, self._journal, self._key = going, journal, key
        self.told: set[Ref] = set()

    def _because(self, ref: Ref, outcome: Outcome) -> str:
        return self._going.held.get(ref, "only release starts it") if outcome is Outcome.HELD else ""

    def _keep_originals(self, ref: Ref, held: Held, past: Past | None) -> None:
        kept = {str(one.path): one.value for one in held.originals if one.value is not MISSING}
        if held.body is not None and (past is None or past.originals != kept):
            self._journal.note([Note(ref, Said.HELD, kept)])

    def _result(
        self, ref: Ref, outcome: Outcome, number: int, request: Request, live: Body | None, *, made: bool
    ) -> Result:
        seen = digest(project(live, request.body), self._key) if live is not None else ""
        return Result(ref, outcome, number, uid(live), version(live), digest(request.body, self._key), seen, made)

    def _conflict(self, ref: Ref, answer: Conflict, number: int) -> Sent:
        who = ", ".join(dict.fromkeys(one.manager for one in answer.causes))
        said = f"{who} owns fields that the plan would change; nothing of it was written"
        fix = "say --on-conflict, or take it out of their hands or the plan, then run it again."
        self._journal.record([Result(ref, Outcome.LEFT_OUT, number)])
        self.told.add(ref)
        return Sent(Ran(ref, Outcome.LEFT_OUT, wave_of(ref), said, fix=fix, conflicts=tuple(map(clash, answer.causes))))

    def _rejected(self, ref: Ref, answer: Rejected, number: int, *, absent: Past | None = None) -> Sent:
        """`absent`: what is known of an object that was looked for and is not there. So it is clear what became of all
        that earlier runs sent, or meant to send."""
        if absent is not None:
            self._journal.record([Result(ref, Outcome.FAILED, one) for one in sorted(absent.open)])
        return self._said(ref, Outcome.FAILED, why_of(answer), fix=fix_of(answer), to=number)

    def _said(self, ref: Ref, outcome: Outcome, message: str, *, fix: str, to: int = 0) -> Sent:
        self._journal.record([Result(ref, outcome, to)])
        self.told.add(ref)
        return Sent(self._ran(ref, outcome, message, fix=fix))

    def _ran(self, ref: Ref, action: Outcome, message: str = "", *, because: str = "", fix: str = "") -> Ran:
        return Ran(ref, action, wave_of(ref), message, because, fix)
