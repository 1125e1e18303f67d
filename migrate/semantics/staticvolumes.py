"""Volumes that a manifest names itself: what a handle says, what is still open, and the pair that replaces one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.effects import Question
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.model.rules import Known
from migrate.semantics.performance import quantity_gib
from migrate.semantics.storageclass import class_ref, substitute

S3_DRIVER = "s3.csi.aws.com"
EFS_DRIVER = "efs.csi.aws.com"
ZONE_KEY = "topology.kubernetes.io/zone"
ZONE_KEYS = frozenset({ZONE_KEY, "topology.gke.io/zone", "failure-domain.beta.kubernetes.io/zone"})
REGION_KEYS = frozenset({"topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"})
# The label of Auto Mode's nodes: a volume of its driver can be attached to no other node.
AUTO_NODE: Mapping[str, Any] = {"key": "eks.amazonaws.com/compute-type", "operator": "In", "values": ["auto"]}
# EBS and S3 do not look at the size of a static volume, but both objects of a pair must say one.
SIZE = "1Gi"
_HANDLE = re.compile(r"projects/[^/]+/(zones|regions)/([^/]+)/disks/[^/]+")
# Options of gcsfuse that Mountpoint knows under the same name; it reads octal modes and numbers as gcsfuse does.
_SAME = ("uid", "gid", "file-mode", "dir-mode")
# What Google's driver always does, or Mountpoint always does: nobody misses the option.
_NOTHING_LOST = ("rw", "implicit-dirs", "implicit-dirs=true", "allow_other", "allow-other", "o=allow_other")
_UNSPECIFIED, _MULTI_ZONE = "UNSPECIFIED", "multi-zone"


@dataclass(frozen=True, slots=True)
class DiskHandle:
    """What spec.csi.volumeHandle of a Google disk says. `zone` is '' where it names none."""

    zone: str = ""
    regional: bool = False
    multi_zone: bool = False


def disk_handle(handle: object) -> DiskHandle:
    """Read projects/P/zones/Z/disks/D and its variants; anything else is a disk whose zone is not known."""
    found = _HANDLE.fullmatch(handle) if isinstance(handle, str) else None
    if found is None:
        return DiskHandle()
    kind, place = found.groups()
    if kind == "regions":
        return DiskHandle(regional=True)
    if place == _MULTI_ZONE:
        return DiskHandle(multi_zone=True)
    return DiskHandle(zone="" if place == _UNSPECIFIED else place)


def disk(name: str, known: Known) -> tuple[str, Question | None]:
    """The EBS volume that holds the copy of a disk, and the question that is open until it is named."""
    return _answer(
        known,
        Question(
            key=("storage", "disks", name),
            group="storage.disks",
            title="Which EBS volume holds the copy of each Google disk that a manifest names?",
            until="The volume cannot be attached, and its pods wait.",
            example="vol-0123456789abcdef0",
        ),
    )


def bucket(name: str, known: Known) -> tuple[str, Question | None]:
    """The S3 bucket in place of a Cloud Storage bucket, and the question that is open until it is named."""
    return _answer(
        known,
        Question(
            key=("storage", "buckets", name),
            group="storage.buckets",
            title="Which S3 bucket takes the place of each Cloud Storage bucket?",
            until="The volume cannot be mounted, and its pods wait.",
            example="acme-models",
        ),
    )


def zone(name: str, known: Known) -> tuple[str, Question | None]:
    """The availability zone in place of a zone of Google Cloud, and the question that is open until it is named."""
    return _answer(
        known,
        Question(
            key=("zones", name),
            group="zones",
            title="Which availability zone takes the place of each zone?",
            until="What is tied to the zone is never scheduled.",
            example="us-east-1a",
        ),
    )


def one_zone(name: str, known: Known) -> Question | None:
    """The question whether a disk of two zones may live in one; None when that was accepted."""
    if known.answer("storage", "zonal", name) == "accepted":
        return None
    return Question(
        key=("storage", "zonal", name),
        group="storage.zonal",
        title="May each disk that lives in two zones live in one?",
        until="Nothing on EBS survives the loss of a zone, so the volume is not planned as ready.",
        example="accepted",
    )


def _answer(known: Known, question: Question) -> tuple[str, Question | None]:
    answer = known.answer(*question.key)
    if isinstance(answer, str):
        return answer, None
    return f"UNDECIDED: {question.name}", question


@dataclass(frozen=True, slots=True)
class Affinity:
    """Where a disk may be: the node selector terms for EKS, what they leave open, and the most zones one term names."""

    terms: list[dict[str, Any]]
    open: tuple[tuple[tuple[str | int, ...], str, Question], ...]
    zones: int


def affinity(before: Body, place: str, known: Known) -> Affinity:
    """Translate spec.nodeAffinity of a Google disk. `place` is the disk's zone where the terms name none, or ''."""
    terms = _terms(items(mapping(before.get("required")).get("nodeSelectorTerms")), place, known.flavour)
    open_zones: list[tuple[tuple[str | int, ...], str, Question]] = []
    most = 0
    for i, term in enumerate(terms):
        for j, expression in enumerate(term["matchExpressions"]):
            if mapping(expression).get("key") != ZONE_KEY:
                continue
            values: list[Any] = []
            for k, value in enumerate(items(expression.get("values"))):
                found, question = zone(value, known) if isinstance(value, str) else (value, None)
                values.append(found)
                if question:
                    open_zones.append(((i, "matchExpressions", j, "values", k), value, question))
            most = max(most, len(values))
            term["matchExpressions"][j] = {**expression, "values": values}
    return Affinity([term for term in terms if len(term) > 1 or term["matchExpressions"]], tuple(open_zones), most)


def _terms(before: list[Any], place: str, flavour: str) -> list[dict[str, Any]]:
    """The terms in keys of EKS, their zones still Google's; one term when there was none to translate."""
    terms: list[dict[str, Any]] = []
    for term in [term for term in before if isinstance(term, Mapping)] or [{}]:
        kept: list[Any] = []
        for expression in items(term.get("matchExpressions")):
            key = mapping(expression).get("key")
            if isinstance(key, str) and (key in REGION_KEYS or key.startswith("disk-type.gke.io/")):
                continue
            new = {**expression, "key": ZONE_KEY} if isinstance(key, str) and key in ZONE_KEYS else expression
            if new not in kept:
                kept.append(new)
        if place and not any(mapping(expression).get("key") == ZONE_KEY for expression in kept):
            kept.append({"key": ZONE_KEY, "operator": "In", "values": [place]})
        if flavour == "auto" and AUTO_NODE not in kept:
            kept.append(dict(AUTO_NODE))
        terms.append({"matchExpressions": kept, **{k: v for k, v in term.items() if k != "matchExpressions"}})
    return terms


def without_nfs3(option: str) -> str:
    """An item of mountOptions without what belongs to NFS version 3 or to UDP; '' when nothing is left."""
    return ",".join(word for word in option.split(",") if not _nfs3(word.strip()))


def _nfs3(option: str) -> bool:
    key, _, value = option.partition("=")
    if key in ("nfsvers", "vers"):
        return not value.startswith("4")
    return key in ("nolock", "mountproto", "mountport", "mountvers", "mounthost") or option in ("udp", "proto=udp")


@dataclass(slots=True)
class Mount:
    """A bucket as Mountpoint is to mount it. `lost` are the settings of gcsfuse that have no counterpart."""

    bucket: str
    options: list[str]
    attributes: dict[str, str]
    question: Question | None
    lost: list[str] = field(default_factory=list)


def mount_bucket(name: str, attributes: Body, options: list[Any], known: Known) -> Mount:
    """Translate gcsfuse's settings: attributes of the CSI volume, and mount options of a PersistentVolume."""
    found, question = bucket(name, known)
    mount = Mount(found, ["allow-other"], {"bucketName": found, "authenticationSource": "pod"}, question)
    words = [word for option in options if isinstance(option, str) for word in option.split(",")]
    text = attributes.get("mountOptions")
    words += text.split(",") if isinstance(text, str) else []
    for word in words:
        _option(word.strip(), mount)
    for key, value in attributes.items():
        if key == "fileCacheCapacity" and (quantity_gib(value) or 0) > 0:
            mount.attributes |= {"cache": "emptyDir", "cacheEmptyDirSizeLimit": str(value)}
        elif key not in ("bucketName", "mountOptions"):
            mount.lost.append(f"{key}: {value}")
    return mount


def _option(word: str, mount: Mount) -> None:
    name, mark, value = word.partition("=" if "=" in word else ":")
    if name == "only-dir" and value.strip("/"):
        new = f"prefix {value.strip('/')}/"
    elif name in _SAME and mark == "=" and value:
        new = f"{name} {value}"
    elif word in ("ro", "o=ro"):
        new = "read-only"
    else:
        new = ""
    if new and new not in mount.options:
        mount.options.append(new)
    elif word and not new and word not in _NOTHING_LOST:
        mount.lost.append(word)


def class_on_eks(name: object, known: Known) -> str | None:
    """The class that claims of this one name on EKS, where it is another; a volume keeps in step with its claim."""
    if not isinstance(name, str) or not name:
        return None
    found = known.find(class_ref(name))
    if found is None:
        answer = known.answer("storage", "classes", name)
        return answer if isinstance(answer, str) else None
    if known.migrates(found.ref):
        return None
    instead = substitute(found, known)
    return instead.ref.name if instead else None


def pair_name(prefix: str, name: str, said: str) -> str:
    """A name for a claim: readable, and another one where `said` (all that makes it what it is) differs."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return "-".join(part for part in (prefix, readable, hashlib.sha256(said.encode()).hexdigest()[:8]) if part)


def pair(
    namespace: str, name: str, mode: str, csi: Body, options: list[str], affinity: Body | None = None
) -> tuple[Object, Object]:
    """A PersistentVolume and the only claim that may have it."""
    volume = f"{namespace}-{name}"
    spec: dict[str, Any] = {
        "capacity": {"storage": SIZE},
        "accessModes": [mode],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name},
        **({"mountOptions": options} if options else {}),
        "csi": dict(csi),
        **({"nodeAffinity": affinity} if affinity else {}),
    }
    claim = {
        "accessModes": [mode],
        "storageClassName": "",
        "resources": {"requests": {"storage": SIZE}},
        "volumeName": volume,
    }
    return (
        _object("PersistentVolume", {"name": volume}, spec, Ref("", "PersistentVolume", "", volume)),
        _object(
            "PersistentVolumeClaim",
            {"name": name, "namespace": namespace},
            claim,
            Ref("", "PersistentVolumeClaim", namespace, name),
        ),
    )


def _object(kind: str, metadata: Body, spec: Body, ref: Ref) -> Object:
    return Object(ref, {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec})


def mapping(value: object) -> Body:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []
