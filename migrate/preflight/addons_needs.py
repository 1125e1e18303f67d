"""Which objects of a plan need something on the cluster beside Kubernetes itself: {row of eks-addons.yaml: objects}."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrate.manifest.pods import CONTAINERS, PodTemplate, pod_template
from migrate.model.checks import Seen
from migrate.model.objects import Body, Object
from migrate.model.plan import Plan
from migrate.model.ref import Ref
from migrate.semantics.edges import AWS_CLASSES
from migrate.semantics.going import Going

_STORAGE = ("storage.k8s.io", "StorageClass")
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
# The old name of EBS inside of Kubernetes; the server hands such volumes to the driver.
_MOVED = {"kubernetes.io/aws-ebs": "ebs.csi.aws.com"}
_CLASS_OF_INGRESS = "kubernetes.io/ingress.class"
_CONTROLLERS = {"ingress.k8s.aws/alb": "lbc", "eks.amazonaws.com/alb": "lb-auto"}
_BY_CLASS = {AWS_CLASSES["standard"]: "lbc", AWS_CLASSES["auto"]: "lb-auto"}
_LB_NOTES = "service.beta.kubernetes.io/aws-load-balancer-"
_ROLE = "eks.amazonaws.com/role-arn"
_GPU = "nvidia.com/gpu"
_ASSOCIATION = "aws eks create-pod-identity-association"
_BY_METRIC = {"Resource": "metrics", "ContainerResource": "metrics", "External": "external-metrics"} | dict.fromkeys(
    ("Pods", "Object"), "custom-metrics"
)
_KINDS = {
    ("networking.k8s.io", "NetworkPolicy"): "network-policy",
    ("karpenter.sh", "NodePool"): "karpenter",
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"): "metrics",
}
_GROUPS = {"snapshot.storage.k8s.io": "snapshots", "elbv2.k8s.aws": "lbc", "gateway.k8s.aws": "lbc"}
Needs = Mapping[str, tuple[Ref, ...]]


def needs(going: Going, seen: Seen) -> Needs:
    """{add-on: the objects that need it}, sorted; CSI drivers apart."""
    controllers = _ingress_classes(going, seen)
    found: dict[str, set[Ref]] = {}
    for ref, body in going.bodies.items():
        for addon in _of_one(ref, body, controllers):
            found.setdefault(addon, set()).add(ref)
    associated = _associated(going.plan) & set(going.steps)
    if associated:
        found["pod-identity"] = associated
    return {addon: tuple(sorted(refs)) for addon, refs in sorted(found.items())}


def drivers(going: Going, seen: Seen) -> Needs:
    """{CSI driver: the objects that need it}: of classes, claims, volumes and pods."""
    classes = _storage_classes(going, seen)
    found: dict[str, set[Ref]] = {}
    for ref, body in going.bodies.items():
        for driver in _drivers_of(ref, body, classes):
            found.setdefault(_MOVED.get(driver, driver), set()).add(ref)
    return {name: tuple(sorted(refs)) for name, refs in sorted(found.items()) if name}


def _of_one(ref: Ref, body: Body, controllers: Mapping[str, str]) -> Iterator[str]:
    kind = (ref.group, ref.kind)
    if kind in _KINDS:
        yield _KINDS[kind]
    elif ref.group in _GROUPS:
        yield _GROUPS[ref.group]
    elif kind == ("", "Service"):
        yield from _service(body)
    elif ref.kind == "Ingress":
        yield from _ingress(body, controllers)
    elif kind == ("gateway.networking.k8s.io", "GatewayClass"):
        yield from ["lbc"] if str(_spec(body).get("controllerName")).startswith("gateway.k8s.aws/") else []
    elif kind == ("autoscaling", "HorizontalPodAutoscaler"):
        yield from _metrics(_spec(body))
    elif kind == ("", "ServiceAccount"):
        yield from ["irsa"] if _ROLE in _notes(body) else []
    pod = pod_template(Object(ref, body))
    if pod is not None and any(_GPU in _asked(container) for container in _containers(pod)):
        yield "gpu"


def _service(body: Body) -> Iterator[str]:
    spec = _spec(body)
    if spec.get("type") == "LoadBalancer":
        named = spec.get("loadBalancerClass")
        if named in _BY_CLASS:
            yield _BY_CLASS[str(named)]
        elif not named and any(str(key).startswith(_LB_NOTES) for key in _notes(body)):
            yield "lbc"


def _ingress(body: Body, controllers: Mapping[str, str]) -> Iterator[str]:
    name = str(_spec(body).get("ingressClassName") or _notes(body).get(_CLASS_OF_INGRESS) or "")
    addon = _CONTROLLERS.get(controllers.get(name, "ingress.k8s.aws/alb" if name == "alb" else ""))
    if addon:
        yield addon


def _metrics(spec: Mapping[str, Any]) -> Iterator[str]:
    metrics = _maps(spec.get("metrics"))
    if not metrics:  # then it is the processor: 80 % of the request
        yield "metrics"
    for metric in metrics:
        if metric.get("type") in _BY_METRIC:
            yield _BY_METRIC[str(metric["type"])]


def _associated(plan: Plan) -> set[Ref]:
    """ServiceAccounts whose role comes by EKS Pod Identity: the command that associates them is in their finding."""
    return {one.ref for one in plan.findings if one.ref is not None and _ASSOCIATION in one.fix}


def _drivers_of(ref: Ref, body: Body, classes: Mapping[str, str]) -> Iterator[str]:
    kind = (ref.group, ref.kind)
    if kind == _STORAGE:
        yield str(body.get("provisioner") or "")
    elif ref.kind == "VolumeSnapshotClass":
        yield str(body.get("driver") or "")
    elif kind == ("", "PersistentVolume"):
        yield str(_map(_spec(body).get("csi")).get("driver") or "")
    elif kind == ("", "PersistentVolumeClaim"):
        yield from _claimed(_spec(body), classes)
    elif kind == ("apps", "StatefulSet"):
        for template in _maps(_spec(body).get("volumeClaimTemplates")):
            yield from _claimed(_spec(template), classes)
    pod = pod_template(Object(ref, body))
    for _, volume in pod.items("volumes") if pod is not None else ():
        yield str(_map(volume.get("csi")).get("driver") or "")
        template = _map(_map(volume.get("ephemeral")).get("volumeClaimTemplate"))
        if template:
            yield from _claimed(_spec(template), classes)


def _claimed(spec: Mapping[str, Any], classes: Mapping[str, str]) -> Iterator[str]:
    """'' names no class; a claim that says nothing takes the default one, and one that is bound needs none."""
    if spec.get("volumeName"):
        return
    name = spec.get("storageClassName")
    yield classes.get("" if name is None else str(name), "") if name != "" else ""


def _storage_classes(going: Going, seen: Seen) -> Mapping[str, str]:
    """{class: provisioner} of the target and the plan, which wins; '' is the default class."""
    bodies = {**seen.of(*_STORAGE).bodies, **going.bodies}
    found = {
        ref.name: str(body.get("provisioner")) for ref, body in bodies.items() if (ref.group, ref.kind) == _STORAGE
    }
    default = [
        ref.name
        for ref, body in sorted(bodies.items())
        if (ref.group, ref.kind) == _STORAGE and _notes(body).get(_DEFAULT) == "true"
    ]
    return {**found, **({"": found[default[0]]} if default else {})}


def _ingress_classes(going: Going, seen: Seen) -> Mapping[str, str]:
    bodies = {**seen.of("networking.k8s.io", "IngressClass").bodies, **going.bodies}
    return {ref.name: str(_spec(body).get("controller")) for ref, body in bodies.items() if ref.kind == "IngressClass"}


def _containers(pod: PodTemplate) -> Iterable[Body]:
    return [container for name in CONTAINERS for _, container in pod.items(name)]


def _asked(container: Body) -> Mapping[str, Any]:
    resources = _map(container.get("resources"))
    return {**_map(resources.get("requests")), **_map(resources.get("limits"))}


def _notes(body: Body) -> Mapping[str, Any]:
    return _map(_map(body.get("metadata")).get("annotations"))


def _spec(body: Body) -> Mapping[str, Any]:
    return _map(body.get("spec"))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
