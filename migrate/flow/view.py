"""The target as it was when it was looked at: each kind listed once, kept, and told why where nobody could look."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping

from migrate.cluster.port import Source
from migrate.errors import Expired, Forbidden, NotLoggedIn, Refused, Unreachable
from migrate.model.checks import Shown
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.ref import Ref

_TRIES = 3


class View:
    """A `checks.Seen` of a live cluster; may be asked by many threads. Raises what concerns everything: NotLoggedIn,
    Unreachable."""

    def __init__(self, target: Source) -> None:
        self._target = target
        self._kinds: tuple[Kind, ...] | None = None
        self._shown: dict[tuple[str, str], Shown] = {}
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._minor = ""

    @property
    def name(self) -> str:
        return self._target.name

    @property
    def minor(self) -> str:
        if not self._minor:
            said = self._target.version()
            found = re.match(r"v?(\d+)\.(\d+)", str(said.get("gitVersion") or ""))
            self._minor = ".".join(found.groups()) if found else f"{said.get('major')}.{said.get('minor')}"
        return self._minor

    def kinds(self) -> tuple[Kind, ...]:
        with self._lock:
            if self._kinds is None:
                self._kinds = self._target.kinds()
            return self._kinds

    def of(self, group: str, kind: str) -> Shown:
        key = (group, kind)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._shown:
                self._shown[key] = self._list(group, kind)
            return self._shown[key]

    def within(self, group: str, kind: str, namespace: str) -> Shown:
        """The same of one namespace, for whoever may not list the kind in all of them; not kept."""
        return self._list(group, kind, namespace)

    def forget(self) -> None:
        """Ask again from now on."""
        with self._lock:
            self._kinds = None
            self._shown.clear()

    def _list(self, group: str, name: str, namespace: str = "") -> Shown:
        kinds = self.kinds()
        kind = next((one for one in kinds if (one.group, one.kind) == key(group, name) and one.plural), None)
        if kind is None:
            silent = next((one for one in kinds if one.group == group and not one.plural), None)
            return Shown({}, f"the server behind {silent.api_version} does not answer" if silent else "")
        if "list" not in kind.verbs:
            return Shown({}, f"{kind} has no list")
        try:
            return Shown(listed(self._target, kind, namespace))
        except (NotLoggedIn, Unreachable):
            raise
        except Forbidden as no:
            return Shown({}, f"the caller may not list {kind}: {no.what}")
        except Refused as bad:
            return Shown({}, bad.what)


def key(group: str, kind: str) -> tuple[str, str]:
    """What tells kinds apart, whatever their version."""
    return group, kind


def listed(source: Source, kind: Kind, namespace: str = "") -> Mapping[Ref, Body]:
    """All objects of a kind. A list that expires on the way is begun again. Raises Refused."""
    for attempt in range(_TRIES):
        found: dict[Ref, Body] = {}
        try:
            for page in source.pages(kind, namespace=namespace):
                for item in page.get("items") or ():
                    body = {"apiVersion": kind.api_version, "kind": kind.kind, **item}
                    meta = body["metadata"]
                    space = str(meta.get("namespace") or "") if kind.namespaced else ""
                    found[Ref(kind.group, kind.kind, space, str(meta["name"]))] = body
            return found
        except Expired:
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")
