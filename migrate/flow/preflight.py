"""The story of `gke2eks preflight`: everything that can be looked at before the first write is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from migrate.cluster.eks_facts import EksFacts
from migrate.cluster.port import Source, Target
from migrate.errors import DONE
from migrate.flow.aws_checks import aws_checks
from migrate.flow.dry_runs import dry_runs
from migrate.flow.opening import PREFLIGHT, Opened, Who, open_run
from migrate.flow.rights import rights
from migrate.flow.secret_values import Filled, Missing, from_nowhere
from migrate.flow.values import values
from migrate.model.aws import Aws
from migrate.model.checks import Check, finding, passed
from migrate.model.effects import Severity
from migrate.model.plan import Plan
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection
from migrate.preflight import (
    addons,
    identity,
    limits,
    pod_security,
    quotas,
    references,
    room,
    served,
    webhooks,
)
from migrate.semantics.going import Going, going

VALUES = "PRE049"
Watch = Callable[[str, int, int], None]
_JUDGES = (
    ("add-ons", addons.checks),
    ("kinds", served.checks),
    ("references", references.checks),
    ("webhooks", webhooks.checks),
    ("pod security", pod_security.checks),
    ("quotas", quotas.checks),
    ("limits", limits.checks),
    ("room", room.checks),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What preflight found, by id. `target` is who was looked at."""

    checks: tuple[Check, ...]
    target: Who
    plan: Plan


def preflight(
    target: Target,
    workspace: Path,
    *,
    today: date,
    facts: EksFacts | None = None,
    aws: Aws | None = None,
    source: Source | None = None,
    age_identities: Sequence[Path] = (),
    select: Selection = EVERYTHING,
    hash_key_file: Path | None = None,
    watch: Watch = lambda what, done, of: None,
) -> Checked:
    """Look at the target for what apply would send. `watch` is told what is looked at, and how much of it is done.

    `aws`: the account behind it, if it was named by --eks. The target is not changed. Its fingerprint is written into
    the journal: apply refuses another one. Raises BadInput, BadWorkspace, Refused.
    """
    with open_run(
        PREFLIGHT,
        target,
        workspace,
        facts=facts,
        source=source,
        today=today,
        hash_key_file=hash_key_file,
        select=select,
    ) as opened:
        goes = going(opened.reviewed.plan, select=select)
        checks = [*_checks(opened, goes, facts, source, age_identities, watch)]
        if aws is not None:
            checks += aws_checks(goes, opened.view, aws, today=today, watch=watch)
        found = sorted(checks, key=lambda one: (one.id, one.refs))
        opened.journal.close(DONE)
    return Checked(tuple(found), opened.who, goes.plan)


def _checks(
    opened: Opened,
    goes: Going,
    facts: EksFacts | None,
    source: Source | None,
    identities: Sequence[Path],
    watch: Watch,
) -> Iterator[Check]:
    agreed, seen = opened.reviewed, opened.view
    flavour = facts.flavour if facts else ""
    yield from identity.checks(goes, seen, source_uid=agreed.source_uid, flavour=flavour, eks=facts is not None)
    for at, (what, checks) in enumerate(_JUDGES):
        watch(what, at, len(_JUDGES))
        yield from checks(goes, seen)
    watch("rights", len(_JUDGES), len(_JUDGES))
    yield from rights(opened.target, goes, seen)
    named = source is not None or bool(identities)
    filled = values(opened, goes.steps.values(), source, identities) if named else from_nowhere()
    tried = {ref: filled.fill(step) for ref, step in goes.steps.items()}
    if named:
        yield from _values(tried, filled.where)
    bodies = {ref: one.body if isinstance(one, Filled) else goes.bodies[ref] for ref, one in tried.items()}
    yield from dry_runs(opened.target, goes, seen, bodies, lambda done, of: watch("dry runs", done, of))


def _values(tried: Mapping[Ref, Filled | Missing], where: str) -> Iterator[Check]:
    """Whether each Secret that goes has its values; apply leaves out those without, so they are tried with others."""
    for ref, one in tried.items():
        if isinstance(one, Missing):
            said = f"{ref} would be left out: {one.why}."
            yield finding(VALUES, said, one.fix, ref, severity=Severity.BLOCKER)
    there = [ref for ref, one in tried.items() if isinstance(one, Filled) and ref.kind == "Secret"]
    if there:
        yield passed(VALUES, f"The values of these Secrets are in {where}.", *there)
