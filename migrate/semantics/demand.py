"""How much the claims of a class ask for, and what their disks lose in speed on EBS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrate.model.objects import Object
from migrate.model.rules import Known
from migrate.semantics import performance, storageclass
from migrate.semantics.claims import HOLDERS, claims, class_of
from migrate.semantics.performance import Speed


@dataclass(frozen=True, slots=True)
class Asked:
    """The claims of a class that were read: the smallest and the largest size in GiB, and who asks for the latter."""

    least: float
    most: float
    who: str


def sizes(known: Known) -> Mapping[str, Asked]:
    """For each class by name: what its claims ask for. A claim without a class counts for the default one."""
    return known.once("demand.sizes", lambda: _sizes(known))


def _sizes(known: Known) -> Mapping[str, Asked]:
    found: dict[str, Asked] = {}
    for group, kind in sorted(HOLDERS):
        for obj in known.all(group, kind):
            for name, gib in _asks(obj, known):
                before = found.get(name, Asked(gib, gib, str(obj.ref)))
                who = str(obj.ref) if gib > before.most else before.who
                found[name] = Asked(min(gib, before.least), max(gib, before.most), who)
    return found


def _asks(obj: Object, known: Known) -> Iterator[tuple[str, float]]:
    for claim in claims(obj):
        resources = claim.spec.get("resources")
        requests = resources.get("requests") if isinstance(resources, Mapping) else None
        gib = performance.quantity_gib(requests.get("storage")) if isinstance(requests, Mapping) else None
        storage_class = class_of(claim, known) if gib is not None else None
        if gib is not None and storage_class is not None:
            yield storage_class.ref.name, gib


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A disk that was faster on Google Cloud: both figures, and what a gp3 volume would need to keep up."""

    google: Speed
    ebs: Speed
    keeps: Speed


# A claim of unknown size is taken to be large enough for the IOPS that it is advised to ask for.
_ENOUGH_GIB = 1_000


def shortfall(storage_class: Object, gib: float, known: Known) -> Shortfall | None:
    """Compare a disk of this size with the EBS volume it becomes. None when little or nothing is lost."""
    said = storageclass.parameters(storage_class)
    kind, ebs = storageclass.disk_type(storage_class) or "pd-standard", storageclass.volume_type(storage_class, known)
    wished = (
        performance.whole(said.get("provisioned-iops-on-create")),
        performance.mebibytes(said.get("provisioned-throughput-on-create")),
    )
    set_to = performance.settings(ebs, *wished)
    there = performance.google_speed(kind, gib, *wished)
    here = performance.ebs_speed(ebs, gib, set_to.iops, set_to.throughput)
    if ebs != "gp3" or there is None or here is None or not performance.slower(there, here):
        return None
    return Shortfall(there, here, performance.keeping(there, gib or _ENOUGH_GIB))
