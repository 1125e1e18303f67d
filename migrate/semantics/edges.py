"""What a Service of type LoadBalancer means on GKE, and which workloads stand behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from migrate.manifest import pods
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Known

NOTES = P("metadata", "annotations")
AWS = "service.beta.kubernetes.io/aws-load-balancer-"
# The first one wins when both are there.
TYPE_KEYS = ("networking.gke.io/load-balancer-type", "cloud.google.com/load-balancer-type")
STANDALONE_CLASS = "networking.gke.io/standalone-passthrough-lb-neg"
AWS_CLASSES = {"standard": "service.k8s.aws/nlb", "auto": "eks.amazonaws.com/nlb"}
_GOOGLE_CLASSES = {
    "networking.gke.io/l4-regional-internal": True,
    "networking.gke.io/l4-regional-internal-legacy": True,
    "networking.gke.io/l4-regional-external": False,
    "networking.gke.io/l4-regional-external-legacy": False,
}
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


class Form(Enum):
    """Whose load balancer it is: Google's, one the user owns beside the cluster, AWS's already, somebody else's."""

    GOOGLE = "google"
    STANDALONE = "standalone"
    AWS = "aws"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Edge:
    """A load balancer: its form, whether GKE makes it internal, and the value that nobody knows, with its place."""

    form: Form
    internal: bool
    odd: tuple[Path, str] | None = None


def edge(obj: Object) -> Edge | None:
    """The load balancer of a Service as GKE reads it; None for any other object."""
    if obj.ref.kind != "Service" or obj.ref.group != "" or obj.spec.get("type") != "LoadBalancer":
        return None
    asked = obj.spec.get("loadBalancerClass")
    if asked in (None, ""):
        aws = obj.annotations.get(f"{AWS}type") in ("external", "nlb-ip")
        return Edge(Form.AWS, internal=False) if aws else _annotated(obj)
    if not isinstance(asked, str):
        return Edge(Form.FOREIGN, internal=False)
    if asked in AWS_CLASSES.values():
        return Edge(Form.AWS, internal=False)
    if asked == STANDALONE_CLASS:
        return Edge(Form.STANDALONE, internal=False)
    if asked in _GOOGLE_CLASSES:
        return Edge(Form.GOOGLE, internal=_GOOGLE_CLASSES[asked])
    if asked.startswith("networking.gke.io/"):
        return Edge(Form.GOOGLE, "internal" in asked, (P("spec", "loadBalancerClass"), asked))
    return Edge(Form.FOREIGN, internal=False)


def _annotated(obj: Object) -> Edge:
    for key in TYPE_KEYS:
        if key in obj.annotations:
            value = obj.annotations[key]
            known = value in ("Internal", "internal", "External", "external")
            return Edge(Form.GOOGLE, value in ("Internal", "internal"), None if known else (NOTES / key, str(value)))
    return Edge(Form.GOOGLE, internal=False)


def google(obj: Object) -> Edge | None:
    """The load balancer, when Google builds it: the ones that rules translate."""
    found = edge(obj)
    return found if found is not None and found.form is Form.GOOGLE else None


def ports(obj: Object) -> list[tuple[int, str, Body]]:
    """(port number, protocol, port) of each well-formed port of a Service; TCP when no protocol is said."""
    found = obj.spec.get("ports")
    return [
        (port["port"], str(port.get("protocol") or "TCP"), port)
        for port in (found if isinstance(found, list) else ())
        if isinstance(port, Mapping) and type(port.get("port")) is int
    ]


def merged(obj: Object) -> set[int]:
    """The port numbers that TCP and UDP share."""
    spoken: dict[int, set[str]] = {}
    for number, protocol, _ in ports(obj):
        spoken.setdefault(number, set()).add(protocol)
    return {number for number, protocols in spoken.items() if {"TCP", "UDP"} <= protocols}


def tls(obj: Object, number: int, port: Body) -> bool:
    """Tell whether an AWS certificate on the Service makes this port a TLS listener."""
    if f"{AWS}ssl-cert" not in obj.annotations:
        return False
    only = [part.strip() for part in str(obj.annotations.get(f"{AWS}ssl-ports") or "").split(",") if part.strip()]
    return not only or str(number) in only or port.get("name") in only


def had_ipv6(obj: Object) -> bool:
    """Tell whether the Service really had an IPv6 address on GKE: preferring two families alone gives none."""
    families = obj.spec.get("ipFamilies")
    return (isinstance(families, list) and "IPv6" in families) or obj.spec.get("ipFamilyPolicy") == "RequireDualStack"


def dual_stack(obj: Object) -> bool:
    """Tell whether the load balancer on EKS speaks both families."""
    return had_ipv6(obj) or obj.annotations.get(f"{AWS}ip-address-type") == "dualstack"


@dataclass(frozen=True, slots=True)
class Behind:
    """Who stands behind the load balancers that go along: workloads of each Service, and Services of each workload."""

    workloads: Mapping[Ref, tuple[Object, ...]]
    services: Mapping[Ref, tuple[Ref, ...]]


def behind(known: Known) -> Behind:
    """Match every load balancer's selector with the pod labels of its namespace; done once for a plan."""
    return known.once("edges.behind", lambda: _behind(known))


def _behind(known: Known) -> Behind:
    labelled: dict[tuple[str, str, Any], list[Object]] = {}
    for kind in _WORKLOADS:
        for workload in known.all("apps", kind):
            template = pods.pod_template(workload)
            for key, value in (template.labels if template else {}).items():
                if isinstance(value, str):
                    labelled.setdefault((workload.ref.namespace, key, value), []).append(workload)
    workloads: dict[Ref, tuple[Object, ...]] = {}
    services: dict[Ref, tuple[Ref, ...]] = {}
    for service in known.all("", "Service"):
        found = edge(service)
        selector = service.spec.get("selector")
        if found is None or found.form not in (Form.GOOGLE, Form.AWS) or not known.migrates(service.ref):
            continue
        wanted = [(k, v) for k, v in (selector.items() if isinstance(selector, Mapping) else ()) if isinstance(v, str)]
        # A pseudo selector of GKE's multiple networks; no pod carries it.
        wanted = [(k, v) for k, v in wanted if k != "networking.gke.io/network"]
        if not wanted:
            continue
        candidates = labelled.get((service.ref.namespace, *wanted[0]), [])
        matching = tuple(w for w in candidates if _wears(w, wanted))
        workloads[service.ref] = matching
        for workload in matching:
            services[workload.ref] = (*services.get(workload.ref, ()), service.ref)
    return Behind(workloads, services)


def _wears(workload: Object, wanted: list[tuple[str, str]]) -> bool:
    template = pods.pod_template(workload)
    return template is not None and all(template.labels.get(key) == value for key, value in wanted)


def holders(known: Known) -> frozenset[str]:
    """The namespaces that hold a load balancer which goes along."""
    return known.once("edges.holders", lambda: frozenset(_holders(known)))


def _holders(known: Known) -> list[str]:
    return [s.ref.namespace for s in known.all("", "Service") if google(s) and known.migrates(s.ref)]


def target(service: Object, port: Body, protocol: str, known: Known) -> int | str:
    """The container port that a Service port leads to: a number, or its name when no workload tells the number."""
    wanted = port.get("targetPort") or port["port"]
    if not isinstance(wanted, str):
        return wanted if isinstance(wanted, int) else str(wanted)
    for _, container in _containers(service, known):
        for item in _list(container.get("ports")):
            same = isinstance(item, Mapping) and item.get("name") == wanted
            if same and str(item.get("protocol") or "TCP") == protocol and type(item.get("containerPort")) is int:
                return int(item["containerPort"])
    return wanted


def health_port(service: Object, known: Known) -> int | None:
    """A TCP port that probably tells whether the pods behind a Service are healthy: a probe's, else the first one."""
    containers = [container for _, container in _containers(service, known)]
    for probe in ("readinessProbe", "livenessProbe"):
        for container in containers:
            asked = container.get(probe)
            for how in ("tcpSocket", "httpGet", "grpc"):
                check = asked.get(how) if isinstance(asked, Mapping) else None
                if isinstance(check, Mapping) and type(check.get("port")) is int:
                    return int(check["port"])
    for container in containers:
        for item in _list(container.get("ports")):
            if isinstance(item, Mapping) and item.get("protocol", "TCP") == "TCP":
                number = item.get("containerPort")
                if type(number) is int:
                    return int(number)
    return None


def _containers(service: Object, known: Known) -> list[tuple[int, Body]]:
    found: list[tuple[int, Body]] = []
    for workload in behind(known).workloads.get(service.ref, ()):
        template = pods.pod_template(workload)
        found += template.items("containers") if template else []
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
