"""What the records of a journal mean: the state of each object, and each run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from migrate.model.journal import (
    Action,
    End,
    Header,
    History,
    Intent,
    Known,
    Note,
    Outcome,
    Record,
    Result,
    Run,
    Said,
)
from migrate.model.ref import Ref

# What leaves an object that was there otherwise than it was.
_CHANGES = frozenset({Action.APPLY, Action.HOLD, Action.RELEASE})


@dataclass(slots=True)
class _Open:
    """A run while it is read."""

    header: Header
    outcomes: dict[Ref, Outcome] = field(default_factory=dict)
    made: dict[str, Ref] = field(default_factory=dict)
    exit: int | None = None
    kept: dict[Ref, str] = field(default_factory=dict)
    new: set[Ref] = field(default_factory=set)
    undone: set[Ref] = field(default_factory=set)
    deleted: dict[str, Ref] = field(default_factory=dict)

    def asked(self, intent: Intent) -> None:
        if intent.action is Action.DELETE:
            self.deleted[intent.uid] = intent.ref
            if intent.before:
                self.kept[intent.ref] = self.kept.get(intent.ref) or intent.before
        elif intent.action not in _CHANGES:
            return
        elif intent.uid:
            self.kept[intent.ref] = self.kept.get(intent.ref) or intent.before
        else:
            self.new.add(intent.ref)

    def done(self) -> Run:
        new, undone = frozenset(self.new), frozenset(self.undone)
        return Run(self.header, self.outcomes, self.made, self.exit, self.kept, new, undone, self.deleted)


def history(records: Iterable[tuple[int, Record]], torn: int = 0, repeated: int = 0) -> History:
    """Fold numbered records, in order, into what is known."""
    runs: list[_Open] = []
    objects: dict[Ref, Known] = {}
    intents: dict[int, int] = {}  # number of an intent: index of its run
    instead: dict[str, str] = {}
    for number, record in records:
        if isinstance(record, Header):
            runs.append(_Open(record))
        elif isinstance(record, End):
            runs[-1].exit = record.exit
        else:
            known = objects.get(record.ref) or Known(record.ref)
            if isinstance(record, Intent):
                intents[number] = len(runs) - 1
                runs[-1].asked(record)
                known = replace(known, open={**known.open, number: record})
            elif isinstance(record, Result):
                runs[-1].outcomes[record.ref] = record.outcome
                back = known.open.get(record.intent)
                if record.uid and back and back.action is Action.BRING_BACK:
                    # Whose it was, his it is: not of the rollback that made it.
                    instead[record.uid] = instead.get(back.uid, back.uid)
                    for run in runs:
                        run.made |= {record.uid: record.ref} if back.uid in run.made else {}
                elif record.uid and (record.made or record.outcome is Outcome.CREATED):
                    # The run that sent it made it, though a later one may be the first to see that.
                    runs[intents.get(record.intent, -1)].made[record.uid] = record.ref
                known = _after(known, number, record, runs[-1].header.key)
            else:
                if record.said is Said.UNDONE:
                    runs[-1].undone.add(record.ref)
                known = _noted(known, record)
            objects[record.ref] = known
    done = tuple(one.done() for one in runs)
    return History(done, objects, torn, repeated, instead)


def _after(known: Known, number: int, result: Result, key: str) -> Known:
    """Close what the result answers. Who saw the object knows what became of all that was sent to it before.

    A refusal answers its own request only, and an object that was skipped or left out was not looked at.
    """
    asked = known.open
    mine = asked.get(result.intent)
    last = result.intent or number
    still = {n: one for n, one in asked.items() if (n > last if result.outcome.seen else n != result.intent)}
    known = replace(known, open=still, outcome=result.outcome)
    if not result.outcome.seen:
        return known
    # What was kept first shows the object as it was before all of this; a refused request changed nothing.
    before = known.before or next((one.before for n, one in asked.items() if n <= last and one.before), "")
    sent = result.sent or (mine.sent if mine else known.sent)
    return replace(
        known,
        uid=result.uid,
        version=result.version,
        sent=sent,
        seen=result.seen,
        key=key,
        before=before,
        held=result.outcome is Outcome.HELD,
    )


def _noted(known: Known, note: Note) -> Known:
    if note.said is Said.UNDONE:
        return Known(known.ref)
    if note.said is Said.RELEASED:
        return replace(known, originals=None, held=False, released=True)
    return replace(known, originals=dict(note.originals))
