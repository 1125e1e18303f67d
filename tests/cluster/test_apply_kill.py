"""kill -9 at every write boundary of apply and release: run again, and the end is as if nothing had happened.

One object for each kind of write (apply_kinds), the real command line in real processes, one real control plane with
its controllers, a namespace of its own for each death. Boundaries are: at the server, before each request that changes
something gets there and after it acted but before anybody hears of it; in the journal, in the midst of and after each
write. GKE2EKS_EVERY=1 adds those before each write and after each sync, at which the file is as at the one before.
"""

from __future__ import annotations

import os
import queue
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from apply_kinds import SMALLEST, fixture, group_of, kinds
from apply_real import (
    CHANGES,
    WRITES,
    Commands,
    Ended,
    Kill,
    Replicas,
    before,
    differs,
    ours,
    projected,
    through,
    writes,
)
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.faults import Faults, Rule
from rig.http import Client, Json

from migrate.flow.practice import write_kubeconfig
from migrate.practice import Cluster, Server
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal

WORKERS = 3
APPLY, RELEASE = ("apply",), ("release", "--source-stopped")


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a run dies: at the `nth` request to a path (`late`: the server acted), or at a tick of its journal."""

    command: tuple[str, ...]
    nth: int
    path: str = ""
    late: bool = False

    def __str__(self) -> str:
        where = f"{'after' if self.late else 'before'} request {self.nth} to {self.path}" if self.path else self.nth
        return f"{self.command[0]} at {where}"


class Worker:
    """Lives, one after the other: each in a namespace of its own, through a proxy that may kill."""

    def __init__(self, plane: ControlPlane, source: Server, folder: Path) -> None:
        self.run, self.proxy, self.folder = Commands(folder), before(plane).start(), folder
        self.client, self.old = plane.client(), Client(source.url)
        self.target, self.source = through(plane, self.proxy, folder / "target.json"), folder / "source"
        write_kubeconfig(self.source, source.url, "source")

    def plan(self, name: str) -> None:
        """A plan of the objects under this name, and a source that has the values."""
        bodies = fixture(name)
        for kind in ("Namespace", "Secret"):
            self.old.apply(next(one for one in bodies if one["kind"] == kind))
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump_all(bodies))
        assert self.run("plan", "--from", file, "-w", self.folder / name).exit == 0

    def go(self, name: str, command: tuple[str, ...], at: Boundary | None = None) -> Ended:
        """Run a command on the target, to its end or to a boundary."""
        kill = Kill(self.run.pid, at.late) if at is not None and at.path else None
        path = CHANGES + ".*" + re.escape(at.path.replace("NAME", name)) if at else ""
        self.proxy.faults = Faults(rules=[Rule(kill, WRITES, path, at.nth, times=1)] if kill and at else [])
        names = ("--context", "rig", "--kubeconfig", self.target)
        names += ("--source-context", "source", "--source-kubeconfig", self.source)
        words = (*command, "-w", self.folder / name, *names, "--yes", "--wait", "none")
        return self.run(*words, die=at.nth if at and not at.path else 0)

    def whole(self, name: str, command: tuple[str, ...]) -> list[str]:
        """Run to the end; give the changing requests, without the namespace's name."""
        ended = self.go(name, command)
        assert ended.exit == 0, ended.out
        return [one.path.partition("&fieldValidation")[0].replace(name, "NAME") for one in writes(self.proxy)]

    def there(self, name: str) -> dict[str, Json]:
        named = {name, f"{name}-reader", f"things.{group_of(name)}"}
        listed = [one for one in kinds(group_of(name)) if one[1] != "Thing" or self.serves(name)]
        return ours(self.client, listed, name, named)

    def serves(self, name: str) -> bool:
        groups = self.client.raw("GET", "/apis")["groups"]
        return any(one["name"] == group_of(name) for one in groups)

    def close(self) -> None:
        self.run.__exit__(None, None, None)
        self.proxy.stop()


def states(found: dict[str, Json], name: str) -> dict[str, Json]:
    """What there is without what differs from life to life."""

    def rename(text: str) -> str:
        return text.replace(name, "NAME")

    return {rename(key): projected(body, rename) for key, body in found.items()}


@pytest.fixture(scope="module")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start() as plane:
        yield plane


@pytest.fixture(scope="module")
def workers(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Worker]]:
    source = Server(Cluster()).start()
    found = [Worker(plane, source, tmp_path_factory.mktemp("worker")) for _ in range(WORKERS)]
    yield found
    for one in found:
        one.close()
    source.stop()


@dataclass(frozen=True, slots=True)
class Whole:
    """An undisturbed life: what was there after apply and after release, and where it could have died."""

    applied: dict[str, Json]
    released: dict[str, Json]
    boundaries: tuple[list[Boundary], list[Boundary]]


def undisturbed(worker: Worker, name: str) -> Whole:
    worker.plan(name)
    ends, found = [], []
    for command in (APPLY, RELEASE):
        requests = worker.whole(name, command)
        ends.append(states(worker.there(name), name))
        served = [
            Boundary(command, requests[: at + 1].count(path), path, late)
            for at, path in enumerate(requests)
            for late in (False, True)
        ]
        found.append(served)
        assert worker.whole(name, command) == []
    # The ticks of a run that has all to do; counted in another life, because they are known only at its end.
    worker.plan(f"{name}t")
    for command, served in zip((APPLY, RELEASE), found, strict=True):
        served += [Boundary(command, tick) for tick in range(1, worker.go(f"{name}t", command).ticks + 1)]
    return Whole(ends[0], ends[1], (found[0], found[1]))


def life(worker: Worker, name: str, whole: Whole, first: Boundary, second: Boundary | None) -> int:
    """Die once in apply, and perhaps once more in release; each time run again. How often it was really killed."""
    worker.plan(name)
    killed = 0
    for at, wanted in ((first, whole.applied), (second, whole.released)):
        if at is None:
            continue
        ended = worker.go(name, at.command, at)
        assert ended.killed or (not at.path and ended.exit == 0), f"{at}: not killed, {ended.exit}\n{ended.out}"
        killed += ended.killed
        worker.whole(name, at.command)
        now = worker.there(name)
        assert not (other := differs(states(now, name), wanted)), f"{at}: another end: {other}"
        assert worker.whole(name, at.command) == [], f"{at}: the third run wrote"
        past = read_journal(open_workspace(worker.folder / name))
        assert past.unknown == (), f"{at}: {past.unknown}"
        made = {uid: f"{ref.kind} {ref.name}" for uid, ref in past.made.items()}
        there = {body["metadata"]["uid"]: key for key, body in now.items()}
        assert made == there, f"{at}: who made it? {made.items() ^ there.items()}"
    return killed


def spread(workers: list[Worker], jobs: list[Callable[[Worker], None]]) -> list[str]:
    """Let the workers do all jobs; what went wrong, in words."""
    waiting: queue.SimpleQueue[Callable[[Worker], None]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    wrong: list[str] = []

    def work(worker: Worker) -> None:
        while len(wrong) < 10:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                job(worker)
            except Exception as bad:
                wrong.append(f"{type(bad).__name__}: {bad}"[:3000])

    threads = [threading.Thread(target=work, args=(one,)) for one in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_killed_at_every_write_boundary(plane: ControlPlane, workers: list[Worker]) -> None:
    whole = undisturbed(workers[0], "whole")
    assert len(whole.applied) == len(fixture("x")) - 1 and len(whole.released) == len(fixture("x"))
    applies, releases = whole.boundaries
    assert len(applies) > 90 and len(releases) > 30
    replicas, killed = Replicas(plane.client()), [0] * len(applies)

    def job(number: int) -> Callable[[Worker], None]:
        second = releases[number] if number < len(releases) else None

        def run(worker: Worker) -> None:
            killed[number] = life(worker, f"k{number:03}", whole, applies[number], second)

        return run

    few = int(os.environ.get("GKE2EKS_BOUNDARIES", len(applies)))
    wrong = spread(workers, [job(number) for number in range(len(applies))][:few])
    replicas.stop()
    assert not wrong, "\n".join(wrong)
    assert not any(one.method == "DELETE" for worker in workers for one in worker.proxy.log)
    assert replicas.errors == [] and [error for one in workers for error in one.proxy.errors] == []
    for (namespace, name), seen in replicas.seen.items():
        started = seen[1:] if name == "worker" and seen[0] == 0 else seen
        assert all(number >= SMALLEST[name] for number in started), f"{namespace}/{name}: {seen}"
    # The watch may still see the end of the undisturbed run, in a namespace of its own.
    assert len([space for space, _ in replicas.seen if space.startswith("k")]) == 2 * few
    # Syncs that several threads share are a few more or fewer each time: the last ticks may not be reached.
    assert sum(killed) > 0.95 * (few + min(few, len(releases)))
