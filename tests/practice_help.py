"""A practice cluster without its server, whose controllers act at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migrate.practice import Cluster
from migrate.practice.cluster import Asked
from migrate.practice.simulation import Simulation

Json = dict[str, Any]
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {}}
SELECTOR = {"selector": {"matchLabels": {"app": "web"}}}


def body(what: str, name: str = "web", /, **more: Any) -> Json:
    version, kind = what.split()
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **more}


class World:
    """Made with the namespace shop; `close` ends its thread."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.simulation = Simulation(self.cluster, 0)
        self.cluster.make_namespace("shop")

    def send(self, what: Json) -> None:
        asked = self._asked(what)
        if self.cluster.store.get(asked.kind.key, asked.key):
            self.cluster.patch(asked, lambda live: {**live, **{k: v for k, v in what.items() if k != "metadata"}})
        else:
            self.cluster.create(asked, what)

    def look(self, what: Json) -> Json:
        return self.cluster.get(self._asked(what))

    def becomes(self, what: Json, true: Callable[[Json], bool]) -> Json:
        with self.cluster.store.lock:
            found = self.cluster.store.lock.wait_for(lambda: true(self.look(what)), 5)
            assert found, self.look(what)
            return self.look(what)

    def _asked(self, what: Json) -> Asked:
        kind = self.cluster.kinds.named(what["apiVersion"], what["kind"])
        kind = kind or self.cluster.kinds.stand_in(what["apiVersion"], what["kind"], True)
        return Asked(kind, "shop" if kind.namespaced else "", what["metadata"]["name"])

    def close(self) -> None:
        with self.cluster.store.lock:
            self.cluster.store.closed = True
            self.cluster.store.lock.notify_all()
