"""The leftovers sweep: the last rule, over the planned object. What looks like Google is named, never judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate.catalog import Needle
from migrate.manifest.places import strings
from migrate.model.effects import Flag, Severity
from migrate.model.objects import Body
from migrate.model.path import Path

SWEEP_ID = "SWP001"
_FIX = "Find what this is for and what takes its place on EKS; set it with an override, or waive the finding."


class Sweep:
    """The sweep's table, prepared once: a cheap test of the whole object comes before any walk."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self._needles = tuple(needles)
        self._cheap = tuple(dict.fromkeys(n.needle for n in self._needles))

    def suspicious(self, text: str) -> bool:
        """Tell cheaply whether an object's JSON may hold anything."""
        lower = text.lower()
        return any(needle in lower for needle in self._cheap)  # ten times as fast as one pattern of them all

    def findings(self, body: Body) -> Iterator[Flag]:
        """One finding for each field, whatever the number of hits in it."""
        for path, text, is_key in strings(body):
            # YAML allows keys that are numbers, and the walk yields keys as they are.
            if not isinstance(text, str):
                continue
            lower = text.lower()
            for needle in self._needles:
                if needle.needle in lower and needle.pattern.search(text) and _belongs(needle, path, is_key):
                    where = "key" if is_key else "value"
                    yield Flag(
                        path, f"This {where} looks like Google: {needle.what}. No rule knows it.", _FIX, Severity.REVIEW
                    )
                    break


def _belongs(needle: Needle, path: Path, is_key: bool) -> bool:
    if needle.under is None:
        return True
    keys = [segment for segment in path if isinstance(segment, str)]
    return not is_key and bool(keys) and needle.under.search(keys[-1]) is not None
