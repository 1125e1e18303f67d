"""labelSelector and fieldSelector."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from migrate.practice.refusal import bad, not_done

Test = Callable[[Mapping[str, Any]], bool]
_KEY = r"[A-Za-z0-9][-A-Za-z0-9_./]*"
_REQUIREMENT = re.compile(
    rf"\s*(?:(?P<absent>!)\s*(?P<gone>{_KEY})"
    rf"|(?P<key>{_KEY})\s*(?:(?P<sign>==|=|!=)\s*(?P<value>[-A-Za-z0-9_.]*)"
    rf"|(?P<word>in|notin)\s*\((?P<values>[^()]*)\)|))\s*(?:,|$)"
)
_FIELD = re.compile(r"(?P<key>[^=!,]+)(?P<sign>==|=|!=)(?P<value>[^=!,]*)(?:,|$)")


def by_labels(text: str) -> Test:
    """Read a label selector. Raises a 400 for one that cannot be parsed."""
    tests: list[Test] = []
    position = 0
    while position < len(text):
        found = _REQUIREMENT.match(text, position)
        if not found or found.end() == position:
            raise bad(f"unable to parse requirement: {text[position:]!r} is no part of a selector")
        tests.append(_requirement(found))
        position = found.end()
    return lambda labels: all(test(labels) for test in tests)


def _requirement(found: re.Match[str]) -> Test:
    if found["absent"]:
        return lambda labels: found["gone"] not in labels
    key = found["key"]
    if found["sign"] == "!=":
        return lambda labels: labels.get(key) != found["value"]
    if found["sign"]:
        return lambda labels: labels.get(key) == found["value"]
    if found["word"]:
        values = {value.strip() for value in found["values"].split(",")}
        inside = found["word"] == "in"
        # As in a real server, notin also holds where the key is absent.
        return lambda labels: (labels.get(key) in values) == inside if key in labels else not inside
    return lambda labels: key in labels


def by_fields(text: str) -> Test:
    """Read a field selector on metadata.name and metadata.namespace; other fields are answered with 501."""
    tests: list[tuple[str, str, bool]] = []
    position = 0
    while position < len(text):
        found = _FIELD.match(text, position)
        if not found:
            raise bad(f"invalid selector: '{text}'; can't understand '{text[position:]}'")
        if found["key"] not in ("metadata.name", "metadata.namespace"):
            raise not_done(f"field selector {found['key']}")
        tests.append((found["key"].removeprefix("metadata."), found["value"], found["sign"] != "!="))
        position = found.end()
    return lambda metadata: all((metadata.get(key, "") == value) == wanted for key, value, wanted in tests)


def selector(labels: str, fields: str) -> Test:
    """Join both into one test of an object's body."""
    label, field = by_labels(labels), by_fields(fields)
    return lambda body: field(body["metadata"]) and label(body["metadata"].get("labels") or {})
