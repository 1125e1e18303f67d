"""Judgement: one module per concern, each with an explicit RULES tuple. No windows, no clock, no rule sees another."""

from __future__ import annotations

from functools import cache

from migrate.catalog import Overlay
from migrate.model.rules import Rule


@cache
def all_rules(overlays: tuple[Overlay, ...] = ()) -> tuple[Rule, ...]:
    """Every rule, sorted by id. Imported when asked, so that `--help` stays quick."""
    from migrate.rules import (
        attributes,
        claim_wishes,
        claims,
        classes,
        cluster,
        edges,
        gcsfuse,
        identity,
        mounts,
        outside,
        pod_volumes,
        reach,
        rollouts,
        said,
        service_fields,
        snapshots,
        table,
        traffic,
        unmovable,
        volumes,
    )

    found = (
        *table.rules(overlays),
        *attributes.RULES,
        *claim_wishes.RULES,
        *claims.RULES,
        *classes.RULES,
        *cluster.RULES,
        *edges.RULES,
        *gcsfuse.RULES,
        *identity.RULES,
        *mounts.RULES,
        *outside.RULES,
        *pod_volumes.RULES,
        *reach.RULES,
        *rollouts.RULES,
        *said.RULES,
        *service_fields.RULES,
        *snapshots.RULES,
        *traffic.RULES,
        *unmovable.RULES,
        *volumes.RULES,
    )
    return tuple(sorted(found, key=lambda rule: rule.id))
