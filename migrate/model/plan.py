"""The plan: one value that apply, diff and every renderer read. Nothing is computed after it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrate.model.effects import Cause, Severity
from migrate.model.facts import UNKNOWN, Facts
from migrate.model.objects import Body, LeftOut
from migrate.model.path import Path
from migrate.model.ref import Ref


class Fate(StrEnum):
    """What becomes of one object. `create` is for objects that were not read."""

    MIGRATE = "migrate"
    FOLD = "fold"
    SKIP = "skip"
    MANUAL = "manual"
    CREATE = "create"


class Standing(StrEnum):
    """Derived from fate and worst finding; the sign in every list."""

    BLOCKED = "blocked"
    WAIT = "wait"
    BY_HAND = "by_hand"
    LOOK = "look"
    READY = "ready"
    FOLDED = "folded"
    NEW = "new"
    LEFT_BEHIND = "left_behind"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field. `before` or `after` is MISSING where there is none."""

    rule: str
    path: Path
    before: Any
    after: Any
    because: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know; always with what to do next. `ref` None is the cluster as a whole."""

    rule: str
    severity: Severity
    ref: Ref | None
    path: Path
    message: str
    fix: str
    docs: str
    decision: str = ""
    already: bool = False
    waived: str = ""


@dataclass(frozen=True, slots=True)
class Transformed:
    """A change of a value that no plan holds: apply runs the transform of this name in memory."""

    rule: str
    path: Path
    name: str
    argument: str
    because: str


@dataclass(frozen=True, slots=True)
class Step:
    """One object's whole story. `body` is the planned object, None unless it is migrated or created.

    `runs` is `held` (its pods start at release) or `both` (on both clusters) for workloads, '' for all else.
    """

    ref: Ref
    version: str
    fate: Fate
    cause: Cause
    standing: Standing
    reason: str
    into: Ref | None
    body: Body | None
    changes: tuple[Change, ...]
    cleaned: tuple[Path, ...]
    transforms: tuple[Transformed, ...] = ()
    runs: str = ""
    runs_because: str = ""

    @property
    def yours(self) -> bool:
        """True unless GKE, Kubernetes or a controller made the object, or the plan adds it."""
        return self.fate is not Fate.CREATE and self.cause not in (Cause.GKE, Cause.KUBERNETES, Cause.CONTROLLER)


@dataclass(frozen=True, slots=True)
class Undecided:
    """One open answer: its full key, its group, who waits for it and what happens meanwhile."""

    key: tuple[str, ...]
    group: str
    question: str
    blocks: bool
    until: str
    refs: tuple[Ref, ...]
    where: str
    example: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A default that differs although no manifest says so."""

    rule: str
    topic: str
    gke: str
    eks: str
    handled: bool
    refs: tuple[Ref, ...]
    fix: str


@dataclass(frozen=True, slots=True)
class RuleNote:
    """A rule as the plan names it."""

    id: str
    title: str
    area: str
    severity: Severity
    do: str
    docs: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided, in one value. `counts` are the figures that every format prints."""

    flavour: str
    source_name: str
    read_at: str
    verdict: str
    counts: dict[str, int]
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...]
    undecided: tuple[Undecided, ...]
    differences: tuple[Difference, ...]
    rules: tuple[RuleNote, ...]
    waves: tuple[tuple[Ref, ...], ...]
    digest: str
    facts: Facts = UNKNOWN
