"""What a diff of the target with the plan found: one class for each delta, and what runs on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.objects import MISSING
from migrate.model.path import Path
from migrate.model.ref import Ref


class Class(StrEnum):
    """What a delta is; the words of every format."""

    EXPECTED = "expected"
    DEFAULTED = "defaulted"
    RUNTIME = "runtime"
    HELD = "held"
    UNEXPECTED = "unexpected"
    MISSING = "missing"
    EXTRA = "extra"
    FAILED = "failed"


BAD = frozenset({Class.UNEXPECTED, Class.MISSING, Class.EXTRA, Class.FAILED})


@dataclass(frozen=True, slots=True)
class Owner:
    """Who wrote a field last, by field manager, and when: RFC 3339, '' where nobody says."""

    manager: str
    time: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """One difference. `path` is the empty path for a whole object.

    `source`, `planned` and `target` are values, MISSING where there is none; of a Secret they are words such as
    '(secret, 32 bytes)', never values. `rule` is the rule that made it expected. `because` says why it has its class,
    `fix` what to do about it; '' where nothing is to be done.
    """

    kind: Class
    ref: Ref
    path: Path = field(default_factory=Path)
    source: Any = MISSING
    planned: Any = MISSING
    target: Any = MISSING
    owner: Owner | None = None
    rule: str = ""
    because: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Parity:
    """One look at what runs, side by side. `ok` None: nobody could look, and `message` says why."""

    ref: Ref
    check: str
    source: Any
    target: Any
    ok: bool | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All deltas, sorted by object and path; `objects` is how many planned objects were compared.

    `notes` say what was left alone, such as objects that are moved by hand.
    """

    objects: int
    deltas: tuple[Delta, ...]
    runtime: tuple[Parity, ...] = ()
    allow_extra: bool = False
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """{objects, and each class: how many deltas}."""
        found = Counter(one.kind for one in self.deltas)
        return {"objects": self.objects, **{kind.value: found[kind] for kind in Class}}

    @property
    def proven(self) -> bool:
        """Tell whether the target is what was planned, and nothing else."""
        bad = BAD - {Class.EXTRA} if self.allow_extra else BAD
        return not any(one.kind in bad for one in self.deltas)
