"""Facts about a GKE cluster from the Container API's Cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from migrate.cluster.gke_endpoints import endpoints
from migrate.model.facts import Accelerator, Autoscaling, Facts, NodePool, Taint, versions

if TYPE_CHECKING:
    from google.cloud.container_v1 import Cluster
    from google.cloud.container_v1 import NodePool as GkePool

_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
# What is switched on or off outside of addons_config: name: path.
_BESIDE_ADDONS = {
    "managed_prometheus": ("monitoring_config", "managed_prometheus_config", "enabled"),
    "node_autoprovisioning": ("autoscaling", "enable_node_autoprovisioning"),
    "secret_manager": ("secret_manager_config", "enabled"),
    "secret_sync": ("secret_sync_config", "enabled"),
    "vertical_pod_autoscaling": ("vertical_pod_autoscaling", "enabled"),
}
_ZONE_NAME = re.compile(r"(.+\d)-[a-z0-9]+")


def facts(cluster: Cluster, project: str | None = None) -> Facts:
    """Facts from the Container API. What it leaves out is unknown, but for switches whose absence means off."""
    kubernetes, gke = versions(cluster.current_master_version)
    net = cluster.network_config if "network_config" in cluster else None
    dataplane = None if net is None else _word(net.datapath_provider) == "ADVANCED_DATAPATH"
    ends, old = endpoints(cluster), cluster.private_cluster_config
    private = (
        net.default_enable_private_nodes
        if net is not None and "default_enable_private_nodes" in net
        else old.enable_private_nodes
    )
    channel = _word(cluster.release_channel.channel)
    gateway = _word(net.gateway_api_config.channel) if net is not None and "gateway_api_config" in net else None
    return Facts(
        asked="container-api",
        project=project,
        name=cluster.name or None,
        location=cluster.location or None,
        region=_region(cluster.location),
        zones=_sorted(cluster.locations) or None,
        kubernetes_version=kubernetes,
        gke_version=gke,
        release_channel="none" if channel == "UNSPECIFIED" else channel.lower(),
        autopilot=cluster.autopilot.enabled,
        network=(net.network if net is not None else "") or cluster.network or None,
        subnetwork=(net.subnetwork if net is not None else "") or cluster.subnetwork or None,
        dataplane_v2=dataplane,
        network_policy=bool(dataplane) or cluster.network_policy.enabled,
        workload_pool=cluster.workload_identity_config.workload_pool or None,
        gateway_api=gateway.removeprefix("CHANNEL_").lower() if gateway else None,
        addons=_addons(cluster),
        private_nodes=private,
        public_endpoint=bool(ends.public) if ends.public or ends.private or ends.dns else None,
        dns_endpoint=ends.dns or None,
        dns_endpoint_open=ends.dns_open if ends.dns else None,
        node_pools=tuple(sorted(map(_pool, cluster.node_pools), key=lambda one: one.name)),
    )


def _pool(pool: GkePool) -> NodePool:
    config, scaling = pool.config, pool.autoscaling
    taints = (Taint(one.key, one.value, _EFFECTS.get(_word(one.effect), _word(one.effect))) for one in config.taints)
    devices = (Accelerator(one.accelerator_type, one.accelerator_count or None) for one in config.accelerators)
    mode = _word(config.workload_metadata_config.mode)
    return NodePool(
        name=pool.name,
        machine_type=config.machine_type or None,
        provisioning=_provisioning(config),
        accelerators=tuple(sorted(devices, key=lambda one: (one.type, one.count or 0))),
        taints=tuple(sorted(taints, key=lambda one: (one.key, one.value, one.effect))),
        labels=dict(sorted(config.labels.items())),
        zones=_sorted(pool.locations) or None,
        autoscaled=scaling.enabled,
        autoscaling=_autoscaling(scaling) if scaling.enabled else None,
        disk_type=config.disk_type or config.boot_disk.disk_type or None,
        disk_gb=config.disk_size_gb or config.boot_disk.size_gb or None,
        image_type=config.image_type or None,
        version=pool.version or None,
        metadata_server=None if mode == "MODE_UNSPECIFIED" else mode == "GKE_METADATA",
    )


def _provisioning(config: Any) -> str:
    if config.flex_start:
        return "flex-start"
    return "spot" if config.spot else "preemptible" if config.preemptible else "standard"


def _autoscaling(scaling: Any) -> Autoscaling:
    if scaling.total_max_node_count:
        return Autoscaling(scaling.total_min_node_count, scaling.total_max_node_count, "pool")
    return Autoscaling(scaling.min_node_count, scaling.max_node_count, "zone")


def _addons(cluster: Cluster) -> Mapping[str, bool] | None:
    """{'gcs_fuse_csi_driver': True, …}: those that the answer names, each by the switch that its message has."""
    found: dict[str, bool] = {}
    addons = cluster.addons_config
    for field in type(addons).meta.fields:
        if field in addons:
            switch = getattr(addons, field)
            on = switch.enabled if "enabled" in type(switch).meta.fields else not switch.disabled
            found[field.removesuffix("_config")] = on
    for name, (*way, last) in _BESIDE_ADDONS.items():
        message: Any = cluster
        for step in way:
            message = getattr(message, step) if message is not None and step in message else None
        if message is not None:
            found[name] = bool(getattr(message, last))
    return dict(sorted(found.items())) if found or "addons_config" in cluster else None


def _region(location: str) -> str | None:
    zone = _ZONE_NAME.fullmatch(location)
    return (zone[1] if zone else location) or None


def _word(value: Any) -> str:
    """The name of an enum's value; a number that this version of the library has no name for stays one."""
    return str(getattr(value, "name", value))


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
