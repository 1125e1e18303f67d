"""A path prints and reads back, whatever its keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.model.path import Item, P, Path, PathError, parse

_VALUES = st.one_of(st.text(), st.integers(min_value=-(10**12), max_value=10**12), st.booleans())
_ITEMS = st.lists(st.tuples(st.text(), _VALUES), min_size=1, max_size=3).map(lambda keys: Item(tuple(keys)))
_PATHS = st.lists(st.one_of(st.text(), st.integers(min_value=0, max_value=10**6), _ITEMS), max_size=6).map(Path)


@given(_PATHS)
def test_every_path_reads_back(path: Path) -> None:
    again = parse(str(path))
    assert again == path
    assert [type(s) for s in again] == [type(s) for s in path]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (P("spec", "containers", Item((("name", "api"),))), "spec.containers[name=api]"),
        (P("ports", Item((("containerPort", 53), ("protocol", "UDP")))), "ports[containerPort=53,protocol=UDP]"),
        (P("metadata", "annotations", "networking.gke.io/x"), 'metadata.annotations["networking.gke.io/x"]'),
        (P("args", 3), "args[3]"),
    ],
)
def test_prints_as_designed(path: Path, text: str) -> None:
    assert str(path) == text


@pytest.mark.parametrize("text", [".a", "a..b", "a[", 'a["b', "a[b]", "a b"])
def test_bad_paths_are_named(text: str) -> None:
    with pytest.raises(PathError):
        parse(text)
