"""From where a load balancer can be reached: regions, subnets and source ranges."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from migrate.model.effects import Effect, Flag, Question, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import edges
from migrate.semantics.edges import AWS, NOTES, Form

_GLOBAL = "networking.gke.io/internal-load-balancer-allow-global-access"
# The first one wins when both are there.
_SUBNET_KEYS = ("networking.gke.io/load-balancer-subnet", "networking.gke.io/internal-load-balancer-subnet")
_SUBNETS = NOTES / f"{AWS}subnets"
_RANGES_KEY = "service.beta.kubernetes.io/load-balancer-source-ranges"
_RANGES = P("spec", "loadBalancerSourceRanges")
# Google's own: health checks of load balancers, their older ranges, and the Identity-Aware Proxy.
_GOOGLE = tuple(
    ipaddress.ip_network(text)
    for text in ("130.211.0.0/22", "35.191.0.0/16", "35.235.240.0/20", "209.85.152.0/22", "209.85.204.0/22")
)
_LBC = "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/"


def _global_access(obj: Object, _known: Known) -> Iterator[Effect]:
    if _GLOBAL not in obj.annotations:
        return
    yield Remove(
        NOTES / _GLOBAL, "global access is a switch of Google's internal load balancers; nothing reads it here"
    )
    if obj.annotations[_GLOBAL] == "true":
        yield Flag(
            NOTES / _GLOBAL,
            "An internal NLB is reachable from other regions only over routing that you build.",
            "Connect the regions with Transit Gateway or inter-region peering, if clients elsewhere need this Service.",
            Severity.REVIEW,
        )


def _subnets(obj: Object, known: Known) -> Iterator[Effect]:
    found = [key for key in _SUBNET_KEYS if key in obj.annotations]
    for key in found:
        yield Remove(NOTES / key, "it names a subnet of Google Cloud, which spans zones; AWS wants one for each zone")
    if not found or edges.google(obj) is None or f"{AWS}subnets" in obj.annotations:
        return
    name = obj.annotations[found[0]]
    if not isinstance(name, str) or not name.strip():
        return
    name = name.strip()
    answer = known.answer("services", "subnets", name)
    if isinstance(answer, str):
        yield Set(_SUBNETS, answer, f"the subnets that were named for {name} in gke2eks.yaml")
        return
    question = Question(
        key=("services", "subnets", name),
        group="services.subnets",
        title="Which subnets of the VPC replace each subnet of Google Cloud?",
        until="The load balancer is not built, because no subnet has this name.",
        example="subnet-0123456789abcdef0, subnet-0123456789abcdef1",
    )
    yield Set(_SUBNETS, f"UNDECIDED: {question.name}", f"the Service asked for the subnet {name}")
    yield Flag(
        _SUBNETS,
        f"No subnets are named yet for {name}.",
        "Name them under services.subnets in gke2eks.yaml, one for each zone.",
        Severity.DECIDE,
        question,
    )


def _source_ranges(obj: Object, _known: Known) -> Iterator[Effect]:
    edge = edges.edge(obj)
    if edge is None or edge.form not in (Form.GOOGLE, Form.AWS):
        return
    field, note = obj.spec.get("loadBalancerSourceRanges"), obj.annotations.get(_RANGES_KEY)
    if field is not None and (not isinstance(field, list) or not all(isinstance(one, str) for one in field)):
        return
    said = field or []
    why = []
    if note is not None:
        why.append("the field says the same on every kind of EKS cluster; Auto Mode does not read the annotation")
        yield Remove(NOTES / _RANGES_KEY, why[0] if not field else "the field beside it says the ranges")
        if not field and isinstance(note, str):
            said = [one.strip() for one in note.split(",") if one.strip()]
    useless = {one: reason for one in said if (reason := _useless(one, dual=edges.dual_stack(obj)))}
    kept = [one for one in said if one not in useless]
    if useless and kept:
        why += [f"{one} {reason}" for one, reason in useless.items()]
    if useless and not kept:
        yield Flag(
            _RANGES,
            f"Only ranges that mean nothing on EKS are listed ({', '.join(useless)}); "
            "taken out, they would open the load balancer to everyone.",
            "Set spec.loadBalancerSourceRanges to the clients that you mean, with an override.",
            Severity.BLOCKER,
        )
    wanted = kept or said
    if wanted and wanted != field:
        yield Set(_RANGES, wanted, "; ".join(why))


def _useless(text: str, *, dual: bool) -> str:
    """Why a range means nothing on EKS; '' when it does mean something."""
    try:
        network: Any = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return ""
    if network.version == 6:
        return "" if dual else "is an IPv6 range, which the controller refuses for a load balancer of IPv4"
    return "is a range of Google's own proxies" if any(network.subnet_of(one) for one in _GOOGLE) else ""


def _rule(id: str, title: str, **page: Any) -> Rule:
    given = {"area": "services", "severity": Severity.INFO, "kinds": frozenset({("", "Service")}), **page}
    return Rule(id=id, title=title, **given)


RULES: tuple[Rule, ...] = (
    _rule(
        "SVC006",
        "Global access of an internal load balancer, removed",
        what="The annotation that opens an internal load balancer to other regions leaves the Service.",
        why="On Google Cloud it is a switch. On AWS, routing between regions decides, and no annotation makes it.",
        docs="https://docs.aws.amazon.com/vpc/latest/tgw/tgw-peering.html",
        do="Build Transit Gateway or inter-region peering, if clients in other regions need the Service.",
        effects=_global_access,
        gke='networking.gke.io/internal-load-balancer-allow-global-access: "true"',
        eks="no annotation; routing between the regions",
        change="overrides and waivers in gke2eks.yaml",
        example=Example(
            before={"metadata": {"annotations": {_GLOBAL: "true", "team": "core"}}},
            after={"metadata": {"annotations": {"team": "core"}}},
        ),
    ),
    _rule(
        "SVC007",
        "Subnet of a load balancer",
        what="The subnet of Google Cloud that a load balancer lives in becomes subnets of the VPC.",
        why="A subnet of Google Cloud spans a region, one of AWS a zone. A copied name would be sought in vain.",
        docs=f"{_LBC}#subnets",
        do="Name the subnets under services.subnets, one for each zone.",
        effects=_subnets,
        gke="networking.gke.io/internal-load-balancer-subnet: apps",
        eks=f"{AWS}subnets: subnet-…, subnet-…",
        change="services.subnets in gke2eks.yaml",
    ),
    _rule(
        "SVC008",
        "Source ranges become a security group",
        what="Source ranges stand in the field of the Service, without Google's own ranges.",
        why="The controller makes a security group of them. Auto Mode reads the field only, and Google's proxies do "
        "not call from AWS.",
        docs=f"{_LBC}#lb-source-ranges",
        do="Check that the ranges that are left are those of your clients.",
        effects=_source_ranges,
        gke="loadBalancerSourceRanges: [10.0.0.0/8, 130.211.0.0/22]",
        eks="loadBalancerSourceRanges: [10.0.0.0/8]",
        change="overrides in gke2eks.yaml",
        example=Example(
            before={"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8", "130.211.0.0/22"]}},
            after={"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}},
        ),
    ),
)
