"""What controllers would do after a moment: workloads become ready, claims bound, load balancers get a name."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator
from typing import Any

from migrate.practice.cluster import Asked, Cluster
from migrate.practice.lifecycle import NAMESPACES
from migrate.practice.refusal import Refusal
from migrate.practice.settling import CLAIMS, NODES, PODS, SCALED, VOLUMES, Live, replicas
from migrate.practice.settling_others import AUTOSCALERS, BUDGETS, SETTLE
from migrate.practice.store import Key, Name

Json = dict[str, Any]
MANAGER = "practice-cluster"


class Simulation:
    """Watches a cluster and settles each object `moment` seconds after it was written."""

    def __init__(self, cluster: Cluster, moment: float = 0.3) -> None:
        self._cluster = cluster
        self._moment = moment
        self._due: list[tuple[float, Key, Name]] = []
        self._wake = cluster.store.lock
        cluster.changed = self._changed
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def busy(self) -> bool:
        """Tell whether something has still to settle."""
        return bool(self._due)

    def _changed(self, key: Key, name: Name) -> None:
        namespace = self._cluster.store.get(NAMESPACES, ("", name[0])) if name[0] else None
        if namespace and namespace["metadata"].get("deletionTimestamp"):
            key, name = NAMESPACES, ("", name[0])
        for one in ((key, name), *self._followers(key, name)):
            if one[0] in SETTLE or one[0] == NAMESPACES:
                heapq.heappush(self._due, (time.monotonic() + self._moment, *one))
                self._wake.notify_all()

    def _followers(self, key: Key, name: Name) -> Iterator[tuple[Key, Name]]:
        """Whose status depends on this object."""
        if key in SCALED:
            for follower in (AUTOSCALERS, BUDGETS):
                yield from ((follower, each) for _, each, _ in self._cluster.store.each(follower) if each[0] == name[0])
        elif key == CLAIMS:
            claim = self._cluster.store.get(key, name) or {}
            volume = ("", str((claim.get("spec") or {}).get("volumeName")))
            yield from [(VOLUMES, volume)] if self._cluster.store.get(VOLUMES, volume) else []

    def _run(self) -> None:
        with self._wake:
            while not self._cluster.store.closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._wake.wait(wait)
                    continue
                _, key, name = heapq.heappop(self._due)
                try:
                    self._settle(key, name)
                except (Refusal, TypeError, AttributeError):
                    continue  # it changed meanwhile and has its own turn, or it is too odd to become ready

    def _settle(self, key: Key, name: Name) -> None:
        body = self._cluster.store.get(key, name)
        if body is None:
            return
        if key == NAMESPACES:
            if body["metadata"].get("deletionTimestamp"):
                self._empty(name[1])
            return
        found_status, found_spec = body.get("status"), body.get("spec")
        spec = found_spec if isinstance(found_spec, dict) else {}
        status = found_status if isinstance(found_status, dict) else {}
        if key in SCALED and replicas(spec) == 0:
            self._end_pods(name[0], spec)
        wanted = SETTLE[key](Live(body, spec, status, lambda near: self._around(near, name[0])))
        kind = self._cluster.kinds.stored(key)
        if not wanted or kind is None or "deletionTimestamp" in body["metadata"]:
            return
        if key == CLAIMS and not (body.get("spec") or {}).get("volumeName"):
            volume = {"volumeName": f"pvc-{body['metadata']['uid']}"}
            self._cluster.patch(
                Asked(kind, *name, manager=MANAGER),
                lambda live: {**live, "spec": {**(live.get("spec") or {}), **volume}},
            )
        asked = Asked(kind, *name, sub="status", manager=MANAGER)
        self._cluster.patch(asked, lambda live: {**live, "status": {**(live.get("status") or {}), **wanted}})

    def _around(self, key: Key, namespace: str) -> Iterator[Json]:
        everywhere = key == NODES or not namespace
        yield from (body for _, each, body in self._cluster.store.each(key) if everywhere or each[0] == namespace)

    def _end_pods(self, namespace: str, spec: Json) -> None:
        """Pods that were loaded with a workload end with it; of all others there are none."""
        selector = spec.get("selector") or {}
        labels = selector.get("matchLabels", selector) or {}
        kind = self._cluster.kinds.stored(PODS)
        for _, name, pod in list(self._cluster.store.each(PODS)) if labels and kind else ():
            worn = pod["metadata"].get("labels") or {}
            if (
                kind
                and name[0] == namespace
                and labels.items() <= worn.items()
                and pod["metadata"].get("ownerReferences")
            ):
                self._cluster.delete(Asked(kind, *name))

    def _empty(self, namespace: str) -> None:
        """Delete what is in a namespace, and the namespace once nothing is; finalizers may hold it back."""
        left = [(key, name) for key, name, _ in self._cluster.store.each() if name[0] == namespace]
        for key, name in left:
            kind = self._cluster.kinds.stored(key)
            if kind and self._cluster.store.get(key, name):
                self._cluster.delete(Asked(kind, *name))
        if not any(name[0] == namespace for _, name, _ in self._cluster.store.each()):
            self._cluster.remove(NAMESPACES, ("", namespace))
