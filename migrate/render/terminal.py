"""What a terminal shows: the summary of a plan. The other pages are re-exported from here."""

from __future__ import annotations

from collections.abc import Sequence

from migrate.model.plan import Plan, Standing
from migrate.model.ref import Ref
from migrate.render import groups, sections, source
from migrate.render.explain import explain
from migrate.render.ink import Paper, strip
from migrate.render.pages import error_text, rule_page, rules_list
from migrate.render.undecided import example_lines
from migrate.render.words import by_namespace, plural, safe, sentence, short

__all__ = ["error_text", "explain", "rule_page", "rules_list", "strip", "summary"]


def summary(
    plan: Plan,
    *,
    width: int,
    color: bool,
    unicode: bool,
    files: Sequence[str],
    next_commands: Sequence[str],
    workspace: str,
    exit_line: str = "",
) -> str:
    """The nine sections, none ever dropped. Under 40 of the user's objects nothing folds but cleaning."""
    paper = Paper(width, color, unicode)
    small = groups.is_small(plan)
    sections.verdict(paper, plan)
    _blocks(paper, plan, small)
    _decide(paper, plan, small, workspace)
    source.section(paper, plan)
    sections.silent(paper, plan)
    sections.changed(paper, plan, small)
    sections.stays(paper, plan)
    sections.unread(paper, plan)
    _next(paper, plan, next_commands, workspace)
    if files:
        more = f"   (also {', '.join(safe(name) for name in files[1:])})" if files[1:] else ""
        paper.add(f"Report: {safe(files[0])}{more}")
    if exit_line:
        paper.add(safe(exit_line))
    return paper.text()


def _places(paper: Paper, refs: Sequence[Ref], indent: int, fold: bool) -> None:
    shown = refs[:3] if fold and len(refs) > 4 else refs
    for namespace, found in by_namespace(shown).items():
        paper.add(", ".join(short(ref) for ref in found), indent, lead=f"{safe(namespace) or 'cluster'}: ")
    if len(shown) < len(refs):
        paper.add(f"and {len(refs) - len(shown):,} more", indent)


def _blocks(paper: Paper, plan: Plan, small: bool) -> None:
    reasons = groups.blocks(plan)
    if not reasons:
        paper.heading("What blocks?", "Nothing.")
    else:
        count = plural(plan.counts.get("blocked", 0), "object")
        paper.heading("What blocks?", f"{plural(len(reasons), 'reason')}, {count}")
    for reason in reasons:
        one = f" {sentence(reason.messages[0])}" if len(reason.messages) == 1 else ""
        paper.add(sentence(reason.title) + one, 2, paper.sign(Standing.BLOCKED) + " ", safe(reason.rule))
        if reason.refs:
            spaces = plural(len({ref.namespace for ref in reason.refs}), "namespace")
            paper.add(f"{plural(len(reason.refs), 'object')} in {spaces}", 6)
            _places(paper, reason.refs, 8, fold=not small)
        else:
            paper.add("the cluster as a whole", 6)
        if not one:
            for message in reason.messages if small else reason.messages[:3]:
                paper.add(sentence(message), 6)
        _fixes(paper, reason, small)


def _fixes(paper: Paper, reason: groups.Reason, small: bool) -> None:
    fixes = reason.fixes if small else reason.fixes[:3]
    for fix in fixes:
        paper.add(sentence(fix), 6, "do    ")
    if len(fixes) < len(reason.fixes):
        paper.add(f"and {plural(len(reason.fixes) - len(fixes), 'more next step')}, in the report", 12)


def _decide(paper: Paper, plan: Plan, small: bool, workspace: str) -> None:
    asked, later, work = groups.questions(plan), groups.questions(plan, blocking=False), groups.by_hand(plan)
    parts = []
    if asked:
        parts.append(plural(len(asked), "question"))
        answers = sum(len(question.answers) for question in asked)
        if answers != len(asked):
            parts.append(plural(answers, "answer"))
    if later:
        parts.append(f"{plural(len(later), 'question')} with a safe answer, before release")
    if work:
        parts.append(f"{plural(plan.counts.get('by_hand', 0), 'object')} by hand")
    paper.heading("What must you decide?", ", ".join(parts) or "Nothing.")
    for at, question in enumerate([*asked, *later], 1):
        if small:
            _question(paper, question)
        else:
            _question_line(paper, question, at)
    for item in work:
        paper.add(sentence(item.text), 2, paper.sign(Standing.BY_HAND) + " ", safe(item.rule))
        _places(paper, item.refs, 6, fold=not small)
    if plan.undecided and not small:
        paper.add(f"Where, why and an example answer for each: {safe(workspace)}/gke2eks.undecided.yaml", 2)


def _question_line(paper: Paper, question: groups.Question, at: int) -> None:
    more = f" ({len(question.answers)} answers)" if len(question.answers) > 1 else ""
    tail = f"{plural(len(question.refs), 'object')}  {safe(question.group)}{more}"
    paper.add(safe(question.titles[0]), 2, f"{_mark(paper, question)} {at:>2} ", tail)


def _mark(paper: Paper, question: groups.Question) -> str:
    return paper.sign(Standing.WAIT if question.answers[0].blocks else Standing.READY)


def _question(paper: Paper, question: groups.Question) -> None:
    sign = _mark(paper, question)
    for title in question.titles:
        paper.add(safe(title), 2, sign + " ", safe(question.group))
        answers = tuple(answer for answer in question.answers if answer.question == title)
        refs = groups.unique(ref for answer in answers for ref in answer.refs)
        label = "where       "
        for namespace, found in by_namespace(refs).items():
            paper.add(", ".join(short(ref) for ref in found), 6, f"{label}{safe(namespace) or 'cluster'}: ")
            label = " " * len(label)
        if not refs and answers[0].where:
            paper.add(safe(answers[0].where), 6, label)
        for until in dict.fromkeys(answer.until for answer in answers):
            paper.add(sentence(until), 6, "until then  ")
        paper.block(example_lines(answers), 6, "answer      ")


def _next(paper: Paper, plan: Plan, commands: Sequence[str], workspace: str) -> None:
    paper.heading("What next?", "" if commands or plan.undecided else "Nothing.")
    if plan.undecided:
        folder = safe(workspace).rstrip("/")
        then = ", then:" if commands else "."
        paper.add(f"Fill in {folder}/gke2eks.undecided.yaml, move the answers into {folder}/gke2eks.yaml{then}", 2)
    paper.block([safe(command) for command in commands[:3]], 4)
