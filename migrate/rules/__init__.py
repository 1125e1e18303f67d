"""Judgement: one module per concern, each with an explicit RULES tuple. No windows, no clock, no rule sees another."""

from __future__ import annotations

from functools import cache

from migrate.catalog import Overlay
from migrate.model.rules import Rule


@cache
def all_rules(overlays: tuple[Overlay, ...] = ()) -> tuple[Rule, ...]:
    """Every rule, sorted by id. Imported when asked, so that `--help` stays quick."""
    from migrate.rules import identity, mounts, reach, said, storage, table

    found = (*table.rules(overlays), *identity.RULES, *mounts.RULES, *reach.RULES, *storage.RULES, *said.RULES)
    return tuple(sorted(found, key=lambda rule: rule.id))
