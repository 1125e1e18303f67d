"""What the tool needs of a cluster. Two Protocols, so that a type checker proves that export and diff cannot write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from migrate.model.ref import Ref


class Source(Protocol):
    """A cluster that is only read."""

    def get(self, ref: Ref, version: str) -> Mapping[str, Any] | None: ...

    def list(self, group: str, version: str, plural: str) -> Iterator[Mapping[str, Any]]: ...

    def watch(self, group: str, version: str, plural: str, resource_version: str) -> Iterator[Mapping[str, Any]]: ...


class Target(Source, Protocol):
    """A cluster that may be written to."""

    def dry_run(self, body: Mapping[str, Any]) -> Mapping[str, Any]: ...

    def apply(self, body: Mapping[str, Any], *, force: bool) -> Mapping[str, Any]: ...

    def delete(self, ref: Ref, version: str, uid: str) -> None: ...
