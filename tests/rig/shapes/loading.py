"""Puts objects into a control plane: definitions first, then what depends on them."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from rig import assets
from rig.http import ApiError, Client, Json

HERE = Path(__file__).parent
STAND_IN = "rig.gke2eks/stand-in"  # label of policies that play the part of a cloud's webhooks
_THREADS = 4  # two cores: more only queue in the API server


def documents(path: str | Path) -> list[Any]:
    """The YAML documents of a file of this folder (a relative path) or of any file (an absolute one)."""
    return [found for found in yaml.load_all((HERE / path).read_text(), _LOADER) if found is not None]


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the real definitions are 2 MB of YAML


def is_stand_in(obj: Json) -> bool:
    """Tell whether the object exists in the rig only, in place of something outside the cluster."""
    return STAND_IN in (obj["metadata"].get("labels") or {})


def definitions(table: dict[str, list[list[Any]]], labels: dict[str, str] | None = None) -> list[Json]:
    """Permissive CustomResourceDefinitions of a table {group: [[kind, plural, C|N, [version, …]], …]}."""
    return [_definition(group, *row, labels=labels or {}) for group, rows in table.items() for row in rows]


def _definition(group: str, kind: str, plural: str, scope: str, versions: list[str], labels: dict[str, str]) -> Json:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "labels": labels,
            # The API server asks for it in the community's groups.
            "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in of the rig"}
            if group.endswith("k8s.io")
            else {},
        },
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": {"C": "Cluster", "N": "Namespaced"}[scope],
            "versions": [
                {
                    "name": v,
                    "served": True,
                    "storage": v == versions[0],
                    "schema": schema,
                    "subresources": {"status": {}},
                }
                for v in versions
            ],
        },
    }


def real(name: str) -> list[Json]:
    """The CustomResourceDefinitions of a folder of the cache; what else is in its files is left out."""
    have = assets.find()
    assert have is not None, assets.why_not()
    return [doc for path in have.crds(name) for doc in documents(path) if doc["kind"] == "CustomResourceDefinition"]


def snapshots() -> list[Json]:
    """The definitions of volume snapshots: the real ones when the cache has crds/snapshot, else permissive ones."""
    return real("snapshot") or definitions(documents("snapshot_crds.yaml")[0])


def workload(kind: str, row: list[Any]) -> Json:
    """A Deployment or DaemonSet of one container, from [namespace, name, labels]; a string is GKE's k8s-app label."""
    namespace, name, said = row
    app = {"k8s-app": said} if isinstance(said, str) else dict(said)
    own = app | {"addonmanager.kubernetes.io/mode": "Reconcile", "kubernetes.io/cluster-service": "true"}
    container = {"name": name, "image": f"registry.k8s.io/{name}:rig"}
    pod = {"containers": [container], "tolerations": [{"operator": "Exists"}]}
    spec: Json = {"selector": {"matchLabels": app}, "template": {"metadata": {"labels": app}, "spec": pod}}
    if kind == "Deployment":
        spec["replicas"] = 1
    labels = own if isinstance(said, str) else app
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": spec}


def system(data: Json) -> list[Json]:
    """All objects of a file such as gke_data/system.yaml, namespaces first."""
    found = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in data["namespaces"]]
    for kind, rows in (("DaemonSet", data["daemonsets"]), ("Deployment", data["deployments"])):
        found += [workload(kind, row) for row in rows]
    return found + data["objects"]


def create(client: Client, objects: Iterable[Json]) -> list[Json]:
    """Create the objects, several at a time; the answers in the same order. One that exists is left as it is."""
    objects = list(objects)
    for api_version, kind in dict.fromkeys((obj["apiVersion"], obj["kind"]) for obj in objects):
        client.path(api_version, kind)  # discovery before the threads, which would all ask
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda obj: _create(client, obj), objects))


def _create(client: Client, obj: Json) -> Json:
    try:
        return client.create(obj)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        return client.raw("GET", client.path_of(obj))


def define(client: Client, crds: list[Json], seconds: float = 60) -> None:
    """Create the definitions and wait until each is established."""
    create(client, crds)
    names = {crd["metadata"]["name"] for crd in crds}

    def ready() -> bool:
        have = client.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        done = {crd["metadata"]["name"] for crd in have if _is_true(crd, "Established")}
        return names <= done

    until(ready, seconds, f"{len(names)} custom kinds established")


def _is_true(obj: Json, condition: str) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or []
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


def until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask every 50 ms; TimeoutError that names `what`."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def admit(
    client: Client, policies: list[Json], probe: Json, shows: Callable[[Json], bool], seconds: float = 60
) -> None:
    """Create mutating policies and wait until a dry run of creating `probe` shows their hand: a moment later."""
    create(client, policies)
    until(lambda: shows(client.create(probe, dry_run=True)), seconds, f"{policies[0]['metadata']['name']} in force")
