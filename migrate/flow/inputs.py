"""What a plan was made from, as digests: so that apply sends what a person has read, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from migrate import __version__, catalog
from migrate.catalog import Overlay
from migrate.model.objects import MISSING, Snapshot
from migrate.model.selection import Selection
from migrate.workspace.decisions import Decisions
from migrate.workspace.folder import Workspace

_TABLES = ("cleaning.yaml", "managed.yaml", *catalog.TABLES)


def inputs(
    snapshot: Snapshot,
    objects: str,
    decisions: Decisions,
    overlays: Iterable[Overlay],
    *,
    flavour: str,
    options: Selection,
) -> dict[str, str]:
    """Name each input by its digest. `objects` is the snapshot's own, `flavour` and `options` are those of the plan."""
    return {
        "gke2eks": __version__,
        "snapshot": _digest([objects, dict(snapshot.facts), snapshot.select.texts()]),
        "decisions": _digest([_decided(decisions), flavour, options.texts()]),
        "mappings": _digest([[name, catalog.text(name)] for name in _TABLES]),
        "overlays": _digest([[one.where, one.table, one.text] for one in overlays]),
    }


def objects_digest(ws: Workspace) -> str:
    """The digest that the stored snapshot has of its objects; loading it has compared them."""
    return str(orjson.loads((ws.snapshot / "facts.json").read_bytes())["digest"])


def _decided(found: Decisions) -> dict[str, Any]:
    """What the file says that planning uses. Its order, comments and reasons, and until when a waiver holds, change
    nothing that is sent."""
    return {
        "flavour": found.flavour,
        "source": found.source_name,
        "answers": sorted(([list(key), answer.value] for key, answer in found.answers.items()), key=_text),
        "overrides": [[o.ref, str(o.path), *([] if o.value is MISSING else [o.value])] for o in found.overrides],
        "waivers": sorted([w.rule, w.ref] for w in found.waivers),
        "select": found.select.texts(),
    }


def _digest(value: Any) -> str:
    return f"sha256:{hashlib.sha256(_text(value)).hexdigest()}"


def _text(value: Any) -> bytes:
    # `default` is for what a person's YAML may hold and JSON does not.
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(value, option=options, default=str)
    except TypeError:
        return repr(_plain(value)).encode("utf-8", "backslashreplace")  # integers above 64 bits, lone surrogates


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted(([str(key), _plain(one)] for key, one in value.items()), key=repr)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
