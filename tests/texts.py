"""What the tests of YAML text share: kubectl's own answers, awkward bits of text, and ways to read one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from migrate.manifest.text import load_all


def number(digits: str) -> int | float:
    """A whole number as kubectl means it: beyond 64 bits it is a float, printed with all its digits."""
    return int(digits) if -(2**63) <= int(digits) < 2**63 else float(digits)


RECORD = (Path(__file__).parent / "data" / "kubectl-scalars.json").read_text(encoding="utf-8")
TABLE = json.loads(RECORD, parse_int=number)

BITS = [
    *"aAyYnN01789eExXoObB_+-.:,#'\"\\/|>&*!%@`?=~<>[]{}()$^; \t\n\r\0\x01\x1b\x7f\x85\xa0é中",
    *"\u2028\u2029\ufeff😀\U0010ffff",
    "\ufffe",
    "\ue000",
    "\u0301",
    "---",
    "...",
    "- ",
    "? ",
    ": ",
    " #",
    "<<",
    "=",
    "{{",
    "}}",
    "!!",
    "0x",
    "0o",
    "0b",
    "1e3",
    ".inf",
    ".nan",
    "null",
    "true",
    "yes",
    "on",
    "2024-01-01",
    "12:30",
    "  ",
    "\n\n",
    "\n ",
    " \n",
    "\n\t",
    "|",
    "%YAML",
    "&a",
    "*a",
    "\r\n",
    "\n---\n",
    "\n...\n",
    "word",
    "10.0.0.1",
    "500m",
    "\\u0041",
    "\\x41",
]


def read(text: str) -> Any:
    """The body of the only document, which must be without error."""
    (document,) = load_all(text)
    assert document.error is None, document.error
    return document.body


def failure(text: str) -> tuple[str, int, str]:
    """Kind, line and message of the only document's error."""
    (document,) = load_all(text)
    assert document.error is not None
    return document.error.kind, document.error.line, document.error.message
