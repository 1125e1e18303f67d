"""How fast a server is asked."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from contract.target_help import Pauses

from migrate.cluster.pace import Pace


def paced(**options: float) -> tuple[Pace, Pauses]:
    pauses = Pauses()
    return Pace(**options, clock=pauses.clock, pause=pauses), pauses  # type: ignore[arg-type]


def test_a_burst_and_then_the_rate() -> None:
    pace, pauses = paced(rate=10, burst=5)
    for _ in range(5):
        with pace.turn():
            pass
    assert pauses.at == 0
    for _ in range(20):
        with pace.turn():
            pass
    assert pauses.at == pytest.approx(2, abs=0.01)


def test_an_idle_bucket_holds_no_more_than_a_burst() -> None:
    pace, pauses = paced(rate=10, burst=5)
    pauses.at = 1000
    for _ in range(15):
        with pace.turn():
            pass
    assert pauses.at == pytest.approx(1001, abs=0.01)


def test_without_a_rate_nobody_waits_unless_told_to_rest() -> None:
    pace, pauses = paced()
    for _ in range(10_000):
        with pace.turn():
            pass
    assert pauses.at == 0
    pace.rest(3)
    with pace.turn():
        assert pauses.at == pytest.approx(3)


def test_rest_is_for_all_and_the_longest_counts() -> None:
    pace, pauses = paced(rate=10, burst=5)
    pace.rest(7)
    pace.rest(3)
    with pace.turn():
        assert pauses.at == pytest.approx(7)


def test_no_more_than_so_many_at_once() -> None:
    pace, inside, most, lock = Pace(rate=10_000, burst=1000, at_once=3), 0, 0, threading.Lock()

    def one(_: int) -> None:
        nonlocal inside, most
        with pace.turn():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.005)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(60)))
    assert most == 3


def test_a_place_is_free_again_after_an_error() -> None:
    pace, _ = paced(at_once=1)
    for _ in range(3):
        with pytest.raises(KeyError), pace.turn():
            raise KeyError


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"burst": 0}, {"at_once": 0}])
def test_a_pace_that_never_starts_is_none(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="never starts"):
        Pace(**wrong)
