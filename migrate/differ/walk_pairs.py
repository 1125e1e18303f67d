"""Two sorted streams of objects as one stream of pairs: no more than one object of each side is held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate.model.objects import Object
from migrate.model.ref import Ref

Pair = tuple[Ref, Object | None, Object | None]


def merged(one: Iterable[Object], other: Iterable[Object]) -> Iterator[Pair]:
    """Give each object that either side has with its twin, or None, sorted by identity.

    Raises ValueError where a side is not sorted by identity or has an object twice: its twin would be lost.
    """
    ours, theirs = _sorted(one), _sorted(other)
    here, there = next(ours, None), next(theirs, None)
    while here is not None or there is not None:
        if there is None or (here is not None and here.ref < there.ref):
            assert here is not None
            yield here.ref, here, None
            here = next(ours, None)
        elif here is None or there.ref < here.ref:
            yield there.ref, None, there
            there = next(theirs, None)
        else:
            yield here.ref, here, there
            here, there = next(ours, None), next(theirs, None)


def _sorted(objects: Iterable[Object]) -> Iterator[Object]:
    last: Ref | None = None
    for obj in objects:
        if last is not None and not last < obj.ref:
            raise ValueError(f"{obj.ref} comes after {last}; sort the objects by identity, each once")
        last = obj.ref
        yield obj
