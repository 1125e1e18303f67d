"""The words of the graph."""

from __future__ import annotations

from dataclasses import dataclass

from migrate.model.labels import Requirements
from migrate.model.path import Path
from migrate.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whatever carries these labels: pods, or workloads whose pods do."""

    group: str
    kind: str
    namespace: str
    selector: Requirements


@dataclass(frozen=True, slots=True, order=True)
class Defined:
    """The CustomResourceDefinition of a kind; its name is not known from here."""

    group: str
    kind: str


Target = Ref | Chosen | Defined


@dataclass(frozen=True, slots=True)
class Reference:
    """One edge: what is named, where (list items by index), as what, which keys of it. `optional`: may be absent."""

    to: Target
    field: Path
    kind: str
    optional: bool = False
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dangling:
    """A reference to something that was not read; with `key`, the object was read and has no such key."""

    ref: Ref
    field: Path
    to: Target
    kind: str
    key: str = ""
