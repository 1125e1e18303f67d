"""A writing client for the servers of the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rig.http import Client

from migrate.cluster.connection import with_token
from migrate.cluster.target import KubeTarget


def open_target(url: str, ca: str | Path | None = None, token: str = "", **options: Any) -> KubeTarget:
    """A target at this address. `options` are those of KubeTarget."""
    pem = Path(ca).read_bytes() if ca else None
    return KubeTarget(with_token("the target", url, pem, lambda: token, login="log in again."), **options)


def as_client(client: Client, **options: Any) -> KubeTarget:
    """A target that speaks to the server of a test's client, as the same user."""
    token = client.headers.get("Authorization", "").removeprefix("Bearer ")
    return open_target(client.url, client.pool.connection_pool_kw.get("ca_certs"), token, **options)


class Pauses:
    """Instead of sleeping: what would have been slept. `at` is the clock that goes with it."""

    def __init__(self, also: Callable[[], None] = lambda: None) -> None:
        self.slept: list[float] = []
        self.at = 0.0
        self.also = also

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        self.also()

    def clock(self) -> float:
        return self.at
