"""`gke2eks access target` from end to end, on the practice cluster, which answers no question about rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from contract.servers import Server, practice
from contract.target_help import open_target

from migrate.cli.main import cli
from migrate.errors import Refused

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}, "data": {"k": "v"}}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from practice()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_text(json.dumps(CONFIG))
    done = CliRunner().invoke(cli, ["plan", "--from", str(tmp_path / "a.json"), "-w", str(tmp_path / "ws")])
    assert done.exit_code == 0, done.output
    return tmp_path / "ws"


def run(*args: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["access", "target", *map(str, args)])
    return done.exit_code, done.output


def test_from_the_plan_alone(workspace: Path) -> None:
    code, printed = run("-w", workspace)
    assert code == 0, printed
    assert "without asking a target" in printed and "nobody an admin" in printed
    kinds = [one["kind"] for one in yaml.safe_load_all(printed)]
    assert kinds == ["Namespace", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    code, printed = run("-w", workspace, "--exclude", "ConfigMap/*/*", "--cluster-wide")
    assert code == 0 and [one["kind"] for one in yaml.safe_load_all(printed)] == ["ClusterRole", "ClusterRoleBinding"]


def test_a_target_is_asked_what_it_serves(workspace: Path, server: Server, tmp_path: Path) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server.client.url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    code, printed = run("-w", workspace, "--context", "prod", "--kubeconfig", tmp_path / "config")
    assert code == 0, printed
    assert "asked of prod" in printed
    # What this server does not serve is not listed there.
    assert "nodeclasses" not in printed and "nodeclasses" in run("-w", workspace)[1]


def test_without_a_plan_it_says_so(tmp_path: Path) -> None:
    code, _ = run("-w", tmp_path / "none")
    assert code != 0


def test_a_target_without_reviews_says_no_to_the_question(server: Server) -> None:
    target = open_target(server.client.url)
    for ask in (lambda: target.may("get", "", "pods"), lambda: target.rules("default")):
        with pytest.raises(Refused, match="Review"):
            ask()
