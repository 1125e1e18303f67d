"""What a person decided, as the planner reads it. Where it was written is part of it, for reasons and errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.path import Path
from migrate.model.selection import EVERYTHING, Selection


@dataclass(frozen=True, slots=True)
class Override:
    """A field that the user sets by hand, applied last. `ref` is as printed: 'Deployment/shop/api'."""

    ref: str
    path: Path
    value: Any
    reason: str
    where: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that the user accepts. `ref` empty means every object. Expired ones never get here."""

    rule: str
    ref: str
    reason: str
    where: str


@dataclass(frozen=True, slots=True)
class Decided:
    """Everything from gke2eks.yaml that planning needs. Answers are keyed ('identity', 'roles', 'api@…')."""

    flavour: str = "standard"
    answers: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    select: Selection = EVERYTHING
    source_name: str = ""
