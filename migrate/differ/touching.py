"""Which rules and which decisions of a person speak about a place of an object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from migrate.manifest.places import strings
from migrate.manifest.references.graph import by_name
from migrate.model.decided import Decided
from migrate.model.drift import Touched
from migrate.model.objects import Body
from migrate.model.path import Path
from migrate.model.plan import Change, Finding, Step
from migrate.model.ref import Ref

OVERRIDE = "override"
# A shorter text is found in others by chance.
_TELLING = 4

Place = tuple[Path, Any, Any]


def touched(
    ref: Ref, places: Iterable[Place], step: Step | None, findings: Iterable[Finding], decided: Decided, body: Body
) -> tuple[Touched, ...]:
    """Give each place, sorted, with who speaks about it, about what is around it, or about what is in it.

    `step` and `findings` are the object's own, `body` is what the snapshot has of it. An answer speaks about a place
    when its key or its value is found there, before the change or after it, or in what the plan made of it.
    """
    rows = sorted(places, key=lambda one: str(one[0]))
    said = Said(ref, step, tuple(findings), decided, body)
    return tuple(Touched(path, was, now, *said.about(path, was, now)) for path, was, now in rows)


class Said:
    """What was said about one object."""

    def __init__(
        self, ref: Ref, step: Step | None, findings: tuple[Finding, ...], decided: Decided, body: Body
    ) -> None:
        self._ref, self._decided, self._named = ref, decided, partial(by_name, body)
        self._findings = findings
        self._changes = step.changes if step else ()
        self._transforms = step.transforms if step else ()

    def about(self, path: Path, was: Any, now: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Rules, and decisions: 'override WHERE', 'waiver RULE WHERE', 'answer KEY', 'question KEY'."""
        changes = [one for one in self._changes if self._meet(one.path, path)]
        findings = [one for one in self._findings if self._meet(one.path, path)]
        transforms = [one for one in self._transforms if self._meet(one.path, path)]
        rules = {one.rule for one in changes} | {one.rule for one in findings} | {one.rule for one in transforms}
        rules.discard(OVERRIDE)
        decisions = {f"question {one.decision}" for one in findings if one.decision}
        decisions.update(self._written(path, rules))
        texts = {text for value in (was, now, *_sides(changes)) for text in _texts(value)}
        results = {text for one in changes for text in _texts(one.after)}
        decisions.update(f"answer {'.'.join(key)}" for key in self._decided.answers if self._fits(key, texts, results))
        return tuple(sorted(rules)), tuple(sorted(decisions))

    def _written(self, path: Path, rules: set[str]) -> Iterator[str]:
        name = str(self._ref)
        for wish in self._decided.overrides:
            if wish.ref == name and self._meet(wish.path, path):
                yield f"override {wish.where}"
        for waiver in self._decided.waivers:
            if waiver.ref in ("", name) and waiver.rule in rules:
                yield f"waiver {waiver.rule} {waiver.where}"

    def _fits(self, key: tuple[str, ...], texts: set[str], results: set[str]) -> bool:
        ref, last = self._ref, key[-1]
        names = {str(ref), f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name}
        if ".".join(key[1:]) in names:  # a ref is cut at its dots
            return True
        if len(key) > 2 and (last in texts or (len(last) >= _TELLING and any(last in text for text in texts))):
            return True
        return any(len(text) >= _TELLING and text in results for text in _texts(self._decided.answers[key]))

    def _meet(self, one: Path, other: Path) -> bool:
        here, there = self._named(one), self._named(other)
        return here.startswith(there) or there.startswith(here)


def _sides(changes: Iterable[Change]) -> Iterator[Any]:
    for one in changes:
        yield one.before
        yield one.after


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys too."""
    if isinstance(value, Mapping | list):
        yield from (text for _, text, _ in strings({"": value}) if text)
    elif isinstance(value, str):
        yield value
