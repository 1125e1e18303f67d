"""PersistentVolumes that a person wrote: Google disks become EBS volumes, Filestore becomes EFS, the rest is named."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from migrate.model.effects import Effect, Flag, Manual, Remove, Set, Severity
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import staticvolumes, storageclass
from migrate.semantics.staticvolumes import REGION_KEYS, ZONE_KEYS, items, mapping
from migrate.semantics.storageclass import Family

_CSI, _IN_TREE, _MODES = P("spec", "csi"), P("spec", "gcePersistentDisk"), P("spec", "accessModes")
_AFFINITY, _OPTIONS = P("spec", "nodeAffinity"), P("spec", "mountOptions")
_TERMS = Path((*_AFFINITY, "required", "nodeSelectorTerms"))
_IDENTITY = "storage.kubernetes.io/csiProvisionerIdentity"
_EBS_DOCS = "https://github.com/kubernetes-sigs/aws-ebs-csi-driver/tree/master/examples/kubernetes/static-provisioning"
_EFS_DOCS = "https://github.com/kubernetes-sigs/aws-efs-csi-driver/blob/master/docs/README.md"
_BECAUSE = "EKS has no Google disks; an EBS volume holds the copy of the data"
_SHARE = "Use EFS for files that several nodes share, or Mountpoint for S3 for data that only grows."


def _disk(obj: Object, known: Known) -> Iterator[Effect]:
    csi, in_tree = mapping(obj.spec.get("csi")), mapping(obj.spec.get("gcePersistentDisk"))
    if not in_tree and storageclass.driver_family(csi.get("driver")) is not Family.DISK:
        return
    handle = staticvolumes.disk_handle(None if in_tree else csi.get("volumeHandle"))
    if handle.multi_zone:
        yield Manual("a disk that is read in several zones at once; EBS has none")
        yield Flag(
            _CSI / "volumeHandle",
            f"{csi['volumeHandle']} stands for read-only disks in several zones; EBS has nothing like it.",
            "Serve the data from S3 (Mountpoint) or from FSx for Lustre, and rebuild this volume by hand.",
            Severity.BLOCKER,
        )
        return
    volume, question = staticvolumes.disk(obj.ref.name, known)
    yield from _source(csi, in_tree, volume, known.flavour)
    place = _CSI / "volumeHandle"
    if question:
        yield Flag(
            place,
            f"No EBS volume is named yet for {in_tree.get('pdName') or csi.get('volumeHandle')}.",
            "Copy the disk to an EBS volume and name it under storage.disks in gke2eks.yaml.",
            Severity.DECIDE,
            question,
        )
    if known.flavour == "auto":
        yield Flag(
            place,
            "EKS Auto Mode attaches only volumes that carry its tag.",
            "Tag the EBS volume with the key eks:eks-cluster-name and the cluster's name as value.",
            Severity.REVIEW,
        )
    two = any("__" in str(obj.labels.get(key)) for key in ZONE_KEYS)  # how a disk of two zones is labelled
    if handle.regional or two:
        yield from _regional(obj, known)
    yield from _file_system(csi, in_tree)
    yield from _disk_modes(obj)
    yield from _zones(obj, handle.zone, known)


def _source(csi: Body, in_tree: Body, volume: str, flavour: str) -> Iterator[Effect]:
    driver = storageclass.provisioner(flavour)
    if in_tree:
        kept = {key: in_tree[key] for key in ("fsType", "readOnly") if key in in_tree}
        yield Remove(_IN_TREE, _BECAUSE)
        yield Set(_CSI, {"driver": driver, "volumeHandle": volume, **kept}, _BECAUSE)
        return
    yield Set(_CSI / "driver", driver, _BECAUSE)
    yield Set(_CSI / "volumeHandle", volume, _BECAUSE)
    attributes = mapping(csi.get("volumeAttributes"))
    gone = [key for key in (_IDENTITY, "partition") if key in attributes]
    place = _CSI / "volumeAttributes"
    for path in [place] if gone and len(gone) == len(attributes) else [place / key for key in gone]:
        yield Remove(path, "Google's disk driver wrote it for itself")


def _regional(obj: Object, known: Known) -> Iterator[Effect]:
    question = staticvolumes.one_zone(obj.ref.name, known)
    yield Flag(
        _CSI / "volumeHandle",
        "This disk lives in two zones. An EBS volume lives in one: its pods cannot follow to another zone.",
        "Nothing; you accepted one zone."
        if question is None
        else "Use EFS or replicate in the application; or accept one zone under storage.zonal in gke2eks.yaml.",
        Severity.INFO if question is None else Severity.BLOCKER,
        question,
    )


def _file_system(csi: Body, in_tree: Body) -> Iterator[Effect]:
    kind = (in_tree or csi).get("fsType")
    if kind not in (None, "", "ext3", "ext4", "xfs"):
        yield Flag(
            _CSI / "fsType",
            f"The EBS driver knows ext3, ext4 and xfs; this volume says {kind}.",
            "Copy the files to a volume with one of these, and set fsType with an override.",
            Severity.BLOCKER,
        )
    part = in_tree.get("partition") or mapping(csi.get("volumeAttributes")).get("partition")
    if part not in (None, "", "0", 0):
        yield Flag(
            _CSI,
            f"The data is in partition {part} of the disk; the plan mounts the whole EBS volume.",
            "Copy the files, not the disk; or set volumeAttributes.partition with an override.",
            Severity.REVIEW,
        )


def _disk_modes(obj: Object) -> Iterator[Effect]:
    modes = items(obj.spec.get("accessModes"))
    others = [mode for mode in modes if mode != "ReadOnlyMany"]
    if len(others) < len(modes) and others:
        yield Set(_MODES, others, "an EBS volume cannot be read by many nodes")
        yield Flag(
            _MODES,
            "ReadOnlyMany was removed: an EBS volume cannot be read by many nodes.",
            f"Check that no other workload reads this volume. {_SHARE}",
            Severity.REVIEW,
        )
    elif len(others) < len(modes):
        yield Flag(
            _MODES, "ReadOnlyMany on a disk: the EBS driver refuses it, and pods wait.", _SHARE, Severity.BLOCKER
        )
    if "ReadWriteMany" in modes:
        block = obj.spec.get("volumeMode") == "Block"
        said = "EBS does that only for volumeMode Block on a volume of type io2, for 16 nodes of one zone."
        fix = "Make the EBS volume io2 with Multi-Attach, and keep the pods in its zone." if block else _SHARE
        weight = Severity.REVIEW if block else Severity.BLOCKER
        yield Flag(_MODES, f"ReadWriteMany on a disk: {said}", fix, weight)


def _zones(obj: Object, zone: str, known: Known) -> Iterator[Effect]:
    for key in obj.labels:
        if key in ZONE_KEYS or key in REGION_KEYS:
            yield Remove(
                P("metadata", "labels", key), "a place of Google Cloud; a zone of the source fits no node here"
            )
    labels = [obj.labels.get(key) for key in sorted(ZONE_KEYS)]
    zone = zone or next((label for label in labels if isinstance(label, str) and "__" not in label), "")
    found = staticvolumes.affinity(mapping(obj.spec.get("nodeAffinity")), zone, known)
    if found.terms:
        yield Set(_AFFINITY, {"required": {"nodeSelectorTerms": found.terms}}, "EKS has other zones and node labels")
    elif "nodeAffinity" in obj.spec:
        yield Remove(_AFFINITY, "it names labels that no node on EKS carries")
    for path, name, question in found.open:
        yield Flag(
            Path((*_TERMS, *path)),
            f"No availability zone is named yet for {name}.",
            "Name the zone of the EBS volume under zones in gke2eks.yaml.",
            Severity.DECIDE,
            question,
        )
    if found.zones != 1:
        yield Flag(
            _AFFINITY,
            f"This volume names {found.zones} zones; an EBS volume lives in one."
            if found.zones
            else "This volume says no zone, so a pod may start where its disk is not.",
            "Leave the one zone of the EBS volume (topology.kubernetes.io/zone) here, with an override.",
            Severity.REVIEW,
        )


def _filestore(obj: Object, known: Known) -> Iterator[Effect]:
    csi = mapping(obj.spec.get("csi"))
    if storageclass.driver_family(csi.get("driver")) is not Family.FILESTORE:
        return
    because = "EKS has no Filestore; an EFS file system holds the copy of the data"
    place, question = storageclass.file_system(obj.ref.name, known)
    yield Set(_CSI / "driver", staticvolumes.EFS_DRIVER, because)
    yield Set(_CSI / "volumeHandle", place, because)
    for key in ("volumeAttributes", "fsType"):
        yield Remove(_CSI / key, "it describes the Filestore share; the EFS driver needs only the file system")
    if obj.spec.get("nodeAffinity") is not None:
        yield Remove(_AFFINITY, "every zone with a mount target reaches EFS; the labels named here are Google's")
    if question:
        yield Flag(
            _CSI / "volumeHandle",
            f"No EFS file system is named yet for {csi.get('volumeHandle')}.",
            "Copy the files with DataSync and name the file system under storage.fileSystems in gke2eks.yaml.",
            Severity.DECIDE,
            question,
        )
    modes = items(obj.spec.get("accessModes"))
    if "ReadOnlyMany" in modes:
        others = [mode for mode in modes if mode != "ReadOnlyMany"]
        yield Set(_MODES, others or ["ReadWriteMany"], "the EFS driver refuses ReadOnlyMany")
        yield Flag(
            _MODES,
            "ReadOnlyMany was replaced: EFS serves it as ReadWriteMany.",
            "Set readOnly on the volume mounts that must not write.",
            Severity.REVIEW,
        )
    yield from _nfs_options(items(obj.spec.get("mountOptions")))


def _nfs_options(options: list[Any]) -> Iterator[Effect]:
    for at, option in enumerate(options):
        kept = staticvolumes.without_nfs3(option) if isinstance(option, str) else option
        because = f"{option} holds options of NFS version 3; EFS speaks 4.1 only"
        if kept == "":
            yield Remove(_OPTIONS / at, because)
        elif kept != option:
            yield Set(_OPTIONS / at, kept, because)


def _class(obj: Object, known: Known) -> Iterator[Effect]:
    name = staticvolumes.class_on_eks(obj.spec.get("storageClassName"), known)
    if name is not None:
        because = "its claim names this class on EKS, and a volume binds only to a claim of its own class"
        yield Set(P("spec", "storageClassName"), name, because)


_rule = partial(Rule, area="storage", severity=Severity.INFO, kinds=frozenset({("", "PersistentVolume")}))
RULES: tuple[Rule, ...] = (
    _rule(
        id="STO010",
        title="Volume on a Google disk → EBS",
        what="A PersistentVolume that a person wrote for a Google disk names the EBS driver, the EBS volume that holds "
        "the copy, and availability zones.",
        why="No node on EKS can attach a Google disk, and none carries the zones and labels of Google Cloud.",
        docs=_EBS_DOCS,
        do="Copy each disk, and name the EBS volume under storage.disks and its zone under zones.",
        effects=_disk,
        gke="driver: pd.csi.storage.gke.io, volumeHandle: projects/acme/zones/us-central1-a/disks/data",
        eks="driver: ebs.csi.aws.com, volumeHandle: vol-0123456789abcdef0",
        change="storage.disks, zones and storage.zonal in gke2eks.yaml",
        example=Example(
            before={"spec": {"gcePersistentDisk": {"pdName": "data", "fsType": "ext4"}}},
            after={
                "spec": {
                    "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "UNDECIDED: storage.disks.x", "fsType": "ext4"}
                }
            },
        ),
    ),
    _rule(
        id="STO011",
        title="Volume on Filestore → EFS",
        what="A PersistentVolume for a Filestore share names the EFS driver and the file system that holds the copy.",
        why="EKS has no Filestore. EFS is the file system that many pods share, and it speaks NFS version 4.1 only.",
        docs=_EFS_DOCS,
        do="Copy the files, and name the file system of each volume under storage.fileSystems.",
        effects=_filestore,
        gke="driver: filestore.csi.storage.gke.io",
        eks="driver: efs.csi.aws.com, volumeHandle: fs-0123456789abcdef0",
        change="storage.fileSystems in gke2eks.yaml",
    ),
    _rule(
        id="STO015",
        title="A volume keeps the class of its claim",
        what="A PersistentVolume of a class that is renamed on EKS follows its claim.",
        why="A claim binds only to a volume whose class has the same name.",
        docs="https://kubernetes.io/docs/concepts/storage/persistent-volumes/#class-1",
        do="Nothing.",
        effects=_class,
        gke="storageClassName: standard-rwo",
        eks="storageClassName: gp3",
        change="overrides in gke2eks.yaml",
    ),
)
