"""What a run keeps of an object before it changes it, for a rollback; and what it may not change, as nobody could."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from migrate.flow.alike import ours_alone, uid
from migrate.flow.opening import Opened
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.workspace.folder import Workspace
from migrate.workspace.preimages import is_secret, keep
from migrate.workspace.secret_file import Recipients


@dataclass(frozen=True, slots=True)
class NotKept:
    """Why the object stays as it is."""

    why: str
    fix: str


class Keep(Protocol):
    """Asked before an object is changed, or deleted. The answer is the name for the intent, '' for nothing kept."""

    def __call__(self, ref: Ref, live: Body, *, deleting: bool = False) -> str | NotKept: ...


def keep_nothing(ref: Ref, live: Body, *, deleting: bool = False) -> str:
    """For runs that no rollback needs to take back."""
    return ""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Keeps in the workspace, as a `Keep`.

    `made` are the UIDs of what we made ourselves, as far as the journal knows: what a Secret of those was before is on
    the source, or was. That is no help once it is deleted, for the source may have it no more.
    """

    ws: Workspace
    run: str
    made: Collection[str] = ()
    recipients: Recipients | None = None
    no_undo: bool = False

    def __call__(self, ref: Ref, live: Body, *, deleting: bool = False) -> str | NotKept:
        if no := self.spares(ref) if deleting else None:
            return no
        if is_secret(ref) and not self.recipients:
            if self.no_undo or uid(live) in self.made or ours_alone(live):
                return ""
            return NotKept(
                "it would be overwritten, and no rollback could bring back what is in it now",
                "add --age-recipient, to which what is there is encrypted, or --no-undo, or take it out (--exclude).",
            )
        return keep(self.ws, self.run, ref, live, self.recipients)

    def spares(self, ref: Ref) -> NotKept | None:
        """Why it must not be deleted; None: it may be."""
        if not is_secret(ref) or self.recipients or self.no_undo:
            return None
        return NotKept(
            "it would be deleted, and no rollback could bring back what is in it",
            "add --age-recipient, to which what is there is encrypted, or --no-undo.",
        )


def keeping(opened: Opened, recipients: Recipients | None, *, no_undo: bool) -> Keeping:
    """Give what keeps for this run."""
    journal = opened.journal
    return Keeping(opened.ws, journal.header.run, journal.past.made.keys(), recipients, no_undo)
