"""Kubernetes quantities, exactly: '250m', '1.5Gi', '2e3'; and sums of them by resource."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

Amounts = Mapping[str, Fraction]
"""What of each resource: {'cpu': 1/4, 'memory': 1073741824}. A resource that is not said is not there."""

CPU, MEMORY, STORAGE, PODS = "cpu", "memory", "storage", "pods"
EPHEMERAL = "ephemeral-storage"
_TEXT = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i))?\Z")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
# Longer than any quantity that a server writes; a number with thousands of digits is no amount of anything.
_LONGEST = 64
_FINEST = 10**9


def quantity(said: Any) -> Fraction | None:
    """Read a quantity; None when it is none. Finer than a billionth is rounded up, as servers do."""
    if isinstance(said, Fraction):
        return said
    if isinstance(said, bool) or not isinstance(said, (str, int, float)) or len(str(said)) > _LONGEST:
        return None
    found = _TEXT.match(str(said))
    if found is None:
        return None
    number, exponent, suffix = found.groups()
    value = Fraction(number.rstrip(".") if number.endswith(".") else number)
    if exponent:
        value *= Fraction(10) ** int(exponent)
    elif suffix in _BINARY:
        value *= 2 ** _BINARY[suffix]
    elif suffix:
        value *= Fraction(10) ** _DECIMAL[suffix]
    return value if value.denominator == 1 else _away(value)


def _away(value: Fraction) -> Fraction:
    size = Fraction(math.ceil(abs(value) * _FINEST), _FINEST)
    return size if value >= 0 else -size


def amounts(said: Any) -> dict[str, Fraction]:
    """Read a list of resources such as `requests`; what is no quantity is left away."""
    pairs = said.items() if isinstance(said, Mapping) else ()
    found = ((str(name), quantity(value)) for name, value in pairs)
    return {name: value for name, value in found if value is not None}


def plus(*lists: Amounts) -> dict[str, Fraction]:
    """Add up, resource by resource."""
    found: dict[str, Fraction] = {}
    for one in lists:
        for name, value in one.items():
            found[name] = found.get(name, Fraction(0)) + value
    return found


def largest(*lists: Amounts) -> dict[str, Fraction]:
    """The largest of each resource."""
    found: dict[str, Fraction] = {}
    for one in lists:
        for name, value in one.items():
            found[name] = max(found.get(name, value), value)
    return found


def minus(one: Amounts, other: Amounts) -> dict[str, Fraction]:
    """What is left of each resource of `one`; may be less than nothing."""
    return {name: value - other.get(name, Fraction(0)) for name, value in one.items()}


def times(one: Amounts, count: int) -> dict[str, Fraction]:
    """So many of the same."""
    return {name: value * count for name, value in one.items()}


def units(one: Amounts) -> dict[str, int]:
    """As the scheduler counts: millicores of cpu, whole units of all else, rounded up."""
    return {name: math.ceil(value * 1000 if name == CPU else value) for name, value in one.items()}


def shown(name: str, value: Fraction) -> str:
    """Print an amount for a person: '2.5', '300m', '12Gi', '1.438Gi'."""
    sign, size = ("-", -value) if value < 0 else ("", value)
    if _in_bytes(name):
        for suffix in ("Ti", "Gi", "Mi", "Ki"):
            unit = 2 ** _BINARY[suffix]
            if size >= unit:
                return f"{sign}{_short(size / unit)}{suffix}"
        return f"{sign}{_short(size)}"
    if 0 < size < 1 and name.rpartition(".")[2] == CPU:
        return f"{sign}{_short(size * 1000)}m"
    return f"{sign}{_short(size)}"


def listed(these: Amounts, names: Iterable[str] | None = None) -> str:
    """Print several: 'cpu 2, memory 4Gi'."""
    return ", ".join(f"{name} {shown(name, these[name])}" for name in (sorted(these) if names is None else names))


def _in_bytes(name: str) -> bool:
    last = name.rpartition("/")[2].rpartition(".")[2]
    return last in (MEMORY, EPHEMERAL, STORAGE) or last.startswith("hugepages-")


def _short(value: Fraction) -> str:
    # Upwards: what is a little more than there is must not look like what there is.
    return f"{math.ceil(value * 1000) / 1000:.3f}".rstrip("0").rstrip(".")
