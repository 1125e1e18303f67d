"""The figures and the verdict of a plan: functions of its steps, so that no format can count on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from migrate.model.effects import Flag, Question
from migrate.model.objects import Snapshot
from migrate.model.plan import Fate, Standing, Step, Undecided
from migrate.model.ref import Ref

_WHOLE = "the cluster as a whole"
_IN_THE_WAY = (Standing.BLOCKED, Standing.WAIT, Standing.BY_HAND)


def counts(snapshot: Snapshot, steps: Sequence[Step]) -> dict[str, int]:
    """Count what every format prints. objects = migrate + fold + skip + manual; standings sum to yours."""
    read = [step for step in steps if step.fate is not Fate.CREATE]
    yours = [step for step in read if step.yours]
    fates = Counter(step.fate for step in steps)
    standings = Counter(step.standing for step in yours)
    spaces: dict[str, bool] = {}
    for step in yours:
        space = step.ref.name if step.ref.kind == "Namespace" and not step.ref.group else step.ref.namespace
        if space and step.fate is not Fate.SKIP:
            spaces[space] = spaces.get(space, True) and step.standing not in _IN_THE_WAY
    return {
        "documents": snapshot.documents,
        "objects": len(read),
        "migrate": fates[Fate.MIGRATE],
        "fold": fates[Fate.FOLD],
        "skip": fates[Fate.SKIP],
        "manual": fates[Fate.MANUAL],
        "created": fates[Fate.CREATE],
        "cleaned": sum(len(step.cleaned) for step in steps),
        "yours": len(yours),
        "ready": standings[Standing.READY],
        "look": standings[Standing.LOOK],
        "wait": standings[Standing.WAIT],
        "by_hand": standings[Standing.BY_HAND],
        "blocked": standings[Standing.BLOCKED],
        "folded": standings[Standing.FOLDED],
        "left_behind": standings[Standing.LEFT_BEHIND],
        "namespaces": len(spaces),
        "namespaces_whole": sum(spaces.values()),
        "fields_changed": sum(len(step.changes) for step in read),
    }


def verdict(figures: dict[str, int], open_answers: int, partly_read: bool) -> str:
    """One sentence; the first that is true."""
    tail = ", of what could be read." if partly_read else "."
    blocked, by_hand, look = figures["blocked"], figures["by_hand"], figures["look"]
    # Findings without an object.
    whole_blocked, whole_look = figures.get("cluster_blocked", 0), figures.get("cluster_look", 0)
    if not figures["yours"]:
        said = "Nothing to move"
    elif blocked or whole_blocked:
        waiting = (
            f" and {_many(open_answers, 'question waits', 'questions wait')} for an answer" if open_answers else ""
        )
        who = _many(blocked, "object is", "objects are") if blocked else f"{_WHOLE} is"
        said = f"Not yet: {who} blocked{waiting}"
    elif open_answers:
        hands = f" and {_many(by_hand, 'object', 'objects')} by hand" if by_hand else ""
        said = f"Yes, after {_many(open_answers, 'answer', 'answers')}{hands}"
    elif by_hand:
        said = f"Yes, after {_many(by_hand, 'object', 'objects')} by hand"
    elif look and whole_look:
        said = f"Yes, and {_many(look, 'object', 'objects')} and {_WHOLE} want a look"
    elif look:
        said = f"Yes, and {_many(look, 'object wants', 'objects want')} a look"
    elif whole_look:
        said = f"Yes, and {_WHOLE} wants a look"
    else:
        said = "Yes"
    return said + tail


def _many(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def questions(flags: Iterable[tuple[Ref | None, str, Flag]]) -> tuple[Undecided, ...]:
    """Every open answer once, with everything that waits for it; most objects first."""
    asked: dict[tuple[str, ...], tuple[Question, set[Ref]]] = {}
    for ref, _, flag in flags:
        if flag.question is None:
            continue
        first, refs = asked.setdefault(flag.question.key, (flag.question, set()))
        if flag.question.blocks and not first.blocks:
            asked[first.key] = flag.question, refs  # what one object cannot go without blocks, whoever asked first
        if ref is not None:
            refs.add(ref)
    found = [
        Undecided(
            key=q.key,
            group=q.group,
            question=q.title,
            blocks=q.blocks,
            until=q.until,
            refs=tuple(sorted(refs)),
            where=", ".join(str(ref) for ref in sorted(refs)[:3])
            + (f" and {len(refs) - 3} more" if len(refs) > 3 else ""),
            example=q.example,
        )
        for q, refs in asked.values()
    ]
    return tuple(sorted(found, key=lambda u: (-len(u.refs), u.group, u.key)))
