"""One control plane: etcd, kube-apiserver and, when wanted, controller-manager, scheduler and kwok, on 127.0.0.1 only.

    with ControlPlane().start(with_kwok=True, tokens=["reader"]) as plane:
        plane.client().create({...})            # as admin, of the group system:masters
        plane.client("reader").list("v1", "Pod")  # 403 until a test binds a role to the user "reader"

Everything it writes is in one folder, which the keeper (keeper.py) removes when this process stops it or dies.
"""

import base64
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import urllib3

from rig import assets, flags, leaks, pki
from rig.assets import Assets
from rig.http import ApiError, Client

ADMIN = "admin"
PREFIX = "gke2eks-rig-"  # of the folder, and so in the arguments of every process: what a search for leaks looks for
USERS_OWN_LOGS = "GKE2EKS_RIG_LOGS"  # a folder; logs are copied there before they go

Token = str | tuple[str, Sequence[str]]


class ControlPlaneError(Exception):
    """It did not start, or a part of it ended; the text holds the end of that part's log."""


class ControlPlane:
    """`url` is https://127.0.0.1:<port>, `ca` the PEM file to trust, `folder` where all of this instance lies."""

    def __init__(self, found: Assets | None = None):
        self.found = found
        self.folder = Path()
        self.url = ""
        self.tokens: dict[str, str] = {}
        self.pids: dict[str, int] = {}  # program: process id, of what runs
        self.keeper: subprocess.Popen[bytes] | None = None
        self.pending = b""
        self.clients: list[Client] = []

    def start(
        self,
        with_controllers: bool = True,
        with_kwok: bool = False,
        tokens: Iterable[Token] = (),
        stages: Sequence[Path] | None = None,
        timeout: float = 60,
    ) -> Self:
        """Starts, and returns when `/readyz` says ok and, with controllers, pods may be created in `default`.

        `tokens`: users beside admin, as "name" or ("name", ["group", …]); they may do nothing until RBAC says so.
        `stages`: Stage files for kwok instead of its own three sets. Nothing is left when this raises.
        """
        if self.keeper is not None:
            raise ControlPlaneError("this control plane runs already")
        self.found = self.found or assets.find()
        if self.found is None:
            raise ControlPlaneError(assets.why_not())
        deadline = time.monotonic() + timeout
        self.folder, self.pending = Path(), b""
        try:
            self._open_folder(deadline)
            pki.write(self.folder)
            with socket.socket() as reserved:
                # The kernel gives the port, and it stays ours: bound but not listening, shared with the server by
                # SO_REUSEPORT (--permit-port-sharing). Closing it first would let another process take it.
                reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                reserved.bind(("127.0.0.1", 0))
                port = reserved.getsockname()[1]
                self.url = f"https://127.0.0.1:{port}"
                self._write_users(tokens)
                self._launch("etcd", flags.etcd(), deadline)
                self._launch("kube-apiserver", flags.apiserver(port, with_controllers), deadline)
                self._wait(lambda client: client.raw("GET", "/readyz") == "ok", deadline)
            if with_controllers:
                self._launch("kube-controller-manager", flags.controller_manager(self.kubeconfig()), deadline)
                self._launch("kube-scheduler", flags.scheduler(self.kubeconfig()), deadline)
            if with_kwok:
                files = self.found.stages() if stages is None else list(stages)
                self._launch("kwok", flags.kwok(self.kubeconfig(), files), deadline)
            if with_controllers:
                self._wait(lambda client: bool(client.get("v1", "ServiceAccount", "default", "default")), deadline)
        except BaseException:  # KeyboardInterrupt, too
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends every process and removes the folder. May be called again, and from any state."""
        keeper, self.keeper = self.keeper, None
        for client in self.clients:
            client.close()
        self.clients.clear()
        if keeper is None:
            return
        self._save_logs()
        for stream in (keeper.stdin, keeper.stdout):
            if stream is not None:
                stream.close()
        try:
            keeper.wait(timeout=20)
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait()
        if keeper.returncode:  # it was killed itself; its children are still in its group where they outlive it
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(keeper.pid, signal.SIGKILL)
            self._await_orphans(time.monotonic() + 10)
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)
        self.pids.clear()

    def __enter__(self) -> Self:
        return self if self.keeper is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    def token(self, user: str = ADMIN) -> str:
        """The user's bearer token: random, of this instance. KeyError for a user that `start` was not told of."""
        return self.tokens[user]

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """A kubeconfig file that needs no other file. KeyError for a user that `start` was not told of."""
        token = self.token(user)
        path = self.folder / f"kubeconfig-{list(self.tokens).index(user)}.json"
        if not path.exists():
            ca = base64.b64encode(self.ca.read_bytes()).decode()
            config = {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "rig",
                "clusters": [{"name": "rig", "cluster": {"server": self.url, "certificate-authority-data": ca}}],
                "users": [{"name": user, "user": {"token": token}}],
                "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": user}}],
            }
            write_private(path, json.dumps(config, indent=1))
        return path

    def client(self, user: str = ADMIN, timeout: float = 30) -> Client:
        """A client of that user, closed when the control plane stops."""
        client = Client(self.url, self.ca, self.token(user), timeout)
        self.clients.append(client)
        return client

    def kubectl(self, *arguments: str, user: str = ADMIN, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs kubectl as that user, with a home of its own, so that nobody's caches and settings matter."""
        assert self.found is not None
        command = [str(self.found.path("kubectl")), "--kubeconfig", str(self.kubeconfig(user)), *arguments]
        home = {"HOME": str(self.folder), "PATH": os.environ.get("PATH", "")}
        return subprocess.run(command, env=home, input=stdin, capture_output=True, text=True, timeout=120)

    def log(self, program: str) -> str:
        """What the program has printed so far; empty when it was not started."""
        path = self.folder / "logs" / f"{program}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _open_folder(self, deadline: float) -> None:
        command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py")), str(os.getpid()), PREFIX]
        # A session of its own: Ctrl-C in a terminal reaches this process only, which then stops the keeper.
        self.keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self.folder = Path(self._hear(deadline)["folder"])
        (self.folder / "logs").mkdir()

    def _write_users(self, tokens: Iterable[Token]) -> None:
        users = {ADMIN: ["system:masters"]}
        for token in tokens:
            name, groups = (token, ()) if isinstance(token, str) else token
            users[name] = list(groups)
        self.tokens = {name: secrets.token_urlsafe(24) for name in users}
        lines = [f'{self.tokens[name]},{name},{name},"{",".join(groups)}"' for name, groups in users.items()]
        write_private(self.folder / "tokens.csv", "\n".join(lines) + "\n")

    def _launch(self, program: str, arguments: list[str], deadline: float) -> None:
        assert self.keeper is not None and self.keeper.stdin is not None and self.found is not None
        argv = [str(self.found.path(program)), *(word.replace("{folder}", str(self.folder)) for word in arguments)]
        order = {"name": program, "argv": argv, "log": str(self.folder / "logs" / f"{program}.log")}
        self.keeper.stdin.write(json.dumps(order).encode() + b"\n")
        self.keeper.stdin.flush()
        while "started" not in (said := self._hear(deadline)):
            self._complain(said)
        self.pids[program] = said["pid"]

    def _hear(self, deadline: float) -> dict[str, Any]:
        """The keeper's next line; waits for it until the deadline."""
        assert self.keeper is not None and self.keeper.stdout is not None
        while b"\n" not in self.pending:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self.keeper.stdout], [], [], left)
            if not ready:
                raise ControlPlaneError("the keeper of the control plane says nothing")
            data = os.read(self.keeper.stdout.fileno(), 65536)
            if not data:
                raise ControlPlaneError("the keeper of the control plane ended")
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def _complain(self, said: dict[str, Any]) -> None:
        program = said.get("exited") or said.get("failed") or "?"
        cause = said.get("error") or f"ended with code {said.get('code')}"
        raise ControlPlaneError(f"{program} {cause}\n{self.log(program)[-3000:]}")

    def check(self) -> None:
        """Raises ControlPlaneError when a program ended by itself since the last look."""
        assert self.keeper is not None and self.keeper.stdout is not None
        while b"\n" in self.pending or select.select([self.keeper.stdout], [], [], 0)[0]:
            self._complain(self._hear(time.monotonic()))

    def _wait(self, ready: Any, deadline: float) -> None:
        """Asks every 50 ms until `ready(client)` is true; an answer that is no yes is the error when time is up."""
        client, last = Client(self.url, self.ca, self.token(), 5), "no answer"
        try:
            while True:
                self.check()
                try:
                    if ready(client):
                        return
                except (urllib3.exceptions.HTTPError, ApiError) as error:
                    last = str(error)
                if time.monotonic() > deadline:
                    raise ControlPlaneError(f"not ready in time: {last[-500:]}\n{self.log('kube-apiserver')[-3000:]}")
                time.sleep(0.05)
        finally:
            client.close()

    def _await_orphans(self, deadline: float) -> None:
        """Waits until programs that we cannot reap are dead: a dying one still writes files and holds its port."""
        while any(map(leaks.alive, self.pids.values())) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _save_logs(self) -> None:
        target = os.environ.get(USERS_OWN_LOGS)
        if target and (self.folder / "logs").is_dir():
            shutil.copytree(self.folder / "logs", Path(target) / self.folder.name, dirs_exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
