"""Snapshot + rules + decisions → Plan. Pure: the same input gives the same bytes, offline, without a clock."""

from __future__ import annotations

from migrate.model.decided import Decided
from migrate.model.effects import Create
from migrate.model.objects import Snapshot
from migrate.model.plan import Plan, Step
from migrate.model.ref import Ref
from migrate.model.rules import Rule
from migrate.planner.given import Neighbours, Tables
from migrate.planner.loose import loose_ends, taken_along
from migrate.planner.steps import Flags, collect, left_behind, new_step, skipped, step
from migrate.planner.whole import digest, duplicates, fits_nothing, meanwhile, unread, whole
from migrate.semantics.source import facts_of

__all__ = ["Neighbours", "Tables", "digest", "plan"]


def plan(snapshot: Snapshot, tables: Tables, decided: Decided) -> Plan:
    """Decide what each object becomes."""
    refs = {obj.ref for obj in snapshot.objects}
    along = taken_along(snapshot.objects, decided)
    stays = {obj.ref: skip for obj in snapshot.objects if (skip := left_behind(obj, tables, refs, decided, along))}
    facts = facts_of(snapshot)
    known = Neighbours(snapshot.objects, stays, decided, tables.rows, facts)
    by_kind: dict[tuple[str, str], list[Rule]] = {}
    steps: list[Step] = []
    flags: Flags = []
    created: dict[Ref, tuple[str, Create]] = {}
    for obj in snapshot.objects:
        if obj.ref in stays:
            steps.append(skipped(obj, stays[obj.ref]))
            continue
        kind = (obj.ref.group, obj.ref.kind)
        if kind not in by_kind:
            by_kind[kind] = [rule for rule in tables.rules if not rule.kinds or kind in rule.kinds]
        wishes = [(rule.id, effect) for rule in by_kind[kind] for effect in rule.effects(obj, known)]
        steps.append(step(obj, wishes, tables, decided, flags))
        collect(wishes, created, flags, known)
    steps += [new_step(rule, create) for rule, create in created.values()]
    flags += [(None, rule.id, flag) for rule in tables.rules if rule.cluster for flag in rule.cluster(known)]
    flags += duplicates(snapshot) + unread(snapshot) + meanwhile(snapshot) + fits_nothing(decided, refs, tables)
    flags += loose_ends(snapshot, steps, stays, flags)
    return whole(snapshot, steps, flags, tables, decided, facts)
