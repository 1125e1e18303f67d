"""What a rollback says before it begins: reasons that differ in names only do not fill the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from migrate.model.ref import Ref
from migrate.model.undone import Taken, Undone, UndoReport
from migrate.render.undone import frame, summary
from migrate.semantics.rollback import Fate, Undo

BY_HAND = "delete it by hand when that is gone."


def space(number: int) -> Ref:
    return Ref("", "Namespace", "", f"team-{number}")


def stays(number: int) -> str:
    return f"in it stays Secret/team-{number}/login"


@dataclass
class Ready:
    target: Any
    keeps: list[Undo]
    told: tuple[tuple[str, str], ...] = (("2026-11-23T07:14:00Z", "apply"),)
    earlier: tuple[str, str, str] | None = None
    deletes: list[Undo] = field(default_factory=list)
    restores: list[Undo] = field(default_factory=list)
    brings_back: list[Undo] = field(default_factory=list)


@dataclass
class Who:
    name: str = "prod"
    account: str = ""
    version: str = "1.36"
    flavour: str = ""
    uid: str = "4f6a21c0-1"


def kept(*numbers: int) -> list[Undo]:
    return [Undo(space(n), Fate.KEEP, why=stays(n), fix=BY_HAND) for n in numbers]


def test_after_three_namespaces_that_stay_the_others_are_counted() -> None:
    text = frame(Ready(Who(), kept(1, 2, 3, 4, 5)))
    assert all(stays(n) in text for n in (1, 2, 3)) and "team-4" not in text
    assert "2 more, for reasons of that kind; -o json names all." in text
    claim = Undo(Ref("", "PersistentVolumeClaim", "shop", "data"), Fate.KEEP, why="it holds data", fix="say so.")
    text = frame(Ready(Who(), [*kept(1, 2, 3), claim]))
    assert "holds data" in text and "more, for" not in text


def test_the_end_does_the_same_but_never_with_failures() -> None:
    rows = [Undone(space(n), Taken.KEPT, stays(n), BY_HAND) for n in range(9)]
    rows += [Undone(space(n), Taken.FAILED, stays(n), BY_HAND) for n in range(10, 19)]
    report = UndoReport("prod", ("r",), tuple(rows), seconds=1, exit=1, written=0)
    text = summary(report, "gke2eks rollback")
    assert all(stays(n) in text for n in (0, 1, 2, *range(10, 19))) and stays(4) not in text
    assert "6 more kept for reasons of that kind; -o json names all" in text


def test_what_stands_before_a_run_that_did_nothing_is_named() -> None:
    stands = ("b85c75f7247aa70c", "2026-11-22T07:14:00Z", "apply --hold")
    text = frame(Ready(Who(), [], earlier=stands))
    assert "apply --hold of 22 Nov 2026, 07:14 UTC stands. To take it back, too: --run b85c75f7247aa70c" in text
    assert "stands" not in frame(Ready(Who(), []))
