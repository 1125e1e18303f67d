"""Two sorted streams as one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migrate.differ.walk_pairs import merged
from migrate.model.objects import Object
from migrate.model.ref import Ref


def stream(*names: str) -> Iterator[Object]:
    return (Object(Ref("", "ConfigMap", "shop", name), {}) for name in names)


def test_each_object_has_its_twin_or_none() -> None:
    found = [(ref.name, bool(one), bool(other)) for ref, one, other in merged(stream("a", "b", "d"), stream("b", "c"))]
    assert found == [("a", True, False), ("b", True, True), ("c", False, True), ("d", True, False)]
    assert list(merged(stream(), stream())) == []
    assert [ref.name for ref, *_ in merged(stream(), stream("a"))] == ["a"]


@pytest.mark.parametrize("names", [("b", "a"), ("a", "a")])
def test_what_is_not_sorted_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="ConfigMap/shop/a comes after"):
        list(merged(stream("a"), stream(*names)))


def test_no_more_than_one_of_each_side_is_held() -> None:
    taken: list[str] = []

    def counted(*names: str) -> Iterator[Object]:
        for obj in stream(*names):
            taken.append(obj.ref.name)
            yield obj

    pairs = merged(counted("a", "b", "c"), counted("a", "b", "c"))
    next(pairs)
    assert taken == ["a", "a"]
