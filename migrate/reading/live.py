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

    __slots__ = ("_kind", "_place", "_redactor", "_type", "_writable", "count", "left_out", "objects", "observed")

    def __init__(self, kind: Kind, source: str, redactor: Redactor) -> None:
        self._kind = kind
        self._type = {"apiVersion": kind.api_version, "kind": kind.kind}
        self._place = f"{source}{kind.path}"
        self._redactor = redactor
        # Built-in kinds have a schema of bounded depth; custom ones, and what a ControllerRevision keeps, need not.
        self._writable = "." not in kind.group and kind.kind != "ControllerRevision"
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
                item = {**self._type, **item}
            self._take(Found(self._place, 0, f"items[{self.count}]", item))
            self.count += 1
        return len(items)

    def mark(self) -> tuple[int, int, int]:
        """Where we are, for `forget`."""
        return self.count, len(self.objects), len(self.left_out)

    def forget(self, mark: tuple[int, int, int]) -> int:
        """Drop what came since the mark and give how many items that were."""
        gone = self.count - mark[0]
        for one in self.objects[mark[1] :]:
            self.observed.pop(one.ref, None)
        self.count = mark[0]
        del self.objects[mark[1] :], self.left_out[mark[2] :]
        return gone

    def _take(self, one: Found) -> None:
        said = unfit(one, writable=self._writable)
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
