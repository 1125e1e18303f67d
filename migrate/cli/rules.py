"""`gke2eks rules`."""

from __future__ import annotations

import difflib

import click

from migrate.cli.screen import echo, unicode, width


@click.command("rules")
@click.argument("rule", required=False)
def command(rule: str | None) -> int:
    """List the rules, or show the page of one."""
    from migrate.errors import BadInput
    from migrate.model.plan import RuleNote
    from migrate.render.pages import rule_page, rules_list
    from migrate.rules import all_rules

    known = {r.id: r for r in all_rules()}
    notes = {r.id: RuleNote(r.id, r.title, r.area, r.severity, r.do, r.docs) for r in known.values()}
    if rule is None:
        echo(rules_list(notes.values(), width=width(), unicode=unicode()).rstrip("\n"))
        return 0
    if rule not in known:
        near = difflib.get_close_matches(rule.upper(), known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise BadInput(f"no rule {rule}{hint}", "list them with gke2eks rules.")
    r = known[rule]
    echo(
        rule_page(
            notes[rule], what=r.what, why=r.why, gke=r.gke, eks=r.eks, change=r.change, width=width(), unicode=unicode()
        ).rstrip("\n")
    )
    return 0
