"""One object: who made it, what rules wish for it, and what comes out of that."""

from __future__ import annotations

from typing import Any

import orjson

from migrate.cleaner import clean
from migrate.manifest.settle import Edit, settle
from migrate.model.decided import Decided
from migrate.model.effects import Cause, Create, Effect, Flag, Fold, Manual, Remove, Run, Set, Severity, Skip, Transform
from migrate.model.objects import MISSING, Object
from migrate.model.path import P, Path
from migrate.model.plan import Change, Fate, Standing, Step, Transformed
from migrate.model.ref import Ref
from migrate.planner.given import Neighbours, Tables
from migrate.rules.sweep import SWEEP_ID
from migrate.semantics.owners import made_by

PLAN_RULE, OVERRIDE, FACTS = "PLN001", "override", "gke2eksFacts"
Flags = list[tuple[Ref | None, str, Flag]]


def left_behind(
    obj: Object, tables: Tables, refs: set[Ref], decided: Decided, along: frozenset[Ref] = frozenset()
) -> Skip | None:
    """Say why an object stays behind. `along` is what the selection needs beside itself."""
    made = made_by(obj, tables.managed, refs.__contains__)
    if made is not None:
        return Skip(*made)
    if decided.select and not decided.select.matches(obj) and obj.ref not in along:
        named = decided.select.excludes(obj.ref)
        return Skip(Cause.EXCLUDED, "excluded by name" if named else "outside the selection")
    return None


def skipped(obj: Object, skip: Skip) -> Step:
    return Step(obj.ref, obj.version, Fate.SKIP, skip.cause, Standing.LEFT_BEHIND, skip.reason, None, None, (), ())


def step(
    obj: Object,
    wishes: list[tuple[str, Effect]],
    tables: Tables,
    decided: Decided,
    flags: Flags,
) -> Step:
    body, cleaned = clean(obj, tables.cleaning)
    if FACTS in body:
        body = {key: value for key, value in body.items() if key != FACTS}
    edits: list[Edit] = [(rule, effect) for rule, effect in wishes if isinstance(effect, (Set, Remove))]
    settled = settle(body, edits)
    flags += [(obj.ref, PLAN_RULE, conflict(path, said)) for path, said in settled.conflicts]
    mine = [wish.path for wish in decided.overrides if wish.ref == str(obj.ref)]
    # Who sets a field by hand has answered what a rule asks about it.
    flags += [
        (obj.ref, rule, effect)
        for rule, effect in wishes
        if isinstance(effect, Flag) and not any(effect.path.startswith(path) for path in mine)
    ]
    body, changes = _override(obj.ref, settled.body, settled.changes, decided, flags)
    fate, cause, reason, into = _fate(wishes)
    if fate is Fate.MIGRATE and tables.sweep.suspicious(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS).decode()):
        # Where a rule has spoken about this very place, "looks like Google" would say less.
        judged = {effect.path for _, effect in wishes if isinstance(effect, Flag)}
        flags += [(obj.ref, SWEEP_ID, flag) for flag in tables.sweep.findings(body) if flag.path not in judged]
    kept = body if fate is Fate.MIGRATE else None
    transforms = _transforms(wishes) if kept is not None else ()
    run = next((e for _, e in wishes if isinstance(e, Run)), None) if kept is not None else None
    how = (run.runs, run.because) if run else ("", "")
    return Step(
        obj.ref, obj.version, fate, cause, Standing.READY, reason, into, kept, changes, cleaned, transforms, *how
    )


def _transforms(wishes: list[tuple[str, Effect]]) -> tuple[Transformed, ...]:
    """What apply does to values, in an order that no rule decides."""
    found = {Transformed(rule, e.path, e.name, e.argument, e.because) for rule, e in wishes if isinstance(e, Transform)}
    return tuple(sorted(found, key=lambda one: (str(one.path), one.name, one.argument, one.rule, one.because)))


def _fate(wishes: list[tuple[str, Effect]]) -> tuple[Fate, Cause, str, Ref | None]:
    for _, effect in sorted(wishes, key=lambda w: w[0]):
        if isinstance(effect, Skip):
            return Fate.SKIP, effect.cause, effect.reason, None
        if isinstance(effect, Fold):
            return Fate.FOLD, Cause.RULE, effect.because, effect.into
        if isinstance(effect, Manual):
            return Fate.MANUAL, Cause.RULE, effect.reason, None
    return Fate.MIGRATE, Cause.NONE, "", None


def conflict(path: Path, said: str) -> Flag:
    return Flag(
        path,
        f"Two rules disagree here: {said}. The source's value stays.",
        "Set the field with an override in gke2eks.yaml.",
        Severity.BLOCKER,
    )


def _override(
    ref: Ref,
    body: Any,
    changes: tuple[Change, ...],
    decided: Decided,
    flags: Flags,
) -> tuple[Any, tuple[Change, ...]]:
    for wish in decided.overrides:
        if wish.ref != str(ref):
            continue
        edit: Set | Remove = Set(wish.path, wish.value, f"{wish.reason} ({wish.where})")
        if wish.value is MISSING:
            edit = Remove(wish.path, f"{wish.reason} ({wish.where})")
        settled = settle(body, [(OVERRIDE, edit)])
        body, changes = settled.body, changes + settled.changes
        flags += [(ref, OVERRIDE, conflict(path, said)) for path, said in settled.conflicts]
    return body, changes


def collect(
    wishes: list[tuple[str, Effect]],
    created: dict[Ref, tuple[str, Create]],
    flags: Flags,
    known: Neighbours,
) -> None:
    for rule, effect in wishes:
        if not isinstance(effect, Create):
            continue
        ref = effect.object.ref
        if known.migrates(ref):
            flags.append(
                (
                    ref,
                    rule,
                    Flag(
                        P(),
                        "The plan needs this object, and one of the same name exists already.",
                        "Check that it means the same; the source's own is kept.",
                        Severity.REVIEW,
                    ),
                )
            )
        elif ref in created and created[ref][1].object.body != effect.object.body:
            flags.append((ref, PLAN_RULE, conflict(P(), "two rules create different objects of this name")))
        else:
            created.setdefault(ref, (rule, effect))


def new_step(rule: str, create: Create) -> Step:
    obj = create.object
    change = Change(rule, P(), MISSING, obj.body, create.because)
    return Step(
        obj.ref, obj.version, Fate.CREATE, Cause.RULE, Standing.NEW, create.because, None, obj.body, (change,), ()
    )
