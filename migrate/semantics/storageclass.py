"""What a StorageClass means, asked by provisioner and parameters and never by its name alone."""

from __future__ import annotations

from collections.abc import Mapping

from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.model.rules import Known

GOOGLE_DISKS = frozenset({"pd.csi.storage.gke.io", "kubernetes.io/gce-pd"})
_DEFAULT_KEYS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def provisioner(flavour: str) -> str:
    """The EBS provisioner of a flavour: the add-on's, or Auto Mode's own."""
    return "ebs.csi.eks.amazonaws.com" if flavour == "auto" else "ebs.csi.aws.com"


def class_ref(name: str) -> Ref:
    """The identity of a StorageClass."""
    return Ref("storage.k8s.io", "StorageClass", "", name)


def is_google_disk(storage_class: Object) -> bool:
    """Tell whether Google's disk driver serves the class. A provisioner that is no text is nobody's."""
    found = storage_class.body.get("provisioner")
    return isinstance(found, str) and found in GOOGLE_DISKS


def is_default(storage_class: Object) -> bool:
    """Tell whether the class is marked as the cluster's default."""
    return any(storage_class.annotations.get(key) == "true" for key in _DEFAULT_KEYS)


def default_class(known: Known) -> Object | None:
    """The source's default class; the newest wins as in Kubernetes, then the name. None when none was read."""
    marked = [obj for obj in known.all("storage.k8s.io", "StorageClass") if is_default(obj)]
    marked.sort(key=lambda obj: obj.ref.name)
    marked.sort(key=lambda obj: str(obj.metadata.get("creationTimestamp") or ""), reverse=True)
    return marked[0] if marked else None


def disk_type(storage_class: Object) -> str:
    """parameters.type of a class of Google disks; '' when it says none."""
    parameters = storage_class.body.get("parameters")
    found = parameters.get("type", "") if isinstance(parameters, Mapping) else ""
    return found if isinstance(found, str) else ""
