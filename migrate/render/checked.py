"""What preflight found: findings, the worst first, then what nobody could look at; passes are one number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from migrate.model.checks import Check, Status
from migrate.model.effects import Severity
from migrate.render.before import Who, who
from migrate.render.ink import Paper
from migrate.render.words import by_namespace, number, plural, safe, sentence, short

SCHEMA = "gke2eks.preflight/v1"
_WORDS = {Status.PASS: "pass", Status.FINDING: "finding", Status.UNKNOWN: "could not look"}
_SIGNS = {Severity.BLOCKER: "x", Severity.DECIDE: "?", Severity.REVIEW: "!", Severity.INFO: " "}
_ORDER = (Status.FINDING, Status.UNKNOWN, Status.PASS)


def counts(checks: Iterable[Check]) -> dict[str, int]:
    """How many checks had each status; every status is there."""
    every = [one.status for one in checks]
    return {status.value: every.count(status) for status in Status}


def page(
    checks: Sequence[Check],
    target: Who,
    *,
    passes: bool = False,
    exit_line: str = "",
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """The page for a terminal. `passes` lists them, too."""
    paper = Paper(width, color, unicode)
    paper.add(f"{who(target)}        reads only, nothing is written")
    found = counts(checks)
    paper.add("   ".join(f"{_WORDS[status]} {number(found[status.value])}" for status in Status), 2)
    shown = [one for one in checks if passes or one.status is not Status.PASS]
    if shown:
        paper.add()
    for one in sorted(shown, key=_rank):
        _check(paper, one)
    if exit_line:
        paper.add(exit_line)
    return paper.text()


def exit_line(bad: Sequence[Check], fail_on: str) -> str:
    """Why the exit is 1, in words."""
    words = [(Status.FINDING, "finding"), (Status.UNKNOWN, "check")]
    said = []
    for status, word in words:
        count = sum(one.status is status for one in bad)
        if count:
            said.append(plural(count, word) + (" that could not look" if status is Status.UNKNOWN else ""))
    return f"exit 1: {' and '.join(said)} at {fail_on} or above; with --fail-on=never the exit is 0"


def checked_document(checks: Iterable[Check], target: Who, plan: str, exit: int) -> dict[str, Any]:
    """What preflight prints with -o json: `reports/preflight.schema.json`."""
    every = sorted(checks, key=_rank)
    return {
        "schema": SCHEMA,
        "target": {
            "name": target.name,
            "account": target.account,
            "kubernetes": target.version,
            "flavour": target.flavour,
            "uid": target.uid,
        },
        "plan": plan,
        "counts": counts(every),
        "checks": [
            {
                "id": one.id,
                "status": one.status.value,
                "severity": one.severity.value,
                "refs": [ref.as_dict() for ref in one.refs],
                "message": one.message,
                "because": one.because,
                "fix": one.fix,
            }
            for one in every
        ],
        "exit": exit,
    }


def _rank(one: Check) -> tuple[int, int, str, str]:
    return _ORDER.index(one.status), -one.severity.rank, one.id, one.message


def _check(paper: Paper, one: Check) -> None:
    if one.status is Status.PASS:
        paper.add(sentence(one.message), 2, paper.paint("=", "=") + " ", safe(one.id))
        return
    unknown = one.status is Status.UNKNOWN
    sign = "~" if unknown else _SIGNS[one.severity]
    text = f"could not look: {sentence(one.message)}" if unknown else sentence(one.message)
    paper.add(text, 2, paper.paint(sign, sign) + " ", safe(one.id))
    for line in one.because.splitlines():
        paper.add(sentence(line), 6)
    refs = one.refs if len(one.refs) <= 4 else one.refs[:3]
    for space, of in by_namespace(refs).items():
        paper.add(", ".join(map(short, of)), 6, f"{safe(space) or 'cluster'}: ")
    if len(refs) < len(one.refs):
        paper.add(f"and {number(len(one.refs) - len(refs))} more", 6)
    for at, line in enumerate(one.fix.splitlines()):
        paper.add(safe(line), 6, "next  " if at == 0 else "      ")
