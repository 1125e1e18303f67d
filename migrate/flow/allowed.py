"""Whether the caller has the rights that a run will need half-way, asked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable

from migrate.cluster.port import Target
from migrate.errors import Forbidden, NotLoggedIn, Refused, Unreachable
from migrate.flow.rights import asked
from migrate.flow.view import View
from migrate.preflight.rights import grouped
from migrate.semantics.more_rights import beside
from migrate.semantics.plurals import Plurals
from migrate.semantics.target_rights import Need


def refuse_without(target: Target, view: View, needs: Iterable[Need], options: str, instead: str) -> None:
    """Raise Forbidden where the caller lacks one of these rights. `options` of access target print them.

    A target that answers no such question is not asked: each object then says so by itself. Raises NotLoggedIn,
    Unreachable.
    """
    wanted, plurals = beside(needs, ()), Plurals(view.kinds())
    if not wanted:
        return
    try:
        answers = asked(target, wanted, plurals)
    except (NotLoggedIn, Unreachable):
        raise
    except Refused:
        return
    lacking = [text for text, _ in grouped([need for need in wanted if answers.get(need) is False], plurals)]
    if lacking:
        raise Forbidden(
            f"the caller lacks rights on {target.name} that this run will need",
            f"have an admin grant it (gke2eks access target {options} prints it){instead}. Nothing was written.",
            [f"may not {one}" for one in lacking],
        )
