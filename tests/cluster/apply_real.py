"""What tests of apply on real control planes share: the command line as processes that die, and the target's state."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3
from rig.controlplane import ControlPlane, write_private
from rig.faults import Action, Entry, Proxy
from rig.faults.exchange import Exchange
from rig.http import ApiError, Client, Json

CHILD = Path(__file__).parent.parent / "apply_kill_child.py"
CHANGES = r"^(?!.*[?&]dryRun=)(?!/apis/authorization)"  # targets of requests that change something
WRITES = "PATCH|POST|PUT|DELETE"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `ticks`: how many write boundaries of the journal it passed; 0 when it was killed."""

    killed: bool
    exit: int
    ticks: int
    out: str


class Commands:
    """gke2eks, one command after the other, each in a process of its own; see apply_kill_child."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.pid, self._out = folder / "pid", folder / "out"
        home = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "PYTHONUNBUFFERED": "1"}
        self._driver = subprocess.Popen(
            [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=home
        )
        assert self._answer() == "ready\n"

    def __call__(self, *args: str | Path, die: int = 0) -> Ended:
        """Run one command. `die`: the write boundary of its journal at which it kills itself."""
        assert self._driver.stdin is not None
        order = {"args": [str(one) for one in args], "die": die, "pid": str(self.pid), "out": str(self._out)}
        self._driver.stdin.write(json.dumps(order) + "\n")
        self._driver.stdin.flush()
        return Ended(**json.loads(self._answer()), out=self._out.read_text(errors="replace"))

    def _answer(self) -> str:
        assert self._driver.stdout is not None
        return self._driver.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, sort: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        for stream in (self._driver.stdin, self._driver.stdout):
            assert stream is not None
            stream.close()
        self._driver.wait(30)


@dataclass(frozen=True)
class Kill(Action):
    """kill -9 of the client whose process id is in a file, before the server gets the request, or after it acted."""

    pid: Path
    late: bool

    def play(self, ex: Exchange) -> None:
        if self.late:
            ex.forward()
        with suppress(ProcessLookupError):
            os.kill(int(self.pid.read_text()), signal.SIGKILL)
        # Nothing is answered, and nothing of a request that came before is passed on.
        ex.connection.keep = False


def writes(proxy: Proxy) -> list[Entry]:
    """The requests of the present log that changed something, or wanted to."""
    return [one for one in proxy.log if re.fullmatch(WRITES, one.method) and re.search(CHANGES, one.path)]


def through(plane: ControlPlane, proxy: Proxy, path: Path, name: str = "rig") -> Path:
    """A kubeconfig of the control plane's admin whose way leads through the proxy."""
    config = json.loads(plane.kubeconfig().read_text())
    cluster = config["clusters"][0]["cluster"]
    cluster["server"] = proxy.url
    config["contexts"][0]["name"] = config["current-context"] = name
    write_private(path, json.dumps(config))
    return path


def before(plane: ControlPlane) -> Proxy:
    """A proxy before a control plane, with its certificate: whoever trusts the one trusts the other."""
    return Proxy(
        plane.url,
        upstream_ca=plane.ca,
        certificate=(plane.folder / "server.crt", plane.folder / "server.key"),
    )


class Replicas:
    """Watches all Deployments from now on. `seen`: {(namespace, name): each number that stood in spec.replicas}."""

    def __init__(self, client: Client, seconds: int = 900) -> None:
        self.seen: dict[tuple[str, str], list[int]] = {}
        self.errors: list[str] = []
        self._client, self._seconds, self._stop = client, seconds, threading.Event()
        self._begun = threading.Event()
        threading.Thread(target=self._watch, name="replicas", daemon=True).start()
        assert self._begun.wait(60)

    def _watch(self) -> None:
        version = self._client.raw("GET", "/apis/apps/v1/deployments", {"limit": 1})["metadata"]["resourceVersion"]
        self._begun.set()
        query = {"resourceVersion": version}
        try:
            for event, one in self._client.watch("apps/v1", "Deployment", seconds=self._seconds, **query):
                if event != "DELETED":
                    meta, number = one["metadata"], one["spec"]["replicas"]
                    found = self.seen.setdefault((meta["namespace"], meta["name"]), [])
                    found += [number] if found[-1:] != [number] else []
                if self._stop.is_set():
                    return
        except (ApiError, urllib3.exceptions.HTTPError, OSError, ValueError) as bad:
            if not self._stop.is_set():
                self.errors.append(str(bad))

    def stop(self) -> None:
        self._stop.set()


# What differs between two runs of the same plan for good reasons: who and when, and what controllers write.
_VARY = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink")
# Addresses and ports that a server gives, and the id of a claim's volume, are by chance.
_CHANCE = ("clusterIP", "clusterIPs", "healthCheckNodePort", "volumeName")


def projected(body: Json, rename: Callable[[str], str] = lambda text: text) -> Json:
    """An object without what differs between two runs, with who of us owns which fields; statuses are not ours."""
    meta = {key: value for key, value in body["metadata"].items() if key not in _VARY}
    owners = {
        f"{one['manager']} {one.get('subresource', '')}".strip(): one["fieldsV1"]
        for one in body["metadata"].get("managedFields", ())
        if one["manager"].startswith("gke2eks")
    }
    kept = {key: value for key, value in body.items() if key not in ("status", "metadata")}
    if isinstance(kept.get("spec"), dict):
        kept["spec"] = {key: value for key, value in kept["spec"].items() if key not in _CHANCE}
        for port in kept["spec"].get("ports") or () if body["kind"] == "Service" else ():
            port.pop("nodePort", None)
    whole = {**kept, "metadata": meta, "owners": owners}
    return json.loads(rename(json.dumps(whole, sort_keys=True)).replace(body["metadata"]["uid"], "UID"))


_BY_CONTROLLERS = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}


def ours(client: Client, kinds: Iterable[tuple[str, str]], namespace: str, named: Collection[str]) -> dict[str, Json]:
    """{kind and name: body} of what there is of these kinds in the namespace, and of those for the cluster by name.

    What controllers make in each namespace is left out.
    """
    found: dict[str, Json] = {}
    for version, kind in kinds:
        for body in client.list(version, kind, namespace):
            meta = body["metadata"]
            own = "namespace" in meta or meta["name"] in named
            if own and (kind, meta["name"]) not in _BY_CONTROLLERS:
                found[f"{kind} {meta['name']}"] = body
    return found


def differs(now: Any, then: Any, at: str = "") -> list[str]:
    """Where two states differ: paths, with both values."""
    if isinstance(now, dict) and isinstance(then, dict):
        keys = sorted(now.keys() | then.keys())
        return [one for key in keys for one in differs(now.get(key), then.get(key), f"{at}.{key}")]
    return [] if now == then else [f"{at[1:]}: {str(now)[:200]}, not {str(then)[:200]}"]


def results(ended: Ended) -> dict[str, Json]:
    """What came to each object, of a command with -o json; what went to stderr stands before and behind it."""
    at = 0 if ended.out.startswith("{") else ended.out.index("\n{\n") + 1
    document, _ = json.JSONDecoder().raw_decode(ended.out, at)
    return {
        f"{ref['kind']} {ref['namespace']}/{ref['name']}": one for one in document["results"] for ref in (one["ref"],)
    }
