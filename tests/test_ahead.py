"""Intents of several new objects are written in one piece: fewer waits for the disk, the same promise."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from apply_help import Watched, plan_of, run
from contract.target_help import open_target

from migrate.cluster.outcome import Reason, Rejected, Written
from migrate.cluster.target import KubeTarget
from migrate.flow.noting import Sent
from migrate.flow.order import Order
from migrate.flow.run import Ended, Loop
from migrate.flow.waits import Waits
from migrate.model.journal import Outcome
from migrate.model.objects import Body
from migrate.model.ran import Ran
from migrate.model.ref import Ref
from migrate.practice import Cluster, Server
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import Unwritable, read_journal

NOBODY: Any = None
MANY = 80
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def maps(number: int = MANY) -> list[Ref]:
    return [Ref("", "ConfigMap", "shop", f"c{n:02}") for n in range(number)]


def bodies() -> list[dict[str, Any]]:
    meta = [{"name": ref.name, "namespace": ref.namespace} for ref in maps()]
    return [NAMESPACE, *({"apiVersion": "v1", "kind": "ConfigMap", "metadata": one} for one in meta)]


class Told:
    """Senders that note what they are told, in order."""

    def __init__(self, stop: threading.Event, bad: Exception | None = None) -> None:
        self.stop, self.bad = stop, bad
        self.ahead_of: list[tuple[Ref, ...]] = []
        self.sent: list[Ref] = []

    def ahead(self, refs: Sequence[Ref]) -> None:
        if self.bad:
            raise self.bad
        self.ahead_of.append(tuple(refs))

    def send(self, ref: Ref) -> Sent:
        self.sent.append(ref)
        return Sent(Ran(ref, Outcome.CREATED, 4))

    def stopping(self, refs: Sequence[Ref]) -> None:
        """Ctrl-C between the intents and the first of these objects."""
        self.ahead(refs)
        self.stop.set()

    def run(self, refs: Sequence[Ref], *, stops: bool = False) -> Ended:
        ahead = self.stopping if stops else self.ahead
        loop = Loop(Order(refs, {}), self.send, Waits(NOBODY, 60), Watched(), self.stop, ahead=ahead)
        return loop.run({4: len(refs)})


def test_a_few_at_a_time_and_each_is_sent_once() -> None:
    told = Told(threading.Event())
    ended = told.run(maps())
    assert sorted(told.sent) == maps() and len(ended.results) == MANY
    together = [ref for refs in told.ahead_of for ref in refs]
    assert len(set(together)) == len(together) and all(1 < len(refs) <= 8 for refs in told.ahead_of)


def test_where_there_are_no_more_objects_than_threads_nobody_waits_behind_another() -> None:
    told = Told(threading.Event())
    told.run(maps(8))
    assert told.ahead_of == [] and len(told.sent) == 8


def test_after_ctrl_c_the_rest_of_them_is_not_sent() -> None:
    told = Told(threading.Event())
    ended = told.run(maps(), stops=True)
    first = set(told.ahead_of[0])
    assert first and not first & set(told.sent) and first <= set(ended.untried)
    assert len(ended.untried) + len(ended.results) == MANY


def test_a_full_disk_ends_the_run_and_nothing_of_theirs_is_sent() -> None:
    bad = Unwritable("the journal cannot be written", "make room.")
    told = Told(threading.Event(), bad)
    ended = told.run(maps())
    assert ended.trouble is bad and len(ended.untried) + len(ended.results) == MANY


@pytest.fixture
def target() -> Iterator[KubeTarget]:
    server = Server(Cluster()).start()
    yield open_target(server.url)
    server.stop()


def test_the_disk_is_waited_for_less_often_and_every_intent_is_there_before_its_result(
    target: KubeTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, synced, sync = plan_of(bodies(), tmp_path / "w"), list[int](), os.fsync

    def counted(handle: int) -> None:
        synced.append(handle)
        sync(handle)

    monkeypatch.setattr(os, "fsync", counted)
    monkeypatch.setattr(os, "fdatasync", counted)
    assert set(run(plan, target, tmp_path / "w").actions().values()) == {"created"}
    assert 0 < len(synced) < MANY / 2
    rows = [orjson.loads(line) for line in (tmp_path / "w" / "journal.jsonl").read_bytes().splitlines()]
    begun = {row["n"]: row["ref"] for row in rows if row["is"] == "intent"}
    ends = [row for row in rows if row["is"] == "result"]
    assert len(ends) == MANY + 1
    assert all(row["intent"] < row["n"] and begun[row["intent"]] == row["ref"] for row in ends)
    known = read_journal(open_workspace(tmp_path / "w"))
    assert len(known.made) == MANY + 1 and known.unknown == ()
    assert run(plan, target, tmp_path / "w").writes == 0


class Killed(BaseException):
    """Stands for a kill: nothing after it is written."""


class Dying:
    """A target at whose first ConfigMap the process ends."""

    def __init__(self, target: KubeTarget) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def apply(self, body: Body, *, manager: str) -> Written:
        if body["kind"] == "ConfigMap":
            raise Killed
        return self._target.apply(body, manager=manager)


def test_intents_of_what_was_never_sent_do_no_harm(target: KubeTarget, tmp_path: Path) -> None:
    plan = plan_of(bodies(), tmp_path / "w")
    dying: Any = Dying(target)
    with pytest.raises(Killed):
        run(plan, dying, tmp_path / "w")
    open_ones = read_journal(open_workspace(tmp_path / "w")).unknown
    assert len(open_ones) > 1
    assert set(run(plan, target, tmp_path / "w").actions().values()) == {"created", "unchanged"}
    known = read_journal(open_workspace(tmp_path / "w"))
    assert len(known.made) == MANY + 1 and known.unknown == ()
    assert run(plan, target, tmp_path / "w").writes == 0


class Refusing:
    """A target that takes no ConfigMap."""

    def __init__(self, target: KubeTarget) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def apply(self, body: Body, *, manager: str) -> Written | Rejected:
        if body["kind"] == "ConfigMap":
            return Rejected(Reason.ADMISSION, "no")
        return self._target.apply(body, manager=manager)


def test_intents_of_what_was_never_sent_and_is_refused_then_leave_no_doubt(target: KubeTarget, tmp_path: Path) -> None:
    plan = plan_of(bodies(), tmp_path / "w")
    dying: Any = Dying(target)
    with pytest.raises(Killed):
        run(plan, dying, tmp_path / "w")
    assert len(read_journal(open_workspace(tmp_path / "w")).unknown) > 1
    refusing: Any = Refusing(target)
    assert set(run(plan, refusing, tmp_path / "w").actions().values()) == {"failed", "unchanged"}
    known = read_journal(open_workspace(tmp_path / "w"))
    assert known.unknown == () and len(known.made) == 1
