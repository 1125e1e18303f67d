"""Writing: how one text is spelled, so that every reader sees that text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from migrate.manifest.text.scalars import WORDS

# Plain only where no reader of YAML 1.1 or 1.2 can see anything but text.
_SAFE: Final = re.compile(
    r"""(?:[A-Za-z_/$(\\^;]|--?(?=[A-Za-z])|\./|(?=[0-9][A-Za-z0-9.-]*?[g-np-wyzG-NP-WYZ])(?![0-9]{4}-[0-9])[0-9])
        (?:[!-9;-~]|:(?=[!-~])|[ ](?=[!"$-~]))*""",
    re.VERBOSE,
)
_ADDRESS_OR_SHARE: Final = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?|%)", re.ASCII)
_RESERVED: Final = frozenset(word for word in WORDS) | {"<<", "="}
_SHORT: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", "\x1b": "\\e"}


def quoted(text: str) -> str:
    """A text on one line: bare where that is safe for every reader, else in double quotes."""
    if _SAFE.fullmatch(text) and text not in _RESERVED:
        return text
    return text if _ADDRESS_OR_SHARE.fullmatch(text) else _double_quoted(text)


_cached = lru_cache(maxsize=32768)(quoted)


def one_line(text: str) -> str:
    """The same, remembered where it is short enough to be seen again."""
    return _cached(text) if len(text) < 80 else quoted(text)


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


def multi_line(text: str, pad: str) -> str:
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
