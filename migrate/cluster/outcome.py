"""What came of one write: small values. No repr shows the content of an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.objects import Body
from migrate.model.path import Path


class Reason(StrEnum):
    """Why a server did not take an object. Nothing of it was written."""

    INVALID = "invalid"  # the object itself; `faults` name the fields, not always all of them
    FORBIDDEN = "forbidden"  # RBAC: the caller may not
    ESCALATION = "escalation"  # RBAC: a role would grant more than the caller has
    QUOTA = "quota"  # `by`: the ResourceQuota
    POD_SECURITY = "pod_security"  # `by`: the level, as in restricted:latest
    ADMISSION = "admission"  # another admission plugin, such as LimitRanger
    WEBHOOK = "webhook"  # it said no; `by`: its name
    WEBHOOK_DOWN = "webhook_down"  # it did not answer, and fails closed
    WEBHOOK_NO_DRY_RUN = "webhook_no_dry_run"  # it cannot be asked without being told
    POLICY = "policy"  # a ValidatingAdmissionPolicy
    NO_NAMESPACE = "no_namespace"
    NAMESPACE_ENDING = "namespace_ending"
    UNSERVED = "unserved"  # no such kind, or not in this version
    ABSENT = "absent"  # what should be deleted is not there
    EXISTS = "exists"  # what should be created is there
    CHANGED = "changed"  # it is no longer the object that was read
    TOO_LARGE = "too_large"
    THROTTLED = "throttled"  # still, after several tries
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Applied:
    """It is on the server (or would be, in a dry run). `body` is the server's answer, with what it filled in.

    `repeated`: the answer to an earlier try was lost and the write sent again, so that `created` may be False although
    it was we who created it.
    """

    created: bool
    body: Body = field(repr=False)
    remarks: tuple[str, ...] = ()  # what the server says beside its answer, such as "… is deprecated"
    repeated: bool = False

    @property
    def ending(self) -> bool:
        """The object is being deleted: servers take an apply to it without a word, and then it goes all the same."""
        meta = self.body.get("metadata")
        return isinstance(meta, Mapping) and bool(meta.get("deletionTimestamp"))


@dataclass(frozen=True, slots=True)
class Cause:
    """A field that somebody else owns. `version`: the API version that they wrote it in, '' for a server-side apply.

    `theirs` is MISSING where the live object could not be read. Of a Secret both values are only their sizes.
    """

    path: Path
    manager: str
    message: str
    version: str = ""
    subresource: str = ""
    theirs: Any = field(default=None, repr=False)
    ours: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Others own fields that we would change. Nothing of the object was written."""

    causes: tuple[Cause, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """A field as the server names it (`spec.template.spec.containers[0].name`), and what is wrong with it."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server's no to this one object; others may still pass.

    `fixed`: a field of it cannot be changed while the object lives, so only a new one can be as it is sent.
    """

    reason: Reason
    message: str
    faults: tuple[Fault, ...] = ()
    by: str = ""
    remarks: tuple[str, ...] = ()
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """The server took the deletion. `gone`: nothing is left; else finalizers hold it, and it goes when they let it."""

    gone: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent and no answer came: it may be done or not. Read the object again."""

    why: str


Tried = Applied | Conflict | Rejected
Written = Tried | Unknown
