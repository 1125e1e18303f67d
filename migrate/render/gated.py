"""What stands below a comparison: what changed on the source since, what flapped, and whether the gate is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from migrate.model.comparison import Comparison
from migrate.model.drift import Drift, Moved, Touched
from migrate.model.flap import Flap, Watched
from migrate.model.objects import MISSING
from migrate.render.compared_words import is_command
from migrate.render.ink import Paper
from migrate.render.markdown import code, prose
from migrate.render.times import moment
from migrate.render.words import number, plain, plural, safe, sentence

_SHOWN = 10  # of a list; -o json has all
_DRIFT, _WATCH, _GATE = "What changed on GKE since the export?", "What flaps?", "May the traffic move?"


def reasons(comparison: Comparison, drift: Drift | None, watched: Watched | None) -> tuple[str, ...]:
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
    if watched and watched.restless:
        found.append(f"{plural(len(watched.restless), 'thing flaps', 'things flap')}")
    if watched and not watched.looks:
        found.append("what runs was not seen again: no further look at the target was answered")
    return tuple(found)


def page(
    drift: Drift | None,
    watched: Watched | None,
    shut: Sequence[str] | None,
    *,
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """The lines on a terminal; '' where nothing of it was asked for. `shut` None: nobody asked for the gate."""
    paper = Paper(width, color, unicode)
    if drift is not None:
        paper.heading(_DRIFT, _answer(drift))
        for one in drift.moved[:_SHOWN]:
            paper.add(safe(f"{one.ref}  {_places(one)}"), 2)
            paper.add(sentence(one.because), 6)
            if one.redo and one.fix:
                _next(paper, one.fix)
        for text in (*_more(len(drift.moved), "more object"), *_beside(drift)):
            paper.add(text, 2)
    if watched:
        paper.heading(_WATCH, _looked(watched))
        for text in (*(safe(_flap(one)) for one in watched.flaps[:_SHOWN]), *_more(len(watched.flaps), "more")):
            paper.add(text, 2)
    if shut is not None:
        paper.heading(_GATE, "No." if shut else "Yes.")
        for text in shut:
            paper.add(sentence(text), 2)
    # Below another page, so with an empty line before it.
    return "\n" + paper.text() if paper.lines else ""


def markdown(drift: Drift | None, watched: Watched | None, shut: Sequence[str] | None) -> str:
    """The same for a pull request."""
    parts: list[list[str]] = []
    if drift is not None:
        lines = [f"## {_DRIFT}", "", f"**{prose(_answer(drift))}**", ""]
        for one in drift.moved[:_SHOWN]:
            lines.append(f"- {code(str(one.ref))} {prose(_places(one))}: {prose(sentence(one.because))}")
            if one.redo:
                lines += [f"  - next: {code(fix) if is_command(fix) else prose(fix)}" for fix in one.fix.splitlines()]
        lines += [f"- {prose(text)}" for text in (*_more(len(drift.moved), "more object"), *_beside(drift))]
        parts.append(lines)
    if watched:
        lines = [f"## {_WATCH}", "", f"**{_looked(watched)}**", ""]
        lines += [f"- {prose(_flap(one))}" for one in watched.flaps[:_SHOWN]]
        parts.append([*lines, *(f"- {text}" for text in _more(len(watched.flaps), "more"))])
    if shut is not None:
        answer = "**No.**" if shut else "**Yes.**"
        parts.append([f"## {_GATE}", "", answer, "", *(f"- {sentence(one)}" for one in shut)])
    return "".join("\n" + "\n".join(lines).rstrip("\n") + "\n" for lines in parts)


def document(drift: Drift | None, watched: Watched | None, shut: Sequence[str] | None) -> dict[str, Any]:
    """The same for machines: what nobody asked for is null."""
    return {
        "drift": None if drift is None else _drift(drift),
        "watch": {"looks": watched.looks, "failed": watched.failed, "stopped": watched.stopped} if watched else None,
        "flaps": [_flapped(one) for one in watched.flaps] if watched else None,
        "gate": None if shut is None else {"open": not shut, "reasons": list(shut)},
    }


def _flapped(one: Flap) -> dict[str, Any]:
    return {
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


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "then": drift.then,
        "now": drift.now,
        "objects": drift.objects,
        "redo": drift.redo,
        "reasons": list(drift.reasons),
        "facts": list(drift.facts),
        "unseen": list(drift.unseen),
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
    if not drift.moved and not drift.unseen and not drift.facts:
        return "Nothing."
    many = [plural(len(drift.moved), "object")] if drift.moved else []
    many += [f"{plural(len(drift.unseen), 'thing')} could not be read"] if drift.unseen else []
    many += ["the cluster itself"] if drift.facts and not many else []
    return f"{', '.join(many)}; the plan {'must be made again' if drift.redo else 'may stay'}."


def _beside(drift: Drift) -> Iterator[str]:
    """What changed of the cluster itself, and what nobody could read: one of a kind comes for each kind."""
    for texts in (drift.facts, drift.unseen):
        yield from (sentence(text) for text in texts[:_SHOWN])
        yield from _more(len(texts), "more")


def _more(count: int, what: str) -> Iterator[str]:
    if count > _SHOWN:
        rest = count - _SHOWN
        yield f"and {number(rest) + ' more' if what == 'more' else plural(rest, what)}; -o json has them all"


def _places(one: Moved) -> str:
    found = list(_touched(one))
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"{one.how.value}" + (f": {', '.join(found[:3])}{more}" if found else "")


def _touched(one: Moved) -> Iterator[str]:
    for at in one.places:
        if str(at.path):
            by = ", ".join((*at.rules, *at.decisions))
            yield f"{at.path} ({by})" if by else str(at.path)


def _next(paper: Paper, fix: str) -> None:
    """What to do; a command stays whole, to be copied."""
    for at, line in enumerate(fix.splitlines()):
        lead = "next  " if at == 0 else " " * 6
        if is_command(line):
            paper.block([safe(line)], 6, lead)
        else:
            paper.add(sentence(line), 6, lead)


def _looked(watched: Watched) -> str:
    """'1 thing, seen in 12 more looks, 2 not answered; stopped early.'"""
    many = len(watched.restless)
    text = f"{plural(many, 'thing') if many else 'Nothing'}, seen in {plural(watched.looks, 'more look')}"
    if not watched.looks:
        text = "Nobody knows: no further look was answered"
    if watched.failed:
        text += f", {number(watched.failed)} not answered"
    return f"{text}; stopped early." if watched.stopped else f"{text}."


def _flap(one: Flap) -> str:
    times = "settled" if one.settled else plural(one.changes, "change")
    now = "fine now" if one.ok else f"not fine: {one.message}"
    last = f"; last broken {moment(one.failed)}: {one.failure}" if one.ok and one.failed else ""
    return f"{one.ref}  {one.check}: {times}, {now}{last}"


def cases(comparison: Comparison, drift: Drift | None, watched: Watched | None) -> Iterator[tuple[str, str, str]]:
    """(namespace, name, why it failed, '' where it did not) for JUnit, of the gate. Names are the same in each run."""
    shut = reasons(comparison, drift, watched)
    lines = [*shut, *(drift.reasons if drift else ())]
    yield "", _GATE, "\n".join(safe(one) for one in lines) if shut else ""


def flapping(watched: Watched | None) -> Iterator[tuple[str, str, str]]:
    """The same of what flapped."""
    for one in watched.flaps if watched else ():
        yield one.ref.namespace, f"{one.ref} {one.check} flaps", "" if one.settled else safe(_flap(one))
