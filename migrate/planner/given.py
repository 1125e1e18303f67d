"""What the planner is given: tables, and what rules may ask about the rest of the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.cleaner import Cleaning
from migrate.model.decided import Decided
from migrate.model.facts import UNKNOWN, Facts
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.model.rules import Row, Rule, T
from migrate.rules.sweep import Sweep
from migrate.semantics.owners import Managed


class Neighbours:
    """What rules may ask about the rest of the source. All answers come from the cleaned snapshot."""

    def __init__(
        self,
        objects: Sequence[Object],
        stays: Mapping[Ref, object],
        decided: Decided,
        tables: Mapping[str, tuple[Row, ...]],
        facts: Facts = UNKNOWN,
    ) -> None:
        self._by_ref = {obj.ref: obj for obj in objects}
        self._by_kind: dict[tuple[str, str], list[Object]] = {}
        for obj in objects:
            self._by_kind.setdefault((obj.ref.group, obj.ref.kind), []).append(obj)
        self._stays = stays
        self._decided = decided
        self._tables = tables
        self._facts = facts
        self._once: dict[str, Any] = {}

    @property
    def flavour(self) -> str:
        """`standard` or `auto`."""
        return self._decided.flavour

    @property
    def facts(self) -> Facts:
        """What is known of the source cluster itself; None is unknown."""
        return self._facts

    def rows(self, table: str) -> tuple[Row, ...]:
        """The rows of a table in mappings/, an overlay's after the bundled ones; 'storage.yaml'."""
        return self._tables.get(table, ())

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` finds, found once for the whole plan and kept under `name`."""
        if name not in self._once:
            self._once[name] = make()
        found: T = self._once[name]
        return found

    def find(self, ref: Ref) -> Object | None:
        """The source object of this identity, or None when it was not read."""
        return self._by_ref.get(ref)

    def all(self, group: str, kind: str) -> tuple[Object, ...]:
        """Every source object of a kind."""
        return tuple(self._by_kind.get((group, kind), ()))

    def answer(self, *key: str) -> Any:
        """The user's answer, or None."""
        return self._decided.answers.get(key)

    def migrates(self, ref: Ref) -> bool:
        """Tell whether this object was read and goes along."""
        return ref in self._by_ref and ref not in self._stays


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything the planner needs besides the snapshot and the decisions."""

    rules: tuple[Rule, ...]
    cleaning: Cleaning
    managed: Managed
    sweep: Sweep
    rows: Mapping[str, tuple[Row, ...]]
