"""An object against the schema of its CustomResourceDefinition, without a server: what a strict one would refuse.

Structural schemas as Kubernetes reads them: unknown fields are faults, defaults are filled in before anything is
required, null is dropped where a default takes its place. What is not done is said: rules in CEL, and patterns that
Python does not understand (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from migrate.model.objects import Body

_ROOT = frozenset({"apiVersion", "kind", "metadata"})
_PRESERVE, _INT_OR_STRING = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"
_EMBEDDED, _RULES = "x-kubernetes-embedded-resource", "x-kubernetes-validations"
_LIST_TYPE, _LIST_KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"
_MOST = 20  # faults that are told of one object
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _number(value) and float(value).is_integer(),
    "number": lambda value: _number(value),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A field, and what is wrong with it; never its value."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(slots=True)
class Judged:
    """`faults` a server would refuse it for, `dropped` are fields that it would take and not store (tried), `unchecked`
    is what nobody looked at, each once."""

    faults: list[Fault] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def fault(self, place: str, message: str) -> None:
        if len(self.faults) < _MOST:
            self.faults.append(Fault(place or "the object", message))

    def skip(self, what: str) -> None:
        if what not in self.unchecked:
            self.unchecked.append(what)


def schema_of(definition: Body, version: str) -> Mapping[str, Any] | None:
    """The openAPIV3Schema of a version that is served; None: it has none."""
    versions = _map(definition.get("spec")).get("versions")
    for one in versions if isinstance(versions, list) else ():
        if _map(one).get("name") == version:
            schema = _map(_map(one).get("schema")).get("openAPIV3Schema")
            return schema if isinstance(schema, Mapping) else None
    return None


def judge(body: Body, schema: Mapping[str, Any]) -> Judged:
    """Hold an object against the schema of its version. Its metadata is the server's own matter."""
    found = Judged()
    _value(dict(body), schema, "", found, root=True)
    return found


def _value(value: Any, schema: Mapping[str, Any], place: str, found: Judged, *, root: bool = False) -> None:
    if _RULES in schema:
        found.skip("rules in CEL")
    if not schema:
        return
    if value is None:
        if not schema.get("nullable"):
            found.fault(place, f"null, and must be {_called(schema)}")
        return
    if not _typed(value, schema):
        found.fault(place, f"must be {_called(schema)}")
        return
    _limits(value, schema, place, found)
    if isinstance(value, Mapping):
        _object(value, schema, place, found, root=root or schema.get(_EMBEDDED) is True)
    elif isinstance(value, list):
        _array(value, schema, place, found)
    _junctors(value, schema, place, found)


def _typed(value: Any, schema: Mapping[str, Any]) -> bool:
    if schema.get(_INT_OR_STRING):
        return isinstance(value, str) or _TYPES["integer"](value)
    check = _TYPES.get(str(schema.get("type") or ""))
    return check is None or check(value)


def _called(schema: Mapping[str, Any]) -> str:
    return "an integer or a string" if schema.get(_INT_OR_STRING) else f"of type {schema.get('type') or 'something'}"


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], place: str, found: Judged, *, root: bool) -> None:
    properties, more = _map(schema.get("properties")), schema.get("additionalProperties")
    free = bool(schema.get(_PRESERVE)) or more is True
    filled = dict(value)
    for name, sub in properties.items():
        sub = _map(sub)
        if "default" in sub and (name not in filled or (filled[name] is None and not sub.get("nullable"))):
            filled[name] = sub["default"]
    for name in schema.get("required") or ():
        if name not in filled:
            found.fault(_below(place, str(name)), "is required")
    for name, item in filled.items():
        here = _below(place, str(name))
        if root and name in _ROOT and (name == "metadata" or name not in properties):
            continue
        if name in properties:
            _value(item, _map(properties[name]), here, found)
        elif isinstance(more, Mapping):
            _value(item, more, here, found)
        elif not free and properties:
            found.fault(here, "unknown field")
        elif not free:
            found.dropped.append(here)
    _bounds(len(value), schema, ("minProperties", "maxProperties"), "entries", place, found)


def _array(value: list[Any], schema: Mapping[str, Any], place: str, found: Judged) -> None:
    items = schema.get("items")
    for at, item in enumerate(value if isinstance(items, Mapping) else ()):
        _value(item, _map(items), f"{place}[{at}]", found)
    _bounds(len(value), schema, ("minItems", "maxItems"), "items", place, found)
    keys: list[Any] = []
    if schema.get(_LIST_TYPE) == "set":
        keys = list(value)
    elif schema.get(_LIST_TYPE) == "map":
        of = _map(_map(items).get("properties"))
        keys = [
            [_map(item).get(name, _map(of.get(name)).get("default")) for name in schema.get(_LIST_KEYS) or ()]
            for item in value
        ]
    if any(key in keys[:at] for at, key in enumerate(keys)):
        found.fault(place, "has an item twice")


def _limits(value: Any, schema: Mapping[str, Any], place: str, found: Judged) -> None:
    allowed = schema.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        found.fault(place, f"must be one of {', '.join(str(one) for one in allowed)}")
    if isinstance(value, str):
        _bounds(len(value), schema, ("minLength", "maxLength"), "characters", place, found)
        _pattern(value, schema.get("pattern"), place, found)
    elif _number(value):
        _range(value, schema, place, found)


def _range(value: Any, schema: Mapping[str, Any], place: str, found: Judged) -> None:
    least, most, step = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf")
    if _number(least) and (value < least or (value == least and schema.get("exclusiveMinimum"))):
        found.fault(place, f"must be {'more than' if schema.get('exclusiveMinimum') else 'at least'} {least}")
    if _number(most) and (value > most or (value == most and schema.get("exclusiveMaximum"))):
        found.fault(place, f"must be {'less than' if schema.get('exclusiveMaximum') else 'at most'} {most}")
    if _number(step) and step and value % step:
        found.fault(place, f"must be a multiple of {step}")


def _bounds(size: int, schema: Mapping[str, Any], names: tuple[str, str], what: str, place: str, found: Judged) -> None:
    least, most = schema.get(names[0]), schema.get(names[1])
    if _number(least) and size < least:
        found.fault(place, f"must have at least {least} {what}")
    if _number(most) and size > most:
        found.fault(place, f"must have at most {most} {what}")


def _pattern(value: str, pattern: Any, place: str, found: Judged) -> None:
    if not isinstance(pattern, str) or not pattern:
        return
    # In Go a $ is the very end; in Python it may stand before a last line end, too.
    python = re.sub(r"(?<!\\)\$(?=$|\)|\|)", r"\\Z", pattern)
    try:
        fits = re.search(python, value) is not None
    except re.error:
        found.skip(f"the pattern of {place}")
        return
    if not fits:
        found.fault(place, f"must match {pattern}")


def _junctors(value: Any, schema: Mapping[str, Any], place: str, found: Judged) -> None:
    """allOf and the like only say more about fields that the schema names: within them nothing is unknown."""

    def fits(one: Any) -> Judged:
        inner = Judged()
        _value(value, _open(_map(one)), place, inner)
        return inner

    for one in schema.get("allOf") or ():
        for fault in fits(one).faults:
            found.fault(fault.field, fault.message)
    for name in ("anyOf", "oneOf"):
        options = schema.get(name)
        if not isinstance(options, list) or not options:
            continue
        fitting = sum(1 for one in options if not fits(one).faults)
        if not fitting or (name == "oneOf" and fitting > 1):
            found.fault(place, f"fits {fitting or 'none'} of the {len(options)} forms that it may have")
    if isinstance(schema.get("not"), Mapping) and not fits(schema["not"]).faults:
        found.fault(place, "has a form that is not allowed")


def _open(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = {name: _open(_map(sub)) for name, sub in _map(schema.get("properties")).items()}
    items = {"items": _open(_map(schema["items"]))} if isinstance(schema.get("items"), Mapping) else {}
    return {_PRESERVE: True, **schema, **({"properties": properties} if properties else {}), **items}


def _below(place: str, name: str) -> str:
    shown = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'["{name}"]'
    return f"{place}{shown}" if shown.startswith("[") else f"{place}.{shown}" if place else shown


def _number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
