"""What a rule may ask for: a closed union. Only the planner edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.ref import Ref


class Severity(StrEnum):
    """info (done) < review (done, please look) < decide (a person must supply something) < blocker (will not work)."""

    INFO = "info"
    REVIEW = "review"
    DECIDE = "decide"
    BLOCKER = "blocker"

    @property
    def rank(self) -> int:
        """0 for info up to 3 for blocker."""
        return _ORDER.index(self)


_ORDER = (Severity.INFO, Severity.REVIEW, Severity.DECIDE, Severity.BLOCKER)


class Cause(StrEnum):
    """Why an object is not migrated; the first three mean it is not the user's."""

    NONE = ""
    GKE = "gke"
    KUBERNETES = "kubernetes"
    CONTROLLER = "controller"
    EXCLUDED = "excluded"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person knows. `key` is the answer's full key, `group` the question it belongs to."""

    key: tuple[str, ...]
    group: str
    title: str
    until: str
    example: str
    blocks: bool = True

    @property
    def name(self) -> str:
        """The key as people see it."""
        return ".".join(self.key)


@dataclass(frozen=True, slots=True)
class Set:
    """Write `value` at `path`."""

    path: Path
    value: Any
    because: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Take `path` away, and parents that it leaves empty."""

    path: Path
    because: str


@dataclass(frozen=True, slots=True)
class Transform:
    """Change the value of a Secret by a named transform when it is applied, in memory: no plan holds the value.

    `drop_registry`: take the logins of the host `argument` out of a Docker configuration.
    """

    path: Path
    name: str
    argument: str
    because: str


@dataclass(frozen=True, slots=True)
class Run:
    """Where the pods of this workload run while both clusters are there: `held` until release, or on `both`."""

    runs: str
    because: str


@dataclass(frozen=True, slots=True)
class Create:
    """Add an object that was not read."""

    object: Object
    because: str


@dataclass(frozen=True, slots=True)
class Fold:
    """This object is absorbed by another one."""

    into: Ref
    because: str


@dataclass(frozen=True, slots=True)
class Skip:
    """This object stays behind."""

    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Manual:
    """A person must rebuild this object; nothing is written for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Say something about a place. `severity` None means the rule's own."""

    path: Path
    message: str
    fix: str
    severity: Severity | None = None
    question: Question | None = None
    already: bool = False


Effect = Set | Remove | Transform | Run | Create | Fold | Skip | Manual | Flag
Answers = Mapping[str, Any]
