"""What stands below a comparison: what changed on the source since, what flapped, and whether the gate is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from migrate.model.comparison import Comparison
from migrate.model.drift import Drift, Moved, Touched
from migrate.model.flap import Flap
from migrate.model.objects import MISSING
from migrate.render.ink import Paper
from migrate.render.markdown import code, prose
from migrate.render.words import plain, plural, safe

_SHOWN = 10


def reasons(comparison: Comparison, drift: Drift | None, flaps: Sequence[Flap]) -> tuple[str, ...]:
    """Why the gate of a cutover is shut; empty when it is open."""
    found = [] if comparison.proven else ["the target is not what was planned"]
    if drift is None:
        found.append("nobody looked at the source again")
    elif drift.redo:
        found.append(
            f"the source changed, so that the plan must be made again ({plural(len(drift.reasons), 'reason')})"
        )
    ill = [one for one in comparison.runtime if one.ok is False]
    if ill:
        found.append(f"{plural(len(ill), 'thing runs', 'things run')} differently")
    restless = [one for one in flaps if not one.settled]
    if restless:
        found.append(f"{plural(len(restless), 'thing flaps', 'things flap')}")
    return tuple(found)


def page(
    drift: Drift | None,
    flaps: Sequence[Flap],
    shut: Sequence[str] | None,
    *,
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """The lines on a terminal; '' where nothing of it was asked for. `shut` None: nobody asked for the gate."""
    paper = Paper(width, color, unicode)
    if drift is not None:
        paper.heading("What changed on GKE since the export?", _answer(drift))
        for one in drift.moved[:_SHOWN]:
            paper.add(safe(f"{one.ref}  {_places(one)}"), 2)
            paper.add(safe(one.because), 6)
            if one.redo:
                paper.add(safe(one.fix), 6, "next  ")
        if len(drift.moved) > _SHOWN:
            paper.add(f"and {plural(len(drift.moved) - _SHOWN, 'more object')}; -o json has them all", 2)
        for text in (*drift.facts, *drift.unseen):
            paper.add(safe(text), 2)
    if flaps:
        paper.heading("What flaps?", plural(sum(not one.settled for one in flaps), "thing"))
        for flap in flaps[:_SHOWN]:
            paper.add(safe(_flap(flap)), 2)
    if shut is not None:
        paper.heading("May the traffic move?", "No." if shut else "Yes.")
        for text in shut:
            paper.add(text, 2)
    return paper.text()


def markdown(drift: Drift | None, flaps: Sequence[Flap], shut: Sequence[str] | None) -> str:
    """The same for a pull request."""
    lines: list[str] = []
    if drift is not None:
        lines += ["", "## What changed on GKE since the export?", prose(_answer(drift)), ""]
        lines += [f"- {code(str(one.ref))} {prose(_places(one))}: {prose(one.because)}" for one in drift.moved[:_SHOWN]]
        more = len(drift.moved) - _SHOWN
        lines += [f"- and {plural(more, 'more object')}"] if more > 0 else []
        lines += [f"- {prose(text)}" for text in (*drift.facts, *drift.unseen)]
    if flaps:
        lines += ["", "## What flaps?", ""] + [f"- {prose(_flap(one))}" for one in flaps[:_SHOWN]]
    if shut is not None:
        lines += ["", "## May the traffic move?", "No." if shut else "Yes.", ""] + [f"- {text}" for text in shut]
    return "\n".join(lines) + "\n" if lines else ""


def document(drift: Drift | None, flaps: Sequence[Flap], shut: Sequence[str] | None) -> dict[str, Any]:
    """The same for machines: `drift` and `gate` are null where nobody asked."""
    return {
        "drift": None if drift is None else _drift(drift),
        "flaps": [
            {
                "ref": one.ref.as_dict(),
                "check": one.check,
                "changes": one.changes,
                "settled": one.settled,
                "ok": one.ok,
                "message": one.message,
                "changed": one.changed,
                "failed": one.failed,
                "failure": one.failure,
            }
            for one in flaps
        ],
        "gate": None if shut is None else {"open": not shut, "reasons": list(shut)},
    }


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "then": drift.then,
        "now": drift.now,
        "objects": drift.objects,
        "redo": drift.redo,
        "reasons": list(drift.reasons),
        "facts": list(drift.facts),
        "moved": [
            {
                "ref": one.ref.as_dict(),
                "how": one.how.value,
                "redo": one.redo,
                "because": one.because,
                "fix": one.fix,
                "places": [
                    {
                        "path": str(at.path),
                        **_values(at),
                        "rules": list(at.rules),
                        "decisions": list(at.decisions),
                    }
                    for at in one.places
                ],
            }
            for one in drift.moved
        ],
    }


def _values(at: Touched) -> dict[str, Any]:
    return {side: plain(value) for side, value in (("was", at.was), ("now", at.now)) if value is not MISSING}


def _answer(drift: Drift) -> str:
    if not drift.moved and not drift.unseen:
        return "Nothing."
    many = plural(len(drift.moved), "object")
    return f"{many}; the plan must be made again." if drift.redo else f"{many}; the plan may stay."


def _places(one: Moved) -> str:
    found = list(_touched(one))
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"{one.how.value}" + (f": {', '.join(found[:3])}{more}" if found else "")


def _touched(one: Moved) -> Iterator[str]:
    for at in one.places:
        if str(at.path):
            by = ", ".join((*at.rules, *at.decisions))
            yield f"{at.path} ({by})" if by else str(at.path)


def _flap(one: Flap) -> str:
    times = "settled" if one.settled else plural(one.changes, "change")
    now = "fine now" if one.ok else f"not fine: {one.message}"
    last = f"; last broken {one.failed}: {one.failure}" if one.ok and one.failed else ""
    return f"{one.ref}  {one.check}: {times}, {now}{last}"
