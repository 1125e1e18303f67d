"""YAML with places: plain values, and for each key the line and column it stands at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from migrate.errors import BadDecisions

At = tuple[str | int, ...]
NOTHING_PLANNED = "Nothing was planned."


class _Loader(yaml.SafeLoader):
    """Reads true, false, null, plain numbers and text. A date, `yes`, `0755` or `1:30` stays the text that it is."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012  (types-PyYAML says so)


for _tag, _pattern, _first in (
    ("bool", r"(?:true|false)\Z", "tf"),
    ("null", r"(?:~|null|)\Z", ["~", "n", ""]),
    ("int", r"-?(?:0|[1-9][0-9]*)\Z", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))

_TAGS = frozenset(f"tag:yaml.org,2002:{tag}" for tag in ("bool", "null", "int", "float", "str", "seq", "map"))


@dataclass(frozen=True, slots=True)
class Spot:
    """A stretch of one line; line and column count from 1."""

    line: int
    column: int
    width: int = 1


@dataclass(slots=True)
class Source:
    """One file: its lines, its merged value, and the spots of its keys and values."""

    name: str
    lines: list[str]
    value: dict[str, Any] = field(default_factory=dict)
    keys: dict[At, Spot] = field(default_factory=dict)
    values: dict[At, Spot] = field(default_factory=dict)

    def where(self, at: At) -> str:
        """`file:line` of a key."""
        spot = self.keys.get(at) or self.values.get(at) or Spot(1, 1)
        return f"{self.name}:{spot.line}"

    def show(self, spot: Spot, hint: str = "") -> tuple[str, ...]:
        """The source line, and a caret line with the hint."""
        line = self.lines[spot.line - 1] if spot.line <= len(self.lines) else ""
        lead = re.sub(r"[^\t]", " ", line[: spot.column - 1])
        caret = f"      | {lead}{'^' * spot.width} {hint}".rstrip()
        return (f"{spot.line:5d} | {line}".rstrip(), caret)

    def error(self, spot: Spot, what: str, hint: str, next: str) -> BadDecisions:
        """Build the error for one place."""
        place = f"{self.name}:{spot.line}:{spot.column}"
        return BadDecisions(f"{place}: {what}", f"{next} {NOTHING_PLANNED}", self.show(spot, hint))

    def twice(self, at: At, spot: Spot) -> BadDecisions:
        """Build the error for something said twice; names both lines."""
        first = self.keys[at]
        details = (*self.show(first, "here first"), *self.show(spot, "and here again"))
        what = f"{self.name}:{spot.line}:{spot.column}: {dotted(at)!r} is already said in line {first.line}"
        return BadDecisions(what, f"keep one of the two. {NOTHING_PLANNED}", details)


def dotted(at: At) -> str:
    """`identity.mode`; list positions are counted from 1 as people do."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in at)


def read(text: str, name: str) -> Source:
    """Read every document of `text` and merge them key by key. Raises BadDecisions."""
    source = Source(name, text.splitlines())
    try:
        for node in _documents(text, source):
            if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
                continue
            if not isinstance(node, yaml.MappingNode):
                raise source.error(_spot(node), "expected keys with values", "this is no key", "write `key: value`.")
            _take(source, node, (), source.value)
    except yaml.MarkedYAMLError as bad:
        mark = bad.problem_mark or bad.context_mark
        spot = Spot(mark.line + 1, mark.column + 1) if mark else Spot(1, 1)
        raise source.error(spot, "not YAML", str(bad.problem or bad.context or ""), "correct the line.") from None
    except yaml.reader.ReaderError as bad:
        line = text.count("\n", 0, bad.position) + 1
        column = bad.position - (text.rfind("\n", 0, bad.position) + 1) + 1
        spot = Spot(line, column)
        raise source.error(spot, "not YAML", "a character that YAML does not allow", "remove it.") from None
    except RecursionError:
        raise source.error(Spot(1, 1), "nested too deeply", "", "write it flatter.") from None
    return source


def _documents(text: str, source: Source) -> list[yaml.Node]:
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            mark = event.start_mark
            spot = Spot(mark.line + 1, mark.column + 1) if mark else Spot(1, 1)
            raise source.error(spot, "an alias is not read here", "points to another place", "write the value out.")
    return list(yaml.compose_all(text, Loader=_Loader))


def _spot(node: yaml.Node) -> Spot:
    start, end = node.start_mark, node.end_mark
    if start is None or end is None:
        return Spot(1, 1)
    width = end.column - start.column if end.line == start.line else 1
    return Spot(start.line + 1, start.column + 1, max(width, 1))


def _take(source: Source, node: yaml.Node, at: At, into: Any) -> Any:
    source.values.setdefault(at, _spot(node))
    if node.tag not in _TAGS:
        raise source.error(_spot(node), f"unknown tag {node.tag!r}", "", "write a plain value.")
    if isinstance(node, yaml.MappingNode):
        return _take_mapping(source, node, at, into if isinstance(into, dict) else {})
    if isinstance(node, yaml.SequenceNode):
        found: list[Any] = into if isinstance(into, list) else []
        for item in node.value:
            found.append(_take(source, item, (*at, len(found)), None))
        return found
    return _scalar(node)


def _take_mapping(source: Source, node: yaml.MappingNode, at: At, into: dict[str, Any]) -> dict[str, Any]:
    here: set[str] = set()
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise source.error(_spot(key_node), "a key must be text", "", "write the key as text.")
        key = str(key_node.value)
        below = (*at, key)
        before = into.get(key)
        both_open = (isinstance(before, dict) and isinstance(value_node, yaml.MappingNode)) or (
            isinstance(before, list) and isinstance(value_node, yaml.SequenceNode)
        )
        # A key without a value says nothing: an appended file of open answers often leaves one.
        if key in here or (before is not None and not _is_nothing(value_node) and not both_open):
            raise source.twice(below, _spot(key_node))
        here.add(key)
        if before is not None and _is_nothing(value_node):
            continue
        source.keys.setdefault(below, _spot(key_node))
        into[key] = _take(source, value_node, below, before)
    return into


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int" if re.fullmatch(r"-?[0-9]{1,18}", text):
            return int(text)
        case "float" if re.fullmatch(r"-?[0-9]+\.[0-9]+", text):
            return float(text)
    return text


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
