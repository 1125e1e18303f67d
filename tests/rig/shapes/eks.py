"""Makes a control plane look like an EKS cluster, standard or Auto Mode: eks_data/ holds what it is made of."""

from typing import Any, Literal

from rig.http import Client, Json
from rig.shapes import nodes
from rig.shapes.loading import admit, create, define, definitions, documents, real, snapshots, system
from rig.shapes.volumes import Place

Flavour = Literal["standard", "auto"]
PLACE = Place(("us-east-1a", "us-east-1b", "us-east-1c"))


def load(client: Client, flavour: Flavour = "standard", *, ingress_class: bool = True) -> None:
    """Load the shape into an empty control plane, as its admin.

    standard: managed node groups, the EBS and EFS add-ons, snapshot-controller, AWS Load Balancer Controller, the
    kinds of Gateway API and Karpenter.
    auto: Auto Mode's nodes, pools and kinds; with `ingress_class` also the class `alb` that its user makes first.
    """
    define(client, _kinds(flavour))
    nodes.load(client, nodes.eks(documents(f"eks_data/{flavour}_nodes.yaml")[0]))
    admission = documents("eks_data/admission.yaml")[0]
    wanted = admission[flavour]["class"]
    probe = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "probe", "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 1}]},
    }
    admit(
        client, _policies(admission, flavour), probe, lambda answer: answer["spec"].get("loadBalancerClass") == wanted
    )
    data = documents(f"eks_data/{flavour}.yaml")[0]
    create(client, system(data) + (data.get("ingress_class", []) if ingress_class else []))


def grow(client: Client, flavour: Flavour = "standard") -> None:
    """Add the nodes under `more`, which have room for hundreds of pods. Their addresses come after the others'."""
    table = documents(f"eks_data/{flavour}_nodes.yaml")[0]
    nodes.load(client, nodes.eks(table | {"pools": table["more"]}, start=120))


def pools(client: Client, flavour: Flavour, names: list[str]) -> None:
    """Add two nodes for each of these NodePools, as Karpenter would have made them."""
    table = documents(f"eks_data/{flavour}_nodes.yaml")[0]
    (like,) = table["more"]
    for at, name in enumerate(names):
        labels = {**like["labels"], "karpenter.sh/nodepool": name, "karpenter.sh/capacity-type": "on-demand"}
        labels.pop("eks.amazonaws.com/nodegroup", None)
        row = like | {"name": name, "nodes": 2, "labels": labels}
        nodes.load(client, nodes.eks(table | {"pools": [row]}, start=140 + 10 * at))


def _kinds(flavour: Flavour) -> list[Json]:
    table = documents("eks_data/crds.yaml")[0]
    parts = ["every", "auto"] if flavour == "auto" else ["every", "standard", "lbc"]
    found = [crd for part in parts for crd in definitions(table[part])]
    found += snapshots() + real("gateway-api") + real("karpenter")
    if flavour == "auto":  # Auto Mode has Karpenter's pools and claims, not the EC2NodeClass
        found = [crd for crd in found if crd["spec"]["group"] != "karpenter.k8s.aws"]
    return found


def _policies(admission: Json, flavour: Flavour) -> list[Json]:
    name, policy = admission[flavour]["name"], _filled(admission["policy"], admission[flavour]["class"])
    labels = policy["metadata"]["labels"]
    meta = {"name": name, "labels": labels}
    binding = {
        "apiVersion": policy["apiVersion"],
        "kind": f"{policy['kind']}Binding",
        "metadata": meta,
        "spec": {"policyName": name},
    }
    return [policy | {"metadata": meta}, binding]


def _filled(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, name) for item in value]
    return value.replace("$CLASS", name) if isinstance(value, str) else value
