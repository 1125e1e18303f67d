"""What docs/rollback.md shows is what the command prints on a practice cluster; GKE2EKS_WRITE_DOCS=1 writes it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from apply_stage import Shown, Stage, agree, alone, deployment, obj, secret
from rig.http import Client

from migrate.practice import Cluster, Server
from migrate.practice.simulation import Simulation

WRITE = os.environ.get("GKE2EKS_WRITE_DOCS") == "1"  # a stage has no such variables
TO = "-w out --context prod --yes"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    alone(tmp_path, monkeypatch)
    clusters = Cluster(), Cluster()
    Simulation(clusters[0], 0.02)
    servers = [Server(one).start() for one in clusters]
    yield Stage(tmp_path, {"server": servers[0].url}, {}, servers[1].url)
    for one in servers:
        one.stop()


def claim(space: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp3"}
    return obj("PersistentVolumeClaim", "data", space, spec=spec)


def shown(stage: Stage, title: str, command: str, code: int) -> Shown:
    text = re.sub(r"(?m)^(  wave .*), \d+ s$", r"\1, 0 s", stage.err + stage.said)
    text = re.sub(r"(, Kubernetes )[\d.]+", r"\g<1>1.36", text)
    text = re.sub(r"--run [0-9a-f]{16}", "--run b85c75f7247aa70c", text)
    return Shown(title, command, code, text)


def test_the_page(stage: Stage, capfd: pytest.CaptureFixture[str], repo: Path) -> None:
    page = repo / "docs" / "rollback.md"
    target, source = Client(str(stage.target["server"])), Client(stage.source)
    for one in (obj("Namespace", "shop"), secret("shop")):
        source.apply(one)
    target.apply(obj("Namespace", "tools"), manager="argocd")
    target.apply(obj("ConfigMap", "settings", "tools", data={"level": "info"}), manager="argocd")
    more = obj("ConfigMap", "settings", "tools", data={"mode": "fast"})
    stage.plan(obj("Namespace", "shop"), secret("shop"), claim("shop"), deployment("shop"), more)

    def show(title: str, command: str, code: int) -> None:
        found = stage.run(command, capfd)
        assert found == code, stage.said + stage.err
        agree(page, shown(stage, title, command, code), write=WRITE)

    command = f"gke2eks rollback {TO}"
    assert stage.run(command, capfd) == 3
    agree(page, shown(stage, "Nothing to take back", command, 3), write=WRITE)
    assert stage.run(f"gke2eks apply {TO} --source-context gke --wait none", capfd) == 0, stage.said
    show("What it shows, and what it does", command, 1)
    assert target.get("v1", "ConfigMap", "settings", "tools")["data"] == {"level": "info"}
    everything = f"{command} --delete-data Secret --delete-data PersistentVolumeClaim"
    show("With a word for the data", everything, 0)
    show("Again", everything, 0)
    target.apply(obj("Namespace", "shop"), manager="vault")
    target.apply(obj("Secret", "login", "shop", type="Opaque", data={"theirs": "eA=="}), manager="vault")
    only = f"gke2eks apply {TO} --source-context gke --wait none --only Secret/shop/login"
    show("A Secret of others", only, 1)
    assert stage.run(f"{only} --no-undo", capfd) == 0
    assert stage.run(f"{command} -o json", capfd) == 1
    document = json.loads(stage.said)
    assert stage.run(f"{command} --all --delete-data Secret --delete-data PersistentVolumeClaim", capfd) in (0, 1)
    old = obj("ConfigMap", "old", "tools", data={"a": "1"})
    stage.plan(obj("Namespace", "tools"), old, deployment("tools"))
    assert stage.run(f"gke2eks apply {TO} --wait none", capfd) == 0, stage.said
    stage.plan(obj("Namespace", "tools"), obj("ConfigMap", "new", "tools"))
    assert stage.run(f"gke2eks apply {TO} --wait none --prune", capfd) == 0, stage.said
    show("What --prune deleted", command, 0)
    assert target.get("v1", "ConfigMap", "old", "tools")["data"] == {"a": "1"}
    for _ in range(2):
        assert stage.run(f"gke2eks apply {TO} --wait none --no-undo", capfd) == 0, stage.said
    show("After a run that wrote nothing", command, 0)
    jsonschema.validate(document, json.loads((repo / "reports" / "rollback.schema.json").read_text()))
    assert document["counts"] == {"deleted": 0, "restored": 0, "kept": 1, "failed": 0}


def test_what_must_be_said(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    for command, code in (
        ("gke2eks rollback -w out --yes", 2),
        ("gke2eks rollback -w out --context prod", 2),
        (f"gke2eks rollback {TO} --all --run 1", 2),
        (f"gke2eks rollback {TO} --delete-data Pod", 2),
    ):
        assert stage.run(command, capfd) == code, command
    assert not (stage.home / "out").exists()
