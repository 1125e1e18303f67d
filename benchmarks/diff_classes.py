"""The pure part of `gke2eks diff`: a plan and two sides become a comparison, classes, owners and all.

Usage: python benchmarks/diff.py classes [PAIRS] [ROUNDS]. The planned objects are those of benchmarks/export.py. Of
0, 2 or 20 % of the live ones one field differs. `served` are as a server has them after our apply: with its own
metadata, defaults and status in every one, and with managedFields that say which fields we own. DeepDiff gets the same
bodies, planned and live, and finds no class. It runs on a sample and is extrapolated, which is said.
No figure here is a test.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from migrate.differ.whole import Modulo, compare
from migrate.model.comparison import Class
from migrate.model.effects import Cause
from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.model.ref import Ref
from migrate.model.side import Side
from migrate.practice import owners
from migrate.practice.kinds import Kind, Kinds
from migrate.practice.shapes import Shape
from migrate.semantics.going import going

Json = dict[str, Any]
Pairs = list[tuple[Ref, Json, Json]]
NOW = "2026-01-01T00:00:00Z"
SAMPLE = 100


def signed(planned: Json, live: Json, kind: Kind | None) -> None:
    """Note in `live` that gke2eks applied what is planned."""
    version = planned["apiVersion"]
    shape = kind.shape if kind else Shape()
    us = owners.Owner("gke2eks", "Apply", version, "")
    found = owners.updated(None, planned, {}, us, shape, lambda path: path[:1] != ("f:status",), NOW)
    live["metadata"]["managedFields"] = owners.encode(found)


def sides(found: Pairs) -> tuple[Modulo, Side, Side]:
    """The plan and both sides of these pairs; the source has what is planned."""
    steps = tuple(
        Step(ref, "v1", Fate.MIGRATE, Cause.NONE, Standing.READY, "", None, planned, (), ())
        for ref, planned, _ in found
    )
    plan = Plan("standard", "bench", NOW, "", {}, steps, (), (), (), (), (), (), "")
    source = Side("source", {ref: planned for ref, planned, _ in found})
    target = Side("target", {ref: live for ref, _, live in found})
    return Modulo(going(plan), lambda _: ()), source, target


def timed(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Median CPU seconds, and what came of it."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        found = work()
        times.append(time.process_time() - start)
    return statistics.median(times), found


def classes(number: int, rounds: int, bodies: Any, live_of: Any, ref_of: Any) -> None:
    """`bodies`, `live_of` and `ref_of` are those of benchmarks/diff.py."""
    from deepdiff import DeepDiff

    kinds = Kinds()
    for share, served in ((0.0, False), (0.02, False), (0.2, False), (0.02, True)):
        dice = random.Random(11)
        found: Pairs = []
        for body in bodies(number):
            live = live_of(body, dice, share, served=served)
            if served:
                signed(body, live, kinds.named(body["apiVersion"], body["kind"]))
            found.append((ref_of(body), body, live))
        by, source, target = sides(found)
        spent, comparison = timed(lambda: compare(by, source, target), rounds)  # noqa: B023
        few = found[:: max(1, len(found) // SAMPLE)]
        DeepDiff(few[0][1], few[0][2])
        theirs, _ = timed(lambda: [DeepDiff(one, other) for _, one, other in few], 1)  # noqa: B023
        theirs *= len(found) / len(few)
        said = {kind.value: comparison.counts[kind] for kind in Class if comparison.counts[kind]}
        name = f"{'served, ' if served else ''}{share:.0%} changed"
        print(f"{len(found):7,} pairs {name:19} compare {spent:6.2f} s  {said}", end="  ")
        print(f"DeepDiff {theirs:6.0f} s (from {len(few)})  {theirs / spent:4.0f} ×", flush=True)
