"""How fast a server is asked: so many requests a second, so many at once, and none while it wants rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """A token bucket and a limit on what is under way, shared by threads.

    `rate` tokens come each second, at most `burst` lie ready; a request takes one and one of `at_once` places. Without
    a rate there are as many as the server answers: it counts what is under way, not what comes in a second (API
    priority and fairness), and says 429 with Retry-After when that is too much, upon which all rest.
    """

    def __init__(
        self,
        rate: float | None = None,
        burst: int = 200,
        at_once: int = 8,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if (rate is not None and rate <= 0) or burst < 1 or at_once < 1:
            raise ValueError(f"a pace of {rate} a second, {burst} in a burst, {at_once} at once never starts")
        self._rate, self._burst, self._tokens = rate, burst, float(burst)
        self._clock, self._pause = clock, pause
        self._lock, self._places = threading.Lock(), threading.BoundedSemaphore(at_once)
        self._filled, self._rest_until = clock(), 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a request may start; the place is free again at the end of the block."""
        with self._places:
            while wait := self._take():
                self._pause(wait)
            yield

    def rest(self, seconds: float) -> None:
        """Let nothing start for so long: what one request is told (Retry-After) holds for all."""
        with self._lock:
            self._rest_until = max(self._rest_until, self._clock() + seconds)

    def _take(self) -> float:
        """Take a token, or say how long to wait before asking again."""
        with self._lock:
            now = self._clock()
            if now < self._rest_until:
                return self._rest_until - now
            if self._rate is None:
                return 0.0
            self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
            self._filled = now
            if self._tokens < 1:
                # A little more than needed: rounding must not make a wait that never ends.
                return (1 - self._tokens) / self._rate + 1e-6
            self._tokens -= 1
            return 0.0
