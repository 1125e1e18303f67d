"""What changed since the last apply, looked up before the question; and what of it --prune may delete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from migrate.errors import DONE, LOOK
from migrate.flow.keeping import Keeping
from migrate.flow.live import may_be_there, read_live
from migrate.flow.opening import ROLLBACK, Opened
from migrate.flow.secret_values import Missing
from migrate.flow.sending import Fill
from migrate.flow.view import View
from migrate.model.journal import History, Known, Run
from migrate.model.objects import Body, Object
from migrate.model.path import Path
from migrate.model.plan import Step
from migrate.model.ref import Ref
from migrate.model.selection import Selection
from migrate.model.since import Changed, Left, Since
from migrate.semantics.going import Going
from migrate.semantics.holding import REPLICAS
from migrate.semantics.holding_release import arrive
from migrate.semantics.more_rights import named_by
from migrate.semantics.since import changed, dropped, in_plan, needed, told
from migrate.semantics.since import left as judged
from migrate.workspace.journal_digest import digest
from migrate.workspace.journal_projection import project

_WRITES = ("apply", "release")


def since_last(
    opened: Opened, goes: Going, fill: Fill, select: Selection, kubectl: Sequence[str] = ("kubectl",)
) -> Since:
    """Compare the plan with what the journal says that was sent. Empty in a workspace that applied nothing yet."""
    every = opened.journal.past.runs
    runs = [run for run in every if _of(run) in _WRITES]
    done = [run for run in runs if run.exit in (DONE, LOOK)]
    at = done[-1].header.at if done else ""
    left, gone = _left(opened, goes, select, kubectl) if runs else ((), ())
    last = (done or runs)[-1:]
    undone = bool(every) and _of(every[-1]) == ROLLBACK
    if not last or (last[0].header.plan == goes.plan.digest and not undone):
        return Since(at, left=left, gone=gone)
    past = opened.journal.past.objects
    fresh = tuple(sorted(ref for ref in goes.steps if ref not in past or past[ref].outcome is None))
    rows = (_changed(opened, goes, fill, step, past[ref]) for ref, step in goes.steps.items() if ref in past)
    return Since(at, fresh, tuple(sorted((one for one in rows if one), key=lambda one: one.ref)), left, gone)


def still_needed(opened: Opened, goes: Going, found: Iterable[Left]) -> tuple[Left, ...]:
    """Look at the target as it is now, and keep what somebody there needs."""
    found = tuple(found)
    view = View(opened.target)
    served = {(one.group, one.kind) for one in view.kinds() if one.plural}
    kinds = named_by(planned_kinds(goes)) & served
    bodies: dict[Ref, Body] = {}
    unseen: dict[tuple[str, str], str] = {}
    for kind in sorted(kinds):
        shown = view.of(*kind)
        bodies |= shown.bodies
        unseen |= {kind: shown.why} if shown.why else {}
    return needed(found, bodies, unseen)


def planned_kinds(goes: Going) -> frozenset[tuple[str, str]]:
    """(group, kind) of all that the plan has, selected or not."""
    return frozenset((step.ref.group, step.ref.kind) for step in goes.plan.steps if step.body is not None)


def spared(since: Since, keep: Keeping) -> Since:
    """With what this run would not delete, as nobody could bring it back."""
    left = []
    for one in since.left:
        no = None if one.why_kept else keep.spares(one.ref)
        left.append(replace(one, why_kept=no.why, fix=no.fix) if no else one)
    return replace(since, left=tuple(left))


def _of(run: Run) -> str:
    return run.header.command.partition(" ")[0]


def knows(past: History, ref: Ref) -> bool:
    """Tell whether the journal knows something of it, and no rollback or prune has made that void."""
    known = past.objects.get(ref)
    return known is not None and bool(known.uid or known.held or known.released or known.open)


def _left(
    opened: Opened, goes: Going, select: Selection, kubectl: Sequence[str]
) -> tuple[tuple[Left, ...], tuple[Ref, ...]]:
    """What left the plan and is there, and what of it is gone."""
    planned, past = in_plan(goes.plan), opened.journal.past
    made = {uid: ref for uid, ref in past.made.items() if ref not in planned}
    if not made:
        return (), ()
    refs = sorted(set(made.values()))
    live = read_live(opened.view, opened.target, may_be_there(opened.view, refs), strict=False)
    mine = {uid: ref for uid, ref in made.items() if ref in live and select.matches(Object(ref, live[ref]))}
    agreed = opened.reviewed
    found = judged(mine, goes.plan, agreed.decided.select, agreed.snapshot, live)
    claims = opened.view.of("", "PersistentVolumeClaim").bodies if found else {}
    around = {**claims, **{step.ref: step.body for step in goes.plan.steps if step.body is not None}}
    found = needed(found, {**around, **{one.ref: live[one.ref] for one in found}}, {})
    return told(found, kubectl), tuple(ref for ref in refs if ref not in live and knows(past, ref))


def _changed(opened: Opened, goes: Going, fill: Fill, step: Step, known: Known) -> Changed | None:
    filled = fill(step)
    if known.outcome is None or isinstance(filled, Missing):
        return None
    body = _sent(goes, step, filled.body, opened.live.get(step.ref))
    if body is None:
        return None
    live, same = opened.live.get(step.ref), known.key == opened.journal.header.key
    if known.sent and same and known.sent == digest(body, opened.key):
        return None
    if live is None:
        return Changed(step.ref) if known.sent and same else None
    found = changed(step.ref, project(live, body), project(body, body), _dropped(goes, step.ref, live, body))
    # Without a digest that can be compared, only what can be seen counts.
    return found if found.fields or (known.sent and same) else None


def _sent(goes: Going, step: Step, body: Body, live: Body | None) -> Body | None:
    """What apply would leave of ours; None for what is only made at release."""
    held = goes.hold(step.ref, body)
    requests = arrive(live, body, held=held, scaler=goes.scalers.get(step.ref), changes=step.changes)
    return requests[-1].body if requests else None


def _dropped(goes: Going, ref: Ref, live: Body, sent: Body) -> Iterable[tuple[Path, Any]]:
    handed = REPLICAS if ref in goes.scalers else None  # it is handed over, and stays as it is
    return [one for one in dropped(live, sent) if one[0] != handed]
