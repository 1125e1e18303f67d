"""How the API server tells items of lists apart and which maps are one value: mappings/list-keys.yaml, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
import yaml

from migrate import bundled
from migrate.model.objects import MISSING

# The row of a field: {by, default, set, free, of}, as the head of the table explains. None: nothing is known of it.
Row = Mapping[str, Any] | None
PLAIN: Mapping[str, Any] = {}
# The root of a kind that the table does not have: only its metadata is known, which all kinds share.
CUSTOM: Mapping[str, Any] = {"of": ""}
_METADATA: Mapping[str, Any] = {"of": "meta.v1.ObjectMeta"}


@cache
def _table() -> Mapping[str, Any]:
    text = (bundled.folder("mappings") / "list-keys.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return found


def of_body(api_version: Any, kind: Any) -> Row:
    """Give the row of a whole object of exactly this version; None where the table does not have it."""
    name = _table()["kinds"].get(api_version, {}).get(kind, {}).get("of")
    return {"of": name} if name else None


@cache
def _by_group() -> Mapping[tuple[str, str], Row]:
    return {
        (version.rpartition("/")[0], kind): {"of": row["of"]}
        for version, rows in _table()["kinds"].items()
        for kind, row in rows.items()
    }


def of_kind(group: str, kind: str) -> Row:
    """Give the row of a whole object of the version that its group prefers; CUSTOM for a kind of nobody knows whom."""
    return _by_group().get((group, kind), CUSTOM)


def below(row: Row, name: str) -> Row:
    """The row of a field of a struct, or of a value under a free key."""
    if row is None:
        return None
    if row is CUSTOM:
        return _METADATA if name == "metadata" else None
    if row.get("free"):
        return {"of": row["of"]} if "of" in row else PLAIN
    if "fields" in row:  # of a custom kind, read from its schema
        told: Row = row["fields"].get(name)
        return told
    found: Mapping[str, Any] = _table()["types"].get(row.get("of"), {}).get(name, PLAIN)
    return found


def of_item(row: Row) -> Row:
    """The row of what is in a list: a struct of the row's type, or unknown."""
    if row is None:
        return None
    if "item" in row:
        told: Row = row["item"]
        return told
    return {"of": row["of"]} if "of" in row else PLAIN


def identity(item: Any, keys: Sequence[str], default: Mapping[str, Any]) -> Any:
    """What tells an item from others, as text, since 80, "80" and true are three; MISSING when it has no key."""
    if not isinstance(item, Mapping):
        return MISSING
    # A key of null is none: servers drop it.
    said = {key: item[key] for key in keys if item.get(key) is not None}
    found = {key: said.get(key, default.get(key)) for key in keys if key in said or key in default}
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS) if found else MISSING
