"""What tests of apply share: a plan of some objects, a run of it against a server, and what the target then is."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from migrate.cluster.port import Target
from migrate.flow.live import read_live
from migrate.flow.order import Order
from migrate.flow.plan import make_plan
from migrate.flow.run import Ended, Loop, Wait
from migrate.flow.secret_values import Filled
from migrate.flow.sending import Fill, Sender
from migrate.flow.view import View
from migrate.flow.waits import Waits
from migrate.manifest.waves import level_of, wave_of
from migrate.model.journal import Fingerprint, Outcome
from migrate.model.objects import Object
from migrate.model.plan import Plan, Step
from migrate.model.ran import At, Ran, WaveDone
from migrate.model.ref import Ref
from migrate.semantics.going import Going, going
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import Start, open_journal

KEY = b"k" * 32
TODAY = date(2026, 11, 23)
PRINT = Fingerprint("a-uid", "1.36", "standard", "served")


def plan_of(bodies: Iterable[Mapping[str, Any]], workspace: Path, **options: Any) -> Plan:
    """Plan objects as a user does, from a file."""
    source = workspace.parent / f"{workspace.name}.yaml"
    source.write_text(yaml.safe_dump_all(bodies), encoding="utf-8")
    return make_plan([str(source)], workspace, stdin=lambda: b"", today=TODAY, **options).plan


def made_up(step: Step) -> Filled:
    """The planned body; a Secret with a value for each key."""
    assert step.body is not None
    if step.ref.kind != "Secret":
        return Filled(step.body)
    rest = {key: value for key, value in step.body.items() if key not in ("data", "stringData")}
    keys = {**(step.body.get("data") or {}), **(step.body.get("stringData") or {})}
    return Filled({**rest, "data": {key: base64.b64encode(f"value of {key}".encode()).decode() for key in keys}})


@dataclass
class Watched:
    """A watcher that keeps what it was told."""

    waves: list[WaveDone] = field(default_factory=list)
    bad: list[Ran] = field(default_factory=list)
    last: At | None = None
    in_flight: int | None = None

    def at(self, where: At) -> None:
        self.last = where

    def wave_done(self, wave: WaveDone) -> None:
        self.waves.append(wave)

    def failed(self, one: Ran) -> None:
        self.bad.append(one)

    def stopping(self, in_flight: int) -> None:
        self.in_flight = in_flight


@dataclass
class Run:
    """What a run came to."""

    ended: Ended
    going: Going
    writes: int
    watched: Watched

    def actions(self) -> dict[str, str]:
        return {str(one.ref): one.action.value for one in self.ended.results}

    def of(self, text: str) -> Ran:
        return next(one for one in self.ended.results if str(one.ref) == text)

    def bad(self) -> list[Ran]:
        return [one for one in self.ended.results if one.action in (Outcome.FAILED, Outcome.SKIPPED, Outcome.LEFT_OUT)]


def run(
    plan: Plan,
    target: Target,
    workspace: Path,
    *,
    releases: Callable[[Going], Iterable[Ref]] = lambda _: (),
    fill: Fill = made_up,
    wait: Wait = Wait.ALL,
    patience: float = 60,
    stop: threading.Event | None = None,
    watched: Watched | None = None,
    **options: Any,
) -> Run:
    """Apply a plan, or release some of it, without the checks that come before."""
    goes = going(plan, **options)
    released = frozenset(releases(goes))
    refs = released or frozenset(goes.steps)
    watched = watched or Watched()
    with open_journal(open_workspace(workspace), Start("apply", plan.digest, PRINT), KEY) as journal:
        live = read_live(View(target), target, sorted(refs))
        sender = Sender(target, goes, journal, KEY, live, fill, released)
        loop = Loop(
            Order(refs, goes.gates.waits, lambda ref: level_of(Object(ref, goes.steps[ref].body or {}))),
            sender.send,
            Waits(target, patience),
            watched,
            stop or threading.Event(),
            wait=wait,
            ahead=sender.ahead,
        )
        sizes: dict[int, int] = {}
        for ref in refs:
            sizes[wave_of(ref)] = sizes.get(wave_of(ref), 0) + 1
        ended = loop.run(sizes)
        journal.close(0)
    return Run(ended, goes, sender.writes, watched)
