"""Mount options that only Google's drivers understand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics.storageclass import Family, driver_family, family

# Words to Google's disk and bucket drivers, which take them out before they mount.
_TO_THE_DRIVER = ("read_ahead_kb=", "btrfs-")
# Filestore speaks NFS 3; EFS speaks NFS 4.1 only, where locks are part of the protocol.
_NFS_3 = ("nolock", "nfsvers=3", "vers=3")


def _mount_options(obj: Object, _known: Known) -> Iterator[Effect]:
    is_class = obj.ref.kind == "StorageClass"
    here: Path = P("mountOptions") if is_class else P("spec", "mountOptions")
    options = (obj.body if is_class else obj.spec).get("mountOptions")
    serves = family(obj) if is_class else _volume_family(obj)
    for at, option in enumerate(options if isinstance(options, list) else ()):
        if not isinstance(option, str):
            continue
        if serves in (Family.DISK, Family.GCSFUSE) and option.startswith(_TO_THE_DRIVER):
            yield Remove(here / at, "Google's driver interprets it; the driver on EKS hands it to mount, which fails")
            yield Flag(
                here,
                f"{option} told Google's driver what to do; on EKS the kernel's own setting holds.",
                "Nothing, unless you measured that you need it: then set it from the node's user data.",
                Severity.REVIEW,
            )
        elif is_class and serves is Family.FILESTORE and option in _NFS_3:
            yield Remove(here / at, "Filestore speaks NFS 3; EFS speaks NFS 4.1 only, and its locks need no option")


def _volume_family(volume: Object) -> Family:
    csi = volume.spec.get("csi")
    if isinstance(csi, Mapping):
        return driver_family(csi.get("driver"))
    return Family.DISK if "gcePersistentDisk" in volume.spec else Family.OTHER


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO005",
        title="Mount options of Google's drivers, removed",
        what="read_ahead_kb and btrfs-* leave the mount options of disk and bucket volumes, NFS 3 those of Filestore.",
        why="Google's drivers take them out before they mount. The drivers on EKS do not, and every mount fails.",
        docs="https://github.com/kubernetes-sigs/gcp-compute-persistent-disk-csi-driver",
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({("storage.k8s.io", "StorageClass"), ("", "PersistentVolume")}),
        do="Nothing, unless you measured that you need it.",
        effects=_mount_options,
        gke="mountOptions: [discard, read_ahead_kb=4096]",
        eks="mountOptions: [discard]",
        change="overrides in gke2eks.yaml",
        example=Example(
            before={"spec": {"gcePersistentDisk": {"pdName": "a"}, "mountOptions": ["discard", "read_ahead_kb=4096"]}},
            after={"spec": {"gcePersistentDisk": {"pdName": "a"}, "mountOptions": ["discard"]}},
        ),
    ),
)
