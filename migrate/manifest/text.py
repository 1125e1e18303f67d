"""YAML text in and out, with kubectl's meaning: the only place that reads or writes YAML."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Literal

import orjson
import yaml

Kind = Literal["yaml", "helm", "deep", "alias", "tag", "duplicate"]

MAX_DEPTH: Final = 200  # nesting levels; the deepest real CRD schemas stay under 60
MAX_NODES: Final = 1_000_000  # values after aliases are written out; a document's own length may raise this


@dataclass(frozen=True, slots=True)
class ParseError:
    """Why a document could not be read as it stands; line and column count from 1."""

    line: int
    column: int
    message: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text; with kind 'duplicate' the body is kept too, as kubectl reads it (last one wins)."""

    body: Any
    line: int
    error: ParseError | None = None


# --- scalars, as go-yaml v2 (kubectl) resolves them ---------------------------------------------------------------

_WORDS: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_MAY_RESOLVE: Final = frozenset("yYnNtTfFoO~.+-0123456789")
_INT: Final = re.compile(r"[-+]?(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_LOOSE_UNDERSCORE: Final = re.compile(r"(?<![0-9])_|_(?![0-9])")
_INT64: Final = range(-(2**63), 2**63)
_UINT64: Final = 2**64
_BASES: Final = (16, 2, 8, 10)


def _integer(plain: str) -> int | None:
    """Go's ParseInt with base 0, then ParseUint; None where neither takes it."""
    match = _INT.fullmatch(plain)
    if match is None or len(plain) > 70:
        return None
    number = next(int(digits, base) for digits, base in zip(match.groups(), _BASES, strict=True) if digits)
    if plain[0] == "-":
        number = -number
    # ParseUint takes no sign, so a signed number must fit 64 bits with its sign.
    fits = number in _INT64 or (number < _UINT64 and plain[0].isdigit() and number > 0)
    return number if fits else None


def _float(plain: str) -> float | None:
    """A decimal float that fits; None otherwise, so that it stays text as in go-yaml."""
    if _FLOAT.fullmatch(plain) is None:
        return None
    number = float(plain)
    return None if math.isinf(number) else number


def _resolve(text: str) -> Any:
    """The value of a bare scalar, before JSON narrows its type."""
    if text and text[0] not in _MAY_RESOLVE:
        return text
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first in "yYnNtTfFoO~":
        return text
    if first == "." and _LOOSE_UNDERSCORE.search(text):  # after a point Go itself parses, and it is stricter
        return text
    plain = text.replace("_", "")
    if not plain:
        return text
    whole = _integer(plain)
    if whole is not None:
        return whole
    number: float | None = _float(plain)
    return text if number is None else number


def _narrow(number: int | float) -> int | float:
    """What is left of a number after kubectl's way through JSON: int64 where whole, else a float."""
    if isinstance(number, int):
        return number if number in _INT64 else float(number)
    if number.is_integer() and abs(number) < 1e21:
        whole = int(Decimal(repr(number)))  # Go writes the shortest digits that mean this float, then reads those
        return whole if whole in _INT64 else number
    return number


def _go_float32(number: float) -> str:
    """A float as a map key: kubectl prints it with Go's %g and 32 bits."""
    if math.isnan(number):
        return ".nan"
    try:
        packed = struct.pack("f", number)
    except OverflowError:
        packed = struct.pack("f", math.copysign(math.inf, number))
    (single,) = struct.unpack("f", packed)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    forms = (f"{single:.{digits}e}" for digits in range(9))
    shortest = next(form for form in forms if struct.pack("f", float(form)) == packed)
    exponent = int(shortest.partition("e")[2])
    # Go's %g keeps six digits before the point and four zeros after it without an exponent.
    return f"{Decimal(shortest):f}" if -4 <= exponent < 6 else shortest


# --- reading: nodes to values -------------------------------------------------------------------------------------

_TAG: Final = "tag:yaml.org,2002:"
_PLAIN, _QUOTED, _MAP, _SEQ = "?", "!", "map", "seq"
_COLLECTION_TAGS: Final = frozenset(_TAG + name for name in ("map", "set", "seq", "omap", "pairs"))
_HELM: Final = re.compile(r"""^[^"'#\n]*\{\{""", re.MULTILINE)


class _Refused(Exception):
    """A document this module will not read, with the place and the reason."""

    def __init__(self, mark: Any, message: str, kind: Kind) -> None:
        """Keep the zero-based place of the YAML library."""
        super().__init__(message)
        self.line: int = mark.line if mark is not None else 0
        self.column: int = mark.column if mark is not None else 0
        self.message = message
        self.kind: Kind = kind


class _Loader(yaml.CSafeLoader):
    """The C parser without PyYAML's own idea of what a bare word means."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Only note how a node was written; the meaning is decided in _Builder."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return _MAP if kind is yaml.MappingNode else _SEQ


class _PatientLoader(yaml.composer.Composer, _Loader):
    """The slower composer, for texts that use an anchor's name again: allowed, but the C one refuses it."""

    def __init__(self, stream: str) -> None:
        """Set up the C parser and the Python composer above it."""
        _Loader.__init__(self, stream)
        yaml.composer.Composer.__init__(self)

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Forget an anchor that is about to be set anew."""
        event: Any = self.peek_event()
        if type(event) is not yaml.AliasEvent:
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


class _Builder:
    """Turns a node tree into plain values within a budget, so that aliases cannot explode."""

    def __init__(self, budget: int) -> None:
        """Start with the number of values this document may hold."""
        self.budget = budget
        self.duplicate: _Refused | None = None

    def build(self, node: Any, depth: int = 0) -> Any:
        """The value of one node; an aliased node is built anew, so no two places share an object."""
        self.budget -= 1
        if self.budget < 0:
            raise _Refused(node.start_mark, "aliases multiply this document beyond a million values", "alias")
        kind = type(node)
        if kind is yaml.ScalarNode:
            return self._scalar(node)
        if depth >= MAX_DEPTH:  # plain nesting was measured before, so only aliases can lead here
            message = f"an alias contains itself, or aliases nest more than {MAX_DEPTH} levels deep"
            raise _Refused(node.start_mark, message, "alias")
        if len(node.tag) > 3 and node.tag not in _COLLECTION_TAGS:
            raise _Refused(node.start_mark, f"the tag {_spell(node.tag)} is not allowed in a manifest", "tag")
        if kind is yaml.SequenceNode:
            return [self.build(item, depth + 1) for item in node.value]
        return self._mapping(node, depth + 1)

    def _scalar(self, node: Any) -> Any:
        """A scalar as kubectl's JSON would hold it."""
        tag, text = node.tag, node.value
        if tag == _QUOTED or (tag == _PLAIN and text and text[0] not in _MAY_RESOLVE):
            return text
        value = _resolve(text) if tag == _PLAIN else _tagged(node)
        if type(value) is float or type(value) is int:
            if not math.isfinite(value):
                raise _Refused(node.start_mark, f"'{text}' is a number that JSON cannot hold; quote it", "yaml")
            return _narrow(value)
        return value

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:
        """A mapping with keys as text; merges write over earlier keys, as they do in kubectl."""
        found: dict[str, Any] = {}
        merged: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.value == "<<" and key_node.tag in (_PLAIN, _TAG + "merge"):
                for source in _merge_sources(value_node):
                    part = self.build(source, depth)
                    found.update(part)
                    merged.update(part)
                continue
            key = _key(key_node)
            if key in found and key not in merged and self.duplicate is None:
                self.duplicate = _Refused(key_node.start_mark, f"the key '{key}' is given twice", "duplicate")
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
            raise _Refused(source.start_mark, "'<<' needs a mapping or a list of mappings", "yaml")
    return nodes


def _key(node: Any) -> str:
    """A mapping key as text, spelled as kubectl spells it."""
    if type(node) is not yaml.ScalarNode:
        raise _Refused(node.start_mark, "a list or mapping cannot be a key", "yaml")
    tag, text = node.tag, node.value
    if tag == _QUOTED:
        return str(text)
    value = _resolve(text) if tag == _PLAIN else _tagged(node)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in _INT64:
        return str(value)
    if isinstance(value, float):
        return _go_float32(value)
    raise _Refused(node.start_mark, f"'{text}' cannot be a key; quote it", "yaml")


def _tagged(node: Any) -> Any:
    """A scalar with a written tag; only YAML's own plain tags are obeyed, nothing is ever constructed."""
    name, text = node.tag.removeprefix(_TAG), node.value
    if name == "str" or name == "timestamp":
        return text
    if name == "binary":
        return _binary(node)
    reader = _TAGGED.get(name)
    if reader is None:
        raise _Refused(node.start_mark, f"the tag {_spell(node.tag)} is not allowed in a manifest", "tag")
    value = _resolve(text)
    if not reader(value):
        raise _Refused(node.start_mark, f"'{text}' cannot be read as {_spell(node.tag)}", "tag")
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
        raise _Refused(node.start_mark, "the value of !!binary is not base64", "tag") from None


# --- reading: texts to documents ----------------------------------------------------------------------------------

_MARKER: Final = re.compile(r"^(---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_DIRECTIVE: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*\n)*%")
_JSON_START: Final = re.compile(r"\s*[{\[]")
_BLANK: Final = re.compile(r"\s*")
_STEEP: Final = re.compile(r"^[ \t?:-]{40}", re.MULTILINE)
_BIG_NUMBER: Final = re.compile(r"[0-9]{19}")
_COLON_VALUE: Final = re.compile(r'[\[:,]\s*":')


def load_all(data: str) -> Iterator[Document]:
    """Every document of a text in order; a broken one carries its error and the others are still read."""
    text = data.removeprefix("\ufeff")
    start = 0
    if _JSON_START.match(text):
        for document, end in _json_documents(text):
            start = end
            yield document
    line = text.count("\n", 0, start)
    for chunk, offset in _chunks(text[start:] if start else text):
        yield from _documents(chunk, line + offset)


def _chunks(text: str) -> Iterator[tuple[str, int]]:
    """The text cut at '---' and '...' in column 0, where YAML allows nothing else; each with its line offset."""
    start = line = 0
    for match in _MARKER.finditer(text):
        position = match.start()
        if position < start or _only_directives(text, start, position):
            continue  # '%YAML' belongs to the document that follows
        yield text[start:position], line
        begin = position if match[1] == "---" else (text.find("\n", position) + 1 or len(text))
        line += text.count("\n", start, begin)
        start = begin
    yield text[start:], line


def _only_directives(text: str, start: int, end: int) -> bool:
    """Whether a stretch holds '%' lines and otherwise only comments and blank lines."""
    if _DIRECTIVE.match(text, start, end) is None:
        return False
    return all(line[:1] in ("%", "#", "") for line in map(str.strip, text[start:end].splitlines()))


def _documents(chunk: str, offset: int) -> Iterator[Document]:
    """The documents of a chunk, normally one or none."""
    if not chunk or chunk.isspace():
        return
    chunk = chunk.removeprefix("\ufeff")
    done = 0
    try:
        _check_depth(chunk)
        try:
            for document in _composed(_Loader(chunk), len(chunk), offset):
                done += 1
                yield document
        except yaml.composer.ComposerError as error:
            if "duplicate anchor" not in str(error.context):
                raise
            yield from islice(_composed(_PatientLoader(chunk), len(chunk), offset), done, None)
    except (_Refused, yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
        found = _explain(error, chunk)
        yield Document(None, offset + _first_line(chunk), _moved(found, chunk, offset))


def _composed(loader: Any, size: int, offset: int) -> Iterator[Document]:
    """The documents of one loader; empty ones are left out."""
    try:
        while loader.check_node():
            document = _document(loader.get_node(), max(MAX_NODES, 2 * size), offset)
            if document.body is not None:
                yield document
    finally:
        loader.dispose()


def _document(node: Any, budget: int, offset: int) -> Document:
    """One composed document as values."""
    builder = _Builder(budget)
    body = builder.build(node)
    again = builder.duplicate
    error = None
    if again is not None:
        error = ParseError(again.line + offset + 1, again.column + 1, again.message, again.kind)
    return Document(body, node.start_mark.line + offset + 1, error)


def _first_line(chunk: str) -> int:
    """The line, counted from 1, of the first text in a chunk that is neither blank, comment nor '---'."""
    for number, line in enumerate(chunk.splitlines(), 1):
        words = line.strip()
        if words and words[0] != "#" and words != "---":
            return number
    return 1


def _check_depth(chunk: str) -> None:
    """Refuse deep nesting before the C parser recurses into it; cheap bound first, then the flat event stream."""
    # A block level costs a column (two levels at most share one), a flow level costs a bracket.
    if not _STEEP.search(chunk) and chunk.count("[") + chunk.count("{") < 59:
        return
    loader = _Loader(chunk)
    depth = 0
    try:
        while (event := loader.get_event()) is not None:
            kind = type(event)
            if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                depth += 1
                if depth > MAX_DEPTH:
                    raise _Refused(event.start_mark, f"nested more than {MAX_DEPTH} levels deep", "deep")
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                depth -= 1
    finally:
        loader.dispose()


def _explain(error: Exception, chunk: str) -> _Refused:
    """Any failure of the YAML library in plain words."""
    if isinstance(error, _Refused):
        found = error
    elif isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        found = _Refused(mark, _plain_words(error), "alias" if "alias" in str(error.problem) else "yaml")
    elif isinstance(error, yaml.reader.ReaderError):
        found = _Refused(None, "a control character that YAML does not allow", "yaml")
        before = chunk.encode("utf-8", "replace")[: error.position].decode("utf-8", "replace")
        found.line, found.column = before.count("\n"), len(before) - before.rfind("\n") - 1
    elif isinstance(error, UnicodeEncodeError):
        found = _Refused(None, "half of a surrogate pair, which is no character", "yaml")
        found.line = chunk.count("\n", 0, error.start)
        found.column = error.start - chunk.rfind("\n", 0, error.start) - 1
    else:
        found = _Refused(None, f"nested more than {MAX_DEPTH} levels deep", "deep")
    if found.kind in ("yaml", "tag") and _HELM.search(chunk):
        found.message = f"unrendered template marks '{{{{'; run 'helm template' first ({found.message})"
        found.kind = "helm"
    return found


def _plain_words(error: yaml.MarkedYAMLError) -> str:
    """The parser's complaint, with a hint for the two common mistakes."""
    problem = str(error.problem or "not readable as YAML")
    mark = error.problem_mark
    if "cannot start any token" in problem and (error.problem or "") and mark is not None:
        return "a character that cannot start a value; if it is a tab, indent with spaces"
    if "mapping values are not allowed" in problem:
        return "a second ': ' on one line, or wrong indentation"
    return f"{error.context}, {problem}" if error.context else problem


def _moved(found: _Refused, chunk: str, offset: int) -> ParseError:
    """A refusal at its place in the whole text."""
    line = min(found.line, chunk.count("\n"))
    return ParseError(line + offset + 1, found.column + 1, found.message, found.kind)


# --- reading JSON -------------------------------------------------------------------------------------------------


def _json_documents(text: str) -> Iterator[tuple[Document, int]]:
    """JSON documents at the start of a text, each with its end; stops at the first thing that is not JSON."""
    try:
        body = orjson.loads(text)
    except ValueError:
        yield from _json_stream(text)
        return
    line = text.count("\n", 0, _skip_blank(text, 0)) + 1
    keys, depth = _measure(body)
    if depth <= MAX_DEPTH and _keys_written(text, keys) != keys:
        yield from _json_stream(text)
        return
    yield _json_document(text, body, depth, line, None), len(text)


def _skip_blank(text: str, position: int) -> int:
    """The next position that is not white space."""
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _keys_written(text: str, keys: int) -> int:
    """How many keys the JSON text spells; more than the values hold means that a key was given twice."""
    written = text.count('":') - text.count('\\":')
    return written if written == keys else written - sum(1 for _ in _COLON_VALUE.finditer(text))


def _measure(body: Any) -> tuple[int, int]:
    """The number of keys and the nesting depth of a value, without recursion."""
    keys = depth = 0
    level = [body] if type(body) in (dict, list) else []
    while level:
        depth += 1
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                keys += len(item)
                item = item.values()
            below.extend(value for value in item if type(value) is dict or type(value) is list)
        level = below
    return keys, depth


def _json_document(text: str, body: Any, depth: int, line: int, twice: str | None) -> Document:
    """One JSON value with the limits and the number rules of the YAML side."""
    if depth > MAX_DEPTH:
        message = f"nested more than {MAX_DEPTH} levels deep"
        return Document(None, line, ParseError(line, 1, message, "deep"))
    if _BIG_NUMBER.search(text):
        body = _narrow_tree(body)
    if twice is not None:
        return Document(body, line, ParseError(line, 1, f"the key '{twice}' is given twice", "duplicate"))
    return Document(body, line)


def _narrow_tree(value: Any) -> Any:
    """A JSON value with every whole number beyond 64 bits as the float kubectl makes of it."""
    if type(value) is dict:
        return {key: _narrow_tree(item) for key, item in value.items()}
    if type(value) is list:
        return [_narrow_tree(item) for item in value]
    return _narrow(value) if type(value) is int else value


def _json_stream(text: str) -> Iterator[tuple[Document, int]]:
    """JSON values one after the other, as kubectl accepts them, with keys given twice noted."""
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        """A mapping; the first repeated key is remembered."""
        found = dict(items)
        if len(found) != len(items):
            names = [name for name, _ in items]
            twice.append(next(name for name in names if names.count(name) > 1))
        return found

    decoder = json.JSONDecoder(object_pairs_hook=pairs)
    position = _skip_blank(text, 0)
    while text[position : position + 1] in ("{", "["):
        twice.clear()
        try:
            _, end = decoder.raw_decode(text, position)
            body = orjson.loads(text[position:end])
        except (ValueError, RecursionError):
            return
        after = _skip_blank(text, end)
        if text[after : after + 1] not in ("", "{", "[", "-", "."):
            return
        line = text.count("\n", 0, position) + 1
        yield _json_document(text[position:end], body, _measure(body)[1], line, twice[0] if twice else None), after
        position = after


# --- writing ------------------------------------------------------------------------------------------------------

_ORDER: Final = {
    name: rank
    for rank, name in enumerate(("apiVersion", "kind", "metadata", "spec", "data", "stringData", "binaryData"))
}
_META_ORDER: Final = {name: rank for rank, name in enumerate(("name", "namespace", "labels", "annotations"))}
_LAST: Final = 99
_LONG_KEY: Final = 120  # a key this long (a parser's limit is 1024 bytes, escapes count) is written with '? '

# Plain only where no reader of YAML 1.1 or 1.2 can see anything but text.
_SAFE: Final = re.compile(
    r"""(?:[A-Za-z_/$(\\^;]|--?(?=[A-Za-z])|\./|(?=[0-9][A-Za-z0-9.-]*?[g-np-wyzG-NP-WYZ])(?![0-9]{4}-[0-9])[0-9])
        (?:[!-9;-~]|:(?=[!-~])|[ ](?=[!"$-~]))*""",
    re.VERBOSE,
)
_ADDRESS_OR_SHARE: Final = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?|%)", re.ASCII)
_RESERVED: Final = frozenset(word for word in _WORDS) | {"<<", "="}
_SHORT: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", "\x1b": "\\e"}


def dump(body: Mapping[str, Any]) -> str:
    """One document as YAML that kubectl reads back to the same values; raises ValueError or TypeError if none can."""
    ordered: dict[str, Any] = _ranked(body, _ORDER)
    metadata = ordered.get("metadata")
    if isinstance(metadata, Mapping):
        ordered["metadata"] = _ranked(metadata, _META_ORDER)
    if not ordered:
        return "{}\n"
    out: list[str] = []
    try:
        _emit_mapping(ordered, "", "", out.append)
    except RecursionError:
        raise ValueError("the value is nested too deeply, or contains itself") from None
    return "".join(out)


def _ranked(body: Mapping[str, Any], order: Mapping[str, int]) -> dict[str, Any]:
    """The same mapping with known keys first and the rest in its own order."""
    return {key: body[key] for key in sorted(body, key=lambda key: order.get(key, _LAST))}


def _emit_mapping(body: Mapping[str, Any], lead: str, pad: str, write: Callable[[str], None]) -> None:
    """The entries of a mapping; lead is what the first line starts with ('- ' inside a list)."""
    for key, value in body.items():
        name = _key_text(key)
        if len(name) > _LONG_KEY:
            lead, name = f"{lead}? {name}\n{pad}", ""
        kind = type(value)
        if kind is str:
            if "\n" in value:
                write(f"{lead}{name}: {_multi_line(value, pad)}")
            else:
                write(f"{lead}{name}: {_text(value)}\n")
        elif kind is dict and value:
            write(f"{lead}{name}:\n")
            deeper = pad + "  "
            _emit_mapping(value, deeper, deeper, write)
        elif kind is list and value:
            write(f"{lead}{name}:\n")
            _emit_sequence(value, pad, pad, write)
        else:
            _emit_other(value, f"{lead}{name}:", pad, write)
        lead = pad


def _emit_sequence(items: list[Any], lead: str, pad: str, write: Callable[[str], None]) -> None:
    """The items of a list, at the same indentation as the key that holds them."""
    deeper = pad + "  "
    for item in items:
        kind = type(item)
        if kind is dict and item:
            _emit_mapping(item, f"{lead}- ", deeper, write)
        elif kind is str:
            write(f"{lead}- {_multi_line(item, pad)}" if "\n" in item else f"{lead}- {_text(item)}\n")
        elif kind is list and item:
            _emit_sequence(item, f"{lead}- ", deeper, write)
        else:
            _emit_other(item, f"{lead}-", pad, write)
        lead = pad


def _emit_other(value: Any, head: str, pad: str, write: Callable[[str], None]) -> None:
    """Numbers, empty collections, and subclasses or look-alikes of the plain types."""
    if value is None or isinstance(value, (bool, int, float)):
        write(f"{head} {_number_text(value)}\n")
    elif isinstance(value, str):
        write(f"{head} {_multi_line(value, pad)}" if "\n" in value else f"{head} {_quote(str(value))}\n")
    elif isinstance(value, (Mapping, list, tuple)):
        _emit_collection(value, head, pad, write)
    else:
        raise TypeError(f"a {type(value).__name__} cannot be written as YAML")


def _emit_collection(
    value: Mapping[str, Any] | list[Any] | tuple[Any, ...], head: str, pad: str, write: Callable[[str], None]
) -> None:
    """An empty collection, or one that is not exactly a dict or list."""
    if isinstance(value, Mapping):
        write(f"{head}\n" if value else f"{head} {{}}\n")
        _emit_mapping(value, pad + "  ", pad + "  ", write)
        return
    write(f"{head}\n" if value else f"{head} []\n")
    # Under a '-' the inner list must stand deeper; under a key it may, and tuples are rare.
    _emit_sequence(list(value), pad + "  ", pad + "  ", write)


def _number_text(value: int | float | None) -> str:
    """None, a truth value or a number."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("an infinite number or NaN cannot be written: JSON has no such value")
    return float.__repr__(value) if isinstance(value, float) else int.__repr__(value)


def _key_text(key: str) -> str:
    """A key, quoted by the same rule as values."""
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, not {type(key).__name__}")
    return _text(key)


def _quote(text: str) -> str:
    """A text on one line: bare where that is safe for every reader, else in double quotes."""
    if _SAFE.fullmatch(text) and text not in _RESERVED:
        return text
    return text if _ADDRESS_OR_SHARE.fullmatch(text) else _double_quoted(text)


_cached = lru_cache(maxsize=32768)(_quote)


def _text(text: str) -> str:
    """The same, remembered where it is short enough to be seen again."""
    return _cached(text) if len(text) < 80 else _quote(text)


def _double_quoted(text: str) -> str:
    """A text in double quotes; what YAML or an editor might not keep is escaped."""
    if text.isprintable():
        if '"' in text or "\\" in text:
            text = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"'
    return '"' + "".join([_escape(char) for char in text]) + '"'


def _escape(char: str) -> str:
    """One character inside double quotes."""
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError("the text holds half of a surrogate pair, which no YAML can carry")
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _multi_line(text: str, pad: str) -> str:
    """A text with line breaks: a block where every character survives, else double quotes; ends its line."""
    body = text.rstrip("\n")
    if not body or not body.replace("\n", "").replace("\t", "").isprintable() or "\n\t" in text or text[0] == "\t":
        return _double_quoted(text) + "\n"
    # Without a digit the reader guesses the indentation from the first line, so a leading blank needs one.
    digit = "2" if text[0] in " \n" else ""
    tail = len(text) - len(body)
    chomp = "-" if tail == 0 else "" if tail == 1 else "+"
    inner = pad + "  "
    lines = "\n".join([inner + line if line else "" for line in body.split("\n")])
    return f"|{digit}{chomp}\n{lines}" + "\n" * max(tail, 1)
