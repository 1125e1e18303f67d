"""The rest of `gke2eks diff --watch`: what runs on the target is looked at again and again, and what flaps is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from migrate.differ.flaps import Look, flaps
from migrate.differ.parity import KINDS
from migrate.errors import Refused
from migrate.flow import sides
from migrate.flow.diff import Diffed, Given, parities
from migrate.model.flap import Flap

# What the looks at an object are made of, besides the object itself.
_BESIDE = frozenset(
    {
        ("", "Pod"),
        ("", "Endpoints"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("", "PersistentVolume"),
        ("storage.k8s.io", "StorageClass"),
        ("apps", "ReplicaSet"),
        ("keda.sh", "ScaledObject"),
    }
)
_PAUSE = 5.0  # seconds between the end of a look and the next


def watch(
    given: Given,
    first: Diffed,
    *,
    seconds: float,
    clock: Callable[[], str],
    say: Callable[[str], None],
    timer: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Flap, ...]:
    """Look again until so many seconds are over, and give what changed its answer. `clock` gives the time to remember.

    A look that fails is told and counts for nothing: the next one may be answered. Ctrl-C ends it with what was seen.
    """
    return flaps(_looks(given, first, seconds, clock, say, timer, pause))


def _looks(
    given: Given,
    first: Diffed,
    seconds: float,
    clock: Callable[[], str],
    say: Callable[[str], None],
    timer: Callable[[], float],
    pause: Callable[[float], None],
) -> Iterator[Look]:
    assert given.target is not None
    yield clock(), first.comparison.runtime
    redacts, end = sides.redactor(b""), timer() + seconds
    try:
        while (left := end - timer()) > 0:
            say(f"watching what runs: {left:.0f} s left")
            pause(min(_PAUSE, left))
            now = clock()
            try:
                target, _ = sides.live(given.target, redacts, now=now, versions={}, only=KINDS | _BESIDE)
            except Refused as no:
                say(f"{now}: {no.what}")
                continue
            yield now, tuple(parities(first.goes, first.there, target))
    except KeyboardInterrupt:
        say("stopped; what was seen until now counts.")
