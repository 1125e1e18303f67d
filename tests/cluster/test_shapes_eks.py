"""The EKS shapes are what they say: some facts of each flavour, and the names that load balancers get."""

import pytest
from rig.services import AWS, Addresses
from shapes_fixtures import Shape
from shapes_help import (
    BUDGET,
    a_pod_gets_its_volume,
    default_classes,
    eventually,
    ingress,
    labels_of_nodes,
    refusal,
    service,
)


def test_eks_standard_loads_in_time_and_looks_the_part(eks_standard: Shape) -> None:
    client = eks_standard.client
    assert eks_standard.seconds < BUDGET
    assert all(n["spec"]["providerID"].startswith("aws:///us-east-1") for n in client.list("v1", "Node"))
    assert labels_of_nodes(client, "eks.amazonaws.com/capacityType") == {"ON_DEMAND", "SPOT"}
    assert labels_of_nodes(client, "topology.kubernetes.io/zone") == {f"us-east-1{z}" for z in "abc"}
    assert {d["metadata"]["name"] for d in client.list("storage.k8s.io/v1", "CSIDriver")} == {
        "ebs.csi.aws.com",
        "efs.csi.aws.com",
    }
    assert [c["metadata"]["name"] for c in client.list("storage.k8s.io/v1", "StorageClass")] == ["gp2"]
    assert default_classes(client) == []
    classes = {
        c["metadata"]["name"]: c["spec"]["controller"] for c in client.list("networking.k8s.io/v1", "IngressClass")
    }
    assert classes == {"alb": "ingress.k8s.aws/alb"}
    assert {"aws-auth", "amazon-vpc-cni", "coredns"} <= {
        c["metadata"]["name"] for c in client.list("v1", "ConfigMap", "kube-system")
    }


def test_eks_auto_loads_in_time_and_looks_the_part(eks_auto: Shape) -> None:
    client = eks_auto.client
    assert eks_auto.seconds < BUDGET
    assert labels_of_nodes(client, "eks.amazonaws.com/compute-type") == {"auto"}
    nodes = client.list("v1", "Node")
    assert all(n["spec"]["providerID"].endswith(n["metadata"]["name"]) for n in nodes)  # named like the instance
    assert [d["metadata"]["name"] for d in client.list("storage.k8s.io/v1", "CSIDriver")] == [
        "ebs.csi.eks.amazonaws.com"
    ]
    assert client.list("storage.k8s.io/v1", "StorageClass") == []
    classes = {
        c["metadata"]["name"]: c["spec"]["controller"] for c in client.list("networking.k8s.io/v1", "IngressClass")
    }
    assert classes == {"alb": "eks.amazonaws.com/alb"}
    assert {p["metadata"]["name"] for p in client.list("karpenter.sh/v1", "NodePool")} == {"general-purpose", "system"}
    assert refusal(lambda: client.list("karpenter.k8s.aws/v1", "EC2NodeClass")).status == 404


def test_karpenter_and_gateway_api_are_the_real_definitions(eks_standard: Shape) -> None:
    """A permissive stand-in would take anything: these refuse what their schema does not know."""
    meta = {"name": "wrong"}
    pool = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": meta, "spec": {"nonsense": 1}}
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": meta,
        "spec": {"controller": "x"},
    }
    assert refusal(lambda: eks_standard.client.create(pool, dry_run=True)).status in (400, 422)
    assert refusal(lambda: eks_standard.client.create(gateway, dry_run=True)).status in (400, 422)


@pytest.mark.parametrize(
    ("shape", "wanted", "foreign"),
    [
        ("eks_standard", "service.k8s.aws/nlb", "eks.amazonaws.com/nlb"),
        ("eks_auto", "eks.amazonaws.com/nlb", "service.k8s.aws/nlb"),
    ],
)
def test_eks_gives_a_name_to_its_own_class_only(
    shape: str, wanted: str, foreign: str, request: pytest.FixtureRequest
) -> None:
    eks: Shape = request.getfixturevalue(shape)
    made = eks.client.create(service("plain"))  # names no class: gets the flavour's at admission
    assert made["spec"]["loadBalancerClass"] == wanted
    public = service(
        "public", loadBalancerClass=wanted, annotations={f"{AWS}scheme": "internet-facing", f"{AWS}name": "shop-front"}
    )
    eks.client.create(public)
    eks.client.create(service("foreign", loadBalancerClass=foreign))
    eks.client.create(service("inner") | {"spec": {"ports": [{"port": 80}]}})
    hosts = {name: eventually(lambda name=name: ingress(eks.client, name)) for name in ("plain", "public")}
    assert hosts["plain"][0]["hostname"].startswith("k8s-default-plain-") and "ip" not in hosts["plain"][0]
    assert hosts["plain"][0]["hostname"].endswith(".elb.us-east-1.amazonaws.com")
    assert hosts["public"][0]["hostname"].startswith("shop-front-") and hosts["public"][0]["ports"] == [
        {"port": 80, "protocol": "TCP"}
    ]
    assert {name: built.internal for name, built in eks.addresses.built.items()} == {
        "default/plain": True,
        "default/public": False,
    }
    assert ingress(eks.client, "foreign") == []
    # On update nobody fills in a class, and without one no controller of ours takes the Service.
    inner = eks.client.patch(service("inner"), {"spec": {"type": "LoadBalancer"}})
    assert "loadBalancerClass" not in inner["spec"]
    Addresses(eks.client, eks.cloud).once()
    assert ingress(eks.client, "inner") == [] and eks.addresses.errors == []


def test_eks_standard_gives_a_claim_its_disk(eks_standard: Shape) -> None:
    a_pod_gets_its_volume(eks_standard, "ebs.csi.aws.com", "vol-0", "topology.kubernetes.io/zone")


def test_eks_auto_gives_a_claim_its_disk(eks_auto: Shape) -> None:
    key = "topology.ebs.csi.eks.amazonaws.com/zone"
    a_pod_gets_its_volume(eks_auto, "ebs.csi.eks.amazonaws.com", "vol-0", key)
