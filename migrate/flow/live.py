"""What is on the target of the objects of a run."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from migrate.cluster.port import Target
from migrate.errors import Forbidden, Refused
from migrate.flow.threads import in_threads
from migrate.flow.trouble import only_here
from migrate.flow.view import View
from migrate.model.objects import Body
from migrate.model.ref import Ref


def read_live(view: View, target: Target, refs: Sequence[Ref], *, strict: bool = True) -> Mapping[Ref, Body]:
    """What is on the target of these: by lists, and one by one where there is no right to list.

    Of a kind that cannot be read, as when nobody converts it, each is given as `unread`: whoever needs it reads again.
    So is, unless `strict`, what the caller may not read; else that raises Forbidden.
    """
    kinds = sorted({(ref.group, ref.kind) for ref in refs})
    wanted = set(refs)

    def read(kind: tuple[str, str], _: threading.Event) -> dict[Ref, Body]:
        shown = view.of(*kind)
        if not shown.why:
            return {ref: body for ref, body in shown.bodies.items() if ref in wanted}
        return _one_by_one(target, [ref for ref in refs if (ref.group, ref.kind) == kind], strict)

    found: dict[Ref, Body] = {}
    for part in in_threads(kinds, read, 4):
        found |= part
    return found


def unread(ref: Ref) -> Body:
    """Stands for what may be there: without a version, without a mark, so that it is neither made nor held anew."""
    return {"kind": ref.kind, "metadata": {"name": ref.name}}


def may_be_there(view: View, refs: Sequence[Ref]) -> list[Ref]:
    """Those whose Namespace is there. With the others went the Role that let somebody ask for them."""
    spaces = view.of("", "Namespace")
    there = {"", *(ref.name for ref in spaces.bodies)}
    return [ref for ref in refs if spaces.why or ref.namespace in there]


def _one_by_one(target: Target, refs: Sequence[Ref], strict: bool) -> dict[Ref, Body]:
    found: dict[Ref, Body] = {}
    for at, ref in enumerate(refs):
        try:
            body = target.get(ref)
        except Forbidden:
            if strict:
                raise
            body = unread(ref)
        except Refused as no:
            if not only_here(target, no):
                raise
            # It says so slowly: the others of this kind are not asked for.
            return found | {rest: unread(rest) for rest in refs[at:]}
        found |= {ref: body} if body is not None else {}
    return found
