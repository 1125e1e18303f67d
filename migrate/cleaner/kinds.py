"""What goes from objects of one kind."""

from __future__ import annotations

import re
from collections.abc import Callable

from migrate.cleaner.found import Found, account, items, live, mapping, null_time
from migrate.cleaner.services import service
from migrate.cleaner.tables import Cleaning
from migrate.model.objects import Object

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_DYNAMIC_VOLUME = re.compile(r"pvc-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_TOKEN_SUFFIX = re.compile(r"-token-[a-z0-9]{5}\Z")
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def _namespace(obj: Object, tables: Cleaning) -> Found:
    if "kubernetes.io/metadata.name" in obj.labels:
        yield "metadata", "labels", "kubernetes.io/metadata.name"
    for at, name in enumerate(items(obj.spec.get("finalizers"))):
        if name in tables.finalizers:
            yield "spec", "finalizers", at


def _job(obj: Object, tables: Cleaning) -> Found:
    if obj.spec.get("manualSelector") is True:
        return
    if any("controller-uid" in str(key) for key in mapping(mapping(obj.spec.get("selector")).get("matchLabels"))):
        yield "spec", "selector"
    labels = mapping(mapping(mapping(obj.spec.get("template")).get("metadata")).get("labels"))
    # job-name alone may be a person's own label; the uid beside it shows that the controller wrote both.
    for where, found in (("metadata",), obj.labels), (("spec", "template", "metadata"), labels):
        if any("controller-uid" in str(key) for key in found):
            yield from ((*where, "labels", key) for key in found if key in tables.job_labels)


def _pod(obj: Object, tables: Cleaning) -> Found:
    spec = obj.spec
    yield from account(spec, ("spec",))
    if not live(obj):
        return
    if "nodeName" in spec:
        yield "spec", "nodeName"
    yield from (("metadata", "labels", key) for key in obj.labels if key in tables.pod_labels)
    for at, volume in enumerate(items(spec.get("volumes"))):
        if str(mapping(volume).get("name")).startswith("kube-api-access-"):
            yield "spec", "volumes", at
    for group in _CONTAINERS:
        for at, container in enumerate(items(spec.get(group))):
            for index, mount in enumerate(items(mapping(container).get("volumeMounts"))):
                if str(mapping(mount).get("name")).startswith("kube-api-access-"):
                    yield "spec", group, at, "volumeMounts", index
    for at, toleration in enumerate(items(spec.get("tolerations"))):
        if mapping(toleration).get("key") in _TAINTS and mapping(toleration).get("tolerationSeconds") == 300:
            yield "spec", "tolerations", at


def _claim(obj: Object, tables: Cleaning) -> Found:
    name, notes = obj.spec.get("volumeName"), obj.annotations
    if name is None:
        return
    provisioned = any(key.endswith("/storage-provisioner") for key in notes if isinstance(key, str))
    if provisioned or "pv.kubernetes.io/bound-by-controller" in notes or _DYNAMIC_VOLUME.match(str(name)):
        yield "spec", "volumeName"


def _volume(obj: Object, tables: Cleaning) -> Found:
    claim = mapping(obj.spec.get("claimRef"))
    yield from (("spec", "claimRef", key) for key in ("uid", "resourceVersion") if key in claim)


def _service_account(obj: Object, tables: Cleaning) -> Found:
    for at, secret in enumerate(items(obj.body.get("secrets"))):
        name, prefix = str(mapping(secret).get("name")), obj.ref.name
        if name.startswith(f"{prefix}-") and _TOKEN_SUFFIX.fullmatch(name[len(prefix) :]):
            yield "secrets", at


def _secret(obj: Object, tables: Cleaning) -> Found:
    if obj.body.get("type") == "kubernetes.io/service-account-token":
        for key in ("token", "ca.crt", "namespace"):
            if key in mapping(obj.body.get("data")):
                yield "data", key


def _cluster_role(obj: Object, tables: Cleaning) -> Found:
    if obj.body.get("aggregationRule") and obj.body.get("rules"):
        yield ("rules",)


def _definition(obj: Object, tables: Cleaning) -> Found:
    config = mapping(mapping(mapping(obj.spec.get("conversion")).get("webhook")).get("clientConfig"))
    if "caBundle" in config and _injected(obj):
        yield "spec", "conversion", "webhook", "clientConfig", "caBundle"
    yield from null_time(obj.body, ())


def _webhooks(obj: Object, tables: Cleaning) -> Found:
    if _injected(obj):
        for at, hook in enumerate(items(obj.body.get("webhooks"))):
            if "caBundle" in mapping(mapping(hook).get("clientConfig")):
                yield "webhooks", at, "clientConfig", "caBundle"


def _api_service(obj: Object, tables: Cleaning) -> Found:
    if "caBundle" in obj.spec and _injected(obj):
        yield "spec", "caBundle"


def _injected(obj: Object) -> bool:
    return any(str(key).startswith("cert-manager.io/inject-") for key in obj.annotations)


BY_KIND: dict[tuple[str, str], Callable[[Object, Cleaning], Found]] = {
    ("", "Namespace"): _namespace,
    ("", "Service"): service,
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
