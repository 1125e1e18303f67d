"""An object of one cluster with its neighbours: its pods, endpoints, Jobs, claims, volume and autoscalers.

The indexes are built once for all objects of a side, so that no question walks over the cluster again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.manifest.pods import pod_template
from migrate.model.labels import hold, of_map
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref, group_of
from migrate.semantics.holding_scaling import target_of
from migrate.semantics.readiness_words import as_list, as_map, spec
from migrate.semantics.running import WORKLOADS

Kind = tuple[str, str]
"""(group, kind)."""

POD: Kind = ("", "Pod")
SLICE: Kind = ("discovery.k8s.io", "EndpointSlice")
ENDPOINTS: Kind = ("", "Endpoints")
VOLUME: Kind = ("", "PersistentVolume")
CLASS: Kind = ("storage.k8s.io", "StorageClass")
HPA: Kind = ("autoscaling", "HorizontalPodAutoscaler")
JOB: Kind = ("batch", "Job")
_SERVICE_NAME = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Around:
    """One object on one side, and what is around it there.

    body      the live object with its status; None where it is not there, or where nobody could look (then `why`)
    pods      pods that it owns, through ReplicaSets and Jobs too; of a Pod itself; of a claim, those that use it
    slices    EndpointSlices of a Service, or its Endpoints where there is no slice
    behind    workloads whose pods a Service selects, without what these made themselves
    jobs      Jobs of a CronJob
    volume    the PersistentVolume that a claim names; `storage_class` its class
    scalers   autoscalers of a workload
    target    what an autoscaler scales
    at        when it was looked, RFC 3339; '' for now
    unread    {(group, kind): why nobody could list this kind}
    """

    body: Body | None = None
    pods: tuple[Body, ...] = ()
    slices: tuple[Body, ...] = ()
    behind: tuple[Body, ...] = ()
    jobs: tuple[Body, ...] = ()
    volume: Body | None = None
    storage_class: Body | None = None
    scalers: tuple[Body, ...] = ()
    target: Body | None = None
    at: str = ""
    why: str = ""
    unread: Mapping[Kind, str] = field(default_factory=dict)


class Neighbours:
    """All objects of one side, with indexes. Ask it with `of`; build it with `around`."""

    def __init__(self, bodies: Mapping[Ref, Body], at: str, why: str, unread: Mapping[Kind, str]) -> None:
        self._bodies, self._at, self._why, self._unread = bodies, at, why, unread
        self._owned: dict[tuple[str, ...], list[tuple[Ref, Body]]] = {}
        self._slices: dict[tuple[str, str], list[Body]] = {}
        self._labelled: dict[tuple[str, str, str], list[tuple[Mapping[str, Any], Body]]] = {}
        self._users: dict[tuple[str, str], list[Body]] = {}
        self._scalers: dict[Ref, list[Body]] = {}
        for ref, body in bodies.items():
            self._take(ref, body)

    def of(self, ref: Ref) -> Around:
        """Give an object and what is around it; `body` is None for one that is not there."""
        body, kind = self._bodies.get(ref), (ref.group, ref.kind)
        if body is None:
            why = self._why or self._unread.get(kind, "")
            return Around(at=self._at, why=why, unread=self._unread)
        here = ref.namespace, ref.name
        is_claim, is_service = ref.kind == "PersistentVolumeClaim", kind == ("", "Service")
        volume = spec(body).get("volumeName") if is_claim else None
        named = spec(body).get("storageClassName") if is_claim else None
        scaled = target_of(body)
        return Around(
            body,
            pods=self._pods(ref, body),
            slices=tuple(self._slices.get(here, ())) or self._endpoints(ref) if is_service else (),
            behind=self._behind(ref.namespace, spec(body).get("selector")) if is_service else (),
            jobs=tuple(one for of, one in self._children(ref, body) if (of.group, of.kind) == JOB),
            volume=self._bodies.get(Ref(*VOLUME, "", str(volume))) if volume else None,
            storage_class=self._bodies.get(Ref(*CLASS, "", str(named))) if named else None,
            scalers=tuple(self._scalers.get(ref, ())),
            target=self._bodies.get(Ref(*scaled)) if scaled else None,
            at=self._at,
            why=self._why,
            unread=self._unread,
        )

    def _take(self, ref: Ref, body: Body) -> None:
        kind, metadata = (ref.group, ref.kind), as_map(body.get("metadata"))
        owners = as_list(metadata.get("ownerReferences"))
        for owner in owners:
            if isinstance(owner, Mapping) and owner.get("controller") is True:
                for key in _owner_keys(owner, ref.namespace):
                    self._owned.setdefault(key, []).append((ref, body))
        if kind == SLICE:
            name = as_map(metadata.get("labels")).get(_SERVICE_NAME)
            self._slices.setdefault((ref.namespace, str(name)), []).append(body)
        elif kind == POD:
            for name in _claims(ref.name, body):
                self._users.setdefault((ref.namespace, name), []).append(body)
        if kind in WORKLOADS and not any(as_map(one).get("controller") is True for one in owners):
            template = pod_template(Object(ref, body))
            labels = template.labels if template else {}
            for label, value in labels.items():
                self._labelled.setdefault((ref.namespace, str(label), str(value)), []).append((labels, body))
        scaled = target_of(body)
        if scaled:
            self._scalers.setdefault(Ref(*scaled), []).append(body)

    def _children(self, ref: Ref, body: Body) -> list[tuple[Ref, Body]]:
        uid = as_map(body.get("metadata")).get("uid")
        # A namesake that was made anew has another uid; names are for files that hold none.
        key = ("uid", str(uid)) if uid else ("name", ref.group, ref.kind, ref.namespace, ref.name)
        return self._owned.get(key, [])

    def _pods(self, ref: Ref, body: Body) -> tuple[Body, ...]:
        if (ref.group, ref.kind) == POD:
            return (body,)
        if ref.kind == "PersistentVolumeClaim":
            return tuple(self._users.get((ref.namespace, ref.name), ()))
        found: list[Body] = []
        for of, one in self._children(ref, body):
            found += [one] if (of.group, of.kind) == POD else self._pods(of, one) if of != ref else []
        return tuple(found)

    def _endpoints(self, ref: Ref) -> tuple[Body, ...]:
        found = self._bodies.get(Ref(*ENDPOINTS, ref.namespace, ref.name))
        return () if found is None else (found,)

    def _behind(self, namespace: str, selector: Any) -> tuple[Body, ...]:
        wanted = of_map(selector)
        if not wanted:
            return ()
        lists = [self._labelled.get((namespace, key, str(value)), []) for key, value in selector.items()]
        return tuple(body for labels, body in min(lists, key=len) if hold(wanted, labels))


def around(
    bodies: Mapping[Ref, Body], *, at: str = "", why: str = "", unread: Mapping[Kind, str] | None = None
) -> Neighbours:
    """Index one side: live bodies with their statuses, of all kinds that were read.

    `at` is when they were read, RFC 3339, '' for now. `why` says why nobody could look at this side at all, `unread`
    why a kind could not be listed: what depends on it is then unknown, not broken.
    """
    return Neighbours(bodies, at, why, unread or {})


def _owner_keys(owner: Body, namespace: str) -> Iterable[tuple[str, ...]]:
    if owner.get("uid"):
        yield "uid", str(owner["uid"])
    yield "name", group_of(str(owner.get("apiVersion", ""))), str(owner.get("kind")), namespace, str(owner.get("name"))


def _claims(pod_name: str, body: Body) -> Iterable[str]:
    for volume in as_list(spec(body).get("volumes")):
        one = as_map(volume)
        if "ephemeral" in one:
            yield f"{pod_name}-{one.get('name')}"
        name = as_map(one.get("persistentVolumeClaim")).get("claimName")
        if name:
            yield str(name)
