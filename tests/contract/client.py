"""The rig's client, asked for everything: the status code too, and nothing raised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rig import http

JSON, YAML = "application/json", "application/yaml"
MERGE, PATCH, APPLY = http.MERGE, http.PATCH, http.APPLY
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True)
class Answer:
    """What came back: the status code and the parsed body (its text when it is no JSON)."""

    code: int
    body: Any

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", "")) if isinstance(self.body, dict) else ""

    @property
    def message(self) -> str:
        return str(self.body["message"])

    @property
    def causes(self) -> set[tuple[str, str]]:
        """(field, message) of each cause."""
        return {(cause["field"], cause["message"]) for cause in self.body.get("details", {}).get("causes", ())}

    @property
    def meta(self) -> dict[str, Any]:
        return dict(self.body["metadata"])

    @property
    def owners(self) -> dict[str, Any]:
        """Who owns what: 'manager/Operation' or 'manager/Operation/subresource': the fields."""
        return {
            "/".join(filter(None, (one["manager"], one["operation"], one.get("subresource")))): one["fieldsV1"]
            for one in self.meta.get("managedFields", ())
        }


class Client(http.Client):
    """Paths and bodies in, answers out."""

    def call(
        self, method: str, path: str, body: Any = None, query: http.Json | None = None, type: str = JSON
    ) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = self.headers | {"Content-Type": type}
        found = self.pool.request(method, self.address(path, query), body=data, headers=headers)
        try:
            return Answer(found.status, json.loads(found.data))
        except ValueError:
            return Answer(found.status, found.data.decode(errors="replace"))

    def read(self, path: str, **query: Any) -> Answer:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any, **query: Any) -> Answer:
        return self.call("POST", path, body, query)

    def put(self, path: str, body: Any, **query: Any) -> Answer:
        return self.call("PUT", path, body, query)

    def drop(self, path: str, body: Any = None, **query: Any) -> Answer:
        return self.call("DELETE", path, body, query)

    def change(self, path: str, body: Any, type: str = MERGE, **query: Any) -> Answer:
        return self.call("PATCH", path, body, query, type)

    def lay(self, path: str, body: Any, manager: str = "one", **query: Any) -> Answer:
        """Server-side apply."""
        return self.call("PATCH", path, body, {"fieldManager": manager, **query}, APPLY)

    @contextmanager
    def events(self, path: str, seconds: int = 2, **query: Any) -> Iterator[Iterator[tuple[str, http.Json]]]:
        """Open a watch; yields the events as they come, until the server ends it."""
        address = self.address(path, {"watch": True, "timeoutSeconds": seconds, **query})
        found = self.pool.request("GET", address, headers=self.headers, preload_content=False)
        try:
            assert found.status == 200, found.read()
            yield ((event["type"], event["object"]) for event in self._lines(found))
        finally:
            found.close()

    @staticmethod
    def _lines(found: Any) -> Iterator[Any]:
        rest = b""
        while chunk := found.read1():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from map(json.loads, filter(None, lines))
