"""Why a document is not read: any failure in plain words, at its place."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from migrate.manifest.text.document import MAX_DEPTH, Kind, ParseError

_HELM: Final = re.compile(r"""^[^"'#\n]*\{\{""", re.MULTILINE)


class Refused(Exception):
    """A document this module will not read, with the place and the reason."""

    def __init__(self, mark: Any, message: str, kind: Kind) -> None:
        """Keep the zero-based place of the YAML library."""
        super().__init__(message)
        self.line: int = mark.line if mark is not None else 0
        self.column: int = mark.column if mark is not None else 0
        self.message = message
        self.kind: Kind = kind


def explain(error: Exception, chunk: str) -> Refused:
    """Any failure of the YAML library in plain words."""
    if isinstance(error, Refused):
        found = error
    elif isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        found = Refused(mark, _plain_words(error), "alias" if "alias" in str(error.problem) else "yaml")
    elif isinstance(error, yaml.reader.ReaderError):
        found = Refused(None, "a control character that YAML does not allow", "yaml")
        before = chunk.encode("utf-8", "replace")[: error.position].decode("utf-8", "replace")
        found.line, found.column = before.count("\n"), len(before) - before.rfind("\n") - 1
    elif isinstance(error, UnicodeEncodeError):
        found = Refused(None, "half of a surrogate pair, which is no character", "yaml")
        found.line = chunk.count("\n", 0, error.start)
        found.column = error.start - chunk.rfind("\n", 0, error.start) - 1
    else:
        found = Refused(None, f"nested more than {MAX_DEPTH} levels deep", "deep")
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


def moved(found: Refused, chunk: str, offset: int) -> ParseError:
    """A refusal at its place in the whole text."""
    line = min(found.line, chunk.count("\n"))
    return ParseError(line + offset + 1, found.column + 1, found.message, found.kind)
