"""The order of writes: waves, gates, and what stops what."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from migrate.flow.order import Order, Stopped
from migrate.model.ref import Ref


def ref(name: str) -> Ref:
    return Ref("", "ConfigMap", "shop", name)


def order(waits: Mapping[str, str] | None = None, **levels: int) -> Order:
    edges = {ref(name): [ref(to) for to in tos.split()] for name, tos in (waits or {}).items()}
    by_name = {ref(name): level for name, level in levels.items()}
    return Order(by_name, edges, by_name.__getitem__)


def names(found: list[Ref]) -> str:
    return " ".join(one.name for one in found)


def test_a_wave_begins_when_the_one_before_was_answered_not_when_it_is_ready() -> None:
    run = order(a=0, b=0, c=1)
    assert names(run.take()) == "a b" and run.level == 0
    run.answered(ref("a"))
    assert names(run.take()) == ""
    run.answered(ref("b"))
    assert names(run.take()) == "c" and run.level == 1
    assert not run.over
    run.answered(ref("c"))
    assert run.over


def test_what_waits_for_a_gate_holds_up_nothing_but_itself() -> None:
    run = order({"b": "a"}, a=0, b=1, c=1, d=2)
    assert names(run.take()) == "a"
    run.answered(ref("a"))
    assert names(run.take()) == "c"
    run.answered(ref("c"))
    assert names(run.take()) == "d"
    run.answered(ref("d"))
    assert names(run.take()) == "" and not run.over and run.waited_for(ref("a")) == 1
    run.opened(ref("a"))
    assert names(run.take()) == "b" and run.waited_for(ref("a")) == 0


def test_who_is_stopped_stops_what_is_behind_it_and_not_its_siblings() -> None:
    run = order({"b": "a", "c": "b", "e": "d"}, a=0, b=1, c=2, d=1, e=2)
    run.take()
    run.answered(ref("a"))
    assert run.stop(ref("a")) == [Stopped(ref("b"), ref("a")), Stopped(ref("c"), ref("a"))]
    assert run.stop(ref("a")) == []
    assert names(run.take()) == "d"
    assert run.untried == {ref("e")}


def test_an_edge_to_what_is_not_in_this_run_does_not_count() -> None:
    run = order({"a": "elsewhere a"}, a=3)
    assert names(run.take()) == "a"


def test_nothing_to_do_is_over_at_once() -> None:
    run = order()
    assert run.over and run.take() == [] and run.level is None


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=12),
    st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
    st.randoms(use_true_random=False),
)
def test_every_object_is_given_out_or_stopped_once_and_never_before_its_gates(levels, edges, random) -> None:  # type: ignore[no-untyped-def]
    refs = [ref(f"r{i:02}") for i in range(len(levels))]
    level = dict(zip(refs, levels, strict=True))
    waits: dict[Ref, list[Ref]] = {}
    for i, j in edges:
        if j < i < len(refs) and levels[j] <= levels[i]:  # no rings, and only towards what is earlier
            waits.setdefault(refs[i], []).append(refs[j])
    run, flying, sent, opened, stopped = Order(refs, waits, level.__getitem__), [], [], set(), set()
    while not run.over:
        for one in run.take():
            assert all(to in opened for to in waits.get(one, ()))
            flying.append(one)
            sent.append(one)
        assert flying, "nothing moves although something is left"
        one = flying.pop(random.randrange(len(flying)))
        run.answered(one)
        if random.random() < 0.2:
            stopped |= {hit.ref for hit in run.stop(one)}
        else:
            run.opened(one)
            opened.add(one)
    assert sorted([*sent, *stopped]) == sorted(refs) and len(set(sent)) == len(sent)
