"""Writing: the layout of a document, as kubectl lays it out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from migrate.manifest.text.quoting import multi_line, one_line, quoted

_ORDER: Final = {
    name: rank
    for rank, name in enumerate(("apiVersion", "kind", "metadata", "spec", "data", "stringData", "binaryData"))
}
_META_ORDER: Final = {name: rank for rank, name in enumerate(("name", "namespace", "labels", "annotations"))}
_LAST: Final = 99
_LONG_KEY: Final = 120  # a key this long (a parser's limit is 1024 bytes, escapes count) is written with '? '


def dump(body: Mapping[str, Any]) -> str:
    """One document as YAML that kubectl reads back to the same values; raises ValueError or TypeError if none can."""
    ordered: dict[str, Any] = _ranked(body, _ORDER)
    metadata = ordered.get("metadata")
    if isinstance(metadata, Mapping):
        ordered["metadata"] = _ranked(metadata, _META_ORDER)
    if not ordered:
        return "{}\n"
    out: list[str] = []
    try:
        _emit_mapping(ordered, "", "", out.append)
    except RecursionError:
        raise ValueError("the value is nested too deeply, or contains itself") from None
    return "".join(out)


def _ranked(body: Mapping[str, Any], order: Mapping[str, int]) -> dict[str, Any]:
    """The same mapping with known keys first and the rest in its own order."""
    return {key: body[key] for key in sorted(body, key=lambda key: order.get(key, _LAST))}


def _emit_mapping(body: Mapping[str, Any], lead: str, pad: str, write: Callable[[str], None]) -> None:
    """The entries of a mapping; lead is what the first line starts with ('- ' inside a list)."""
    for key, value in body.items():
        name = _key_text(key)
        if len(name) > _LONG_KEY:
            lead, name = f"{lead}? {name}\n{pad}", ""
        kind = type(value)
        if kind is str:
            if "\n" in value:
                write(f"{lead}{name}: {multi_line(value, pad)}")
            else:
                write(f"{lead}{name}: {one_line(value)}\n")
        elif kind is dict and value:
            write(f"{lead}{name}:\n")
            deeper = pad + "  "
            _emit_mapping(value, deeper, deeper, write)
        elif kind is list and value:
            write(f"{lead}{name}:\n")
            _emit_sequence(value, pad, pad, write)
        else:
            _emit_other(value, f"{lead}{name}:", pad, write)
        lead = pad


def _emit_sequence(items: list[Any], lead: str, pad: str, write: Callable[[str], None]) -> None:
    """The items of a list, at the same indentation as the key that holds them."""
    deeper = pad + "  "
    for item in items:
        kind = type(item)
        if kind is dict and item:
            _emit_mapping(item, f"{lead}- ", deeper, write)
        elif kind is str:
            write(f"{lead}- {multi_line(item, pad)}" if "\n" in item else f"{lead}- {one_line(item)}\n")
        elif kind is list and item:
            _emit_sequence(item, f"{lead}- ", deeper, write)
        else:
            _emit_other(item, f"{lead}-", pad, write)
        lead = pad


def _emit_other(value: Any, head: str, pad: str, write: Callable[[str], None]) -> None:
    """Numbers, empty collections, and subclasses or look-alikes of the plain types."""
    if value is None or isinstance(value, (bool, int, float)):
        write(f"{head} {_number_text(value)}\n")
    elif isinstance(value, str):
        write(f"{head} {multi_line(value, pad)}" if "\n" in value else f"{head} {quoted(str(value))}\n")
    elif isinstance(value, (Mapping, list, tuple)):
        _emit_collection(value, head, pad, write)
    else:
        raise TypeError(f"a {type(value).__name__} cannot be written as YAML")


def _emit_collection(
    value: Mapping[str, Any] | list[Any] | tuple[Any, ...], head: str, pad: str, write: Callable[[str], None]
) -> None:
    """An empty collection, or one that is not exactly a dict or list."""
    if isinstance(value, Mapping):
        write(f"{head}\n" if value else f"{head} {{}}\n")
        _emit_mapping(value, pad + "  ", pad + "  ", write)
        return
    write(f"{head}\n" if value else f"{head} []\n")
    # Under a '-' the inner list must stand deeper; under a key it may, and tuples are rare.
    _emit_sequence(list(value), pad + "  ", pad + "  ", write)


def _number_text(value: int | float | None) -> str:
    """None, a truth value or a number."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("an infinite number or NaN cannot be written: JSON has no such value")
    return float.__repr__(value) if isinstance(value, float) else int.__repr__(value)


def _key_text(key: str) -> str:
    """A key, quoted by the same rule as values."""
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, not {type(key).__name__}")
    return one_line(key)
