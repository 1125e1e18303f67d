"""The story of `gke2eks practice`: objects are loaded into a cluster in memory, served, and named in a kubeconfig."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrate.errors import BadInput
from migrate.practice import Cluster, Server
from migrate.practice.loading import load
from migrate.practice.simulation import Simulation
from migrate.reading import read

_MARK = "# written by gke2eks practice; holds no secrets\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Practising:
    """A practice cluster that is being served, what was loaded into it, and what is worth a note."""

    server: Server
    loaded: int
    notes: tuple[str, ...]


def start(sources: Sequence[str], *, stdin: Callable[[], bytes], port: int) -> Practising:
    """Serve a practice cluster. Raises BadInput when nothing could be read or the port is taken."""
    cluster, notes = Cluster(), []
    loaded = 0
    if sources:
        snapshot = read(sources, stdin=stdin, needles=(), hash_key=os.urandom(32)).snapshot
        notes = [f"left out: {one.source}:{one.line}: {one.reason}. {one.fix}" for one in snapshot.left_out]
        notes += snapshot.notes
        loaded, more = load(cluster, snapshot.objects)
        notes += more
    try:
        server = Server(cluster, port)
    except OSError as error:
        raise BadInput(
            f"port {port} cannot be used: {error.strerror or error}", "give another --port, or none for a free one."
        ) from None
    Simulation(cluster)
    return Practising(server.start(), loaded, tuple(notes))


def write_kubeconfig(path: Path, url: str, name: str = "practice") -> None:
    """Write a kubeconfig for the server, whose context is `name`. Raises BadInput rather than overwrite a file that is
    not ours, and when `name` is none.
    """
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot name a context here", "write --name in letters, digits, '.', '_' and '-'.")
    quoted = f'"{name}"'
    text = (
        f"{_MARK}apiVersion: v1\nkind: Config\ncurrent-context: {quoted}\n"
        f'clusters: [{{name: {quoted}, cluster: {{server: "{url}"}}}}]\n'
        f"users: [{{name: {quoted}, user: {{}}}}]\n"
        f"contexts: [{{name: {quoted}, context: {{cluster: {quoted}, user: {quoted}}}}}]\n"
    )
    try:
        if path.exists() and not _is_ours(path):
            raise BadInput(f"{path} is there already and is not ours", "give another --kubeconfig, or move it away.")
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror or error}", "give a --kubeconfig that can be."
        ) from None


def remove_kubeconfig(path: Path, url: str) -> None:
    """Take the file away, unless it is no longer the one of this server."""
    try:
        if _is_ours(path) and f'"{url}"' in path.read_text(encoding="utf-8", errors="replace"):
            path.unlink()
    except OSError:
        return


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK.encode()
