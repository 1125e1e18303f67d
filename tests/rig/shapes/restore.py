"""Brings the objects of a List, as `kubectl get -A -o json` writes it, into a control plane; controllers do the rest.

refused = restore(client, items)     # {"Kind/namespace/name": what the server said}
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from rig.http import ApiError, Client, Json
from rig.shapes import nodes
from rig.shapes.loading import define

# Later kinds lean on earlier ones; what is not named comes before the last row, which may refuse what is written then.
_FIRST: tuple[tuple[str, ...], ...] = (
    ("Namespace", "StorageClass", "PriorityClass"),
    ("ServiceAccount", "ConfigMap", "PersistentVolume", "ClusterRole", "Role", "LimitRange", "ResourceQuota"),
    ("Secret", "PersistentVolumeClaim", "ClusterRoleBinding", "RoleBinding", "Service"),
    ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob", "Job", "Pod"),
)
_LAST = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "APIService")
_MADE = ("Endpoints", "EndpointSlice", "IPAddress", "ServiceCIDR", "ControllerRevision", "Event", "Lease")
_OF_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
_BOUND = ("pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller")
_THREADS = 4


def restore(client: Client, items: list[Json]) -> dict[str, str]:
    """Create what a user, or the cloud, made. What exists stays as it is; what is refused is named, with why."""
    wanted = [_fresh(item) for item in items if not _made_by_a_controller(item)]
    # A kind that the shape has already stays as it is there, whatever the plural in the List.
    have = {_defined(crd) for crd in client.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")}
    crds = [one for one in wanted if one["kind"] == "CustomResourceDefinition"]
    define(client, [one for one in crds if _defined(one) not in have])
    nodes.load(client, [one for one in wanted if one["kind"] == "Node"])
    rest = [one for one in wanted if one["kind"] not in ("CustomResourceDefinition", "Node")]
    refused: dict[str, str] = {}
    for row in range(len(_FIRST) + 2):
        refused |= _row(client, [one for one in rest if _place(one["kind"]) == row])
    return refused


def _defined(crd: Json) -> tuple[str, str]:
    return crd["spec"]["group"], crd["spec"]["names"]["kind"]


def _place(kind: str) -> int:
    found = next((at for at, kinds in enumerate(_FIRST) if kind in kinds), len(_FIRST))
    return len(_FIRST) + 1 if kind in _LAST else found


def _row(client: Client, objects: list[Json]) -> dict[str, str]:
    for api_version, kind in dict.fromkeys((obj["apiVersion"], obj["kind"]) for obj in objects):
        with suppress(ApiError):  # each object of the kind says so
            client.path(api_version, kind)  # discovery before the threads, which would all ask
    with ThreadPoolExecutor(_THREADS) as pool:
        said = list(pool.map(lambda obj: _create(client, obj), objects))
    return {_name(obj): why for obj, why in zip(objects, said, strict=True) if why}


def _create(client: Client, obj: Json) -> str:
    try:
        client.create(obj)
    except ApiError as error:
        return "" if error.reason == "AlreadyExists" else str(error)[:300]
    return ""


def _name(obj: Json) -> str:
    meta = obj["metadata"]
    return "/".join(filter(None, (obj["kind"], meta.get("namespace"), meta["name"])))


def _made_by_a_controller(item: Json) -> bool:
    meta = item["metadata"]
    if any(owner.get("controller") for owner in meta.get("ownerReferences") or []):
        return True
    local = item["kind"] == "APIService" and "service" not in item["spec"]
    return local or item["kind"] in _MADE or meta["name"] == "kube-root-ca.crt"


def _fresh(item: Json) -> Json:
    """The object as its maker sent it: without what the server and controllers wrote since."""
    meta = {key: value for key, value in item["metadata"].items() if key not in _OF_THE_SERVER}
    fresh: Json = {**item, "metadata": meta}
    if item["kind"] != "Node":
        fresh.pop("status", None)
    change: Any = _CHANGES.get(item["kind"])
    return change(fresh) if change else fresh


def _service(obj: Json) -> Json:
    spec = {key: value for key, value in obj["spec"].items() if key not in ("clusterIPs", "healthCheckNodePort")}
    if spec.get("clusterIP") != "None":
        spec.pop("clusterIP", None)  # the old one is of another range
    return {**obj, "spec": spec}


def _claim(obj: Json) -> Json:
    notes = {k: v for k, v in (obj["metadata"].get("annotations") or {}).items() if k not in _BOUND}
    return {**obj, "metadata": {**obj["metadata"], "annotations": notes}}


def _volume(obj: Json) -> Json:
    spec = dict(obj["spec"])
    if "claimRef" in spec:
        spec["claimRef"] = {k: spec["claimRef"][k] for k in ("namespace", "name")}
    return {**obj, "spec": spec}


def _job(obj: Json) -> Json:
    """Its selector and the labels of its pods name its old uid."""
    spec = {key: value for key, value in obj["spec"].items() if key != "selector"}
    if obj["spec"].get("manualSelector"):
        return obj
    meta = dict(spec["template"].get("metadata") or {})
    labels = meta.get("labels") or {}
    meta["labels"] = {k: v for k, v in labels.items() if not k.endswith(("controller-uid", "job-name"))}
    return {**obj, "spec": {**spec, "template": {**spec["template"], "metadata": meta}}}


def _pod(obj: Json) -> Json:
    return {**obj, "spec": {key: value for key, value in obj["spec"].items() if key != "nodeName"}}


_CHANGES = {"Service": _service, "PersistentVolumeClaim": _claim, "PersistentVolume": _volume, "Job": _job, "Pod": _pod}
