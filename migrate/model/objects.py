"""What was read: objects, facts, and the documents that were no objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from migrate.model.listing import Listing
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection


class _Missing:
    """The one value that means 'no such key'. Absent, null and empty are three things."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Object:
    """One Kubernetes object. `body` is never mutated; edits share structure."""

    ref: Ref
    body: Body
    origin: str = ""

    @property
    def version(self) -> str:
        """The version part of apiVersion: 'v1' of 'apps/v1'."""
        return str(self.body.get("apiVersion", "")).rpartition("/")[2]

    @property
    def metadata(self) -> Body:
        """The metadata mapping; empty when it is not one."""
        found = self.body.get("metadata")
        return found if isinstance(found, Mapping) else {}

    @property
    def annotations(self) -> Body:
        """metadata.annotations; empty when absent."""
        found = self.metadata.get("annotations")
        return found if isinstance(found, Mapping) else {}

    @property
    def labels(self) -> Body:
        """metadata.labels; empty when absent."""
        found = self.metadata.get("labels")
        return found if isinstance(found, Mapping) else {}

    @property
    def spec(self) -> Body:
        """The spec mapping; empty when it is not one."""
        found = self.body.get("spec")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """A document that was not read as an object: where, why, what to do. `line` is 1-based, 0 for a whole file."""

    source: str
    line: int
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the source was when it was read: objects sorted by identity, and what could not be read.

    `listings` and `facts` (such as the version of Kubernetes) are those of a live cluster; of files they are empty.
    `select` is what a person meant when it was read; more than that may be in it.
    """

    objects: tuple[Object, ...]
    left_out: tuple[LeftOut, ...] = ()
    documents: int = 0
    name: str = ""
    read_at: str = ""
    notes: tuple[str, ...] = ()
    duplicates: tuple[tuple[Ref, str, str], ...] = field(default=())
    listings: tuple[Listing, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    select: Selection = EVERYTHING
