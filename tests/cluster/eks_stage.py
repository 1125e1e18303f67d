"""A stage for the commands with --eks: AWS is a fake, the cluster a real control plane that checks their tokens.

The command runs as a process of its own, whose only credentials are variables of its environment. `Stage.run` looks
for what must never be seen in all that it printed and kept, and in the arguments of every process it started.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pty
import re
import select
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aws_fake import KEY, NAME, SECRET, SESSION, WHO, FakeAws, review
from rig import flags
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.faults import Faults, Proxy, Rule

WRITES = ("POST", "PUT", "PATCH", "DELETE")
_PATIENCE = 120.0
_NEVER = (SECRET, SESSION, "canary", KEY, "k8s-aws-v1.", "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token")
_RUN = [sys.executable, "-m", "migrate.cli"]


class Authenticator:
    """The webhook that the API server asks about tokens, as that of EKS: it knows who signed for the cluster prod.

    `ended` are session tokens that AWS does not know any more. `tokens` are those that were taken, once each.
    """

    def __init__(self) -> None:
        self.ended: set[str] = set()
        self.tokens: dict[str, None] = {}
        self.refused: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = outer._judged(asked["spec"]["token"])
                data = json.dumps({"apiVersion": asked["apiVersion"], "kind": "TokenReview", "status": status}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/authenticate"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _judged(self, token: str) -> dict[str, Any]:
        try:
            found = review(token, "prod", hosts=("sts.us-east-2.amazonaws.com",))
            assert found["X-Amz-Security-Token"] not in self.ended, "the session ended"
        except AssertionError as wrong:
            self.refused.append(str(wrong))
            return {"authenticated": False, "error": str(wrong)}
        self.tokens[token] = None
        return {"authenticated": True, "user": {"username": WHO, "uid": "AROAFAKE"}}


@contextlib.contextmanager
def control_plane(assets: Assets, folder: Path, judge: Authenticator) -> Iterator[ControlPlane]:
    """A control plane that asks the authenticator, and lets its people do everything."""
    config = folder / "webhook.json"
    webhook = {"name": "eks", "cluster": {"server": judge.url}}
    context = {"name": "eks", "context": {"cluster": "eks", "user": "eks"}}
    config.write_text(json.dumps({"clusters": [webhook], "contexts": [context], "current-context": "eks"}))
    more = [f"--authentication-token-webhook-config-file={config}", "--authentication-token-webhook-version=v1"]
    usual = flags.apiserver
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flags, "apiserver", lambda port, controllers: usual(port, controllers) + more)
        started = ControlPlane(assets).start(with_kwok=True)
    with started as plane:
        rights = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        user = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": WHO}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding"}
        plane.client().create(binding | {"metadata": {"name": "ann"}, "roleRef": rights, "subjects": [user]})
        yield plane


def reach(aws: FakeAws, proxy: Proxy, plane: ControlPlane, **other: Any) -> None:
    """AWS says that the cluster prod is behind this proxy. `other`: fields of what DescribeCluster says."""
    data = base64.b64encode(plane.ca.read_bytes()).decode()
    aws.change(endpoint=proxy.url, certificateAuthority={"data": data}, **other)


@dataclass
class Stage:
    """`home` is the working folder, with the workspace `out` and ~/.kube/config."""

    home: Path
    aws: FakeAws
    proxy: Proxy
    plane: ControlPlane
    judge: Authenticator
    environment: dict[str, str] = field(default_factory=dict)
    never: Sequence[str] = _NEVER
    said: str = ""  # what was printed last, without the breaks of its lines

    def __post_init__(self) -> None:
        names = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(self.home / "state"), "COLUMNS": "100"}
        self.environment |= self.aws.environment(self.home) | names

    def run(self, command: str, *, typed: str | None = None, start: Sequence[str] = _RUN) -> int:
        """Run it to its end with --debug: the exit code. `typed`: at a terminal, what a person types when asked."""
        words = [*start, "--debug", *shlex.split(command)[1:]]
        where: dict[str, Any] = {"cwd": self.home, "env": self.environment}
        if typed is None:
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            with subprocess.Popen(words, **where, **streams) as process:
                assert process.stdout is not None
                printed = self._hear(process, process.stdout.fileno(), None)
        else:
            ours, theirs = pty.openpty()
            with subprocess.Popen(words, **where, stdin=theirs, stdout=theirs, stderr=theirs) as process:
                os.close(theirs)
                printed = self._hear(process, ours, typed)
            os.close(ours)
        self._look(printed, *(path.read_bytes() for path in self.home.rglob("*") if path.is_file()))
        self.said = " ".join(re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", printed).decode().split())
        return process.returncode

    def writes(self, *, done: bool = True) -> list[str]:
        """Paths of the requests since the last look that wrote; without `done` also those that were turned away."""
        found = [one for one in self.proxy.log if one.method in WRITES and "dryRun" not in one.path]
        return [
            one.path.partition("?")[0]
            for one in found
            if "/apis/authorization.k8s.io/" not in one.path and not (done and one.fault.startswith("unauthorized"))
        ]

    def faults(self, *rules: Rule) -> None:
        """What the proxy does from now on; what it wrote down so far is forgotten."""
        self.proxy.faults = Faults(rules=list(rules))

    def journal(self) -> list[dict[str, Any]]:
        file = self.home / "out" / "journal.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def _hear(self, process: subprocess.Popen[bytes], stream: int, typed: str | None) -> bytes:
        """All that it prints; its children's arguments are looked at meanwhile."""
        printed, late = b"", time.monotonic() + _PATIENCE
        while time.monotonic() < late:
            self._look(*_arguments(process.pid))
            if not select.select([stream], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(stream, 65536)
            except OSError:  # the other side of a terminal is gone
                data = b""
            if not data:
                process.wait(10)
                return printed
            printed += data
            if typed is not None and b"to go on: " in printed:
                os.write(stream, f"{typed}\n".encode())
                typed = None
        process.kill()
        raise AssertionError(f"it did not end: {printed.decode()}")

    def _look(self, *texts: bytes) -> None:
        for text in texts:
            for one in self.never:
                for form in (one.encode(), base64.b64encode(one.encode()).rstrip(b"=")[:-1]):
                    assert form not in text, f"{one} was seen"


def _arguments(pid: int) -> Iterator[bytes]:
    """The command lines of a process and its children."""
    with contextlib.suppress(OSError):
        yield Path(f"/proc/{pid}/cmdline").read_bytes()
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _arguments(int(child))


__all__ = ["NAME", "Authenticator", "Stage", "control_plane", "reach"]
