"""Short pages: the rules, one rule, an error."""

from __future__ import annotations

from collections.abc import Iterable

from migrate.errors import Error
from migrate.model.plan import RuleNote
from migrate.render.ink import Paper
from migrate.render.words import safe


def rules_list(rules: Iterable[RuleNote], *, width: int = 100, unicode: bool = True) -> str:
    """One line per rule: id, title, area, severity."""
    paper = Paper(width, False, unicode)
    for rule in rules:
        paper.add(safe(rule.title), 0, f"{safe(rule.id):<8} ", f"{safe(rule.area)}, {rule.severity.value}")
    return paper.text() if paper.lines else "No rules.\n"


def rule_page(
    rule: RuleNote,
    *,
    what: str = "",
    why: str = "",
    gke: str = "",
    eks: str = "",
    change: str = "",
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """One rule: what it does, why, an example from both sides, how to change it, where to read on."""
    paper = Paper(width, color, unicode)
    area = f"{safe(rule.area)}, {rule.severity.value}"
    paper.add(safe(rule.title), 0, paper.paint(safe(rule.id), "bold") + "   ", area)
    rows = (("What", what), ("Why", why), ("GKE", gke), ("EKS", eks), ("Do", rule.do), ("Change", change))
    for label, text in (*rows, ("Docs", rule.docs)):
        lead = f"{label:<8} "
        for line in text.strip("\n").split("\n") if text else ():
            paper.add(safe(line), 2, lead)
            lead = " " * len(lead)
    return paper.text()


def error_text(error: Error) -> str:
    """What, where, next."""
    lines = [f"error: {_lines(error.what)}"]
    lines += [f"       {line}" for detail in error.details for line in _detail(detail)]
    if error.next:
        lines.append(f"next:  {_lines(error.next)}")
    return "\n".join(lines) + "\n"


def _detail(detail: str) -> list[str]:
    return [safe(line) for line in detail.split("\n")]


def _lines(text: str) -> str:
    return "\n       ".join(_detail(text))
