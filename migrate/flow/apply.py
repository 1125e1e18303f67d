"""The story of `gke2eks apply`: what was reviewed goes onto the target, in order; to be killed and repeated at will."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from migrate.cluster.eks_facts import EksFacts
from migrate.cluster.port import Source, Target
from migrate.flow.allowed import refuse_without
from migrate.flow.chosen import settling
from migrate.flow.keeping import keeping
from migrate.flow.opening import held_all, held_here, open_run, questions
from migrate.flow.prepared import Prepared
from migrate.flow.since import planned_kinds, since_last, spared
from migrate.flow.values import values
from migrate.model.selection import EVERYTHING, Selection
from migrate.semantics.going import going, without_namespaces
from migrate.semantics.holding_who import held_with
from migrate.semantics.more_rights import for_prune
from migrate.semantics.policy import NONE, Policies
from migrate.semantics.twins_data import held_for_data
from migrate.workspace.secret_file import Recipients


def prepare(
    target: Target,
    workspace: Path,
    *,
    today: date,
    facts: EksFacts | None = None,
    source: Source | None = None,
    age_identities: Sequence[Path] = (),
    select: Selection = EVERYTHING,
    hold: bool = False,
    hash_key_file: Path | None = None,
    age_recipients: Recipients | None = None,
    no_undo: bool = False,
    policies: Policies = NONE,
    prune: bool = False,
    kubectl: Sequence[str] = ("kubectl",),
) -> Prepared:
    """Look at everything that apply needs; nothing is written to the target. Raises BadInput, BadWorkspace, Refused.

    `prune`: delete what left the plan. `kubectl` is how a person asks the target for something.
    """
    opened = open_run(
        "apply --hold" if hold else "apply",
        target,
        workspace,
        facts=facts,
        source=source,
        today=today,
        hash_key_file=hash_key_file,
        select=select,
    )
    try:
        notes = []
        agreed, past = opened.reviewed, opened.journal.past
        everything = hold or held_all(opened)
        if everything and not hold:
            notes.append(
                "The target has marks of apply --hold, and this workspace no journal: all that is new is held."
            )
        more = {
            **held_with(agreed.plan.steps, held_here(past, opened.live)),
            **held_for_data(agreed.plan, questions(agreed)),
        }
        goes = going(agreed.plan, select=select, everything=everything, more_held=more)
        spaces = opened.view.of("", "Namespace")
        if not spaces.why:
            goes = without_namespaces(goes, {ref.name for ref in spaces.bodies})
        fill = values(opened, goes.steps.values(), source, age_identities)
        notes += [str(one) for one in goes.gates.broken]
        keep = keeping(opened, age_recipients, no_undo=no_undo)
        sender, said = settling(opened, goes, fill.fill, keep, policies, refs=goes.steps)
        since = since_last(opened, goes, fill.fill, select, kubectl)
        if prune:
            since = spared(since, keep)
            going_away = for_prune([one.ref for one in since.prunable], planned_kinds(goes))
            refuse_without(target, opened.view, going_away, "--prune", ", or leave --prune out")
        return Prepared(
            "apply",
            opened,
            goes,
            fill.fill,
            tuple(goes.steps),
            goes.gates.waits,
            source,
            notes=(*notes, *said),
            keep=keep,
            sender=sender,
            since=since,
            prunes=prune,
        )
    except BaseException:
        opened.journal.close()
        raise
