"""Where the values of Secrets come from in one run: the live source, its encrypted side file, or nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from migrate.cluster.port import Source
from migrate.errors import BadInput
from migrate.flow.opening import Opened
from migrate.flow.secret_parts import wanted
from migrate.flow.secret_values import SecretValues, from_file, from_nowhere, from_source
from migrate.model.plan import Step
from migrate.reading.objects import no_garbage_collection


@no_garbage_collection()
def values(opened: Opened, steps: Iterable[Step], source: Source | None, identities: Sequence[Path]) -> SecretValues:
    """Read what the steps need. Raises BadInput when something is needed and nobody was named, Refused."""
    needed = [step for step in steps if wanted(step)]
    if not needed:
        return from_nowhere()
    hashes, key = opened.reviewed.hashes, opened.key
    if source is not None:
        return from_source(source, needed, hashes=hashes, hash_key=key)
    if identities:
        return from_file(opened.ws.path, identities, hashes=hashes, hash_key=key)
    first = ", ".join(str(step.ref) for step in needed[:3])
    more = f" and {len(needed) - 3} more" if len(needed) > 3 else ""
    raise BadInput(
        f"nobody was named who has the values of {len(needed)} Secret{'s' if len(needed) > 1 else ''}",
        "name the source (--source-context NAME or --source-gke PROJECT/LOCATION/CLUSTER), or give --age-identity FILE "
        "if the export had --age-recipient, or leave them out with --exclude. Nothing was written.",
        [f"{first}{more}"],
    )
