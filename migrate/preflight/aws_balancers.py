"""The load balancers that a plan makes on AWS, as the AWS Load Balancer Controller and EKS Auto Mode read objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.aws import named
from migrate.model.checks import Seen
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.preflight.after import after, items, mapping
from migrate.preflight.aws_words import notes, spec
from migrate.semantics.edges import AWS, Form, edge
from migrate.semantics.going import Going

ALB = "alb.ingress.kubernetes.io/"
NETWORK, APPLICATION = "network", "application"
_DNS = "external-dns.alpha.kubernetes.io/hostname"
_CLASS = "kubernetes.io/ingress.class"
_CONTROLLERS = ("ingress.k8s.aws/alb", "eks.amazonaws.com/alb")


@dataclass(frozen=True, slots=True)
class Balancer:
    """What one Service or Ingress asks for. `group`: Ingresses of one group share a load balancer, '' is alone.

    `chosen` tells that tags of IngressClassParams pick the subnets. `encrypted` Ingresses without `certificates` get
    those of ACM that cover their `hosts`.
    """

    ref: Ref
    kind: str
    internal: bool
    subnets: tuple[str, ...]
    addresses: tuple[str, ...]
    certificates: tuple[str, ...]
    hosts: tuple[str, ...]
    encrypted: bool
    chosen: bool = False
    group: str = ""


def balancers(going: Going, seen: Seen) -> tuple[Balancer, ...]:
    """All of them, sorted by object."""
    classes = _classes(going, seen)
    return tuple(one for ref, body in sorted(going.bodies.items()) if (one := _of(ref, body, classes)) is not None)


def running(seen: Seen) -> frozenset[Ref]:
    """Services and Ingresses of the target whose load balancer is there already."""
    kinds = (("", "Service"), ("networking.k8s.io", "Ingress"))
    bodies = {ref: body for kind in kinds for ref, body in seen.of(*kind).bodies.items()}
    return frozenset(ref for ref, body in bodies.items() if _addresses(body))


def _addresses(body: Body) -> list[Body]:
    return items(mapping(mapping(body.get("status")).get("loadBalancer")).get("ingress"))


def _of(ref: Ref, body: Body, classes: Mapping[str, Body]) -> Balancer | None:
    if ref.kind == "Service" and not ref.group:
        found = edge(Object(ref, body))
        return _service(ref, body) if found is not None and found.form is Form.AWS else None
    if (ref.group, ref.kind) != ("networking.k8s.io", "Ingress"):
        return None
    params = classes.get(str(spec(body).get("ingressClassName") or notes(body).get(_CLASS) or ""))
    return None if params is None else _ingress(ref, body, params)


def _service(ref: Ref, body: Body) -> Balancer:
    said = notes(body)
    scheme = said.get(f"{AWS}scheme")
    old = str(said.get(f"{AWS}internal", "true")).lower() not in ("false", "f", "0")  # the word before scheme
    certificates = named(said.get(f"{AWS}ssl-cert"))
    return Balancer(
        ref=ref,
        kind=NETWORK,
        internal=scheme != "internet-facing" if scheme is not None else old,
        subnets=named(said.get(f"{AWS}subnets")),
        addresses=named(said.get(f"{AWS}eip-allocations")),
        certificates=certificates,
        hosts=named(said.get(_DNS)),
        encrypted=bool(certificates),
    )


def _ingress(ref: Ref, body: Body, params: Body) -> Balancer:
    said, wish = notes(body), mapping(params.get("subnets"))
    arns = params.get("certificateARNs") or params.get("certificateArn")
    certificates = _texts(arns) or named(said.get(f"{ALB}certificate-arn"))
    scheme = params.get("scheme") or said.get(f"{ALB}scheme") or "internal"
    hosts = [str(rule["host"]) for rule in items(spec(body).get("rules")) if rule.get("host")]
    hosts += [host for one in items(spec(body).get("tls")) for host in _texts(one.get("hosts"))]
    return Balancer(
        ref=ref,
        kind=APPLICATION,
        internal=scheme != "internet-facing",
        subnets=_texts(wish.get("ids")) or (() if wish else named(said.get(f"{ALB}subnets"))),
        addresses=(),
        certificates=certificates,
        hosts=tuple(sorted({*hosts, *named(said.get(_DNS))})),
        encrypted=bool(certificates) or _listens(said.get(f"{ALB}listen-ports")),
        chosen=bool(wish.get("tags") or wish.get("matchTags")),
        group=str(mapping(params.get("group")).get("name") or said.get(f"{ALB}group.name") or ""),
    )


def _listens(ports: Any) -> bool:
    """Tell whether listen-ports, a JSON list such as [{"HTTPS": 443}], has HTTPS. Without it there is HTTP alone."""
    try:
        found = json.loads(ports) if isinstance(ports, str) else []
    except ValueError:
        return False
    return isinstance(found, list) and any("HTTPS" in one for one in found if isinstance(one, dict))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _classes(going: Going, seen: Seen) -> dict[str, Body]:
    """{IngressClass of an AWS controller: the spec of its IngressClassParams}; {} where there are none."""
    found: dict[str, Body] = {"alb": {}}  # the annotation's old word for it, and what most people call the class
    for ref, body in after(going, seen, "networking.k8s.io", "IngressClass").bodies.items():
        found.pop(ref.name, None)
        if spec(body).get("controller") in _CONTROLLERS:
            found[ref.name] = next(_params(mapping(spec(body).get("parameters")), going, seen), {})
    return found


def _params(named_by: Body, going: Going, seen: Seen) -> Iterator[Body]:
    ref = Ref(str(named_by.get("apiGroup") or ""), "IngressClassParams", "", str(named_by.get("name") or ""))
    bodies = after(going, seen, ref.group, ref.kind).bodies if named_by else {}
    if ref in bodies:
        yield spec(bodies[ref])
