"""The rest of `gke2eks diff --watch`: what runs on the target is looked at again and again, and what flaps is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrate.cluster.port import Source
from migrate.differ.flaps import Look, flaps
from migrate.differ.parity import KINDS
from migrate.errors import BadInput, Refused
from migrate.flow import sides
from migrate.flow.diff import Diffed, Given, parities
from migrate.model.flap import Watched

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
    tell: Callable[[str], None],
    timer: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Watched:
    """Look again until so many seconds are over, and give what changed its answer. `clock` gives the time to remember.

    `say` is told how far it is, `tell` what must stay to be read: a look that fails counts as failed, and the next one
    may be answered. Ctrl-C ends it with what was seen.
    """
    assert given.target is not None
    looking = _Looking(given.target, first, clock, tell)
    found = flaps(_looks(looking, seconds, say, timer, pause))
    return Watched(found, looking.looks, looking.failed, looking.stopped)


@dataclass(slots=True)
class _Looking:
    """One target that is looked at, and how that went."""

    target: Source
    first: Diffed
    clock: Callable[[], str]
    tell: Callable[[str], None]
    looks: int = 0
    failed: int = 0
    stopped: bool = False

    def again(self) -> Look | None:
        """What runs now; None when nobody could look."""
        now = self.clock()
        # In the versions of the first look: another version of a kind may say less, and that is no change.
        versions = sides.versions_of(self.first.goes.bodies)
        try:
            target, _ = sides.live(self.target, sides.redactor(b""), now=now, versions=versions, only=KINDS | _BESIDE)
        except (BadInput, Refused) as no:
            self.failed += 1
            self.tell(f"{now}: this look failed: {no.what}")
            return None
        found = tuple(parities(self.first.goes, self.first.there, target))
        self.looks += 1
        return now, found


def _looks(
    looking: _Looking,
    seconds: float,
    say: Callable[[str], None],
    timer: Callable[[], float],
    pause: Callable[[float], None],
) -> Iterator[Look]:
    yield looking.clock(), looking.first.comparison.runtime
    end = timer() + seconds
    try:
        while (left := end - timer()) > 0:
            say(f"watching what runs: {left:.0f} s left")
            pause(min(_PAUSE, left))
            if (found := looking.again()) is not None:
                yield found
    except KeyboardInterrupt:
        looking.stopped = True
        looking.tell("stopped; what was seen until now counts.")
