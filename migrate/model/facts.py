"""What is known about the source cluster itself. None is unknown, which is not "no" and never assumed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

_GKE_VERSION = re.compile(r"v?((\d+\.\d+\.\d+)-gke\.\d+)")
_KUBERNETES_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint that every node of a pool has. `effect` as Kubernetes writes it: 'NoSchedule'."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Accelerator:
    """What computes beside the processor: 'nvidia-l4'. `count` is for each node."""

    type: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Autoscaling:
    """Bounds of a pool. `scope` says of what: 'zone' (of each zone) or 'pool' (of all together)."""

    minimum: int
    maximum: int
    scope: str


@dataclass(frozen=True, slots=True)
class NodePool:
    """Nodes of one make. `provisioning`: 'standard', 'spot', 'preemptible' or 'flex-start'.

    `autoscaled` False with `autoscaling` None is a pool of fixed size. `metadata_server` says whether pods get
    Workload Identity here. Seen from Nodes, `zones` are those that have a node now.
    """

    name: str
    machine_type: str | None = None
    provisioning: str | None = None
    accelerators: tuple[Accelerator, ...] | None = None
    taints: tuple[Taint, ...] | None = None
    labels: Mapping[str, str] | None = None
    zones: tuple[str, ...] | None = None
    autoscaled: bool | None = None
    autoscaling: Autoscaling | None = None
    disk_type: str | None = None
    disk_gb: int | None = None
    image_type: str | None = None
    version: str | None = None
    metadata_server: bool | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The cluster as its cloud describes it. `asked`: 'container-api', 'nodes', or '' when nobody was asked.

    `location` is a region or a zone, `zones` where nodes are. `release_channel` is 'none' outside of channels.
    `addons` holds those that Google's answer names; one that it does not name is unknown. `network_policy` says
    whether NetworkPolicies are enforced, by Dataplane V2 or by Calico. `public_endpoint` and `dns_endpoint_open`
    say whether the control plane answers there from outside.
    """

    asked: str = ""
    project: str | None = None
    name: str | None = None
    location: str | None = None
    region: str | None = None
    zones: tuple[str, ...] | None = None
    kubernetes_version: str | None = None
    gke_version: str | None = None
    release_channel: str | None = None
    autopilot: bool | None = None
    network: str | None = None
    subnetwork: str | None = None
    dataplane_v2: bool | None = None
    network_policy: bool | None = None
    workload_pool: str | None = None
    gateway_api: str | None = None
    addons: Mapping[str, bool] | None = None
    private_nodes: bool | None = None
    public_endpoint: bool | None = None
    dns_endpoint: str | None = None
    dns_endpoint_open: bool | None = None
    node_pools: tuple[NodePool, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """Only str, int, bool, None, lists and mappings; the same facts give the same bytes."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def of_json(cls, body: Mapping[str, Any]) -> Facts:
        """The way back. Keys that this version does not know are left out; KeyError, TypeError for no facts."""
        found = _known(cls, body)
        if body.get("zones") is not None:
            found["zones"] = tuple(body["zones"])
        if body.get("node_pools") is not None:
            found["node_pools"] = tuple(_pool(one) for one in body["node_pools"])
        return cls(**found)


UNKNOWN = Facts()


def _pool(body: Mapping[str, Any]) -> NodePool:
    found = _known(NodePool, body)
    if body.get("zones") is not None:
        found["zones"] = tuple(body["zones"])
    if body.get("accelerators") is not None:
        found["accelerators"] = tuple(Accelerator(**_known(Accelerator, one)) for one in body["accelerators"])
    if body.get("taints") is not None:
        found["taints"] = tuple(Taint(**_known(Taint, one)) for one in body["taints"])
    if body.get("autoscaling") is not None:
        found["autoscaling"] = Autoscaling(**_known(Autoscaling, body["autoscaling"]))
    return NodePool(**found)


def _known(cls: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: body[one.name] for one in fields(cls) if one.name in body}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def versions(said: object) -> tuple[str | None, str | None]:
    """(Kubernetes, GKE) of '1.33.4-gke.1172000', with or without v."""
    text = said if isinstance(said, str) else ""
    plain, whole = _KUBERNETES_VERSION.match(text), _GKE_VERSION.match(text)
    return plain[1] if plain else None, whole[1] if whole else None
