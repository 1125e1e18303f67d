"""Who wrote which field of a live object, from its metadata.managedFields.

Tried on a real API server (1.36) with each built-in kind after a server-side apply as `gke2eks`:

- We own exactly what was sent. Nobody owns what the server fills in (defaults, clusterIP, nodePort, the selector and
  labels of a Job, finalizers of protection, the token volume and nodeName of a Pod), nor what an admission policy or
  webhook writes into our apply.
- An object that was *created* (kubectl create) has its defaults owned by its creator; allocated values still by nobody.
- A list or map that is one value (subjects of a binding, a selector) is a leaf: its owner has all that is in it, also
  what the server filled in there.
- kube-controller-manager writes annotations through the subresource status (deployment.kubernetes.io/revision).
- Entries of the subresource scale have no time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import get
from migrate.model.comparison import Owner
from migrate.model.objects import MISSING, Body
from migrate.model.path import Item, P, Path, Segment
from migrate.semantics.holding_release import OURS

_MANAGED = P("metadata", "managedFields")


@dataclass(frozen=True, slots=True)
class Writer:
    """One field manager and what it did. `above`: it owns a whole value that the field is in, not the field itself.

    `operation` is Apply or Update, `time` RFC 3339 or ''.
    """

    manager: str
    operation: str
    time: str
    subresource: str
    above: bool = False

    @property
    def owner(self) -> Owner:
        """The writer as a Delta names it."""
        return Owner(self.manager, self.time)


@dataclass(frozen=True, slots=True)
class Owners:
    """The managers of one live object. `known` is False where it was read without them, as from most files."""

    body: Body
    entries: tuple[Mapping[str, Any], ...]

    @property
    def known(self) -> bool:
        """Tell whether the object says at all who wrote it."""
        return bool(self.entries)

    def of(self, path: Path) -> tuple[Owner, ...]:
        """Give who owns the place or something in it, newest first.

        Nobody for what is not there, unless somebody owns the whole value that it would be in.
        """
        return tuple(one.owner for one in self.writers(path))

    def writers(self, path: Path) -> tuple[Writer, ...]:
        """Give the writers of a place, newest first. Those of a value that it is in count where nobody is nearer."""
        found = [_writer(one, above) for one in self.entries if (above := _holds(one, self.body, path)) is not None]
        near = [one for one in found if not one.above] or found
        return tuple(sorted(near, key=lambda one: one.time, reverse=True))


def owners(live: Body) -> Owners:
    """Read metadata.managedFields; entries that make no sense are left out."""
    found = get(live, _MANAGED)
    rows = found if isinstance(found, list) else ()
    return Owners(live, tuple(one for one in rows if isinstance(one, Mapping) and _fields(one.get("fieldsV1"))))


def others(writers: tuple[Writer, ...]) -> tuple[Writer, ...]:
    """Those that are not ours."""
    return tuple(one for one in writers if one.manager != OURS)


def first(writers: tuple[Writer, ...]) -> Owner | None:
    """The newest of them; None for none."""
    return writers[0].owner if writers else None


def _fields(value: Any) -> Mapping[str, Any]:
    return value if value.__class__ is dict or isinstance(value, Mapping) else {}


def _writer(entry: Mapping[str, Any], above: bool) -> Writer:
    manager, operation, time, part = (
        str(entry.get(key) or "") for key in ("manager", "operation", "time", "subresource")
    )
    return Writer(manager, operation, time, part, above)


def _holds(entry: Mapping[str, Any], body: Any, path: Path) -> bool | None:
    """None where the entry has nothing to say of the path; else whether it owns only something that it is in."""
    here, fields = body, _fields(entry.get("fieldsV1"))
    for segment in path:
        if not fields:
            return True
        there = _step(here, segment)
        if there is MISSING:
            return None
        if isinstance(segment, str):  # one of its own name: the usual case, and the quick one
            below = fields.get(f"f:{segment}")
        else:
            below = next((value for word, value in fields.items() if _names(word, segment, here, there)), None)
        if below is None:
            return None
        here, fields = there, _fields(below)
    return False


def _step(here: Any, segment: Segment) -> Any:
    """One segment down. A set of scalars names its item by index, or by an Item with an empty key."""
    if isinstance(segment, Item) and isinstance(here, list) and not segment.keys[0][0]:
        return next((one for one in here if one == segment.keys[0][1]), MISSING)
    return get(here, (segment,))


def _names(word: str, segment: Segment, here: Any, there: Any) -> bool:
    """Whether one word of fieldsV1 ('f:name', 'k:{"name":"a"}', 'v:"x"', 'i:0') is this segment of the object."""
    sort, _, text = word.partition(":")
    if sort == "f":
        return segment == text
    if sort not in ("k", "v", "i") or not isinstance(here, list):
        return False
    try:
        value = json.loads(text)
    except ValueError:
        return False
    if sort == "k":
        # A key that a server filled in, as the protocol of a port, is in the object and in the word.
        return isinstance(value, dict) and isinstance(there, Mapping) and _all(there, value.items())
    return bool(there == value) if sort == "v" else segment == value


def _all(item: Mapping[str, Any], pairs: Iterable[tuple[str, Any]]) -> bool:
    return all(item.get(key, MISSING) == value for key, value in pairs)
