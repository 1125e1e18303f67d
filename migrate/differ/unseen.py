"""What a second reading of the source could not see: an object that nobody read is not gone."""

from __future__ import annotations

from collections.abc import Iterable

from migrate.model.listing import Listing
from migrate.model.objects import Object, Snapshot
from migrate.model.selection import EVERYTHING, Selection


class Unseen:
    """What cannot be told of two readings. It remembers what it was asked about."""

    def __init__(self, then: Snapshot, now: Snapshot, planned: Selection) -> None:
        # What was not read the first time is in no plan, and the plan says so itself.
        known = {_name(one) for one in _unread(then.listings)}
        self._kinds = {_name(one): one for one in _unread(now.listings)}
        self._said = {_told(one) for name, one in self._kinds.items() if name not in known}
        self._select = EVERYTHING if now.select == then.select else now.select
        if now.select and now.select not in (then.select, planned):
            self._said.add(f"only a part of the source was read this time ({now.select.as_options()})")
        lost = sorted({one.source for one in now.left_out} - {one.source for one in then.left_out})
        if lost:
            more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
            self._said.add(f"documents could not be read this time: {', '.join(lost[:3])}{more}")

    def hides(self, obj: Object) -> bool:
        """Tell whether an object that was there may be there still, unread; the reason is kept."""
        group, kind = obj.ref.group, obj.ref.kind
        listing = self._kinds.get((group, kind)) or self._kinds.get((group, ""))
        if listing is not None:
            self._said.add(_told(listing))
            return True
        return bool(self._select) and not self._select.matches(obj) and not self._select.takes_along(obj.ref)

    def reasons(self) -> tuple[str, ...]:
        """Say what could not be seen, sorted."""
        return tuple(sorted(self._said))


def _unread(listings: Iterable[Listing]) -> Iterable[Listing]:
    return [one for one in listings if one.missing or one.by_request]


def _name(one: Listing) -> tuple[str, str]:
    return one.kind.group, one.kind.kind


def _told(one: Listing) -> str:
    return f"{one.kind} could not be read this time ({one.why}): nobody can tell what changed"
