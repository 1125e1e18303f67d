"""What apply and release begin with: who is who, the plan that was reviewed, the journal, and the target as it is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

from migrate.cluster.eks_facts import EksFacts
from migrate.cluster.port import Source, Target
from migrate.errors import BadInput, BadWorkspace
from migrate.flow.fingerprint import fingerprint, not_the_source, who
from migrate.flow.live import read_live
from migrate.flow.reviewed import Reviewed, reviewed
from migrate.flow.selected import refuse_nothing
from migrate.flow.view import View
from migrate.model.journal import History, differences
from migrate.model.objects import Body
from migrate.model.plan import Plan
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection
from migrate.preflight.identity import shown_flavour
from migrate.reading.objects import no_garbage_collection
from migrate.semantics.going import going
from migrate.semantics.holding import State, state
from migrate.semantics.holding_who import waiting
from migrate.semantics.twins_data import claims_known, data_questions
from migrate.workspace import hashkey
from migrate.workspace.folder import Workspace, open_workspace
from migrate.workspace.journal import Journal, Start, open_journal

PREFLIGHT, ROLLBACK = "preflight", "rollback"


@dataclass(frozen=True, slots=True)
class Who:
    """The target as a person checks it before the first write. What nobody said is ''."""

    name: str
    account: str
    version: str
    flavour: str
    uid: str


@dataclass(slots=True)
class Opened:
    """All that a run works with; to be closed."""

    ws: Workspace
    reviewed: Reviewed
    target: Target
    who: Who
    view: View
    live: Mapping[Ref, Body]
    key: bytes
    journal: Journal
    changes: tuple[str, ...]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, sort: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        self.journal.close()


@no_garbage_collection()
def open_run(
    command: str,
    target: Target,
    workspace: Path,
    *,
    facts: EksFacts | None,
    source: Source | None,
    today: date,
    hash_key_file: Path | None,
    select: Selection = EVERYTHING,
) -> Opened:
    """Compare everything that must be compared before the first write, and read the target. Writes the journal's head.

    Raises BadInput, BadWorkspace (the plan is another one, the journal is busy or of another cluster), Refused.
    """
    agreed = reviewed(workspace, today=today)
    ws = open_workspace(workspace)  # not before: the folder that a slip names is not made
    refuse_nothing(agreed.plan, select, workspace)
    view = View(target)
    not_the_source(view, agreed.source_uid, agreed.plan.source_name)
    if source is not None:
        refuse_another_source(source, agreed.source_uid)
    flavour = (facts.flavour if facts else "") or shown_flavour(view)
    if command != PREFLIGHT:
        refuse_other_flavour(agreed.plan.flavour, flavour, workspace)
    shown = Who(target.name, facts.account if facts else "", view.minor, flavour, who(view))
    key = hashkey.hash_key(hash_key_file, workspace)
    whole = going(agreed.plan)
    print_of = fingerprint(view, whole, flavour)
    journal = open_journal(ws, Start(command, agreed.plan.digest, print_of), key)
    try:
        changes = _changes(journal)
        # Of what this run leaves out nobody may have the right to read it.
        mine = whole if select == EVERYTHING else going(agreed.plan, select=select)
        live = read_live(view, target, tuple(mine.steps))
    except BaseException:
        journal.close()
        raise
    return Opened(ws, agreed, target, shown, view, live, key, journal, changes)


def refuse_another_source(source: Source, uid: str) -> None:
    """Values, and what still runs, are asked of the cluster that was exported. Raises BadInput."""
    found = who(View(source))
    if uid and found and found != uid:
        raise BadInput(
            f"{source.name} is not the cluster that was exported",
            "name the one that the snapshot was read from, or export and plan again. Nothing was written.",
            [f"its uid is {found.partition('-')[0]}, that of the exported one {uid.partition('-')[0]}"],
        )


def refuse_other_flavour(planned: str, found: str, workspace: Path) -> None:
    """A plan for the other flavour would be taken and would not work. Raises BadInput."""
    if found and found != planned:
        raise BadInput(
            f"the plan is for EKS of flavour {planned}, and the target is {found}",
            f"gke2eks plan -w {shlex.quote(str(workspace))} --flavour {found}, read the report again, then apply. "
            "Nothing was written.",
        )


def _changes(journal: Journal) -> tuple[str, ...]:
    """What is not as it was in the run before. Raises BadWorkspace where a person looked at something else."""
    if not journal.past.runs:
        return ()
    now, then = journal.header, journal.past.runs[-1].header
    found = differences(then, now)
    if found and then.command == PREFLIGHT and now.command != PREFLIGHT and then.plan == now.plan:
        raise BadWorkspace(
            "the target is not as preflight saw it",
            "run gke2eks preflight again, read what it says, then apply. Nothing was written.",
            [f"{one}" for one in found],
        )
    return found


def earlier_held(past: History, live: Mapping[Ref, Body]) -> Mapping[Ref, str]:
    """What an earlier run held by not making it: absence carries no mark, so only the journal knows."""
    return {
        ref: "an earlier run held it"
        for ref, known in past.objects.items()
        if known.held and not known.released and ref not in live
    }


def held_here(past: History, live: Mapping[Ref, Body]) -> Mapping[Ref, str]:
    """What is held on the target, as its marks say, or the journal where this run does not look: what would wake it, or
    would wait for it in vain, arrives held as well, whatever the command was then and is now."""
    marks = {ref: "only release starts it" for ref, body in live.items() if state(body) is State.HELD}
    known = {ref for ref, one in past.objects.items() if one.held and not one.released and ref not in live}
    return {**dict.fromkeys(known, "an earlier run held it"), **marks}


def held_all(opened: Opened) -> bool:
    """Tell, where no journal of earlier runs is left, whether somebody applied with --hold."""
    return held_without_journal(opened.journal.past, opened.reviewed.plan, opened.live)


def held_without_journal(past: History, plan: Plan, live: Mapping[Ref, Body]) -> bool:
    """The same of what was read: marks say so that the plan does not ask for."""
    if any(run.outcomes for run in past.runs):
        return False
    asked = waiting(plan.steps)
    return any(state(body) is State.HELD and ref not in asked for ref, body in live.items())


def questions(agreed: Reviewed) -> Mapping[Ref, tuple[str, ...]]:
    """{workload: claims} whose data nobody decided about."""
    known = claims_known(agreed.snapshot)
    return data_questions(agreed.plan, agreed.snapshot.objects, agreed.decided.answers, known=known)
