"""Work over a few threads that waits for servers, and ends when told."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Job = TypeVar("Job")
Done = TypeVar("Done")
_BREATH = 0.25  # seconds between two looks at how far it is


def in_threads(
    jobs: Sequence[Job],
    work: Callable[[Job, threading.Event], Done],
    threads: int,
    tick: Callable[[list[Done]], None] = lambda _: None,
) -> list[Done]:
    """Do all jobs, in any order. `tick` is told what is done, at least four times a second; raising there ends all.

    What a job raises is raised here. Whatever ends this early ends the threads, too: they are daemons and own nothing,
    and the event that `work` is given is set.
    """
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    done: queue.SimpleQueue[Done | _Raised] = queue.SimpleQueue()
    over = threading.Event()

    def worker() -> None:
        try:
            while not over.is_set():
                done.put(work(waiting.get_nowait(), over))
        except queue.Empty:
            return
        except BaseException as bad:  # judged by the thread that waits for it
            done.put(_Raised(bad))

    for number in range(min(threads, len(jobs))):
        threading.Thread(target=worker, name=f"export {number}", daemon=True).start()
    found: list[Done] = []
    try:
        while len(found) < len(jobs):
            try:
                one = done.get(timeout=_BREATH)
            except queue.Empty:
                tick(found)
                continue
            if isinstance(one, _Raised):
                raise one.what
            found.append(one)
            tick(found)
    finally:
        over.set()
    return found


class _Raised:
    def __init__(self, what: BaseException) -> None:
        self.what = what
