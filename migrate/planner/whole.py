"""The plan as one value: findings, standings, figures, digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from migrate.manifest.waves import waves
from migrate.model.decided import Decided
from migrate.model.effects import Flag, Severity
from migrate.model.facts import Facts
from migrate.model.objects import Snapshot
from migrate.model.path import P
from migrate.model.plan import Fate, Finding, Plan, RuleNote, Standing, Step
from migrate.model.ref import Ref
from migrate.model.rules import Rule
from migrate.planner.given import Tables
from migrate.planner.steps import PLAN_RULE, Flags
from migrate.rules.sweep import SWEEP_ID
from migrate.semantics.differences import differences
from migrate.tally import counts, questions, verdict

_NAMED = 10  # changes of one kind
_CHECK_NAME = "Correct the name, or take the decision out."


def duplicates(snapshot: Snapshot) -> Flags:
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


def unread(snapshot: Snapshot) -> Flags:
    """Say which kinds of the cluster this plan knows nothing of."""
    found: Flags = [
        (
            None,
            PLAN_RULE,
            Flag(
                P(),
                f"{one.kind} was not read ({one.outcome.value}), so nothing is planned for it: {one.why}.",
                "Get the right to list it and export again, or move these objects by hand.",
                Severity.REVIEW,
            ),
        )
        for one in snapshot.listings
        if one.missing
    ]
    wished = [one.kind for one in snapshot.listings if one.by_request]
    if wished:
        names = ", ".join(sorted(map(str, wished)))
        said = f"Not read, as asked: {names}. Nothing is planned for these, and what refers to them is not checked."
        fix = "Nothing, when they are moved in another way; else export them, too."
        found.append((None, PLAN_RULE, Flag(P(), said, fix, Severity.INFO)))
    return found


def meanwhile(snapshot: Snapshot) -> Flags:
    """Say what changed on the source while it was read: each list is right by itself, two may not fit together."""
    found: Flags = []
    for one in snapshot.listings:
        if one.changed:
            more = f" and {len(one.changed) - _NAMED:,} more" if len(one.changed) > _NAMED else ""
            said = f"{one.kind}: {', '.join(one.changed[:_NAMED])}{more}, while the export ran."
            fix = "Export again in a quiet moment: what was read of this kind may not fit what was read of others."
            found.append((None, PLAN_RULE, Flag(P(), said, fix, Severity.REVIEW)))
    for why in sorted({one.unseen for one in snapshot.listings if one.unseen}):
        names = ", ".join(sorted(str(one.kind) for one in snapshot.listings if one.unseen == why))
        said = f"Nobody could tell whether these changed while the export ran: {names} ({why})."
        fix = "Export again in a quiet moment if they matter and may have changed."
        found.append((None, PLAN_RULE, Flag(P(), said, fix, Severity.INFO)))
    return found


def fits_nothing(decided: Decided, refs: set[Ref], tables: Tables) -> Flags:
    """A decision that does nothing is a typing mistake more often than not."""
    names = {str(ref) for ref in refs}
    rules = {rule.id for rule in tables.rules}
    said = [(w.where, f"an override of {w.ref}") for w in decided.overrides if w.ref not in names]
    said += [(w.where, f"a waiver of {w.rule}, which is no rule") for w in decided.waivers if w.rule not in rules]
    said += [(w.where, f"a waiver for {w.ref}") for w in decided.waivers if w.ref and w.ref not in names]
    select = decided.select
    said += [("select", f"an exclusion of {one.text}") for one in select.exclude if not any(map(one.matches, refs))]
    said += [("select", f"only {one.text}") for one in select.only if not any(map(one.matches, refs))]
    said += [("select", f"the kind {one.text}") for one in select.kinds if not any(map(one.matches, refs))]
    runs = [key for key in decided.answers if key[0] == "runs" and ".".join(key[1:]) not in names]
    said += [("runs", f"where {'.'.join(key[1:])} runs") for key in sorted(runs)]
    return [
        (None, PLAN_RULE, Flag(P(), f"This decision fits nothing that was read: {what} ({where}).", _CHECK_NAME))
        for where, what in said
    ]


def whole(
    snapshot: Snapshot,
    steps: list[Step],
    flags: Flags,
    tables: Tables,
    decided: Decided,
    facts: Facts,
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
    # Findings without an object are in no standing: they are counted here, so that the verdict knows them.
    general = [f.severity for f in findings if f.ref is None and not f.waived]
    figures = counts(snapshot, steps) | {
        "unjudged": sum(f.rule == SWEEP_ID for f in findings),
        "cluster_blocked": general.count(Severity.BLOCKER),
        "cluster_look": general.count(Severity.REVIEW) + general.count(Severity.DECIDE),
    }
    figures |= {f"runs_{how}": sum(step.runs == how for step in steps) for how in ("held", "both")}
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
        facts=facts,
    )
    return replace(shown, digest=digest(shown))


def digest(shown: Plan) -> str:
    """Hash what apply would do: each object's identity, fate and body. 'sha256:…'."""
    found = hashlib.sha256(shown.flavour.encode())
    for step in shown.steps:
        line: list[Any] = [str(step.ref), step.ref.group, step.version, step.fate.value, step.body]
        line += [[str(one.path), one.name, one.argument] for one in step.transforms]
        line += [step.runs] if step.runs else []
        found.update(orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS))
    return f"sha256:{found.hexdigest()}"


def _findings(flags: Flags, rules: Mapping[str, Rule], decided: Decided) -> dict[Ref | None, tuple[Finding, ...]]:
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
