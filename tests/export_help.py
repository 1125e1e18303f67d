"""A practice cluster to export from, a kubeconfig for any address, and the command line."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from forked import gke2eks

from migrate.cluster.kube import KubeSource
from migrate.cluster.kubeconfig import connect
from migrate.flow import practice
from migrate.flow.everything import Progress
from migrate.flow.export import export
from migrate.model.listing import Outcome
from migrate.model.objects import Snapshot
from migrate.model.selection import parse_selection

NOT_ASKED = {("", "Event"), ("events.k8s.io", "Event"), ("coordination.k8s.io", "Lease"), ("", "ComponentStatus")}


@pytest.fixture(scope="module", name="url")
def example_fixture(repo: Path) -> Iterator[str]:
    """The address of a practice cluster with the example in it."""
    running = practice.start([str(repo / "examples" / "gke-cluster.json")], stdin=lambda: b"", port=0)
    yield running.server.url
    running.server.stop()


def kubeconfig(folder: Path, url: str, user: Mapping[str, Any] | None = None, ca: Path | None = None) -> Path:
    cluster: dict[str, Any] = {"server": url}
    if ca:
        cluster["certificate-authority-data"] = base64.b64encode(ca.read_bytes()).decode()
    path = folder / "kubeconfig.json"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(config))
    return path


def exported(
    config: Path,
    out: Path,
    *,
    without: Sequence[str] = (),
    timeout: float = 10,
    namespaces: Sequence[str] = (),
    **more: Any,
) -> Snapshot:
    """Export in this process; between attempts it waits next to nothing."""
    key = config.with_name("key")
    key.write_bytes(b"k" * 32)
    source = KubeSource(
        connect(None, str(config)), timeout=timeout, pause=lambda seconds: time.sleep(min(seconds, 0.005))
    )
    select = parse_selection(namespaces=namespaces)
    now = "2026-01-01T00:00:00+00:00"
    return export(source, out, now=now, without=without, hash_key_file=key, select=select, **more)


def at_the_end(act: Callable[[], None]) -> Callable[[Progress], None]:
    """A `progress` that acts once, when every kind is listed and before the export is over."""
    done: list[int] = []

    def progress(at: Progress) -> None:
        if at.kinds == at.of_kinds and not done:
            done.append(1)
            act()

    return progress


def meanwhile(found: Snapshot) -> dict[str, tuple[str, ...]]:
    """What the snapshot says happened while it was made, by kind."""
    return {str(one.kind): one.changed for one in found.listings if one.changed}


def objects(out: Path) -> bytes:
    return (out / "snapshot" / "objects.jsonl").read_bytes()


def outcomes(found: Snapshot, outcome: Outcome) -> list[str]:
    return [str(one.kind) for one in found.listings if one.outcome is outcome]


def run(*args: str | Path, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
    done = gke2eks(args, env={**os.environ, **env}, timeout=timeout)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
