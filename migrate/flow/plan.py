"""The main job: read objects, plan them, and put the result into the workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import orjson

from migrate import catalog
from migrate.catalog import Overlay
from migrate.cleaner import load_cleaning
from migrate.errors import BadInput, BadMapping, BadWorkspace
from migrate.flow.answers import ANSWERS
from migrate.flow.inputs import inputs, objects_digest
from migrate.manifest import text
from migrate.model.decided import Decided, Override, Waiver
from migrate.model.objects import Snapshot
from migrate.model.plan import Plan, Step
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection, parse_selection
from migrate.planner import Tables, plan
from migrate.reading import read
from migrate.render.document import dumps, plan_document
from migrate.render.images import images_tsv
from migrate.render.markdown import report
from migrate.render.undecided import undecided_yaml
from migrate.rules import all_rules
from migrate.rules.sweep import Sweep
from migrate.semantics.going import held_back
from migrate.semantics.owners import load_managed
from migrate.workspace import decisions as decisions_file
from migrate.workspace import folder, hashkey, manifests, names, secret_file
from migrate.workspace import snapshot as snapshots
from migrate.workspace.decisions import Decisions

UNDECIDED_LABEL = "gke2eks/UNDECIDED!"
SECRET_LABEL = "gke2eks/SECRET-FROM-SOURCE!"


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and where it was written. `files` names only what exists, relative to the workspace."""

    plan: Plan
    document: bytes
    folder: Path
    files: tuple[str, ...]
    manifest_of: Mapping[Ref, str]
    notes: tuple[str, ...]


def tables(overlays: tuple[Overlay, ...] = ()) -> Tables:
    """Everything that planning needs: what is bundled, and the user's own rows."""
    return Tables(
        rules=all_rules(overlays),
        cleaning=load_cleaning(catalog.text("cleaning.yaml")),
        managed=load_managed(catalog.text("managed.yaml")),
        sweep=Sweep(catalog.needles(overlays)),
        rows=catalog.rule_tables(overlays),
    )


def overlays_of(decisions: Decisions, base: Path) -> tuple[Overlay, ...]:
    """Read the user's tables. A folder is relative to the decisions file. Raises BadMapping."""
    found: list[Overlay] = []
    for name in decisions.overlays:
        here = base / name
        try:
            files = sorted(file for file in here.iterdir() if file.suffix == ".yaml")
            for file in files:
                if file.name not in catalog.TABLES:
                    raise BadMapping(f"{file}: no such table", f"use one of {', '.join(catalog.TABLES)}.")
                found.append(Overlay(file.name, file.read_text("utf-8"), f"{name}/{file.name}"))
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise BadMapping(f"the overlay {name} cannot be read: {why}", "correct overlays in gke2eks.yaml.") from None
    return tuple(found)


def make_plan(
    sources: Sequence[str],
    workspace: Path,
    *,
    stdin: Callable[[], bytes],
    today: date,
    flavour: str | None = None,
    hash_key_file: Path | None = None,
    accept_incomplete: bool = False,
    select: Selection = EVERYTHING,
) -> Planned:
    """Read the sources (or the stored snapshot when there are none), plan, write the workspace.

    `select` is what the options say; it lies over gke2eks.yaml, and that over what the snapshot was read with.
    """
    ws = folder.open_workspace(workspace, [Path(source) for source in sources if source != "-"])
    found = decisions_of(workspace, today)
    decided, decided_overlays = as_decided(found, flavour), overlays_of(found, workspace)
    if sources:
        needles = tuple(needle.needle for needle in catalog.needles())
        reading = read(sources, stdin=stdin, needles=needles, hash_key=hashkey.hash_key(hash_key_file, workspace))
        snapshot = reading.snapshot
        seen = {entry["ref"]: entry for entry in reading.observed}
        snapshots.save(ws, snapshot, {o.ref: seen[str(o.ref)] for o in snapshot.objects if str(o.ref) in seen})
        secret_file.remove(ws)
    kept = stored_snapshot(ws, workspace)
    if kept is None:
        raise BadInput(
            f"there is nothing to plan: {workspace} holds no snapshot",
            "give --from what `kubectl get -o json` prints, or run gke2eks export. Nothing was planned.",
        )
    stored, _ = kept
    if not accept_incomplete:
        _refuse_incomplete(stored)
    used = select.over(decided.select).over(stored.select)
    made = plan(stored, tables(decided_overlays), replace(decided, select=used))
    read_from = inputs(stored, objects_digest(ws), found, decided_overlays, flavour=decided.flavour, options=select)
    said = {"select": {"used": used.texts(), "options": select.texts()}, "inputs": read_from}
    return _write(ws, workspace, made, (*stored.notes, *_outside(stored, used)), said)


def stored_snapshot(ws: folder.Workspace, workspace: Path) -> tuple[Snapshot, Mapping[Ref, Mapping[str, Any]]] | None:
    """Load the snapshot and what else was seen of its objects, None when there is none. Raises BadWorkspace."""
    try:
        stored = snapshots.load(ws)
        if stored is None:
            return None
        # The first snapshots kept the times of managedFields under a name that would now pass for a field.
        if any("managedFieldsTimes" in obj.metadata for obj in stored[0].objects):
            raise ValueError("managedFieldsTimes is of a former version")
        return stored
    except (BadWorkspace, ValueError, LookupError, TypeError, AttributeError) as bad:
        why = " ".join(bad.details).strip() if isinstance(bad, BadWorkspace) else f"{type(bad).__name__}: {bad}"
        raise BadWorkspace(
            f"the snapshot in {workspace} is damaged, or another version of gke2eks wrote it ({why})",
            "run gke2eks export again, or plan with --from again. Nothing was planned.",
        ) from None


def _outside(snapshot: Snapshot, used: Selection) -> list[str]:
    """What was never asked of the server is not in the snapshot, whatever a later selection says."""
    read = snapshot.select.namespaces
    if not read or all(any(fnmatchcase(name, glob) for glob in read) for name in used.namespaces):
        return []
    return [f"only {', '.join(read)} of the namespaces were exported; for others, export again with -n."]


def _refuse_incomplete(snapshot: Snapshot) -> None:
    """What nobody could read may matter; a person says that it does not. Raises BadInput."""
    missing = [one for one in snapshot.listings if one.missing]
    if missing:
        raise BadInput(
            f"the snapshot of {snapshot.name} is incomplete: {len(missing)} kind{'s' if len(missing) > 1 else ''} "
            "could not be read",
            "get the rights (gke2eks access source) and export again, leave kinds out with export --without, or plan "
            "with --accept-incomplete. Nothing was planned.",
            [f"{one.outcome.value:<9}  {one.kind}: {one.why}" for one in missing],
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """The plan that was written, made again. `digest` is that of the written one, `options` what selected it."""

    plan: Plan
    manifest_of: Mapping[Ref, str]
    digest: str
    options: str


def stored_plan(workspace: Path, *, today: date) -> Stored:
    """Plan the stored snapshot again, without writing, with the flavour and options of the written plan."""
    ws = folder.open_workspace(workspace, ())
    kept, previous = stored_snapshot(ws, workspace), _previous(workspace)
    if kept is None or not previous:
        raise BadInput(f"{workspace} holds no plan yet", "run gke2eks plan first.")
    stored, _ = kept
    decided, decided_overlays = read_decisions(workspace, today=today, flavour=previous.get("flavour"))
    select = options_of(previous)
    decided = replace(decided, select=select.over(decided.select).over(stored.select))
    made = plan(stored, tables(decided_overlays), decided)
    manifest_of = names.manifest_names(step.ref for step in made.steps if step.body is not None)
    return Stored(made, manifest_of, str(previous.get("digest", "")), select.as_options())


def options_of(previous: Mapping[str, Any]) -> Selection:
    """Give the selection that the options of a written plan made; a plan of a former version knows none."""
    try:
        return parse_selection(**previous["select"]["options"])
    except (KeyError, TypeError, ValueError):
        return EVERYTHING


def read_decisions(workspace: Path, *, today: date, flavour: str | None) -> tuple[Decided, tuple[Overlay, ...]]:
    """Read gke2eks.yaml of the workspace; `flavour` from the command line wins. Raises BadDecisions, BadMapping."""
    found = decisions_of(workspace, today)
    return as_decided(found, flavour), overlays_of(found, workspace)


def decisions_of(workspace: Path, today: date | None) -> Decisions:
    """Read the file as it stands; without `today` also with waivers that have expired. Raises BadDecisions."""
    return decisions_file.load(workspace / "gke2eks.yaml", ANSWERS, today)


def as_decided(found: Decisions, flavour: str | None) -> Decided:
    """Give what planning needs of it; `flavour` wins over the file's."""

    # A plan says the file's name only: the same decisions in another folder give the same bytes.
    def place(where: str) -> str:
        return where.rpartition("/")[2]

    return Decided(
        flavour=flavour or found.flavour,
        answers={key: answer.value for key, answer in found.answers.items()},
        overrides=tuple(Override(o.ref, o.path, o.value, o.reason, place(o.where)) for o in found.overrides),
        waivers=tuple(Waiver(w.rule, w.ref, w.reason, place(w.where)) for w in found.waivers),
        select=found.select,
        source_name=found.source_name,
    )


def manifest_bytes(step: Step, *, held_back: bool) -> bytes:
    """One object as YAML. Labels that no server accepts mark what must not be applied by hand."""
    body = dict(step.body or {})
    marks = ([UNDECIDED_LABEL] if held_back else []) + ([SECRET_LABEL] if _is_secret(step.ref) else [])
    if marks:
        metadata = dict(body.get("metadata") or {})
        metadata["labels"] = {**(metadata.get("labels") or {}), **dict.fromkeys(marks, "true")}
        body["metadata"] = metadata
    return text.dump(body).encode()


def _is_secret(ref: Ref) -> bool:
    return (ref.group, ref.kind) == ("", "Secret")


def _write(
    ws: folder.Workspace, workspace: Path, made: Plan, notes: tuple[str, ...], more: Mapping[str, Any]
) -> Planned:
    going = [step for step in made.steps if step.body is not None]
    named = names.manifest_names(step.ref for step in going)
    files = {named[step.ref]: manifest_bytes(step, held_back=held_back(step)) for step in going}
    manifests.write_manifests(ws, files, manifest_digests(_previous(workspace)))
    placed = {ref: (f"manifests/{name}", f"sha256:{manifests.digest(files[name])}") for ref, name in named.items()}
    document = dumps({**plan_document(made, placed), **more})
    folder.write_atomic(workspace / "plan.json", document)
    folder.write_atomic(workspace / "report.md", report(made).encode())
    written = ["report.md", "plan.json", "manifests/"]
    for name, content in (
        ("images.tsv", images_tsv(made)),
        ("gke2eks.undecided.yaml", undecided_yaml(made) if made.undecided else ""),
    ):
        if content:
            folder.write_atomic(workspace / name, content.encode())
            written.append(name)
        else:
            (workspace / name).unlink(missing_ok=True)
    return Planned(made, document, workspace, tuple(written), named, notes)


def _previous(workspace: Path) -> dict[str, Any]:
    """Read the written plan; empty when there is none, or none that can be read."""
    try:
        found = orjson.loads((workspace / "plan.json").read_bytes())
    except (orjson.JSONDecodeError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def manifest_digests(previous: Mapping[str, object]) -> dict[str, str]:
    """Name the files that a written plan has in manifests/, with the sha256 of each."""
    steps = previous.get("steps")
    found = {}
    for step in steps if isinstance(steps, list) else ():
        place = step.get("manifest")
        if place:
            found[place["path"].removeprefix("manifests/")] = place["digest"].removeprefix("sha256:")
    return found


def nearest(wanted: str, snapshot_refs: Sequence[Ref]) -> list[str]:
    """The three refs that look most like a text."""
    import difflib

    return difflib.get_close_matches(wanted, [str(ref) for ref in snapshot_refs], 3, 0.4)


__all__ = ["ANSWERS", "Planned", "Snapshot", "make_plan", "manifest_bytes", "nearest", "stored_plan", "tables"]
