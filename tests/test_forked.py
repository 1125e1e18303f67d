"""A forked command is one like any other: nothing of it stays, nothing of the last is there, and it can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forked import gke2eks

BODY = b"apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: x}\nprovisioner: pd.csi.storage.gke.io\n"
BODY += b"parameters: {type: hyperdisk-ml}\n"


@pytest.mark.parametrize(
    "args", [("plan", "--from", "-", "-w", "out"), ("plan", "-w", "none", "-o", "json"), ("nonsense",)]
)
def test_it_says_what_a_process_says(args: tuple[str, ...], tmp_path: Path) -> None:
    said = []
    for name in ("real", "forked"):
        (tmp_path / name).mkdir()
        env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
        if name == "forked":
            done = gke2eks(args, stdin=BODY, cwd=tmp_path / name, env=env)
        else:
            line = [sys.executable, "-m", "migrate.cli", *args]
            done = subprocess.run(line, input=BODY, cwd=tmp_path / name, env=env, capture_output=True, check=False)
        said.append((done.returncode, done.stdout, done.stderr))
    assert said[0] == said[1] and any(said[0])


def test_nothing_stays(tmp_path: Path) -> None:
    help_ = ("plan", "--help")
    first = gke2eks(help_, env={**os.environ, "COLUMNS": "40"}, cwd=tmp_path)
    assert first.stdout != gke2eks(help_, env={**os.environ, "COLUMNS": "120"}).stdout
    assert gke2eks(help_, env={**os.environ, "COLUMNS": "40"}).stdout == first.stdout and first.returncode == 0


def test_what_takes_too_long_is_killed(tmp_path: Path) -> None:
    config = tmp_path / "config"
    with pytest.raises(subprocess.TimeoutExpired):
        gke2eks(("practice", "--kubeconfig", config), timeout=0.3)
    assert gke2eks(("rules", "SVC001")).returncode == 0
