"""How the whole `plan` compares with the least that any tool must do: parse the same JSON and write it again.

Usage: python benchmarks/plan.py FILE [ROUNDS]. Prints medians of CPU seconds (user and system) of whole processes,
interleaved in one run, objects per CPU second, and the ratios. No figure here is a test.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PARSE = """
import gzip, json, sys
raw = open(sys.argv[1], "rb").read()
raw = gzip.decompress(raw) if sys.argv[1].endswith(".gz") else raw
json.dump(json.loads(raw), open(sys.argv[2], "w"))
"""
HELP = "import click\n@click.group()\ndef f(): pass\nf(['--help'])"


def cpu(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def main(file: str, rounds: int) -> None:
    me = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        jobs = {
            "parse and write JSON": [me, "-c", PARSE, file, f"{folder}/copy.json"],
            "gke2eks plan": [me, "-m", "migrate.cli", "plan", "--from", file, "-w", f"{folder}/out", "-o", "json"],
            "bare click --help": [me, "-c", HELP],
            "gke2eks --help": [me, "-m", "migrate.cli", "--help"],
        }
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(rounds):
            for name, command in jobs.items():
                times[name].append(cpu(command))
        objects = Path(folder, "out/snapshot/objects.jsonl").read_bytes().count(b"\n")
    median = {name: statistics.median(found) for name, found in times.items()}
    for name, found in times.items():
        print(f"{name:22} median {median[name]:.3f} s CPU   min {min(found):.3f}   max {max(found):.3f}")
    print(f"{objects:,} objects, {objects / median['gke2eks plan']:,.0f} per CPU second, whole process")
    print(f"plan / parse and write: {median['gke2eks plan'] / median['parse and write JSON']:.1f}")
    print(f"--help / bare click:    {median['gke2eks --help'] / median['bare click --help']:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
