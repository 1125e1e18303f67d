"""Objects of a kind as they will be after apply: what is on the target, and over it what goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import get
from migrate.model.checks import Seen
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.semantics.going import Going

_ENDS = P("metadata", "deletionTimestamp")


@dataclass(frozen=True, slots=True)
class After:
    """`bodies`: those that go win over those on the target; what is being deleted there is not there.

    `live` are those on the target alone. `why` says why the target could not be looked at; then `live` is empty.
    """

    bodies: Mapping[Ref, Body]
    live: Mapping[Ref, Body]
    why: str

    def within(self, namespace: str) -> dict[str, Body]:
        """{name: body} of one namespace, sorted."""
        found = {ref.name: body for ref, body in self.bodies.items() if ref.namespace == namespace}
        return dict(sorted(found.items()))


def after(going: Going, seen: Seen, group: str, kind: str) -> After:
    """Look at one kind."""
    said = seen.of(group, kind)
    live = {ref: body for ref, body in said.bodies.items() if not get(body, _ENDS)}
    ours = {ref: body for ref, body in going.bodies.items() if (ref.group, ref.kind) == (group, kind)}
    return After({**live, **ours}, live, said.why)


def mapping(value: Any) -> Body:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Body]:
    """The mappings of a list; empty when it is no list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
