"""A plan and a target, hand-made, for the checks of quotas, limits and room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from migrate.manifest.kinds import CLUSTER_SCOPED
from migrate.manifest.waves import waves
from migrate.model.checks import Check, Shown, Status
from migrate.model.effects import Cause
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.model.ref import Ref, group_of
from migrate.semantics.going import Going, going

_KINDS = {
    ("", "Pod"): "pods",
    ("", "Service"): "services",
    ("", "Secret"): "secrets",
    ("", "ConfigMap"): "configmaps",
    ("", "PersistentVolumeClaim"): "persistentvolumeclaims",
    ("apps", "Deployment"): "deployments",
    ("apps", "ReplicaSet"): "replicasets",
    ("batch", "Job"): "jobs",
}


def ref_of(body: Body) -> Ref:
    group, kind = group_of(str(body["apiVersion"])), str(body["kind"])
    meta = body["metadata"]
    space = "" if (group, kind) in CLUSTER_SCOPED or group == "karpenter.sh" else str(meta.get("namespace", "shop"))
    return Ref(group, kind, space, str(meta["name"]))


def obj(what: str, name: str, text: str | Mapping[str, Any] = "{}", **metadata: Any) -> dict[str, Any]:
    """`what` is 'apps/v1 Deployment'; the text is the rest of the body."""
    version, kind = what.split()
    rest = yaml.safe_load(text) if isinstance(text, str) else dict(text)
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}, **rest}
    space = ref_of(body).namespace
    return {**body, "metadata": {**body["metadata"], **({"namespace": space} if space else {})}}


def going_of(*bodies: Body, held: tuple[str, ...] = ()) -> Going:
    steps = tuple(
        Step(ref_of(body), "v1", Fate.MIGRATE, Cause.RULE, Standing.READY, "", None, body, (), ()) for body in bodies
    )
    order = waves([step.ref for step in steps])
    plan = Plan("standard", "", "", "", {}, steps, (), (), (), (), (), order, "")
    return going(plan, more_held={step.ref: "said so" for step in steps if step.ref.name in held})


@dataclass
class FakeSeen:
    """A target that is known by heart. `silent`: kinds that may not be listed."""

    bodies: dict[Ref, Body] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    name: str = "target"
    minor: str = "1.36"

    def kinds(self) -> tuple[Kind, ...]:
        return tuple(Kind(group, "v1", plural, kind, True, ("list",)) for (group, kind), plural in _KINDS.items())

    def of(self, group: str, kind: str) -> Shown:
        if kind in self.silent:
            return Shown({}, f"the caller may not list {kind}")
        return Shown({ref: body for ref, body in self.bodies.items() if (ref.group, ref.kind) == (group, kind)})


def seen_of(*bodies: Body, silent: tuple[str, ...] = ()) -> FakeSeen:
    return FakeSeen({ref_of(body): body for body in bodies}, silent)


def workload(kind: str = "Deployment", name: str = "api", pod: str = "{}", **spec: Any) -> dict[str, Any]:
    """`pod` is the rest of the pod's spec, beside one container `main` if it names none."""
    inside = {"containers": [{"name": "main", "image": "x:1"}], **yaml.safe_load(pod)}
    template = {"metadata": {"labels": {"app": name}}, "spec": inside}
    if kind == "Pod":
        return obj("v1 Pod", name, {"spec": {**inside, **spec}})
    if kind == "CronJob":
        job = {"spec": {**spec.pop("job", {}), "template": template}}
        return obj("batch/v1 CronJob", name, {"spec": {"schedule": "* * * * *", "jobTemplate": job, **spec}})
    version = "batch/v1" if kind == "Job" else "apps/v1"
    selector = {} if kind == "Job" else {"selector": {"matchLabels": {"app": name}}}
    return obj(f"{version} {kind}", name, {"spec": {**selector, "template": template, **spec}})


def asks(requests: str = "{}", limits: str = "{}") -> str:
    """One container with these resources, as text of a pod's spec."""
    return f"{{containers: [{{name: main, image: 'x:1', resources: {{requests: {requests}, limits: {limits}}}}}]}}"


def node(name: str = "n1", allocatable: str = "{cpu: '4', memory: 16Gi, pods: '58'}", **more: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", **more.pop("labels", {})}
    body = {"spec": more, "status": {"allocatable": yaml.safe_load(allocatable)}}
    return obj("v1 Node", name, body, labels=labels)


def said(checks: list[Check], status: Status = Status.FINDING) -> list[tuple[str, str, str]]:
    """(id, severity, message) of those with this status."""
    return [(one.id, one.severity.value, one.message) for one in checks if one.status is status]
