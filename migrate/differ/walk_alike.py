"""Equality with types: 1, 1.0 and True are three things. The fast path of a comparison, so it is short."""

from __future__ import annotations

from typing import Any


def alike(one: Any, other: Any) -> bool:
    """Tell whether two JSON-like values are equal in value and in type; the order of keys does not matter."""
    # == runs in C and ends most comparisons; only what it calls equal is looked at for types.
    return one is other or bool(one == other and _typed(one, other))


def _typed(one: Any, other: Any) -> bool:
    """The types of two values that == calls equal."""
    kind = one.__class__
    if kind is not other.__class__:
        return False
    if kind is dict:
        for key, value in one.items():
            # No number equals a text, so two texts need no look; they are most of what there is.
            if value.__class__ is str:
                continue
            if not _typed(value, other[key]):
                return False
    if kind is list:
        for value, there in zip(one, other, strict=True):
            if value.__class__ is str:
                continue
            if not _typed(value, there):
                return False
    return True
