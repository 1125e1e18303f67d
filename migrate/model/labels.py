"""Label selectors: kubectl's text form, and the form that objects hold. A selector is requirements that all hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?\Z")
_PREFIX = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")
_WORD = re.compile(r"\s*([^\s,()!=<>]*)\s*")
_SIGNS = (("==", "in"), ("!=", "notin"), ("=", "in"))


class BadLabels(ValueError):
    """A text that is no label selector; the message names the text and what is expected."""

    def __init__(self, text: str, expected: str) -> None:
        super().__init__(f"{text!r} is no label selector: {expected}")
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label. `operator` is in, notin, exists or absent; an odd one from an object never holds."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, Any]) -> bool:
        """Tell whether labels fulfil it. As on a server, notin also holds where the label is absent."""
        if self.operator == "in":
            return self.key in labels and labels[self.key] in self.values
        if self.operator == "notin":
            return self.key not in labels or labels[self.key] not in self.values
        if self.operator == "exists":
            return self.key in labels
        return self.operator == "absent" and self.key not in labels


Requirements = tuple[Requirement, ...]


def hold(requirements: Requirements, labels: Mapping[str, Any]) -> bool:
    """Tell whether labels fulfil every requirement."""
    return all(requirement.holds(labels) for requirement in requirements)


def parse_labels(text: str) -> Requirements:
    """Read what kubectl takes after -l: 'a=b,c!=d,e in (f,g),h notin (i),j,!k'. Raises BadLabels."""
    found: list[Requirement] = []
    rest = text.strip()
    while rest:
        requirement, rest = _one(rest, text)
        found.append(requirement)
        if rest.startswith(","):
            rest = rest[1:].lstrip()
            if not rest:
                raise _bad(text, "a condition after the last comma")
        elif rest:
            raise _bad(text, f"a comma before {rest!r}")
    return tuple(found)


def _one(rest: str, text: str) -> tuple[Requirement, str]:
    absent = rest.startswith("!")
    key, rest = _word(rest[1:] if absent else rest)
    _check_key(key, text)
    if absent:
        return Requirement(key, "absent"), rest
    for sign, operator in _SIGNS:
        if rest.startswith(sign):
            value, rest = _word(rest[len(sign) :])
            return Requirement(key, operator, frozenset((_check_value(value, text),))), rest
    if rest[:1] in ("<", ">"):
        raise _bad(text, "no comparison of numbers: use =, !=, in or notin")
    word, after = _word(rest)
    if not word:
        return Requirement(key, "exists"), rest
    if word not in ("in", "notin"):
        raise _bad(text, f"=, !=, in or notin after {key!r}, not {word!r}")
    inside, closed, after = after[1:].partition(")") if after.startswith("(") else ("", "", "")
    if not closed:
        raise _bad(text, f"a list in parentheses after {word!r}")
    values = frozenset(_check_value(value.strip(), text) for value in inside.split(","))
    return Requirement(key, word, values), after.lstrip()


def _word(text: str) -> tuple[str, str]:
    found = _WORD.match(text)
    assert found  # it matches the empty text, too
    return found[1], text[found.end() :]


def _check_key(key: str, text: str) -> None:
    prefix, slash, name = key.rpartition("/")
    if not _NAME.match(name) or (slash and not _PREFIX.match(prefix)):
        raise _bad(text, f"a label's name such as app or example.com/team, not {key!r}")


def _check_value(value: str, text: str) -> str:
    if value and not _NAME.match(value):
        raise _bad(text, f"a label's value of at most 63 letters, digits, '-', '_' and '.', not {value!r}")
    return value


def _bad(text: str, expected: str) -> BadLabels:
    return BadLabels(text, f"expected {expected}")


_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}


def of_map(selector: Any) -> Requirements:
    """The requirements of a plain map such as a Service's spec.selector; what is no text is left away."""
    pairs = selector.items() if isinstance(selector, Mapping) else ()
    return tuple(Requirement(k, "in", frozenset((v,))) for k, v in pairs if isinstance(k, str) and isinstance(v, str))


def of_selector(selector: Any) -> Requirements:
    """The requirements of a LabelSelector: matchLabels and matchExpressions."""
    if not isinstance(selector, Mapping):
        return ()
    found = list(of_map(selector.get("matchLabels")))
    expressions = selector.get("matchExpressions")
    for one in expressions if isinstance(expressions, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("key"), str):
            values = one.get("values")
            texts = frozenset(v for v in (values if isinstance(values, list) else ()) if isinstance(v, str))
            found.append(Requirement(one["key"], _OPERATORS.get(str(one.get("operator")), "odd"), texts))
    return tuple(found)
