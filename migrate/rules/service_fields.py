"""Fields of any Service that mean something else on EKS: families, node ports, addresses, local traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from migrate.model.effects import Effect, Flag, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import edges
from migrate.semantics.edges import AWS, NOTES

_POLICY, _FAMILIES = P("spec", "ipFamilyPolicy"), P("spec", "ipFamilies")
_NETWORK = "networking.gke.io/network"
_KUBERNETES = "https://kubernetes.io/docs/concepts/services-networking/service/"


def _families(obj: Object, _known: Known) -> Iterator[Effect]:
    families, policy = obj.spec.get("ipFamilies"), obj.spec.get("ipFamilyPolicy")
    listed = families if isinstance(families, list) else []
    if listed == ["IPv6"] and policy not in ("PreferDualStack", "RequireDualStack"):
        yield Flag(
            _FAMILIES,
            "This Service has IPv6 only, and an EKS cluster has one family for all Services.",
            "Make the EKS cluster an IPv6 cluster, or set IPv4 here with an override.",
            Severity.BLOCKER,
        )
        return
    if "IPv6" not in listed and policy not in ("PreferDualStack", "RequireDualStack"):
        return
    why = "an EKS cluster has one family; it refuses RequireDualStack, and an IPv6 entry stops the load balancer"
    yield Set(_POLICY, "SingleStack", why)
    if "IPv6" in listed:
        yield Set(_FAMILIES, ["IPv4"], why)
    front = edges.google(obj) is not None and edges.had_ipv6(obj)
    if front and f"{AWS}ip-address-type" not in obj.annotations:
        yield Set(NOTES / f"{AWS}ip-address-type", "dualstack", "clients reached this load balancer over IPv6 too")
    nat = f"{AWS}enable-prefix-for-ipv6-source-nat"
    if front and nat not in obj.annotations and any(protocol == "UDP" for _, protocol, _ in edges.ports(obj)):
        yield Set(NOTES / nat, "on", "a load balancer of two families carries UDP only with it")
    if edges.had_ipv6(obj):
        yield Flag(
            _POLICY,
            "The Service had two families and has IPv4 only inside EKS"
            + ("; its load balancer still speaks both." if front else "."),
            "Give the subnets of the load balancer IPv6 ranges, and check that nothing in the cluster needs IPv6."
            if front
            else "Check that no client in the cluster needs IPv6.",
            Severity.REVIEW,
        )


def _fields(obj: Object, known: Known) -> Iterator[Effect]:
    spec = obj.spec
    if spec.get("type") == "NodePort":
        behind_ingress = (obj.ref.namespace, obj.ref.name) in known.once("fields.ingress", lambda: _routed(known))
        yield Flag(
            P("spec", "type"),
            "An Ingress needed this NodePort on GKE; an ALB with ip targets does not."
            if behind_ingress
            else "Clients of this NodePort meet other node addresses, and the nodes' security groups are closed.",
            "Set spec.type to ClusterIP with an override, if nothing else calls the node port."
            if behind_ingress
            else "Open the node port in the nodes' security group, or put a load balancer before it.",
            Severity.INFO if behind_ingress else Severity.REVIEW,
        )
    if spec.get("externalIPs"):
        yield Remove(P("spec", "externalIPs"), "these addresses lead to nodes of the source cluster")
        yield Flag(
            P("spec", "externalIPs"),
            f"The addresses {_said(spec['externalIPs'])} belong to the source's network.",
            "Give the Service a load balancer, if clients outside the cluster need it.",
            Severity.REVIEW,
        )
    selector = spec.get("selector")
    if isinstance(selector, Mapping) and _NETWORK in selector:
        place = P("spec", "selector", _NETWORK)
        yield Remove(place, "it chose a network of GKE and is no label of a pod; left here it would select no pod")
        yield Flag(
            place,
            f"The load balancer of the network {selector[_NETWORK]} has no counterpart: an NLB reaches only the first "
            "interface of a pod.",
            "Decide how clients of that network reach these pods.",
            Severity.BLOCKER,
        )
    if spec.get("internalTrafficPolicy") == "Local":
        yield Flag(
            P("spec", "internalTrafficPolicy"),
            "internalTrafficPolicy Local may begin to hold: GKE's Dataplane V2 does not support it.",
            "Make sure that each node with clients has such a pod, or set Cluster.",
            Severity.REVIEW,
        )
    if spec.get("trafficDistribution") and edges.google(obj) is not None:
        yield Flag(
            P("spec", "trafficDistribution"),
            f"trafficDistribution {spec['trafficDistribution']} goes on for clients inside the cluster; the load "
            "balancer spreads clients over its zones by DNS.",
            "To keep clients of an internal load balancer in their zone, set "
            "dns_record.client_routing_policy=availability_zone_affinity in the annotation "
            "service.beta.kubernetes.io/aws-load-balancer-attributes.",
            Severity.REVIEW,
        )
    for number, _, port in edges.ports(obj):
        if port.get("appProtocol") in ("HTTP", "HTTPS", "HTTP2", "GRPC"):
            yield Flag(
                P("spec", "ports"),
                f"appProtocol {port['appProtocol']} of port {number} is a word of GKE's Gateway; load balancers of AWS "
                "do not read it.",
                "Say the protocol where the load balancer reads it: annotations of an Ingress, or a "
                "TargetGroupConfiguration of a Gateway.",
                Severity.REVIEW,
            )


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _routed(known: Known) -> frozenset[tuple[str, str]]:
    """(namespace, name) of every Service that an Ingress leads to."""
    found = set()
    for ingress in known.all("networking.k8s.io", "Ingress"):
        rules = ingress.spec.get("rules")
        backends = [ingress.spec.get("defaultBackend")]
        for rule in rules if isinstance(rules, list) else ():
            http = rule.get("http") if isinstance(rule, Mapping) else None
            paths = http.get("paths") if isinstance(http, Mapping) else None
            backends += [p.get("backend") for p in (paths if isinstance(paths, list) else ()) if isinstance(p, Mapping)]
        for backend in backends:
            service = backend.get("service") if isinstance(backend, Mapping) else None
            if isinstance(service, Mapping):
                found.add((ingress.ref.namespace, str(service.get("name"))))
    return frozenset(found)


def _rule(
    id: str, title: str, words: tuple[str, str, str], effects: Callable[[Object, Known], Iterator[Effect]], **page: Any
) -> Rule:
    what, why, do = words
    given: dict[str, Any] = {"severity": Severity.REVIEW, "change": "overrides and waivers in gke2eks.yaml", **page}
    kinds = frozenset({("", "Service")})
    return Rule(id=id, title=title, what=what, why=why, do=do, effects=effects, area="services", kinds=kinds, **given)


RULES: tuple[Rule, ...] = (
    _rule(
        "SVC009",
        "Two address families",
        (
            "A Service of two families becomes one of IPv4; a load balancer that spoke IPv6 goes on doing so.",
            "An EKS cluster has one family. It refuses RequireDualStack, and an IPv6 entry stops the load balancer.",
            "Check that nothing in the cluster needs IPv6.",
        ),
        _families,
        docs="https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html",
        gke="ipFamilyPolicy: RequireDualStack",
        eks="ipFamilyPolicy: SingleStack",
        severity=Severity.INFO,
        example=Example(
            before={"spec": {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4", "IPv6"]}},
            after={"spec": {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}},
        ),
    ),
    _rule(
        "SVC015",
        "Fields of a Service that hold for one network",
        (
            "externalIPs and the selector of a GKE network leave a Service; node ports and local traffic are named.",
            "They speak of nodes, addresses and networks of the source cluster.",
            "Decide how clients reach the Service.",
        ),
        _fields,
        docs=_KUBERNETES,
        gke="externalIPs: [34.1.2.3]",
        eks="removed",
        severity=Severity.INFO,
        example=Example(
            before={"spec": {"externalIPs": ["34.1.2.3"], "clusterIP": "None"}}, after={"spec": {"clusterIP": "None"}}
        ),
    ),
)
