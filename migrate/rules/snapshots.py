"""Snapshots: their classes become classes of the EBS driver, the snapshots themselves stay behind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.effects import Cause, Effect, Flag, Manual, Remove, Set, Severity, Skip
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import storageclass
from migrate.semantics.staticvolumes import mapping
from migrate.semantics.storageclass import Family

_GROUP = "snapshot.storage.k8s.io"
_PARAMETERS = P("parameters")
_DOCS = "https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/snapshot.md"
_ADD_ON = "https://docs.aws.amazon.com/eks/latest/userguide/csi-snapshot-controller.html"
_NO_KEY = "the EBS driver refuses a snapshot whose class holds a parameter that it does not know"
# What EC2 accepts as a tag, and what the driver keeps for itself or reads as a template.
_TAG = re.compile(r"[\w +\-=.:/@]*")
_RESERVED = ("kubernetes.io", "ebs.csi.aws.com/", "aws:")
_RESERVED_KEYS = ("CSIVolumeName", "CSIVolumeSnapshotName")


def _class(obj: Object, known: Known) -> Iterator[Effect]:
    family = storageclass.driver_family(obj.body.get("driver"))
    if family is Family.OTHER:
        return
    if family is not Family.DISK:
        yield Manual("no CSI driver on EKS takes snapshots of a file system")
        yield Flag(
            P("driver"),
            f"Backups by {obj.body['driver']} have no counterpart: the EFS driver takes no snapshots.",
            "Set up AWS Backup for the file system, and leave this class out.",
            Severity.REVIEW,
        )
        return
    yield Set(P("driver"), storageclass.provisioner(known.flavour), "EKS has no Google disks; EBS takes the snapshots")
    yield Flag(
        P("driver"),
        "EKS has no snapshot kinds until the add-on snapshot-controller is installed"
        + (", also in Auto Mode." if known.flavour == "auto" else "."),
        "Install the EKS add-on snapshot-controller before this class is applied.",
        Severity.REVIEW,
    )
    yield from _parameters(mapping(obj.body.get("parameters")))


def _parameters(parameters: Mapping[Any, Any]) -> Iterator[Effect]:
    tags: list[tuple[str, str]] = []
    for key, value in parameters.items():
        if not isinstance(key, str) or key.startswith("csi.storage.k8s.io/"):
            continue  # Read by the snapshotter itself, never by a driver.
        yield Remove(_PARAMETERS / key, _NO_KEY)
        if key in ("labels", "resource-tags"):
            tags += [(key, pair) for pair in str(value).split(",") if pair.strip()]
            continue
        told = _told(key, value)
        if told:
            yield Flag(_PARAMETERS / key, *told, Severity.REVIEW)
    number = 0
    for source, text in tags:
        tag = _tag(source, text.strip())
        if tag is None:
            yield Flag(
                _PARAMETERS / source,
                f"{text.strip()} cannot be a tag of an EBS snapshot and was left out.",
                "Write the tag with other characters, as parameters.tagSpecification_N, with an override.",
                Severity.REVIEW,
            )
            continue
        number += 1
        yield Set(_PARAMETERS / f"tagSpecification_{number}", tag, f"{source} of a snapshot are tags on AWS")


def _told(key: str, value: Any) -> tuple[str, str] | None:
    if key == "storage-locations":
        return (
            f"Snapshots were kept in {value}; EBS keeps them in the region of the volume.",
            "Copy them to another region with Data Lifecycle Manager or AWS Backup, if you need that.",
        )
    if key == "image-family":
        return f"The image family {value} is a place in Google Cloud.", "Nothing, unless machines start from images."
    if key == "snapshot-type":
        if value != "images":
            return None
        return (
            "Snapshots as images made fast copies; EBS fills a restored volume slowly at first.",
            "Set parameters.fastSnapshotRestoreAvailabilityZones with an override; each zone is billed by the hour.",
        )
    return f"The parameter {key} has no counterpart and was removed.", "Look it up, and set what you need by override."


def _tag(source: str, text: str) -> str | None:
    """One label 'k=v' or resource tag 'parent/k/v' as 'k=v'; None when AWS or the driver would refuse it."""
    if source == "resource-tags":
        parts = text.split("/")
        key, value = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
    else:
        key, _, value = text.partition("=")
    key, value = key.strip(), value.strip()
    if not key or key in _RESERVED_KEYS or key.startswith(_RESERVED) or "=" in key:
        return None
    return f"{key}={value}" if _TAG.fullmatch(key) and _TAG.fullmatch(value) else None


def _snapshot(obj: Object, known: Known) -> Iterator[Effect]:
    driver = _driver(obj, known)
    if driver is not None and storageclass.driver_family(driver) is Family.OTHER:
        return
    yield Skip(Cause.RULE, "a snapshot of the source cannot be restored in another cloud")
    yield Flag(
        P("spec", "source"),
        "The data of this snapshot stays in Google Cloud.",
        "Copy the volumes themselves; restore what you still need on the source first, and take new snapshots on EKS.",
        Severity.REVIEW,
    )


def _driver(obj: Object, known: Known) -> object:
    """The driver that took the snapshot; None when nothing that was read says it."""
    if obj.ref.kind == "VolumeSnapshotContent":
        return obj.spec.get("driver")
    source, status = mapping(obj.spec.get("source")), mapping(obj.body.get("status"))
    for kind, name in (
        ("VolumeSnapshotContent", source.get("volumeSnapshotContentName")),
        ("VolumeSnapshotContent", status.get("boundVolumeSnapshotContentName")),
        ("VolumeSnapshotClass", obj.spec.get("volumeSnapshotClassName")),
    ):
        found = known.find(Ref(_GROUP, kind, "", name)) if isinstance(name, str) else None
        if found is not None:
            return found.spec.get("driver") if kind == "VolumeSnapshotContent" else found.body.get("driver")
    return None


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO012",
        title="Snapshot class → EBS",
        what="A class of snapshots of Google disks names the EBS driver; labels become tags, and other parameters of "
        "Google's driver leave it.",
        why="The EBS driver refuses parameters it does not know, and EKS has no snapshot kinds before an add-on is in.",
        docs=_DOCS,
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({(_GROUP, "VolumeSnapshotClass")}),
        do="Install the add-on snapshot-controller before you apply the class.",
        effects=_class,
        gke="driver: pd.csi.storage.gke.io, parameters: {labels: team=core}",
        eks="driver: ebs.csi.aws.com, parameters: {tagSpecification_1: team=core}",
        change="overrides in gke2eks.yaml",
        example=Example(
            before={
                "driver": "pd.csi.storage.gke.io",
                "parameters": {"storage-locations": "us", "labels": "team=core"},
            },
            after={"driver": "ebs.csi.aws.com", "parameters": {"tagSpecification_1": "team=core"}},
        ),
    ),
    Rule(
        id="STO013",
        title="Snapshot stays behind",
        what="Snapshots of Google disks and their contents are not planned.",
        why="A snapshot is a thing in Google Cloud. No driver on EKS can open it.",
        docs=_ADD_ON,
        area="storage",
        severity=Severity.REVIEW,
        kinds=frozenset({(_GROUP, "VolumeSnapshot"), (_GROUP, "VolumeSnapshotContent")}),
        do="Copy the volumes, and take new snapshots on EKS.",
        effects=_snapshot,
        gke="kind: VolumeSnapshot",
        eks="nothing",
        change="nothing; take new snapshots on EKS",
    ),
)
