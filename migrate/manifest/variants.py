"""What people's tools do to secret values on the way: newlines, white space, base64 once too often. In memory only."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

_END, _CRLF = b"\n", b"\r\n"


def variants(value: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what was done to the value, in words, and what came of it."""
    if value.endswith(_END):
        yield "without a trailing newline", value.removesuffix(_END).removesuffix(b"\r")
    yield "with a trailing newline", value + _END
    yield "trimmed", value.strip()
    inner = decoded(value)
    if inner is not None:
        yield "base64-decoded", inner
        yield "base64-decoded, without a trailing newline", inner.removesuffix(_END)
    coded = base64.b64encode(value)
    yield "base64-encoded", coded
    yield "base64-encoded, with a trailing newline", coded + _END
    unix = value.replace(_CRLF, _END)
    yield "with line ends of Unix", unix
    yield "with line ends of Windows", unix.replace(_END, _CRLF)


def decoded(value: bytes) -> bytes | None:
    """What the base64 in it says, white space apart; None where it is none."""
    try:
        return base64.b64decode(b"".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
