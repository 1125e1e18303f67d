"""Questions that the tests of shapes ask a cluster."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from rig.http import ApiError, Client, Json
from shapes_fixtures import Shape

BUDGET = 20  # seconds for a shape to load


def service(name: str, **more: Any) -> Json:
    annotations = more.pop("annotations", {})
    meta = {"name": name, "namespace": "default", "annotations": annotations}
    spec = {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80}]} | more
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def eventually(look: Callable[[], Any], seconds: float = 60) -> Any:
    """The first answer that is true; the last one, whatever it is, when time is up."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def ingress(client: Client, name: str, namespace: str = "default") -> list[Json]:
    return client.get("v1", "Service", name, namespace)["status"]["loadBalancer"].get("ingress") or []


def labels_of_nodes(client: Client, key: str) -> set[str]:
    return {node["metadata"]["labels"][key] for node in client.list("v1", "Node")}


def default_classes(client: Client) -> list[str]:
    key = "storageclass.kubernetes.io/is-default-class"
    found = client.list("storage.k8s.io/v1", "StorageClass")
    return [c["metadata"]["name"] for c in found if (c["metadata"].get("annotations") or {}).get(key) == "true"]


def refusal(write: Callable[[], Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        write()
    return caught.value


def a_pod_gets_its_volume(cluster: Shape, provisioner: str, handle: str, zone_key: str) -> None:
    """Assert that a claim of that driver is bound in the zone of its pod, and that the volume goes with the claim."""
    zone = cluster.volumes.place.zones[-1]  # not the one that a volume without a pod would get
    meta = {"name": "late", "namespace": "default"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta}
    claim["spec"] = {
        "storageClassName": "late",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "late"}}]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta}
    pod["spec"] = {
        "containers": [{"name": "app", "image": "app:1"}],
        "volumes": volumes,
        "terminationGracePeriodSeconds": 0,
        "nodeSelector": {"topology.kubernetes.io/zone": zone},
    }
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late"}}
    kind |= {"provisioner": provisioner, "volumeBindingMode": "WaitForFirstConsumer"}
    for obj in (kind, claim, pod):
        cluster.client.create(obj)

    def running() -> Json | None:
        found = cluster.client.get("v1", "Pod", "late", "default")
        return found if found["status"].get("phase") == "Running" else None

    at = eventually(running)
    assert at, cluster.client.get("v1", "Pod", "late", "default")["status"]
    name = cluster.client.get("v1", "PersistentVolumeClaim", "late", "default")["spec"]["volumeName"]
    volume = cluster.client.get("v1", "PersistentVolume", name)
    assert volume["spec"]["csi"]["volumeHandle"].startswith(handle)
    term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"]
    assert term == [{"key": zone_key, "operator": "In", "values": [zone]}]
    for obj in (pod, claim, kind):
        cluster.client.delete(obj)

    def gone() -> bool:
        return name not in {found["metadata"]["name"] for found in cluster.client.list("v1", "PersistentVolume")}

    assert eventually(gone), volume
    assert cluster.volumes.errors == []
