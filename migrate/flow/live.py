"""What is on the target of the objects of a run."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from migrate.cluster.port import Target
from migrate.flow.threads import in_threads
from migrate.flow.view import View
from migrate.model.objects import Body
from migrate.model.ref import Ref


def read_live(view: View, target: Target, refs: Sequence[Ref]) -> Mapping[Ref, Body]:
    """What is on the target of these: by lists, and one by one where there is no right to list."""
    kinds = sorted({(ref.group, ref.kind) for ref in refs})
    wanted = set(refs)

    def read(kind: tuple[str, str], _: threading.Event) -> dict[Ref, Body]:
        shown = view.of(*kind)
        if not shown.why:
            return {ref: body for ref, body in shown.bodies.items() if ref in wanted}
        pairs = ((ref, target.get(ref)) for ref in refs if (ref.group, ref.kind) == kind)
        return {ref: body for ref, body in pairs if body is not None}

    found: dict[Ref, Body] = {}
    for part in in_threads(kinds, read, 4):
        found |= part
    return found
