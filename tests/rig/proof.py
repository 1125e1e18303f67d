"""`make proof`: starts and stops control planes many times and prints figures for docs/proof.md, in Markdown.

Exit code 1 when anything was left behind, or a start took longer than the budget.
"""

import argparse
import datetime
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rig import assets, leaks
from rig.controlplane import ControlPlane, ControlPlaneError

BUDGET = 10.0  # seconds to ready
RUNNER = """
from rig.controlplane import ControlPlane
with ControlPlane().start(with_kwok=True) as plane:
    print("ready", plane.url.rpartition(":")[2], flush=True)
    input()
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rig.proof", description=__doc__)
    parser.add_argument("--cycles", type=int, default=50, help="starts and stops, of which every fifth is a kill -9")
    given = parser.parse_args()
    if given.cycles < 5:
        parser.error("at least 5 cycles")
    if assets.find() is None:
        print(f"no proof: {assets.why_not()}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="gke2eks-proof-") as name:
        os.environ["TMPDIR"] = tempfile.tempdir = name  # every file of every cycle is below it, and so is the marker
        return prove(Path(name), given.cycles)


def prove(folder: Path, cycles: int) -> int:
    load = os.getloadavg()[0]
    bare = [cycle(folder, with_controllers=False) for _ in range(3)]
    start = time.monotonic()
    full = [killed(folder) if number % 5 == 4 else cycle(folder) for number in range(cycles)]
    took = time.monotonic() - start
    stopped, shot = [one for one in full if "ready" in one], [one for one in full if "ready" not in one]
    left = [line for one in bare + full for line in one["left"]]
    ready = [one["ready"] for one in stopped]
    print(f"Date: {datetime.date.today().isoformat()}. Machine: {machine()}.")
    print(f"Load: {load:.1f} before, {os.getloadavg()[0]:.1f} after.")
    print(f"Command: `make proof` (`python -m rig.proof --cycles {cycles}`), Kubernetes {assets.version()}.\n")
    print("| what | figure |\n|---|---|")
    print(f"| etcd and API server ready, {len(bare)} starts | {spread([one['ready'] for one in bare])} |")
    print(f"| all five programs ready, {len(ready)} starts | {spread(ready)} |")
    print(f"| … the first of them | {ready[0]:.1f} s |")
    print(f"| stopped, folder gone | {spread([one['gone'] for one in stopped])} |")
    print(f"| all gone after kill -9 of the runner, {len(shot)} times | {spread([one['gone'] for one in shot])} |")
    print(f"| resident memory of the five, at ready | {statistics.median(one['memory'] for one in stopped):.0f} MB |")
    print(f"| {cycles} cycles | {took:.0f} s |")
    print(f"| processes, ports and files left | {len(left)} |")
    for line in left:
        print(f"left: {line}", file=sys.stderr)
    return int(bool(left) or max(ready) > BUDGET)


def cycle(folder: Path, with_controllers: bool = True) -> dict:
    """One start and stop: seconds to ready and to gone, megabytes, and what was left."""
    plane, start = ControlPlane(), time.monotonic()
    try:
        plane.start(with_controllers, with_kwok=with_controllers)
        ready, memory = time.monotonic() - start, sum(map(resident, plane.pids.values()))
        port = int(plane.url.rpartition(":")[2])
        seen = leaks.processes(str(folder))
        if len(seen) < len(plane.pids):
            raise ControlPlaneError(f"the search for leaks is blind: {seen}")
    finally:
        start = time.monotonic()
        plane.stop()
    gone = time.monotonic() - start
    left = leaks.left(str(folder), folder) + ([f"port {port}"] if leaks.answers(port) else [])
    return {"ready": ready, "gone": gone, "memory": memory, "left": left}


def killed(folder: Path) -> dict:
    """A runner of its own is killed when its control plane is ready: seconds until all is gone, and what was left."""
    command = [sys.executable, "-c", RUNNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        word, _, port = runner.stdout.readline().partition(" ")
        if word != "ready":
            raise ControlPlaneError("the runner did not start a control plane")
        start = time.monotonic()
        runner.send_signal(signal.SIGKILL)
    left = leaks.settles(lambda: leaks.left(str(folder), folder))
    gone = time.monotonic() - start
    return {"gone": gone, "left": left + ([f"port {port}"] if leaks.answers(int(port)) else [])}


def resident(pid: int) -> float:
    """Megabytes of memory of a process."""
    out = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    return int(out) / 1024


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s (median; {min(values):.2f} to {max(values):.2f})"


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"


if __name__ == "__main__":
    sys.exit(main())
