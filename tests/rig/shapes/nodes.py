"""Nodes of a shape, from a table of pools. kwok keeps them Ready; without kwok they are Ready once."""

import hashlib
import json
from typing import Any

from rig.http import Client, Json
from rig.shapes.loading import create


def gke(table: Json) -> list[Json]:
    """The Nodes of gke_data/nodes.yaml, spread over the zones."""
    return [_gke(table, pool, i) for pool in table["pools"] for i in range(pool["nodes"])]


def _gke(table: Json, pool: Json, i: int) -> Json:
    zone = table["zones"][i % len(table["zones"])]
    name = f"gke-rig-{pool['name']}-{_hash(pool['name'], zone, length=8)}-{_hash(pool['name'], i, length=4)}"
    path = f"projects/{table['project']}/zones/{zone}/instances/{name}"
    labels = {"topology.gke.io/zone": zone} | _everywhere(table, name, zone)
    annotations = {
        "container.googleapis.com/instance_id": str(int(_hash(name, length=15), 16)),
        "csi.volume.kubernetes.io/nodeid": json.dumps({"pd.csi.storage.gke.io": path}, separators=(",", ":")),
    }
    return _node(
        table, pool, name, labels, annotations, f"gce://{table['project']}/{zone}/{name}", f"10.128.0.{10 + i}"
    )


def eks(table: Json, start: int = 20) -> list[Json]:
    """The Nodes of eks_data/*_nodes.yaml, spread over the zones; the first address ends with `start`."""
    return [_eks(table, pool, i, start + 10 * j) for j, pool in enumerate(table["pools"]) for i in range(pool["nodes"])]


def _eks(table: Json, pool: Json, i: int, start: int) -> Json:
    at = i % len(table["zones"])
    zone, ip = table["zones"][at], f"10.0.{at + 1}.{start + i}"
    instance = "i-0" + _hash(pool["name"], zone, i, length=16)
    name = instance if table.get("named_like_the_instance") else f"ip-{ip.replace('.', '-')}.ec2.internal"
    labels = _everywhere(table, name, zone) | {
        table["csi_topology"]: zone,
        "topology.k8s.aws/zone-id": table["zone_ids"][at],
        "k8s.io/cloud-provider-aws": _hash("rig", length=32),
    }
    driver = "ebs.csi.eks.amazonaws.com" if table.get("named_like_the_instance") else "ebs.csi.aws.com"
    annotations = {
        "alpha.kubernetes.io/provided-node-ip": ip,
        "csi.volume.kubernetes.io/nodeid": json.dumps({driver: instance}, separators=(",", ":")),
    }
    return _node(table, pool, name, labels, annotations, f"aws:///{zone}/{instance}", ip)


def _everywhere(table: Json, name: str, zone: str) -> dict[str, str]:
    return {
        "failure-domain.beta.kubernetes.io/region": table["region"],
        "failure-domain.beta.kubernetes.io/zone": zone,
        "kubernetes.io/hostname": name,
        "topology.kubernetes.io/region": table["region"],
        "topology.kubernetes.io/zone": zone,
    }


def _node(table: Json, pool: Json, name: str, labels: Json, annotations: Json, provider: str, ip: str) -> Json:
    info = {
        "architecture": "amd64",
        "operatingSystem": "linux",
        "containerRuntimeVersion": table["runtime"],
        "kernelVersion": table["kernel"],
        "kubeletVersion": table["version"],
        "osImage": table["os_image"],
        "kubeProxyVersion": "",
        "bootID": "",
        "machineID": "",
        "systemUUID": "",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": pool["labels"] | labels, "annotations": annotations},
        "spec": {"providerID": provider, "taints": pool["taints"]},
        "status": {
            "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
            "capacity": pool["capacity"],
            "allocatable": pool["capacity"],
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": "kubelet is posting ready status",
                }
            ],
            "nodeInfo": info,
        },
    }


def load(client: Client, nodes: list[Json]) -> list[Json]:
    """Create the Nodes and make them Ready.

    Takes away the not-ready taint that the server gives each new Node; the node lifecycle controller, where it runs,
    would do the same a moment later.
    """
    made = create(client, nodes)
    for node in nodes:
        client.patch(node, {"status": {"conditions": node["status"]["conditions"]}}, sub="status")
        client.patch(node, {"spec": {"taints": node["spec"].get("taints") or None}})
    return made


def _hash(*words: Any, length: int) -> str:
    return hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()[:length]
