"""A source and a target, both real, and the command line between them: what a person has who moves a cluster."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from apply_real import Commands, Ended, before, through, writes
from holding_help import with_a_node
from rig.assets import Assets
from rig.controlplane import ControlPlane, write_private
from rig.faults import Entry, Faults, Proxy
from rig.http import Client
from rig.shapes import gke
from rig.shapes.provisioner import Provisioner

CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard-rwo"},
    "provisioner": "pd.csi.storage.gke.io",
    "parameters": {"type": "pd-balanced"},
    "volumeBindingMode": "Immediate",
}


@dataclass(slots=True)
class Move:
    """`old` and `new` are the admins of both; `run` is gke2eks, in processes of its own."""

    source: ControlPlane
    target: ControlPlane
    proxy: Proxy
    run: Commands
    folder: Path
    old: Client
    new: Client

    @property
    def source_config(self) -> Path:
        return self.folder / "source.json"

    @property
    def target_config(self) -> Path:
        return self.folder / "target.json"

    def workspace(self, name: str) -> Path:
        return self.folder / name

    def export(self, name: str) -> None:
        """Read one namespace of the source, and plan it."""
        names = ("--context", "source", "--kubeconfig", self.source_config)
        done = self.run("export", "-w", self.workspace(name), *names, "-n", name)
        assert done.exit in (0, 1), done.out
        self.plan(name)

    def plan(self, name: str, answers: str = "") -> None:
        if answers:
            with (self.workspace(name) / "gke2eks.yaml").open("a") as file:
                file.write(answers)
        done = self.run("plan", "-w", self.workspace(name))
        assert done.exit in (0, 1), done.out

    def names(self, name: str, *, source: str = "source") -> list[str]:
        target = ["--context", "rig", "--kubeconfig", str(self.target_config)]
        config = self.source_config if source == "source" else self.target_config
        return [
            "-w",
            str(self.workspace(name)),
            *target,
            "--source-context",
            source,
            "--source-kubeconfig",
            str(config),
        ]

    def go(self, command: str, name: str, *more: str, source: str = "source") -> Ended:
        """Run a command on the target, without a question; the proxy's log is about this command only."""
        self.proxy.faults = Faults()
        words = [] if command == "preflight" else ["--yes", "--wait", "none"]
        return self.run(command, *self.names(name, source=source), *words, *more)

    def written(self) -> list[Entry]:
        return writes(self.proxy)

    def obey(self, line: str) -> None:
        """Type a kubectl command as it was printed."""
        assert line.startswith("kubectl "), line
        path = f"{self.kubectl.parent}:{os.environ['PATH']}"
        shell = ["/bin/sh", "-c", line]
        home = {"PATH": path, "HOME": str(self.folder)}  # without a home kubectl keeps its cache where it is started
        done = subprocess.run(shell, env=home, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (line, done.stderr)

    @property
    def kubectl(self) -> Path:
        assert self.source.found is not None
        return self.source.found.path("kubectl")

    def typed(self, name: str, text: str) -> tuple[int, str]:
        """Apply in a terminal where somebody types this at the question; exit code and all that was shown."""
        self.proxy.faults = Faults()
        mine, theirs = pty.openpty()
        line = [sys.executable, "-c", "from migrate.cli import main; main()", "apply", *self.names(name)]
        home = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "TERM": "dumb"}
        child = subprocess.Popen([*line, "--wait", "none"], stdin=theirs, stdout=theirs, stderr=theirs, env=home)
        os.close(theirs)
        shown = b""
        try:
            while b" to go on: " not in shown:
                shown += os.read(mine, 4096)
            os.write(mine, text.encode() + b"\n")
            while chunk := os.read(mine, 4096):
                shown += chunk
        except OSError:  # the other end has closed: that is how a terminal ends
            pass
        finally:
            os.close(mine)
        return child.wait(60), shown.decode(errors="replace")


def flat(text: str) -> str:
    """A page as one line: it is broken where the terminal ends."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def move(assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    folder = tmp_path_factory.mktemp("move")
    with (
        ControlPlane(assets).start(with_kwok=True) as source,
        ControlPlane(assets).start(with_kwok=True) as target,
        before(target) as proxy,
        Commands(folder) as run,
        Provisioner(source.client(), gke.PLACE),
    ):
        with_a_node(source).create(CLASS)
        with_a_node(target)
        config = json.loads(source.kubeconfig().read_text())
        config["contexts"][0]["name"] = config["current-context"] = "source"
        write_private(folder / "source.json", json.dumps(config))
        through(target, proxy, folder / "target.json")
        yield Move(source, target, proxy, run, folder, source.client(), target.client())
