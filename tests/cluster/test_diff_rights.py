"""The role that docs/diff.md names, on a real API server: it is enough, and what is said without Secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from apply_stage import Shown, Stage, agree, alone
from rig.controlplane import ControlPlane
from rig.http import Client
from rig.users import limited
from test_doc_diff import shop

from migrate.practice import Cluster, Server

WRITE = os.environ.get("GKE2EKS_WRITE_DOCS") == "1"  # a stage has no such variables


@pytest.fixture
def stage(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The target is a real API server, and the shop was applied to it by an admin."""
    old = Server(Cluster()).start()
    admin = yaml.safe_load(control_plane.kubeconfig().read_text())
    alone(tmp_path, monkeypatch)
    yield Stage(tmp_path, admin["clusters"][0]["cluster"], admin["users"][0]["user"], old.url)
    old.stop()


def as_user(stage: Stage, plane: ControlPlane, printed: str, name: str) -> None:
    """From now on the context prod has the rights that were printed, and no other."""
    config = yaml.safe_load(limited(plane, yaml.safe_load(printed)["rules"], name=name).kubeconfig.read_text())
    stage.kubeconfig(config["clusters"][0]["cluster"], config["users"][0]["user"])


def test_the_printed_role_is_enough_and_less_is_told(
    stage: Stage, control_plane: ControlPlane, capfd: pytest.CaptureFixture[str], repo: Path
) -> None:
    source = Client(stage.source)
    for one in shop()[:3]:  # what runs is told otherwise from one moment to the next
        source.apply(one)
    for command in ("export --context gke -w out", "plan -w out"):
        assert stage.quiet(f"gke2eks {command}")[0] in (0, 1)
    assert stage.run("gke2eks apply -w out --context prod --source-context gke --yes --wait none", capfd) == 0
    assert stage.run("gke2eks access source --context prod", capfd) == 0
    whole = stage.said
    assert stage.run("gke2eks access source --context prod --without Secret", capfd) == 0
    less = stage.said
    assert "- secrets\n" in whole and "- secrets\n" not in less
    command = "gke2eks diff -w out --context prod"
    as_user(stage, control_plane, whole, "diff")
    assert stage.run(command, capfd) == 0, stage.said + stage.err
    as_user(stage, control_plane, less, "diff-less")
    assert stage.run(command, capfd) == 1
    agree(
        repo / "docs" / "diff.md",
        Shown("Without the right to list Secrets", command, 1, stage.err + stage.said),
        write=WRITE,
    )
    assert stage.run(f"{command} --exclude Secret/*/*", capfd) == 0, stage.said + stage.err
    assert stage.run(f"{command} --allow-extra", capfd) == 1
