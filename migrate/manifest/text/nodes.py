"""Reading: nodes to values."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any, Final

import yaml

from migrate.manifest.text.composing import PLAIN, QUOTED
from migrate.manifest.text.document import MAX_DEPTH
from migrate.manifest.text.refusal import Refused
from migrate.manifest.text.scalars import INT64, MAY_RESOLVE, float_key, narrow, resolve

_TAG: Final = "tag:yaml.org,2002:"
_COLLECTION_TAGS: Final = frozenset(_TAG + name for name in ("map", "set", "seq", "omap", "pairs"))


class Builder:
    """Turns a node tree into plain values within a budget, so that aliases cannot explode."""

    def __init__(self, budget: int) -> None:
        """Start with the number of values this document may hold."""
        self.budget = budget
        self.duplicate: Refused | None = None

    def build(self, node: Any, depth: int = 0) -> Any:
        """The value of one node; an aliased node is built anew, so no two places share an object."""
        self.budget -= 1
        if self.budget < 0:
            raise Refused(node.start_mark, "aliases multiply this document beyond a million values", "alias")
        kind = type(node)
        if kind is yaml.ScalarNode:
            return self._scalar(node)
        if depth >= MAX_DEPTH:  # plain nesting was measured before, so only aliases can lead here
            message = f"an alias contains itself, or aliases nest more than {MAX_DEPTH} levels deep"
            raise Refused(node.start_mark, message, "alias")
        if len(node.tag) > 3 and node.tag not in _COLLECTION_TAGS:
            raise Refused(node.start_mark, f"the tag {_spell(node.tag)} is not allowed in a manifest", "tag")
        if kind is yaml.SequenceNode:
            return [self.build(item, depth + 1) for item in node.value]
        return self._mapping(node, depth + 1)

    def _scalar(self, node: Any) -> Any:
        """A scalar as kubectl's JSON would hold it."""
        tag, text = node.tag, node.value
        if tag == QUOTED or (tag == PLAIN and text and text[0] not in MAY_RESOLVE):
            return text
        value = resolve(text) if tag == PLAIN else _tagged(node)
        if type(value) is float or type(value) is int:
            if not math.isfinite(value):
                raise Refused(node.start_mark, f"'{text}' is a number that JSON cannot hold; quote it", "yaml")
            return narrow(value)
        return value

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:
        """A mapping with keys as text; merges write over earlier keys, as they do in kubectl."""
        found: dict[str, Any] = {}
        merged: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.value == "<<" and key_node.tag in (PLAIN, _TAG + "merge"):
                for source in _merge_sources(value_node):
                    part = self.build(source, depth)
                    found.update(part)
                    merged.update(part)
                continue
            key = _key(key_node)
            if key in found and key not in merged and self.duplicate is None:
                self.duplicate = Refused(key_node.start_mark, f"the key '{key}' is given twice", "duplicate")
            merged.discard(key)
            found[key] = self.build(value_node, depth)
        return found


def _spell(tag: str) -> str:
    """A tag as its author wrote it."""
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _merge_sources(node: Any) -> list[Any]:
    """The mappings behind '<<', least important first."""
    nodes = list(reversed(node.value)) if type(node) is yaml.SequenceNode else [node]
    for source in nodes:
        if type(source) is not yaml.MappingNode:
            raise Refused(source.start_mark, "'<<' needs a mapping or a list of mappings", "yaml")
    return nodes


def _key(node: Any) -> str:
    """A mapping key as text, spelled as kubectl spells it."""
    if type(node) is not yaml.ScalarNode:
        raise Refused(node.start_mark, "a list or mapping cannot be a key", "yaml")
    tag, text = node.tag, node.value
    if tag == QUOTED:
        return str(text)
    value = resolve(text) if tag == PLAIN else _tagged(node)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in INT64:
        return str(value)
    if isinstance(value, float):
        return float_key(value)
    raise Refused(node.start_mark, f"'{text}' cannot be a key; quote it", "yaml")


def _tagged(node: Any) -> Any:
    """A scalar with a written tag; only YAML's own plain tags are obeyed, nothing is ever constructed."""
    name, text = node.tag.removeprefix(_TAG), node.value
    if name == "str" or name == "timestamp":
        return text
    if name == "binary":
        return _binary(node)
    reader = _TAGGED.get(name)
    if reader is None:
        raise Refused(node.start_mark, f"the tag {_spell(node.tag)} is not allowed in a manifest", "tag")
    value = resolve(text)
    if not reader(value):
        raise Refused(node.start_mark, f"'{text}' cannot be read as {_spell(node.tag)}", "tag")
    return float(value) if name == "float" else value


_TAGGED: Final[dict[str, Callable[[Any], bool]]] = {
    "int": lambda value: type(value) is int,
    "float": lambda value: type(value) in (int, float),
    "bool": lambda value: type(value) is bool,
    "null": lambda value: value is None,
}


def _binary(node: Any) -> str:
    """The text behind !!binary; bytes that are no text become U+FFFD, as in kubectl's JSON."""
    try:
        return base64.b64decode(re.sub(r"[\r\n]", "", node.value), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise Refused(node.start_mark, "the value of !!binary is not base64", "tag") from None
