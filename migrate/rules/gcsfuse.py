"""Cloud Storage buckets mounted as files: GKE's gcsfuse becomes Mountpoint for S3, which promises less."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from migrate.manifest.places import item_segment
from migrate.manifest.pods import CONTAINERS, KINDS, PodTemplate, pod_template
from migrate.model.effects import Create, Effect, Flag, Remove, Set, Severity
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import staticvolumes, storageclass
from migrate.semantics.staticvolumes import S3_DRIVER, Mount, items, mapping, mount_bucket
from migrate.semantics.storageclass import Family

_DOCS = "https://github.com/awslabs/mountpoint-s3/blob/main/doc/SEMANTICS.md"
_CSI, _OPTIONS = P("spec", "csi"), P("spec", "mountOptions")
_SIDECARS = ("gke-gcsfuse-sidecar", "gke-gcsfuse-metadata-prefetch")
_SCRATCH = ("gke-gcsfuse-tmp", "gke-gcsfuse-buffer", "gke-gcsfuse-cache")
_PREFIX = "gke-gcsfuse/"
_BECAUSE = "EKS mounts buckets with Mountpoint for S3, through a claim and a volume of its own"
_ALL_BUCKETS = "_"
# Mount options that rule STO005 judges, on every volume.
_STO005 = ("read_ahead_kb=", "btrfs-")


def _told(place: Path, name: str, mount: Mount, known: Known) -> Iterator[Effect]:
    """What everybody must hear who moves from gcsfuse to Mountpoint."""
    if mount.question:
        yield Flag(
            place,
            f"No S3 bucket is named yet for {name}.",
            "Copy the objects (DataSync) and name the bucket under storage.buckets in gke2eks.yaml.",
            Severity.DECIDE,
            mount.question,
        )
    yield Flag(
        place,
        "Mountpoint for S3 is less of a file system than gcsfuse: no rename, no append, no change inside a file; "
        "existing files are replaced only with allow-overwrite and deleted only with allow-delete.",
        "Check how the pods write, and add allow-overwrite or allow-delete to mountOptions of the volume with an "
        "override; where that is not enough, use EFS. Install the EKS add-on aws-mountpoint-s3-csi-driver"
        + (" (Auto Mode does not bring it)" if known.flavour == "auto" else "")
        + ", and give the pods' role access to the bucket.",
        Severity.REVIEW,
    )
    if mount.lost:
        yield Flag(
            place,
            f"Settings of gcsfuse without a counterpart were removed: {', '.join(mount.lost)}.",
            "Look them up in Mountpoint's configuration, if you measured that you need them.",
            Severity.REVIEW,
        )


def _all_buckets(place: Path) -> Flag:
    return Flag(
        place,
        "This volume shows every bucket of the project at once (bucketName: _); Mountpoint mounts one bucket.",
        "Split it into one volume for each bucket that the pods read, and mount those.",
        Severity.BLOCKER,
    )


def _pod(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is None:
        return
    listed = items(pod.spec.get("volumes"))
    for at, volume in pod.items("volumes"):
        csi = mapping(volume.get("csi"))
        if storageclass.driver_family(csi.get("driver")) is Family.GCSFUSE:
            yield from _inline(
                obj, Path((*pod.path, "spec", "volumes", item_segment("volumes", listed, at))), csi, known
            )


def _inline(obj: Object, place: Path, csi: Body, known: Known) -> Iterator[Effect]:
    attributes = mapping(csi.get("volumeAttributes"))
    name = attributes.get("bucketName")
    if not isinstance(name, str) or name in ("", _ALL_BUCKETS):
        yield _all_buckets(Path((*place, "csi", "driver")))
        return
    mount = mount_bucket(name, attributes, [], known)
    # All that makes this mount what it is, but not the answer: a claim keeps its name when the bucket gets its own.
    said = orjson.dumps([name, mount.options, sorted(k for k in mount.attributes.items() if k[0] != "bucketName")])
    claim = staticvolumes.pair_name("bucket", name, said.decode())
    driver = {
        "driver": S3_DRIVER,
        "volumeHandle": f"{obj.ref.namespace}-{claim}",
        "volumeAttributes": mount.attributes,
    }
    for created in staticvolumes.pair(obj.ref.namespace, claim, "ReadWriteMany", driver, mount.options):
        yield Create(created, f"pods mount the bucket {name} themselves; Mountpoint needs a volume and a claim for it")
    read_only = {"readOnly": True} if csi.get("readOnly") is True else {}
    yield Remove(place / "csi", _BECAUSE)
    yield Set(place / "persistentVolumeClaim", {"claimName": claim, **read_only}, _BECAUSE)
    yield from _told(place, name, mount, known)


def _volume(obj: Object, known: Known) -> Iterator[Effect]:
    csi = mapping(obj.spec.get("csi"))
    if storageclass.driver_family(csi.get("driver")) is not Family.GCSFUSE:
        return
    attributes = mapping(csi.get("volumeAttributes"))
    # Google's driver reads the bucket from the handle, up to the colon that makes handles unique.
    handle = csi.get("volumeHandle")
    name = handle.partition(":")[0] if isinstance(handle, str) else ""
    if name in ("", _ALL_BUCKETS):
        yield _all_buckets(_CSI / "driver")
        return
    options = items(obj.spec.get("mountOptions"))
    others = [at for at, option in enumerate(options) if isinstance(option, str) and option.startswith(_STO005)]
    mine = [at for at in range(len(options)) if at not in others]
    mount = mount_bucket(name, attributes, [options[at] for at in mine], known)
    yield Set(_CSI / "driver", S3_DRIVER, _BECAUSE)
    yield Set(_CSI / "volumeHandle", obj.ref.name, "Mountpoint needs a handle that no other volume has")
    yield Set(_CSI / "volumeAttributes", mount.attributes, _BECAUSE)
    yield Remove(_CSI / "fsType", "Mountpoint knows no kinds of file systems")
    yield from _volume_options(mine, bool(others), mount)
    for key in obj.labels:
        if isinstance(key, str) and key.startswith(_PREFIX):
            yield Remove(P("metadata", "labels", key), "GKE's driver wrote it for itself")
    if any(mode not in ("ReadWriteMany", "ReadOnlyMany") for mode in items(obj.spec.get("accessModes"))):
        yield Flag(
            P("spec", "accessModes"),
            "Mountpoint's driver mounts volumes as ReadWriteMany or ReadOnlyMany only.",
            "Set ReadWriteMany on this volume and on its claim with overrides.",
            Severity.BLOCKER,
        )
    yield from _told(_CSI, name, mount, known)


def _volume_options(places: list[int], shared: bool, mount: Mount) -> Iterator[Effect]:
    because = "options of Mountpoint in place of those of gcsfuse"
    if not shared:
        yield Set(_OPTIONS, mount.options, because)
        return
    # STO005 takes its options out by index, so each of ours needs a place of its own.
    for at, option in zip(places, mount.options, strict=False):
        yield Set(_OPTIONS / at, option, because)
    for at in places[len(mount.options) :]:
        yield Remove(_OPTIONS / at, because)
    if len(places) < len(mount.options):
        left = ", ".join(mount.options[len(places) :])
        fix = "Add them to mountOptions with an override."
        yield Flag(_OPTIONS, f"These options found no place: {left}.", fix, Severity.REVIEW)


def _leftovers(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is None:
        return
    base = Path((*pod.path, "spec"))
    for key in pod.labels:
        if isinstance(key, str) and key.startswith(_PREFIX):
            yield Remove(Path((*pod.path, "metadata", "labels", key)), "GKE's webhook wrote it for its own driver")
    for at, gate in pod.items("schedulingGates"):
        if str(gate.get("name")).startswith(_PREFIX):
            yield Remove(
                Path((*base, "schedulingGates", at)),
                "only GKE's controller opens this gate; the pod would wait for ever",
            )
    listed = items(pod.spec.get("volumes"))
    for at, volume in pod.items("volumes"):
        if volume.get("name") in _SCRATCH:
            yield Remove(
                Path((*base, "volumes", item_segment("volumes", listed, at))), "scratch space of GKE's gcsfuse sidecar"
            )
    for group in CONTAINERS:
        yield from _containers(pod, group, base)


def _containers(pod: PodTemplate, group: str, base: Path) -> Iterator[Effect]:
    listed = items(pod.spec.get(group))
    for at, container in pod.items(group):
        mounts = items(container.get("volumeMounts"))
        mine = [i for i, mount in enumerate(mounts) if mapping(mount).get("name") in _SCRATCH]
        sidecar = container.get("name") in _SIDECARS
        if not mine and not sidecar:
            continue
        place = Path((*base, group, item_segment(group, listed, at)))
        if sidecar:
            yield Remove(place, "GKE's webhook put this container in; Mountpoint runs in pods of its own")
            continue
        for index in mine:
            here = Path((*place, "volumeMounts", item_segment("volumeMounts", mounts, index)))
            said = f"{mounts[index]['name']}, the sidecar's scratch space, at {mounts[index].get('mountPath')}"
            yield Remove(here, "scratch space of GKE's gcsfuse sidecar, which does not run on EKS")
            yield Flag(
                here,
                f"The container mounted {said}.",
                "Give it an emptyDir of its own, if the application used the directory.",
                Severity.REVIEW,
            )


RULES: tuple[Rule, ...] = (
    Rule(
        id="STO030",
        title="Bucket in a pod → Mountpoint for S3",
        what="A pod volume of GKE's gcsfuse driver becomes a claim and a volume that mounts an S3 bucket. Pods of one "
        "namespace with the same bucket and options share them.",
        why="Mountpoint for S3 knows no volumes inside pods. It also does less than gcsfuse, above all when writing.",
        docs=_DOCS,
        area="storage",
        severity=Severity.INFO,
        kinds=KINDS,
        do="Copy the objects, name the bucket under storage.buckets, and check how the pods write.",
        effects=_pod,
        gke="csi: {driver: gcsfuse.csi.storage.gke.io, volumeAttributes: {bucketName: models}}",
        eks="persistentVolumeClaim: {claimName: bucket-models-…}",
        change="storage.buckets in gke2eks.yaml",
    ),
    Rule(
        id="STO031",
        title="Volume on a bucket → Mountpoint for S3",
        what="A PersistentVolume of GKE's gcsfuse driver names Mountpoint's driver and options, and an S3 bucket.",
        why="EKS mounts buckets with Mountpoint for S3, which does less than gcsfuse, above all when writing.",
        docs="https://github.com/awslabs/mountpoint-s3-csi-driver/blob/main/docs/CONFIGURATION.md",
        area="storage",
        severity=Severity.INFO,
        kinds=frozenset({("", "PersistentVolume")}),
        do="Copy the objects, name the bucket under storage.buckets, and check how the pods write.",
        effects=_volume,
        gke="driver: gcsfuse.csi.storage.gke.io, volumeHandle: models",
        eks="driver: s3.csi.aws.com, volumeAttributes: {bucketName: acme-models, authenticationSource: pod}",
        change="storage.buckets in gke2eks.yaml",
        example=Example(
            before={
                "spec": {
                    "mountOptions": ["implicit-dirs", "only-dir=a/b", "uid=1001"],
                    "csi": {"driver": "gcsfuse.csi.storage.gke.io", "volumeHandle": "models"},
                }
            },
            after={
                "spec": {
                    "mountOptions": ["allow-other", "prefix a/b/", "uid 1001"],
                    "csi": {
                        "driver": S3_DRIVER,
                        "volumeHandle": "x",
                        "volumeAttributes": {
                            "bucketName": "UNDECIDED: storage.buckets.models",
                            "authenticationSource": "pod",
                        },
                    },
                }
            },
        ),
    ),
    Rule(
        id="STO032",
        title="Helpers of GKE's gcsfuse, removed",
        what="Containers, scratch volumes, labels and scheduling gates that serve GKE's gcsfuse driver leave the pod.",
        why="Nothing on EKS fills or opens them; a gate that nobody opens keeps the pod waiting for ever.",
        docs="https://github.com/GoogleCloudPlatform/gcs-fuse-csi-driver",
        area="storage",
        severity=Severity.INFO,
        kinds=KINDS,
        do="Nothing, unless the application used the sidecar's scratch space.",
        effects=_leftovers,
        gke="volumes: [{name: gke-gcsfuse-cache, emptyDir: {}}]",
        eks="removed",
        change="overrides in gke2eks.yaml",
    ),
)
