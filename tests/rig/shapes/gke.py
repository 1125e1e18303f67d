"""Makes a control plane look like a GKE Standard cluster: gke_data/ holds what it is made of."""

from rig.http import Client, Json
from rig.services import Addresses
from rig.shapes import nodes, volumes
from rig.shapes.loading import admit, create, define, definitions, documents, real, snapshots, system, until

ADDON = {"addonmanager.kubernetes.io/mode": "Reconcile"}
# Dataplane V2 brings its kinds itself; Cilium labels them so (cilium/cilium pkg/k8s/apis).
CILIUM = {"io.cilium.k8s.crd.schema.version": "1.31.11"}
# Gateway API on GKE: these classes are there as soon as the API is on (GKE docs, deploying Gateways).
GATEWAY_CLASSES = ("gke-l7-global-external-managed", "gke-l7-regional-external-managed", "gke-l7-rilb")
PLACE = volumes.Place(("us-central1-a", "us-central1-b", "us-central1-c"))


def load(client: Client, *, user: bool = True) -> None:
    """Load the shape into an empty control plane, as its admin.

    `user`: also a small user's claims, bound, and Services, with addresses.
    """
    define(client, _kinds())
    table = documents("gke_data/nodes.yaml")[0]
    made = nodes.load(client, nodes.gke(table))
    create(client, documents("gke_data/storage.yaml"))
    admission = documents("gke_data/admission.yaml")[0]
    probe = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "probe", "namespace": "default"},
        "spec": {"ports": [{"port": 1}]},
    }
    admit(
        client,
        admission["always"],
        probe,
        lambda answer: "cloud.google.com/neg" in (answer["metadata"].get("annotations") or {}),
    )
    found = system(documents("gke_data/system.yaml")[0])
    create(client, [obj for obj in found if obj["kind"] == "Namespace"])
    create(
        client,
        [obj for obj in found if obj["kind"] != "Namespace"] + [_gateway_class(name) for name in GATEWAY_CLASSES],
    )
    if user:
        _user(client, made[0]["metadata"]["name"])


def autopilot(client: Client) -> list[Json]:
    """Make the cluster refuse writes to managed namespaces, as Autopilot does; the policies, for a test that ends it.
    Admins of the rig (system:masters) and the control plane are not refused. In force a moment later."""
    return create(client, documents("gke_data/admission.yaml")[0]["autopilot"])


def _kinds() -> list[Json]:
    tables = documents("gke_data/crds.yaml")[0]
    cilium = definitions({"cilium.io": tables.pop("cilium.io")}, CILIUM)
    return cilium + definitions(tables, ADDON) + [_labelled(crd) for crd in snapshots() + real("gateway-api")]


def _labelled(crd: Json) -> Json:
    meta = crd["metadata"]
    return crd | {"metadata": meta | {"labels": (meta.get("labels") or {}) | ADDON}}


def _gateway_class(name: str) -> Json:
    meta = {"name": name}
    spec = {"controllerName": "networking.gke.io/gateway"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": meta, "spec": spec}


def _user(client: Client, node: str) -> None:
    objects = documents("gke_data/user.yaml")[0]
    early = [obj for obj in objects if obj["kind"] in ("Namespace", "StorageClass")]
    create(client, early)
    # A claim without a class gets the default one at admission, once the admission plugin has seen that class.
    probe = next(
        obj for obj in objects if obj["kind"] == "PersistentVolumeClaim" and "storageClassName" not in obj["spec"]
    )
    until(lambda: "storageClassName" in client.create(probe, dry_run=True)["spec"], 60, "a default StorageClass")
    create(client, [obj for obj in objects if obj not in early])
    claims = [obj for obj in objects if obj["kind"] == "PersistentVolumeClaim"]
    for claim in claims:
        volumes.bind(client, claim, PLACE, node)
    volumes.wait_bound(client, claims)
    Addresses(client, "gke").once()
