"""What the tool needs of a cluster. Two Protocols, so that a type checker proves that export and diff cannot write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from migrate.model.listing import Kind
from migrate.model.ref import Ref


class Source(Protocol):
    """A cluster that is only read. Every method raises Refused when the cluster says no or cannot be reached."""

    @property
    def name(self) -> str:
        """What a person calls this cluster."""
        ...

    def version(self) -> Mapping[str, Any]:
        """What /version says: gitVersion, major, minor, …"""
        ...

    def kinds(self) -> tuple[Kind, ...]:
        """Every kind that is served, each in one version: the preferred one, or the first that has it."""
        ...

    def pages(self, kind: Kind, limit: int = 500, namespace: str = "") -> Iterator[Mapping[str, Any]]:
        """The list over all namespaces, or of one, parsed, page by page; limit 0 asks for all at once.

        Raises Forbidden, Expired (start again: what was yielded so far is of no use), or Refused.
        """
        ...

    def changes(self, kind: Kind, since: str, namespace: str = "") -> Sequence[Mapping[str, Any]]:
        """What happened since a list of that resourceVersion, in order: {"type": "MODIFIED", "object": {…}}.

        Types are ADDED, MODIFIED and DELETED. Takes about a second. Raises as `pages` does, Expired when nobody
        remembers so far back.
        """
        ...


class Target(Source, Protocol):
    """A cluster that may be written to."""

    def dry_run(self, body: Mapping[str, Any]) -> Mapping[str, Any]: ...

    def apply(self, body: Mapping[str, Any], *, force: bool) -> Mapping[str, Any]: ...

    def delete(self, ref: Ref, version: str, uid: str) -> None: ...
