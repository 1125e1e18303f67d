"""What changed since the last apply, as a terminal shows it before the question and at the end, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from migrate.model.objects import MISSING
from migrate.model.ref import Ref
from migrate.model.since import Changed, Field, Left, Since
from migrate.render.ink import Paper
from migrate.render.times import moment
from migrate.render.words import by_namespace, namespace, number, plain, plural, safe, sentence, short, shown

_NAMED = 3
_LONGEST = 60  # characters of a value


def before(paper: Paper, since: Since, prunes: bool) -> None:
    """The lines above the question; none where nothing changed."""
    if not since:
        return
    go = [one.ref for one in since.prunable]
    kept = [one for one in since.left if one.why_kept]
    counts = [(len(since.new), "new"), (len(since.changed), "changed"), (len(since.left), "left the plan")]
    at = f" ({moment(since.at)})" if since.at else ""
    said = ", ".join(f"{number(n)} {word}" for n, word in counts if n)
    paper.add(f"Since the last apply{at}: {said}", 2)
    _places(paper, since.new, "new      ")
    for place, one in enumerate(since.changed[:_NAMED]):
        _changed(paper, one, "changed  " if place == 0 else " " * 9)
    _more(paper, len(since.changed) - _NAMED)
    _places(paper, go, "left     ")
    if go and not prunes:
        it = "it stays" if len(go) == 1 else "they stay"
        paper.add(f"{it} until apply is run with --prune", 13)
    _kept(paper, kept, "kept     ")
    if go and prunes:
        kinds = Counter(ref.short.partition("/")[0] for ref in go)
        what = ", ".join(f"{number(count)} {safe(kind)}" for kind, count in sorted(kinds.items()))
        paper.add(f"{plural(len(go), 'object')}, after all else went well: {what}", 2, "Deletes ")


def after(paper: Paper, since: Since, again: str) -> None:
    """What is left at the end, and how it goes."""
    if since.left and "--prune" in again.split():
        paper.add(
            f"{plural(len(since.left), 'object')} left the plan and stay{'s' if len(since.left) == 1 else ''}:", 2
        )
        _kept(paper, since.left, "kept     ")
    elif since.prunable:
        said = f"{plural(len(since.prunable), 'object')} left the plan. To delete: "
        paper.add(f"{said}{safe(again)} --prune", 2)


def document(since: Since) -> dict[str, Any]:
    """`since` of reports/apply.schema.json."""
    return {
        "at": since.at,
        "new": [ref.as_dict() for ref in since.new],
        "changed": [{"ref": one.ref.as_dict(), "fields": [_field(row) for row in one.fields]} for one in since.changed],
        "left": [{"ref": one.ref.as_dict(), "why_kept": one.why_kept, "fix": one.fix} for one in since.left],
    }


def _field(row: Field) -> dict[str, Any]:
    # null is a value that Kubernetes knows; a side that is not there has no key.
    sides = {"was": row.was, "now": row.now}
    return {"path": row.path, **{side: plain(value) for side, value in sides.items() if value is not MISSING}}


def _places(paper: Paper, refs: Sequence[Ref], lead: str) -> None:
    for space, found in by_namespace(refs[:_NAMED]).items():
        paper.add(", ".join(map(short, found)), 4, f"{lead}{safe(space) or 'cluster'}: ")
        lead = " " * len(lead)
    _more(paper, len(refs) - _NAMED)


def _changed(paper: Paper, one: Changed, lead: str) -> None:
    paper.add(f"{namespace(one.ref)}: {short(one.ref)}", 4, lead)
    for row in one.fields[:_NAMED]:
        secret = row.was is MISSING and row.now is MISSING
        paper.add(safe(row.path) + ("" if secret else f"  {_value(row.was)} → {_value(row.now, 'removed')}"), 15)
    _more(paper, len(one.fields) - _NAMED, 15)


def _kept(paper: Paper, found: Sequence[Left], lead: str) -> None:
    for one in found[:_NAMED]:
        paper.add(f"{namespace(one.ref)}: {short(one.ref)}  {sentence(one.why_kept)}", 4, lead)
        paper.block([safe(line) for line in one.fix.splitlines()], 13)
        lead = " " * len(lead)
    _more(paper, len(found) - _NAMED)


def _more(paper: Paper, count: int, indent: int = 13) -> None:
    if count > 0:
        paper.add(f"and {number(count)} more", indent)


def _value(value: object, missing: str = "not set") -> str:
    text = shown(value, missing)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
