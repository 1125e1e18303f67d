"""What a rule is: data plus one generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from migrate.model.effects import Effect, Flag, Severity
from migrate.model.facts import Facts
from migrate.model.objects import Object
from migrate.model.ref import Ref

T = TypeVar("T")


class Row(Protocol):
    """A table row as rules see it."""

    @property
    def fields(self) -> Mapping[str, Any]: ...

    @property
    def where(self) -> str: ...


class Known(Protocol):
    """What a rule may ask about everything else: neighbours, answers, tables. All of it is the source's."""

    @property
    def flavour(self) -> str: ...

    @property
    def facts(self) -> Facts: ...

    def rows(self, table: str) -> tuple[Row, ...]: ...

    def once(self, name: str, make: Callable[[], T]) -> T: ...

    def find(self, ref: Ref) -> Object | None: ...

    def all(self, group: str, kind: str) -> tuple[Object, ...]: ...

    def answer(self, *key: str) -> Any: ...

    def migrates(self, ref: Ref) -> bool: ...


@dataclass(frozen=True, slots=True)
class Example:
    """A before and after that is true: a test runs it."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


def of_no_object(_obj: Object, _known: Known) -> Iterator[Effect]:
    """The effects of a rule that judges no single object."""
    yield from ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A judgement. `kinds` are (group, kind) pairs; empty means every kind. `effects` is pure.

    `cluster` judges the source as a whole: it is asked once, and what it says is about no object.
    """

    id: str
    title: str
    what: str
    why: str
    docs: str
    area: str
    severity: Severity
    kinds: frozenset[tuple[str, str]]
    do: str
    effects: Callable[[Object, Known], Iterator[Effect]] = of_no_object
    gke: str = ""
    eks: str = ""
    change: str = ""
    example: Example | None = field(default=None, compare=False)
    cluster: Callable[[Known], Iterator[Flag]] | None = None
