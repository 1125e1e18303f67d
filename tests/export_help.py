"""A practice cluster to export from, a kubeconfig for any address, and the command line."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from migrate.cluster.kube import KubeSource
from migrate.cluster.kubeconfig import connect
from migrate.flow.export import export
from migrate.model.listing import Outcome
from migrate.model.objects import Snapshot

NOT_ASKED = {("", "Event"), ("events.k8s.io", "Event"), ("coordination.k8s.io", "Lease"), ("", "ComponentStatus")}


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


def exported(config: Path, out: Path, *, without: Sequence[str] = (), timeout: float = 10) -> Snapshot:
    """Export in this process; between attempts it waits next to nothing."""
    key = config.with_name("key")
    key.write_bytes(b"k" * 32)
    source = KubeSource(
        connect(None, str(config)), timeout=timeout, pause=lambda seconds: time.sleep(min(seconds, 0.005))
    )
    return export(source, out, now="2026-01-01T00:00:00+00:00", without=without, hash_key_file=key)


def objects(out: Path) -> bytes:
    return (out / "snapshot" / "objects.jsonl").read_bytes()


def outcomes(found: Snapshot, outcome: Outcome) -> list[str]:
    return [str(one.kind) for one in found.listings if one.outcome is outcome]


def run(*args: str | Path, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "migrate.cli", *map(str, args)]
    import os

    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **env}, timeout=timeout
    )
