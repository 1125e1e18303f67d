"""The threads of a run: each takes objects from one queue, a few at a time while there are many, and carries them out.

What is done for a few together (their intents are put on disk in one piece) is waited for once.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from migrate.model.ref import Ref

THREADS = 8  # as many as the pace lets through at once
TOGETHER = 8  # objects that one thread takes at once, at most


class Crew:
    """`ahead` is called with several objects before `carry` is called with each; with one alone it is not called.

    `failed` is told what `ahead` raised, for each of them; `carry` raises nothing.
    """

    def __init__(
        self,
        ahead: Callable[[Sequence[Ref]], None],
        carry: Callable[[Ref], None],
        failed: Callable[[BaseException, Ref], None],
    ) -> None:
        self._ahead, self._carry, self._failed = ahead, carry, failed
        self._jobs: queue.SimpleQueue[Ref | None] = queue.SimpleQueue()
        self._dismissed = threading.Event()

    def start(self) -> None:
        for number in range(THREADS):
            threading.Thread(target=self._work, name=f"apply {number}", daemon=True).start()

    def give(self, ref: Ref) -> None:
        """One more to carry out."""
        self._jobs.put(ref)

    def dismiss(self) -> None:
        """No more is begun; what is under way is not waited for."""
        self._dismissed.set()
        for _ in range(THREADS):
            self._jobs.put(None)

    def _work(self) -> None:
        while (few := self._take()) and not self._dismissed.is_set():
            try:
                if len(few) > 1:
                    self._ahead(few)
            except BaseException as bad:  # judged by the thread that waits for it
                for ref in few:
                    self._failed(bad, ref)
                continue
            for ref in few:
                self._carry(ref)

    def _take(self) -> list[Ref]:
        """Wait for the next object, and take more along while enough is left for the others; [] is the end."""
        ref = self._jobs.get()
        few = [] if ref is None else [ref]
        more = min(TOGETHER - 1, self._jobs.qsize() // THREADS)
        while few and len(few) <= more:
            try:
                ref = self._jobs.get_nowait()
            except queue.Empty:
                break
            if ref is None:
                self._jobs.put(None)
                break
            few.append(ref)
        return few
