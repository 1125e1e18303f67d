"""Writing manifests/: what a plan wrote before is replaced, what a person edited is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from migrate.errors import BadWorkspace
from migrate.manifest.text import load_all
from migrate.model.objects import MISSING
from migrate.model.path import Item, Path
from migrate.model.ref import Ref, group_of
from migrate.workspace.folder import Workspace, sync_folder, write_atomic

UNDECIDED_LABEL = "gke2eks/UNDECIDED!"


@dataclass(frozen=True, slots=True)
class Written:
    """What happened, by name relative to manifests/; `digests` is for plan.json."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    digests: Mapping[str, str]


def digest(data: bytes) -> str:
    """Give the sha256 of a file, as plan.json holds it."""
    return hashlib.sha256(data).hexdigest()


def write_manifests(ws: Workspace, files: Mapping[str, bytes], previous: Mapping[str, str]) -> Written:
    """Write `files`, remove what only the previous plan had. Looks at everything first. Raises BadWorkspace."""
    on_disk: dict[str, str] = {}
    for name in sorted({*files, *previous}):
        path = ws.inside(f"manifests/{name}")
        found = _read(path)
        if found is None:
            continue
        on_disk[name] = digest(found)
        if on_disk[name] == previous.get(name) or found == files.get(name):
            continue
        if name not in previous:
            raise BadWorkspace(
                f"manifests/{name} is in the way: it was not written by the previous plan",
                "move it away, then run again. Nothing was written.",
            )
        raise edited(name, found, files.get(name))
    stale = [name for name in on_disk if name not in files]
    for name in stale:
        _remove(ws, name)
    changed = [name for name in sorted(files) if on_disk.get(name) != digest(files[name])]
    for name in changed:
        write_atomic(ws.inside(f"manifests/{name}"), files[name])
    return Written(
        written=tuple(changed),
        unchanged=tuple(name for name in sorted(files) if name not in set(changed)),
        removed=tuple(stale),
        digests={name: digest(files[name]) for name in sorted(files)},
    )


def edited(name: str, found: bytes, planned: bytes | None) -> BadWorkspace:
    """Build the error for a file that a person changed, with the override that would say the same."""
    what = f"manifests/{name} was edited since the last plan"
    override = suggest(found, planned) if planned is not None else ()
    if not override:
        return BadWorkspace(what, "move it away to keep it, or delete it, then run again. Nothing was written.")
    advice = "put this into gke2eks.yaml and delete the file, then run again. Nothing was written."
    return BadWorkspace(what, advice, override)


def suggest(found: bytes, planned: bytes) -> tuple[str, ...]:
    """Give the lines of an override for the first field that differs; empty when no override can say it."""
    try:
        mine, theirs = _body(planned), _body(found)
    except ValueError:
        return ()
    if mine is None or theirs is None:
        return ()
    hit = first_difference(mine, theirs, Path())
    if hit is None or hit[1] is MISSING or not hit[0]:
        return ()
    path, value = hit
    return (
        "overrides:",
        f"  - ref: {_quoted(str(_ref(mine)))}",
        f"    path: {_quoted(str(path))}",
        f"    value: {json.dumps(value, ensure_ascii=False, default=str)}",
        "    reason: say why",
    )


def first_difference(a: Any, b: Any, at: Path) -> tuple[Path, Any] | None:
    """Find the first place where `b` says something else than `a`, and what it says there."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in sorted({*a, *b}, key=str):
            if at == ("metadata", "labels") and key == UNDECIDED_LABEL:
                continue
            hit = first_difference(a.get(key, MISSING), b.get(key, MISSING), at / str(key))
            if hit:
                return hit
        return None
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            hit = first_difference(left, right, at / _item(a, left, right, index))
            if hit:
                return hit
        return None
    same = a is b or (type(a) is type(b) and a == b)
    return None if same else (at, b)


def _item(items: list[Any], left: Any, right: Any, index: int) -> Item | int:
    if not (isinstance(left, Mapping) and isinstance(right, Mapping)):
        return index
    name = left.get("name")
    names = [one.get("name") for one in items if isinstance(one, Mapping)]
    if isinstance(name, str) and name == right.get("name") and names.count(name) == 1:
        return Item((("name", name),))
    return index


def _body(data: bytes) -> Mapping[str, Any] | None:
    bodies = [document.body for document in load_all(data.decode("utf-8"))]
    return bodies[0] if len(bodies) == 1 and isinstance(bodies[0], Mapping) else None


def _ref(body: Mapping[str, Any]) -> Ref:
    metadata = body.get("metadata")
    meta: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
    group = group_of(str(body.get("apiVersion", "")))
    return Ref(group, str(body.get("kind", "")), str(meta.get("namespace", "")), str(meta.get("name", "")))


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, width=10_000, allow_unicode=True).partition("\n")[0]


def _read(path: FilePath) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as bad:
        why = bad.strerror or str(bad)
        raise BadWorkspace(f"{path} cannot be read", "move it away, then run again.", [why]) from None


def _remove(ws: Workspace, name: str) -> None:
    path = ws.inside(f"manifests/{name}")
    path.unlink(missing_ok=True)
    folder = path.parent
    while folder != ws.manifests and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
    if folder.is_dir():
        sync_folder(folder)
