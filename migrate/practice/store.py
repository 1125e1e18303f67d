"""Objects, their history and who watches it, as etcd for a real API server. Stored bodies are never changed."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from migrate.practice.refusal import Refusal, bad, expired
from migrate.practice.selecting import Test

Json = dict[str, Any]
Key = tuple[str, str]  # group and plural
Name = tuple[str, str]  # namespace and name
_REMEMBERED = 20_000  # events; a watch or a page from before them gets 410


@dataclass(frozen=True, slots=True)
class Event:
    """One write. `before` or `after` is None for an object that was created or deleted (`last`: as it was told)."""

    version: int
    key: Key
    name: Name
    before: Json | None
    after: Json | None
    last: Json


class Store:
    """Holds everything; `lock` guards it and wakes watchers."""

    def __init__(self) -> None:
        self.lock = threading.Condition(threading.RLock())
        self.version = 1
        self._objects: dict[Key, dict[Name, Json]] = {}
        self._events: deque[Event] = deque()
        self._oldest = 1  # events after this one are remembered
        self.closed = False

    def get(self, key: Key, name: Name) -> Json | None:
        return self._objects.get(key, {}).get(name)

    def each(self, key: Key | None = None) -> Iterator[tuple[Key, Name, Json]]:
        """Give what is there now, of one resource or of all; may be changed meanwhile."""
        for one in [key] if key else list(self._objects):
            for name, body in list(self._objects.get(one, {}).items()):
                yield one, name, body

    def put(self, key: Key, name: Name, body: Json) -> Json:
        """Store a body under the next resourceVersion and tell the watchers."""
        before = self.get(key, name)
        stored = self._next(body)
        self._objects.setdefault(key, {})[name] = stored
        self._tell(Event(self.version, key, name, before, stored, stored))
        return stored

    def remove(self, key: Key, name: Name) -> None:
        before = self._objects[key].pop(name)
        self._tell(Event(self.version + 1, key, name, before, None, self._next(before)))

    def _next(self, body: Json) -> Json:
        self.version += 1
        return {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        if len(self._events) > _REMEMBERED:
            self._oldest = self._events.popleft().version
        self.lock.notify_all()

    def forget(self) -> None:
        """Forget the history, as a real cluster does every five minutes: older pages and watches get 410."""
        with self.lock:
            self._events.clear()
            self._oldest = self.version

    def close(self) -> None:
        with self.lock:
            self.closed = True
            self.lock.notify_all()

    def list(self, key: Key, namespace: str, test: Test, limit: int, token: str) -> tuple[list[Json], Json]:
        """Give one page and the metadata of the list. All pages show the objects as they were at the first one."""
        with self.lock:
            version, after = _read_token(token) if token else (self.version, "")
            if version < self._oldest and token:
                raise expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a "
                    "new list without the continue parameter."
                )
            there = dict(self._objects.get(key, {}))
            for event in reversed(self._events):
                if event.version <= version:
                    break
                if event.key == key:
                    if event.before is None:
                        there.pop(event.name, None)
                    else:
                        there[event.name] = event.before
        found = sorted(("/".join(name), body) for name, body in there.items() if namespace in ("", name[0]))
        found = [(name, body) for name, body in found if name > after and test(body)]
        page = found[:limit] if limit else found
        metadata: Json = {"resourceVersion": str(version)}
        if len(page) < len(found):
            metadata["continue"] = _token(version, page[-1][0])
            metadata["remainingItemCount"] = len(found) - len(page)
        return [body for _, body in page], metadata

    def watch(self, key: Key, namespace: str, test: Test, since: int, seconds: float) -> Iterator[tuple[str, Json]]:
        """Yield (ADDED, MODIFIED or DELETED, body) after a version, until the time is up; 410 when it is too old."""
        end = time.monotonic() + seconds
        while True:
            with self.lock:
                if since < self._oldest:
                    raise expired(f"too old resource version: {since} ({self._oldest})")
                while self.version <= since and not self.closed and time.monotonic() < end:
                    self.lock.wait(end - time.monotonic())
                fresh = [event for event in self._events if event.version > since]
                since = max(since, self.version)
            for event in fresh:
                said = _said(event, test) if event.key == key and namespace in ("", event.name[0]) else ""
                if said:
                    yield said, event.last
            if self.closed or time.monotonic() >= end:
                return


def _said(event: Event, test: Test) -> str:
    """Name the event for somebody who sees only what passes the test."""
    was, now = (body is not None and test(body) for body in (event.before, event.after))
    return {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}.get((was, now), "")


def _token(version: int, name: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": name})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    try:
        said = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(said["rv"]), str(said["start"])
    except (ValueError, KeyError, TypeError):
        raise bad("invalid continue token: continue key is not valid") from None


def number(text: str, what: str) -> int:
    """Read a resourceVersion of a query; '' is 0."""
    if text and not text.isdigit():
        raise Refusal(500, "", f'{what}: Invalid value: "{text}": not a number')
    return int(text or 0)
