"""Facts from what was read of a cluster: from Nodes, from what runs in kube-system; what nobody said stays unknown."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.model.facts import UNKNOWN, Facts, NodePool, Taint
from migrate.model.listing import Kind, Listing, Outcome
from migrate.model.objects import Object, Snapshot
from migrate.model.ref import Ref
from migrate.model.selection import Selection, parse_selection
from migrate.semantics.nodefacts import facts_from_nodes
from migrate.semantics.source import facts_of


def test_facts_of_the_example_nodes(repo: Path) -> None:
    items = json.loads((repo / "examples/gke-cluster.json").read_text())["items"]
    nodes = [one for one in items if one["kind"] == "Node"]
    found = facts_from_nodes(nodes, {"gitVersion": "v1.33.4-gke.1172000"})
    assert found.asked == "nodes" and found.project == "lumen-prod-318" and found.region == "europe-west1"
    assert (found.gke_version, found.private_nodes) == ("1.33.4-gke.1172000", True)
    assert found.node_pools is not None
    main = next(one for one in found.node_pools if one.name == "main")
    assert (main.machine_type, main.provisioning, main.disk_type) == ("e2-standard-4", "standard", "pd-balanced")
    assert (main.image_type, main.metadata_server, main.taints) == ("COS_CONTAINERD", True, ())
    unknown = (found.name, found.location, found.autopilot, found.dataplane_v2, found.network_policy, found.addons)
    assert unknown == (None,) * 6 and found.workload_pool is None and main.autoscaled is None
    assert Facts.of_json(json.loads(json.dumps(found.as_json()))) == found
    assert facts_from_nodes(reversed(nodes), {"gitVersion": "v1.33.4-gke.1172000"}) == found


def node(pool: str, labels: dict[str, str], taints: Any = (), addresses: Any = ()) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"cloud.google.com/gke-nodepool": pool} | labels},
        "spec": {"taints": list(taints)},
        "status": {"addresses": [{"type": one, "address": "x"} for one in addresses]},
    }


def test_what_nodes_of_a_pool_differ_in_is_unknown() -> None:
    own, passing = {"key": "gpu", "value": "l4", "effect": "NoSchedule"}, {"key": "node.kubernetes.io/not-ready"}
    nodes = [
        node("p", {"team": "ml", "cloud.google.com/gke-accelerator": "nvidia-l4"}, [own, passing], ["ExternalIP"]),
        node("p", {"team": "ml", "topology.gke.io/zone": "z", "cloud.google.com/gke-spot": "true"}, [own, own]),
    ]
    found = facts_from_nodes(nodes, {})
    assert found.node_pools == (NodePool("p", taints=(Taint("gpu", "l4", "NoSchedule"),), labels={"team": "ml"}),)
    assert found.private_nodes is None and found.zones is None


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"metadata": None},
        {"metadata": {"labels": [1]}},
        {"metadata": {"labels": {"cloud.google.com/gke-nodepool": 3}}},
    ],
)
def test_odd_nodes_tell_nothing(odd: dict[str, Any]) -> None:
    assert facts_from_nodes([odd], {"gitVersion": 3}) == Facts(asked="nodes")


def test_odd_parts_of_a_node_tell_nothing() -> None:
    odd = node("p", {}) | {"spec": {"taints": [1, None], "providerID": 3}, "status": {"addresses": [3], "nodeInfo": 3}}
    assert facts_from_nodes([odd], {}).node_pools == (NodePool("p", accelerators=(), taints=(), labels={}),)


def test_nodes_of_another_cloud_have_no_pools() -> None:
    found = facts_from_nodes(
        [{"metadata": {"labels": {"eks.amazonaws.com/nodegroup": "a"}}}], {"gitVersion": "v1.33.1"}
    )
    assert (found.kubernetes_version, found.gke_version, found.node_pools) == ("1.33.1", None, None)


DAEMONS = Kind("apps", "v1", "daemonsets", "DaemonSet", True, ("list",))
LISTED, FORBIDDEN = Listing(DAEMONS, Outcome.LISTED), Listing(DAEMONS, Outcome.FORBIDDEN)


def snapshot(nodes: dict[str, str], daemons: str = "", listings: tuple[Listing, ...] = (), **facts: Any) -> Snapshot:
    """Nodes by name with their pool, and what kube-system runs."""
    objects = [Object(Ref("", "Node", "", name), node(pool, {})) for name, pool in nodes.items()]
    objects += [Object(Ref("apps", "DaemonSet", "kube-system", name), {}) for name in daemons.split()]
    return Snapshot(tuple(objects), listings=listings, facts=facts)


def test_what_the_api_said_is_taken_as_it_is() -> None:
    said = Facts(asked="container-api", autopilot=False, release_channel="rapid", addons={"dns_cache": False})
    made = snapshot({"gk3-a": "p"}, "anetd node-local-dns", kubernetes="v1.34.1-gke.1", **said.as_json())
    assert facts_of(made) == said


@pytest.mark.parametrize("odd", [{"zones": 3}, {"node_pools": [{"zones": []}]}, {"node_pools": [3]}], ids=str)
def test_facts_that_are_none_are_not_believed(odd: dict[str, Any]) -> None:
    found = facts_of(snapshot({"gke-a": "p"}, asked="container-api", kubernetes="v1.34.1-gke.1", **odd))
    assert (found.asked, found.gke_version, found.autopilot) == ("nodes", "1.34.1-gke.1", False)


def test_files_without_nodes_tell_nothing() -> None:
    assert facts_of(snapshot({})) == UNKNOWN
    assert facts_of(snapshot({}, "anetd pdcsi-node")) == UNKNOWN, "the names say nothing outside of GKE"


def test_a_version_tells_without_nodes() -> None:
    found = facts_of(snapshot({}, "anetd", kubernetes="v1.34.1-gke.3971001"))
    assert (found.asked, found.kubernetes_version, found.gke_version) == ("", "1.34.1", "1.34.1-gke.3971001")
    assert (found.dataplane_v2, found.autopilot, found.node_pools) == (True, None, None)


@pytest.mark.parametrize(
    ("names", "autopilot"),
    [
        (["gk3-prod-pool-1-x"], True),
        (["gke-prod-main-x"], False),
        (["gke-gk3-main-x"], False),
        (["gke-prod-main-x", "mine"], None),
    ],
)
def test_the_mode_is_in_the_names_of_nodes(names: list[str], autopilot: bool | None) -> None:
    assert facts_of(snapshot(dict.fromkeys(names, "p"))).autopilot is autopilot


@pytest.mark.parametrize(
    ("daemons", "listings", "dataplane", "policy"),
    [
        ("anetd pdcsi-node", (), True, True),
        ("calico-node pdcsi-node", (), None, True),
        ("calico-node pdcsi-node", (LISTED,), False, True),
        ("pdcsi-node", (LISTED,), False, False),
        ("pdcsi-node", (FORBIDDEN,), None, None),
        ("pdcsi-node", (), None, None),  # files may be a part of the cluster
        ("", (LISTED,), None, None),  # GKE always runs some: kube-system was not read
    ],
)
def test_who_enforces_network_policies(
    daemons: str, listings: tuple[Listing, ...], dataplane: bool | None, policy: bool | None
) -> None:
    found = facts_of(snapshot({"gke-a": "p"}, daemons, listings))
    assert (found.dataplane_v2, found.network_policy) == (dataplane, policy)


def test_what_a_selection_left_out_may_be_there() -> None:
    made = snapshot({"gke-a": "p"}, "pdcsi-node", (LISTED,))
    chosen: Selection = parse_selection(namespaces=["kube-*"])
    assert chosen and facts_of(replace(made, select=chosen)).dataplane_v2 is None


def test_addons_that_run_are_on_and_others_unknown() -> None:
    found = facts_of(snapshot({"gke-a": "p"}, "pdcsi-node gcsfusecsi-node mine"))
    assert found.addons == {"gce_persistent_disk_csi_driver": True, "gcs_fuse_csi_driver": True}
    assert facts_of(snapshot({"gke-a": "p"}, "mine")).addons is None
