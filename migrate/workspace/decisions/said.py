"""What may be decided, and what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from migrate.model.path import Path
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection

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
    select: Selection = EVERYTHING
    overlays: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    file: str = ""


def expired(waiver: Waiver, today: date) -> bool:
    """Tell whether a waiver no longer counts; its last day still does."""
    return today > waiver.expires


def matches(ref_text: str, ref: Ref) -> bool:
    """Tell whether the text names this object: as it prints, or with its group written out."""
    place = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    kind = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    return ref_text in (str(ref), f"{kind}/{place}")
