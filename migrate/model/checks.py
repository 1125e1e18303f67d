"""What a preflight check found, in three words: pass, finding, unknown. None of them changes the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from migrate.model.effects import Severity
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.ref import Ref


class Status(StrEnum):
    """`unknown` is "could not look": never green, and always with a reason."""

    PASS = "pass"
    FINDING = "finding"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `id` is stable (PRE012); `fix` says what to do next, '' only for a pass."""

    id: str
    status: Status
    severity: Severity
    message: str
    refs: tuple[Ref, ...] = ()
    because: str = ""
    fix: str = ""


def passed(id: str, message: str, *refs: Ref) -> Check:
    """It was looked at and is as it should be."""
    return Check(id, Status.PASS, Severity.INFO, message, refs)


def finding(
    id: str, message: str, fix: str, *refs: Ref, because: str = "", severity: Severity = Severity.REVIEW
) -> Check:
    """It is not as it should be. BLOCKER: these objects will not work, or will not be taken."""
    return Check(id, Status.FINDING, severity, message, refs, because, fix)


def unknown(id: str, message: str, because: str, fix: str, *refs: Ref) -> Check:
    """Nobody could look, and why. `message` says what was to be looked at."""
    return Check(id, Status.UNKNOWN, Severity.REVIEW, message, refs, because, fix)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the target showed of one kind. `why` is '' or says why it could not be looked at; then there is nothing.

    A kind that the target does not serve has no objects: that was looked at.
    """

    bodies: Mapping[Ref, Body]
    why: str = ""


class Seen(Protocol):
    """The target as checks see it. Each kind is listed once, when it is first asked for."""

    @property
    def name(self) -> str:
        """What a person calls the target."""
        ...

    @property
    def minor(self) -> str:
        """Its version of Kubernetes: '1.36'."""
        ...

    def kinds(self) -> tuple[Kind, ...]:
        """Every kind that is served, each in its preferred version."""
        ...

    def of(self, group: str, kind: str) -> Shown:
        """All objects of a kind."""
        ...
