"""A snapshot that was cut, changed, or written by another version: nothing is planned from it, and it is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from export_help import example_fixture as example_fixture
from export_help import kubeconfig, run

from migrate.cli.explain import command as explain
from migrate.cli.plan import command as plan
from migrate.errors import BadWorkspace
from migrate.render.pages import error_text


def _facts(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    def do(folder: Path) -> None:
        facts = orjson.loads((folder / "facts.json").read_bytes())
        change(facts)
        (folder / "facts.json").write_bytes(orjson.dumps(facts))

    return do


def _cut(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-40])


def _former(folder: Path) -> None:
    """As the first version wrote observed.jsonl: the times of managedFields were parted otherwise."""
    lines = [orjson.loads(line) for line in (folder / "observed.jsonl").read_bytes().splitlines()]
    lines[0]["moved"] = {"metadata": {"managedFieldsTimes": ["2026-01-01T00:00:00Z"]}}
    (folder / "observed.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "facts cut": _cut("facts.json"),
    "objects cut": _cut("objects.jsonl"),
    "observed cut": _cut("observed.jsonl"),
    "no objects": lambda folder: (folder / "objects.jsonl").unlink(),
    "no observed": lambda folder: (folder / "observed.jsonl").unlink(),
    "facts are a list": lambda folder: (folder / "facts.json").write_text("[]"),
    "facts are bytes": lambda folder: (folder / "facts.json").write_bytes(b"\xff\x00"),
    "no digest": _facts(lambda facts: facts.pop("digest")),
    "no documents": _facts(lambda facts: facts.pop("documents")),
    "a listing without a kind": _facts(lambda facts: facts["listings"][0].pop("kind")),
    "a listing is a text": _facts(lambda facts: facts.update(listings=["Secret"])),
    "listings of tomorrow": _facts(lambda facts: facts["listings"][0]["kind"].update(more=1)),
    "a selection of tomorrow": _facts(lambda facts: facts.update(select={"more": ["x"]})),
    "former times": _former,
}


@pytest.fixture(scope="module")
def exported(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    done = run("export", "--kubeconfig", kubeconfig(folder, url), "-w", folder / "out", XDG_STATE_HOME=str(folder))
    assert done.returncode == 0, done.stderr
    return folder / "out" / "snapshot"


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("verb", [("plan",), ("explain", "Service/app/api")], ids=["plan", "explain"])
def test_a_snapshot_that_cannot_be_used(damage: str, verb: tuple[str, ...], exported: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(exported, out / "snapshot")
    (out / ".gke2eks").touch()
    DAMAGE[damage](out / "snapshot")
    done = CliRunner().invoke(
        plan if verb[0] == "plan" else explain, [*verb[1:], "-w", str(out)], standalone_mode=False
    )
    assert isinstance(done.exception, BadWorkspace) and done.exception.code == 3
    first, second = error_text(done.exception).splitlines()
    assert f"the snapshot in {out} is damaged, or another version of gke2eks wrote it" in first
    assert second == "next:  run gke2eks export again, or plan with --from again. Nothing was planned."
    assert not (out / "plan.json").exists()


@pytest.mark.parametrize("fields", [["2026-01-01T00:00:00Z"], {"places": [[]]}])
def test_a_snapshot_that_another_version_parted(fields: Any, tmp_path: Path) -> None:
    managed = {"manager": "kubectl", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": {}}
    meta = {"name": "a", "namespace": "b", "managedFields": [managed]}
    file, out = tmp_path / "a.json", tmp_path / "out"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}))
    assert run("plan", "--from", file, "-w", out, XDG_STATE_HOME=str(tmp_path)).returncode == 0
    seen = out / "snapshot" / "observed.jsonl"
    line = orjson.loads(seen.read_bytes())
    line["moved"] = {"metadata": {"managedFields": fields}}
    seen.write_bytes(orjson.dumps(line) + b"\n")
    done = run("plan", "-w", out)
    assert done.returncode == 3 and "another version of gke2eks wrote it" in done.stderr, done.stderr


def test_a_snapshot_from_before_the_export_is_planned(exported: Path, tmp_path: Path) -> None:
    """Its facts.json knew nothing of listings, facts and a selection, and what it lacks means nothing."""
    out = tmp_path / "out"
    shutil.copytree(exported, out / "snapshot")
    (out / ".gke2eks").touch()
    _facts(lambda facts: [facts.pop(key) for key in ("listings", "facts", "select")])(out / "snapshot")
    done = run("plan", "-w", out)
    assert done.returncode == 0 and "177 objects read" in done.stdout, done.stderr
