"""A watch: looks until its time is over, what fails is told, Ctrl-C ends it; and how progress is shown on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest

from migrate.cli.reading import Reading
from migrate.errors import BadInput, Refused, Unreachable
from migrate.flow import sides, watching
from migrate.flow.diff import Given
from migrate.flow.everything import Progress
from migrate.flow.watching import watch
from migrate.model.comparison import Comparison, Parity
from migrate.model.flap import Watched
from migrate.model.ref import Ref

API = Ref("apps", "Deployment", "shop", "api")


class Stage:
    """A clock that only pauses move, and a target that gives these answers in turn."""

    def __init__(self, answers: Sequence[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers, self.now, self.asked = iter(answers), 0.0, 0
        self.said: list[str] = []
        self.told: list[str] = []
        self.lasts = 0.0
        monkeypatch.setattr(sides, "live", self.live)
        monkeypatch.setattr(watching, "parities", lambda goes, source, target: iter(target))

    def live(self, target: object, redacts: object, **options: Any) -> tuple[Any, None]:
        self.asked += 1
        self.now += self.lasts
        assert ("", "Pod") in options["only"] and ("", "Secret") not in options["only"]
        found = next(self.answers)
        if isinstance(found, BaseException):
            raise found
        return [look(found)], None

    def pause(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def watch(self, seconds: float, pause: Callable[[float], None] | None = None) -> Watched:
        first: Any = SimpleNamespace(
            comparison=Comparison(1, (), (look(True),)), goes=SimpleNamespace(bodies={}), there=None
        )
        given = Given(target=object())  # type: ignore[arg-type]
        return watch(
            given,
            first,
            seconds=seconds,
            clock=lambda: f"at {self.now:.0f}",
            say=self.said.append,
            tell=self.told.append,
            timer=lambda: self.now,
            pause=pause or self.pause,
        )


def look(ok: bool) -> Parity:
    return Parity(API, "replicas", None, None, ok, "" if ok else "1 of 2 ready")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Sequence[Any]], Stage]]:
    yield lambda answers: Stage(answers, monkeypatch)


def test_it_looks_until_its_time_is_over(stage: Any) -> None:
    one = stage([True, False, True])
    found = one.watch(12)
    assert (found.looks, found.failed, found.stopped, one.asked) == (3, 0, False, 3)
    assert one.said == [f"watching what runs: {left} s left" for left in (12, 7, 2)] and one.told == []
    (flap,) = found.flaps
    assert (flap.changes, flap.ok, flap.failed, flap.failure) == (2, True, "at 10", "1 of 2 ready")
    assert found.restless == (flap,)


def test_a_slow_target_does_not_prolong_it(stage: Any) -> None:
    one = stage([True] * 9)
    one.lasts = 100
    assert one.watch(60).looks == 1
    assert stage([True]).watch(1).looks == 1  # the shortest one looks once more


def test_a_start_is_no_flap(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = stage([False, False, True]).watch(15)
    assert found.flaps and found.restless  # it was well at first
    settled = replace(found, flaps=(replace(found.flaps[0], changes=1),))
    assert settled.restless == ()


@pytest.mark.parametrize("no", [Unreachable("no route", "wait"), Refused("no", "wait"), BadInput("no kinds", "wait")])
def test_a_look_that_fails_is_told_and_no_change(stage: Any, no: Exception) -> None:
    one = stage([no, True, no])
    found = one.watch(15)
    assert (found.looks, found.failed, found.flaps) == (1, 2, ())
    assert one.told == [f"at {at}: this look failed: {no}" for at in (5, 15)]


def test_what_is_a_bug_is_not_hidden(stage: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        stage([ZeroDivisionError()]).watch(5)


def test_ctrl_c_ends_it_with_what_was_seen(stage: Any) -> None:
    for answers in ([False, KeyboardInterrupt()], [False]):
        one = stage(answers)

        def pause(seconds: float, one: Stage = one, last: int = len(answers)) -> None:
            if one.asked == 1 == last:
                raise KeyboardInterrupt
            one.pause(seconds)

        found = one.watch(600, pause)
        assert (found.looks, found.stopped, len(found.restless)) == (1, True, 1)
        assert one.told == ["stopped; what was seen until now counts."]


class Stream(StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(terminal: bool, monkeypatch: pytest.MonkeyPatch, *acts: Callable[[Reading], None]) -> str:
    stream = Stream(terminal)
    monkeypatch.setattr("sys.stderr", stream)
    times = iter(range(0, 1000, 5))
    one = Reading(clock=lambda: next(times))
    for act in acts:
        act(one)
    one.end()
    return stream.getvalue()


def reads(seconds: float, kinds: int = 10) -> Callable[[Reading], None]:
    return lambda one: one("target", Progress(kinds, 60, 1234, seconds))


def test_on_a_terminal_a_line_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = shown(True, monkeypatch, reads(0.0), reads(0.05), reads(5.0), lambda one: one.tell("no\x1b[2J"))
    first, second = (
        "reading target: 10 of 60 kinds, 1,234 objects",
        "reading target: 10 of 60 kinds, 1,234 objects, about 25 s left",
    )
    assert text == f"\r\x1b[K{first}\r\x1b[K{second[:59]}\r\x1b[Kno\\x1b[2J\n"
    done = shown(True, monkeypatch, reads(4.0, 60), lambda one: one.say("a"), lambda one: one.say("b\x1b"))
    assert done == f"\r\x1b[K{first.replace('10', '60')}\r\x1b[Ka\r\x1b[Kb\\x1b\r\x1b[K"
    assert shown(True, monkeypatch) == ""  # nothing to take away


def test_a_log_has_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(False, monkeypatch, reads(1.0), reads(4.9), reads(5.0), reads(9.9), reads(10.0))
    assert text.count("\n") == 2 and "\x1b" not in text and "\r" not in text and "about 25 s left" in text
    says = [lambda one, n=n: one.say(f"{n}") for n in range(13)]
    assert shown(False, monkeypatch, *says).split() == ["0", "6", "12"]
    assert shown(False, monkeypatch, lambda one: one.tell("a"), lambda one: one.tell("b")) == "a\nb\n"
