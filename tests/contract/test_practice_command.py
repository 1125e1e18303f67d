"""The command `gke2eks practice`: what it prints, writes and refuses, and that real clients can use it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from rig.assets import find

from contract.client import Client
from contract.servers import deployment


@pytest.fixture
def running(tmp_path: Path, repo: Path) -> Iterator[tuple[subprocess.Popen, Client, Path]]:
    config = tmp_path / "kube.yaml"
    command = [sys.executable, "-m", "migrate.cli", "practice", "--kubeconfig", str(config)]
    command += ["--from", str(repo / "examples" / "gke-cluster.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(6)]
    assert any("kubectl get namespaces" in line for line in said), said
    url = yaml.safe_load(config.read_text())["clusters"][0]["cluster"]["server"]
    yield process, Client(url), config
    process.kill()
    process.communicate()


def test_the_command_serves_the_example(running: tuple[subprocess.Popen, Client, Path]) -> None:
    process, client, config = running
    written = yaml.safe_load(config.read_text())
    assert written["users"] == [{"name": "practice", "user": {}}]
    assert urlsplit(written["clusters"][0]["cluster"]["server"]).hostname == "127.0.0.1"
    found = {one["metadata"]["name"] for one in client.read("/apis/apps/v1/deployments").body["items"]}
    assert "api" in found
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert not config.exists()


def test_the_official_client_can_use_it(running: tuple[subprocess.Popen, Client, Path]) -> None:
    from kubernetes import config, dynamic

    api = config.new_client_from_config(str(running[2]))
    found = dynamic.DynamicClient(api)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "by-client"}}
    namespaces = found.resources.get(api_version="v1", kind="Namespace")
    namespaces.server_side_apply(body, field_manager="test")
    assert "by-client" in [one.metadata.name for one in namespaces.get().items]


def test_kubectl_can_use_it(running: tuple[subprocess.Popen, Client, Path], tmp_path: Path) -> None:
    found = find()
    if found is None:
        pytest.skip("needs kubectl of the cluster tools")
    (tmp_path / "a.yaml").write_text(json.dumps(deployment("d", replicas=2)))

    def kubectl(*words: str) -> str:
        command = [str(found.path("kubectl")), "--kubeconfig", str(running[2]), *words]
        environment = {**os.environ, "HOME": str(tmp_path)}  # its cache of discovery
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "serverside-applied" in kubectl("apply", "--server-side", "--validate=false", "-n", "app", "-f", "a.yaml")
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/d", "-n", "app", "--timeout=20s")
    assert "deployments" in kubectl("api-resources")
    assert "deleted" in kubectl("delete", "deploy", "d", "-n", "app")


def command(*words: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "migrate.cli", "practice", *words], capture_output=True, text=True, cwd=cwd, timeout=60
    )
    return done.returncode, done.stderr


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    code, said = command("--from", "absent.yaml", cwd=tmp_path)
    assert code == 3
    assert "absent.yaml" in said and "next:" in said
    assert not list(tmp_path.iterdir())


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = command("--port", port, cwd=tmp_path)
    assert code == 3
    assert f"port {port} cannot be used" in said


def test_a_kubeconfig_of_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("clusters: []\n")
    code, said = command("--kubeconfig", "config", cwd=tmp_path)
    assert code == 3
    assert "is there already and is not ours" in said
    assert (tmp_path / "config").read_text() == "clusters: []\n"
    code, said = command("--kubeconfig", "absent/config", cwd=tmp_path)
    assert (code, "cannot be written" in said) == (3, True)
