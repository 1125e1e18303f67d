"""What the journal and undo/ know of the objects that the runs to be taken back made, changed or deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from migrate.flow.alike import ours_alone, uid, version
from migrate.flow.restoring import MANAGER
from migrate.model.journal import Action, History, Note, Outcome, Result, Run, Said
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.semantics.bring_back import made_by
from migrate.semantics.rollback import Earlier
from migrate.workspace.folder import Workspace
from migrate.workspace.preimages import look


@dataclass(frozen=True, slots=True)
class Before:
    """`made` are the UIDs that the runs made, and under which a rollback made those once more. `heard` is what the
    journal is to be told: answers of which a rollback that was killed did not hear."""

    made: Mapping[Ref, set[str]]
    changed: Mapping[Ref, Earlier]
    heard: tuple[Result, ...]


def known_of(
    past: History, runs: Sequence[Run], live: Mapping[Ref, Body], ws: Workspace, keys: Sequence[Path]
) -> Before:
    """Put together how it was before these runs, the oldest of them first. `keys` are files of age identities."""
    made = _made(past, runs, live)
    kept = _kept(ws, runs, made, keys)
    heard = _heard(past, live, kept)
    instead = dict(past.instead)
    for one in heard:
        old = past.objects[one.ref].open[one.intent].uid
        instead[one.uid] = instead.get(old, old)
        if old in made.get(one.ref, ()):
            made[one.ref].add(one.uid)
    found: dict[Ref, Earlier] = {}
    for ref, earlier in kept.items():
        known, there = past.objects[ref], uid(live.get(ref))
        like = frozenset(new for new, old in instead.items() if old == instead.get(earlier.uid, earlier.uid))
        half = any(one.ref == ref for one in heard) or (known.uid == there and known.outcome is Outcome.CREATED)
        found[ref] = replace(earlier, like=like - {earlier.uid}, half=half and there in like)
    return Before(made, found, heard)


def held_before(earlier: Sequence[Run]) -> frozenset[Ref]:
    """What was held when the first of the runs began: taken back means held again."""
    last: dict[Ref, Outcome] = {}
    for run in earlier:
        last |= run.outcomes
    return frozenset(ref for ref, outcome in last.items() if outcome is Outcome.HELD)


def forgotten(
    past: History, runs: Sequence[Run], earlier: Sequence[Run], live: Mapping[Ref, Body]
) -> tuple[Note | Result, ...]:
    """What to write of objects that are no longer there: what was known of them must not guide a later apply."""
    before, held = {ref for run in earlier for ref in run.outcomes}, held_before(earlier)
    found: list[Note | Result] = []
    for ref in sorted({ref for run in runs for ref in (*run.made.values(), *run.outcomes)}):
        known = past.objects.get(ref)
        if known is None or ref in live or not (known.uid or known.held or known.released):
            continue
        if known.uid or ref not in before:
            found.append(Note(ref, Said.UNDONE))
            found += [Result(ref, Outcome.HELD)] if ref in held else []
    return tuple(found)


def _made(past: History, runs: Sequence[Run], live: Mapping[Ref, Body]) -> dict[Ref, set[str]]:
    found: dict[Ref, set[str]] = {}
    for run in runs:
        for id, ref in run.made.items():
            found.setdefault(ref, set()).add(id)
    for ref in {ref for run in runs for ref in run.new if past.objects[ref].unknown}:
        # Sent where nothing was, and nobody heard: whoever has only our fields is ours.
        body = live.get(ref)
        if body is not None and any(one.uid == "" for one in past.objects[ref].open.values()) and ours_alone(body):
            found.setdefault(ref, set()).add(uid(body))
    return found


def _kept(ws: Workspace, runs: Sequence[Run], made: Mapping[Ref, set[str]], keys: Sequence[Path]) -> dict[Ref, Earlier]:
    """What was there before all of them: of each object the first that was kept and that they did not make."""
    deleted: dict[Ref, list[str]] = {}
    for run in runs:
        for id, ref in run.deleted.items():
            if id not in made.get(ref, ()):
                deleted.setdefault(ref, []).append(id)
    found: dict[Ref, Earlier] = {}
    for run in runs:
        for ref, name in run.kept.items():
            if ref in found:
                continue
            if not name:
                found[ref] = Earlier(why="nothing was kept of it before it was changed", fix="put it right by hand.")
                continue
            one = look(ws, name, ref, keys)
            if not one.uid or one.uid not in made.get(ref, ()):
                found[ref] = Earlier(one.body, one.uid, one.why, one.fix)
    for ref, ids in deleted.items():
        nothing = Earlier(why="it was deleted, and nothing was kept of it", fix="make it by hand, if it is missed.")
        earlier = found.get(ref, nothing)
        found[ref] = replace(earlier, uid=earlier.uid or ids[0], deleted=True)
    return found


def _heard(past: History, live: Mapping[Ref, Body], kept: Mapping[Ref, Earlier]) -> tuple[Result, ...]:
    """What a rollback brought back without hearing of it: all of its fields are the rollback's still."""
    found = []
    for ref, earlier in kept.items():
        body = live.get(ref)
        bare = not earlier.body.get("metadata", {}).get("managedFields")
        for number, intent in past.objects[ref].open.items():
            if body is None or intent.action is not Action.BRING_BACK or uid(body) == intent.uid:
                continue
            if made_by(body, MANAGER, bare=bare):
                found.append(Result(ref, Outcome.CREATED, number, uid(body), version(body)))
    return tuple(found)
