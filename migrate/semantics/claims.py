"""Claims wherever they stand: a PersistentVolumeClaim, a StatefulSet's template, an ephemeral volume of a pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import item_segment
from migrate.manifest.pods import KINDS, pod_template
from migrate.model.objects import MISSING, Body, Object
from migrate.model.path import P, Path
from migrate.model.rules import Known
from migrate.semantics import storageclass

BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
# A StatefulSet may say any number of replicas; nobody answers for more volumes than this.
_MOST_ORDINALS = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: where its metadata and spec stand in the object, and the spec itself."""

    metadata_path: Path
    path: Path
    annotations: Body
    spec: Body
    names: tuple[str, ...]

    @property
    def class_name(self) -> Any:
        """The class it asks for. The old annotation wins, as in Kubernetes; MISSING when it says none."""
        return self.annotations.get(BETA_CLASS, self.spec.get("storageClassName", MISSING))

    @property
    def modes(self) -> list[Any]:
        """spec.accessModes as a list; empty when it is none."""
        found = self.spec.get("accessModes")
        return found if isinstance(found, list) else []


HOLDERS = KINDS | {("", "PersistentVolumeClaim"), ("apps", "StatefulSet")}


def claims(obj: Object) -> Iterator[Claim]:
    """Every claim in an object. `names` are the PersistentVolumeClaims that hold its data, where they can be known."""
    if (obj.ref.group, obj.ref.kind) == ("", "PersistentVolumeClaim"):
        yield Claim(P("metadata"), P("spec"), obj.annotations, obj.spec, (obj.ref.name,))
        return
    if (obj.ref.group, obj.ref.kind) == ("apps", "StatefulSet"):
        yield from _templates(obj)
    pod = pod_template(obj)
    volumes = pod.spec.get("volumes") if pod else None
    for at, volume in pod.items("volumes") if pod else ():
        template = _map(_map(volume.get("ephemeral")).get("volumeClaimTemplate"))
        if pod and isinstance(volumes, list) and isinstance(template.get("spec"), Mapping):
            here = Path((*pod.path, "spec", "volumes", item_segment("volumes", volumes, at)))
            where = Path((*here, "ephemeral", "volumeClaimTemplate"))
            notes = _map(_map(template.get("metadata")).get("annotations"))
            yield Claim(where / "metadata", where / "spec", notes, template["spec"], ())


def _templates(obj: Object) -> Iterator[Claim]:
    found = obj.spec.get("volumeClaimTemplates")
    for at, template in enumerate(found if isinstance(found, list) else ()):
        if not isinstance(template, Mapping) or not isinstance(template.get("spec"), Mapping):
            continue
        here = P("spec", "volumeClaimTemplates", at)
        metadata = _map(template.get("metadata"))
        names = tuple(f"{metadata.get('name')}-{obj.ref.name}-{n}" for n in _ordinals(obj.spec))
        yield Claim(here / "metadata", here / "spec", _map(metadata.get("annotations")), template["spec"], names)


def _ordinals(spec: Body) -> range:
    replicas, start = spec.get("replicas", 1), _map(spec.get("ordinals")).get("start", 0)
    replicas = replicas if isinstance(replicas, int) else 1
    start = start if isinstance(start, int) else 0
    return range(start, start + min(max(replicas, 0), _MOST_ORDINALS))


def class_of(claim: Claim, known: Known) -> Object | None:
    """The source's class that serves the claim; None for no class ("") and for a class that was not read."""
    name = claim.class_name
    if isinstance(name, str):
        return known.find(storageclass.class_ref(name)) if name else None
    return storageclass.default_class(known)


def _map(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}
