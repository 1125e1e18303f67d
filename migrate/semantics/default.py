"""What a default that differs is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migrate.model.objects import Object

BOTH = frozenset({"standard", "auto"})
NEITHER: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Default:
    """A default that differs, and the objects that it touches.

    `handled` names the flavours on which a rule sees to it. `page` says that no rule has this id, so that the report's
    id needs a page of its own. `whole`: one such object makes it true of the cluster, and naming all helps nobody.
    """

    rule: str
    topic: str
    gke: str
    eks: str
    handled: frozenset[str]
    fix: str
    docs: str
    touches: Callable[[Object], bool]
    page: bool = False
    whole: bool = False
