"""What was read, kept so that a plan can be made again. The same cluster gives the same bytes of objects.jsonl."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from typing import Any

import orjson

from migrate.errors import BadWorkspace
from migrate.model.listing import Kind, Listing, Outcome
from migrate.model.objects import LeftOut, Object, Snapshot
from migrate.model.ref import Ref
from migrate.model.selection import parse_selection
from migrate.workspace.folder import Workspace, sync_folder, write_atomic
from migrate.workspace.moving import join, split

Observed = Mapping[Ref, Mapping[str, Any]]


def save(ws: Workspace, snapshot: Snapshot, observed: Observed | None = None) -> str:
    """Write the snapshot and give its digest. `observed` is what else was seen of each object, as JSON values."""
    objects: list[bytes] = []
    seen: list[bytes] = []
    for each in sorted(snapshot.objects, key=lambda one: (one.ref, one.origin)):
        body, moved = split(each.body)
        ref = each.ref.as_dict()
        objects.append(_line({"ref": ref, "body": body}))
        more = dict((observed or {}).get(each.ref, {}))
        seen.append(_line({"ref": ref, "origin": each.origin, "moved": moved, "observed": more}))
    lines = b"".join(objects)
    objects.clear()
    digest = hashlib.sha256(lines).hexdigest()
    facts = orjson.dumps(_facts(snapshot, digest), option=_OPTIONS | orjson.OPT_INDENT_2) + b"\n"
    _replace(ws, {"observed.jsonl": b"".join(seen), "objects.jsonl": lines, "facts.json": facts})
    return digest


def load(ws: Workspace) -> tuple[Snapshot, dict[Ref, dict[str, Any]]] | None:
    """Read the snapshot back whole; None when there is none. Raises BadWorkspace when its files disagree."""
    folder = ws.snapshot
    _recover(ws)
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
        "facts": dict(snapshot.facts),
        "listings": [_listing(one) for one in snapshot.listings],
        "select": snapshot.select.texts(),
    }


def _listing(one: Listing) -> dict[str, Any]:
    kind: dict[str, Any] = {
        "group": one.kind.group,
        "version": one.kind.version,
        "plural": one.kind.plural,
        "kind": one.kind.kind,
    }
    kind |= {"namespaced": one.kind.namespaced, "verbs": list(one.kind.verbs)}
    more = {"count": one.count, "why": one.why, "resourceVersion": one.resource_version}
    meanwhile = {"changed": list(one.changed), "unseen": one.unseen}
    return {"kind": kind, "outcome": one.outcome.value, **more, **meanwhile}


def _listed(one: Mapping[str, Any]) -> Listing:
    kind = Kind(**{**one["kind"], "verbs": tuple(one["kind"]["verbs"])})
    meanwhile = (tuple(one.get("changed", ())), one.get("unseen", ""))
    return Listing(kind, Outcome(one["outcome"]), one["count"], one["why"], one["resourceVersion"], *meanwhile)


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
        listings=tuple(_listed(one) for one in facts.get("listings", ())),
        facts=facts.get("facts", {}),
        select=parse_selection(**facts.get("select", {})),
    )
    return snapshot, {Ref(**b["ref"]): b["observed"] for b in seen if b["observed"]}


_OPTIONS = orjson.OPT_SORT_KEYS
_DRAFT, _OLD = ".snapshot.new", ".snapshot.old"


def _line(row: Mapping[str, Any]) -> bytes:
    return orjson.dumps(row, option=_OPTIONS | orjson.OPT_APPEND_NEWLINE)


def _replace(ws: Workspace, files: Mapping[str, bytes]) -> None:
    """Put all files in place of the old ones, or none: whoever is stopped in between has the old snapshot."""
    ws.inside("snapshot/facts.json")  # refuses a link that leads outside
    _recover(ws)
    draft, old = ws.inside(_DRAFT), ws.inside(_OLD)
    for rest in (draft, old):
        shutil.rmtree(rest, ignore_errors=True)
    try:
        for name, data in files.items():
            write_atomic(draft / name, data, mode=0o600, dir_mode=0o700)
        if ws.snapshot.exists():
            ws.snapshot.rename(old)
        draft.rename(ws.snapshot)
    except BaseException:
        _recover(ws)
        shutil.rmtree(draft, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
    sync_folder(ws.path)


def _recover(ws: Workspace) -> None:
    """Undo a replacement that was stopped between its two renames."""
    old = ws.inside(_OLD)
    if old.is_dir() and not ws.snapshot.exists():
        old.rename(ws.snapshot)


def _broken(why: str) -> BadWorkspace:
    return BadWorkspace("the stored snapshot cannot be used", "read the source again with --from.", [why])
