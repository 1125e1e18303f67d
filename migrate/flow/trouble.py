"""Telling trouble with one object from trouble with everything."""

from __future__ import annotations

from migrate.cluster.port import Target
from migrate.errors import NotLoggedIn, Refused, Unreachable


def only_here(target: Target, no: Refused) -> bool:
    """Tell whether others may still be asked for. A server that gives no usable answer for one object may answer for
    all else: it is asked who it is."""
    if isinstance(no, NotLoggedIn):
        return False
    if isinstance(no, Unreachable):
        if not no.answered:  # asking again would take as long again
            return False
        try:
            target.version()
        except Refused:
            return False
    return True
