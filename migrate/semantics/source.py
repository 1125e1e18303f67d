"""Facts about the source cluster: as its cloud told them, or from what was read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from migrate.model.facts import Facts
from migrate.model.listing import Outcome
from migrate.model.objects import Object, Snapshot
from migrate.semantics.nodefacts import POOL, facts_from_nodes

_SYSTEM = "kube-system"
# Who enforces NetworkPolicies: Dataplane V2 deploys anetd (GKE's page "GKE Dataplane V2"), the add-on calico-node
# (Calico's page about GKE).
_DATAPLANE_V2, _CALICO = "anetd", "calico-node"
# Add-ons by the DaemonSet that each runs in kube-system; the names are those of the Container API.
_ADDONS: Mapping[str, str] = {
    "dns_cache": "node-local-dns",
    "gce_persistent_disk_csi_driver": "pdcsi-node",
    "gcp_filestore_csi_driver": "filestore-node",
    "gcs_fuse_csi_driver": "gcsfusecsi-node",
    "network_policy": _CALICO,
}
# Google names the nodes of an Autopilot cluster gk3-…, those of all others gke-….
_AUTOPILOT, _STANDARD = "gk3-", "gke-"


def facts_of(snapshot: Snapshot) -> Facts:
    """What is known of the source. Facts that the Container API gave are taken as they are."""
    if snapshot.facts.get("asked"):
        try:
            return Facts.of_json(snapshot.facts)
        except (KeyError, TypeError, AttributeError):
            pass  # not what we write: what was read of the cluster still tells
    return _derived(snapshot)


def _derived(snapshot: Snapshot) -> Facts:
    nodes = [obj for obj in snapshot.objects if (obj.ref.group, obj.ref.kind) == ("", "Node")]
    found = facts_from_nodes((obj.body for obj in nodes), {"gitVersion": snapshot.facts.get("kubernetes")})
    if found.gke_version is None and found.node_pools is None:
        return replace(found, asked="nodes" if nodes else "")  # a name in kube-system says nothing outside of GKE
    daemons = {
        obj.ref.name
        for obj in snapshot.objects
        if (obj.ref.group, obj.ref.kind, obj.ref.namespace) == ("apps", "DaemonSet", _SYSTEM)
    }
    dataplane = _runs(_DATAPLANE_V2, daemons, snapshot)
    calico = _runs(_CALICO, daemons, snapshot)
    return replace(
        found,
        asked="nodes" if nodes else "",
        autopilot=_autopilot(nodes),
        dataplane_v2=dataplane,
        network_policy=True if dataplane or calico else (None if None in (dataplane, calico) else False),
        addons={name: True for name, daemon in _ADDONS.items() if daemon in daemons} or None,
    )


def _runs(name: str, daemons: set[str], snapshot: Snapshot) -> bool | None:
    """Tell whether a DaemonSet is there. That it is not is known only when all of kube-system's were listed."""
    if name in daemons:
        return True
    listed = any(
        (one.kind.group, one.kind.kind, one.outcome) == ("apps", "DaemonSet", Outcome.LISTED)
        for one in snapshot.listings
    )
    return False if daemons and listed and not snapshot.select else None


def _autopilot(nodes: Sequence[Object]) -> bool | None:
    names = [obj.ref.name for obj in nodes if POOL in obj.labels]
    if any(name.startswith(_AUTOPILOT) for name in names):
        return True
    return False if names and all(name.startswith(_STANDARD) for name in names) else None
