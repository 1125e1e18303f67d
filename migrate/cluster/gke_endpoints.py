"""Where a GKE control plane answers: by its DNS name, at a public address, at a private one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from migrate.cluster.gke_refusals import Wanted
from migrate.errors import Refused

if TYPE_CHECKING:
    from google.cloud.container_v1 import Cluster

Which = Literal["dns", "public", "private"]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The hosts of a control plane; '' is none. `guarded`: only authorised networks reach the public address."""

    dns: str
    dns_open: bool
    public: str
    private: str
    guarded: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One endpoint, the reason, and what a person does when nothing answers there."""

    which: Which
    host: str
    why: str
    if_silent: str


def endpoints(cluster: Cluster) -> Endpoints:
    """Read both forms: ip_endpoints_config, and private_cluster_config, which it replaced."""
    ends, old = cluster.control_plane_endpoints_config, cluster.private_cluster_config
    dns, ips = ends.dns_endpoint_config, ends.ip_endpoints_config
    off = "enabled" in ips and not ips.enabled
    closed = not ips.enable_public_endpoint if "enable_public_endpoint" in ips else old.enable_private_endpoint
    public = ips.public_endpoint or old.public_endpoint or cluster.endpoint
    private = ips.private_endpoint or old.private_endpoint or (cluster.endpoint if closed else "")
    return Endpoints(
        dns=dns.endpoint,
        dns_open=dns.allow_external_traffic,
        public="" if closed or off else public,
        private="" if off else private,
        guarded=ips.authorized_networks_config.enabled or cluster.master_authorized_networks_config.enabled,
    )


def choose(cluster: Cluster, wanted: Wanted) -> Choice:
    """DNS, which needs no list of addresses and has a public certificate; else public; else private."""
    ends = endpoints(cluster)
    flags = f"{wanted.cluster} --location {wanted.location} --project {wanted.project}"
    open_dns = f"gcloud container clusters update {flags} --enable-dns-access"
    if ends.dns and ends.dns_open:
        why = "its DNS endpoint is open to outside traffic"
        return Choice("dns", ends.dns, why, "Check the network, DNS and the proxy (https_proxy).")
    if ends.public:
        why = "it has a public address, and its DNS endpoint is closed to outside traffic"
        first = "Have your address added to the cluster's authorised networks" if ends.guarded else "Check the network"
        return Choice("public", ends.public, why, f"{first}, or open the DNS endpoint: {open_dns}")
    if ends.private:
        why = "it has a private address only, and its DNS endpoint is closed to outside traffic"
        first = "A private endpoint: run this inside the cluster's network or through a proxy there (https_proxy)"
        return Choice("private", ends.private, why, f"{first}, or open the DNS endpoint: {open_dns}")
    if cluster.status == type(cluster).Status.PROVISIONING:
        raise Refused(f"{wanted} is still being created.", "Wait until it runs, then try again.")
    raise Refused(f"The control plane of {wanted} is open to nobody.", f"Open its DNS endpoint: {open_dns}")
