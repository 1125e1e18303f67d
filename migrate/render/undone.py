"""What a rollback will do, by kind, before it is asked for; and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from migrate.errors import EXIT_CODES, INTERRUPTED, STOPPED
from migrate.model.ref import Ref
from migrate.model.undone import Taken, Undone, UndoReport
from migrate.render import before
from migrate.render.ink import Paper
from migrate.render.times import duration, moment
from migrate.render.words import namespace, number, plural, safe, sentence, short

SCHEMA = "gke2eks.rollback/v1"
_NAMED = 3


class Undo(Protocol):
    """What becomes of one object."""

    @property
    def ref(self) -> Ref: ...
    @property
    def why(self) -> str: ...
    @property
    def costs(self) -> str: ...
    @property
    def fix(self) -> str: ...


class Ready(Protocol):
    """A rollback that is ready to begin: which runs it takes back, oldest first, as (time, command)."""

    @property
    def target(self) -> before.Who: ...
    @property
    def told(self) -> Sequence[tuple[str, str]]: ...
    @property
    def earlier(self) -> tuple[str, str, str] | None: ...
    @property
    def deletes(self) -> Sequence[Undo]: ...
    @property
    def restores(self) -> Sequence[Undo]: ...
    @property
    def brings_back(self) -> Sequence[Undo]: ...
    @property
    def keeps(self) -> Sequence[Undo]: ...


_Row = TypeVar("_Row", Undo, Undone)


def frame(ready: Ready, *, width: int = 100, color: bool = False) -> str:
    """The lines above the question."""
    paper = Paper(width, color)
    paper.add(before.who(ready.target), 2, "Target      ")
    runs = [f"{command} of {moment(at)}" for at, command in ready.told]
    more = f" and {plural(len(runs) - _NAMED, 'run')} before" if len(runs) > _NAMED else ""
    paper.add(", ".join(runs[::-1][:_NAMED]) + more, 2, "Takes back  ")
    _kinds(paper, "deletes", ready.deletes)
    _kinds(paper, "restores", ready.restores)
    _reasons(paper, ready.deletes)
    if ready.brings_back:
        _kinds(paper, "brings back", ready.brings_back)
        _reasons(paper, ready.brings_back)
        down = [one.ref for one in ready.brings_back if one.costs]
        if down:
            paper.add(f"{_names(down)}: {sentence(next(one.costs for one in ready.brings_back if one.costs))}", 6, "- ")
    if ready.keeps:
        _kinds(paper, "keeps", ready.keeps)
        _reasons(paper, ready.keeps)
    if not ready.deletes and not ready.restores and not ready.brings_back:
        paper.add("There is nothing to take back.", 2)
        if ready.earlier:
            run, at, command = ready.earlier
            paper.add(f"{command} of {moment(at)} stands. To take it back, too: --run {safe(run)}", 2)
    return paper.text()


def summary(report: UndoReport, again: str, *, width: int = 100, color: bool = False, unicode: bool = True) -> str:
    """The page at the end."""
    paper = Paper(width, color, unicode)
    paper.add(safe(report.target), 2, "Target  ")
    for one in report.results:
        if one.action is Taken.FAILED:
            paper.add(_said(one), 2, paper.paint("x", "x") + " ")
            paper.add(sentence(one.fix), 6, "next   ")
    for action, sign in ((Taken.DELETED, "!"), (Taken.RESTORED, "!"), (Taken.KEPT, "-")):
        told = [one for one in report.results if one.action is action and one.message]
        found, more = _few(_by_message(told))
        for why, rows in found.items():
            head = f"{number(len(rows))} {action.value}: {sentence(why).removesuffix('.')}"
            paper.add(head, 2, paper.paint(sign, sign) + " ")
            paper.add(_names([one.ref for one in rows]), 6)
            for fix in dict.fromkeys(one.fix for one in rows if one.fix):
                paper.add(sentence(fix), 6, "next   ")
        if more:
            paper.add(f"{number(more)} more {action.value} for reasons of that kind; -o json names all", 2, f"{sign} ")
    counts = "   ".join(f"{action} {number(count)}" for action, count in report.counts.items() if count)
    if report.stopped:
        untried = f"   not yet tried {number(report.untried)}" if report.untried else ""
        paper.add(f"{counts}{untried}".strip(), 2, paper.paint("Stopped.", "bold") + "  ")
        for line in report.stopped.splitlines():
            paper.add(sentence(line), 2)
        paper.block([f"To go on: {safe(again)}"], 2)
    else:
        word = "Done." if not report.exit else "Done, but look."
        paper.add(counts or "nothing to do", 2, paper.paint(word, "bold") + "  ", duration(report.seconds))
    if not report.written:
        paper.add("No object was written.", 2)
    if report.exit:
        words = {STOPPED: "it ended half-way", INTERRUPTED: EXIT_CODES[INTERRUPTED]}
        said = [f"{report.counts[one]} {one.value}" for one in (Taken.FAILED, Taken.KEPT) if report.counts[one]]
        paper.add(f"exit {report.exit}: {words.get(report.exit) or ', '.join(said)}")
    return paper.text()


def document(report: UndoReport) -> dict[str, Any]:
    """What `gke2eks rollback -o json` prints: reports/rollback.schema.json."""
    return {
        "schema": SCHEMA,
        "target": report.target,
        "runs": list(report.runs),
        "counts": report.counts,
        "written": report.written,
        "results": [
            {"ref": one.ref.as_dict(), "action": one.action.value, "message": one.message, "fix": one.fix}
            for one in report.results
        ],
        "stopped": report.stopped,
        "untried": report.untried,
        "seconds": round(report.seconds, 1),
        "exit": report.exit,
    }


def _kinds(paper: Paper, word: str, rows: Sequence[Undo]) -> None:
    """'deletes   12 objects: 4 ConfigMap, 3 Deployment, …'"""
    counts: dict[str, int] = {}
    for one in sorted(rows, key=lambda one: one.ref.short):
        kind = one.ref.short.rpartition("/")[0]
        counts[kind] = counts.get(kind, 0) + 1
    said = ", ".join(f"{number(count)} {safe(kind)}" for kind, count in counts.items())
    paper.add(f"{plural(len(rows), 'object')}{': ' if said else ''}{said}", 2, f"{word:<11} ")


def _reasons(paper: Paper, rows: Sequence[Undo]) -> None:
    reasons, more = _few(_by_reason(one for one in rows if one.why))
    for why, found in reasons.items():
        paper.add(f"{_names([one.ref for one in found])}: {sentence(why)}", 6, "- ")
        for fix in dict.fromkeys(one.fix for one in found if one.fix):
            paper.add(sentence(fix), 8, "next  ")
    if more:
        paper.add(f"{number(more)} more, for reasons of that kind; -o json names all.", 6, "- ")


def _few(groups: Mapping[str, list[_Row]]) -> tuple[dict[str, list[_Row]], int]:
    """Of reasons that differ in names only, and that ask for the same of a person, the first; how many objects the
    others have."""
    seen: Counter[tuple[str, ...]] = Counter()
    shown: dict[str, list[_Row]] = {}
    more = 0
    for why in groups:
        rows: list[_Row] = groups[why]
        like = (why.split(" ")[0], *sorted({f"{one.ref.kind} {one.fix}" for one in rows}))
        seen[like] += 1
        if seen[like] > _NAMED:
            more += len(rows)
        else:
            shown[why] = rows
    return shown, more


def _names(refs: Sequence[Ref]) -> str:
    more = f" and {number(len(refs) - _NAMED)} more" if len(refs) > _NAMED else ""
    return ", ".join(safe(str(ref)) for ref in refs[:_NAMED]) + more


def _said(one: Undone) -> str:
    return f"{namespace(one.ref)}: {short(one.ref)}  {one.action.value}    {sentence(one.message).removesuffix('.')}"


def _by_reason(rows: Iterable[Undo]) -> Mapping[str, list[Undo]]:
    found: dict[str, list[Undo]] = {}
    for one in rows:
        found.setdefault(one.why, []).append(one)
    return found


def _by_message(rows: Iterable[Undone]) -> Mapping[str, list[Undone]]:
    found: dict[str, list[Undone]] = {}
    for one in rows:
        found.setdefault(one.message, []).append(one)
    return found
