"""What a StorageClass means, asked by provisioner and parameters and never by its name alone."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from migrate.model.effects import Question
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.model.rules import Known, Row
from migrate.semantics.performance import EBS, mebibytes, whole


class Family(StrEnum):
    """Which of Google's storage products a provisioner or driver serves; OTHER is everybody else's."""

    DISK = "disk"
    FILESTORE = "filestore"
    GCSFUSE = "gcsfuse"
    LUSTRE = "lustre"
    PARALLELSTORE = "parallelstore"
    OTHER = "other"


_DRIVERS: Mapping[str, Family] = {
    "pd.csi.storage.gke.io": Family.DISK,
    "kubernetes.io/gce-pd": Family.DISK,
    "filestore.csi.storage.gke.io": Family.FILESTORE,
    "gcsfuse.csi.storage.gke.io": Family.GCSFUSE,
    "lustre.csi.storage.gke.io": Family.LUSTRE,
    "parallelstore.csi.storage.gke.io": Family.PARALLELSTORE,
}
EBS_PROVISIONERS = frozenset({"ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com"})
EFS_PROVISIONER = "efs.csi.aws.com"
_BUILT_IN: Mapping[str, Family] = {
    **dict.fromkeys(("standard", "standard-rwo", "premium-rwo", "dynamic-rwo"), Family.DISK),
    **dict.fromkeys(("standard-rwx", "premium-rwx", "zonal-rwx"), Family.FILESTORE),
    **dict.fromkeys(("enterprise-rwx", "enterprise-multishare-rwx"), Family.FILESTORE),
}
DEFAULT_KEY = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_KEYS = (DEFAULT_KEY, "storageclass.beta.kubernetes.io/is-default-class")
# GKE writes it when it takes the mark of default off its own class and sets the class of claims at admission instead.
DEFAULT_BY_POLICY = "pdcsi.storage.gke.io/install-default-using-map"
ZONAL_PAIR = "hyperdisk-balanced-high-availability"


def driver_family(driver: object) -> Family:
    """The product behind a provisioner or CSI driver name; one that is no text is nobody's."""
    return _DRIVERS.get(driver, Family.OTHER) if isinstance(driver, str) else Family.OTHER


def family(storage_class: Object) -> Family:
    """The product that serves the class, by provisioner only."""
    return driver_family(storage_class.body.get("provisioner"))


def provisioner(flavour: str) -> str:
    """The EBS provisioner of a flavour: the add-on's, or Auto Mode's own."""
    return "ebs.csi.eks.amazonaws.com" if flavour == "auto" else "ebs.csi.aws.com"


def class_ref(name: str) -> Ref:
    """The identity of a StorageClass."""
    return Ref("storage.k8s.io", "StorageClass", "", name)


def is_default(storage_class: Object) -> bool:
    """Tell whether the class is marked as the cluster's default."""
    return any(storage_class.annotations.get(key) == "true" for key in _DEFAULT_KEYS)


def default_class(known: Known) -> Object | None:
    """The source's default class; the newest wins as in Kubernetes, then the name. None when none was read."""
    return known.once("storageclass.default", lambda: _default_class(known))


def _default_class(known: Known) -> Object | None:
    classes = known.all("storage.k8s.io", "StorageClass")
    marked = [obj for obj in classes if is_default(obj)]
    marked = marked or [obj for obj in classes if DEFAULT_BY_POLICY in obj.annotations and is_built_in(obj, known)]
    marked.sort(key=lambda obj: obj.ref.name)
    marked.sort(key=lambda obj: str(obj.metadata.get("creationTimestamp") or ""), reverse=True)
    return marked[0] if marked else None


def parameters(storage_class: Object) -> Mapping[str, str]:
    """The class's parameters by key in lower case, as Google's disk driver and the EBS driver read them."""
    found = storage_class.body.get("parameters")
    pairs = found.items() if isinstance(found, Mapping) else ()
    return {key.lower(): value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}


def disk_type(storage_class: Object) -> str:
    """parameters.type in lower case; '' when it says none."""
    return parameters(storage_class).get("type", "").strip().lower()


def is_zonal_pair(storage_class: Object) -> bool:
    """Tell whether the class asks for disks that live in two zones at once."""
    kind = parameters(storage_class).get("replication-type", "").lower()
    return kind == "regional-pd" or disk_type(storage_class) == ZONAL_PAIR


def type_row(storage_class: Object, known: Known) -> Row | None:
    """The row of mappings/storage.yaml for the class's disk type."""
    table = known.once("storageclass.types", lambda: {r.fields["type"]: r for r in known.rows("storage.yaml")})
    return table.get(disk_type(storage_class))


def volume_type(storage_class: Object, known: Known) -> str:
    """The EBS volume type that volumes of the class get ('gp3'); '' when there is none. EBS classes: their own."""
    if storage_class.body.get("provisioner") in EBS_PROVISIONERS:
        return disk_type(storage_class) or "gp3"
    if family(storage_class) is not Family.DISK:
        return ""
    row = type_row(storage_class, known)
    ebs = row.fields.get("ebs") if row is not None else ""
    if not isinstance(ebs, str):
        return ""
    said = parameters(storage_class)
    iops = whole(said.get("provisioned-iops-on-create")) or 0
    throughput = mebibytes(said.get("provisioned-throughput-on-create")) or 0
    # Only a type whose IOPS the class may set on Google's side can need more than gp3 has.
    if ebs == "gp3" and (iops > EBS[ebs].most_iops or throughput > EBS[ebs].most_mibs):
        return "io2"
    return ebs


def is_built_in(storage_class: Object, known: Known) -> bool:
    """Tell whether GKE installs this class itself, and it therefore stays behind."""
    there = _BUILT_IN.get(storage_class.ref.name)
    return there is not None and there is family(storage_class) and not known.migrates(storage_class.ref)


def is_built_in_name(name: str) -> bool:
    """Tell whether GKE installs a class of this name: a hint for a question, never for a translation."""
    return name in _BUILT_IN


def file_system(name: str, known: Known) -> tuple[str, Question | None]:
    """The EFS file system for a class or volume of this name, and the question that is open until it is named."""
    key = ("storage", "fileSystems", name)
    answer = known.answer(*key)
    if isinstance(answer, str):
        return answer, None
    question = Question(
        key=key,
        group="storage.fileSystems",
        title="Which EFS file system takes the place of each Filestore?",
        until="No claim of the class gets a volume, and its pods wait.",
        example="fs-0123456789abcdef0",
    )
    return f"UNDECIDED: {question.name}", question


def substitute(storage_class: Object, known: Known) -> Object | None:
    """The class to create in place of one of GKE's built-in ones; None for any other class.

    When a class of the same name goes along and means the same, its name is used: then create nothing.
    """
    if not is_built_in(storage_class, known):
        return None
    if family(storage_class) is Family.DISK:
        body = _gp3(known.flavour)
        name = _free_name("gp3", "gp3-ebs", body, known)
    else:
        name = _free_name("efs", "efs-ap", _efs("efs", known), known)
        body = _efs(name, known)
    metadata: dict[str, Any] = {"name": name}
    if _leads(storage_class, known):
        metadata["annotations"] = {DEFAULT_KEY: "true"}
    whole_body = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, **body}
    return Object(class_ref(name), whole_body)


def _free_name(wanted: str, other: str, body: Mapping[str, Any], known: Known) -> str:
    taken = known.find(class_ref(wanted))
    if taken is None:
        return wanted
    same = all(taken.body.get(key) == body[key] for key in ("provisioner", "parameters"))
    return wanted if same and known.migrates(taken.ref) else other


def _leads(storage_class: Object, known: Known) -> bool:
    """Tell whether the class that is created must be the default: a built-in one was, and no other takes over."""
    default = default_class(known)
    if default is None or not is_built_in(default, known) or family(default) is not family(storage_class):
        return False
    return not any(is_default(c) and known.migrates(c.ref) for c in known.all("storage.k8s.io", "StorageClass"))


def _gp3(flavour: str) -> dict[str, Any]:
    return {
        "provisioner": provisioner(flavour),
        "parameters": {"type": "gp3", "encrypted": "true"},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }


def _efs(name: str, known: Known) -> dict[str, Any]:
    place, _ = file_system(name, known)
    return {
        "provisioner": EFS_PROVISIONER,
        "parameters": {"provisioningMode": "efs-ap", "fileSystemId": place, "directoryPerms": "700"},
        "reclaimPolicy": "Delete",
    }
