"""Volumes as each cloud's storage drivers provision them, written down only: no disk is made.

Sources. volumeHandle and volumeAttributes: gcp-compute-persistent-disk-csi-driver pkg/common/utils.go;
gcp-filestore-csi-driver pkg/csi_driver/controller.go (modeInstance/<zone>/<name>/<share>); aws-ebs-csi-driver and
aws-efs-csi-driver pkg/driver/controller.go. Zone keys: pkg/driver/driver.go of EBS, README of PD; that of Auto Mode
is not published, but its nodes carry topology.ebs.csi.eks.amazonaws.com/zone. Finalizers: kubernetes.io/pv-protection
comes from the server, external-attacher/<driver> where the driver attaches,
external-provisioner.volume.kubernetes.io/finalizer when the policy is Delete (provisioner 5). Annotations:
kubernetes-csi/external-provisioner and kube-controller-manager.
"""

import hashlib
from dataclasses import dataclass

from rig.http import Client, Json
from rig.shapes.loading import until

PD, FILESTORE = "pd.csi.storage.gke.io", "filestore.csi.storage.gke.io"
EBS, AUTO_EBS, EFS = "ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "efs.csi.aws.com"
ATTACHER = {PD: "pd-csi-storage-gke-io", EBS: "ebs-csi-aws-com", AUTO_EBS: "ebs-csi-eks-amazonaws-com"}
ZONE_KEY = {
    PD: "topology.gke.io/zone",
    EBS: "topology.kubernetes.io/zone",
    AUTO_EBS: "topology.ebs.csi.eks.amazonaws.com/zone",
}
MIGRATED = {"kubernetes.io/gce-pd": PD, "kubernetes.io/aws-ebs": EBS}  # in-tree names that Kubernetes hands to CSI
DRIVERS = frozenset({PD, FILESTORE, EBS, AUTO_EBS, EFS})


@dataclass(frozen=True, slots=True)
class Place:
    """Where volumes are made. `zones`: the first holds zonal disks, the first two regional ones."""

    zones: tuple[str, ...]
    project: str = "rig-project"

    @property
    def region(self) -> str:
        """us-central1-a → us-central1 and us-east-1a → us-east-1."""
        return self.zones[0].rstrip("abcdef").rstrip("-")


def driver_of(storage_class: Json) -> str:
    """The CSI driver that serves the class."""
    return MIGRATED.get(storage_class["provisioner"], storage_class["provisioner"])


def volume_for(claim: Json, storage_class: Json, place: Place) -> Json:
    """The PersistentVolume that the class's driver would provision. ValueError for a driver that is none of DRIVERS."""
    meta, name, driver = claim["metadata"], f"pvc-{claim['metadata']['uid']}", driver_of(storage_class)
    csi, zones = _csi(driver, name, storage_class.get("parameters") or {}, place)
    csi["volumeAttributes"]["storage.kubernetes.io/csiProvisionerIdentity"] = f"1763900000000-8081-{driver}"
    deleted = storage_class.get("reclaimPolicy", "Delete") == "Delete"
    finalizers = ["external-provisioner.volume.kubernetes.io/finalizer"] if deleted else []
    finalizers += [f"external-attacher/{ATTACHER[driver]}"] if driver in ATTACHER else []
    wanted = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    spec: Json = {
        "accessModes": claim["spec"]["accessModes"],
        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim"} | wanted,
        "csi": csi,
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
        "storageClassName": storage_class["metadata"]["name"],
        "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
    }
    if driver in ZONE_KEY:
        term = {"key": ZONE_KEY[driver], "operator": "In", "values": zones}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}}
    if storage_class.get("mountOptions"):
        spec["mountOptions"] = storage_class["mountOptions"]
    notes = {
        "pv.kubernetes.io/provisioned-by": driver,
        "volume.kubernetes.io/provisioner-deletion-secret-name": "",
        "volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
    }
    made = {"name": name, "annotations": notes, "finalizers": ["kubernetes.io/pv-protection", *finalizers]}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": made, "spec": spec}


def _csi(driver: str, name: str, parameters: Json, place: Place) -> tuple[Json, list[str]]:
    """spec.csi, and the zones that the volume can be reached from."""
    regional = parameters.get("replication-type") == "regional-pd"
    zones = list(place.zones[: 2 if driver == PD and regional else 1])
    digest, attributes = hashlib.sha256(name.encode()).hexdigest(), {}
    if driver == PD:
        where = f"regions/{place.region}" if regional else f"zones/{zones[0]}"
        handle = f"projects/{place.project}/{where}/disks/{name}"
    elif driver == FILESTORE:
        handle, attributes = f"modeInstance/{zones[0]}/{name}/vol1", {"ip": "10.20.0.2", "volume": "vol1"}
    elif driver in (EBS, AUTO_EBS):
        handle = f"vol-0{digest[:16]}"
    elif driver == EFS:
        handle = f"efs:{parameters.get('fileSystemId', 'fs-' + digest[:17])}::fsap-0{digest[:16]}"
    else:
        raise ValueError(f"{driver} is none of {', '.join(sorted(DRIVERS))}")
    csi: Json = {"driver": driver, "volumeHandle": handle, "volumeAttributes": attributes}
    if driver in ATTACHER:
        csi["fsType"] = parameters.get("csi.storage.k8s.io/fstype", parameters.get("fsType", "ext4"))
    return csi, zones


def bind(client: Client, claim: Json, place: Place, node: str) -> Json:
    """Make a volume for the claim and bind both by hand, so that no controller is needed; the volume."""
    claim = client.get("v1", "PersistentVolumeClaim", claim["metadata"]["name"], claim["metadata"]["namespace"])
    storage_class = client.get("storage.k8s.io/v1", "StorageClass", claim["spec"]["storageClassName"])
    volume, driver = client.create(volume_for(claim, storage_class, place)), driver_of(storage_class)
    client.patch(volume, {"status": {"phase": "Bound"}}, sub="status")
    notes = {
        "pv.kubernetes.io/bind-completed": "yes",
        "pv.kubernetes.io/bound-by-controller": "yes",
        "volume.beta.kubernetes.io/storage-provisioner": driver,
        "volume.kubernetes.io/storage-provisioner": driver,
    }
    if storage_class["volumeBindingMode"] == "WaitForFirstConsumer":
        notes["volume.kubernetes.io/selected-node"] = node
    client.patch(claim, {"metadata": {"annotations": notes}, "spec": {"volumeName": volume["metadata"]["name"]}})
    status = {"phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": volume["spec"]["capacity"]}
    client.patch(claim, {"status": status}, sub="status")
    return volume


def wait_bound(client: Client, claims: list[Json], seconds: float = 60) -> None:
    """Wait until the claims and their volumes say Bound: the binder may write after us, and agrees in the end."""
    names = {(claim["metadata"]["namespace"], claim["metadata"]["name"]) for claim in claims}

    def bound() -> bool:
        def done(kind: str) -> list[Json]:
            return [obj for obj in client.list("v1", kind) if obj["status"].get("phase") == "Bound"]

        ready = {(c["metadata"]["namespace"], c["metadata"]["name"]) for c in done("PersistentVolumeClaim")}
        held = {(v["spec"]["claimRef"]["namespace"], v["spec"]["claimRef"]["name"]) for v in done("PersistentVolume")}
        return names <= ready & held

    until(bound, seconds, f"{len(names)} claims and their volumes bound")
