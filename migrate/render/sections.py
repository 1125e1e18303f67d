"""Sections of the terminal summary that need no more than the plan."""

from __future__ import annotations

from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.render import groups, running
from migrate.render.ink import Paper
from migrate.render.words import ORDER, WORDS, number, plural, safe, sentence, short, sorted_steps

_SHOWN = (
    (Standing.READY, "ready", "ready"),
    (Standing.LOOK, "look", "look"),
    (Standing.WAIT, "waits for an answer", "wait"),
    (Standing.BY_HAND, "by hand", "by hand"),
    (Standing.BLOCKED, "blocked", "blocked"),
    (Standing.FOLDED, "folded", "folded"),
)


def arithmetic(plan: Plan) -> str:
    """'14 objects read = 9 yours + 5 made by GKE or Kubernetes; 1 new one is added'."""
    counts = plan.counts
    objects, yours = counts.get("objects", 0), counts.get("yours", 0)
    text = f"{plural(objects, 'object')} read = {number(yours)} yours + {number(objects - yours)}"
    text += " made by GKE or Kubernetes"
    created = counts.get("created", 0) or counts.get("create", 0)
    return text + (f"; {plural(created, 'new one is', 'new ones are')} added" if created else "")


def standings(plan: Plan) -> list[tuple[Standing, str]]:
    """The user's objects by standing; zero is left out."""
    found = []
    for standing, one, many in _SHOWN:
        count = plan.counts.get(standing.value, 0)
        if count:
            found.append((standing, f"{number(count)} {one if count == 1 else many}"))
    return found


def verdict(paper: Paper, plan: Plan) -> None:
    """Can this move?"""
    paper.heading("Can this move?", safe(plan.verdict))
    paper.add(arithmetic(plan), 2)
    figures = [f"{paper.sign(standing)} {text}" for standing, text in standings(plan)]
    if figures:
        paper.add("   ".join(figures), 2)
    waived = sorted({finding.rule for finding in groups.waived(plan)})
    if waived:
        count = len(groups.waived(plan))
        paper.add(f"{plural(count, 'blocker is', 'blockers are')} waived: {safe(', '.join(waived))}", 2)
    whole, spaces = plan.counts.get("namespaces_whole", 0), plan.counts.get("namespaces", 0)
    if spaces:
        paper.add(f"{number(whole)} of {plural(spaces, 'namespace')} can move whole.", 2)
    for at, line in enumerate(running.lines(plan)):
        paper.add(safe(line), 4 if at else 2)


def silent(paper: Paper, plan: Plan) -> None:
    """What differs silently?"""
    look = [difference for difference in plan.differences if not difference.handled]
    done = [difference for difference in plan.differences if difference.handled]
    parts = [f"{number(len(look))} to look at"] if look else []
    if done:
        rules = ", ".join(dict.fromkeys(difference.rule for difference in done))
        parts.append(f"{number(len(done))} taken care of ({safe(rules)})")
    paper.heading("What differs silently?", ", ".join(parts) or "Nothing.")
    for difference in look:
        text = f"{safe(difference.topic)}: on GKE {safe(difference.gke)}, on EKS {sentence(difference.eks)}"
        paper.add(text, 2, paper.sign(Standing.LOOK) + " ", safe(difference.rule))
        where = f"{plural(len(difference.refs), 'object')}. " if difference.refs else ""
        if where or difference.fix:
            paper.add((where + sentence(difference.fix)).rstrip(), 6)


def changed_headline(plan: Plan) -> str:
    """How much changed in meaning, and how much is only cleaned."""
    fields, cleaned = plan.counts.get("fields_changed", 0), plan.counts.get("cleaned", 0)
    objects = sum(1 for step in plan.steps if step.changes)
    text = f"{plural(fields, 'field')} in {plural(objects, 'object')}" if fields else "Nothing changes in meaning"
    if cleaned:
        text += f"; {number(cleaned)} that GKE and Kubernetes had written {'is' if cleaned == 1 else 'are'} gone"
    return text if fields else text + "."


def changed(paper: Paper, plan: Plan, small: bool) -> None:
    """What changed?"""
    paper.heading("What changed?", changed_headline(plan))
    unjudged = plan.counts.get("unjudged", 0)
    if unjudged:
        paper.add(
            f"{plural(unjudged, 'finding')}: looks like Google, and no rule knows it",
            2,
            "! ",
            "SWP001",
        )
    if small:
        _objects(paper, plan)
        return
    rows = groups.sweeps(plan)
    shown = rows[:10] if len(rows) > 11 else rows
    for row in shown:
        text = f"{safe(row.rule):<8} {plural(len(row.refs), 'object'):>13}   "
        paper.add(safe(row.title), 2, text)
    rest = rows[len(shown) :]
    if rest:
        refs = groups.unique(ref for row in rest for ref in row.refs)
        paper.add(f"… and {plural(len(rest), 'more rule')}, {plural(len(refs), 'object')}", 2)


def _objects(paper: Paper, plan: Plan) -> None:
    spaces: dict[str, list[Step]] = {}
    for step in plan.steps:
        if step.fate in (Fate.MIGRATE, Fate.CREATE, Fate.MANUAL) and (step.yours or step.fate is Fate.CREATE):
            spaces.setdefault(step.ref.namespace, []).append(step)
    known = groups.notes(plan)
    for namespace, steps in sorted(spaces.items()):
        paper.add(safe(namespace) or "cluster", 2)
        same: dict[Standing, list[Step]] = {}
        for step in sorted_steps(steps):
            if step.changes:
                rules = list(dict.fromkeys(change.rule for change in step.changes))
                text = f"{short(step.ref)}  {plural(len(step.changes), 'field')}  "
                text += safe(groups.title(known, rules[0]))
                paper.add(text, 4, paper.sign(step.standing) + " ", safe(", ".join(rules)))
            else:
                same.setdefault(step.standing, []).append(step)
        for standing in sorted(same, key=ORDER.__getitem__):
            names = ", ".join(short(step.ref) for step in same[standing])
            word = "new" if standing is Standing.NEW else "unchanged"
            if standing is Standing.BY_HAND:
                word = WORDS[standing]
            paper.add(f"{len(same[standing])} {word}: {names}", 4, paper.sign(standing) + " ")


def stays(paper: Paper, plan: Plan) -> None:
    """What stays behind?"""
    skipped, folded = groups.behind(plan, Standing.LEFT_BEHIND), groups.behind(plan, Standing.FOLDED)
    total = sum(len(steps) for _, steps in skipped)
    text = f"{plural(total, 'object')}, {plural(len(skipped), 'reason')}" if skipped else "Nothing."
    paper.heading("What stays behind?", text)
    shown = skipped[:3] if len(skipped) > 4 else skipped
    for reason, steps in shown:
        paper.add(safe(reason), 2, f"{paper.sign(Standing.LEFT_BEHIND)} {number(len(steps))}  ")
    rest = skipped[len(shown) :]
    if rest:
        paper.add(f"and {number(sum(len(steps) for _, steps in rest))} for {plural(len(rest), 'more reason')}", 2)
    if folded:
        count = sum(len(steps) for _, steps in folded)
        paper.add(f"{plural(count, 'object')} folded into others", 2, paper.sign(Standing.FOLDED) + " ")


def unread(paper: Paper, plan: Plan) -> None:
    """What was not read?"""
    left = plan.left_out
    paper.heading("What was not read?", plural(len(left), "document") if left else "Nothing.")
    if len(left) <= 20:
        for item in left:
            place = f"{safe(item.source)}:{item.line}" if item.line else safe(item.source)
            paper.add(f"{sentence(item.reason)} {sentence(item.fix)}".rstrip(), 2, f"{place}  ")
        return
    reasons: dict[tuple[str, str], int] = {}
    for item in left:
        reasons[item.reason, item.fix] = reasons.get((item.reason, item.fix), 0) + 1
    for (reason, fix), count in sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0])):
        paper.add(f"{sentence(reason)} {sentence(fix)}".rstrip(), 2, f"{plural(count, 'document')}  ")
