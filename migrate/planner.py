"""Snapshot + rules + decisions → Plan. Pure: the same input gives the same bytes, offline, without a clock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from migrate.cleaner import Cleaning, clean
from migrate.manifest.settle import Edit, settle
from migrate.manifest.waves import waves
from migrate.model.decided import Decided
from migrate.model.effects import Cause, Create, Effect, Flag, Fold, Manual, Remove, Set, Severity, Skip
from migrate.model.objects import MISSING, Object, Snapshot
from migrate.model.path import P, Path
from migrate.model.plan import Change, Fate, Finding, Plan, RuleNote, Standing, Step
from migrate.model.ref import Ref
from migrate.model.rules import Row, Rule, T
from migrate.rules.sweep import SWEEP_ID, Sweep
from migrate.semantics.differences import differences
from migrate.semantics.owners import Managed, made_by
from migrate.tally import counts, questions, verdict

_CHECK_NAME = "Correct the name, or take the decision out."
PLAN_RULE, OVERRIDE, FACTS = "PLN001", "override", "gke2eksFacts"


class Neighbours:
    """What rules may ask about the rest of the source. All answers come from the cleaned snapshot."""

    def __init__(
        self,
        objects: Sequence[Object],
        stays: Mapping[Ref, object],
        decided: Decided,
        tables: Mapping[str, tuple[Row, ...]],
    ) -> None:
        self._by_ref = {obj.ref: obj for obj in objects}
        self._by_kind: dict[tuple[str, str], list[Object]] = {}
        for obj in objects:
            self._by_kind.setdefault((obj.ref.group, obj.ref.kind), []).append(obj)
        self._stays = stays
        self._decided = decided
        self._tables = tables
        self._once: dict[str, Any] = {}

    @property
    def flavour(self) -> str:
        """`standard` or `auto`."""
        return self._decided.flavour

    def rows(self, table: str) -> tuple[Row, ...]:
        """The rows of a table in mappings/, an overlay's after the bundled ones; 'storage.yaml'."""
        return self._tables.get(table, ())

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` finds, found once for the whole plan and kept under `name`."""
        if name not in self._once:
            self._once[name] = make()
        found: T = self._once[name]
        return found

    def find(self, ref: Ref) -> Object | None:
        """The source object of this identity, or None when it was not read."""
        return self._by_ref.get(ref)

    def all(self, group: str, kind: str) -> tuple[Object, ...]:
        """Every source object of a kind."""
        return tuple(self._by_kind.get((group, kind), ()))

    def answer(self, *key: str) -> Any:
        """The user's answer, or None."""
        return self._decided.answers.get(key)

    def migrates(self, ref: Ref) -> bool:
        """Tell whether this object was read and goes along."""
        return ref in self._by_ref and ref not in self._stays


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything the planner needs besides the snapshot and the decisions."""

    rules: tuple[Rule, ...]
    cleaning: Cleaning
    managed: Managed
    sweep: Sweep
    rows: Mapping[str, tuple[Row, ...]]


def plan(snapshot: Snapshot, tables: Tables, decided: Decided) -> Plan:
    """Decide what each object becomes."""
    refs = {obj.ref for obj in snapshot.objects}
    stays = {obj.ref: skip for obj in snapshot.objects if (skip := _stays(obj, tables, refs, decided))}
    known = Neighbours(snapshot.objects, stays, decided, tables.rows)
    by_kind: dict[tuple[str, str], list[Rule]] = {}
    steps: list[Step] = []
    flags: list[tuple[Ref | None, str, Flag]] = []
    created: dict[Ref, tuple[str, Create]] = {}
    for obj in snapshot.objects:
        if obj.ref in stays:
            steps.append(_skipped(obj, stays[obj.ref]))
            continue
        kind = (obj.ref.group, obj.ref.kind)
        if kind not in by_kind:
            by_kind[kind] = [rule for rule in tables.rules if not rule.kinds or kind in rule.kinds]
        wishes = [(rule.id, effect) for rule in by_kind[kind] for effect in rule.effects(obj, known)]
        steps.append(_step(obj, wishes, tables, decided, flags))
        _collect(wishes, created, flags, known)
    steps += [_created(rule, create) for rule, create in created.values()]
    flags += _duplicates(snapshot) + _fits_nothing(decided, refs, tables)
    return _whole(snapshot, steps, flags, tables, decided)


def _stays(obj: Object, tables: Tables, refs: set[Ref], decided: Decided) -> Skip | None:
    made = made_by(obj, tables.managed, refs.__contains__)
    if made is not None:
        return Skip(*made)
    text = str(obj.ref)
    if text in decided.exclude:
        return Skip(Cause.EXCLUDED, "excluded in the decisions file")
    if decided.namespaces and obj.ref.namespace and obj.ref.namespace not in decided.namespaces:
        return Skip(Cause.EXCLUDED, "outside the namespaces selected in the decisions file")
    return None


def _skipped(obj: Object, skip: Skip) -> Step:
    return Step(obj.ref, obj.version, Fate.SKIP, skip.cause, Standing.LEFT_BEHIND, skip.reason, None, None, (), ())


def _step(
    obj: Object,
    wishes: list[tuple[str, Effect]],
    tables: Tables,
    decided: Decided,
    flags: list[tuple[Ref | None, str, Flag]],
) -> Step:
    body, cleaned = clean(obj, tables.cleaning)
    if FACTS in body:
        body = {key: value for key, value in body.items() if key != FACTS}
    edits: list[Edit] = [(rule, effect) for rule, effect in wishes if isinstance(effect, (Set, Remove))]
    settled = settle(body, edits)
    flags += [(obj.ref, PLAN_RULE, _conflict(path, said)) for path, said in settled.conflicts]
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
    return Step(obj.ref, obj.version, fate, cause, Standing.READY, reason, into, kept, changes, cleaned)


def _fate(wishes: list[tuple[str, Effect]]) -> tuple[Fate, Cause, str, Ref | None]:
    for _, effect in sorted(wishes, key=lambda w: w[0]):
        if isinstance(effect, Skip):
            return Fate.SKIP, effect.cause, effect.reason, None
        if isinstance(effect, Fold):
            return Fate.FOLD, Cause.RULE, effect.because, effect.into
        if isinstance(effect, Manual):
            return Fate.MANUAL, Cause.RULE, effect.reason, None
    return Fate.MIGRATE, Cause.NONE, "", None


def _conflict(path: Path, said: str) -> Flag:
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
    flags: list[tuple[Ref | None, str, Flag]],
) -> tuple[Any, tuple[Change, ...]]:
    for wish in decided.overrides:
        if wish.ref != str(ref):
            continue
        edit: Set | Remove = Set(wish.path, wish.value, f"{wish.reason} ({wish.where})")
        if wish.value is MISSING:
            edit = Remove(wish.path, f"{wish.reason} ({wish.where})")
        settled = settle(body, [(OVERRIDE, edit)])
        body, changes = settled.body, changes + settled.changes
        flags += [(ref, OVERRIDE, _conflict(path, said)) for path, said in settled.conflicts]
    return body, changes


def _collect(
    wishes: list[tuple[str, Effect]],
    created: dict[Ref, tuple[str, Create]],
    flags: list[tuple[Ref | None, str, Flag]],
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
            flags.append((ref, PLAN_RULE, _conflict(P(), "two rules create different objects of this name")))
        else:
            created.setdefault(ref, (rule, effect))


def _created(rule: str, create: Create) -> Step:
    obj = create.object
    change = Change(rule, P(), MISSING, obj.body, create.because)
    return Step(
        obj.ref, obj.version, Fate.CREATE, Cause.RULE, Standing.NEW, create.because, None, obj.body, (change,), ()
    )


def _duplicates(snapshot: Snapshot) -> list[tuple[Ref | None, str, Flag]]:
    return [
        (
            ref,
            PLAN_RULE,
            Flag(
                P(),
                f"Two different bodies were read: {first} and {second}. The first one is planned.",
                "Leave one of them out.",
                Severity.REVIEW,
            ),
        )
        for ref, first, second in snapshot.duplicates
    ]


def _fits_nothing(decided: Decided, refs: set[Ref], tables: Tables) -> list[tuple[Ref | None, str, Flag]]:
    """A decision that does nothing is a typing mistake more often than not."""
    names = {str(ref) for ref in refs}
    rules = {rule.id for rule in tables.rules}
    said = [(w.where, f"an override of {w.ref}") for w in decided.overrides if w.ref not in names]
    said += [(w.where, f"a waiver of {w.rule}, which is no rule") for w in decided.waivers if w.rule not in rules]
    said += [(w.where, f"a waiver for {w.ref}") for w in decided.waivers if w.ref and w.ref not in names]
    said += [("gke2eks.yaml", f"an exclusion of {text}") for text in decided.exclude if text not in names]
    return [
        (None, PLAN_RULE, Flag(P(), f"This decision fits nothing that was read: {what} ({where}).", _CHECK_NAME))
        for where, what in said
    ]


def _whole(
    snapshot: Snapshot,
    steps: list[Step],
    flags: list[tuple[Ref | None, str, Flag]],
    tables: Tables,
    decided: Decided,
) -> Plan:
    rules = {rule.id: rule for rule in tables.rules}
    found = _findings(flags, rules, decided)
    steps = sorted(
        (replace(step, standing=_standing(step, found.get(step.ref, ()))) for step in steps), key=lambda step: step.ref
    )
    asked = questions(flags)
    findings = tuple(sorted((f for fs in found.values() for f in fs), key=_finding_order))
    going = [step.ref for step in steps if step.body is not None]
    gone = set(going)
    used = {c.rule for s in steps for c in s.changes} | {f.rule for f in findings}
    figures = counts(snapshot, steps) | {"unjudged": sum(f.rule == SWEEP_ID for f in findings)}
    shown = Plan(
        flavour=decided.flavour,
        source_name=decided.source_name or snapshot.name,
        read_at=snapshot.read_at,
        verdict=verdict(figures, sum(q.blocks for q in asked), bool(snapshot.left_out)),
        counts=figures,
        steps=tuple(steps),
        findings=findings,
        left_out=snapshot.left_out,
        undecided=asked,
        differences=differences((obj for obj in snapshot.objects if obj.ref in gone), decided.flavour),
        rules=tuple(RuleNote(r.id, r.title, r.area, r.severity, r.do, r.docs) for r in tables.rules if r.id in used),
        waves=waves(going),
        digest="",
    )
    return replace(shown, digest=digest(shown))


def digest(shown: Plan) -> str:
    """Hash what apply would do: each object's identity, fate and body. 'sha256:…'."""
    found = hashlib.sha256(shown.flavour.encode())
    for step in shown.steps:
        line = [str(step.ref), step.ref.group, step.version, step.fate.value, step.body]
        found.update(orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS))
    return f"sha256:{found.hexdigest()}"


def _findings(
    flags: list[tuple[Ref | None, str, Flag]], rules: Mapping[str, Rule], decided: Decided
) -> dict[Ref | None, tuple[Finding, ...]]:
    found: dict[Ref | None, dict[tuple[str, str, str], Finding]] = {}
    for ref, rule_id, flag in flags:
        rule = rules.get(rule_id)
        waiver = next((w for w in decided.waivers if w.rule == rule_id and w.ref in ("", str(ref))), None)
        finding = Finding(
            rule=rule_id,
            severity=flag.severity or (rule.severity if rule else Severity.REVIEW),
            ref=ref,
            path=flag.path,
            message=flag.message,
            fix=flag.fix,
            docs=rule.docs if rule else "",
            decision=flag.question.name if flag.question else "",
            already=flag.already,
            waived=f"{waiver.reason} ({waiver.where})" if waiver else "",
        )
        found.setdefault(ref, {})[(rule_id, str(flag.path), flag.message)] = finding
    return {ref: tuple(sorted(fs.values(), key=_finding_order)) for ref, fs in found.items()}


def _finding_order(f: Finding) -> tuple[int, str, str, str, str]:
    return (-f.severity.rank, str(f.ref or ""), f.rule, str(f.path), f.message)


def _standing(step: Step, findings: Sequence[Finding]) -> Standing:
    live = [f.severity for f in findings if not f.waived]
    if step.fate in (Fate.SKIP, Fate.FOLD, Fate.CREATE):
        return {Fate.SKIP: Standing.LEFT_BEHIND, Fate.FOLD: Standing.FOLDED, Fate.CREATE: Standing.NEW}[step.fate]
    if Severity.BLOCKER in live:
        return Standing.BLOCKED
    if any(f.severity is Severity.DECIDE and f.decision and not f.waived for f in findings):
        return Standing.WAIT
    if step.fate is Fate.MANUAL:
        return Standing.BY_HAND
    return Standing.LOOK if Severity.REVIEW in live or Severity.DECIDE in live else Standing.READY
