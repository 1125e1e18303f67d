"""Pods inside objects: where a workload keeps its pod template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import get
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path

_TEMPLATE = P("spec", "template")
_WHERE: Mapping[tuple[str, str], Path] = {
    ("", "Pod"): P(),
    ("", "ReplicationController"): _TEMPLATE,
    ("", "PodTemplate"): P("template"),
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): P("spec", "jobTemplate", "spec", "template"),
}
KINDS = frozenset(_WHERE)
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """A pod inside an object: the place of its template, and its metadata and spec as mappings (empty when odd)."""

    path: Path
    metadata: Body
    spec: Body

    @property
    def annotations(self) -> Body:
        """The pod's annotations; empty when there are none."""
        return _mapping(self.metadata.get("annotations"))

    @property
    def labels(self) -> Body:
        """The pod's labels; empty when there are none."""
        return _mapping(self.metadata.get("labels"))

    def items(self, name: str) -> list[tuple[int, Body]]:
        """The items of a list of the pod's spec ('volumes', 'containers') that are mappings, with their index."""
        found = self.spec.get(name)
        return [
            (i, item) for i, item in enumerate(found if isinstance(found, list) else ()) if isinstance(item, Mapping)
        ]


def pod_template(obj: Object) -> PodTemplate | None:
    """The pod template of a built-in workload; None for any other kind."""
    where = _WHERE.get((obj.ref.group, obj.ref.kind))
    if where is None:
        return None
    template = _mapping(get(obj.body, where))
    return PodTemplate(where, _mapping(template.get("metadata")), _mapping(template.get("spec")))


def _mapping(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}
