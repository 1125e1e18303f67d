"""How server-side apply sees a kind: which lists are keyed or sets, which maps are one value, which have free keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from migrate import bundled


@dataclass(eq=False, slots=True)
class Shape:
    """The shape of one value. Fields that are not listed are plain; a plain list is one value, a plain map a struct."""

    fields: dict[str, Shape] = field(default_factory=dict)
    rest: Shape | None = None  # what other keys hold; None: plain, or the same again when untyped
    named: bool = True  # other keys are fields of a struct; False: free keys, as in labels
    whole: bool = False  # a map that is one value
    keys: tuple[str, ...] = ()  # a list of maps that these fields tell apart
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of those key fields
    is_set: bool = False  # a list of scalars without order
    of: Shape | None = None  # what the list holds

    def child(self, key: str) -> Shape:
        return self.fields.get(key) or self.rest or PLAIN

    def is_field(self, key: str) -> bool:
        return self.named or key in self.fields

    def tidy(self, value: Any) -> Any:
        """Leave out what typed objects cannot hold: nulls, and maps of free keys and keyed lists that are empty."""
        if isinstance(value, dict) and not self.whole:
            kept = ((key, self.child(key), inner) for key, inner in value.items())
            return {key: shape.tidy(inner) for key, shape, inner in kept if not (self.named and shape.empties(inner))}
        return [self.item.tidy(item) for item in value] if isinstance(value, list) and self.keys else value

    def empties(self, value: Any) -> bool:
        return value is None or (value == {} and not self.named) or (value == [] and self.associative)

    @property
    def item(self) -> Shape:
        return self.of or PLAIN

    @property
    def associative(self) -> bool:
        return self.is_set or bool(self.keys)

    def element(self, item: Any) -> str:
        """Name a list item as managedFields does: 'k:{"name":"a"}' or 'v:"x"'. Raises ValueError when it cannot be."""
        if self.is_set:
            if item is None or isinstance(item, dict | list):
                raise ValueError("associative list without keys has an element that is no scalar")
            return "v:" + compact(item)
        if not isinstance(item, dict):
            raise ValueError("associative list with keys may not have non-map elements")
        found = {key: item.get(key, self.defaults.get(key)) for key in self.keys if key in item or key in self.defaults}
        if not found:
            raise ValueError("associative list with keys has an element that omits all key fields")
        return "k:" + compact(found)


PLAIN = Shape()
UNTYPED = Shape(named=False)
UNTYPED.rest = UNTYPED
_FREE = Shape(named=False, rest=PLAIN)


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


@cache
def table() -> Mapping[str, Any]:
    """mappings/list-keys.yaml as it stands: version, kinds, unserved, types."""
    found = yaml.load((bundled.folder("mappings") / "list-keys.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    assert isinstance(found, dict)
    return found


@cache
def typed(name: str) -> Shape:
    """The shape of a type of the table; a type that it does not name is plain."""
    return _typed(name, {})


def _typed(name: str, made: dict[str, Shape]) -> Shape:
    if name not in made:
        if name == "whole":
            return Shape(whole=True)
        made[name] = shape = Shape()
        for key, row in table()["types"].get(name, {}).items():
            shape.fields[key] = _row(row, made)
    return made[name]


def _row(row: Mapping[str, Any], made: dict[str, Shape]) -> Shape:
    inner = _typed(row["of"], made) if "of" in row else PLAIN
    if row.get("set"):
        return Shape(is_set=True)
    if "by" in row:
        return Shape(keys=tuple(row["by"]), defaults=row.get("default", {}), of=inner)
    return Shape(named=False, rest=inner) if row.get("free") else inner


def custom(schema: Any) -> Shape:
    """The shape of a custom kind, from the openAPIV3Schema of its CustomResourceDefinition."""
    shape = _schema(schema if isinstance(schema, dict) else {"x-kubernetes-preserve-unknown-fields": True})
    fields = {**shape.fields, "apiVersion": PLAIN, "kind": PLAIN, "metadata": typed("meta.v1.ObjectMeta")}
    return Shape(fields=fields, rest=shape.rest, named=shape.named)


def _schema(schema: Any) -> Shape:
    if not isinstance(schema, dict):
        return PLAIN
    if schema.get("type") == "array":
        items, kind = schema.get("items"), schema.get("x-kubernetes-list-type")
        if kind == "map":
            properties = items.get("properties", {}) if isinstance(items, dict) else {}
            keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
            defaults = {key: properties[key]["default"] for key in keys if "default" in properties.get(key, {})}
            return Shape(keys=keys, defaults=defaults, of=_schema(items))
        return Shape(is_set=kind == "set")
    if schema.get("x-kubernetes-map-type") == "atomic":
        return Shape(whole=True)
    fields = {key: _schema(inner) for key, inner in (schema.get("properties") or {}).items()}
    if isinstance(schema.get("additionalProperties"), dict):
        return Shape(fields=fields, named=False, rest=_schema(schema["additionalProperties"]))
    loose = schema.get("x-kubernetes-preserve-unknown-fields") or (schema.get("type") == "object" and not fields)
    return Shape(fields=fields, named=False, rest=UNTYPED) if loose else Shape(fields=fields)
