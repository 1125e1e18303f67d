"""Two sides and a plan become one comparison: every planned object in turn, then what nobody planned. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from migrate.differ.classes import classes, expected, held_deltas
from migrate.differ.classes_objects import ended, held_absent, missing
from migrate.differ.classes_words import apply_again
from migrate.differ.extras import extras
from migrate.differ.inside import told_inside
from migrate.differ.owners import owners
from migrate.differ.same import same
from migrate.differ.walk import differences
from migrate.differ.walk_schema import Schemas
from migrate.model.comparison import Class, Comparison, Delta
from migrate.model.objects import MISSING, Body
from migrate.model.plan import Fate, Step
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection
from migrate.model.side import Side
from migrate.semantics.going import Going
from migrate.semantics.holding_release import OURS, arrive

Secrets = Callable[[Step], Iterable[Delta]]
_UNSERVED = "install what serves this kind there and apply again, or leave the object out with --exclude."
_RIGHTS = "ask for the rights that gke2eks access source prints, on the target, then look again."


@dataclass(frozen=True, slots=True)
class Modulo:
    """What to compare by. `released` are objects that a release started: their absence is a loss, not a hold.

    `secrets` judges the values of a Secret that is on the target. `again` is the apply that would send one object, up
    to its --only. `made` are UIDs of what our runs made.
    """

    goes: Going
    secrets: Secrets
    released: frozenset[Ref] = frozenset()
    select: Selection = EVERYTHING
    allow_extra: bool = False
    again: tuple[str, ...] = ("gke2eks", "apply")
    made: frozenset[str] = frozenset()


def compare(by: Modulo, source: Side, target: Side) -> Comparison:
    """Compare the target with what was planned, and find what nobody planned."""
    deltas: list[Delta] = []
    schemas = Schemas(target.objects, by.goes.bodies)
    by_hand = {step.ref for step in by.goes.plan.steps if step.fate is Fate.MANUAL} & by.goes.left_out.keys()
    for ref in sorted(by.goes.steps):
        deltas += _one(by, by.goes.steps[ref], source, target, schemas)
    for ref, why in sorted(by.goes.left_out.items()):
        if ref not in by_hand:
            deltas += _left_out(ref, why.why, why.fix, target)
    deltas += extras(by.goes.plan, target, by.select, look=not by.allow_extra, made=by.made)
    objects = len(by.goes.steps) + len(by.goes.left_out) - len(by_hand)
    ordered = sorted(deltas, key=lambda one: (one.ref, str(one.path)))
    return Comparison(objects, tuple(ordered), allow_extra=by.allow_extra, notes=tuple(_notes(len(by_hand))))


def _notes(by_hand: int) -> Iterator[str]:
    if by_hand:
        many = "object is" if by_hand == 1 else "objects are"
        yield f"{by_hand} {many} moved by hand, and not compared: nobody knows how they should be."


def _one(by: Modulo, step: Step, source: Side, target: Side, schemas: Schemas) -> Iterator[Delta]:
    """One planned object: where it is, and every field of it."""
    assert step.body is not None
    ref = step.ref
    why = target.silent(ref)
    live = target.body(ref, str(step.body.get("apiVersion")))
    if live is None:
        held = by.goes.hold(ref, step.body)
        if why:
            yield Delta(Class.FAILED, ref, because=why, fix=_RIGHTS)
        elif held is not None and held.body is None and ref not in by.released:
            yield held_absent(step, held.because or by.goes.held[ref])
        elif ref in by.released and (gone := ended(step)) is not None:
            yield gone
        elif target.served is not None and (ref.group, ref.kind) not in target.served:
            of = f" of {ref.group}" if ref.group else ""
            yield Delta(Class.MISSING, ref, because=f"the target serves no {ref.kind}{of}", fix=_UNSERVED)
        else:
            gone_why = "it was released, and is not there any more" if ref in by.released else "it is not on the target"
            yield missing(step, gone_why, by.again)
        return
    wanted = _wanted(by, step, live)
    yield from held_deltas(step, wanted, live)
    yield from expected(step, source.body(ref), live)
    if (ref.group, ref.kind) == ("", "Secret"):
        yield from (_whose(by, one, live) for one in by.secrets(step))
    kind = (ref.group, ref.kind)
    row = schemas.row(*kind, str(step.body.get("apiVersion")).rpartition("/")[2])
    raws = differences(kind, wanted, live, same=partial(same, kind), row=row)
    scaler = by.goes.scalers.get(ref)
    off = scaler is not None and not scaler.wakes
    found = classes(step, source.body(ref), wanted, live, raws, scaled=scaler is not None, off=off, again=by.again)
    yield from map(told_inside, found)


def _whose(by: Modulo, one: Delta, live: Body) -> Delta:
    """A value of a Secret that is not as planned, with who wrote it and the apply that sends it again."""
    if one.kind is not Class.UNEXPECTED:
        return one
    others = [writer for writer in owners(live).writers(one.path) if writer.manager != OURS]
    found = replace(one, owner=others[0].owner if others else None)
    return found if one.planned is MISSING else replace(found, fix=apply_again(found, ours=not others, again=by.again))


def _wanted(by: Modulo, step: Step, live: Body) -> Body:
    """What an apply would leave there now: held as it is held, without what an autoscaler owns."""
    assert step.body is not None
    held = by.goes.hold(step.ref, step.body)
    requests = arrive(live, step.body, held=held, scaler=by.goes.scalers.get(step.ref), changes=step.changes)
    return requests[-1].body if requests else step.body


def _left_out(ref: Ref, why: str, fix: str, target: Side) -> Iterator[Delta]:
    """What apply leaves out: it waits for an answer, is blocked, or would wait for such a one."""
    unseen = target.silent(ref)
    if unseen:
        yield Delta(Class.FAILED, ref, because=unseen, fix=_RIGHTS)
    elif target.body(ref) is None:
        yield Delta(Class.MISSING, ref, because=why, fix=fix)
    else:
        yield Delta(
            Class.FAILED, ref, because=f"{why}, so that nobody knows how it should be; on the target it is", fix=fix
        )
