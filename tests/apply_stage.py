"""A stage for apply: a home folder with a kubeconfig, a plan made of a file, the real command, and what it printed.

Every run carries a Secret whose value must never be seen: `Stage.told` looks for it in all that was printed and kept.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_secret_file import CANARY, forms

from migrate.cli.main import main

Json = dict[str, Any]
TOKEN = "no-such-token-5d1f"
# The command stands in a sandbox of its own: nothing of the machine's may be found by it.
NAMES = ("kube", "google_", "cloudsdk", "aws_", "https_proxy", "http_proxy", "all_proxy", "gke2eks")


def obj(kind: str, name: str, space: str = "", version: str = "v1", /, **more: Any) -> Json:
    """One object; what is not given in `more` is not there."""
    meta = {"name": name} | ({"namespace": space} if space else {}) | more.pop("metadata", {})
    return {"apiVersion": version, "kind": kind, "metadata": meta, **more}


def secret(space: str, name: str = "login") -> Json:
    return obj("Secret", name, space, type="Opaque", data={"password": base64.b64encode(CANARY.encode()).decode()})


def deployment(space: str, name: str = "web", replicas: int = 1, **pod: Any) -> Json:
    spec = {"containers": [{"name": "web", "image": "example.com/web:1"}], **pod}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    labels = {"matchLabels": {"app": name}}
    return obj(
        "Deployment", name, space, "apps/v1", spec={"replicas": replicas, "selector": labels, "template": template}
    )


def service(space: str, name: str = "web") -> Json:
    return obj("Service", name, space, spec={"selector": {"app": name}, "ports": [{"port": 80}]})


BEGUN = "created 5   not yet tried 9"  # how far a run was when something ended it
# What differs between two runs, and how it stands in the page.
STEADY: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"127\.0\.0\.1:\d+", "203.0.113.10"),
    (r"sha256:[0-9a-f]{4} [0-9a-f]{4} [0-9a-f]{4}", "sha256:7c1e 09b2 44d8"),
    (r"the plan was sha256:7c1e 09b2 44d8", "the plan was sha256:c0c0 e76e 5d0a"),
    (r"\buid [0-9a-f]{8}", "uid 4f6a21c0"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-02T03:04:05Z"),
    (r"\d+ [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC", "2 Jan 2026, 03:04 UTC"),
    (r"\bprocess \d+ on [^\s,]+", "process 4711 on laptop"),
    (r"(-[0-9a-f]{8,10})-[a-z0-9]{5}\b", r"\1-x2k4p"),
    (r"(?m) {2}\d+ s$", lambda found: f"{'2 s':>{len(found[0])}}"),
    (r"(?m)^( {6,8}) ?\d+ s(?=  )", r"\g<1>2 s"),
    (
        r"created \d+   not yet tried (\d+) *(?= journal)",
        lambda found: f"{'created 5   not yet tried 9':<{len(found[0])}}",
    ),
    (r"settings-\d\d", "settings-05"),
    (r"(?<=after )\d+ s(?= it still)", "3 s"),
)


def steady(text: str) -> str:
    """The text without what differs between two runs."""
    for pattern, stands in STEADY:
        text = re.sub(pattern, stands, text)
    return text


@dataclass
class Stage:
    """`home` is the working folder, with the workspace `out` and ~/.kube/config; `source` has the values."""

    home: Path
    target: Mapping[str, Any]  # a cluster of a kubeconfig: server and CA
    user: Mapping[str, Any]
    source: str = ""
    said: str = field(default="", repr=False)
    err: str = field(default="", repr=False)
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    canaries: Sequence[bytes] = field(default_factory=lambda: (*forms(), CANARY[:12].encode(), TOKEN.encode()))

    def __post_init__(self) -> None:
        self.kubeconfig()

    def kubeconfig(self, target: Mapping[str, Any] | None = None, user: Mapping[str, Any] | None = None) -> None:
        """Write ~/.kube/config with the contexts prod, of the target, and gke, of the source."""
        rows = {"prod": (target or self.target, user or self.user), "gke": ({"server": self.source}, {})}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": dict(row[0])} for name, row in rows.items()],
            "users": [{"name": name, "user": dict(row[1])} for name, row in rows.items()],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in rows],
        }
        (self.home / ".kube").mkdir(exist_ok=True)
        (self.home / ".kube" / "config").write_text(json.dumps(config))

    def plan(self, *bodies: Json, options: str = "") -> None:
        """Plan these objects; the file with the values stays outside of the workspace."""
        (self.home / "cluster.yaml").write_text(yaml.safe_dump_all(bodies))
        code, said = self.quiet(f"gke2eks plan --from cluster.yaml -w out {options}")
        assert code in (0, 1), said

    def quiet(self, command: str) -> tuple[int, str]:
        """Run it in this process, without a word: exit code, and all it printed."""
        with pytest.MonkeyPatch.context() as patch:
            printed: list[str] = []
            patch.setattr("click.echo", lambda message=None, **_: printed.append(str(message)))
            with pytest.raises(SystemExit) as ended:
                main(shlex.split(command)[1:])
        return int(str(ended.value.code or 0)), "\n".join(printed)

    def run(self, command: str, capfd: pytest.CaptureFixture[str]) -> int:
        """Run it in this process with --debug, which must not tell more of a Secret: the exit code."""
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--debug", *shlex.split(command)[1:]])
        caught = capfd.readouterr()
        self.told(caught.out, caught.err)
        return int(str(ended.value.code or 0))

    def start(self, command: str, **options: Any) -> subprocess.Popen[str]:
        """Run it as a process of its own."""
        words = [sys.executable, "-m", "migrate.cli", "--debug", *shlex.split(command)[1:]]
        both: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.started.append(subprocess.Popen(words, cwd=self.home, **{**both, **options}))
        return self.started[-1]

    def ends(self, process: subprocess.Popen[str], seconds: float = 60) -> int:
        """Wait for a process: its exit code."""
        out, err = process.communicate(timeout=seconds)
        self.told(out, err)
        return process.returncode

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.started:
            process.kill()
            process.communicate()

    def told(self, out: str, err: str) -> None:
        """Keep what was printed, and look for what must not be there."""
        self.said, self.err = (steady(text.replace(str(self.home), "/home/ana")) for text in (out, err))
        assert "Traceback" not in out + err, out + err
        kept = [path.read_bytes() for path in (self.home / "out").rglob("*") if path.is_file()]
        assert kept or not (self.home / "out").exists()
        for text in (out.encode(), err.encode(), *kept):
            assert not [one for one in self.canaries if one in text]

    def journal(self) -> list[Json]:
        """The lines of the journal so far."""
        file = self.home / "out" / "journal.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def alone(home: Path, patch: pytest.MonkeyPatch) -> None:
    """Stand in an empty home folder, with nothing of the machine's about."""
    for name in list(os.environ):
        if name.lower().startswith(NAMES):
            patch.delenv(name)
    for name, value in (("HOME", str(home)), ("XDG_STATE_HOME", str(home / "state")), ("PYTHONUNBUFFERED", "1")):
        patch.setenv(name, value)
    patch.chdir(home)


@dataclass(frozen=True)
class Shown:
    """One piece of docs/apply.md: the block below the heading `title`."""

    title: str
    command: str
    code: int
    text: str

    def block(self) -> str:
        return f"```\n$ {self.command}\n{self.text}```\nExit code {self.code}.\n"


def agree(page: Path, shown: Shown, *, write: bool) -> None:
    """The page shows this. With `write` it is made so."""
    text = page.read_text("utf-8")
    found = re.search(
        rf"(?ms)^### {re.escape(shown.title)}\n(?:(?!^#|^```).*?\n)*?(```\n.*?^```\nExit code \d+\.\n)", text
    )
    assert found, f"{page.name} has no block below '### {shown.title}'"
    if write:
        page.write_text(text[: found.start(1)] + shown.block() + text[found.end(1) :], "utf-8")
        return
    assert found[1] == shown.block(), f"{shown.title}:\n{shown.block()}"
