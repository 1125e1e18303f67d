"""What Nodes tell of their cluster: pools, zones, the project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from migrate.model.facts import Accelerator, Facts, NodePool, Taint, versions

POOL = "cloud.google.com/gke-nodepool"
_PROVISIONING = "cloud.google.com/gke-provisioning"
_METADATA_SERVER = "iam.gke.io/gke-metadata-server-enabled"
_BOOT_DISK = "cloud.google.com/gke-boot-disk"
_ACCELERATORS = ("cloud.google.com/gke-accelerator", "cloud.google.com/gke-tpu-accelerator")
_ACCELERATOR_COUNT = "cloud.google.com/gke-accelerator-count"
_MACHINE = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
_ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
_REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
# Labels that make a node spot or preemptible also where GKE is too old for gke-provisioning (before 1.25.5).
_CHEAP = {"cloud.google.com/gke-spot": "spot", "cloud.google.com/gke-preemptible": "preemptible"}
# Image types as the Container API names them, by (gke-os-distribution, container runtime).
_IMAGES = {("cos", "containerd"): "COS_CONTAINERD", ("ubuntu", "containerd"): "UBUNTU_CONTAINERD"}
# Groups whose labels and taints servers write on Nodes; what remains is the user's.
_SERVERS = ("kubernetes.io", "k8s.io", "cloud.google.com", "gke.io", "container.googleapis.com")
_USERS = ("node-role.kubernetes.io",)  # people write these, GKE does not
_PASSING_TAINTS = ("ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler")
_PASSING_GROUPS = ("node.kubernetes.io", "node.cloudprovider.kubernetes.io")
_PROVIDER_ID = re.compile(r"gce://([^/]+)/[^/]+/[^/]+")


def facts_from_nodes(nodes: Iterable[Mapping[str, Any]], version: Mapping[str, Any]) -> Facts:
    """Facts from Node objects and from what /version says, when nobody asked the Container API."""
    bodies = [one for one in nodes if isinstance(one, Mapping)]
    kubernetes, gke = versions(version.get("gitVersion"))
    by_pool: dict[str, list[Mapping[str, Any]]] = {}
    for body in bodies:
        if POOL in _labels(body):
            by_pool.setdefault(_labels(body)[POOL], []).append(body)
    return Facts(
        asked="nodes",
        project=_same(_project(one) for one in bodies),
        region=_same(_first(_labels(one), _REGION) for one in bodies),
        zones=_zones(bodies),
        kubernetes_version=kubernetes,
        gke_version=gke,
        private_nodes=_same(_private(one) for one in bodies),
        node_pools=tuple(_seen_pool(name, by_pool[name]) for name in sorted(by_pool)) or None,
    )


def _seen_pool(name: str, nodes: list[Mapping[str, Any]]) -> NodePool:
    """What all nodes of a pool agree on; what they differ in is unknown."""
    labels = [_labels(one) for one in nodes]
    return NodePool(
        name=name,
        machine_type=_same(_first(one, _MACHINE) for one in labels),
        provisioning=_same(_seen_provisioning(one) for one in labels),
        accelerators=_same(_seen_accelerators(one) for one in labels),
        taints=tuple(sorted(set.intersection(*map(_taints, nodes)), key=lambda one: (one.key, one.value, one.effect))),
        labels=_common([{key: value for key, value in one.items() if not _of_server(key)} for one in labels]),
        zones=_zones(nodes),
        disk_type=_same(one.get(_BOOT_DISK) for one in labels),
        image_type=_same(_image(one) for one in nodes),
        version=_same(versions(_info(one).get("kubeletVersion"))[1] for one in nodes),
        metadata_server=_same(one[_METADATA_SERVER] == "true" if _METADATA_SERVER in one else None for one in labels),
    )


def _seen_provisioning(labels: Mapping[str, str]) -> str | None:
    cheap = next((word for label, word in _CHEAP.items() if labels.get(label) == "true"), None)
    return cheap or labels.get(_PROVISIONING)


def _seen_accelerators(labels: Mapping[str, str]) -> tuple[Accelerator, ...]:
    """GKE labels every node that has one."""
    count = labels.get(_ACCELERATOR_COUNT, "")
    known = int(count) if count.isascii() and count.isdigit() else None
    return tuple(Accelerator(labels[label], known) for label in _ACCELERATORS if label in labels)


def _taints(node: Mapping[str, Any]) -> set[Taint]:
    found = _map(node, "spec").get("taints")
    bodies = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    taints = {Taint(*(str(one.get(key) or "") for key in ("key", "value", "effect"))) for one in bodies}
    return {one for one in taints if one.key not in _PASSING_TAINTS and not one.key.startswith(_PASSING_GROUPS)}


def _image(node: Mapping[str, Any]) -> str | None:
    runtime = str(_info(node).get("containerRuntimeVersion") or "").partition("://")[0]
    return _IMAGES.get((_labels(node).get("cloud.google.com/gke-os-distribution", ""), runtime))


def _private(node: Mapping[str, Any]) -> bool | None:
    """A node that lists its addresses and none is external. Without addresses nobody knows."""
    found = _map(node, "status").get("addresses")
    kinds = {one.get("type") for one in found if isinstance(one, Mapping)} if isinstance(found, list) else set()
    return "ExternalIP" not in kinds if kinds else None


def _project(node: Mapping[str, Any]) -> str | None:
    match = _PROVIDER_ID.fullmatch(str(_map(node, "spec").get("providerID") or ""))
    return match[1] if match else None


def _zones(nodes: list[Mapping[str, Any]]) -> tuple[str, ...] | None:
    return _sorted({zone for one in nodes if (zone := _first(_labels(one), _ZONE))}) or None


def _of_server(key: str) -> bool:
    group = key.rpartition("/")[0]
    return group not in _USERS and any(group == one or group.endswith(f".{one}") for one in _SERVERS)


def _common(maps: list[dict[str, str]]) -> dict[str, str]:
    return {key: maps[0][key] for key in sorted(maps[0]) if all(one.get(key) == maps[0][key] for one in maps)}


def _same(values: Iterable[Any]) -> Any:
    """The one value that all have; None when they differ or there is none."""
    found = list(dict.fromkeys(values))
    return found[0] if len(found) == 1 else None


def _first(labels: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    return next((labels[key] for key in keys if key in labels), None)


def _labels(node: Mapping[str, Any]) -> dict[str, str]:
    found = _map(_map(node, "metadata"), "labels")
    return {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, str)}


def _info(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return _map(_map(node, "status"), "nodeInfo")


def _map(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = body.get(key)
    return found if isinstance(found, Mapping) else {}


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
