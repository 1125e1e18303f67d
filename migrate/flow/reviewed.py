"""The plan that a person has read, made again and compared: apply sends this one or nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from migrate import __version__
from migrate.errors import BadInput, BadWorkspace
from migrate.flow.inputs import inputs, objects_digest
from migrate.flow.plan import (
    as_decided,
    decisions_of,
    manifest_bytes,
    manifest_digests,
    options_of,
    overlays_of,
    read_decisions,
    stored_snapshot,
    tables,
)
from migrate.model.decided import Decided
from migrate.model.objects import Snapshot
from migrate.model.plan import Fate, Plan
from migrate.model.ref import Ref
from migrate.planner import plan
from migrate.render.document import SCHEMA
from migrate.semantics.going import held_back
from migrate.workspace import folder, manifests, names
from migrate.workspace.decisions import Decisions, expired

_HERE = Ref("", "Namespace", "", "kube-system")
_FILES = (".yaml", ".yml", ".json")
# What of `inputs` is named how, in the order of the sentence.
_SOURCES = {"snapshot": "snapshot", "decisions": "gke2eks.yaml", "mappings": "mappings", "overlays": "overlays"}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """`source_uid` is the UID of the source's Namespace kube-system, '' where the snapshot does not know it. `hashes`
    are the keyed hashes of Secret values at the export: ref → key → {bytes, hmac, key_id}."""

    plan: Plan
    snapshot: Snapshot
    decided: Decided
    source_uid: str
    hashes: Mapping[Ref, Mapping[str, Any]] = field(repr=False)


def reviewed(workspace: Path, *, today: date) -> Reviewed:
    """Give the written plan if it is what would be planned now, from the same inputs, and its files are untouched.

    Writes nothing. An expired waiver only matters when the object that it let through would now stay out. Raises
    BadInput without a plan, BadDecisions, BadMapping, and BadWorkspace for a plan that nobody has reviewed.
    """
    document = _document(workspace)
    ws = folder.open_workspace(workspace)
    stored = stored_snapshot(ws, workspace)
    if stored is None:
        raise _no_plan(workspace)
    snapshot, seen = stored
    said = decisions_of(workspace, None)
    options, overlays = options_of(document), overlays_of(said, workspace)
    flavour = document["flavour"]
    again = _again(workspace, document, said)
    now = inputs(snapshot, objects_digest(ws), said, overlays, flavour=flavour, options=options)
    changed = [name for key, name in _SOURCES.items() if now[key] != document["inputs"].get(key)]
    if changed:
        raise _another(_and(_place(name, workspace) for name in changed), changed, again)
    decided = as_decided(replace(said, waivers=tuple(w for w in said.waivers if not expired(w, today))), flavour)
    decided = replace(decided, select=options.over(decided.select).over(snapshot.select))
    made = plan(snapshot, tables(overlays), decided)
    if made.digest != document["digest"]:
        raise _another(_unseen(document, snapshot, now), [], again)
    if _held_back(made) != _held_back_then(document):
        read_decisions(workspace, today=today, flavour=flavour)  # raises when a waiver's end is the reason
        raise _another(_unseen(document, snapshot, now), [], again)
    _untouched(ws, made, document, again)
    hashes = {ref: one["keys"] for ref, one in seen.items() if isinstance(one.get("keys"), Mapping)}
    return Reviewed(made, snapshot, decided, _uid(snapshot), hashes)


def _document(workspace: Path) -> dict[str, Any]:
    """Read plan.json as far as it is needed here. Raises BadInput, BadWorkspace."""
    if not (workspace / folder.MARKER).is_file():
        raise _no_plan(workspace)
    try:
        found = orjson.loads((workspace / "plan.json").read_bytes())
        if isinstance(found, dict) and found.get("schema") == SCHEMA and "inputs" not in found:
            raise _unusable("a former version of gke2eks wrote it, which did not note what it was made from", workspace)
        if found["schema"] != SCHEMA:
            raise _unusable("another version of gke2eks wrote it", workspace)
        texts = (found["digest"], found["flavour"], found["source"]["read_at"], found["inputs"]["snapshot"])
        if not all(isinstance(text, str) for text in texts):
            raise TypeError
        manifest_digests(found)
        _held_back_then(found)
    except FileNotFoundError:
        raise _no_plan(workspace) from None
    except OSError as bad:
        raise _unusable(bad.strerror or "it cannot be read", workspace) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _unusable("it is damaged", workspace) from None
    return dict(found)


def _no_plan(workspace: Path) -> BadInput:
    return BadInput(f"{workspace} holds no plan yet", "run gke2eks plan first, and read the report.")


def _unusable(why: str, workspace: Path) -> BadWorkspace:
    again = f"gke2eks plan -w {shlex.quote(str(workspace))}"
    return BadWorkspace(f"{workspace / 'plan.json'} cannot be used: {why}", _next(again))


def _again(workspace: Path, document: Mapping[str, Any], said: Decisions) -> str:
    """The command that plans as it was planned."""
    words = ["gke2eks plan -w", shlex.quote(str(workspace))]
    if document["flavour"] != said.flavour and document["flavour"] in ("standard", "auto"):
        words.append(f"--flavour {document['flavour']}")
    return " ".join([*words, options_of(document).as_options()]).strip()


def _another(what: str, changed: list[str], again: str) -> BadWorkspace:
    same = [name for name in _SOURCES.values() if name not in changed]
    details = [f"{_and(same)} {'are' if len(same) > 1 else 'is'} the same"] if same else []
    return BadWorkspace(f"the plan is not the one that was reviewed: {what} changed since", _next(again), details)


def _next(again: str) -> str:
    return f"{again}, read the report again, then apply. Nothing was sent."


def _place(name: str, workspace: Path) -> str:
    return str(workspace / name) if name == "gke2eks.yaml" else name


def _unseen(document: Mapping[str, Any], snapshot: Snapshot, now: Mapping[str, str]) -> str:
    """What else may have made another plan of the same inputs."""
    was = document["inputs"].get("gke2eks")
    if was != now["gke2eks"]:
        return f"gke2eks itself ({was} then, {now['gke2eks']} now)"
    if document["source"]["read_at"] != snapshot.read_at:
        return "the state of the source, which was read again,"
    return "plan.json, or gke2eks itself,"


def _held_back(made: Plan) -> set[tuple[str, ...]]:
    """What has a body and goes to no server. What the plan adds has no standing of its own; its body says it."""
    return {
        _key(step.ref.as_dict())
        for step in made.steps
        if step.body is not None and step.fate is not Fate.CREATE and held_back(step)
    }


def _held_back_then(document: Mapping[str, Any]) -> set[tuple[str, ...]]:
    return {
        _key(step["ref"])
        for step in document["steps"]
        if step["manifest"] and step["fate"] != "create" and step["standing"] in ("blocked", "wait")
    }


def _key(ref: Mapping[str, str]) -> tuple[str, ...]:
    return (ref["group"], ref["kind"], ref["namespace"], ref["name"])


def _untouched(ws: folder.Workspace, made: Plan, document: Mapping[str, Any], again: str) -> None:
    """Compare manifests/ with what was written. Raises BadWorkspace with the override that says the same."""
    bodies = {step.ref: step for step in made.steps if step.body is not None}
    named = {name: bodies[ref] for ref, name in names.manifest_names(bodies).items()}
    digests = manifest_digests(document)
    if named.keys() != digests.keys():
        raise BadWorkspace("plan.json does not name the files of its own plan: it was changed by hand", _next(again))
    # Another version may write the same plan in other letters; then the noted digest has to do.
    ours = document["inputs"].get("gke2eks") == __version__
    for inner in sorted({name.rpartition("/")[0] for name in named}):
        ws.inside(f"manifests/{inner}/x")  # once for each folder: to resolve 30,000 paths takes seconds
    root = str(ws.manifests)
    for name in sorted(named):
        found = _read(f"{root}/{name}")
        if found is None:
            fix = f"to leave an object out, name it with --exclude; to have the file back: {again}. Nothing was sent."
            raise BadWorkspace(f"manifests/{name} is missing: the plan was reviewed with it", fix)
        planned = manifest_bytes(named[name], held_back=held_back(named[name]))
        if found == planned or (not ours and manifests.digest(found) == digests[name]):
            continue
        what = f"manifests/{name} was edited since the plan was written"
        override = manifests.suggest(found, planned)
        if not override:
            raise BadWorkspace(what, f"move it away to keep it, or delete it, then {_next(again)}")
        fix = f"put this into gke2eks.yaml and delete the file, then {_next(again)}"
        raise BadWorkspace(what, fix, override)
    for extra in sorted(_others(ws, named)):
        fix = "apply sends what was planned, and this would stay out: plan it with --from, or move it away. "
        raise BadWorkspace(f"manifests/{extra} is no part of the plan", f"{fix}Nothing was sent.")


def _others(ws: folder.Workspace, named: Mapping[str, Any]) -> Iterator[str]:
    """Files that look like manifests and are none of ours; what editors and systems leave is not meant."""
    root = str(ws.manifests)
    for inner, _, files in os.walk(root):
        for file in files:
            name = f"{inner}/{file}"[len(root) + 1 :]
            if name not in named and file.endswith(_FILES) and file[0] != "." and os.path.isfile(f"{root}/{name}"):
                yield name


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as bad:
        fix = "make it readable, then run again. Nothing was sent."
        raise BadWorkspace(f"{path} cannot be read: {bad.strerror}", fix) from None


def _uid(snapshot: Snapshot) -> str:
    # Of files nobody knows whether all came from one cluster; a Namespace of ours in there is still its mark.
    found = next((obj.metadata.get("uid") for obj in snapshot.objects if obj.ref == _HERE), "")
    return str(found) if isinstance(found, str) else ""


def _and(words: Iterable[str]) -> str:
    listed = list(words)
    return ", ".join(listed[:-1]) + (" and " if len(listed) > 1 else "") + listed[-1]
