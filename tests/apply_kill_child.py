"""Runs gke2eks again and again, each time in a process of its own that may be told to die at a write to the journal.

    python apply_kill_child.py < orders > answers

An order is a line of JSON: {"args": […], "die": n, "pid": file, "out": file}. All modules are loaded once; each order
is a fork of this process, which has no threads. `die`: the write boundary of the journal at which the child kills
itself (SIGKILL), 0 for never. The boundaries are: in the midst of a write, and after it (which is before its sync, if
there is one); with GKE2EKS_EVERY also before a write and after a sync. To what another process then reads these two
are the same as the boundary before: a kill loses nothing that was written. The answer is {"killed": …, "exit": code,
"ticks": boundaries passed}.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import kubernetes.config.kube_config  # noqa: F401  a login needs it, and it takes longest

import migrate
from migrate.cli.main import main
from migrate.flow.plan import tables
from migrate.workspace import journal
from migrate.workspace.journal_projection import project

EVERY = bool(os.environ.get("GKE2EKS_EVERY"))
_write, _sync = os.write, os.fsync


class Boundaries:
    """Stands in for `os` in the journal's module, and counts."""

    def __init__(self, die: int) -> None:
        self.die, self.count, self.lock = die, 0, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def tick(self) -> None:
        with self.lock:
            self.count += 1
            if self.count == self.die:
                os.kill(os.getpid(), signal.SIGKILL)

    def write(self, handle: int, data: bytes) -> int:
        if EVERY:
            self.tick()
        half = len(data) // 2
        done = _write(handle, data[:half])
        self.tick()
        done += _write(handle, data[half:])
        self.tick()
        return done

    def fsync(self, handle: int) -> None:
        _sync(handle)
        if EVERY:
            self.tick()


def load() -> None:
    """Import all of gke2eks, and read its tables, so that no child has to."""
    for found in pkgutil.walk_packages(migrate.__path__, "migrate."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    tables()
    project({"kind": "ConfigMap", "data": {}}, {"kind": "ConfigMap"})


def child(order: dict[str, Any], tell: int) -> None:
    """Be gke2eks for one command; never returns."""
    code = 70
    try:
        Path(order["pid"]).write_text(str(os.getpid()))
        out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0), os.dup2(out, 1), os.dup2(out, 2)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115
        seam = Boundaries(order["die"])
        journal.os = seam  # type: ignore[attr-defined]
        try:
            main(order["args"])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        sys.stdout.flush()
        _write(tell, b"%d" % seam.count)
    finally:
        os._exit(code)


def obey(order: dict[str, Any]) -> dict[str, Any]:
    """Run one command in a fork, and say how it ended."""
    hear, tell = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(hear)
        child(order, tell)
    os.close(tell)
    said = os.read(hear, 20)
    os.close(hear)
    status = os.waitpid(pid, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return {"killed": killed, "exit": -1 if killed else os.waitstatus_to_exitcode(status), "ticks": int(said or 0)}


def ended(number: int, frame: FrameType | None) -> None:
    """Who gives the orders has gone."""
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, ended)
    load()
    gc.freeze()  # what all children share stays shared
    print("ready", flush=True)
    for text in sys.stdin:
        print(json.dumps(obey(json.loads(text))), flush=True)
