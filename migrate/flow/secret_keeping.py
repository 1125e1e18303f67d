"""A source that remembers Secret values on their way past, for `export --age-recipient`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from migrate.cluster.port import Source
from migrate.flow.secret_parts import held_of
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.workspace.secret_file import Held


class Keeping:
    """A `Source` in front of another. It asks for nothing by itself, and may be used by many threads."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept: dict[Ref, Held] = {}

    def __repr__(self) -> str:
        return f"Keeping({self._source.name})"

    @property
    def name(self) -> str:
        return self._source.name

    def version(self) -> Mapping[str, Any]:
        return self._source.version()

    def kinds(self) -> tuple[Kind, ...]:
        return self._source.kinds()

    def pages(self, kind: Kind, limit: int = 500, namespace: str = "") -> Iterator[Mapping[str, Any]]:
        for page in self._source.pages(kind, limit, namespace):
            if (kind.group, kind.kind) == ("", "Secret"):
                for item in page.get("items") or ():
                    self._take(item)
            yield page

    def changes(self, kind: Kind, since: str, namespace: str = "") -> Sequence[Mapping[str, Any]]:
        return self._source.changes(kind, since, namespace)

    def of(self, refs: Iterable[Ref]) -> dict[Ref, Held]:
        """The values of these objects, in the order of the refs: of what was listed twice, the later."""
        return {ref: self._kept[ref] for ref in refs if ref in self._kept}

    def _take(self, body: Body) -> None:
        meta = body["metadata"]
        self._kept[Ref("", "Secret", str(meta.get("namespace") or ""), str(meta["name"]))] = held_of(body)
