"""The keys that every file may have, apart from answers, and what is wrong with them in our words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import ErrorDetails

from migrate.errors import BadDecisions
from migrate.model.path import PathError
from migrate.model.path import parse as parse_path
from migrate.model.selection import BadSelection, parse_kind, parse_namespace, parse_ref, parse_selector
from migrate.workspace.decisions.hints import near, unknown, value_spot
from migrate.workspace.decisions.said import Flavour
from migrate.workspace.marks import At, Source, Spot, dotted

_REF = re.compile(r"[A-Z][A-Za-z0-9]*(\.[a-z0-9][a-z0-9.-]*)?(/[^/\s]+){1,2}\Z")


def _is_ref(text: str) -> str:
    if not _REF.match(text):
        raise ValueError("write Kind/namespace/name, or Kind/name for cluster scope")
    return text


def _is_path(text: str) -> str:
    try:
        found = parse_path(text)
    except PathError as bad:
        raise ValueError(str(bad)) from None
    if not found or str(found) == "":
        raise ValueError("write a path such as spec.replicas")
    return text


def _is_day(text: str) -> str:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("write a day as YYYY-MM-DD") from None
    return text


def _is_said(text: str) -> str:
    if not text.strip():
        raise ValueError("write a few words")
    return text


def _reads(parser: Callable[[str], object]) -> Callable[[str], str]:
    """A check of one text of a selection, in the grammar of the options."""

    def check(text: str) -> str:
        try:
            parser(text)
        except BadSelection as bad:
            raise ValueError(bad.expected) from None
        return text

    return check


RefText = Annotated[str, AfterValidator(_is_ref)]
Words = Annotated[str, AfterValidator(_is_said)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _SourceKeys(_Strict):
    name: Words = ""


class _Select(_Strict):
    """The keys are the parameters of parse_selection."""

    namespaces: list[Annotated[str, AfterValidator(_reads(parse_namespace))]] = []
    labels: list[Annotated[str, AfterValidator(_reads(parse_selector))]] = []
    kinds: list[Annotated[str, AfterValidator(_reads(parse_kind))]] = []
    only: list[Annotated[str, AfterValidator(_reads(parse_ref))]] = []
    exclude: list[Annotated[str, AfterValidator(_reads(parse_ref))]] = []


class _Override(_Strict):
    ref: RefText
    path: Annotated[str, AfterValidator(_is_path)]
    value: Any
    reason: Words


class _Waiver(_Strict):
    rule: Annotated[str, Field(pattern=r"^[A-Z]{3}[0-9]{3}$")]
    ref: RefText | None = None
    reason: Words
    expires: Annotated[str, AfterValidator(_is_day)]


class File(_Strict):
    flavour: Flavour = "standard"
    source: _SourceKeys = _SourceKeys()
    select: _Select = _Select()
    overlays: list[Words] = []
    overrides: list[_Override] = []
    waivers: list[_Waiver] = []


def explain(source: Source, errors: Iterable[ErrorDetails]) -> BadDecisions:
    """The first error of the file, in our words and at its place."""

    def first(error: ErrorDetails) -> tuple[int, int]:
        spot = value_spot(source, tuple(error["loc"]))
        return spot.line, spot.column

    error = min(errors, key=first)
    at: At = tuple(error["loc"])
    kind = error["type"]
    if kind == "extra_forbidden":
        return unknown(source, at, _names_at(at[:-1]))
    if kind == "missing":
        spot = value_spot(source, at[:-1])
        spot = Spot(spot.line, spot.column)
        return source.error(spot, f"{dotted(at[:-1])!r} has no {at[-1]!r}", f"needs {at[-1]!r}", "add it.")
    spot = value_spot(source, at)
    if kind == "literal_error":
        text = str(error["input"])
        hint = near(text, ("standard", "auto")) or "one of: standard, auto"
        return source.error(spot, f"{dotted(at)!r} cannot be {text!r}", hint, "correct the value.")
    if kind == "value_error":
        hint = str(error["ctx"]["error"])
        return source.error(spot, f"{dotted(at)!r} cannot be {error['input']!r}", hint, "correct the value.")
    if kind == "string_pattern_mismatch":
        hint = "write a rule such as SVC001"
        return source.error(spot, f"{dotted(at)!r} cannot be {error['input']!r}", hint, "correct the value.")
    must = {"list_type": "a list", "string_type": "text", "model_type": "keys with values"}.get(kind, "something else")
    quote = "; quote it" if kind == "string_type" and isinstance(error["input"], int | float) else ""
    return source.error(spot, f"{dotted(at)!r} must be {must}", f"expected {must}{quote}", "correct the value.")


def _names_at(at: At) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "source": _SourceKeys,
        "select": _Select,
        "overrides": _Override,
        "waivers": _Waiver,
    }
    return list(models[str(at[0])].model_fields) if at else list(File.model_fields)
