"""The story of `gke2eks release`: what is held on the target starts, in order, unless the moment is a bad one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from migrate.cluster.eks_facts import EksFacts
from migrate.cluster.port import Source, Target
from migrate.errors import Forbidden
from migrate.flow.chosen import settling
from migrate.flow.keeping import keeping
from migrate.flow.opening import Opened, earlier_held, held_all, open_run, questions
from migrate.flow.prepared import Prepared
from migrate.flow.twins import ask
from migrate.flow.values import values
from migrate.manifest.waves import wave_of
from migrate.model.journal import Outcome
from migrate.model.ran import Ran
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection
from migrate.semantics.going import Going, going
from migrate.semantics.holding import State, state
from migrate.semantics.policy import NONE, Policies
from migrate.semantics.release_order import release_waits
from migrate.semantics.running import WORKLOADS
from migrate.semantics.twins_data import held_for_data
from migrate.semantics.twins_release import has_twin, notes
from migrate.semantics.twins_release import refused as refused_by
from migrate.workspace.secret_file import Recipients


def prepare(
    target: Target,
    workspace: Path,
    *,
    today: date,
    facts: EksFacts | None = None,
    source: Source | None = None,
    source_stopped: bool = False,
    kubectl: Sequence[str] = ("kubectl",),
    age_identities: Sequence[Path] = (),
    select: Selection = EVERYTHING,
    hash_key_file: Path | None = None,
    age_recipients: Recipients | None = None,
    no_undo: bool = False,
    policies: Policies = NONE,
) -> Prepared:
    """Find what is held and may start; nothing is written to the target. Raises BadInput, BadWorkspace, Refused.

    `policies`: what is said to be recreated is left to apply: a release deletes nothing.
    `source_stopped`: a person says that nothing runs there. `kubectl` is how a person asks the source for something.
    """
    opened = open_run(
        "release",
        target,
        workspace,
        facts=facts,
        source=source,
        today=today,
        hash_key_file=hash_key_file,
        select=select,
    )
    try:
        agreed = opened.reviewed
        asked = questions(agreed)
        more = {**held_for_data(agreed.plan, asked), **earlier_held(opened.journal.past, opened.live)}
        goes = going(agreed.plan, select=select, everything=held_all(opened), more_held=more)
        found, absent = _held_here(opened, goes)
        steps = [goes.steps[ref] for ref in found]
        alike = [step.ref for step in steps if has_twin(step)]
        twins = ask(source, alike, uid=agreed.source_uid) if source is not None and not source_stopped else None
        no = refused_by(steps, asked, twins, kubectl=kubectl, stopped=source_stopped)
        refused = {**absent, **{ref: _ran(ref, one.why, one.fix) for ref, one in no.items()}}
        refused |= _without(opened, goes, [ref for ref in found if ref not in refused])
        refused |= _behind(goes, refused, found)
        refs = tuple(ref for ref in found if ref not in refused)
        waits = release_waits(goes.gates, goes.bodies, refs)
        fill = values(opened, [goes.steps[ref] for ref in refs], source, age_identities)
        keep = keeping(opened, age_recipients, no_undo=no_undo)
        sender, chosen = settling(opened, goes, fill.fill, keep, policies, refs=refs)
        return Prepared(
            "release",
            opened,
            goes,
            fill.fill,
            refs,
            waits,
            source,
            releases=frozenset(refs),
            refused=tuple(refused[ref] for ref in sorted(refused)),
            notes=(*notes(twins, stopped=source_stopped), *chosen),
            keep=keep,
            sender=sender,
        )
    except BaseException:
        opened.journal.close()
        raise


def _held_here(opened: Opened, goes: Going) -> tuple[list[Ref], Mapping[Ref, Ran]]:
    """What this release starts; and what it cannot, because nobody applied it."""
    found: list[Ref] = []
    absent: dict[Ref, Ran] = {}
    for ref, step in goes.steps.items():
        live, known = opened.live.get(ref), opened.journal.past.objects.get(ref)
        unfinished = known is not None and not known.released and state(live) is State.RELEASED
        if state(live) is State.HELD or unfinished:
            found.append(ref)
        elif live is None and ref in goes.held:
            assert step.body is not None
            held = goes.hold(ref, step.body)
            seen = known is not None and known.held
            if held is not None and held.body is None and (seen or not opened.journal.past.objects):
                found.append(ref)
            else:
                absent[ref] = _ran(ref, "it is not on the target", "run gke2eks apply first.")
    return found, absent


def _without(opened: Opened, goes: Going, found: Sequence[Ref]) -> dict[Ref, Ran]:
    """What is only made now, although what it waits for is held and was not selected: a webhook would refuse all that
    it should check, and an autoscaler would start what it scales, whoever still runs on the source."""
    refused: dict[Ref, Ran] = {}
    for ref in found:
        if ref in opened.live:
            continue
        for to in goes.gates.waits.get(ref, ()):
            if (to.group, to.kind) in WORKLOADS and to not in goes.steps and (why := _held_still(opened, to)):
                refused[ref] = _ran(ref, f"it waits for {to}, which {why}", f"release {to} before it, or with it.")
    return refused


def _held_still(opened: Opened, ref: Ref) -> str:
    known = opened.journal.past.objects.get(ref)
    try:
        live = opened.target.get(ref)
    except Forbidden as no:
        return f"may be held: nobody could look ({no.what})"
    if live is None:
        return "is held" if known is not None and known.held and not known.released else ""
    return "is held" if state(live) is State.HELD else ""


def _behind(goes: Going, refused: Mapping[Ref, Ran], found: Sequence[Ref]) -> dict[Ref, Ran]:
    """What would only wait for something that is refused."""
    stopped = goes.gates.stopped_by(refused)
    return {
        ref: _ran(ref, f"it would only wait for {stopped[ref]}, which is not released", f"see {stopped[ref]}.")
        for ref in found
        if ref in stopped
    }


def _ran(ref: Ref, why: str, fix: str) -> Ran:
    return Ran(ref, Outcome.LEFT_OUT, wave_of(ref), why, fix=fix)
