"""Scalars, as go-yaml v2 (kubectl) resolves them."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal
from typing import Any, Final

WORDS: Final[dict[str, bool | float | None]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
MAY_RESOLVE: Final = frozenset("yYnNtTfFoO~.+-0123456789")
_INT: Final = re.compile(r"[-+]?(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_LOOSE_UNDERSCORE: Final = re.compile(r"(?<![0-9])_|_(?![0-9])")
INT64: Final = range(-(2**63), 2**63)
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
    fits = number in INT64 or (number < _UINT64 and plain[0].isdigit() and number > 0)
    return number if fits else None


def _float(plain: str) -> float | None:
    """A decimal float that fits; None otherwise, so that it stays text as in go-yaml."""
    if _FLOAT.fullmatch(plain) is None:
        return None
    number = float(plain)
    return None if math.isinf(number) else number


def resolve(text: str) -> Any:
    """The value of a bare scalar, before JSON narrows its type."""
    if text and text[0] not in MAY_RESOLVE:
        return text
    if text in WORDS:
        return WORDS[text]
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


def narrow(number: int | float) -> int | float:
    """What is left of a number after kubectl's way through JSON: int64 where whole, else a float."""
    if isinstance(number, int):
        return number if number in INT64 else float(number)
    if number.is_integer() and abs(number) < 1e21:
        whole = int(Decimal(repr(number)))  # Go writes the shortest digits that mean this float, then reads those
        return whole if whole in INT64 else number
    return number


def float_key(number: float) -> str:
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
