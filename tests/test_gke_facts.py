"""Facts about a GKE cluster, from the Container API and from Nodes: what nobody said stays unknown."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gke_fake import sample
from google.cloud import container_v1 as gke

from migrate.cluster.gke_facts import facts, facts_from_nodes
from migrate.model.facts import Accelerator, Autoscaling, Facts, NodePool, Taint

FACTS = Facts(
    asked="container-api",
    project="acme-prod",
    name="shop",
    location="europe-west1",
    region="europe-west1",
    zones=("europe-west1-b", "europe-west1-c"),
    kubernetes_version="1.33.4",
    gke_version="1.33.4-gke.1172000",
    release_channel="regular",
    autopilot=False,
    network="projects/acme-prod/global/networks/prod",
    subnetwork="projects/acme-prod/regions/europe-west1/subnetworks/prod-west1",
    dataplane_v2=True,
    network_policy=True,
    workload_pool="acme-prod.svc.id.goog",
    gateway_api="standard",
    addons={
        "config_connector": False,
        "gce_persistent_disk_csi_driver": True,
        "gcs_fuse_csi_driver": True,
        "horizontal_pod_autoscaling": False,
        "http_load_balancing": True,
        "secret_manager": True,
    },
    private_nodes=True,
    public_endpoint=True,
    dns_endpoint="gke-1.europe-west1.gke.goog",
    dns_endpoint_open=False,
    node_pools=(
        NodePool(
            name="main",
            machine_type="e2-standard-4",
            provisioning="standard",
            accelerators=(),
            taints=(),
            labels={},
            zones=("europe-west1-b",),
            autoscaled=True,
            autoscaling=Autoscaling(0, 5, "zone"),
            disk_type="pd-balanced",
            disk_gb=100,
            image_type="COS_CONTAINERD",
            version="1.33.4-gke.1172000",
            metadata_server=True,
        ),
        NodePool(
            name="spot",
            machine_type="g2-standard-8",
            provisioning="spot",
            accelerators=(Accelerator("nvidia-l4", 1),),
            taints=(Taint("drain", "", "PreferNoSchedule"), Taint("team", "ml", "NoSchedule")),
            labels={"a": "1", "team": "ml"},
            zones=("europe-west1-b", "europe-west1-c"),
            autoscaled=True,
            autoscaling=Autoscaling(1, 24, "pool"),
            disk_type="pd-ssd",
            disk_gb=200,
            image_type="UBUNTU_CONTAINERD",
            version="1.33.4-gke.1172000",
        ),
    ),
)


def test_facts_of_a_cluster() -> None:
    found = facts(sample(), "acme-prod")
    assert found == FACTS
    text = json.dumps(found.as_json())
    assert Facts.of_json(json.loads(text)) == found
    assert "hunter2" not in text and "c2VjcmV0" not in text and "CERTIFICATE" not in text
    pools = [sample().node_pools[1], sample().node_pools[0]]
    assert json.dumps(facts(sample(node_pools=pools), "acme-prod").as_json()) == text


def test_facts_of_an_autopilot_cluster() -> None:
    found = facts(sample(autopilot=gke.Autopilot(enabled=True), node_pools=[]))
    assert found == replace(FACTS, project=None, autopilot=True, node_pools=())


def test_what_the_api_leaves_out_is_unknown() -> None:
    found = facts(gke.Cluster(name="c", location="us-central1-a"))
    assert (found.region, found.kubernetes_version, found.network, found.workload_pool) == (
        "us-central1",
        None,
        None,
        None,
    )
    assert (found.dataplane_v2, found.addons, found.dns_endpoint_open, found.release_channel) == (
        None,
        None,
        None,
        "none",
    )


@pytest.mark.parametrize(
    ("provider", "calico", "expected"),
    [("LEGACY_DATAPATH", True, (False, True)), ("LEGACY_DATAPATH", False, (False, False)), (0, False, (False, False))],
)
def test_who_enforces_network_policies(provider: Any, calico: bool, expected: tuple[bool, bool]) -> None:
    found = facts(
        sample(
            network_config=gke.NetworkConfig(datapath_provider=provider),
            network_policy=gke.NetworkPolicy(enabled=calico),
        )
    )
    assert (found.dataplane_v2, found.network_policy) == expected


def test_each_addon_of_the_api_has_a_switch() -> None:
    """A new add-on in container_v1 that is switched in a third way must not be read as on."""
    for name, field in gke.AddonsConfig.meta.fields.items():
        keys = field.message.meta.fields
        assert ("enabled" in keys) != ("disabled" in keys), name


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
