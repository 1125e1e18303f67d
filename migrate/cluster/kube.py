"""A live cluster as a `Source`, over the connection pool of the kubernetes package."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from migrate.cluster.connection import Connection
from migrate.cluster.discovery import discover
from migrate.cluster.kubeconfig import connect
from migrate.cluster.wire import Wire, refusal
from migrate.model.listing import Kind


class KubeSource:
    """Reads one cluster; it has no means to write. `timeout`: seconds without a byte from the server."""

    def __init__(
        self, connection: Connection, *, timeout: float = 60, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._wire = Wire(connection, timeout=timeout, pause=pause)

    @property
    def name(self) -> str:
        return self._wire.connection.name

    def version(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._wire.ask("get", "/version")
        return found

    def kinds(self) -> tuple[Kind, ...]:
        return discover(self._wire)

    def pages(self, kind: Kind, limit: int = 500, namespace: str = "") -> Iterator[Mapping[str, Any]]:
        token = ""
        while True:
            query = ([("limit", str(limit))] if limit else []) + ([("continue", token)] if token else [])
            page = self._wire.ask("list", kind.path_in(namespace), query, fits=_is_list)
            yield page
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    def changes(self, kind: Kind, since: str, namespace: str = "") -> Sequence[Mapping[str, Any]]:
        # What happened already comes at once; the rest of the second is the server's way to say that this was all.
        query = [("watch", "1"), ("resourceVersion", since), ("timeoutSeconds", "1"), ("allowWatchBookmarks", "true")]
        path = kind.path_in(namespace)
        events: list[Mapping[str, Any]] = self._wire.ask("watch", path, query, parse=_events, fits=_are_events)
        for event in events:
            if event["type"] == "ERROR":
                raise refusal(event["object"], path, self._wire.connection.rights)
        return [event for event in events if event["type"] != "BOOKMARK"]


def from_kubeconfig(context: str | None, kubeconfig: str | None = None, *, timeout: float = 60) -> KubeSource:
    """Open a context of a kubeconfig. Nothing is sent yet. Raises BadInput or NotLoggedIn."""
    return KubeSource(connect(context, kubeconfig), timeout=timeout)


def from_gke(name: str, *, timeout: float = 60) -> tuple[KubeSource, Mapping[str, Any]]:
    """Ask Google for the cluster "project/location/cluster": a source, and the facts. Raises BadInput or Refused."""
    from migrate.cluster.connection import with_token
    from migrate.cluster.gke import connect as ask_google

    found = ask_google(name)
    login = (
        "log in again (gcloud auth application-default login, or a service account's key in "
        "GOOGLE_APPLICATION_CREDENTIALS); a DNS endpoint also asks for the right container.clusters.connect."
    )
    door = with_token(found.name, found.url, found.ca, found.token, login=login, if_silent=found.if_silent)
    return KubeSource(door, timeout=timeout), found.facts.as_json()


def _events(data: bytes) -> Any:
    """Lines of a watch. One that was cut off in the middle of a line is not valid JSON."""
    return [orjson.loads(line) for line in data.splitlines() if line]


def _are_events(body: Any) -> bool:
    return isinstance(body, list) and all(
        isinstance(one, dict) and isinstance(one.get("type"), str) and isinstance(one.get("object"), dict)
        for one in body
    )


def _is_list(body: Any) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        return False
    return body.get("items", ()) is None or isinstance(body.get("items"), list)
