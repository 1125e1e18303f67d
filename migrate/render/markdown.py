"""report.md: the same nine sections, short enough for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from migrate.model.effects import Severity
from migrate.model.plan import Plan, Standing
from migrate.model.ref import Ref
from migrate.render import groups, running, sections, source
from migrate.render.undecided import example_lines
from migrate.render.words import SIGNS, both, by_namespace, number, plural, safe, sentence, sorted_steps

LIMIT = 60_000
_RISKY = re.compile(r"[<>@#&*_\[\]|~`\\]")

# What goes, in this order, until the report fits.
_LEVELS = (
    "",
    "examples by rule",
    "examples by rule and object lists",
    "examples by rule, object lists and cleaned counts",
    "examples by rule, object lists, cleaned counts and details of questions",
)


def report(plan: Plan, *, limit: int = LIMIT, next_commands: Sequence[str] = (), where: str = "report.html") -> str:
    """Write the report below `limit` characters; its last line says what was left out and where it is."""
    text = ""
    for level, gone in enumerate(_LEVELS):
        text = _page(plan, level, next_commands)
        last = f"Left out for length: {gone}. All of it is in {code(where)}.\n" if gone else ""
        if len(text) + len(last) + 1 < limit:
            return f"{text}\n{last}" if last else text
    last = f"\n\nLeft out for length: everything below this point. All of it is in {code(where)}.\n"
    return text[: limit - len(last) - 1].rpartition("\n")[0] + last


def code(text: str) -> str:
    """A code span whose fence is longer than any backtick inside."""
    text = safe(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) or not text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def prose(text: str) -> str:
    """A sentence; words that Markdown or GitHub would act on stand in code spans."""
    out: list[str] = []
    for risky, words in _runs(safe(text).split(" ")):
        out.append(code(" ".join(words)) if risky else " ".join(words))
    return " ".join(out)


def _runs(words: list[str]) -> list[tuple[bool, list[str]]]:
    runs: list[tuple[bool, list[str]]] = []
    for word in words:
        risky = bool(_RISKY.search(word))
        if runs and runs[-1][0] == risky:
            runs[-1][1].append(word)
        else:
            runs.append((risky, [word]))
    return runs


def cell(text: str) -> str:
    """A table cell: the bar would end it, also within a code span."""
    return text.replace("|", "\\|")


def _page(plan: Plan, level: int, commands: Sequence[str]) -> str:
    parts: tuple[Callable[[], list[str]], ...] = (
        lambda: _verdict(plan),
        lambda: _blocks(plan, level),
        lambda: _decide(plan, level),
        lambda: _whole(plan, level),
        lambda: _silent(plan),
        lambda: _changed(plan, level),
        lambda: _stays(plan, level),
        lambda: _unread(plan, level),
        lambda: _next(commands),
    )
    return "\n\n".join("\n".join(part()) for part in parts) + "\n"


def _verdict(plan: Plan) -> list[str]:
    lines = ["## Can this move?", "", f"**{prose(plan.verdict)}**", "", sections.arithmetic(plan) + "."]
    figures = [f"{code(SIGNS[standing])} {text}" for standing, text in sections.standings(plan)]
    if figures:
        lines += ["", " · ".join(figures)]
    waived = sorted({found.rule for found in groups.waived(plan)})
    if waived:
        count = plural(len(groups.waived(plan)), "blocker is", "blockers are")
        lines += ["", f"{count} waived: {', '.join(map(code, waived))}."]
    spaces = plan.counts.get("namespaces", 0)
    if spaces:
        whole = number(plan.counts.get("namespaces_whole", 0))
        lines += ["", f"{whole} of {plural(spaces, 'namespace')} can move whole."]
    head, *reasons = running.lines(plan) or [""]
    lines += ["", prose(head), *([""] if reasons else []), *(f"- {prose(one)}" for one in reasons)] if head else []
    return lines


def _places(refs: Sequence[Ref], level: int) -> str:
    shown = refs[: 3 if level >= 2 else 50]
    spaces = by_namespace(shown).items()
    text = "; ".join(
        f"{code(space or 'cluster')}: {', '.join(code(ref.short) for ref in found)}" for space, found in spaces
    )
    return text + (f" and {number(len(refs) - len(shown))} more" if len(refs) > len(shown) else "")


def _blocks(plan: Plan, level: int) -> list[str]:
    lines = ["## What blocks?", ""]
    reasons = groups.blocks(plan)
    for reason in reasons:
        objects = plural(len(reason.refs), "object") if reason.refs else "the cluster as a whole"
        lines.append(f"- [ ] {code('x')} **{prose(reason.title)}** {code(reason.rule)}, {objects}")
        lines += [f"  - {prose(sentence(message))}" for message in reason.messages[: 3 if level >= 1 else 10]]
        if reason.refs:
            lines.append(f"  - where: {_places(reason.refs, level)}")
        lines += [f"  - do: {prose(sentence(fix))}" for fix in reason.fixes[: 3 if level >= 1 else 10]]
    return lines if reasons else [*lines, "Nothing."]


def _decide(plan: Plan, level: int) -> list[str]:
    lines = ["## What must you decide?", ""]
    asked = [*groups.questions(plan), *groups.questions(plan, blocking=False)]
    for question in asked:
        answers = f", {plural(len(question.answers), 'answer')}" if len(question.answers) > 1 else ""
        later = "" if question.answers[0].blocks else ", has a safe answer, asked before release"
        head = f"{prose(question.titles[0])} {code(question.group)}"
        lines.append(f"- [ ] {head}, {plural(len(question.refs), 'object')}{answers}{later}")
        if level < 4:
            lines += _details(question, level)
    for work in groups.by_hand(plan):
        rule = f" {code(work.rule)}" if work.rule else ""
        lines.append(f"- [ ] {code('@')} by hand: {prose(sentence(work.text))}{rule}")
        lines.append(f"  - where: {_places(work.refs, level)}")
    return lines if len(lines) > 2 else [*lines, "Nothing."]


def _details(question: groups.Question, level: int) -> list[str]:
    lines = ["", "  <details><summary>Where, why, and an example answer</summary>", ""]
    lines += [f"  - {prose(title)}" for title in question.titles[1:]]
    if question.refs:
        lines.append(f"  - where: {_places(question.refs, level)}")
    lines += [f"  - until then: {prose(sentence(until))}" for until in dict.fromkeys(a.until for a in question.answers)]
    example = example_lines(question.answers)
    fence = "`" * max(3, max(len(run) for run in re.findall("`*", "\n".join(example))) + 1)
    lines += ["", f"  {fence}yaml", *(f"  {line}" for line in example), f"  {fence}", "", "  </details>", ""]
    return lines


def _whole(plan: Plan, level: int) -> list[str]:
    found = source.said(plan)
    lines = [f"## {source.QUESTION}", "", f"Source: {prose(sentence(source.known(plan.facts)))}"]
    lines += ["", f"{source.headline(found)}:", ""] if found else []
    shown = found[: 10 if level >= 2 else 50]
    for one in shown:
        sign = code(SIGNS[Standing.LOOK]) + " " if one.severity is not Severity.INFO and not one.waived else ""
        waived = f"; waived: {prose(one.waived)}" if one.waived else ""
        lines.append(f"- {sign}{prose(sentence(one.message))} {code(one.rule)}{waived}")
        lines += [f"  - do: {prose(sentence(one.fix))}"] if one.fix and not one.waived else []
    return [*lines, f"- and {number(len(found) - len(shown))} more"] if len(shown) < len(found) else lines


def _silent(plan: Plan) -> list[str]:
    lines = ["## What differs silently?", ""]
    for one in plan.differences:
        if not one.handled:
            count = f", {plural(len(one.refs), 'object')}" if one.refs else ""
            lines.append(f"- {code('!')} {prose(one.topic)} {code(one.rule)}{count}")
            lines.append(
                f"  - on GKE {prose(one.gke)}; on EKS {prose(sentence(one.eks))} {prose(sentence(one.fix))}".rstrip()
            )
    done = dict.fromkeys(one.rule for one in plan.differences if one.handled)
    if done:
        count = number(sum(1 for one in plan.differences if one.handled))
        lines.append(f"- {count} taken care of: {', '.join(map(code, done))}")
    return lines if len(lines) > 2 else [*lines, "Nothing."]


def _changed(plan: Plan, level: int) -> list[str]:
    headline = sections.changed_headline(plan)
    lines = ["## What changed?", "", headline.partition("; ")[0] if level >= 3 else headline]
    rows = groups.sweeps(plan)
    if rows:
        extra = " example |" if level < 1 else ""
        lines += ["", f"| rule | change | objects | fields |{extra}", f"|---|---|---|---|{'---|' if extra else ''}"]
    for row in rows:
        line = f"| {cell(code(row.rule))} | {cell(prose(row.title))} | {number(len(row.refs))} | {number(row.fields)} |"
        if level < 1:
            before, after = both(row.example.before, row.example.after)
            line += f" {cell(code(str(row.example.path)))}: {cell(code(before))} → {cell(code(after))} |"
        lines.append(line)
    changed = [step for step in plan.steps if step.changes]
    if level < 2 and 0 < len(changed) < 50:
        lines += ["", "| object | standing | fields |", "|---|---|---|"]
        for step in sorted_steps(changed):
            lines.append(
                f"| {cell(code(str(step.ref)))} | {code(SIGNS[step.standing])} | {number(len(step.changes))} |"
            )
    return lines


def _stays(plan: Plan, level: int) -> list[str]:
    lines = ["## What stays behind?", ""]
    rows = [("", *row) for row in groups.behind(plan, Standing.LEFT_BEHIND)]
    rows += [("folded: ", *row) for row in groups.behind(plan, Standing.FOLDED)]
    shown = rows if level < 2 else rows[:20]
    lines += [f"- {label}{plural(len(steps), 'object')}: {prose(sentence(reason))}" for label, reason, steps in shown]
    if len(shown) < len(rows):
        rest = rows[len(shown) :]
        lines.append(f"- and {plural(len(rest), 'more reason')}, {plural(sum(len(row[2]) for row in rest), 'object')}")
    return lines if rows else [*lines, "Nothing."]


def _unread(plan: Plan, level: int) -> list[str]:
    lines = ["## What was not read?", ""]
    if len(plan.left_out) <= (200 if level < 2 else 20):
        for item in plan.left_out:
            place = f"{item.source}:{item.line}" if item.line else item.source
            lines.append(f"- {code(place)}: {prose(sentence(item.reason))} {prose(sentence(item.fix))}".rstrip())
        return lines if plan.left_out else [*lines, "Nothing."]
    reasons: dict[tuple[str, str], int] = {}
    for item in plan.left_out:
        reasons[item.reason, item.fix] = reasons.get((item.reason, item.fix), 0) + 1
    rows = sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))
    return [
        *lines,
        *(f"- {plural(n, 'document')}: {prose(sentence(why))} {prose(sentence(fix))}" for (why, fix), n in rows),
    ]


def _next(commands: Sequence[str]) -> list[str]:
    lines = ["## What next?", ""]
    return [*lines, *(f"- {code(command)}" for command in commands[:3])] if commands else [*lines, "Nothing."]
