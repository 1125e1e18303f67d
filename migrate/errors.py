"""One tree of errors; each knows what to do next. The only table of exit codes."""

from __future__ import annotations

from collections.abc import Iterable

DONE, LOOK, USAGE, BAD_INPUT, REFUSED, STOPPED, BUG, INTERRUPTED = 0, 1, 2, 3, 4, 5, 70, 130

EXIT_CODES: dict[int, str] = {
    DONE: "done",
    LOOK: "done, but look: findings at or above --fail-on, objects failed or left out, or unexpected differences",
    USAGE: "usage: the command line was not understood",
    BAD_INPUT: "bad input",
    REFUSED: "a cluster or cloud said no",
    STOPPED: "stopped half-way; run again to continue",
    BUG: "a bug in gke2eks",
    INTERRUPTED: "interrupted",
}

_WORST_FIRST = (BUG, INTERRUPTED, STOPPED, REFUSED, BAD_INPUT, LOOK, DONE)


def worst(codes: Iterable[int]) -> int:
    """Pick the exit code when several apply."""
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), DONE)


class Error(Exception):
    """Cannot continue. `details` are lines of context, `next` a sentence that says what to do."""

    code = BAD_INPUT

    def __init__(self, what: str, next: str, details: Iterable[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.next = next
        self.details = tuple(details)


class BadInput(Error):
    """Something the user gave could not be used."""


class BadDecisions(Error):
    """gke2eks.yaml says something that cannot be used."""


class BadMapping(Error):
    """A table in mappings/ or an overlay of it is not well-formed."""


class BadWorkspace(Error):
    """The workspace folder cannot be used as it is."""


class Refused(Error):
    """A cluster or a cloud said no, or could not be asked."""

    code = REFUSED


class Forbidden(Refused):
    """The cluster is there and we are known to it, but this is not for us."""


class Expired(Refused):
    """The place in a long list is gone; the list must be started again."""


class ReadOnly(Error):
    """Something tried to write to the source. Nothing was sent; it is a bug of ours."""

    code = BUG


class NotLoggedIn(Refused):
    """The cluster does not accept our credentials; nothing more can be asked."""


class Unreachable(Refused):
    """No usable answer came, however often it was asked. `answered`: a server is there, and said that it cannot."""

    answered = False
