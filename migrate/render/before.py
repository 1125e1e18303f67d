"""What a person sees before the first write: who is read, who is written to, which plan, what stays out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from migrate.model.ran import Ran
from migrate.model.since import Since
from migrate.render import ran
from migrate.render import since as last
from migrate.render.ink import Paper
from migrate.render.times import moment
from migrate.render.words import number, plural, safe, sentence

_TEXT = 29  # columns of what stands first in a row; a remark follows
_NAMED = 5
_OF_ONE = {"wait for an answer": "waits for an answer", "have no Namespace": "has no Namespace"}
_ASKED = {
    "apply": "read only, and only for Secret values",
    "release": "read only, and only to see what still runs there",
}


class Who(Protocol):
    """A target. All but `name` may be '', for not known."""

    @property
    def name(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def flavour(self) -> str: ...
    @property
    def uid(self) -> str: ...


class Prepared(Protocol):
    """A run that is ready to begin. `source` is None where nobody named one; `refused` release does not start."""

    @property
    def command(self) -> str: ...
    @property
    def source(self) -> object: ...
    @property
    def source_name(self) -> str: ...
    @property
    def target(self) -> Who: ...
    @property
    def digest(self) -> str: ...
    @property
    def objects(self) -> int: ...
    @property
    def wave_count(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def left_out(self) -> Mapping[str, int]: ...
    @property
    def folded(self) -> int: ...
    @property
    def refused(self) -> Sequence[Ran]: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def changes(self) -> Sequence[str]: ...
    @property
    def resumed(self) -> str: ...
    @property
    def since(self) -> Since | None: ...
    @property
    def prunes(self) -> bool: ...


def who(target: Who) -> str:
    """'EKS us-east-2/prod, account 111122223333, Kubernetes 1.36'; without an account the cluster's own id."""
    parts = [f"EKS {safe(target.name)}" if target.account else safe(target.name)]
    parts.append(f"account {safe(target.account)}" if target.account else f"uid {safe(target.uid[:8])}")
    parts += [f"Kubernetes {safe(target.version)}"] if target.version else []
    parts += ["Auto Mode"] if target.flavour == "auto" else []
    return ", ".join(part for part in parts if part != "uid ")


def frame(prepared: Prepared, *, width: int = 100, color: bool = False) -> str:
    """The lines above the question."""
    paper = Paper(width, color)
    asked = _ASKED.get(prepared.command, "read only") if prepared.source is not None else "not asked"
    _row(paper, "Source", safe(prepared.source_name) or "not named", asked)
    paper.add(who(prepared.target), 2, "Target  ")
    _row(paper, "Plan", ran.digest(prepared.digest), _what(prepared))
    out = sum(prepared.left_out.values())
    if out:
        why = ", ".join(_left_out(word, count) for word, count in prepared.left_out.items() if count)
        folded = f"; {number(prepared.folded)} folded {'needs' if prepared.folded == 1 else 'need'} nothing"
        paper.add(f"{plural(out, 'object')}: {why}{folded if prepared.folded else ''}", 2, "Left out ")
    if prepared.resumed:
        paper.add(f"Going on from {moment(prepared.resumed)}: that run did not come to its end.", 2)
    for change in prepared.changes:
        # Two plans are told apart by the beginning, as in the line above.
        shown = re.sub(r"sha256:[0-9a-f]{12,}", lambda found: ran.digest(found[0]), change)
        paper.add(sentence(shown), 2, "Since the last run: ")
    if prepared.since is not None:
        last.before(paper, prepared.since, prepared.prunes)
    for note in prepared.notes:
        paper.add(sentence(note), 2, "note: ")
    if prepared.refused:
        names = [str(one.ref) for one in prepared.refused]
        more = f" and {number(len(names) - _NAMED)} more" if len(names) > _NAMED else ""
        text = f"{plural(len(names), 'object')}, for reasons told at the end: {', '.join(names[:_NAMED])}{more}"
        paper.add(safe(text), 2, "Refused ")
    return paper.text()


def question(name: str) -> str:
    """What stands before the cursor."""
    return f"  Type {safe(name)} to go on: "


def _row(paper: Paper, label: str, text: str, remark: str) -> None:
    paper.add(f"{text:<{_TEXT}}  {remark}".rstrip(), 2, f"{label:<8}")


def _what(prepared: Prepared) -> str:
    said = f"{plural(prepared.objects, 'object')} in {plural(prepared.wave_count, 'wave')}"
    if not prepared.held:
        return said
    return f"{said}; {number(prepared.held)} {'arrives' if prepared.held == 1 else 'arrive'} held"


def _left_out(word: str, count: int) -> str:
    return f"{number(count)} {safe(_OF_ONE.get(word, word) if count == 1 else word)}"
