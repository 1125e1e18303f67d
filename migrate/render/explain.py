"""One object's whole story, or one field's."""

from __future__ import annotations

from migrate.model.effects import Severity
from migrate.model.path import Path
from migrate.model.plan import Change, Fate, Finding, Plan, Standing, Step, Transformed
from migrate.render import running
from migrate.render.ink import Paper
from migrate.render.words import SIGNS, WORDS, both, plural, safe, sentence

_SIGN = {Severity.BLOCKER: "x", Severity.DECIDE: "?", Severity.REVIEW: "!", Severity.INFO: " "}


def explain(
    plan: Plan,
    step: Step,
    path: Path | None = None,
    manifest: str = "",
    cleaned: bool = False,
    *,
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """Tell what becomes of the object and why. With `path`: that field alone."""
    paper = Paper(width, color, unicode)
    _title(paper, step, manifest)
    found = [finding for finding in plan.findings if finding.ref == step.ref and _about(finding.path, path)]
    found.sort(key=lambda finding: (bool(finding.waived), -finding.severity.rank))
    changes = [change for change in step.changes if path is None or _about(change.path, path)]
    for finding in found:
        _finding(paper, finding)
    for change in changes:
        _change(paper, change)
    transforms = [one for one in step.transforms if _about(one.path, path)]
    for one in transforms:
        _transform(paper, one)
    gone = [item for item in step.cleaned if path is None or _about(item, path)]
    if path is not None and not changes and not transforms:
        _untouched(paper, step, path, bool(gone))
    elif path is None and not changes and not transforms and step.fate is Fate.MIGRATE:
        paper.add()
        paper.add("Nothing changes in meaning.", 2)
    if path is None:
        _cleaned(paper, gone, bool(changes), cleaned)
    return paper.text()


def _about(place: Path, asked: Path | None) -> bool:
    return asked is None or place.startswith(asked) or (len(place) > 0 and asked.startswith(place))


def _title(paper: Paper, step: Step, manifest: str) -> None:
    sign = paper.paint(f"{SIGNS[step.standing]} {WORDS[step.standing]}", SIGNS[step.standing])
    where = f" → {safe(manifest)}" if manifest else ""
    paper.add(f"{paper.paint(safe(str(step.ref)), 'bold')}   {sign}   fate: {step.fate.value}{where}")
    if step.into is not None:
        paper.add(f"It is folded into {safe(str(step.into))}.", 2)
    if step.reason:
        paper.add(sentence(step.reason), 2, "because  ")
    if step.runs:
        paper.add(sentence(f"{running.WORDS[step.runs]}: {step.runs_because}"), 2, "runs  ")


def _finding(paper: Paper, finding: Finding) -> None:
    paper.add()
    sign = _SIGN[finding.severity]
    if finding.severity is Severity.DECIDE and not finding.decision:
        sign = SIGNS[Standing.BY_HAND]
    paper.add(sentence(finding.message), 2, paper.paint(sign, sign) + " ", safe(finding.rule))
    if finding.path:
        paper.add(safe(str(finding.path)), 6, "at    ")
    if finding.already:
        paper.add("It is so on GKE too.", 6, "also  ")
    if finding.decision:
        paper.add(safe(finding.decision), 6, "asks  ")
    if finding.fix:
        paper.add(sentence(finding.fix), 6, "next  ")
    if finding.waived:
        paper.add(safe(finding.waived), 6, "waived  ")
    if finding.docs:
        paper.add(safe(finding.docs), 6, "docs  ")


def _change(paper: Paper, change: Change) -> None:
    before, after = both(change.before, change.after)
    paper.add()
    paper.add(safe(str(change.path)), 2)
    paper.add(before, 4, "GKE  ")
    paper.add(after, 4, "EKS  ")
    paper.add(sentence(change.because), 4, "why  ", safe(change.rule))


def _transform(paper: Paper, one: Transformed) -> None:
    """A change that apply makes in memory: there is no before and no after to show."""
    paper.add()
    paper.add(safe(str(one.path)), 2)
    paper.add(safe(f"{one.name} {one.argument}, when it is applied; no value is in the plan"), 4, "EKS  ")
    paper.add(sentence(one.because), 4, "why  ", safe(one.rule))


def _untouched(paper: Paper, step: Step, path: Path, gone: bool) -> None:
    paper.add()
    paper.add(safe(str(path)), 2)
    if gone:
        paper.add("The source cluster had written it; it is gone.", 4)
    elif step.fate is Fate.MIGRATE:
        paper.add("It did not change: no rule touches it.", 4)
    else:
        paper.add(f"It did not change: the object's fate is {step.fate.value}.", 4)


def _cleaned(paper: Paper, gone: list[Path], more: bool, listed: bool) -> None:
    if not gone:
        return
    paper.add()
    fields = plural(len(gone), "more field") if more else plural(len(gone), "field")
    hint = ":" if listed else " (--cleaned lists them)."
    paper.add(f"{fields} that the source cluster had written {'is' if len(gone) == 1 else 'are'} gone{hint}", 2)
    if listed:
        for path in gone:
            paper.add(safe(str(path)), 4)
