"""Volumes that pods bring themselves: disks by name, paths on nodes, NFS servers, buckets mounted by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from migrate.manifest.places import item_segment
from migrate.manifest.pods import CONTAINERS, KINDS, PodTemplate, pod_template
from migrate.model.effects import Create, Effect, Flag, Remove, Set, Severity
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.rules import Known, Rule
from migrate.semantics import staticvolumes, storageclass
from migrate.semantics.staticvolumes import items, mapping
from migrate.semantics.storageclass import Family

_NOT_READY = "pd.csi.storage.gke.io/not-ready"
_SIDECAR = "gke-gcsfuse-sidecar"
_BECAUSE = "a pod on EKS cannot name a disk; a claim and a volume of its own lead to the EBS volume"
_NODE_CLASS = "https://karpenter.sh/docs/concepts/nodeclasses/"
# NVIDIA's libraries on GKE's nodes: SCH041 takes these volumes out.
_DRIVER = "/home/kubernetes/bin/nvidia"
# Paths of GKE's nodes: what is there, and what to do instead. The first prefix that fits decides.
_PATHS: tuple[tuple[str, str, str], ...] = (
    ("/home/kubernetes", "it belongs to GKE's node image", "Put the programs into the image of the pod."),
    ("/var/lib/docker", "EKS nodes run containerd", "Read logs under /var/log/pods, and ask containerd, not Docker."),
    ("/etc/srv/kubernetes", "GKE keeps node credentials there", "Use a ServiceAccount and its token instead."),
    (
        "/mnt/stateful_partition",
        "it is the writable disk of GKE's node image",
        "Use an emptyDir, or a claim for what has to last.",
    ),
    (
        "/mnt/disks/ssd",
        "GKE mounts local SSDs there",
        "Take instances with NVMe, let pods have it (Karpenter: instanceStorePolicy: RAID0 in the EC2NodeClass), and "
        "use an emptyDir.",
    ),
)


def _volumes(obj: Object, *sources: str) -> Iterator[tuple[Path, Body]]:
    """Each volume of the pod that has one of these sources ('nfs'), with its place."""
    pod = pod_template(obj)
    if pod is None:
        return
    listed = items(pod.spec.get("volumes"))
    for at, volume in pod.items("volumes"):
        if any(source in volume for source in sources):
            yield Path((*pod.path, "spec", "volumes", item_segment("volumes", listed, at))), volume


def _disks(obj: Object, known: Known) -> Iterator[Effect]:
    for place, volume in _volumes(obj, "gcePersistentDisk", "csi"):
        disk = mapping(volume.get("gcePersistentDisk"))
        if disk:
            yield from _disk(obj, place, disk, known)
        family = storageclass.driver_family(mapping(volume.get("csi")).get("driver"))
        if family not in (Family.OTHER, Family.GCSFUSE):
            yield Flag(
                Path((*place, "csi", "driver")),
                f"{volume['csi']['driver']} cannot serve a volume that a pod brings itself, on EKS or on GKE.",
                "Use an ephemeral volume with a volumeClaimTemplate, or a claim.",
                Severity.BLOCKER,
                already=True,
            )


def _disk(obj: Object, place: Path, disk: Body, known: Known) -> Iterator[Effect]:
    here, name = place / "gcePersistentDisk", disk.get("pdName")
    if not isinstance(name, str) or not name:
        yield Flag(here, "This volume names no disk.", "Name a claim here with an override.", Severity.BLOCKER)
        return
    if disk.get("readOnly") is True and _many(obj):
        yield Flag(
            here,
            f"The disk {name} is read by several pods at once; an EBS volume is attached to one node.",
            "Put the data on EFS, into S3 (Mountpoint) or into the image, and name that volume here.",
            Severity.BLOCKER,
        )
        return
    found, question = staticvolumes.disk(name, known)
    claim = staticvolumes.pair_name("disk", name, name)
    # ext4 is what both drivers take when nothing is said; saying it makes pairs of the same disk equal.
    kind = disk.get("fsType") or "ext4"
    csi = {"driver": storageclass.provisioner(known.flavour), "volumeHandle": found, "fsType": kind}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [dict(staticvolumes.AUTO_NODE)]}]}}
    pair = staticvolumes.pair(
        obj.ref.namespace, claim, "ReadWriteOnce", csi, [], affinity if known.flavour == "auto" else None
    )
    for created in pair:
        yield Create(created, f"pods name the disk {name} themselves; EKS needs a volume and a claim for it")
    read_only = {"readOnly": True} if disk.get("readOnly") is True else {}
    yield Remove(here, _BECAUSE)
    yield Set(place / "persistentVolumeClaim", {"claimName": claim, **read_only}, _BECAUSE)
    if question:
        yield Flag(
            here,
            f"No EBS volume is named yet for the disk {name}.",
            "Copy the disk to an EBS volume and name it under storage.disks in gke2eks.yaml.",
            Severity.DECIDE,
            question,
        )
    yield Flag(
        place,
        f"The pod found the disk {name} by its name; now the claim {claim} leads to one EBS volume, in one zone.",
        f"Add the zone of the EBS volume to PersistentVolume {obj.ref.namespace}-{claim} as nodeAffinity"
        + (", and tag the EBS volume with eks:eks-cluster-name." if known.flavour == "auto" else "."),
        Severity.REVIEW,
    )


def _many(obj: Object) -> bool:
    """Tell whether the workload runs several pods."""
    if obj.ref.kind == "DaemonSet":
        return True
    spec = mapping(mapping(obj.spec.get("jobTemplate")).get("spec")) if obj.ref.kind == "CronJob" else obj.spec
    counts = (spec.get("replicas"), spec.get("parallelism"))
    return any(isinstance(count, int) and count > 1 for count in counts)


def _node_paths(obj: Object, _known: Known) -> Iterator[Effect]:
    for place, volume in _volumes(obj, "hostPath"):
        path = mapping(volume.get("hostPath")).get("path")
        if not isinstance(path, str):
            continue
        for prefix, what, fix in _PATHS if not f"{path}/".startswith(f"{_DRIVER}/") else ():
            # Local SSDs are numbered: ssd0, ssd1.
            if path == prefix or path.startswith(prefix if prefix.endswith("ssd") else f"{prefix}/"):
                yield Flag(
                    Path((*place, "hostPath", "path")),
                    f"{path} is no path of an EKS node: {what}.",
                    fix,
                    Severity.REVIEW,
                )
                break


def _flex_volumes(obj: Object) -> Iterator[Effect]:
    for place, volume in _volumes(obj, "flexVolume"):
        driver = mapping(volume.get("flexVolume")).get("driver")
        yield Flag(
            Path((*place, "flexVolume")),
            f"The FlexVolume driver {driver} is a program on the nodes, and EKS nodes do not have it.",
            "Find a CSI driver for the same storage (Mountpoint for S3 for buckets), and mount a claim.",
            Severity.BLOCKER,
        )


def _by_hand(obj: Object, _known: Known) -> Iterator[Effect]:
    yield from _flex_volumes(obj)
    pod = pod_template(obj)
    for group in CONTAINERS if pod else ():
        for at, container in pod.items(group) if pod else ():
            word = _says_gcsfuse(container)
            if word and container.get("name") != _SIDECAR:
                yield Flag(
                    _container(pod, group, at) / word,
                    "This container mounts a Cloud Storage bucket itself, with gcsfuse.",
                    "Mount an S3 bucket as a claim (Mountpoint for S3), and take gcsfuse and its privileges out.",
                    Severity.REVIEW,
                )


def _says_gcsfuse(container: Body) -> str:
    for key in ("command", "args", "lifecycle"):
        value = container.get(key)
        if value is not None and b"gcsfuse" in orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=repr):
            return key
    return ""


def _container(pod: PodTemplate | None, group: str, at: int) -> Path:
    if pod is None:
        return P()
    return Path((*pod.path, "spec", group, item_segment(group, items(pod.spec.get(group)), at)))


def _nfs(obj: Object, _known: Known) -> Iterator[Effect]:
    places: list[tuple[Path, Mapping[Any, Any]]] = [(P("spec"), obj.spec)]
    if obj.ref.kind != "PersistentVolume":
        places = list(_volumes(obj, "nfs"))
    for place, volume in places:
        nfs = mapping(volume.get("nfs"))
        if nfs:
            yield Flag(
                place / "nfs",
                f"NFS from server {nfs.get('server')}, path {nfs.get('path')}, stays as it is written.",
                "Find out whether this is a Filestore (then copy it to EFS and mount that), and whether the VPC "
                "reaches the address.",
                Severity.REVIEW,
            )


def _toleration(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    for at, toleration in pod.items("tolerations") if pod else ():
        if pod and toleration.get("key") == _NOT_READY:
            yield Remove(
                Path((*pod.path, "spec", "tolerations", at)), "a taint of Google's disk driver; no node on EKS has it"
            )


def _page(id: str, title: str, what: str, why: str, docs: str, effects: Any, gke: str, eks: str, do: str) -> Rule:
    kinds = KINDS | {("", "PersistentVolume")} if effects is _nfs else KINDS
    severity = Severity.INFO if effects in (_disks, _toleration) else Severity.REVIEW
    change = "storage.disks in gke2eks.yaml" if effects is _disks else "overrides and waivers in gke2eks.yaml"
    return Rule(id, title, what, why, docs, "storage", severity, frozenset(kinds), do, effects, gke, eks, change)


RULES: tuple[Rule, ...] = (
    _page(
        "STO020",
        "Disk named by a pod → claim",
        "A pod that names a Google disk gets a claim and a volume for the EBS volume with the copy.",
        "Pods on EKS reach disks through claims only, and one EBS volume serves one node.",
        "https://github.com/kubernetes-sigs/aws-ebs-csi-driver/tree/master/examples/kubernetes/static-provisioning",
        _disks,
        "gcePersistentDisk: {pdName: data}",
        "persistentVolumeClaim: {claimName: disk-data-…}",
        "Copy the disk, and name the EBS volume under storage.disks.",
    ),
    _page(
        "STO021",
        "Path of GKE's nodes",
        "Nothing is changed; a finding says what the path was and what takes its place.",
        "The directory does not exist on EKS nodes: the pod fails, or finds it empty.",
        _NODE_CLASS,
        _node_paths,
        "hostPath: {path: /mnt/disks/ssd0}",
        "emptyDir: {} on nodes whose instance store is one RAID0 disk",
        "Replace the volume, or remove it.",
    ),
    _page(
        "STO022",
        "Bucket mounted by hand",
        "Nothing is changed; a finding names the container that runs gcsfuse, or the FlexVolume.",
        "The mount needs Google credentials and privileges; on EKS a CSI driver mounts buckets.",
        "https://docs.aws.amazon.com/eks/latest/userguide/s3-csi.html",
        _by_hand,
        "command: [sh, -c, gcsfuse models /models]",
        "a claim on a volume of s3.csi.aws.com",
        "Mount an S3 bucket as a claim.",
    ),
    _page(
        "STO023",
        "NFS server by address",
        "Nothing is changed; a finding names server and path.",
        "A Filestore is often mounted by its private address, which the VPC does not reach.",
        "https://docs.aws.amazon.com/eks/latest/userguide/efs-csi.html",
        _nfs,
        "nfs: {server: 10.0.0.2, path: /vol1}",
        "a volume of efs.csi.aws.com, or the same server over a VPN",
        "Find out what the server is, and whether the VPC reaches it.",
    ),
    _page(
        "STO024",
        "Toleration of Google's disk driver, removed",
        "The toleration of the taint that GKE's disk driver sets on starting nodes leaves the pod.",
        "No node on EKS carries this taint.",
        "https://github.com/kubernetes-sigs/gcp-compute-persistent-disk-csi-driver",
        _toleration,
        "tolerations: [{key: pd.csi.storage.gke.io/not-ready}]",
        "removed",
        "Nothing.",
    ),
)
