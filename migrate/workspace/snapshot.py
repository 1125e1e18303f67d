"""What was read, kept so that a plan can be made again. The same cluster gives the same bytes of objects.jsonl."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from migrate.errors import BadWorkspace
from migrate.model.objects import Body, LeftOut, Object, Snapshot
from migrate.model.ref import Ref
from migrate.workspace.folder import Workspace, write_atomic

Observed = Mapping[Ref, Mapping[str, Any]]

_KEPT_STATUS = ("loadBalancer", "capacity")
_MOVED_METADATA = ("resourceVersion", "uid")


def save(ws: Workspace, snapshot: Snapshot, observed: Observed | None = None) -> str:
    """Write the snapshot and give its digest. `observed` is what else was seen of each object, as JSON values."""
    objects: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []
    for each in sorted(snapshot.objects, key=lambda one: (one.ref, one.origin)):
        body, moved = split(each.body)
        objects.append({"ref": each.ref.as_dict(), "body": body})
        more = dict((observed or {}).get(each.ref, {}))
        seen.append({"ref": each.ref.as_dict(), "origin": each.origin, "moved": moved, "observed": more})
    lines = _lines(objects)
    digest = hashlib.sha256(lines).hexdigest()
    _write(ws, "observed.jsonl", _lines(seen))
    _write(ws, "objects.jsonl", lines)
    _write(ws, "facts.json", orjson.dumps(_facts(snapshot, digest), option=_OPTIONS | orjson.OPT_INDENT_2) + b"\n")
    return digest


def load(ws: Workspace) -> tuple[Snapshot, dict[Ref, dict[str, Any]]] | None:
    """Read the snapshot back whole; None when there is none. Raises BadWorkspace when its files disagree."""
    folder = ws.snapshot
    if not (folder / "facts.json").is_file():
        return None
    try:
        facts = orjson.loads((folder / "facts.json").read_bytes())
        lines = (folder / "objects.jsonl").read_bytes()
        seen = [orjson.loads(line) for line in (folder / "observed.jsonl").read_bytes().splitlines()]
        if hashlib.sha256(lines).hexdigest() != facts["digest"]:
            raise _broken("snapshot/objects.jsonl is not what was saved")
        objects = [orjson.loads(line) for line in lines.splitlines()]
        return _rebuild(facts, objects, seen)
    except (OSError, ValueError, KeyError, TypeError) as bad:
        raise _broken(f"{type(bad).__name__}: {bad}") from None


def split(body: Body) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a body into what it is and what changes from one reading to the next."""
    kept, moved = dict(body), dict[str, Any]()
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping):
        kept["metadata"], away = _split_metadata(metadata)
        if away:
            moved["metadata"] = away
    status = body.get("status")
    if isinstance(status, Mapping):
        moved["status"] = {key: value for key, value in status.items() if key not in _KEPT_STATUS}
        kept["status"] = {key: value for key, value in status.items() if key in _KEPT_STATUS}
        if not kept["status"]:
            del kept["status"]
    return kept, moved


def join(body: Body, moved: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `split`."""
    out = dict(body)
    if "metadata" in moved:
        away = dict(moved["metadata"])
        times = away.pop("managedFieldsTimes", None)
        metadata = {**out["metadata"], **away}
        if times is not None:
            metadata["managedFields"] = [
                entry if time is None else {**entry, "time": time}
                for entry, time in zip(metadata["managedFields"], times, strict=True)
            ]
        out["metadata"] = metadata
    if "status" in moved:
        out["status"] = {**out.get("status", {}), **moved["status"]}
    return out


def _split_metadata(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    kept = {key: value for key, value in metadata.items() if key not in _MOVED_METADATA}
    away = {key: metadata[key] for key in _MOVED_METADATA if key in metadata}
    managed = metadata.get("managedFields")
    if isinstance(managed, list | tuple) and managed and all(isinstance(entry, Mapping) for entry in managed):
        away["managedFieldsTimes"] = [entry.get("time") for entry in managed]
        kept["managedFields"] = [{k: v for k, v in entry.items() if k != "time"} for entry in managed]
    return kept, away


def _facts(snapshot: Snapshot, digest: str) -> dict[str, Any]:
    return {
        "name": snapshot.name,
        "read_at": snapshot.read_at,
        "documents": snapshot.documents,
        "left_out": [
            {"source": one.source, "line": one.line, "reason": one.reason, "fix": one.fix} for one in snapshot.left_out
        ],
        "notes": list(snapshot.notes),
        "duplicates": [{"ref": ref.as_dict(), "kept": a, "other": b} for ref, a, b in snapshot.duplicates],
        "digest": digest,
    }


def _rebuild(
    facts: Mapping[str, Any], objects: list[dict[str, Any]], seen: list[dict[str, Any]]
) -> tuple[Snapshot, dict[Ref, dict[str, Any]]]:
    if [one["ref"] for one in objects] != [one["ref"] for one in seen]:
        raise _broken("objects.jsonl and observed.jsonl are of two readings")
    pairs = list(zip(objects, seen, strict=True))
    snapshot = Snapshot(
        objects=tuple(Object(Ref(**a["ref"]), join(a["body"], b["moved"]), b["origin"]) for a, b in pairs),
        left_out=tuple(LeftOut(**one) for one in facts["left_out"]),
        documents=facts["documents"],
        name=facts["name"],
        read_at=facts["read_at"],
        notes=tuple(facts["notes"]),
        duplicates=tuple((Ref(**one["ref"]), one["kept"], one["other"]) for one in facts["duplicates"]),
    )
    return snapshot, {Ref(**b["ref"]): b["observed"] for b in seen if b["observed"]}


_OPTIONS = orjson.OPT_SORT_KEYS


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row, option=_OPTIONS | orjson.OPT_APPEND_NEWLINE) for row in rows)


def _write(ws: Workspace, name: str, data: bytes) -> None:
    write_atomic(ws.inside(f"snapshot/{name}"), data, mode=0o600, dir_mode=0o700)


def _broken(why: str) -> BadWorkspace:
    return BadWorkspace("the stored snapshot cannot be used", "read the source again with --from.", [f"       {why}"])
