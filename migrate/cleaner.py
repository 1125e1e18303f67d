"""The planner's first step: what servers and controllers wrote goes, by tables. Defaulted fields stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from migrate.model.objects import Body, Object
from migrate.model.path import Path

_LIVE = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_DYNAMIC_VOLUME = re.compile(r"pvc-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_TOKEN_SUFFIX = re.compile(r"-token-[a-z0-9]{5}\Z")
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_NO_STATUS_KINDS = frozenset({"List"})


@dataclass(frozen=True, slots=True)
class Names:
    """A set of names: exact ones, and prefixes that the table writes with a star."""

    exact: frozenset[str]
    prefixes: tuple[str, ...]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.exact or name.startswith(self.prefixes))


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The tables of mappings/cleaning.yaml."""

    metadata: Names
    annotations: Names
    finalizers: Names
    job_labels: Names
    pod_labels: Names
    controllers: Names


def load_cleaning(text: str) -> Cleaning:
    """Read mappings/cleaning.yaml. The caller brings the text."""
    raw = yaml.safe_load(text)
    return Cleaning(**{name: _names(raw[name]) for name in Cleaning.__slots__})


def _names(rows: list[str]) -> Names:
    return Names(frozenset(r for r in rows if not r.endswith("*")), tuple(r[:-1] for r in rows if r.endswith("*")))


Found = Iterator[tuple[str | int, ...]]


def clean(obj: Object, tables: Cleaning) -> tuple[Body, tuple[Path, ...]]:
    """Give the body without what servers and controllers wrote, and the paths that went. The input is not touched."""
    body = obj.body
    metadata, spec = obj.metadata, obj.spec
    found: list[tuple[str | int, ...]] = list(_metadata(metadata, tables))
    if "status" in body and obj.ref.kind not in _NO_STATUS_KINDS:
        found.append(("status",))
    by_kind = _KINDS.get((obj.ref.group, obj.ref.kind))
    if by_kind:
        found.extend(by_kind(obj, tables))
    if spec:
        found.extend(_templates(spec))
    paths = sorted({path: None for path in found}, key=_order)
    return (_without(body, paths), tuple(Path(path) for path in paths)) if paths else (body, ())


def _order(path: tuple[str | int, ...]) -> list[tuple[bool, str | int]]:
    return [(isinstance(segment, str), segment) for segment in path]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _live(obj: Object) -> bool:
    """Tell whether a server gave this object out; a file that a person wrote has none of its marks."""
    return "status" in obj.body or any(obj.metadata.get(key) for key in _LIVE)


def _metadata(metadata: Body, tables: Cleaning) -> Found:
    for key in metadata:
        if key in tables.metadata or (key == "generateName" and metadata.get("name")):
            yield "metadata", key
    for key in _map(metadata.get("annotations")):
        if key in tables.annotations:
            yield "metadata", "annotations", key
    for at, name in enumerate(_list(metadata.get("finalizers"))):
        if name in tables.finalizers:
            yield "metadata", "finalizers", at


def _templates(spec: Body) -> Found:
    """Fields that are always generated inside templates: null times, status of claims, the deprecated account."""
    where: tuple[str | int, ...] = ("spec",)
    job = spec.get("jobTemplate")
    if isinstance(job, Mapping):
        yield from _null_time(job, ("spec", "jobTemplate"))
        where, spec = ("spec", "jobTemplate", "spec"), _map(job.get("spec"))
    template = spec.get("template")
    if isinstance(template, Mapping):
        yield from _null_time(template, (*where, "template"))
        yield from _account(_map(template.get("spec")), (*where, "template", "spec"))
    for at, claim in enumerate(_list(spec.get("volumeClaimTemplates"))):
        here = (*where, "volumeClaimTemplates", at)
        yield from _null_time(_map(claim), here)
        if "status" in _map(claim):
            yield (*here, "status")


def _null_time(template: Body, where: tuple[str | int, ...]) -> Found:
    metadata = _map(template.get("metadata"))
    if "creationTimestamp" in metadata and not metadata["creationTimestamp"]:
        yield (*where, "metadata", "creationTimestamp")


def _account(pod: Body, where: tuple[str | int, ...]) -> Found:
    if "serviceAccount" in pod and pod["serviceAccount"] == pod.get("serviceAccountName"):
        yield (*where, "serviceAccount")


def _namespace(obj: Object, tables: Cleaning) -> Found:
    if "kubernetes.io/metadata.name" in obj.labels:
        yield "metadata", "labels", "kubernetes.io/metadata.name"
    for at, name in enumerate(_list(obj.spec.get("finalizers"))):
        if name in tables.finalizers:
            yield "spec", "finalizers", at


def _service(obj: Object, tables: Cleaning) -> Found:
    spec = obj.spec
    served = _live(obj) or "clusterIPs" in spec
    if not served or spec.get("type") == "ExternalName":
        return
    if spec.get("clusterIP") != "None":
        yield from (("spec", key) for key in ("clusterIP", "clusterIPs") if key in spec)
    elif "clusterIPs" in spec:
        yield "spec", "clusterIPs"
    asked = _asked(obj, tables)
    if "healthCheckNodePort" in spec and not asked("healthCheckNodePort", spec["healthCheckNodePort"]):
        yield "spec", "healthCheckNodePort"
    if spec.get("ipFamilyPolicy", "SingleStack") == "SingleStack":
        for key in ("ipFamilies", "ipFamilyPolicy"):
            if key in spec and not asked(key, spec[key]):
                yield "spec", key
    for at, port in enumerate(_list(spec.get("ports"))):
        if "nodePort" in _map(port) and not asked("nodePort", port["nodePort"], port):
            yield "spec", "ports", at, "nodePort"


def _asked(obj: Object, tables: Cleaning) -> Callable[..., bool]:
    """Build the test 'did a person set this field of the spec?', from last-applied and from managedFields."""
    applied = _last_applied(obj)
    owned = [
        _map(_map(entry.get("fieldsV1")).get("f:spec"))
        for entry in map(_map, _list(obj.metadata.get("managedFields")))
        if not entry.get("subresource") and entry.get("manager") not in tables.controllers
    ]

    def asked(key: str, value: Any, port: Mapping[str, Any] | None = None) -> bool:
        if port is None:
            return applied.get(key) == value or any(f"f:{key}" in fields for fields in owned)
        if any(_map(item).get(key) == value for item in _list(applied.get("ports"))):
            return True
        return any(_owns_port(fields, port, key) for fields in owned)

    return asked


def _owns_port(fields: Mapping[str, Any], port: Mapping[str, Any], key: str) -> bool:
    for name, inner in _map(fields.get("f:ports")).items():
        if isinstance(name, str) and name.startswith("k:") and f"f:{key}" in _map(inner):
            try:
                keys = _map(json.loads(name[2:]))
            except ValueError:
                continue
            if keys and all(port.get(k, "TCP" if k == "protocol" else None) == v for k, v in keys.items()):
                return True
    return False


def _last_applied(obj: Object) -> Mapping[str, Any]:
    text = obj.annotations.get("kubectl.kubernetes.io/last-applied-configuration")
    if not isinstance(text, str):
        return {}
    try:
        return _map(_map(json.loads(text)).get("spec"))
    except (ValueError, RecursionError):
        return {}


def _job(obj: Object, tables: Cleaning) -> Found:
    if obj.spec.get("manualSelector") is True:
        return
    if any("controller-uid" in str(key) for key in _map(_map(obj.spec.get("selector")).get("matchLabels"))):
        yield "spec", "selector"
    labels = _map(_map(_map(obj.spec.get("template")).get("metadata")).get("labels"))
    # job-name alone may be a person's own label; the uid beside it shows that the controller wrote both.
    for where, found in (("metadata",), obj.labels), (("spec", "template", "metadata"), labels):
        if any("controller-uid" in str(key) for key in found):
            yield from ((*where, "labels", key) for key in found if key in tables.job_labels)


def _pod(obj: Object, tables: Cleaning) -> Found:
    spec = obj.spec
    yield from _account(spec, ("spec",))
    if not _live(obj):
        return
    if "nodeName" in spec:
        yield "spec", "nodeName"
    yield from (("metadata", "labels", key) for key in obj.labels if key in tables.pod_labels)
    for at, volume in enumerate(_list(spec.get("volumes"))):
        if str(_map(volume).get("name")).startswith("kube-api-access-"):
            yield "spec", "volumes", at
    for group in _CONTAINERS:
        for at, container in enumerate(_list(spec.get(group))):
            for index, mount in enumerate(_list(_map(container).get("volumeMounts"))):
                if str(_map(mount).get("name")).startswith("kube-api-access-"):
                    yield "spec", group, at, "volumeMounts", index
    for at, toleration in enumerate(_list(spec.get("tolerations"))):
        if _map(toleration).get("key") in _TAINTS and _map(toleration).get("tolerationSeconds") == 300:
            yield "spec", "tolerations", at


def _claim(obj: Object, tables: Cleaning) -> Found:
    name, notes = obj.spec.get("volumeName"), obj.annotations
    if name is None:
        return
    provisioned = any(key.endswith("/storage-provisioner") for key in notes if isinstance(key, str))
    if provisioned or "pv.kubernetes.io/bound-by-controller" in notes or _DYNAMIC_VOLUME.match(str(name)):
        yield "spec", "volumeName"


def _volume(obj: Object, tables: Cleaning) -> Found:
    claim = _map(obj.spec.get("claimRef"))
    yield from (("spec", "claimRef", key) for key in ("uid", "resourceVersion") if key in claim)


def _service_account(obj: Object, tables: Cleaning) -> Found:
    for at, secret in enumerate(_list(obj.body.get("secrets"))):
        name, prefix = str(_map(secret).get("name")), obj.ref.name
        if name.startswith(f"{prefix}-") and _TOKEN_SUFFIX.fullmatch(name[len(prefix) :]):
            yield "secrets", at


def _secret(obj: Object, tables: Cleaning) -> Found:
    if obj.body.get("type") == "kubernetes.io/service-account-token":
        for key in ("token", "ca.crt", "namespace"):
            if key in _map(obj.body.get("data")):
                yield "data", key


def _cluster_role(obj: Object, tables: Cleaning) -> Found:
    if obj.body.get("aggregationRule") and obj.body.get("rules"):
        yield ("rules",)


def _definition(obj: Object, tables: Cleaning) -> Found:
    config = _map(_map(_map(obj.spec.get("conversion")).get("webhook")).get("clientConfig"))
    if "caBundle" in config and _injected(obj):
        yield "spec", "conversion", "webhook", "clientConfig", "caBundle"
    yield from _null_time(obj.body, ())


def _webhooks(obj: Object, tables: Cleaning) -> Found:
    if _injected(obj):
        for at, hook in enumerate(_list(obj.body.get("webhooks"))):
            if "caBundle" in _map(_map(hook).get("clientConfig")):
                yield "webhooks", at, "clientConfig", "caBundle"


def _api_service(obj: Object, tables: Cleaning) -> Found:
    if "caBundle" in obj.spec and _injected(obj):
        yield "spec", "caBundle"


def _injected(obj: Object) -> bool:
    return any(str(key).startswith("cert-manager.io/inject-") for key in obj.annotations)


_KINDS: dict[tuple[str, str], Callable[[Object, Cleaning], Found]] = {
    ("", "Namespace"): _namespace,
    ("", "Service"): _service,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "PersistentVolume"): _volume,
    ("", "ServiceAccount"): _service_account,
    ("", "Secret"): _secret,
    ("rbac.authorization.k8s.io", "ClusterRole"): _cluster_role,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks,
    ("apiregistration.k8s.io", "APIService"): _api_service,
}

# A parent that cleaning emptied goes with its last child, these only; every other empty may mean something.
_PRUNED = frozenset(
    {"annotations", "labels", "finalizers", "volumes", "volumeMounts", "tolerations", "secrets", "data"}
)


def _without(body: Body, paths: list[tuple[str | int, ...]]) -> Body:
    tree: dict[Any, Any] = {}
    for path in paths:
        node = tree
        for segment in path[:-1]:
            node = node.setdefault(segment, {})
        node[path[-1]] = None
    cut: Body = _cut(body, tree)
    return cut


def _cut(value: Any, tree: dict[Any, Any]) -> Any:
    if isinstance(value, list):
        kept = [_cut(v, tree[i]) if i in tree else v for i, v in enumerate(value) if tree.get(i, tree) is not None]
        return kept
    out = dict(value)
    for key, below in tree.items():
        if below is None:
            del out[key]
            continue
        rest = _cut(out[key], below)
        if not rest and (key in _PRUNED or (key == "spec" and "finalizers" in below)):
            del out[key]
        else:
            out[key] = rest
    return out
