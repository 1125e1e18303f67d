"""What apply writes down while it works: runs, what it is about to send, what came of it, and notes for release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.ref import Ref

SCHEMA = "gke2eks/journal/v1"


class Action(StrEnum):
    """What is about to be asked of the target."""

    APPLY = "apply"
    HOLD = "hold"
    RELEASE = "release"
    DELETE = "delete"
    RESTORE = "restore"
    BRING_BACK = "bring_back"


class Outcome(StrEnum):
    """What came of one object in one run; the words of the summary line."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    HELD = "held"
    FAILED = "failed"
    SKIPPED = "skipped"
    LEFT_OUT = "left_out"
    DELETED = "deleted"

    @property
    def seen(self) -> bool:
        """Tell whether somebody saw the object on the target. Then nothing that was sent before is unknown any more."""
        return self in (Outcome.CREATED, Outcome.CONFIGURED, Outcome.UNCHANGED, Outcome.HELD)


class Said(StrEnum):
    """What a note says of an object. `undone`: it was deleted or given back, or is gone; what was known is void."""

    HELD = "held"
    RELEASED = "released"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The target as it was: UID of kube-system, minor version, flavour, digest of the kinds that it serves."""

    cluster: str
    minor: str
    flavour: str
    served: str


@dataclass(frozen=True, slots=True)
class Header:
    """The start of a run. `key` is the id of the hash key; digests made with another key cannot be compared."""

    run: str
    at: str
    command: str
    plan: str
    target: Fingerprint
    key: str
    pid: int
    host: str
    schema: str = SCHEMA


@dataclass(frozen=True, slots=True)
class Intent:
    """One request that is about to be sent. `sent` is the keyed digest of its body.

    `uid` is that of the object on the target just before, '' when there was none: after a kill this tells what we
    created. `before` names what was kept of that object, for a rollback; it stands here because a kill may eat the
    result. To bring back is to make an object that was deleted once more: there `uid` is that of the deleted one.
    """

    ref: Ref
    action: Action
    sent: str
    uid: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an object. `intent` is the number that `Journal.intend` gave, 0 when nothing had to be sent.

    `seen` is the keyed digest of the answer, projected on our fields. `made` says that this object exists because of
    us, also when it was made held, or when only a second look after a kill showed it; a created one always is.
    There is no room for a server's message: it may quote a value.
    """

    ref: Ref
    outcome: Outcome
    intent: int = 0
    uid: str = ""
    version: str = ""
    sent: str = ""
    seen: str = ""
    made: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What release must know: `originals` are the values that holding replaced, by printed path."""

    ref: Ref
    said: Said
    originals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    """A run that ended by itself, with its exit code. A run without one was killed, or still works."""

    exit: int


Record = Header | Intent | Result | Note | End


@dataclass(frozen=True, slots=True)
class Known:
    """All that the journal says of one object.

    `outcome` is the newest; uid, version, sent and seen are of the newest that saw the object ('' when none did).
    `open` are the requests, by number, of which nobody knows what came: the object must be read again.
    `originals` is None unless it is held. `key` is the id of the key that made the digests. `held`: a run held it, and
    none has seen it otherwise since; of what is held by not being there nothing else tells.
    """

    ref: Ref
    outcome: Outcome | None = None
    uid: str = ""
    version: str = ""
    sent: str = ""
    seen: str = ""
    key: str = ""
    open: Mapping[int, Intent] = field(default_factory=dict)
    before: str = ""
    originals: Mapping[str, Any] | None = None
    held: bool = False
    released: bool = False

    @property
    def unknown(self) -> bool:
        """Tell whether something was perhaps sent and nobody knows what came of it."""
        return bool(self.open)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its header, its last outcome of each object, what it made by UID, its exit code (None: no end).

    `kept` names what was kept of an object before the run changed it; '' where it may have been changed and nothing was
    kept. `new` are objects that it sent where nothing was; `deleted` are those that it deleted, or tried to, by UID;
    `undone` those that it took back.
    """

    header: Header
    outcomes: Mapping[Ref, Outcome]
    made: Mapping[str, Ref]
    exit: int | None
    kept: Mapping[Ref, str] = field(default_factory=dict)
    new: frozenset[Ref] = frozenset()
    undone: frozenset[Ref] = frozenset()
    deleted: Mapping[str, Ref] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many objects had each outcome; only those that occur."""
        every = list(self.outcomes.values())
        return {one.value: every.count(one) for one in Outcome if one in every}


@dataclass(frozen=True, slots=True)
class History:
    """The journal read back. `torn` bytes at its end were never finished, `repeated` lines stood there twice.

    `instead`: {UID of what a rollback made: UID of the deleted object that it brought back so}.
    """

    runs: tuple[Run, ...] = ()
    objects: Mapping[Ref, Known] = field(default_factory=dict)
    torn: int = 0
    repeated: int = 0
    instead: Mapping[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[Ref, ...]:
        """The objects that must be read again, sorted."""
        return tuple(sorted(ref for ref, known in self.objects.items() if known.unknown))

    @property
    def made(self) -> dict[str, Ref]:
        """What all runs made, by UID."""
        return {uid: ref for run in self.runs for uid, ref in run.made.items()}


def differences(old: Header, new: Header) -> tuple[str, ...]:
    """Say what is not as it was in an earlier run, each as a sentence without a full stop.

    What the target serves is looked up for the kinds of the plan only: of two plans it says nothing.
    """
    rows = [
        ("the plan", old.plan, new.plan),
        ("the target cluster (UID of kube-system)", old.target.cluster, new.target.cluster),
        ("the target's Kubernetes version", old.target.minor, new.target.minor),
        ("the target's flavour", old.target.flavour, new.target.flavour),
    ]
    if old.plan == new.plan:
        rows.append(("what the target serves", old.target.served, new.target.served))
    return tuple(f"{what} was {was} and is {now}" for what, was, now in rows if was != now)
