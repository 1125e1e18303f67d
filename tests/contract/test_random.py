"""Random sequences of writes: with a real server there, both must end with the same objects and owners.

Everywhere an object holds what an apply said that succeeded.
"""

import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.servers import Json, Server, Space, custom, define, practice

_TEXT = st.sampled_from(["1", "2"])
_NAMES = st.sampled_from(["a", "b", "c", "d"])
_ITEMS = st.lists(
    st.fixed_dictionaries({"name": _NAMES}, optional={"v": _TEXT}), unique_by=lambda one: one["name"], max_size=4
)
_TYPED = st.fixed_dictionaries(
    {},
    optional={
        "one": _TEXT,
        "map": st.dictionaries(st.sampled_from(["a", "b", "c"]), _TEXT, max_size=3),
        "deep": st.fixed_dictionaries({}, optional={"a": _TEXT, "b": _TEXT}),
        "items": _ITEMS,
        "set": st.lists(st.sampled_from(["x", "y", "z", "w"]), unique=True, max_size=4),
        "plain": st.lists(_TEXT, max_size=2),
        "whole": st.fixed_dictionaries({}, optional={"q": _TEXT}),
    },
)
_FREE = st.recursive(
    st.one_of(_TEXT, st.integers(0, 2), st.booleans(), st.lists(_TEXT, max_size=2)),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=6,
).filter(lambda value: isinstance(value, dict))
_LABELS = st.dictionaries(st.sampled_from(["a", "b"]), _TEXT, max_size=2)
_MANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
def other(server: Server) -> Iterator[Server]:
    """The practice cluster, to compare the server with; with itself when there is no other."""
    yield from practice()


@pytest.fixture
def both(space: Space, other: Server) -> tuple[Space, Space]:
    define(other)
    other.client.post("/api/v1/namespaces", {"metadata": {"name": space.name}})
    return space, Space(other, space.name)


def outcome(space: Space, kind: str, name: str, steps: list) -> list:
    """Play the steps, and say after each what there is and whose; conflicts by their causes."""
    path = space.typed(name) if kind == "Typed" else space.free(name)
    said = []
    for verb, manager, force, labels, spec in steps:
        body: Json = custom(kind, name, spec=spec)
        body["metadata"] |= {"labels": labels} if labels else {}
        if verb == "apply":
            done = space.client.lay(path, body, manager, force=force)
        else:
            done = space.client.change(path, {"spec": spec, "metadata": {"labels": labels}}, fieldManager=manager)
        if verb == "apply" and done.code < 400:
            assert holds(done.body.get("spec") or {}, spec), (done.body, spec)
        if done.code >= 400:
            said.append((done.code, done.reason, sorted(done.causes)))
        else:
            said.append(
                (done.code, done.body.get("spec"), done.meta.get("labels"), done.meta["generation"], done.owners)
            )
    space.client.drop(path)
    return said


def holds(there: object, said: object) -> bool:
    """Tell whether all that was said is there; items of Typed's keyed list by name."""
    if not there and not said:
        return True  # what was emptied may be null
    if isinstance(said, dict):
        return isinstance(there, dict) and all(holds(there.get(key), value) for key, value in said.items())
    if isinstance(said, list) and isinstance(there, list):
        if all(isinstance(one, dict) for one in said):
            found = {one["name"]: one for one in there if isinstance(one, dict)}
            return all(holds(found.get(one["name"]), one) for one in said)
        return set(map(str, said)) <= set(map(str, there))
    return there == said


def steps(spec: st.SearchStrategy, verbs: list[str]) -> st.SearchStrategy:
    one = st.tuples(st.sampled_from(verbs), st.sampled_from(["one", "two"]), st.booleans(), _LABELS, spec)
    return st.lists(one, min_size=2, max_size=5)


def compare(both: tuple[Space, Space], kind: str, played: list) -> None:
    name = f"r-{uuid.uuid4().hex[:12]}"
    ours, theirs = (outcome(space, kind, name, played) for space in both)
    assert ours == theirs


@_MANY
@given(played=steps(_TYPED, ["apply"]))
def test_two_appliers_of_lists(both: tuple[Space, Space], played: list) -> None:
    compare(both, "Typed", played)


@_MANY
@given(played=steps(_FREE, ["apply"]))
def test_two_appliers_without_a_schema(both: tuple[Space, Space], played: list) -> None:
    compare(both, "Free", played)


@_MANY
@given(played=steps(_TYPED, ["apply", "patch"]))
def test_appliers_and_patchers(both: tuple[Space, Space], played: list) -> None:
    compare(both, "Typed", played)
