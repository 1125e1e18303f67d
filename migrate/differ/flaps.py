"""Looks taken over time, folded: which check changed its answer, how often, and when it was last seen to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migrate.model.comparison import Parity
from migrate.model.flap import Flap
from migrate.model.ref import Ref

Look = tuple[str, Iterable[Parity]]
"""When it was looked, RFC 3339 in UTC, and what was found."""


@dataclass(slots=True)
class _Seen:
    ok: bool
    message: str = ""
    changes: int = 0
    changed: str = ""
    failed: str = ""
    failure: str = ""


def flaps(looks: Iterable[Look]) -> tuple[Flap, ...]:
    """Fold looks, the oldest first, into what changed; those that changed most come first.

    One look is held at a time, so that memory grows with the checks and not with the watch.
    """
    seen: dict[tuple[Ref, str], _Seen] = {}
    for at, found in looks:
        for one in found:
            if one.ok is not None:
                _note(seen, at, one, one.ok)
    changed = (
        Flap(ref, check, one.changes, one.ok, one.message, one.changed, one.failed, one.failure)
        for (ref, check), one in seen.items()
        if one.changes
    )
    return tuple(sorted(changed, key=lambda one: (-one.changes, one.ref, one.check)))


def _note(seen: dict[tuple[Ref, str], _Seen], at: str, one: Parity, ok: bool) -> None:
    key = (one.ref, one.check)
    before = seen.get(key)
    if before is None:
        before = seen[key] = _Seen(ok, changed=at)
    elif before.ok != ok:
        before.ok, before.changes, before.changed = ok, before.changes + 1, at
    before.message = one.message
    if not ok:
        before.failed, before.failure = at, one.message
