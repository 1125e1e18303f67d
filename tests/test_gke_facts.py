"""Facts about a GKE cluster, from the Container API and from Nodes: what nobody said stays unknown."""

import json
from dataclasses import replace
from typing import Any

import pytest
from gke_fake import sample
from google.cloud import container_v1 as gke

from migrate.cluster.gke_facts import facts
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
