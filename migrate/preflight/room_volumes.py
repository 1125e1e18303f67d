"""Where the volumes of a pod are, or may come to be: nodeSelectorTerms that its node must meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrate.manifest.places import get
from migrate.model.checks import Seen
from migrate.model.objects import Body, Object
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.after import After, after, items, mapping
from migrate.preflight.quota_usage import default_class
from migrate.semantics.claims import BETA_CLASS, claims
from migrate.semantics.going import Going

Terms = tuple[Body, ...]
_REQUIRED = P("spec", "nodeAffinity", "required", "nodeSelectorTerms")


@dataclass(frozen=True, slots=True)
class Volumes:
    """`terms`: {workload: {what holds it to a place: terms}}; `placed`: volumes that go and name a place; `why`: could
    not look at claims, volumes or classes."""

    terms: Mapping[Ref, Mapping[Ref, Terms]]
    placed: Mapping[Ref, Terms]
    why: str


class _Where:
    def __init__(self, going: Going, seen: Seen) -> None:
        self._claims = after(going, seen, "", "PersistentVolumeClaim")
        volumes = after(going, seen, "", "PersistentVolume")
        self._classes = after(going, seen, "storage.k8s.io", "StorageClass")
        self._default = default_class(self._classes.bodies)
        self._volumes = volumes
        self._of_claim = {}
        for ref, body in volumes.bodies.items():
            claim = mapping(get(body, P("spec", "claimRef")))
            self._of_claim[str(claim.get("namespace")), str(claim.get("name"))] = ref
        every: tuple[After, ...] = (self._claims, volumes, self._classes)
        self.why = next((one.why for one in every if one.why), "")

    def of(self, ref: Ref, body: Body, pod: Body) -> Iterator[tuple[Ref, Terms]]:
        for volume in items(pod.get("volumes")):
            name = mapping(volume.get("persistentVolumeClaim")).get("claimName")
            if name:
                yield from self._of_one(Ref("", "PersistentVolumeClaim", ref.namespace, str(name)))
        if ref.kind != "PersistentVolumeClaim":
            for claim in claims(Object(ref, body)):
                yield from self._of_class(claim.annotations, claim.spec)

    def _of_one(self, ref: Ref) -> Iterator[tuple[Ref, Terms]]:
        live = mapping(self._claims.live.get(ref))
        body = mapping(self._claims.bodies.get(ref))
        bound = get(live, P("spec", "volumeName")) or get(body, P("spec", "volumeName"))
        volume = Ref("", "PersistentVolume", "", str(bound)) if bound else self._of_claim.get((ref.namespace, ref.name))
        if volume is not None:
            found = terms(mapping(self._volumes.bodies.get(volume)))
            if found:
                yield volume, found
            return
        yield from self._of_class(mapping(get(body, P("metadata", "annotations"))), mapping(body.get("spec")))

    def _of_class(self, annotations: Body, spec: Body) -> Iterator[tuple[Ref, Terms]]:
        name = annotations.get(BETA_CLASS, spec.get("storageClassName"))
        ref = Ref("storage.k8s.io", "StorageClass", "", str(self._default if name is None else name))
        found = topologies(mapping(self._classes.bodies.get(ref)))
        if found:
            yield ref, found


def volumes_of(going: Going, seen: Seen, pods: Mapping[Ref, Body]) -> Volumes:
    """Find what holds each workload to a place. `pods`: {workload: spec of its pods}."""
    where = _Where(going, seen)
    bodies = going.bodies
    found = {ref: dict(where.of(ref, bodies[ref], pod)) for ref, pod in pods.items()}
    placed = {ref: terms(body) for ref, body in bodies.items() if (ref.group, ref.kind) == ("", "PersistentVolume")}
    return Volumes({r: t for r, t in found.items() if t}, {r: t for r, t in sorted(placed.items()) if t}, where.why)


def terms(volume: Body) -> Terms:
    """The nodeSelectorTerms of a PersistentVolume; none when it may be anywhere."""
    return tuple(items(get(volume, _REQUIRED)))


def topologies(storage_class: Body) -> Terms:
    """allowedTopologies of a class, as nodeSelectorTerms."""
    return tuple(
        {
            "matchExpressions": [
                {"key": one.get("key"), "operator": "In", "values": one.get("values")}
                for one in items(term.get("matchLabelExpressions"))
            ]
        }
        for term in items(storage_class.get("allowedTopologies"))
    )
