"""The class of each difference between what apply would leave on the target and what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from migrate.differ.classes_meanings import harmless, leaves, only_controllers, runs_otherwise
from migrate.differ.classes_tables import (
    controllers,
    default,
    named,
    place,
    runtime_place,
    token_of_account,
)
from migrate.differ.classes_words import APPLY, apply_again, leaving, masked, woken
from migrate.differ.owners import Owners, Writer, first, others, owners
from migrate.manifest.places import get
from migrate.model.comparison import Class, Delta, Owner
from migrate.model.objects import MISSING, Body
from migrate.model.path import P, Path
from migrate.model.plan import Step
from migrate.semantics.holding import MARK, REPLICAS, State, originals, state
from migrate.semantics.holding_release import KEEPER, OURS

Same = Callable[[Path, Any, Any], bool]
_HELD = "held: only release starts it"
_ADMITTED = "nobody owns it: an admission webhook or policy put it there"
_FIND = "see which webhook or policy adds it; if it is meant, plan it by an override."
_NAME, _NAME_LABEL = P("metadata", "name"), P("metadata", "labels", "kubernetes.io/metadata.name")
_FINALIZERS = ("metadata", "finalizers")
_LABELS = ("metadata", "labels")
_MAPS = (("metadata", "annotations"), _LABELS)


class Raw(Protocol):
    """One difference of two bodies; MISSING on the side that has nothing there."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def planned(self) -> Any:
        """What apply would leave there."""

    @property
    def target(self) -> Any:
        """What is there."""


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    planned: Any
    target: Any


@dataclass(frozen=True, slots=True)
class _Verdict:
    kind: Class
    because: str
    owner: Owner | None = None
    ours: bool = False
    fix: str = ""


def classify(step: Step, source: Body | None, wanted: Body, live: Body, raw: Raw, *, scaled: bool = False) -> Delta:
    """Give one difference of `wanted` and `live` its class, the worst where its parts have several.

    `scaled`: an autoscaler owns its replicas, also where the plan says none.
    """
    parts = list(classes(step, source, wanted, live, (raw,), scaled=scaled))
    worst = min(parts, key=lambda one: _WORST.index(one.kind))
    if len(parts) == 1:
        return worst
    ours = _Verdict(worst.kind, worst.because, worst.owner, worst.owner is not None and worst.owner.manager == OURS)
    return _delta(step, source, _Part(raw.path, raw.planned, raw.target), ours)


_WORST = (Class.UNEXPECTED, Class.RUNTIME, Class.DEFAULTED)


def classes(
    step: Step,
    source: Body | None,
    wanted: Body,
    live: Body,
    raws: Iterable[Raw],
    *,
    scaled: bool = False,
    off: bool = False,
    again: Sequence[str] = APPLY,
) -> Iterator[Delta]:
    """Give each difference its class, or each of its parts. `off`: its autoscaler takes 0 replicas for off."""
    look = _Look(step, wanted, live, scaled=scaled, off=off)
    for raw in raws:
        for part, verdict in look.parts(_Part(raw.path, raw.planned, raw.target)):
            yield _delta(step, source, part, verdict, again)


def expected(step: Step, source: Body | None, live: Body, same: Same | None = None) -> Iterator[Delta]:
    """One delta for each change of the plan that the target shows: a value that is there, or a field that is gone.

    `same` says whether two values mean the same; without it they must be equal, True and 1 are not.
    """
    for change in step.changes:
        there = get(live, change.path)
        if _shows(change.path, change.after, there, same or _strict):
            yield Delta(
                Class.EXPECTED,
                step.ref,
                change.path,
                source=masked(step.ref, change.path, change.before),
                planned=masked(step.ref, change.path, change.after),
                target=masked(step.ref, change.path, there),
                rule=change.rule,
                because=change.because,
            )


def held_deltas(step: Step, wanted: Body, live: Body | None) -> Iterator[Delta]:
    """One delta for each field that lies inert as apply would leave it; `planned` is what runs at release."""
    if live is None or state(wanted) is not State.HELD:
        return
    for path, planned in (*((one.path, one.value) for one in originals(wanted) or ()), (MARK, MISSING)):
        there = get(live, path)
        if _strict(path, get(wanted, path), there):
            yield Delta(Class.HELD, step.ref, path, planned=planned, target=there, because=_HELD)


def _strict(_: Path, one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _shows(path: Path, after: Any, there: Any, same: Same) -> bool:
    """Whether the target has the planned value; what a server added inside it is no matter."""
    if isinstance(after, Mapping) and isinstance(there, Mapping):
        return all(_shows(path / key, one, there.get(key, MISSING), same) for key, one in after.items())
    if isinstance(after, list) and isinstance(there, list) and len(after) == len(there):
        pairs = enumerate(zip(after, there, strict=True))
        return all(_shows(path / n, one, other, same) for n, (one, other) in pairs)
    return same(path, after, there)


def _delta(step: Step, source: Body | None, part: _Part, verdict: _Verdict, again: Sequence[str] = APPLY) -> Delta:
    said = get(source, part.path) if source is not None else MISSING
    found = Delta(
        verdict.kind,
        step.ref,
        part.path,
        source=masked(step.ref, part.path, said),
        planned=masked(step.ref, part.path, part.planned),
        target=masked(step.ref, part.path, part.target),
        owner=verdict.owner,
        because=verdict.because,
    )
    if verdict.kind is not Class.UNEXPECTED:
        return found
    return replace(found, fix=verdict.fix or apply_again(found, ours=verdict.ours, again=again))


class _Look:
    """What all differences of one object are judged by."""

    def __init__(self, step: Step, wanted: Body, live: Body, *, scaled: bool, off: bool) -> None:
        self.step, self.wanted, self.live, self.off = step, wanted, live, off
        # What the plan says and apply leaves out is its autoscaler's.
        self.scaled = scaled or (get(wanted, REPLICAS) is MISSING and get(step.body, REPLICAS) is not MISSING)
        self.kind = named(step.ref.group, step.ref.kind)
        self.owners: Owners = owners(live)

    def parts(self, part: _Part) -> list[tuple[_Part, _Verdict]]:
        """One verdict, or one for each smallest part where one would not be true of all."""
        if part.planned is MISSING:
            token = self.kind == "Pod" and token_of_account(part.target)
            more = self.owners.known and runs_otherwise(self.kind, place(part.path))
            if (token or more) and not self.owners.writers(part.path):
                filled = _Verdict(Class.DEFAULTED, "the API server fills it in")
                return [(part, filled if token else _Verdict(Class.UNEXPECTED, _ADMITTED, fix=_FIND))]
        inner = _inner(part) if part.planned is MISSING else ()
        if not inner or runtime_place(self.kind, place(part.path)):
            return [(part, self.verdict(part))]
        found = [one for each in inner for one in self.parts(each)]
        kinds = {verdict.kind for _, verdict in found}
        whole = tuple(part.path) not in _MAPS and kinds <= {Class.UNEXPECTED, Class.DEFAULTED}
        if len(kinds) == 1 and len({verdict.owner and verdict.owner.manager for _, verdict in found}) == 1:
            return [(part, found[0][1])]
        if not whole:
            return found
        worst = [verdict for _, verdict in found if verdict.kind is Class.UNEXPECTED]
        return [(part, (worst or [found[0][1]])[0])]

    def verdict(self, part: _Part) -> _Verdict:
        """Judge one value, or one list."""
        at = place(part.path)
        if leaves(at):
            because = "it was deleted, and will be gone when its finalizers are"
            return _Verdict(Class.UNEXPECTED, because, fix=leaving(self.step))
        if runtime_place(self.kind, at, planned=part.planned is not MISSING):
            writers = self.owners.writers(part.path)
            return _Verdict(Class.RUNTIME, "the server or a controller keeps it", first(writers))
        if at[:1] == ("rules",) and get(self.wanted, ("aggregationRule",)) is not MISSING:
            return _Verdict(Class.RUNTIME, "gathered from other roles", self._owner(part))
        if at[:2] == _FINALIZERS and only_controllers(part.planned, part.target):
            return _Verdict(Class.RUNTIME, "a controller waits for its own work by it", self._owner(part))
        writers = self.owners.writers(part.path)
        if because := harmless(self.wanted, at, part.planned, part.target):
            return _Verdict(Class.RUNTIME, because, first(writers))
        if self.scaled and part.path == REPLICAS and part.planned is MISSING:
            planned = get(self.step.body, REPLICAS)
            if self.off and part.target == 0 and planned != 0:
                because = "0 replicas turn its autoscaler off"
                return _Verdict(Class.UNEXPECTED, because, first(writers), fix=woken(self.step, planned))
            return _Verdict(Class.RUNTIME, "its autoscaler says how many replicas", first(writers))
        found = next((one for one in writers if one.manager in controllers()), None)
        if found is not None:
            who = "handed over to its autoscaler" if found.manager == KEEPER else f"written by {found.manager}"
            return _Verdict(Class.RUNTIME, who, found.owner)
        if self._copied(part):
            return _Verdict(Class.DEFAULTED, "the API server copies it from another field")
        if part.planned is MISSING:
            return self._added(part, at, writers)
        return self._changed(part, writers)

    def _owner(self, part: _Part) -> Owner | None:
        return first(self.owners.writers(part.path))

    def _copied(self, part: _Part) -> bool:
        """Whether servers copy it from another field, for whoever made the object: the old name of a pod's account, and
        the name of a Namespace, which is a label, too."""
        if part.path[-1:] == ("serviceAccount",):
            return bool(get(self.live, Path((*part.path[:-1], "serviceAccountName"))) == part.target)
        return part.path == _NAME_LABEL and self.kind == "Namespace" and part.target == get(self.live, _NAME)

    def _added(self, part: _Part, at: tuple[str, ...], writers: tuple[Writer, ...]) -> _Verdict:
        filled = default(self.kind, at, part.target)
        if filled:
            return _Verdict(Class.DEFAULTED, "the API server's default")
        if part.path == REPLICAS and not writers:
            # The API server notes no owner for a scale of replicas that nobody owned.
            return _Verdict(Class.UNEXPECTED, "somebody scaled it; the target does not say who", ours=True)
        nobody = self.owners.known and (not writers or self._inside_ours(part.path, writers))
        if filled is None and (nobody or not self.owners.known or all(one.above for one in writers)):
            return _Verdict(Class.DEFAULTED, "the API server chose it")
        if nobody:
            return _Verdict(Class.DEFAULTED, "nobody owns it: the API server or its admission filled it in")
        if not self.owners.known and self._from_template(part):
            return _Verdict(Class.DEFAULTED, "the API server fills it in")
        if not writers:
            return _Verdict(Class.UNEXPECTED, "it is not planned, and the target does not say who wrote it")
        if all(one.manager == OURS for one in writers):
            why = "we put it there, and the plan has it no more"
            return _Verdict(Class.UNEXPECTED, why, first(writers), ours=True)
        return _Verdict(Class.UNEXPECTED, f"added by {others(writers)[0].manager}", first(others(writers)))

    def _changed(self, part: _Part, writers: tuple[Writer, ...]) -> _Verdict:
        if part.target is MISSING:
            who = others(writers)
            return _Verdict(Class.UNEXPECTED, "it is planned, and not on the target", first(who), ours=not who)
        if not writers:
            why = "another value than planned; the target does not say who wrote it"
            return _Verdict(Class.UNEXPECTED, why)
        theirs = others(writers)
        if theirs:
            return _Verdict(Class.UNEXPECTED, f"written by {theirs[0].manager}", first(theirs))
        why = "we own it with another value: the plan changed since, or an admission webhook rewrote it"
        return _Verdict(Class.UNEXPECTED, why, first(writers), ours=True)

    def _inside_ours(self, path: Path, writers: tuple[Writer, ...]) -> bool:
        """Whether we own only an empty map that it is in: what is in it now is not what we sent."""
        if not all(one.manager == OURS and one.above for one in writers):
            return False
        above = (get(self.wanted, path[:n]) for n in range(len(path) - 1, 0, -1))
        nearest = next((one for one in above if one is not MISSING), MISSING)
        return isinstance(nearest, Mapping) and not nearest

    def _from_template(self, part: _Part) -> bool:
        """Whether it is a label or selector that is taken from the pods of a Job or ReplicationController."""
        if self.kind not in ("Job.batch", "ReplicationController") or len(part.path) != len(_LABELS) + 1:
            return False
        said = get(self.live, ("spec", "template", "metadata", "labels", part.path[-1]))
        return part.path[:2] in (_LABELS, ("spec", "selector")) and bool(said == part.target)


def _inner(part: _Part) -> list[_Part]:
    """The parts of a value that is only on the target; none of a scalar, an empty value, or a list of scalars."""
    value = part.target
    if isinstance(value, Mapping):
        return [_Part(part.path / str(key), MISSING, one) for key, one in value.items()]
    if isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        return [_Part(part.path / n, MISSING, one) for n, one in enumerate(value)]
    return []
