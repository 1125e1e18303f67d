"""What docs/diff.md shows is what the command prints on practice clusters; GKE2EKS_WRITE_DOCS=1 writes it."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from apply_stage import CANARY, Shown, Stage, agree, alone, deployment, obj, secret, service
from rig.http import Client

from migrate.model.comparison import Class
from migrate.practice import Cluster, Server
from migrate.practice.simulation import Simulation

WRITE = os.environ.get("GKE2EKS_WRITE_DOCS") == "1"  # a stage has no such variables
DIFF = "gke2eks diff -w out --context prod"
LIVE = "--source-context gke"
"""The namespace of kube-system has another uid on each practice cluster."""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    alone(tmp_path, monkeypatch)
    clusters = Cluster(), Cluster()
    Simulation(clusters[0], 0.01)
    servers = [Server(one).start() for one in clusters]
    yield Stage(tmp_path, {"server": servers[0].url}, {}, servers[1].url)
    for one in servers:
        one.stop()


def shop() -> list[dict[str, Any]]:
    """What the team runs on GKE."""
    pods = {"containers": [{"name": "report", "image": "example.com/report:1"}], "restartPolicy": "Never"}
    job = {"spec": {"template": {"spec": pods}}}
    edge = service("shop")
    edge["metadata"]["annotations"] = {"cloud.google.com/neg": '{"ingress": true}'}
    return [
        obj("Namespace", "shop"),
        secret("shop"),
        obj("ConfigMap", "settings", "shop", data={"level": "info", "mode": "fast"}),
        deployment("shop"),
        edge,
        obj("CronJob", "report", "shop", "batch/v1", spec={"schedule": "0 3 * * *", "jobTemplate": job}),
    ]


def saved(client: Client, stage: Stage) -> None:
    """What kubectl get -o json prints of the shop."""
    kinds = (("", "v1", "Namespace"), ("shop", "v1", "ConfigMap"), ("shop", "v1", "Secret"), ("shop", "v1", "Service"))
    names = {"ConfigMap": "settings", "Secret": "login", "Service": "web", "Namespace": "shop"}
    items = [client.get(version, kind, names[kind], space) for space, version, kind in kinds]
    items.append(client.get("apps/v1", "Deployment", "web", "shop"))
    (stage.home / "saved.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def test_the_page(stage: Stage, capfd: pytest.CaptureFixture[str], repo: Path) -> None:
    page, target, source = repo / "docs" / "diff.md", Client(str(stage.target["server"])), Client(stage.source)

    def show(title: str, command: str, code: int) -> str:
        assert stage.run(command, capfd) == code, stage.said + stage.err
        agree(page, Shown(title, command, code, stage.err + stage.said), write=WRITE)
        return stage.said

    for one in shop():
        source.apply(one)
    for command in ("export --context gke -w out", "plan -w out"):
        code, said = stage.quiet(f"gke2eks {command}")
        assert code in (0, 1), said
    apply = f"gke2eks apply -w out --context prod {LIVE} --yes"
    assert stage.run(apply, capfd) == 0, stage.said
    show("After the apply", DIFF, 0)
    show("What is as planned", f"{DIFF} --class expected --class held", 0)
    saved(target, stage)
    show("From a file", "gke2eks diff -w out --target saved.json", 0)

    target.apply(obj("ConfigMap", "settings", "shop", data={"level": "debug"}), manager="kubectl-edit", force=True)
    target.apply(obj("ConfigMap", "stranger", "shop", data={"a": "b"}), manager="helm")
    target.delete(service("shop"))
    longer = base64.b64encode(f"{CANARY}\n".encode()).decode()
    target.apply(obj("Secret", "login", "shop", data={"password": longer}), manager="vault", force=True)
    show("What they changed", DIFF, 1)
    one = f"{DIFF} --only Service/shop/web"
    show("One object as JUnit", f"{one} -o junit", 1)
    document = json.loads(show("One object as JSON", f"{one} -o json", 1))
    jsonschema.validate(document, json.loads((repo / "reports" / "diff.schema.json").read_text()))

    # Every command that it names puts back what it is about, as it stands.
    assert stage.run(f"{DIFF} {LIVE}", capfd) == 1
    fixes = re.findall(r"^ +next +(gke2eks apply .+)$", stage.said, re.MULTILINE)
    assert len(fixes) == 3
    for fix in fixes:
        assert stage.run(f"{fix} --yes", capfd) == 0, stage.said + stage.err
    target.delete(obj("ConfigMap", "stranger", "shop"))
    assert stage.run(f"{DIFF} {LIVE} --gate", capfd) == 0, stage.said
    source.apply(deployment("shop", replicas=3), manager="team", force=True)
    show("On the day", f"{DIFF} {LIVE} --gate", 1)


def test_the_table_of_classes(repo: Path) -> None:
    text = (repo / "docs" / "diff.md").read_text("utf-8")
    assert re.findall(r"(?m)^\| `(\w+)` \|", text) == [one.value for one in Class]
