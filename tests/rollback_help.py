"""What tests of rollback share: a life of one workspace against a server, and what is on that server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apply_help import TODAY, Watched, plan_of
from contract.target_help import as_client
from rig.http import ApiError, Client, Json

from migrate.cluster.pace import Pace
from migrate.cluster.port import Target
from migrate.flow import apply, release, rollback
from migrate.flow.rollback import Ready
from migrate.flow.run import Wait
from migrate.model.ran import Report
from migrate.model.undone import UndoReport

_VARY = ("resourceVersion", "generation", "managedFields")


@dataclass
class Life:
    """One workspace, one target. `space` is a namespace name of its own."""

    client: Client
    folder: Path
    space: str
    source: Any = None
    pace: int = 1  # tries each of so many moments to die at
    ws: Path = field(init=False)
    target: Any = field(init=False)

    def __post_init__(self) -> None:
        self.ws = self.folder / f"w-{self.space}"
        self.key = self.folder / "key"
        self.key.write_bytes(b"k" * 32)
        self.target = as_client(self.client, pace=Pace(rate=1000, burst=1000))

    def plan(self, *bodies: Json) -> None:
        plan_of(bodies, self.ws)

    def on_source(self, *bodies: Json) -> None:
        for body in bodies:
            self.source.apply(body)

    def apply(self, *, target: Target | None = None, **options: Any) -> Report:
        return self._run(apply.prepare, target, **options)

    def release(self, *, target: Target | None = None, **options: Any) -> Report:
        return self._run(release.prepare, target, source_stopped=True, **options)

    def _run(self, prepare: Callable[..., Any], target: Target | None, **options: Any) -> Report:
        target, source = target or self.target, options.pop("source", self.source)
        with prepare(target, self.ws, today=TODAY, hash_key_file=self.key, source=source, **options) as ready:
            found: Report = ready.run(wait=Wait.NONE, ready_timeout=60, watcher=Watched(), stop=threading.Event())
            return found

    def look(self, target: Target | None = None, **options: Any) -> Ready:
        return rollback.prepare(target or self.target, self.ws, hash_key_file=self.key, **options)

    def rollback(self, target: Target | None = None, **options: Any) -> UndoReport:
        with self.look(target, **options) as ready:
            return ready.run(patience=60, watcher=Watched(), stop=threading.Event())

    def get(self, version: str, kind: str, name: str) -> Json | None:
        try:
            return self.client.get(version, kind, name, self.space)
        except ApiError as no:
            assert no.status == 404, no
            return None


def obj(kind: str, name: str, space: str = "", version: str = "v1", /, **more: Any) -> Json:
    meta = {"name": name} | ({"namespace": space} if space else {}) | more.pop("metadata", {})
    return {"apiVersion": version, "kind": kind, "metadata": meta, **more}


def deployment(space: str, name: str = "web", replicas: int | None = 1, **template: Any) -> Json:
    spec = {"containers": [{"name": "web", "image": "example.com/web:1"}], **template}
    said = {} if replicas is None else {"replicas": replicas}
    pods = {"metadata": {"labels": {"app": name}}, "spec": spec}
    return obj(
        "Deployment",
        name,
        space,
        "apps/v1",
        spec={**said, "selector": {"matchLabels": {"app": name}}, "template": pods},
    )


def state(body: Json | None) -> Json | None:
    """An object as far as a rollback must bring it back, with its owners; what controllers say of it does not count."""
    if body is None:
        return None
    meta = {key: value for key, value in body["metadata"].items() if key not in _VARY}
    meta["annotations"] = {
        key: value for key, value in (meta.get("annotations") or {}).items() if not key.startswith("deployment.k")
    }
    owners = sorted(
        (one["manager"], one["operation"], json.dumps(one["fieldsV1"], sort_keys=True))
        for one in body["metadata"].get("managedFields", ())
        if not one.get("subresource")
    )
    return {**{key: value for key, value in body.items() if key != "status"}, "metadata": meta, "owners": owners}


def actions(report: UndoReport | Report) -> dict[str, str]:
    return {one.ref.short: one.action.value for one in report.results}


def fates(ready: Ready) -> dict[str, str]:
    with ready:
        return {one.ref.short: one.fate.value for one in ready.undos}


def messages(report: UndoReport) -> dict[str, str]:
    return {one.ref.short: one.message for one in report.results}


class Died(BaseException):
    """Stands for kill -9: nothing of the process goes on."""


class Dying:
    """A target that dies at the nth write, before it or after it was done."""

    def __init__(self, target: Target, at: int, *, late: bool) -> None:
        self._target, self._left, self._late, self._lock = target, at, late, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._target, name)
        if name not in ("apply", "create", "replace", "delete"):
            return real

        def write(*args: Any, **options: Any) -> Any:
            with self._lock:
                self._left -= 1
                if self._left < 0 or (self._left == 0 and not self._late):
                    raise Died
                found = real(*args, **options)
                if self._left == 0:
                    raise Died
                return found

        return write


def only(rows: Iterable[Mapping[str, Any]], **wanted: str) -> Mapping[str, Any]:
    return next(one for one in rows if all(one.get(key) == value for key, value in wanted.items()))
