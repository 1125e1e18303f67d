"""Pages of a live list become objects, redacted as they come, by the same judgement as files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.model.listing import Kind
from migrate.model.objects import LeftOut, Object
from migrate.model.ref import Ref, group_of
from migrate.reading.fit import Found, unfit
from migrate.reading.redact import Redactor


class LiveList:
    """What was read of one kind. `source` is what a person calls the cluster."""

    __slots__ = ("_kind", "_place", "_redactor", "count", "left_out", "objects", "observed")

    def __init__(self, kind: Kind, source: str, redactor: Redactor) -> None:
        self._kind = kind
        self._place = f"{source}{kind.path}"
        self._redactor = redactor
        self.count = 0
        self.objects: list[Object] = []
        self.observed: dict[Ref, dict[str, Any]] = {}
        self.left_out: list[LeftOut] = []

    def add(self, page: Mapping[str, Any]) -> int:
        """Take one page in and give how many items it had. Nothing of it is kept unredacted."""
        items = page.get("items") or ()
        for item in items:
            if isinstance(item, dict) and "kind" not in item:
                # Lists of built-in kinds leave out what all items have in common.
                item = {"apiVersion": self._kind.api_version, "kind": self._kind.kind, **item}
            self._take(Found(self._place, 0, f"items[{self.count}]", item))
            self.count += 1
        return len(items)

    def _take(self, one: Found) -> None:
        said = unfit(one)
        if said:
            self.left_out.append(one.left_out(said))
            return
        redacted = self._redactor.redact(one.body)
        metadata = redacted.body["metadata"]
        namespace = str(metadata.get("namespace") or "") if self._kind.namespaced else ""
        ref = Ref(group_of(one.body["apiVersion"]), one.body["kind"], namespace, metadata["name"])
        self.objects.append(Object(ref, redacted.body, self._place))
        if redacted.keys:
            self.observed[ref] = redacted.keys
