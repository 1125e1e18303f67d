"""Which request meets which fault: rules, tried in order, with chances from a seed."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rig.faults.actions import Action
    from rig.faults.messages import Request

CONTINUE = r"[?&]continue=."  # the second and later pages of a list
WATCH = r"[?&]watch=(1|true|True)\b"


@dataclass(frozen=True)
class Rule:
    """What to do to which requests. A request matches when all of these hold:

    - `method`: a regular expression for the whole method ("PATCH", "POST|PUT"); None = any
    - `path`: a regular expression found anywhere in the target as sent, query included ("/nodes", CONTINUE, WATCH)
    - the action's own idea of what it is for (Gone: CONTINUE, WatchEnd: WATCH)

    Of the matching requests, counted from 1, it acts on those in `nth` (a number, or a collection such as
    range(3, 6); None = all), with probability `chance`, at most `times` times.
    """

    action: Action
    method: str | None = None
    path: str = ""
    nth: int | Collection[int] | None = None
    chance: float = 1.0
    times: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise ValueError(f"chance is a probability, not {self.chance}")

    def matches(self, request: Request) -> bool:
        if self.method is not None and not re.fullmatch(self.method, request.method):
            return False
        return bool(re.search(self.path, request.target) and re.search(self.action.only, request.target))

    def wants(self, count: int) -> bool:
        if self.nth is None:
            return True
        return count == self.nth if isinstance(self.nth, int) else count in self.nth


@dataclass(frozen=True)
class Entry:
    """One request as the proxy saw it. `fault` is "" where nothing was done; `rule` counts from 0; `at` is in seconds
    since the script was made. Two runs are the same when all but `at` is the same: compare `key`."""

    number: int
    method: str
    path: str
    fault: str
    rule: int | None
    at: float

    @property
    def key(self) -> tuple[str, str, str]:
        return self.method, self.path, self.fault


class Faults:
    """A script and what came of it. The same seed and the same requests in the same order give the same faults.

    The first rule that wants to act decides; the others still count the request. Each rule draws from a generator of
    its own, one number for each request that it matches, so adding a rule does not change what others do.
    """

    def __init__(self, *, seed: int = 0, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self.seed = seed
        self.log: list[Entry] = []
        self._seen = [0] * len(self.rules)
        self._acted = [0] * len(self.rules)
        # A string seed goes through SHA-512, so neither PYTHONHASHSEED nor the platform matters.
        self._dice = [random.Random(f"{seed}/{i}") for i in range(len(self.rules))]
        self._expired: dict[str, int] = {}  # Authorization header -> the rule that refused it first
        self._bytes = random.Random(f"{seed}/bytes")
        self._lock = threading.Lock()
        self._start = time.monotonic()

    def decide(self, request: Request) -> Action | None:
        """Count the request, write it down, and say what happens to it (None: it passes)."""
        with self._lock:
            chosen: int | None = None
            for i, rule in enumerate(self.rules):
                if self._wants(i, rule, request) and chosen is None:
                    chosen = i
                    self._acted[i] += 1
            action = None if chosen is None else self.rules[chosen].action
            login = request.headers.get("authorization", "")
            if login in self._expired:
                chosen = self._expired[login]
                action = self.rules[chosen].action
            elif chosen is not None and getattr(action, "expire", False):
                self._expired[login] = chosen
            at = time.monotonic() - self._start
            fault = "" if action is None else str(action)
            self.log.append(Entry(len(self.log) + 1, request.method, request.target, fault, chosen, at))
            return action

    def _wants(self, i: int, rule: Rule, request: Request) -> bool:
        if not rule.matches(request):
            return False
        self._seen[i] += 1
        lucky = self._dice[i].random() < rule.chance
        return lucky and rule.wants(self._seen[i]) and (rule.times is None or self._acted[i] < rule.times)

    def random_bytes(self, size: int) -> bytes:
        with self._lock:
            return self._bytes.randbytes(size)

    @property
    def faults(self) -> list[Entry]:
        """The entries of the log where something was done."""
        return [entry for entry in self.log if entry.fault]
