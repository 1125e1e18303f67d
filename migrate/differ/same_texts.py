"""One spelling for texts with a form of their own: JSON and YAML documents, and the lists of AWS' annotations.

A whole JSON object or list is read as such in any annotation and any file of a ConfigMap: programs read the document,
not its bytes. YAML only in files called so and in annotations that are known to hold it, for almost every text is YAML.
Where a YAML 1.1 and a 1.2 reader, or two readers of JSON, could disagree, the text stays text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from decimal import Decimal
from typing import Any

import yaml

from migrate.differ.same_places import words
from migrate.manifest.text.composing import PLAIN, QUOTED, Loader, check_depth
from migrate.manifest.text.refusal import Refused
from migrate.manifest.text.scalars import resolve

_YAML_FILES = (".yaml", ".yml")
_YAML_NOTES = frozenset({"proxy.istio.io/config"})
_LBC = ("service.beta.kubernetes.io/aws-load-balancer-", "alb.ingress.kubernetes.io/")
# What the AWS load balancer controller reads as name=value pairs, and as sets.
_PAIRS = words(
    "tags load-balancer-attributes target-group-attributes attributes additional-resource-tags target-node-labels"
)
_SETS = words("security-groups extra-security-groups inbound-cidrs source-ranges")
# More than that is compared as text: a ConfigMap has a megabyte, and a diff has many.
_LARGEST = 262_144
# Times, dates and numbers of base 60: text to some readers.
_ODD = re.compile(r"[-+]?[0-9][0-9_:.eETtZ +-]*\Z")
_DEEPEST = 100


class _Twice(ValueError):
    """A key stands twice in an object: readers differ in which one counts."""


def note(name: str, text: str) -> Hashable | None:
    """The form of an annotation's value; None when it is plain text."""
    for prefix in _LBC:
        if name.startswith(prefix):
            found = _listed(name.removeprefix(prefix), text)
            if found is not None:
                return found
    return json_document(text) or (yaml_documents(text) if name in _YAML_NOTES else None)


def data(name: str, text: str) -> Hashable | None:
    """The form of a ConfigMap's file; None when it is plain text."""
    return (yaml_documents(text) if name.endswith(_YAML_FILES) else None) or json_document(text)


def _listed(name: str, text: str) -> Hashable | None:
    items = [item.strip() for item in text.split(",") if item.strip()]
    if name in _SETS:
        return ("aws set", frozenset(items))
    pairs = [tuple(part.strip() for part in item.split("=", 1)) for item in items]
    if name not in _PAIRS or any(len(pair) != 2 for pair in pairs) or len({pair[0] for pair in pairs}) < len(pairs):
        return None
    return ("aws pairs", frozenset(pairs))


def json_document(text: str) -> Hashable | None:
    """The form of a text that is one JSON object or list, whole; None for anything else."""
    bare = text.strip(" \t\r\n")
    if len(text) > _LARGEST or bare[:1] + bare[-1:] not in ("{}", "[]"):
        return None
    try:
        found = json.loads(bare, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_once)
        return ("json", _json_form(found, 0))
    except (ValueError, RecursionError, ArithmeticError):
        return None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice
    return found


def _json_form(value: Any, depth: int) -> Hashable:
    if depth > _DEEPEST:
        raise _Twice
    if isinstance(value, dict):
        return ("{}", frozenset((key, _json_form(inner, depth + 1)) for key, inner in value.items()))
    if isinstance(value, list):
        return ("[]", tuple(_json_form(inner, depth + 1) for inner in value))
    return (type(value).__name__, value)


def yaml_documents(text: str) -> Hashable | None:
    """The form of a stream of YAML documents that hold maps or lists; None when it is none, or has aliases or tags."""
    if len(text) > _LARGEST:
        return None
    try:
        check_depth(text)
        nodes = list(_nodes(text))
        forms = tuple(_yaml_form(node, set(), 0) for node in nodes)
    except (yaml.YAMLError, Refused, ValueError, RecursionError):
        return None
    if not nodes or any(isinstance(node, yaml.ScalarNode) for node in nodes):
        return None
    return ("yaml", forms)


def _nodes(text: str) -> Any:
    loader = Loader(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    finally:
        loader.dispose()


def _yaml_form(node: Any, seen: set[int], depth: int) -> Hashable:
    if id(node) in seen or depth > _DEEPEST:
        raise _Twice  # an alias: written out it may be without end
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if node.tag not in ("map", "seq"):
        raise _Twice
    if isinstance(node, yaml.SequenceNode):
        return ("[]", tuple(_yaml_form(inner, seen, depth + 1) for inner in node.value))
    pairs = [(_yaml_form(key, seen, depth + 1), _yaml_form(value, seen, depth + 1)) for key, value in node.value]
    if len({key for key, _ in pairs}) < len(pairs) or any(key == ("str", "<<") for key, _ in pairs):
        raise _Twice
    return ("{}", frozenset(pairs))


def _scalar(node: Any) -> Hashable:
    if node.tag == QUOTED:
        return ("str", node.value)
    if node.tag != PLAIN:
        raise _Twice
    # A bare word that every reader takes for text is that text; others (yes, 1e3, 0o7, 12:30) must be the same word.
    text = isinstance(resolve(node.value), str) and not _ODD.match(node.value)
    return ("str" if text else "bare", node.value)
