"""The whole `gke2eks diff` process on a real control plane, and `kubectl diff --server-side` of the same objects.

Usage: python benchmarks/diff.py process [OBJECTS] [ROUNDS], or kubectl [OBJECTS] [ROUNDS]. The objects are the `mixed`
ones of benchmarks/apply.py, exported, planned and applied by us, so that nothing may differ; kubectl gets the very
bodies that we sent, and our field manager. Each command is a process of its own: wall clock, CPU of it and of what it
starts, peak memory, CPU of API server and etcd. No figure here is a test.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from apply import NAMESPACES, Bench, prepare_all, recorded
from rig import assets
from rig.controlplane import ControlPlane

Row = tuple[float, float, float, float]
_DIFFERS = (0, 1)  # exit codes of both commands: nothing differs, something does


def spent(bench: Bench, line: list[str]) -> tuple[Row, bytes]:
    """Wall and CPU seconds, peak megabytes, CPU seconds of the servers; and what it said."""
    out, errors = bench.folder / "stdout", bench.folder / "stderr"
    began, before = time.monotonic(), bench.served()
    with out.open("wb") as file, errors.open("wb") as other:
        child = subprocess.Popen(line, stdout=file, stderr=other, env=bench.env)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if child.returncode not in _DIFFERS:
        raise SystemExit(f"exit {child.returncode}: {line[:4]}\n{errors.read_text()[-2000:]}")
    return (wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, bench.served() - before), out.read_bytes()


def ours(bench: Bench) -> tuple[Row, str]:
    line = [sys.executable, "-m", "migrate.cli", "diff", "-w", str(bench.folder / "out"), "-o", "json"]
    row, said = spent(bench, [*line, "--context", "rig", "--kubeconfig", str(bench.config)])
    return row, str({key: value for key, value in json.loads(said)["counts"].items() if value})


def theirs(bench: Bench) -> tuple[Row, str]:
    line = [bench.kubectl, "--kubeconfig", str(bench.config), "diff", "--server-side", "--field-manager", "gke2eks"]
    row, said = spent(bench, [*line, "-f", str(bench.folder / "all.json")])
    return row, f"{said.count(b'diff -')} differ"


def measure(bench: Bench, rounds: int, *, kubectl: bool) -> None:
    before = os.getloadavg()[0]
    number = recorded(bench)
    found: dict[str, list[Row]] = {}
    words: dict[str, str] = {}
    for _ in range(rounds):
        for name, work in {"gke2eks diff": ours, **({"kubectl diff": theirs} if kubectl else {})}.items():
            row, words[name] = work(bench)
            found.setdefault(name, []).append(row)
    print(f"{number:,} objects, {rounds} rounds; Python {platform.python_version()}, {os.cpu_count()} cores, ", end="")
    print(f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after")
    for name, rows in found.items():
        wall, cpu, peak, served = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:13} {wall:7.2f} s ({min(rows)[0]:.2f} to {max(rows)[0]:.2f}), CPU {cpu:6.2f} s, ", end="")
        print(f"{peak:.0f} MB, servers {served:.2f} s; per object {wall / number * 1000:.2f} ms  {words[name]}")


def process(number: int, rounds: int, *, kubectl: bool) -> None:
    there = assets.find()
    if there is None or (kubectl and shutil.which("diff") is None):
        raise SystemExit(assets.why_not() if there is None else "kubectl diff needs the program diff")
    with tempfile.TemporaryDirectory(dir=".") as temporary:
        folder = Path(temporary).absolute()
        (folder / "home").mkdir()
        prepare_all(folder, "mixed", number - NAMESPACES)
        with ControlPlane(there).start(with_controllers=False) as plane:
            pids = tuple(plane.pids.values())
            config, program = plane.kubeconfig(), str(there.path("kubectl"))
            bench = Bench(folder, config, plane.url, str(plane.ca), plane.token(), program, "mixed", pids)
            measure(bench, rounds, kubectl=kubectl)
