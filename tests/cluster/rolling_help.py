"""Who serves while pods are replaced: a watch of EndpointSlices and Pods that keeps every event, and what it must show.

    with Served(client, "shop", "web") as served:
        …                              # a rollout
    assert served.fewest() >= 3
    assert served.gone_while_listed() == []

Events of both kinds are put in the order of their resourceVersions. That is the order in which etcd took them: all of a
control plane of the rig is in one etcd.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import urllib3
from holding_help import eventually
from rig.http import ApiError, Client, Json

SLICE, POD = ("discovery.k8s.io/v1", "EndpointSlice"), ("v1", "Pod")
_END = "end-of-the-watch"  # an object of each kind with this name is the last that a watch waits for
_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Event:
    version: int
    what: str  # ADDED, MODIFIED, DELETED
    body: Json


@dataclass(frozen=True, slots=True)
class Moment:
    """What there was after one event. `ready`: names of pods that the slices of the Service call ready."""

    event: Event
    ready: frozenset[str]
    pods: Mapping[str, Json]

    def serving(self) -> set[str]:
        """Names of pods that are Ready and not being deleted: what the endpoints come to be."""
        return {name for name, pod in self.pods.items() if is_ready(pod) and not ends(pod)}

    def __str__(self) -> str:
        meta = self.event.body["metadata"]
        now = "" if self.event.body["kind"] != "Pod" else f" ready={is_ready(self.event.body)} ends={ends(meta)}"
        kind = self.event.body["kind"]
        return f"{self.event.version} {kind} {meta['name']} {self.event.what}{now} -> {sorted(self.ready)}"


@dataclass
class Served:
    """Watches a Service and the pods of its namespace from `with` on; when the block ends the history is whole."""

    client: Client
    space: str
    service: str
    begin: dict[str, list[Json]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _since: int = 0
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for version, kind in (SLICE, POD):
            page = self.client.raw("GET", self.client.path(version, kind, self.space))
            at = page["metadata"]["resourceVersion"]
            self.begin[kind] = [{"kind": kind, **one} for one in page["items"]]
            self._since = max(self._since, int(at))
            watch = threading.Thread(target=self._watch, args=(version, kind, at), name=f"watch {kind}", daemon=True)
            self._threads.append(watch)
            watch.start()
        return self

    def __exit__(self, sort: type[BaseException] | None, why: BaseException | None, at: TracebackType | None) -> None:
        """Each watch ends with an object of our own, so nothing that came before it is missing."""
        for body in self._ends():
            self.client.create(body)
        for thread in self._threads:
            thread.join(60)
        alive = [thread.name for thread in self._threads if thread.is_alive()]
        for body in self._ends():
            self.client.delete(body)
        self.events.sort(key=lambda one: one.version)
        if sort is None:
            assert not alive and not self.errors, (alive, self.errors)

    def _ends(self) -> list[Json]:
        meta = {"name": _END, "namespace": self.space}
        never = {"schedulingGates": [{"name": "rig.gke2eks/never"}], "containers": [{"name": "main", "image": "no:1"}]}
        pod: Json = {"apiVersion": POD[0], "kind": POD[1], "metadata": meta, "spec": never}
        points: Json = {"apiVersion": SLICE[0], "kind": SLICE[1], "metadata": meta, "addressType": "IPv4"}
        return [pod, points | {"endpoints": []}]

    def _watch(self, version: str, kind: str, at: str) -> None:
        try:
            query = {"resourceVersion": at}
            for what, body in self.client.watch(version, kind, self.space, seconds=_SECONDS, **query):
                if body["metadata"]["name"] == _END:
                    return
                self.events.append(Event(int(body["metadata"]["resourceVersion"]), what, {"kind": kind, **body}))
            self.errors.append(f"the watch of {kind} ended by itself")
        except (ApiError, urllib3.exceptions.HTTPError, OSError, ValueError) as bad:
            self.errors.append(f"{kind}: {bad}")

    def moments(self) -> Iterator[Moment]:
        """The state after each event since both kinds were known; the first one is how it began."""
        state = {kind: {one["metadata"]["name"]: one for one in found} for kind, found in self.begin.items()}
        # The kinds were listed one after the other: what came to the first before the second belongs to the beginning.
        for event in self.events:
            if event.version <= self._since:
                _happens(event, state)
        yield self._moment(Event(self._since, "BEGAN", {"kind": "Watch", "metadata": {"name": self.service}}), state)
        for event in self.events:
            if event.version > self._since:
                _happens(event, state)
                yield self._moment(event, state)

    def _moment(self, event: Event, state: Mapping[str, Mapping[str, Json]]) -> Moment:
        return Moment(event, _listed(state["EndpointSlice"].values(), self.service), dict(state["Pod"]))

    def counts(self) -> list[int]:
        """How many endpoints were ready, at each moment."""
        return [len(one.ready) for one in self.moments()]

    def fewest(self) -> int:
        return min(self.counts())

    def gone_while_listed(self) -> list[str]:
        """Pods that were gone while an endpoint still called them ready: somebody was sent to nobody."""
        found, before = [], frozenset[str]()
        for one in self.moments():
            name = one.event.body["metadata"]["name"]
            if one.event.body["kind"] == "Pod" and one.event.what == "DELETED" and name in before:
                found.append(name)
            before = one.ready
        return found

    def gone_untold(self) -> list[str]:
        """Pods that served and are gone without having been told to end: nothing that drains had a moment."""
        told, served = set[str](), set[str]()
        for one in self.moments():
            served |= one.ready
            body = one.event.body
            if body["kind"] == "Pod" and one.event.what != "DELETED" and ends(body):
                told.add(body["metadata"]["name"])
        return [name for name in self.gone() if name in served - told]

    def made(self) -> list[str]:
        return self._pods("ADDED")

    def gone(self) -> list[str]:
        return self._pods("DELETED")

    def _pods(self, what: str) -> list[str]:
        return [one.body["metadata"]["name"] for one in self.events if (one.body["kind"], one.what) == ("Pod", what)]

    def figures(self) -> str:
        """One line for docs/proof.md."""
        counts, pods = self.counts(), f"{len(self.made())} pods made, {len(self.gone())} gone"
        return f"{self.space}/{self.service}: {len(counts)} states, ready {min(counts)} to {max(counts)}, {pods}"

    def story(self) -> str:
        """Every moment in a line of its own, for who wants to know why."""
        return "\n".join(map(str, self.moments()))


def _happens(event: Event, state: Mapping[str, dict[str, Json]]) -> None:
    there, name = state[event.body["kind"]], event.body["metadata"]["name"]
    if event.what == "DELETED":
        there.pop(name, None)
    else:
        there[name] = event.body


def _listed(slices: Iterable[Json], service: str) -> frozenset[str]:
    """Names of the pods that the slices of a Service call ready."""
    points = [point for one in slices if _service_of(one) == service for point in one.get("endpoints") or ()]
    # Without the condition an endpoint counts as ready (discovery.k8s.io/v1).
    return frozenset(point["targetRef"]["name"] for point in points if point.get("conditions", {}).get("ready", True))


def _service_of(one: Json) -> str:
    return (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")


def condition(pod: Mapping[str, Any], name: str) -> str:
    found = (pod.get("status") or {}).get("conditions") or []
    return next((one["status"] for one in found if one["type"] == name), "")


def is_ready(pod: Mapping[str, Any]) -> bool:
    return condition(pod, "Ready") == "True"


def ends(pod: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in (pod.get("metadata") or pod)


def gates(pod: Json) -> list[str]:
    return [one["conditionType"] for one in pod["spec"].get("readinessGates") or ()]


def least(deployment: Json) -> int:
    """How many pods the strategy of a Deployment promises: replicas less maxUnavailable, a share rounded down."""
    wanted, strategy = deployment["spec"]["replicas"], deployment["spec"]["strategy"]
    if strategy["type"] != "RollingUpdate":
        return 0
    less = strategy["rollingUpdate"]["maxUnavailable"]
    return int(wanted - (less if isinstance(less, int) else wanted * int(less.rstrip("%")) // 100))


def all_serve(client: Client, space: str, app: str, count: int, image: str = "", seconds: float = 180) -> list[Json]:
    """Wait until exactly so many pods are there, all Ready, of that image, and endpoints of the Service; they.

    A pod is Ready a moment before the slice says so: a watch that began between the two would see a gap.
    """

    def found() -> list[Json]:
        pods = client.list("v1", "Pod", space, labelSelector=f"app={app}")
        fit = {
            one["metadata"]["name"]
            for one in pods
            if is_ready(one) and not ends(one) and one["spec"]["containers"][0]["image"].endswith(image)
        }
        return pods if len(pods) == len(fit) == count and _listed(client.list(*SLICE, space), app) == fit else []

    return list(eventually(found, seconds))


def uids(pods: list[Json]) -> set[str]:
    return {one["metadata"]["uid"] for one in pods}
