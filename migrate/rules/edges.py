"""Services of type LoadBalancer: a network load balancer of AWS takes the place of Google's, with a new address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.model.effects import Effect, Flag, Question, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import addresses, edges
from migrate.semantics.edges import AWS, NOTES, Edge, Form

_CLASS = P("spec", "loadBalancerClass")
_SCHEME, _TARGETS = NOTES / f"{AWS}scheme", NOTES / f"{AWS}nlb-target-type"
_LBC = "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/"
_SERVICE = frozenset({("", "Service")})
# Fields that the API server refuses on a Service of type ClusterIP.
_ONLY_BALANCED = (
    *("externalTrafficPolicy", "healthCheckNodePort", "allocateLoadBalancerNodePorts"),
    *("loadBalancerSourceRanges", "loadBalancerIP"),
)


def _load_balancer(obj: Object, known: Known) -> Iterator[Effect]:
    for key in edges.TYPE_KEYS:
        if key in obj.annotations:
            yield Remove(NOTES / key, "only Google's controllers read it; the scheme annotation says the same on EKS")
    edge = edges.edge(obj)
    if edge is None:
        return
    if edge.form is Form.FOREIGN:
        yield Flag(
            _CLASS,
            f"The load balancer class {obj.spec.get('loadBalancerClass')} is neither Google's nor AWS's.",
            "Install its controller on EKS too, or take the class out, so that this tool chooses an NLB.",
            Severity.REVIEW,
        )
    elif edge.form is Form.STANDALONE:
        yield from _standalone(obj)
    elif edge.form is Form.AWS:
        yield from _already(obj, known)
    else:
        yield from _translated(obj, edge, known)


def _translated(obj: Object, edge: Edge, known: Known) -> Iterator[Effect]:
    asked = obj.spec.get("loadBalancerClass")
    said = f"the class {asked} of GKE would be ignored on EKS" if asked else "without a class it depends on the cluster"
    yield Set(_CLASS, edges.AWS_CLASSES[known.flavour], f"{said}; this one is built as an NLB")
    meant = "internal" if edge.internal else "internet-facing"
    mine = obj.annotations.get(f"{AWS}scheme")
    if mine not in ("internal", "internet-facing"):
        default = "GKE builds a public load balancer unless told otherwise, EKS an internal one"
        yield Set(_SCHEME, meant, "GKE was told to build an internal load balancer" if edge.internal else default)
    elif mine != meant:
        yield Flag(
            _SCHEME,
            f"The Service says {mine} for AWS, but on GKE its load balancer is {meant}.",
            "Keep the value that you mean; the one written for AWS was left.",
            Severity.REVIEW,
        )
    if obj.annotations.get(f"{AWS}nlb-target-type") not in ("ip", "instance"):
        yield Set(_TARGETS, "ip", "the load balancer reaches pods directly, whatever the cluster's default is")
    elif obj.annotations[f"{AWS}nlb-target-type"] == "instance" and (
        obj.spec.get("allocateLoadBalancerNodePorts") is False
    ):
        yield Flag(
            _TARGETS,
            "Instance targets need node ports, and allocateLoadBalancerNodePorts is false.",
            f"Set {AWS}nlb-target-type to ip.",
            Severity.BLOCKER,
        )
    if edge.odd is not None:
        yield Flag(
            edge.odd[0],
            f"GKE does not know the value {edge.odd[1]}; its load balancer is taken for {meant}.",
            f"Check that {meant} is what you mean; set {AWS}scheme with an override if not.",
            Severity.REVIEW,
        )


def _already(obj: Object, known: Known) -> Iterator[Effect]:
    ours, asked = edges.AWS_CLASSES[known.flavour], obj.spec.get("loadBalancerClass")
    if asked and asked != ours:
        yield Flag(
            _CLASS,
            f"The class {asked} belongs to the other kind of EKS cluster; this one serves {ours}.",
            f"Set spec.loadBalancerClass to {ours}, or plan with the other --flavour.",
            Severity.REVIEW,
        )
    missing = [name for name in ("scheme", "nlb-target-type") if f"{AWS}{name}" not in obj.annotations]
    if obj.annotations.get(f"{AWS}type") == "nlb-ip" and not asked:
        missing = [name for name in missing if name != "nlb-target-type"]
    if missing:
        yield Flag(
            NOTES,
            f"This Service is written for AWS already and does not say {' and '.join(missing)}; "
            "the controller's defaults decide, which are internal and instance.",
            f"Set {' and '.join(AWS + name for name in missing)} with overrides.",
            Severity.REVIEW,
        )


def _standalone(obj: Object) -> Iterator[Effect]:
    why = "its load balancer is one that you own; on EKS a TargetGroupBinding joins the two"
    yield Remove(_CLASS, why)
    yield Set(P("spec", "type"), "ClusterIP", why)
    for name in _ONLY_BALANCED:
        if name in obj.spec:
            yield Remove(P("spec", name), "a Service of type ClusterIP may not have it")
    listed = obj.spec.get("ports")
    for at, port in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(port, Mapping) and "nodePort" in port:
            yield Remove(P("spec", "ports", at, "nodePort"), "a Service of type ClusterIP may not have it")
    yield Flag(
        P("spec", "type"),
        "Google's forwarding rule of your own led here; on EKS nothing leads here until a load balancer is bound.",
        "Build an NLB with a target group for each port, and bind each with a TargetGroupBinding of this Service.",
        Severity.BLOCKER,
    )


def _address(obj: Object, known: Known) -> Iterator[Effect]:
    edge = edges.edge(obj)
    names, literal = addresses.reserved(obj), obj.spec.get("loadBalancerIP")
    if addresses.NAMES_KEY in obj.annotations:
        yield Remove(NOTES / addresses.NAMES_KEY, "it names reserved addresses of Google Cloud, which cannot move")
    if edge is None or edge.form in (Form.FOREIGN, Form.STANDALONE):
        return
    if "loadBalancerIP" in obj.spec:
        yield Remove(P("spec", "loadBalancerIP"), "EKS ignores the field, and the address belongs to Google Cloud")
    old = addresses.given_out(obj)
    if edge.form is Form.AWS and not old:
        return
    place, severity, question, answer = P("spec", "type"), Severity.REVIEW, None, None
    if edge.form is Form.GOOGLE and (names or literal):
        place = NOTES / f"{AWS}{'private-ipv4-addresses' if edge.internal else 'eip-allocations'}"
        answer = known.answer("services", "addresses", f"{obj.ref.namespace}/{obj.ref.name}")
        fits = isinstance(answer, str) and (answer == "new" or answer.startswith("eipalloc-") is not edge.internal)
        if place[-1] in obj.annotations or answer == "new":
            pass
        elif fits:
            yield Set(place, answer, "the addresses that were named for this load balancer in gke2eks.yaml")
        else:
            question = _question(obj, edge)
            severity = Severity.DECIDE
            yield Set(place, f"UNDECIDED: {question.name}", "the Service asked for a fixed address")
    yield _moved(place, edge, (*old, *names), known, severity, question, answer)


def _moved(
    place: Path,
    edge: Edge,
    old: tuple[str, ...],
    known: Known,
    severity: Severity,
    question: Question | None,
    answer: object,
) -> Flag:
    named = f"The address {', '.join(dict.fromkeys(old))}" if old else "The address of this load balancer"
    places = [p for address in dict.fromkeys(old) for p in addresses.pinned(address, known)]
    todo = ""
    if places:
        more = f" and {len(places) - 5} more" if len(places) > 5 else ""
        todo = f"It is written in {', '.join(places[:5])}{more}: change it there. "
    if answer is not None and question is not None:
        todo = f"The answer {answer} names no {'private' if edge.internal else 'Elastic IP'} addresses. {todo}"
    ask = (
        "Name one address for each of its subnets under services.addresses in gke2eks.yaml, or new. "
        if question
        else ""
    )
    outside = "clients inside the network" if edge.internal else "DNS records and allow-lists of others"
    then = "Then change" if ask or todo else "Change"
    return Flag(
        place,
        f"{named} does not move: on EKS the load balancer is a DNS name with one address for each zone, "
        "and .status holds a hostname, no ip.",
        f"{ask}{todo}{then} {outside}, and scripts that read the ip from .status.",
        severity,
        question,
    )


def _question(obj: Object, edge: Edge) -> Question:
    return Question(
        key=("services", "addresses", f"{obj.ref.namespace}/{obj.ref.name}"),
        group="services.addresses",
        title="Which addresses replace each fixed address of a load balancer?",
        until="The load balancer is not built, because no allocation has this name.",
        example="10.0.1.10, 10.0.2.10" if edge.internal else "eipalloc-0123456789abcdef0, eipalloc-0123456789abcdef1",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="SVC001",
        title="Load balancer to NLB",
        what="A Service of type LoadBalancer names the class of NLBs, and says its scheme and its target type.",
        why="GKE builds a public load balancer when nothing is said, EKS an internal one. A class of GKE is ignored.",
        docs=f"{_LBC}nlb/",
        area="services",
        severity=Severity.INFO,
        kinds=_SERVICE,
        do="Nothing, unless you want another scheme: use overrides.",
        effects=_load_balancer,
        gke="type: LoadBalancer    networking.gke.io/load-balancer-type: Internal",
        eks=f"loadBalancerClass: service.k8s.aws/nlb    {AWS}scheme: internal",
        change="overrides in gke2eks.yaml",
        example=Example(
            before={"spec": {"type": "LoadBalancer"}},
            after={
                "spec": {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"},
                "metadata": {"annotations": {f"{AWS}scheme": "internet-facing", f"{AWS}nlb-target-type": "ip"}},
            },
        ),
    ),
    Rule(
        id="SVC002",
        title="The address becomes a name",
        what="A fixed address of a load balancer leaves the Service; Elastic IPs or private addresses take its place.",
        why="Addresses of Google Cloud cannot move. An NLB has a DNS name, and one address in each zone.",
        docs=f"{_LBC}annotations/#eip-allocations",
        area="services",
        severity=Severity.REVIEW,
        kinds=_SERVICE,
        do="Name the new addresses under services.addresses, or new; then change what has the old ones written down.",
        effects=_address,
        gke="loadBalancerIP: 34.1.2.3",
        eks=f"{AWS}eip-allocations: eipalloc-…, one for each subnet",
        change="services.addresses in gke2eks.yaml",
    ),
)
