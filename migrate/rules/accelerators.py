"""GPUs and TPUs: resources that only GKE hands out, NVIDIA's driver as GKE installs it, GPUDirect, device claims."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from migrate.manifest.places import item_segment
from migrate.manifest.pods import CONTAINERS, KINDS, PodTemplate, pod_template
from migrate.model.effects import Cause, Effect, Flag, Remove, Set, Severity, Skip
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule

_GOOGLE = re.compile(r"([a-z0-9-]+\.)*(google\.com|gke\.io(\.networks)?)/")
_GPU = "nvidia.com/gpu"
# TPUs of nodes, and those that older clusters reached over the network.
_TPU = re.compile(r"google\.com/tpu\Z|cloud-tpus\.google\.com/")
_DRIVER = "/home/kubernetes/bin/nvidia"
_LIBRARIES = "LD_LIBRARY_PATH"
# DaemonSets of GoogleCloudPlatform/container-engine-accelerators: by the label that they select by, or by image.
_INSTALLERS = re.compile(
    r"nvidia-driver-installer|nvidia-container-toolkit-installer|nvidia-gpu-device-plugin|partition-gpus|device-injector"
    r"|nccl-(tcpxo?|rdma|fastsocket-manual)-installer|asapd-lite|tcpx-metrics-server"
)
_ITS_IMAGES = (
    *(b"cos-gpu-installer", b"cos-nvidia-installer", b"gke-nvidia-installer", b"ubuntu-nvidia-driver-installer"),
    *(b"gke-release/", b"gce-ai-infra/", b"/home/kubernetes/bin"),
)
_GPUDIRECT = "devices.gke.io/"
_GPUDIRECT_IMAGE = re.compile(r"docker\.pkg\.dev/gce-ai-infra/")
_EKS_GPUS = "https://docs.aws.amazon.com/eks/latest/userguide/device-management-nvidia.html"


def _containers(pod: PodTemplate) -> Iterator[tuple[Path, Body]]:
    for group in CONTAINERS:
        listed = pod.spec.get(group)
        for at, container in pod.items(group):
            yield Path((*pod.path, "spec", group, item_segment(group, _list(listed), at))), container


def _resources(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    for place, container in _containers(pod) if pod else ():
        resources = _mapping(container.get("resources"))
        asks = [(part, key) for part in ("requests", "limits") for key in _mapping(resources.get(part))]
        for part, key in asks:
            here = Path((*place, "resources", part, key))
            if isinstance(key, str) and _TPU.match(key):
                yield Flag(
                    here,
                    "These pods run on TPUs, and AWS has none: they would wait for ever.",
                    "Port the model to GPUs, or to Trainium or Inferentia (aws.amazon.com/neuron); this is work on its "
                    "code, not on this manifest. Leave the object behind until then.",
                    Severity.BLOCKER,
                )
            elif isinstance(key, str) and _GOOGLE.match(key):
                yield Remove(here, "only GKE's nodes have this resource; a pod that asks for it waits for ever")
                yield Flag(
                    here,
                    f"GKE's nodes handed out {key}; the pods no longer ask for it.",
                    "Check what the container did with it: extra network interfaces need Multus or EFA on EKS, a node "
                    "for each pod needs anti-affinity.",
                    Severity.REVIEW,
                )
        if any(key == _GPU for _, key in asks) and known.flavour != "auto":
            yield Flag(
                place / "resources",
                f"{_GPU} keeps its name; on EKS nodes have it once the NVIDIA device plugin runs on them.",
                "Install the NVIDIA device plugin, and use accelerated AMIs for these nodes.",
                Severity.INFO,
            )


def _libraries(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is None or _installs(obj, pod):
        return
    names = {str(volume["name"]): at for at, volume in pod.items("volumes") if _from_driver(volume)}
    if not names:
        return
    why = "GKE's driver installer puts NVIDIA's libraries there; on EKS the container runtime brings them in"
    for place, container in _containers(pod):
        listed = _list(container.get("volumeMounts"))
        paths: list[str] = []
        for at, mount in enumerate(listed):
            if isinstance(mount, Mapping) and str(mount.get("name")) in names:
                yield Remove(Path((*place, "volumeMounts", item_segment("volumeMounts", listed, at))), why)
                paths += [mount["mountPath"]] if isinstance(mount.get("mountPath"), str) else []
        if paths:
            yield from _search_path(place, container, paths)
    volumes = _list(pod.spec.get("volumes"))
    for name in sorted(names):
        yield Remove(Path((*pod.path, "spec", "volumes", item_segment("volumes", volumes, names[name]))), why)


def _from_driver(volume: Body) -> bool:
    path = _mapping(volume.get("hostPath")).get("path")
    return isinstance(path, str) and isinstance(volume.get("name"), str) and f"{path}/".startswith(f"{_DRIVER}/")


def _search_path(place: Path, container: Body, gone: list[str]) -> Iterator[Effect]:
    """Take directories that are no longer mounted out of the path on which libraries are looked for."""
    listed = _list(container.get("env"))
    for at, variable in enumerate(listed):
        if not isinstance(variable, Mapping) or variable.get("name") != _LIBRARIES:
            continue
        value = variable.get("value")
        if not isinstance(value, str):
            continue
        parts = value.split(":")
        kept = [part for part in parts if not any(f"{part}/".startswith(f"{path.rstrip('/')}/") for path in gone)]
        here = Path((*place, "env", item_segment("env", listed, at)))
        why = "the directory of GKE's driver is no longer mounted"
        if not any(kept):
            yield Remove(here, why)
        elif kept != parts:
            yield Set(here / "value", ":".join(kept), why)


def _installer(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is not None and _installs(obj, pod):
        yield Skip(Cause.RULE, "prepares GPUs on GKE's nodes; on EKS the AMI and NVIDIA's device plugin do that")
        yield Flag(
            P(),
            "This DaemonSet prepares GPUs on GKE's own node images; it stays behind.",
            "On Auto Mode nothing; else use accelerated AMIs and install the NVIDIA device plugin.",
            Severity.INFO,
        )


def _installs(obj: Object, pod: PodTemplate) -> bool:
    names = (obj.ref.name, pod.labels.get("k8s-app"), pod.labels.get("name"))
    if obj.ref.kind != "DaemonSet" or not any(isinstance(n, str) and _INSTALLERS.match(n) for n in names):
        return False
    text = orjson.dumps(pod.spec, option=orjson.OPT_NON_STR_KEYS, default=repr)
    return any(image in text for image in _ITS_IMAGES)


def _gpudirect(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is None or _installs(obj, pod):
        return
    for key in pod.annotations:
        if isinstance(key, str) and key.startswith(_GPUDIRECT):
            yield Remove(
                Path((*pod.path, "metadata", "annotations", key)),
                "GKE's device injector reads it, and that runs on GKE's nodes only",
            )
    for place, container in _containers(pod):
        image = container.get("image")
        if isinstance(image, str) and _GPUDIRECT_IMAGE.search(image):
            yield Flag(
                place / "image",
                "This image is part of GPUDirect, which moves traffic of GPUs over Google's network cards.",
                "Use EFA instead: an image with aws-ofi-nccl, the resource vpc.amazonaws.com/efa, and neither this "
                "container nor its NCCL settings.",
                Severity.BLOCKER,
            )


def _claims(obj: Object, known: Known) -> Iterator[Effect]:
    for place, name in _device_classes(obj):
        if _GOOGLE.match(f"{name}/") or name.startswith("tpu."):
            yield Flag(
                place,
                f"The device class {name} is one of Google's drivers, which run on GKE only.",
                "Claim a device that a driver on EKS offers, or leave this object behind.",
                Severity.BLOCKER,
            )
        elif known.flavour == "auto":
            yield Flag(
                place,
                f"EKS Auto Mode knows no dynamic resource allocation, so nothing serves a claim of {name}.",
                f"Ask for {_GPU} under resources.limits instead, or run these pods on managed node groups.",
                Severity.BLOCKER,
            )
        else:
            yield Flag(
                place,
                f"Claims of {name} need a driver for dynamic resource allocation, which EKS does not bring.",
                "Install it (for gpu.nvidia.com the NVIDIA DRA driver) on managed node groups; Karpenter makes nodes "
                "for claims from 1.15 on, behind a feature gate.",
                Severity.REVIEW,
            )


def _device_classes(obj: Object) -> Iterator[tuple[Path, str]]:
    if obj.ref.kind == "DeviceClass":
        yield P("metadata", "name"), obj.ref.name
        return
    inner = _mapping(obj.spec.get("spec")) if obj.ref.kind == "ResourceClaimTemplate" else obj.spec
    here = P("spec", "spec") if obj.ref.kind == "ResourceClaimTemplate" else P("spec")
    for at, request in enumerate(_list(_mapping(inner.get("devices")).get("requests"))):
        # Since v1beta2 the class of a single choice stands under `exactly`.
        for more in ((), ("exactly",)):
            found = _mapping(_mapping(request).get("exactly")) if more else _mapping(request)
            name = found.get("deviceClassName")
            if isinstance(name, str) and name:
                yield Path((*here, "devices", "requests", at, *more, "deviceClassName")), name


def _mapping(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _rule(id: str, title: str, **page: Any) -> Rule:
    given = {"area": "scheduling", "severity": Severity.INFO, "kinds": KINDS, "docs": _EKS_GPUS, **page}
    return Rule(id=id, title=title, change=given.pop("change", "overrides in gke2eks.yaml"), **given)


_LIMITS = {"resources": {"limits": {"networking.gke.io.networks/vpc1": "1", _GPU: "8"}}}
_MOUNT = {"name": "nvidia", "mountPath": "/usr/local/nvidia"}
RULES: tuple[Rule, ...] = (
    _rule(
        "SCH040",
        "Resources that only GKE's nodes have",
        what="Extended resources of Google leave requests and limits; nvidia.com/gpu stays; TPUs are a blocker.",
        why="A pod that asks for a resource that no node has waits for ever.",
        do="Port what runs on TPUs; install the NVIDIA device plugin for GPUs.",
        effects=_resources,
        gke="limits: {networking.gke.io.networks/vpc1: 1, nvidia.com/gpu: 8}",
        eks="limits: {nvidia.com/gpu: 8}",
        example=Example(
            before={"spec": {"containers": [{"name": "a", **_LIMITS}]}},
            after={"spec": {"containers": [{"name": "a", "resources": {"limits": {_GPU: "8"}}}]}},
        ),
    ),
    _rule(
        "SCH041",
        "NVIDIA libraries from GKE's nodes, removed",
        what="Mounts of the directory in which GKE keeps NVIDIA's libraries leave the pod, and LD_LIBRARY_PATH.",
        why="EKS nodes have no such directory. NVIDIA's container runtime brings the libraries of the right driver.",
        do="Nothing, unless a program names /usr/local/nvidia itself.",
        effects=_libraries,
        gke=f"hostPath: {{path: {_DRIVER}/lib64}}",
        eks="removed",
        example=Example(
            before={
                "spec": {
                    "containers": [{"name": "a", "volumeMounts": [_MOUNT]}],
                    "volumes": [{"name": "nvidia", "hostPath": {"path": _DRIVER}}],
                }
            },
            after={"spec": {"containers": [{"name": "a"}]}},
        ),
    ),
    _rule(
        "SCH042",
        "GPU installers of GKE, left behind",
        what="DaemonSets that install NVIDIA's driver, device plugin or GPUDirect on GKE's nodes stay behind.",
        why="They work on GKE's node images. The accelerated AMIs and Auto Mode bring the driver.",
        kinds=frozenset({("apps", "DaemonSet")}),
        do="On EKS without Auto Mode, install the NVIDIA device plugin.",
        effects=_installer,
        gke="DaemonSet nvidia-driver-installer",
        eks="left behind",
    ),
    _rule(
        "SCH043",
        "GPUDirect of GKE",
        what="Annotations for GKE's device injector go, and containers of GPUDirect are named.",
        why="TCPX, TCPXO and RDMA of GKE use Google's network cards. On AWS the same is EFA.",
        docs="https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html",
        do="Build the image anew with aws-ofi-nccl, and ask for vpc.amazonaws.com/efa.",
        effects=_gpudirect,
        gke="devices.gke.io/container.tcpx-daemon: …",
        eks="removed",
        example=Example(
            before={"metadata": {"annotations": {"devices.gke.io/container.tcpx-daemon": "- path: /dev/nvidia0"}}},
            after={"metadata": {}},
        ),
    ),
    _rule(
        "SCH044",
        "Device claims",
        what="Nothing is changed; device classes that need a driver on EKS are named.",
        why="EKS brings no driver for dynamic resource allocation, and Auto Mode does not know it.",
        docs="https://docs.aws.amazon.com/eks/latest/userguide/device-management.html",
        severity=Severity.REVIEW,
        kinds=frozenset(
            ("resource.k8s.io", kind) for kind in ("ResourceClaim", "ResourceClaimTemplate", "DeviceClass")
        ),
        do="Install the DRA driver of the device, or use a device plugin.",
        effects=_claims,
        gke="deviceClassName: gpu.nvidia.com",
        eks="unchanged; a driver must be installed",
    ),
)
