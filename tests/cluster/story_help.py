"""The story of a move as a person types it: two control planes, a workspace, and the commands of the tool."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client, Json
from rig.services import Addresses
from rig.shapes import eks, gke
from rig.shapes.provisioner import Provisioner
from rig.shapes.restore import restore

_HIDDEN = re.compile(r'(?m)^( *)# ((?:\w+|"(?:[^"\\]|\\.)*"): "(?:[^"\\]|\\.)*")$')
_COMMENT = re.compile(r"(?m)^ *#.*\n")
_COPIED = "copied"  # what is said of every volume: a person moved its data


@dataclass
class Story:
    """`said` keeps what each command printed; `target_config` is who writes to the target."""

    source: ControlPlane
    target: ControlPlane
    folder: Path
    flavour: eks.Flavour
    target_config: Path
    said: dict[str, Any] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.folder / "out"

    def type(self, command: str, *args: str) -> tuple[int, str, str]:
        """Run a command of the tool, in a process of its own."""
        words = [command, *args[:1]] if command == "access" else [command]
        line = [sys.executable, "-m", "migrate.cli", *words, "-w", str(self.workspace), *args[len(words) - 1 :]]
        home = {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state"), "PATH": os.environ["PATH"]}
        begin = time.monotonic()
        done = subprocess.run(line, env=home, capture_output=True, text=True, check=False)
        name = " ".join([command, *(arg for arg in args if arg == "--hold")])
        self.took[name] = self.took.get(name, 0) + time.monotonic() - begin
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def on_both(self) -> tuple[str, ...]:
        to = ("--context", "rig", "--kubeconfig", str(self.target_config))
        return (*to, "--source-context", "rig", "--source-kubeconfig", str(self.source.kubeconfig()))

    def export(self) -> None:
        code, _, err = self.type("export", "--context", "rig", "--kubeconfig", str(self.source.kubeconfig()))
        assert code in (0, 1), err

    def plan(self) -> Json:
        """Plan until every question is answered by its own example: a second round answers what the first opened.

        The target gets nodes of the pools that the answers name."""
        answers: Json = {}
        for _ in range(4):
            code, out, err = self.type("plan", "--flavour", self.flavour, "--accept-incomplete", "-o", "json")
            assert code in (0, 1), (code, err, out[-500:])
            made: Json = json.loads(out)
            if not made["undecided"]:
                break
            _merge(answers, _examples((self.workspace / "gke2eks.undecided.yaml").read_text()))
            (self.workspace / "gke2eks.yaml").write_text(yaml.safe_dump(answers))
        assert made["undecided"] == []
        asked = answers.get("scheduling", {})
        named = {*asked.get("nodePools", {}).values(), *asked.get("computeClasses", {}).values()}
        eks.pools(self.target.client(), self.flavour, sorted(named))
        self.said["plan"] = made
        return made

    def run(self, command: str, *args: str) -> Json:
        """A command that asks the target; its document."""
        code, out, err = self.type(command, *self.on_both(), "-o", "json", *args)
        assert code in (0, 1), (code, err[-3000:])
        said: Json = json.loads(out)
        self.said.setdefault(command, []).append(said)
        return said

    def stop_what_runs(self, *args: str, patience: float = 60) -> list[str]:
        """Type what release prints until nothing is said to run on the source; the commands."""
        end = time.monotonic() + patience
        while True:
            said = self.run("release", "--yes", *args)
            running = [one for one in said["results"] if "on the source it" in one["message"]]
            lines = [line for one in running for line in one["fix"].splitlines() if line.startswith("kubectl ")]
            fresh = [line for line in dict.fromkeys(lines) if line not in self.typed]
            if not running:
                return self.typed
            assert time.monotonic() < end, running
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(self._obey, fresh))
            self.typed += fresh

    def _obey(self, line: str) -> None:
        """As a shell would read it; the kubeconfig that the line names, or that of the source."""
        words = shlex.split(line)[1:]
        assert self.source.found is not None
        home = {"HOME": str(self.folder), "KUBECONFIG": str(self.source.kubeconfig()), "PATH": ""}
        command = [str(self.source.found.path("kubectl")), *words]
        done = subprocess.run(command, env=home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (line, done.stderr)


@contextmanager
def two_clusters(assets: Assets, items: list[Json], flavour: eks.Flavour, folder: Path) -> Iterator[Story]:
    """A GKE-shaped source that runs the objects of a List, and an EKS-shaped target with room for them."""
    with (
        ControlPlane(assets).start(with_kwok=True) as source,
        ControlPlane(assets).start(with_kwok=True) as target,
        Addresses(source.client(), "gke"),
        Provisioner(source.client(), gke.PLACE),
        Addresses(target.client(), flavour),
        Provisioner(target.client(), eks.PLACE),
    ):
        gke.load(source.client(), user=False)
        refused = restore(source.client(), items)
        assert refused == {}
        eks.load(target.client(), flavour)
        eks.grow(target.client(), flavour)
        at_rest(lambda: _pods(source.client()))
        yield Story(source, target, folder, flavour, target.kubeconfig())


def at_rest(look: Callable[[], Any], quiet: float = 4, patience: float = 90) -> Any:
    """The answer that has not changed for `quiet` seconds."""
    end, since, last = time.monotonic() + patience, time.monotonic(), look()
    while time.monotonic() < min(end, since + quiet):
        time.sleep(0.25)
        now = look()
        if now != last:
            since, last = time.monotonic(), now
    return last


def _pods(client: Client) -> set[tuple[str, str, str]]:
    found = client.list("v1", "Pod")
    return {(p["metadata"]["namespace"], p["metadata"]["name"], p["status"].get("phase", "")) for p in found}


def _examples(text: str) -> Json:
    """The examples of gke2eks.undecided.yaml, also those behind a comment sign; of volumes a word of our own."""
    found: Json = yaml.safe_load(_COMMENT.sub("", _HIDDEN.sub(r"\1\2", text))) or {}
    found.update({"volumes": dict.fromkeys(found["volumes"], _COPIED)} if found.get("volumes") else {})
    return found


def _merge(into: Json, more: Json) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
