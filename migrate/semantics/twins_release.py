"""What release does not start yet, and why: its data is not decided, or its twin still runs on the source."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from migrate.model.plan import Step
from migrate.model.ref import Ref
from migrate.semantics.going import NotSent
from migrate.semantics.running import HELD
from migrate.semantics.twins import Twin
from migrate.semantics.twins_data import no_data

_SCALED_JOB = ("keda.sh", "ScaledJob")
_UNSEEN = "may still run on the source: nobody could look"


def has_twin(step: Step) -> bool:
    """Tell whether two of this must not run: what the plan marks as held, and ScaledJobs, which start Jobs.

    What only `apply --hold` holds may run on both sides.
    """
    return step.body is not None and (step.runs == HELD or (step.ref.group, step.ref.kind) == _SCALED_JOB)


def refused(
    steps: Iterable[Step],
    questions: Mapping[Ref, tuple[str, ...]],
    twins: Mapping[Ref, Twin] | None,
    *,
    kubectl: Sequence[str] = ("kubectl",),
    stopped: bool = False,
) -> Mapping[Ref, NotSent]:
    """{ref: why and what to do} of what must not start; data first, then the twin.

    `questions` are those of data_questions. `twins` is None when no source was named; `stopped` is the word of a person
    that it is gone. `kubectl` is how the source is asked for: ('kubectl', '--context', 'gke_acme').
    """
    found: dict[Ref, NotSent] = {}
    for step in steps:
        reasons = [no_data(questions[step.ref])] if step.ref in questions else []
        if has_twin(step) and not stopped:
            reasons += _of_twin(step.ref, twins, kubectl)
        if reasons:
            why = "; and ".join(one.why for one in reasons)
            # Stop, then copy: data that is copied from under a running workload is not whole.
            fix = "\n".join(dict.fromkeys(one.fix for one in reversed(reasons)))
            found[step.ref] = NotSent(why, fix, reasons[0].short)
    return found


def notes(twins: Mapping[Ref, Twin] | None, *, stopped: bool = False) -> tuple[str, ...]:
    """Sentences worth a line although nothing is refused because of them."""
    if stopped:
        return ("--source-stopped: nobody looked whether workloads still run on the source.",)
    whose: dict[str, list[Ref]] = {}
    for ref, twin in sorted((twins or {}).items()):
        # Who may start it again, the refusal of what runs says itself.
        for note in (*twin.doubts, *(twin.notes if twin.runs is None else ())):
            whose.setdefault(note, []).append(ref)
    return tuple(
        f"{refs[0]}{f' and {len(refs) - 1} more' if len(refs) > 1 else ''} on the source: {note}."
        for note, refs in whose.items()
    )


def command(kubectl: Sequence[str], args: Sequence[str]) -> str:
    """One line for a shell."""
    return shlex.join((*kubectl, *args))


def _of_twin(ref: Ref, twins: Mapping[Ref, Twin] | None, kubectl: Sequence[str]) -> list[NotSent]:
    if twins is None:
        return [
            NotSent(
                "nobody could look whether it still runs on the source, because no source was named",
                "name it (--source-context NAME or --source-gke PROJECT/LOCATION/CLUSTER), or give --source-stopped if "
                "the source is gone.",
                _UNSEEN,
            )
        ]
    twin = twins.get(ref, Twin(unseen="it was not asked for"))
    if twin.unseen:
        return [
            NotSent(
                f"nobody could look whether it still runs on the source: {twin.unseen}",
                "get the right to list it (gke2eks access source), or give --source-stopped if nothing runs there.",
                _UNSEEN,
            )
        ]
    if twin.runs is None:
        return []
    lines = [command(kubectl, args) for args in twin.runs.commands] or ["wait until it has ended, and release again."]
    fix = "\n".join((*(f"{note}." for note in twin.notes), *lines))
    return [NotSent(f"on the source it {twin.runs.why}", fix, "still run on the source")]
