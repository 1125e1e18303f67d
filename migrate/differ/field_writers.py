"""Who wrote a place of an object, by what its server remembers in managedFields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import Item, P, Path, Segment


def writers(body: Body, path: Path) -> frozenset[str]:
    """The managers that own this place; empty where nobody says, as in files and for items of lists without keys."""
    entries = get(body, P("metadata", "managedFields"))
    found = set()
    for one in entries if isinstance(entries, list) else ():
        if isinstance(one, Mapping) and _owns(one.get("fieldsV1"), path):
            found.add(str(one.get("manager") or ""))
    return frozenset(found)


def _owns(fields: Any, path: Path) -> bool:
    here = fields
    for segment in path:
        if not isinstance(here, Mapping):
            return False
        here = here.get(f"f:{segment}") if isinstance(segment, str) else _item(here, segment)
    return isinstance(here, Mapping)


def _item(fields: Mapping[str, Any], segment: Segment) -> Any:
    if not isinstance(segment, Item):
        return None
    wanted = dict(segment.keys)
    for name, below in fields.items():
        keys = _keys(name)
        # Where a path leaves a key out, such as a port's protocol, what it says must not differ.
        if keys and all(keys.get(key) == value for key, value in wanted.items()):
            return below
    return None


def _keys(name: str) -> Mapping[str, Any]:
    """The keys of an item: {"name": "api"} of 'k:{"name":"api"}'; empty for all else."""
    try:
        found = json.loads(name[2:]) if name.startswith("k:") else {}
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
