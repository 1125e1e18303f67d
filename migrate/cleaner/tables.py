"""The tables of mappings/cleaning.yaml."""

from __future__ import annotations

from dataclasses import dataclass

import yaml


@dataclass(frozen=True, slots=True)
class Names:
    """A set of names: exact ones, and prefixes that the table writes with a star."""

    exact: frozenset[str]
    prefixes: tuple[str, ...]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.exact or name.startswith(self.prefixes))


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The tables of mappings/cleaning.yaml."""

    metadata: Names
    annotations: Names
    finalizers: Names
    job_labels: Names
    pod_labels: Names
    controllers: Names


def load_cleaning(text: str) -> Cleaning:
    """Read mappings/cleaning.yaml. The caller brings the text."""
    raw = yaml.load(text, yaml.CSafeLoader)
    return Cleaning(**{name: _names(raw[name]) for name in Cleaning.__slots__})


def _names(rows: list[str]) -> Names:
    return Names(frozenset(r for r in rows if not r.endswith("*")), tuple(r[:-1] for r in rows if r.endswith("*")))
