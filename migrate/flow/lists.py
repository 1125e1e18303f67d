"""One kind of a live cluster, listed from its first page to its last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from migrate.cluster.port import Source
from migrate.errors import Expired
from migrate.model.listing import Kind
from migrate.reading import LiveList, Redactor

PAGE = 500
_RESTARTS = 2  # of a list whose place expired; then all of it is asked for at once


@dataclass(frozen=True, slots=True)
class Listed:
    """What a kind had. `versions` holds the resourceVersion of each list: of all namespaces (''), or of each."""

    found: LiveList
    versions: dict[str, str]


def list_kind(
    source: Source,
    kind: Kind,
    namespaces: Sequence[str],
    redactor: Redactor,
    over: threading.Event,
    *,
    seen: Callable[[int], None] = lambda _: None,
    page: int | None = None,
) -> Listed:
    """List a kind, or each of the namespaces if there are any. `seen` is told how many came, negative for forgotten.

    Ends early when `over` is set; what it gives then is not whole. Raises Refused.
    """
    found = LiveList(kind, source.name, redactor)
    versions: dict[str, str] = {}
    for namespace in namespaces if kind.namespaced and namespaces else ("",):
        for attempt in range(_RESTARTS + 1):
            before = found.mark()
            try:
                size = PAGE if page is None else page
                for one in source.pages(kind, size if attempt < _RESTARTS else 0, namespace):
                    seen(found.add(one))
                    versions[namespace] = str(one["metadata"].get("resourceVersion") or "")
                    if over.is_set():
                        return Listed(found, versions)
                break
            except Expired:
                seen(-found.forget(before))
                if attempt == _RESTARTS:
                    raise
    return Listed(found, versions)
