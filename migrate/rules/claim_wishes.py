"""What a claim asks of its class: access modes, size, and a source for its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.effects import Effect, Flag, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.rules import Known, Rule
from migrate.semantics import demand, performance, storageclass
from migrate.semantics.claims import HOLDERS, Claim, claims, class_of
from migrate.semantics.storageclass import Family

_SHARE = "Use a class of EFS for files that several nodes read, or Mountpoint for S3 for data that only grows."


def _wishes(obj: Object, known: Known) -> Iterator[Effect]:
    for claim in claims(obj):
        yield from _source(claim)
        storage_class = class_of(claim, known)
        family = storageclass.family(storage_class) if storage_class else Family.OTHER
        if storage_class is not None and family is Family.DISK:
            kind = storageclass.volume_type(storage_class, known)
            yield from _disk_modes(claim, kind)
            yield from _size(claim, kind)
            yield from _speed(claim, storage_class, kind, known)
        elif family in (Family.FILESTORE, Family.LUSTRE):
            yield from _file_modes(claim, "EFS" if family is Family.FILESTORE else "FSx")
        elif family in (Family.PARALLELSTORE, Family.GCSFUSE) and not claim.spec.get("volumeName"):
            yield Flag(
                claim.path / "storageClassName",
                f"The class {claim.class_name} does not come along, and no class of EKS does what it did.",
                "Write a volume by hand (FSx for Lustre, or a bucket with s3.csi.aws.com), and name it in volumeName.",
                Severity.BLOCKER,
            )


def _disk_modes(claim: Claim, kind: str) -> Iterator[Effect]:
    place, modes = claim.path / "accessModes", claim.modes
    if "ReadOnlyMany" in modes:
        others = [mode for mode in modes if mode != "ReadOnlyMany"]
        if others:
            yield Set(place, others, "the EBS driver refuses a claim that also asks for ReadOnlyMany")
            yield Flag(
                place,
                "ReadOnlyMany was removed: an EBS volume cannot be read by many nodes.",
                f"Check that no other workload mounts this claim read-only. {_SHARE}",
                Severity.REVIEW,
            )
        else:
            yield Flag(
                place,
                "ReadOnlyMany on a disk: the EBS driver refuses it, and the claim would wait for ever.",
                f"{_SHARE} EFS takes it as ReadWriteMany with readOnly mounts.",
                Severity.BLOCKER,
            )
    if "ReadWriteMany" in modes:
        yield from _shared_disk(claim, kind)


def _shared_disk(claim: Claim, kind: str) -> Iterator[Effect]:
    place = claim.path / "accessModes"
    if claim.spec.get("volumeMode") == "Block" and kind == "io2":
        yield Flag(
            place,
            "ReadWriteMany on a block device: io2 Multi-Attach serves at most 16 nodes of one zone.",
            "Keep the pods in one zone, and check that the software fences its writers.",
            Severity.REVIEW,
        )
        return
    yield Flag(
        place,
        "ReadWriteMany on a disk: EBS does that only for volumeMode Block on a class of type io2.",
        f"{_SHARE} For a shared block device set type io2 on the class with an override.",
        Severity.BLOCKER,
    )


def _file_modes(claim: Claim, service: str) -> Iterator[Effect]:
    if "ReadOnlyMany" not in claim.modes:
        return
    place = claim.path / "accessModes"
    others = [mode for mode in claim.modes if mode != "ReadOnlyMany"]
    yield Set(place, others or ["ReadWriteMany"], f"the {service} driver refuses ReadOnlyMany")
    yield Flag(
        place,
        f"ReadOnlyMany was replaced: {service} serves it as ReadWriteMany.",
        "Set readOnly on the volume mounts that must not write.",
        Severity.REVIEW,
    )


def _size(claim: Claim, kind: str) -> Iterator[Effect]:
    path = Path((*claim.path, "resources", "requests", "storage"))
    asked = _at(claim.spec, "resources", "requests", "storage")
    size = performance.quantity_gib(asked)
    if size is None or not kind:
        return
    least, most = performance.size_limits(kind)
    if size < least:
        yield Set(path, f"{least}Gi", f"the smallest {kind} volume has {least} GiB; EC2 refuses a smaller one")
        yield Flag(
            path,
            f"{asked} is less than the smallest {kind} volume, so the claim asks for {least}Gi.",
            "Check the cost, or give the claim another class.",
            Severity.REVIEW,
        )
    elif size > most:
        yield Flag(
            path,
            f"{asked} is more than the largest {kind} volume, {most:,} GiB.",
            "Split the data over several volumes, or use a file system.",
            Severity.BLOCKER,
        )


def _speed(claim: Claim, storage_class: Object, kind: str, known: Known) -> Iterator[Effect]:
    size = performance.quantity_gib(_at(claim.spec, "resources", "requests", "storage")) or 0
    place = claim.path / "storageClassName"
    if not known.migrates(storage_class.ref):  # of a class that goes along, STO001 says it once
        lost = demand.shortfall(storage_class, size, known)
        if lost is not None:
            yield Flag(
                place,
                f"A {storageclass.disk_type(storage_class) or 'pd-standard'} of {size:g} GiB gives up to "
                f"{lost.google}; {kind} gives {lost.ebs}.",
                f"If the workload needs it, add a class with iops {lost.keeps.iops} and throughput "
                f"{lost.keeps.mibs}, and name it here with an override.",
                Severity.REVIEW,
            )
        return
    limits = performance.EBS.get(kind)
    asked = performance.whole(storageclass.parameters(storage_class).get("provisioned-iops-on-create"))
    most = int(size * limits.iops_per_gib) if limits else 0
    if asked and limits and limits.iops_per_gib and limits.least_iops <= most < min(asked, limits.most_iops):
        yield Flag(
            place,
            f"The class asks for {asked:,} IOPS; a {kind} volume of {size:g} GiB gets {most:,}, and nothing says so.",
            "Ask for a larger volume, if the workload needs the IOPS.",
            Severity.REVIEW,
        )


def _source(claim: Claim) -> Iterator[Effect]:
    for field in ("dataSource", "dataSourceRef"):
        source = claim.spec.get(field)
        kind = source.get("kind") if isinstance(source, Mapping) else None
        group = (source.get("apiGroup") or "") if isinstance(source, Mapping) else ""
        place = claim.path / field
        if group == "datalayer.gke.io":
            yield Remove(place, "GKE's populator does not exist on EKS; a claim with an unknown source never binds")
            yield Flag(
                place,
                f"The volume was filled from Cloud Storage by GKE's {kind}; on EKS it starts empty.",
                "Fill it with a Job (aws s3 sync), or use FSx for Lustre linked to a bucket.",
                Severity.REVIEW,
            )
        elif kind in ("VolumeSnapshot", "PersistentVolumeClaim"):
            yield Remove(place, f"a {kind} of the source cannot fill a volume of another cloud; the data is copied")
            yield Flag(
                place,
                f"The volume was made from {kind} {source.get('name') if isinstance(source, Mapping) else ''}; "
                "on EKS it starts empty.",
                "Copy the data of this claim itself, whatever it was made from.",
                Severity.REVIEW,
            )
        elif kind is not None:
            yield Flag(
                place,
                f"The volume is filled by {kind}; without that controller on EKS the claim never binds.",
                "Install the populator there, or remove the field with an override.",
                Severity.REVIEW,
            )


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO009",
        title="What a claim asks of its volume",
        what="Access modes, sizes and data sources that EBS and EFS refuse are translated, or named where they "
        "cannot be.",
        why="A claim that the driver refuses stays Pending, and the pod with it.",
        docs="https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md",
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset(HOLDERS),
        do="Look at access modes and sizes.",
        effects=_wishes,
        gke="accessModes: [ReadWriteOnce, ReadOnlyMany]",
        eks="accessModes: [ReadWriteOnce]",
        change="overrides in gke2eks.yaml",
    ),
)
