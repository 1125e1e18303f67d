"""gke2eks.yaml: what only a person knows. Read strictly, never written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from migrate.errors import BadDecisions
from migrate.model.path import Path, PathError
from migrate.model.path import parse as parse_path
from migrate.model.ref import Ref
from migrate.workspace.marks import NOTHING_PLANNED, At, Source, Spot, dotted, read

Flavour = Literal["standard", "auto"]
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class AnswerSpec:
    """What may be answered. `group` is the dotted key; a map takes any name below it. `what` says what is expected."""

    group: str
    kind: Literal["map", "scalar"]
    choices: tuple[str, ...] | None = None
    pattern: str | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and the `file:line` it stands at."""

    value: Scalar
    where: str


@dataclass(frozen=True, slots=True)
class Override:
    """A field that the user sets, applied last. `ref` is the text of a reference."""

    ref: str
    path: Path
    value: Any
    reason: str
    where: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that the user accepts until a day. `ref` '' means every object."""

    rule: str
    ref: str
    reason: str
    expires: date
    where: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything the user decided. The defaults are what an absent file means."""

    flavour: Flavour = "standard"
    source_name: str = ""
    answers: Mapping[tuple[str, ...], Answer] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    file: str = ""


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


RefText = Annotated[str, AfterValidator(_is_ref)]
Words = Annotated[str, AfterValidator(_is_said)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _SourceKeys(_Strict):
    name: Words = ""


class _Select(_Strict):
    namespaces: list[Words] = []
    exclude: list[RefText] = []


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


class _File(_Strict):
    flavour: Flavour = "standard"
    source: _SourceKeys = _SourceKeys()
    select: _Select = _Select()
    overlays: list[Words] = []
    overrides: list[_Override] = []
    waivers: list[_Waiver] = []


def load(path: FilePath, known_answers: Mapping[str, AnswerSpec], today: date | None = None) -> Decisions:
    """Read the user's file; an absent one means the defaults. `today` judges waivers. Raises BadDecisions."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return Decisions(file=str(path))
    except UnicodeDecodeError as bad:
        raise BadDecisions(
            f"{path}: not UTF-8 at byte {bad.start + 1}", f"save it as UTF-8. {NOTHING_PLANNED}"
        ) from None
    except OSError as bad:
        why = bad.strerror or str(bad)
        raise BadDecisions(f"{path}: cannot be read", f"make it a readable file. {NOTHING_PLANNED}", [why]) from None
    return parse(text, str(path), known_answers, today)


def parse(text: str, name: str, known_answers: Mapping[str, AnswerSpec], today: date | None = None) -> Decisions:
    """Read a decisions file. A waiver whose last day is before `today` is an error, too. Raises BadDecisions."""
    source = read(text, name)
    heads = {group.partition(".")[0] for group in known_answers}
    own = {key: value for key, value in source.value.items() if key in _File.model_fields}
    answers: dict[tuple[str, ...], Answer] = {}
    for key, value in source.value.items():
        if key in own:
            continue
        if key not in heads:
            raise _unknown(source, (key,), [*_File.model_fields, *sorted(heads)])
        _answer(source, (key,), value, known_answers, answers)
    # An empty key such as `overlays:` says nothing, like an absent one.
    keys = {key: value for key, value in own.items() if value is not None}
    try:
        file = _File.model_validate(keys)
    except ValidationError as bad:
        raise _explain(source, bad.errors()) from None
    found = _decisions(source, file, answers)
    if today is not None:
        _refuse_expired(source, found.waivers, today)
    return found


def _decisions(source: Source, file: _File, answers: Mapping[tuple[str, ...], Answer]) -> Decisions:
    overrides = tuple(
        Override(each.ref, parse_path(each.path), each.value, each.reason, source.where(("overrides", n, "ref")))
        for n, each in enumerate(file.overrides)
    )
    waivers = tuple(
        Waiver(
            each.rule,
            each.ref or "",
            each.reason,
            date.fromisoformat(each.expires),
            source.where(("waivers", n, "rule")),
        )
        for n, each in enumerate(file.waivers)
    )
    return Decisions(
        flavour=file.flavour,
        source_name=file.source.name,
        answers=answers,
        namespaces=tuple(file.select.namespaces),
        exclude=tuple(file.select.exclude),
        overlays=tuple(file.overlays),
        overrides=overrides,
        waivers=waivers,
        file=source.name,
    )


def _refuse_expired(source: Source, waivers: Sequence[Waiver], today: date) -> None:
    for n, waiver in enumerate(waivers):
        if expired(waiver, today):
            raise source.error(
                _value_spot(source, ("waivers", n, "expires")),
                f"the waiver of {waiver.rule} expired on {waiver.expires.isoformat()}",
                "this day is over",
                "look at the finding again: write a later day with a reason, or take the waiver out.",
            )


def expired(waiver: Waiver, today: date) -> bool:
    """Tell whether a waiver no longer counts; its last day still does."""
    return today > waiver.expires


def matches(ref_text: str, ref: Ref) -> bool:
    """Tell whether the text names this object: as it prints, or with its group written out."""
    place = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    kind = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    return ref_text in (str(ref), f"{kind}/{place}")


def _answer(
    source: Source,
    at: tuple[str, ...],
    value: Any,
    known: Mapping[str, AnswerSpec],
    into: dict[tuple[str, ...], Answer],
) -> None:
    spec = known.get(".".join(at))
    if spec is not None and spec.kind == "scalar":
        into[at] = _checked(source, at, value, spec)
        return
    if value is None:
        return
    if not isinstance(value, dict):
        hint = spec.what if spec and spec.what else "expected keys with values"
        raise source.error(_value_spot(source, at), f"{dotted(at)!r} must hold keys", hint, "correct the value.")
    below = ".".join(at) + "."
    names = sorted({group[len(below) :].partition(".")[0] for group in known if group.startswith(below)})
    for key, inner in value.items():
        if key in names:
            _answer(source, (*at, key), inner, known, into)
        elif spec is not None:
            into[(*at, key)] = _checked(source, (*at, key), inner, spec)
        else:
            raise _unknown(source, (*at, key), names)


def _checked(source: Source, at: tuple[str, ...], value: Any, spec: AnswerSpec) -> Answer:
    spot = _value_spot(source, at)
    what = spec.what or "expected one value"
    if value is None:
        raise source.error(source.keys[at], f"{dotted(at)!r} has no answer", what, "write the answer, or drop the key.")
    if not isinstance(value, Scalar):
        raise source.error(spot, f"{dotted(at)!r} must be one value", what, "correct the value.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if spec.choices is not None and text not in spec.choices:
        hint = _near(text, spec.choices) or "one of: " + ", ".join(spec.choices)
        raise source.error(spot, f"{spec.group!r} cannot be {text!r}", hint, "correct the value.")
    if spec.pattern is not None and not re.fullmatch(spec.pattern, text):
        raise source.error(spot, f"{spec.group!r} cannot be {text!r}", what, "correct the value.")
    return Answer(value, source.where(at))


def _near(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {found[0]!r}?" if found else ""


def _unknown(source: Source, at: At, known: Iterable[str]) -> BadDecisions:
    names = list(known)
    hint = _near(str(at[-1]), names) or "known here: " + ", ".join(names)
    return source.error(source.keys[at], f"unknown key {at[-1]!r}", hint, "correct the key.")


def _value_spot(source: Source, at: At) -> Spot:
    return source.values.get(at) or source.keys.get(at) or Spot(1, 1)


def _explain(source: Source, errors: Iterable[ErrorDetails]) -> BadDecisions:
    def first(error: ErrorDetails) -> tuple[int, int]:
        spot = _value_spot(source, tuple(error["loc"]))
        return spot.line, spot.column

    error = min(errors, key=first)
    at: At = tuple(error["loc"])
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown(source, at, _names_at(at[:-1]))
    if kind == "missing":
        spot = _value_spot(source, at[:-1])
        spot = Spot(spot.line, spot.column)
        return source.error(spot, f"{dotted(at[:-1])!r} has no {at[-1]!r}", f"needs {at[-1]!r}", "add it.")
    spot = _value_spot(source, at)
    if kind == "literal_error":
        text = str(error["input"])
        hint = _near(text, ("standard", "auto")) or "one of: standard, auto"
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
    return list(models[str(at[0])].model_fields) if at else list(_File.model_fields)
