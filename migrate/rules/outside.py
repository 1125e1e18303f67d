"""Names that lead into a Service from outside, or out of it: ExternalName, DNS records, endpoint groups."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from migrate.model.effects import Effect, Flag, Manual, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Known, Rule
from migrate.semantics.edges import NOTES

_NEG = "cloud.google.com/neg"
_DNS = ("external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/")
_IP = re.compile(r"(?<![0-9.])[0-9]{1,3}(\.[0-9]{1,3}){3}(?![0-9.])")
# Kinds around Services that nothing on EKS serves, and what does their work there.
_INSTEAD = {
    "ServiceDirectoryRegistrationPolicy": "AWS Cloud Map, filled by external-dns or by its own controller,",
    "ServiceAttachment": "an endpoint service of PrivateLink in front of an NLB",
    "MultiClusterService": "a load balancer in each cluster behind one DNS name",
}
_EXTERNAL_DNS = "https://github.com/kubernetes-sigs/external-dns/releases/tag/v0.22.0"
# What an ExternalName may lead to: pattern, what that is, what to do, weight. The first one that fits speaks.
_NAMES: tuple[tuple[re.Pattern[str], str, str, Severity], ...] = (
    (
        re.compile(r"\.c\.[a-z0-9.:-]+\.internal$|(^|\.)google\.internal$"),
        "a name of Google's internal DNS, which nothing outside its network resolves",
        "Move what it leads to, and name it here with an override.",
        Severity.BLOCKER,
    ),
    (
        re.compile(r"\.clusterset\.local$"),
        "a name of GKE's multi-cluster Services",
        "Name the Service of one cluster (svc.cluster.local), or install the AWS Cloud Map MCS controller.",
        Severity.REVIEW,
    ),
    (
        re.compile(r"(^|\.)googleapis\.com$"),
        "an API of Google Cloud",
        "Name what takes its place on AWS, or keep it if pods may call Google over the internet; private addresses of "
        "Google's APIs are not reachable from AWS.",
        Severity.REVIEW,
    ),
    (
        re.compile(r"cloudsql|\.sql\.goog$"),
        "a Cloud SQL database",
        "Move the database, and name its new endpoint here with an override.",
        Severity.REVIEW,
    ),
)


def _external_name(obj: Object, _known: Known) -> Iterator[Effect]:
    name = obj.spec.get("externalName")
    if not isinstance(name, str):
        return
    for pattern, what, fix, severity in _NAMES:
        if pattern.search(name.rstrip(".").lower()):
            yield Flag(P("spec", "externalName"), f"{name} is {what}.", fix, severity)
            return


def _external_dns(obj: Object, _known: Known) -> Iterator[Effect]:
    for prefix in _DNS:
        host, target = obj.annotations.get(f"{prefix}hostname"), obj.annotations.get(f"{prefix}target")
        old = " external-dns from 0.22 on reads external-dns.kubernetes.io/ only." if "alpha" in prefix else ""
        if host is not None:
            yield Flag(
                NOTES / f"{prefix}hostname",
                f"external-dns on EKS takes {host} over at release; two clusters must not own one name.{old}",
                "Give the second external-dns its own --txt-owner-id, move the name when you cut over"
                + (", and name the prefix with --annotation-prefix." if old else "."),
                Severity.REVIEW,
            )
        if target is not None:
            here = "an address of the source" if _IP.search(str(target)) else "a name of your own"
            yield Flag(
                NOTES / f"{prefix}target",
                f"external-dns points DNS to {target}, {here}, and not to the new load balancer.",
                "Take the annotation out with an override, or name what clients shall reach.",
                Severity.REVIEW,
            )
        if f"{prefix}ttl" in obj.annotations:
            yield Flag(
                NOTES / f"{prefix}ttl",
                "Route 53 ignores the TTL of records that are aliases of a load balancer.",
                "Nothing; lower the TTL on the source some days before you cut over.",
                Severity.INFO,
            )


def _own_groups(obj: Object, known: Known) -> Iterator[Effect]:
    text = obj.annotations.get(_NEG)
    try:
        said = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        said = None
    exposed = said.get("exposed_ports") if isinstance(said, Mapping) else None
    if not isinstance(exposed, Mapping) or not exposed:
        return
    named = any(isinstance(one, Mapping) and one.get("name") for one in exposed.values())
    if not named and (obj.ref.namespace, obj.ref.name) in known.once("fields.gateway", lambda: _gateways(known)):
        return  # GKE's Gateway controller wrote it, for a route that leads here.
    yield Flag(
        NOTES / _NEG,
        f"A load balancer outside the cluster reaches port {', '.join(map(str, exposed))} through network endpoint "
        "groups; on EKS nothing leads here.",
        "Build the load balancer and a target group for each port on AWS, and bind each with a TargetGroupBinding.",
        Severity.REVIEW,
    )


def _gateways(known: Known) -> frozenset[tuple[str, str]]:
    """(namespace, name) of every Service that a route of a Gateway leads to."""
    found = set()
    for route in known.all("gateway.networking.k8s.io", "HTTPRoute"):
        rules = route.spec.get("rules")
        for rule in rules if isinstance(rules, list) else ():
            backends = rule.get("backendRefs") if isinstance(rule, Mapping) else None
            for backend in backends if isinstance(backends, list) else ():
                if isinstance(backend, Mapping):
                    found.add((str(backend.get("namespace") or route.ref.namespace), str(backend.get("name"))))
    return frozenset(found)


def _by_hand(obj: Object, _known: Known) -> Iterator[Effect]:
    yield Manual(f"{obj.ref.kind} is a kind of GKE's; on EKS {_INSTEAD[obj.ref.kind]} takes its place, built by hand.")


def _rule(
    id: str, title: str, words: tuple[str, str, str], effects: Callable[[Object, Known], Iterator[Effect]], **page: Any
) -> Rule:
    what, why, do = words
    given: dict[str, Any] = {"severity": Severity.REVIEW, "change": "overrides and waivers in gke2eks.yaml", **page}
    given.setdefault("kinds", frozenset({("", "Service")}))
    return Rule(id=id, title=title, what=what, why=why, do=do, effects=effects, area="services", **given)


RULES: tuple[Rule, ...] = (
    _rule(
        "SVC016",
        "ExternalName that leads to Google",
        (
            "Nothing is changed; an ExternalName that leads into Google Cloud is named.",
            "Internal names of Google resolve inside its network only; its APIs and databases have other names on AWS.",
            "Name the new place with an override.",
        ),
        _external_name,
        docs="https://kubernetes.io/docs/concepts/services-networking/service/#externalname",
        gke="externalName: db.us-central1-a.c.acme.internal",
        eks="unchanged, and named in a finding",
    ),
    _rule(
        "SVC017",
        "Names that external-dns keeps",
        (
            "Nothing is changed; names, targets and TTLs for external-dns are named.",
            "They move DNS when external-dns starts on EKS, which may be before you cut over, or never.",
            "Plan when each name moves.",
        ),
        _external_dns,
        docs=_EXTERNAL_DNS,
        kinds=frozenset({("", "Service"), ("networking.k8s.io", "Ingress")}),
        gke="external-dns.alpha.kubernetes.io/hostname: shop.example.com",
        eks="unchanged, and named in a finding",
    ),
    _rule(
        "SVC018",
        "Load balancers outside the cluster",
        (
            "Nothing is changed here; a Service whose endpoint groups a load balancer of your own uses is named.",
            "The annotation leaves with SVC003. exposed_ports in it means that somebody calls from outside.",
            "Build the load balancer on AWS and bind it with a TargetGroupBinding.",
        ),
        _own_groups,
        docs="https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/",
        gke='cloud.google.com/neg: {"exposed_ports": {"80": {"name": "web"}}}',
        eks="kind: TargetGroupBinding, written by you",
    ),
    _rule(
        "SVC025",
        "Kinds of GKE around Services",
        (
            "Registrations, attachments and Services of several clusters are to be built anew by hand.",
            "No controller on EKS knows these kinds; an API server would not even take them.",
            "Build what takes their place on AWS.",
        ),
        _by_hand,
        docs="https://docs.aws.amazon.com/vpc/latest/privatelink/create-endpoint-service.html",
        kinds=frozenset(("networking.gke.io", kind) for kind in _INSTEAD),
        gke="kind: ServiceAttachment",
        eks="an endpoint service of PrivateLink",
    ),
)
