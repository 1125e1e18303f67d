"""Places and hints for the messages about the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from migrate.errors import BadDecisions
from migrate.workspace.marks import At, Source, Spot


def near(word: str, known: Iterable[str]) -> str:
    """The known word that may have been meant, as a question; '' where none is close."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {found[0]!r}?" if found else ""


def unknown(source: Source, at: At, known: Iterable[str]) -> BadDecisions:
    """The error for a key that nobody reads."""
    names = list(known)
    hint = near(str(at[-1]), names) or "known here: " + ", ".join(names)
    return source.error(source.keys[at], f"unknown key {at[-1]!r}", hint, "correct the key.")


def value_spot(source: Source, at: At) -> Spot:
    """Where a value stands; where it has no place of its own, that of its key."""
    return source.values.get(at) or source.keys.get(at) or Spot(1, 1)
