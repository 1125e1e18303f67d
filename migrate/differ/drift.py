"""What changed on the source since the snapshot was taken, and whether the plan must be made again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from migrate import catalog
from migrate.cleaner import Cleaning, clean, load_cleaning
from migrate.differ.field_writers import writers
from migrate.differ.touching import touched
from migrate.differ.unseen import Unseen
from migrate.manifest.places import get
from migrate.model.decided import Decided
from migrate.model.drift import Drift, How, Moved, Touched
from migrate.model.effects import Cause
from migrate.model.objects import MISSING, Object, Snapshot
from migrate.model.path import P, Path, parse
from migrate.model.plan import Finding, Plan, Step
from migrate.model.ref import Ref
from migrate.semantics.holding import SCALED
from migrate.semantics.holding_scaling import target_of
from migrate.semantics.owners import Managed, load_managed, made_by
from migrate.semantics.running import is_complete
from migrate.semantics.since import changed
from migrate.semantics.source import facts_of

# ref → key → {bytes, hmac, key_id}, as a snapshot remembers values of Secrets.
Hashes = Mapping[Ref, Mapping[str, Mapping[str, Any]]]
Place = tuple[Path, Any, Any]

_AGAIN = "export and plan again, read the report, then apply."
_SENT = "nothing before an apply: it sends the value that the source has then. After one, run it again."
_NOT_PLANNED = "nothing, while the selection is meant."
_MEANT = "nothing, if this is the cutover; else export and plan again."
_REPLICAS, _DATA = P("spec", "replicas"), P("data")
_PAUSED, _NO_NODE = "autoscaling.keda.sh/paused-replicas", "gke2eks/stopped"

# What release tells a person to do on the source (semantics.twins): the target gets what ran before.
_STOPS: Mapping[Path, Callable[[Any, Any], bool]] = {
    _REPLICAS: lambda _, now: now == 0,
    P("spec", "suspend"): lambda _, now: now is True,
    P("spec", "minReplicas"): lambda was, now: was == 0 and now in (1, MISSING),
    P("metadata", "annotations", _PAUSED): lambda _, now: now == "0",
    P("spec", "template", "spec", "nodeSelector", _NO_NODE): lambda _, now: now is not MISSING,
}


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both readings by identity, whose the objects are, and what was decided."""

    then: Mapping[Ref, Object]
    now: Mapping[Ref, Object]
    steps: Mapping[Ref, Step]
    findings: Mapping[Ref | None, Sequence[Finding]] = field(repr=False)
    decided: Decided
    hashes: tuple[Hashes, Hashes] = field(repr=False)
    scaled: frozenset[tuple[str, str, str, str]]

    def yours(self, ref: Ref) -> bool:
        """Tell whether an object is the user's: as the plan said, else as who made it says."""
        step = self.steps.get(ref)
        if step is not None and ref in self.then:
            return step.yours
        seen = self.now if ref in self.now else self.then
        return made_by(seen[ref], _managed(), seen.__contains__) is None

    def touched(self, ref: Ref, places: Iterable[Place]) -> tuple[Touched, ...]:
        """The places, each with who speaks about it."""
        body = self.then[ref].body if ref in self.then else {}
        return touched(ref, places, self.steps.get(ref), self.findings.get(ref, ()), self.decided, body)


def drift(
    then: Snapshot,
    now: Snapshot,
    plan: Plan,
    answers: Decided,
    *,
    hashes_then: Hashes | None = None,
    hashes_now: Hashes | None = None,
) -> Drift:
    """Compare the snapshot that was planned with a new reading of the same source. Nothing is changed.

    Status, resource versions and whatever servers and controllers write do not count, nor does the number of replicas
    where an autoscaler owns it. `answers` is what was decided when the plan was made. Without hashes of both sides, or
    with hashes of two keys, a value of the same size counts as the same.
    """
    sides = _sides(then, now, plan, answers, (hashes_then or {}, hashes_now or {}))
    unseen = Unseen(then, now, answers.select)
    moved: list[Moved] = []
    for ref in sorted(sides.then.keys() | sides.now.keys()):
        one, other = sides.then.get(ref), sides.now.get(ref)
        if one is not None and other is None and unseen.hides(one):
            continue
        found = _changed(ref, one, other, sides) if one and other else _whole(ref, other, sides)
        moved += [found] if found is not None else []
    return Drift(then.read_at, now.read_at, len(sides.then), tuple(moved), unseen.reasons(), _facts(then, now))


def _sides(then: Snapshot, now: Snapshot, plan: Plan, decided: Decided, hashes: tuple[Hashes, Hashes]) -> _Sides:
    # Where a reading has two bodies of one name, the first one is planned.
    first, second = ({one.ref: one for one in reversed(snapshot.objects)} for snapshot in (then, now))
    targets = (target_of(one.body) for one in (*then.objects, *now.objects))
    found: dict[Ref | None, list[Finding]] = {}
    for one in plan.findings:
        found.setdefault(one.ref, []).append(one)
    steps = {step.ref: step for step in plan.steps}
    return _Sides(first, second, steps, found, decided, hashes, frozenset(filter(None, targets)))


def _whole(ref: Ref, now: Object | None, sides: _Sides) -> Moved | None:
    """An object that only one of the readings has."""
    if not sides.yours(ref):
        return None
    how = How.REMOVED if now is None else How.ADDED
    place = (Path(), MISSING, now.body) if now else (Path(), sides.then[ref].body, MISSING)
    places = sides.touched(ref, [place])
    if _outside(ref, now or sides.then[ref], sides):
        return Moved(ref, how, places, False, f"it was {how}, and the selection leaves it out", _NOT_PLANNED)
    if now is None:
        said = "it is gone from the source, and the plan was made with it"
    else:
        said = "it is new on the source, and the plan does not know it"
    return Moved(ref, how, places, True, said, _AGAIN)


def _outside(ref: Ref, obj: Object, sides: _Sides) -> bool:
    step, select = sides.steps.get(ref), sides.decided.select
    if step is not None and ref in sides.then:
        return step.cause is Cause.EXCLUDED
    return bool(select) and not select.matches(obj) and not select.takes_along(ref)


def _changed(ref: Ref, then: Object, now: Object, sides: _Sides) -> Moved | None:
    values = list(_values(ref, sides))
    if then.body == now.body and not values:
        return None
    said = _made_otherwise(then, now, sides)
    if said:
        place = (P("metadata"), then.metadata, now.metadata)
        return Moved(ref, How.CHANGED, sides.touched(ref, [place]), True, said, _AGAIN)
    if not sides.yours(ref):
        return None
    places: list[Place] = [one for one in _places(then, now) if not _by_controllers(one, then, now, sides)]
    shown = {path for path, _, _ in places}
    places += [one for one in values if one[0] not in shown]
    if not places:
        return None
    found = sides.touched(ref, places)
    if _outside(ref, now, sides):
        said = "it changed, and the selection leaves it out"
        return Moved(ref, How.CHANGED, found, False, said, _NOT_PLANNED)
    names = ", ".join(str(path) for path, _, _ in places[:3])
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    if all(_is_value(ref, one) for one in places):
        said = f"another value of {names}{more}: it is sent as it is at apply"
        return Moved(ref, How.VALUES, found, False, said, _SENT)
    if all(_stops(leaf) for one in places for leaf in _leaves(*one)):
        return Moved(ref, How.STOPPED, found, False, f"it was stopped on the source ({names})", _MEANT)
    said = f"the plan was made from what it was ({names}{more})"
    return Moved(ref, How.CHANGED, found, True, said, _AGAIN)


def _places(then: Object, now: Object) -> Iterator[Place]:
    """What differs of what rules read and plans hold."""
    was, became = clean(then, _cleaning())[0], clean(now, _cleaning())[0]
    if was != became:
        for one in changed(Ref("", "", "", ""), was, became).fields:
            yield parse(one.path), one.was, one.now
    # Two rules read of a status: whether a Job has done its work, and whether a claim has data.
    if is_complete(then) != is_complete(now):
        yield P("status", "conditions"), _done(then), _done(now)
    phase = P("status", "phase")
    bound = [get(one.body, phase) for one in (then, now)] if then.ref.kind == "PersistentVolumeClaim" else []
    if len(bound) == 2 and bound.count("Bound") == 1:
        yield phase, bound[0], bound[1]


def _done(obj: Object) -> str:
    return "complete" if is_complete(obj) else "not complete"


def _values(ref: Ref, sides: _Sides) -> Iterator[Place]:
    """Values of one size whose hashes differ: what is shown of both is the same."""
    if (ref.group, ref.kind) != ("", "Secret"):
        return
    was, became = (hashes.get(ref, {}) for hashes in sides.hashes)
    for key in sorted(was.keys() & became.keys()):
        one, other = was[key], became[key]
        if one.get("key_id") == other.get("key_id") and one.get("hmac") != other.get("hmac"):
            place = _DATA / key
            yield place, *(get(side[ref].body, place) for side in (sides.then, sides.now))


def _is_value(ref: Ref, place: Place) -> bool:
    path, was, now = place
    here = (ref.group, ref.kind, len(path), path[:1]) == ("", "Secret", 2, _DATA)
    return here and isinstance(was, str) and isinstance(now, str)


def _made_otherwise(then: Object, now: Object, sides: _Sides) -> str:
    """Say whose it is now, where that changed: such as the ServiceAccount default, once a person wrote to it."""
    was = made_by(then, _managed(), sides.then.__contains__)
    became = made_by(now, _managed(), sides.now.__contains__)
    if was is not None and became is None:
        return f"it was left behind ({was[1]}), and now it is yours"
    return f"the plan was made with it, and now it is left behind ({became[1]})" if became and was is None else ""


def _by_controllers(place: Place, then: Object, now: Object, sides: _Sides) -> bool:
    """Tell whether only controllers wrote this, such as an autoscaler the number of replicas, glbc an annotation."""
    path, _, value = place
    ref = now.ref
    if path == _REPLICAS and (ref.group, ref.kind) in SCALED:
        # To 0 is a person's doing: an HPA never does it.
        return bool(value) and (ref.group, ref.kind, ref.namespace, ref.name) in sides.scaled
    if path[0] not in ("metadata", "spec"):
        return False
    leaves = [leaf for leaf, _, _ in _leaves(*place)]
    seen = then if value is MISSING else now
    return all(
        (found := writers(seen.body, leaf)) and all(one in _cleaning().controllers for one in found) for leaf in leaves
    )


def _leaves(path: Path, was: Any, now: Any) -> Iterator[Place]:
    """A mapping that is new counts by what is in it."""
    if isinstance(now, Mapping) and now and was in (MISSING, None):
        for key, value in now.items():
            yield from _leaves(path / str(key), MISSING, value)
    else:
        yield path, was, now


def _stops(place: Place) -> bool:
    path, was, now = place
    return path in _STOPS and _STOPS[path](was, now)


def _facts(then: Snapshot, now: Snapshot) -> tuple[str, ...]:
    """What changed of the cluster itself, where both were told by the same: the plan was checked against the former."""
    was, became = facts_of(then), facts_of(now)
    if was.asked != became.asked or not was.asked:
        return ()
    said: list[str] = []
    for one in fields(was):
        before, after = getattr(was, one.name), getattr(became, one.name)
        if before != after:
            plain = all(isinstance(value, str | bool | None) for value in (before, after))
            said.append(f"{one.name}: {_word(before)} → {_word(after)}" if plain else f"{one.name} differ")
    return tuple(said)


def _word(value: str | bool | None) -> str:
    if isinstance(value, str):
        return value
    return "not known" if value is None else "yes" if value else "no"


@cache
def _cleaning() -> Cleaning:
    return load_cleaning(catalog.text("cleaning.yaml"))


@cache
def _managed() -> Managed:
    return load_managed(catalog.text("managed.yaml"))
