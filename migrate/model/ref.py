"""The identity of an object, and how it prints."""

from __future__ import annotations

from dataclasses import dataclass

# Groups whose kinds are so well known that naming the group would only be noise.
_PLAIN_GROUPS = frozenset(
    {
        "",
        "apps",
        "batch",
        "autoscaling",
        "policy",
        "storage.k8s.io",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "admissionregistration.k8s.io",
        "discovery.k8s.io",
        "scheduling.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "coordination.k8s.io",
        "node.k8s.io",
        "certificates.k8s.io",
        "resource.k8s.io",
        "events.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "metrics.k8s.io",
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one object: group, kind, namespace ('' for cluster scope) and name. The version is no part of it."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = self.kind if self.group in _PLAIN_GROUPS else f"{self.kind}.{self.group}"
        return f"{kind}/{self.namespace}/{self.name}" if self.namespace else f"{kind}/{self.name}"

    @property
    def short(self) -> str:
        """`Kind/name`, for places that already say the namespace."""
        kind = self.kind if self.group in _PLAIN_GROUPS else f"{self.kind}.{self.group}"
        return f"{kind}/{self.name}"

    def as_dict(self) -> dict[str, str]:
        """Give the JSON shape without the version: {group, kind, namespace, name}."""
        return {"group": self.group, "kind": self.kind, "namespace": self.namespace, "name": self.name}


def group_of(api_version: str) -> str:
    """Give the API group of an apiVersion: 'apps' of 'apps/v1', '' of 'v1'."""
    return api_version.rpartition("/")[0]
