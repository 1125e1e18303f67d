"""How the comparison of planned and live bodies does against python's == and DeepDiff, and how much memory it takes.

Usage: python benchmarks/diff.py [PAIRS] [ROUNDS] for the walk alone; with classes, process or kubectl as the first word
for what benchmarks/diff_classes.py and benchmarks/diff_process.py say.

Bodies are those of benchmarks/export.py; the live one has its maps in another order, and of 0, 2 or 20 % one field
differs. `served` are live bodies as a server gives them: with its own metadata, defaults and status, so that every pair
differs. DeepDiff is run on a sample and extrapolated, which is said. The memory is that of processes of their own,
which read two sorted files of objects as one stream of pairs: with ten times the objects it must stay the same. No
figure here is a test.
"""

from __future__ import annotations

import gc
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).parent))

from export import SHARE, made

from migrate.differ.walk import differences
from migrate.differ.walk_pairs import merged
from migrate.model.objects import Object
from migrate.model.ref import Ref, group_of

Json = dict[str, Any]
Pair = tuple[tuple[str, str], Json, Json]
SAMPLE = 100


def kind_of(body: Json) -> tuple[str, str]:
    return group_of(body["apiVersion"]), body["kind"]


def ref_of(body: Json) -> Ref:
    return Ref(*kind_of(body), body["metadata"].get("namespace", ""), body["metadata"]["name"])


def bodies(number: int) -> Iterator[Json]:
    """Bodies by kind; values of Secrets are not compared here, so ConfigMaps take their share."""
    dice = random.Random(10)
    for kind, share in SHARE.items():
        for at in range(number * share // 100):
            yield made("ConfigMap" if kind == "Secret" else kind, at + (number if kind == "Secret" else 0), dice)


def touched(body: Json, dice: random.Random) -> None:
    """Change one field, deep where the kind is deep."""
    if containers := body.get("spec", {}).get("template", {}).get("spec", {}).get("containers"):
        dice.choice(containers[0]["env"])["value"] = "other"
    elif ports := body.get("spec", {}).get("ports"):
        ports[-1]["targetPort"] = 1
    else:
        body["metadata"]["annotations"]["example.com/owner"] = "other"


def live_of(body: Json, dice: random.Random, share: float, *, served: bool = False) -> Json:
    found: Json = orjson.loads(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    if dice.random() < share:
        touched(found, dice)
    if served:
        found["metadata"] |= {"uid": str(dice.random()), "resourceVersion": "1", "generation": 1, "managedFields": []}
        found["status"] = {"observedGeneration": 1}
        known = body["kind"] in ("Deployment", "Job")  # of custom kinds a server fills in nothing
        for one in found["spec"]["template"]["spec"]["containers"] if known else ():
            one |= {"imagePullPolicy": "Always", "terminationMessagePath": "/dev/termination-log"}
            one["readinessProbe"] |= {"timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3}
        for port in found.get("spec", {}).get("ports", ()):
            port["protocol"] = "TCP"
    return found


def pairs(number: int, share: float, *, served: bool = False) -> list[Pair]:
    dice = random.Random(11)
    return [(kind_of(body), body, live_of(body, dice, share, served=served)) for body in bodies(number)]


def ours(found: list[Pair]) -> int:
    return sum(1 for kind, one, other in found for _ in differences(kind, one, other))


def equal(found: list[Pair]) -> int:
    return sum(one != other for _, one, other in found)


def deep(found: list[Pair]) -> int:
    from deepdiff import DeepDiff

    return sum(bool(DeepDiff(one, other)) for _, one, other in found)


def cpu(work: Callable[[list[Pair]], int], found: list[Pair], rounds: int) -> tuple[float, int]:
    """Median CPU seconds, and what was found."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        count = work(found)
        times.append(time.process_time() - start)
    return statistics.median(times), count


def speed(number: int, rounds: int) -> None:
    for share, served in ((0.0, False), (0.02, False), (0.2, False), (0.02, True)):
        found = pairs(number, share, served=served)
        plain, unequal = cpu(equal, found, rounds)
        mine, raws = cpu(ours, found, rounds)
        # Every nth pair, so that all kinds have their share; warmed up, since its first call imports and fills caches.
        sample = found[:: max(1, len(found) // SAMPLE)]
        deep(sample[:5])
        theirs = cpu(deep, sample, 1)[0] / len(sample) * len(found)
        name = f"{'served, ' if served else ''}{share:.0%}"
        print(
            f"{len(found):7,} pairs {name:11} {unequal:6,} unequal {raws:7,} differences: ours {mine:6.2f} s", end="  "
        )
        print(f"== {plain:6.2f} s  DeepDiff {theirs:7.0f} s (from {len(sample)})  {theirs / mine:5.0f} ×", flush=True)


def written(folder: Path, number: int) -> None:
    """Two files of sorted objects, one a line."""
    found = sorted(bodies(number), key=ref_of)
    dice = random.Random(12)
    with open(folder / "planned", "wb") as one, open(folder / "live", "wb") as other:
        for body in found:
            one.write(orjson.dumps(body) + b"\n")
            other.write(orjson.dumps(live_of(body, dice, 0.02)) + b"\n")


def stream(file: Path) -> Iterator[Object]:
    with open(file, "rb") as lines:
        for line in lines:
            body = orjson.loads(line)
            yield Object(ref_of(body), body)


def streamed(folder: Path) -> None:
    """What a process of its own runs: all pairs of two files, as they come."""
    count = differ = 0
    for ref, one, other in merged(stream(folder / "planned"), stream(folder / "live")):
        assert one is not None and other is not None
        count += 1
        differ += sum(1 for _ in differences((ref.group, ref.kind), one.body, other.body))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:7,} pairs streamed, {differ:,} differences: {peak:.0f} MB at most, reading included")


def memory(number: int) -> None:
    for size in (number // 10, number):
        with tempfile.TemporaryDirectory() as folder:
            # Written by a child as well: a process that forks from a big one starts with its peak.
            for verb in ("--write", "--stream"):
                subprocess.run([sys.executable, __file__, verb, folder, str(size)], check=True)


def main(number: int, rounds: int) -> None:
    print(f"{platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()}, {rounds} rounds, CPU medians")
    memory(number)
    speed(number, rounds)


def other(what: str, number: str = "", rounds: str = "3") -> None:
    """The figures of its own modules: the pure part with classes, and whole processes."""
    if what == "classes":
        from diff_classes import classes

        classes(int(number or 10_000), int(rounds), bodies, live_of, ref_of)
    else:
        from diff_process import process

        process(int(number or (300 if what == "kubectl" else 10_000)), int(rounds), kubectl=what == "kubectl")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        written(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["--stream"]:
        streamed(Path(sys.argv[2]))
    elif sys.argv[1:2] in (["classes"], ["process"], ["kubectl"]):
        other(*sys.argv[1:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
