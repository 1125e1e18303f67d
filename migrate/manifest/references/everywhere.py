"""Objects that nobody needs to read: every cluster has them, GKE brings them, or something makes them at run time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import translate
from typing import Any

from migrate.model.objects import Object
from migrate.model.ref import Ref

# kind → (namespaces, names), as globs; a kind without a group is one of the core, apps, rbac … groups.
_EVERYWHERE: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("", "ConfigMap"): (
        ("*", "kube-root-ca.crt"),
        ("*", "istio-ca-root-cert"),
        ("kube-system", "extension-apiserver-authentication"),
        ("kube-public", "cluster-info"),
    ),
    # The control plane's controllers have their accounts in kube-system.
    ("", "ServiceAccount"): (("*", "default"), ("kube-system", "*")),
    ("", "Namespace"): (("", "default"), ("", "kube-*")),
    ("", "Service"): (("default", "kubernetes"), ("kube-system", "kube-dns")),
    ("rbac.authorization.k8s.io", "ClusterRole"): (
        *(("", name) for name in ("admin", "edit", "view", "cluster-admin", "system:*")),
        *(("", name) for name in ("gce:*", "kubelet-api-admin*")),
    ),
    ("rbac.authorization.k8s.io", "Role"): (
        ("kube-system", "extension-apiserver-authentication-reader"),
        ("kube-*", "system:*"),
    ),
    ("scheduling.k8s.io", "PriorityClass"): (("", "system-*"), ("", "gmp-critical")),
    # GKE's own from here on: what takes their place is for other rules to say.
    ("node.k8s.io", "RuntimeClass"): (("", "gvisor"),),
    ("networking.k8s.io", "IngressClass"): (("", "gce"), ("", "gce-*")),
    ("gateway.networking.k8s.io", "GatewayClass"): (("", "gke-*"), ("", "asm-l7-*")),
    ("storage.k8s.io", "StorageClass"): (
        *(("", name) for name in ("standard", "standard-rwo", "premium-rwo", "dynamic-rwo")),
        *(("", name) for name in ("standard-rwx", "premium-rwx", "enterprise-rwx", "enterprise-multishare-rwx")),
        ("", "zonal-rwx"),
    ),
}
_GKE_SPACES = re.compile("|".join(translate(glob) for glob in ("gke-*", "gmp-*", "asm-system")))
# Groups whose definitions GKE installs.
_GKE_GROUPS = re.compile(
    r"(.*\.)?(gke\.io|googleapis\.com)\Z|cloud\.google\.com\Z"
    r"|(groupsnapshot|snapshot)\.storage\.k8s\.io\Z|gateway\.networking\.k8s\.io\Z|autoscaling\.k8s\.io\Z"
)
_COMPILED = {
    kind: re.compile("|".join(translate(f"{space}/{name}") for space, name in pairs))
    for kind, pairs in _EVERYWHERE.items()
}


def is_everywhere(ref: Ref) -> bool:
    """Tell whether the object exists in every cluster, or is GKE's own."""
    pattern = _COMPILED.get((ref.group, ref.kind))
    if pattern is not None and pattern.match(f"{ref.namespace}/{ref.name}"):
        return True
    return bool(_GKE_SPACES.match(ref.namespace))


def gke_defines(group: str) -> bool:
    """Tell whether GKE installs the definitions of this group."""
    return _GKE_GROUPS.match(group) is not None


def made_at_run_time(objects: Iterable[Object]) -> frozenset[Ref]:
    """Secrets that an operator makes from what was read: external-secrets, sealed-secrets, cert-manager, CSI, Vault."""
    return frozenset(
        Ref("", "Secret", obj.ref.namespace, name)
        for obj in objects
        for name in _secrets(obj)
        if isinstance(name, str) and name
    )


def _secrets(obj: Object) -> Iterator[Any]:
    kind = (obj.ref.group, obj.ref.kind)
    if kind == ("external-secrets.io", "ExternalSecret"):
        yield _at(obj.spec, "target", "name") or obj.ref.name
    elif kind == ("bitnami.com", "SealedSecret"):
        yield _at(obj.spec, "template", "metadata", "name") or obj.ref.name
    elif kind == ("cert-manager.io", "Certificate"):
        yield obj.spec.get("secretName")
    elif kind == ("secrets.hashicorp.com", "VaultStaticSecret"):
        yield _at(obj.spec, "destination", "name")
    elif kind == ("secrets-store.csi.x-k8s.io", "SecretProviderClass"):
        yield from (_at(one, "secretName") for one in _list(obj.spec.get("secretObjects")))
    elif obj.ref.kind in ("Ingress", "Gateway") and any(
        key in obj.annotations for key in ("cert-manager.io/issuer", "cert-manager.io/cluster-issuer")
    ):
        yield from (_at(one, "secretName") for one in _list(obj.spec.get("tls")))
        for listener in _list(obj.spec.get("listeners")):
            yield from (_at(one, "name") for one in _list(_at(listener, "tls", "certificateRefs")))


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
