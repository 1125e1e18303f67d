"""One side of a comparison: what a cluster, a snapshot or files had, and what nobody could look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.objects import Body
from migrate.model.ref import Ref

Hashes = Mapping[str, Mapping[str, Any]]
"""Of one Secret: key → {bytes, hmac, key_id, and perhaps variants}."""


@dataclass(frozen=True, slots=True)
class Side:
    """`objects` are redacted. `hashes` tell of Secrets' values what may be known. `unread` says of a (group, kind) why
    nobody could list it; kind '' is all kinds of a group that did not say which it has. `wide` are those of them that
    are of cluster scope. `served` are the kinds that the server has, None for files. `at` is when it was read.

    `other` holds objects in a further version, where a plan has one kind in two.
    """

    name: str
    objects: Mapping[Ref, Body]
    at: str = ""
    hashes: Mapping[Ref, Hashes] = field(default_factory=dict, repr=False)
    unread: Mapping[tuple[str, str], str] = field(default_factory=dict)
    served: frozenset[tuple[str, str]] | None = None
    other: Mapping[tuple[Ref, str], Body] = field(default_factory=dict)
    wide: frozenset[tuple[str, str]] = frozenset()

    def body(self, ref: Ref, api_version: str = "") -> Body | None:
        """The object, in this version where it was read in several; None where it is not."""
        found = self.other.get((ref, api_version)) if self.other else None
        return found if found is not None else self.objects.get(ref)

    def silent(self, ref: Ref) -> str:
        """Why nobody could tell whether it is there; '' where somebody could."""
        return self.unread.get((ref.group, ref.kind)) or self.unread.get((ref.group, ""), "")
