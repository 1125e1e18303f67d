"""How the sections group what the plan holds. Shared by the terminal and Markdown, so that they cannot disagree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from migrate.model.effects import Severity
from migrate.model.plan import Change, Finding, Plan, RuleNote, Standing, Step, Undecided
from migrate.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule and all findings of it that are shown together."""

    rule: str
    title: str
    findings: tuple[Finding, ...]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The objects, each once."""
        return unique(found.ref for found in self.findings if found.ref is not None)

    @property
    def messages(self) -> tuple[str, ...]:
        """The consequences, each once."""
        return tuple(dict.fromkeys(found.message for found in self.findings))

    @property
    def fixes(self) -> tuple[str, ...]:
        """The next steps, each once."""
        return tuple(dict.fromkeys(found.fix for found in self.findings if found.fix))


@dataclass(frozen=True, slots=True)
class Question:
    """All open answers of one group."""

    group: str
    answers: tuple[Undecided, ...]

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The objects that wait, each once."""
        return unique(ref for answer in self.answers for ref in answer.refs)

    @property
    def titles(self) -> tuple[str, ...]:
        """The questions as asked, each once."""
        return tuple(dict.fromkeys(answer.question for answer in self.answers))


@dataclass(frozen=True, slots=True)
class Work:
    """Objects that a person rebuilds, by one description."""

    text: str
    rule: str
    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """The same rule's changes over many objects."""

    rule: str
    title: str
    example: Change
    refs: tuple[Ref, ...]
    fields: int


def unique(refs: Iterable[Ref]) -> tuple[Ref, ...]:
    """Each ref once, sorted."""
    return tuple(sorted(set(refs)))


def notes(plan: Plan) -> dict[str, RuleNote]:
    """The rules by id."""
    return {rule.id: rule for rule in plan.rules}


def title(known: dict[str, RuleNote], rule: str) -> str:
    """A rule's title; its id when the plan does not name it."""
    return known[rule].title if rule in known else rule


def blocks(plan: Plan) -> list[Reason]:
    """What blocks, by rule, most objects first."""
    known = notes(plan)
    groups: dict[str, list[Finding]] = {}
    for found in plan.findings:
        if found.severity is Severity.BLOCKER and not found.waived:
            groups.setdefault(found.rule, []).append(found)
    reasons = [Reason(rule, title(known, rule), tuple(found)) for rule, found in groups.items()]
    return sorted(reasons, key=lambda reason: (-len(reason.refs), reason.rule))


def waived(plan: Plan) -> list[Finding]:
    """The blockers that somebody waived."""
    return [found for found in plan.findings if found.severity is Severity.BLOCKER and found.waived]


def questions(plan: Plan, blocking: bool = True) -> list[Question]:
    """Open questions by group, most objects first."""
    groups: dict[str, list[Undecided]] = {}
    for open_answer in plan.undecided:
        if open_answer.blocks is blocking:
            groups.setdefault(open_answer.group, []).append(open_answer)
    found = [Question(group, tuple(answers)) for group, answers in groups.items()]
    return sorted(found, key=lambda question: (-len(question.refs), question.group))


def by_hand(plan: Plan) -> list[Work]:
    """Work without a question, most objects first."""
    found = {f.ref: f for f in plan.findings if f.severity is Severity.DECIDE and not f.decision and f.ref is not None}
    groups: dict[tuple[str, str], list[Ref]] = {}
    for step in plan.steps:
        if step.standing is Standing.BY_HAND:
            finding = found.get(step.ref)
            text = (finding.fix if finding else "") or step.reason or "Rebuild it by hand"
            groups.setdefault((text, finding.rule if finding else ""), []).append(step.ref)
    works = [Work(text, rule, unique(refs)) for (text, rule), refs in groups.items()]
    return sorted(works, key=lambda work: (-len(work.refs), work.rule, work.text))


def sweeps(plan: Plan) -> list[Sweep]:
    """Changes by rule, most objects first."""
    known = notes(plan)
    groups: dict[str, list[tuple[Ref, Change]]] = {}
    for step in plan.steps:
        for change in step.changes:
            groups.setdefault(change.rule, []).append((step.ref, change))
    rows = [
        Sweep(rule, title(known, rule), found[0][1], unique(ref for ref, _ in found), len(found))
        for rule, found in groups.items()
    ]
    return sorted(rows, key=lambda row: (-len(row.refs), row.rule))


# One line for all that Deployments made; `explain` names the very one.
_MAKER = re.compile(r"^(made by|provisioned for) ([A-Za-z][A-Za-z0-9.-]*)/.*", re.DOTALL)


def behind(plan: Plan, standing: Standing) -> list[tuple[str, list[Step]]]:
    """Skipped or folded objects by reason, most first."""
    groups: dict[str, list[Step]] = {}
    for step in plan.steps:
        if step.standing is standing:
            reason = _MAKER.sub(r"\1 a \2", step.reason)
            groups.setdefault(reason or step.cause.value or "no reason given", []).append(step)
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))


def is_small(plan: Plan) -> bool:
    """Under 40 of the user's objects nothing folds but cleaning."""
    return plan.counts.get("yours", 0) < 40
