"""Reading: texts to documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import yaml

from migrate.manifest.text.composing import Loader, PatientLoader, check_depth
from migrate.manifest.text.document import MAX_NODES, Document, ParseError
from migrate.manifest.text.jsontext import json_documents
from migrate.manifest.text.nodes import Builder
from migrate.manifest.text.refusal import Refused, explain, moved

_MARKER: Final = re.compile(r"^(---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_DIRECTIVE: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*\n)*%")
_JSON_START: Final = re.compile(r"\s*[{\[]")


def load_all(data: str) -> Iterator[Document]:
    """Every document of a text in order; a broken one carries its error and the others are still read."""
    text = data.removeprefix("\ufeff")
    start = 0
    if _JSON_START.match(text):
        for document, end in json_documents(text):
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
        check_depth(chunk)
        try:
            for document in _composed(Loader(chunk), len(chunk), offset):
                done += 1
                yield document
        except yaml.composer.ComposerError as error:
            if "duplicate anchor" not in str(error.context):
                raise
            yield from islice(_composed(PatientLoader(chunk), len(chunk), offset), done, None)
    except (Refused, yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
        found = explain(error, chunk)
        yield Document(None, offset + _first_line(chunk), moved(found, chunk, offset))


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
    builder = Builder(budget)
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
