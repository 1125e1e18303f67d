"""What reading gives: documents, the errors they may carry, and the limits they must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

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
