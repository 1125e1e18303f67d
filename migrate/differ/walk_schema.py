"""The merge keys of custom kinds, from the schemas of their definitions: rows as mappings/list-keys.yaml has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.manifest.list_keys import CUSTOM, Row, below, of_kind
from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref

_DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
_SCHEMA = P("schema", "openAPIV3Schema")
_TYPE, _KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"


class Schemas:
    """The definitions that a target has, and those of a plan where it has none. Each kind is read when it is asked for.

    What its schema does not say (list type atomic, or none) is left to the walk, which goes by names.
    """

    def __init__(self, target: Mapping[Ref, Body], planned: Mapping[Ref, Body]) -> None:
        self._rows: dict[tuple[str, str, str], Row] = {}
        self._definitions: dict[tuple[str, str], Body] = {}
        for objects in (target, planned):
            for ref, body in objects.items():
                if (ref.group, ref.kind) == _DEFINITION:
                    named = str(get(body, P("spec", "group"))), str(get(body, P("spec", "names", "kind")))
                    self._definitions.setdefault(named, body)

    def row(self, group: str, kind: str, version: str) -> Row:
        """Give the row of a whole object, as list_keys.of_kind does. `version` is 'v1', without the group."""
        known = of_kind(group, kind)
        if known is not CUSTOM or (group, kind) not in self._definitions:
            return known
        asked = (group, kind, version)
        if asked not in self._rows:
            self._rows[asked] = self._read(self._definitions[group, kind], version)
        return self._rows[asked]

    def _read(self, definition: Body, version: str) -> Row:
        versions = get(definition, P("spec", "versions"))
        for one in versions if isinstance(versions, list) else ():
            if isinstance(one, Mapping) and one.get("name") == version:
                found = _row(get(one, _SCHEMA)) or {"fields": {}}
                return {"fields": {**found.get("fields", {}), "metadata": below(CUSTOM, "metadata")}}
        return CUSTOM


def _row(schema: Any) -> Row:
    """What a schema says of the lists in it; None where it says nothing."""
    if not isinstance(schema, Mapping):
        return None
    if schema.get("type") == "array":
        return _list(schema)
    found = schema.get("properties")
    fields = {name: row for name, one in found.items() if (row := _row(one))} if isinstance(found, Mapping) else {}
    return {"fields": fields} if fields else None


def _list(schema: Mapping[str, Any]) -> Row:
    if schema.get(_TYPE) == "set":
        return {"set": True}
    keys, items = schema.get(_KEYS), schema.get("items")
    if schema.get(_TYPE) != "map" or not keys or not isinstance(items, Mapping):
        return None
    said = items.get("properties") or {}
    default = {key: said[key]["default"] for key in keys if "default" in said.get(key, {})}
    return {"by": keys, "default": default, "item": _row(items)}
