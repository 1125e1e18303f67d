"""What a comparison may know of secret values: keyed hashes of both sides, and for transforms the value in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from migrate.cluster.port import Source
from migrate.differ.secrets import Found, compare_secret, expected, hashed
from migrate.flow.secret_values import Filled, SecretValues, from_file, from_nowhere, from_source
from migrate.manifest.secret_marks import marker
from migrate.model.comparison import Delta
from migrate.model.plan import Step
from migrate.model.ref import Ref
from migrate.model.side import Hashes, Side


class Hashed:
    """Judges the values of one Secret at a time. `source` and `target` have hashes, `values` what a transform needs."""

    def __init__(self, source: Mapping[Ref, Hashes], target: Side, values: SecretValues, key: bytes) -> None:
        self._source, self._target, self._values, self._key = source, target, values, key

    def __repr__(self) -> str:
        return f"Hashed({self._target.name})"

    def __call__(self, step: Step) -> Iterator[Delta]:
        """Yield what differs in a Secret that is on the target."""
        wanted = expected(step, self._source.get(step.ref, {}), self._key, self._filled(step))
        return compare_secret(step, wanted, self._found(step.ref))

    def _filled(self, step: Step) -> Mapping[str, Any] | None:
        if not step.transforms:
            return None
        filled = self._values.fill(step)
        data = filled.body.get("data") if isinstance(filled, Filled) else None
        return data if isinstance(data, Mapping) else None

    def _found(self, ref: Ref) -> dict[str, Found]:
        """By hash; of a value that somebody redacted before we read it, only the size."""
        body = self._target.body(ref)
        shown = body.get("data") if body else None
        marks = {key: marker(value) for key, value in (shown if isinstance(shown, Mapping) else {}).items()}
        sizes = {key: Found(mark[0]) for key, mark in marks.items() if mark}
        return {**sizes, **hashed(self._target.hashes.get(ref, {}))}


def values_for(
    steps: Sequence[Step], workspace: Path, source: Source | None, identities: Sequence[Path]
) -> SecretValues:
    """Read the values that transforms change, if somebody was named who has them. Raises BadInput, Refused."""
    changed = [step for step in steps if step.transforms]
    if not changed or (source is None and not identities):
        return from_nowhere()
    return from_source(source, changed) if source is not None else from_file(workspace, identities)
