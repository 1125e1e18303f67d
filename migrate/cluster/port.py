"""What the tool needs of a cluster. Two Protocols, so that a type checker proves that export and diff cannot write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from migrate.cluster.outcome import Deleted, Rejected, Tried, Unknown, Written
from migrate.model.listing import Kind
from migrate.model.objects import Body
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
    """A cluster that may be written to.

    A no to one object is a value (`outcome`); what concerns everything is raised: NotLoggedIn, Unreachable, Refused.
    Whatever is raised after something was sent leaves its fate unknown, as `Unknown` does.
    """

    def get(self, ref: Ref, api_version: str = "") -> Body | None:
        """Read one object, in the version that its group prefers unless told; None: not there, or no such kind."""
        ...

    def dry_run(self, body: Body, *, manager: str = "gke2eks", force: bool = False) -> Tried:
        """What `apply` would come to; nothing is stored."""
        ...

    def apply(self, body: Body, *, manager: str = "gke2eks", force: bool = False) -> Written:
        """Server-side apply with strict field validation."""
        ...

    def create(self, body: Body, *, manager: str = "gke2eks") -> Written:
        """Make what must not be there yet."""
        ...

    def replace(self, body: Body, *, manager: str) -> Written:
        """Put the whole object in place of the one with this uid and resourceVersion, both of which must be there."""
        ...

    def may(self, verb: str, group: str, resource: str, namespace: str = "", name: str = "") -> bool:
        """Tell whether the caller has a right; no namespace: in all of them, no name: on all of them."""
        ...

    def rules(self, namespace: str) -> tuple[list[Any], bool]:
        """What the caller may do in a namespace, as rules of RBAC, and whether that is all of it."""
        ...

    def delete(self, ref: Ref, version: str, uid: str) -> Deleted | Rejected | Unknown:
        """Delete the object of this resourceVersion and uid, no other."""
        ...
