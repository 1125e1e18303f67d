"""One spelling for each scalar: quantities, durations, times, bytes and images. None where a text is none of these."""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from migrate.semantics.imagerefs import parse
from migrate.semantics.quantities import quantity

# Servers round every amount in a list of resources up to a thousandth (SetDefaults_ResourceList).
_THOUSANDTH = 1000
_SECONDS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
    # Prometheus alone knows these; the others refuse them, so reading them everywhere equates nothing that is served.
    "d": Fraction(86400),
    "w": Fraction(7 * 86400),
    "y": Fraction(365 * 86400),
}
_PART = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|[smhdwy])"
_DURATION = re.compile(rf"([+-]?)((?:{_PART})+)\Z")
_ONE_PART = re.compile(r"([0-9.]+)([a-zµμ]+)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_LONGEST = 100


def amount(said: Any, *, rounded: bool) -> Fraction | None:
    """A quantity, rounded up to a thousandth where servers do that."""
    found = quantity(said)
    return found if found is None or not rounded else Fraction(math.ceil(found * _THOUSANDTH), _THOUSANDTH)


def duration(said: Any) -> Fraction | None:
    """Seconds of '1h30m', '90m' or '0.5s'; a bare '0' is one too."""
    if not isinstance(said, str) or len(said) > _LONGEST:
        return None
    if said == "0":
        return Fraction(0)
    found = _DURATION.match(said)
    if found is None:
        return None
    parts = _ONE_PART.findall(found[2])
    total = sum((Fraction(number.rstrip(".")) * _SECONDS[unit] for number, unit in parts), Fraction(0))
    return -total if found[1] == "-" else total


def time(said: Any, *, micro: bool) -> datetime | None:
    """A moment of RFC 3339; Time keeps seconds, MicroTime microseconds."""
    found = _TIME.match(said) if isinstance(said, str) else None
    if found is None:
        return None
    day, clock, fraction, zone = found.groups()
    digits = (fraction or "").ljust(6, "0")[:6] if micro else "000000"
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{digits}{'+00:00' if zone == 'Z' else zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def content(said: Any) -> bytes | None:
    """The bytes of a base64 text; line breaks in it do not count, as in Go."""
    if not isinstance(said, str):
        return None
    try:
        return base64.b64decode(said.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def image(said: Any) -> tuple[str, str, str] | None:
    """What is pulled: (host, repository, tag or digest). Beside a digest the tag says nothing to a runtime."""
    found = parse(said) if isinstance(said, str) else None
    return None if found is None else (found.host, found.repository, found.digest or f":{found.tag or 'latest'}")
