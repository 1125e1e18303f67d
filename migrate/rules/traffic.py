"""What a load balancer does with connections: who the client seems to be, stickiness, health, protocols, silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from migrate.model.effects import Effect, Flag, Question, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import edges
from migrate.semantics.edges import AWS, NOTES

_STRONG = "networking.gke.io/l4-strong-session-affinity"
_ATTRIBUTES = NOTES / f"{AWS}target-group-attributes"
_HEALTH_PORT, _HEALTH_PROTOCOL = NOTES / f"{AWS}healthcheck-port", NOTES / f"{AWS}healthcheck-protocol"
_TCP_UDP = NOTES / f"{AWS}enable-tcp-udp-listener"
_PORTS = P("spec", "ports")
_LBC = "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/"
# How long Google's connection tracking remembers a silent TCP connection.
_GOOGLE_SILENCE = 600


def _attributes(obj: Object, _known: Known) -> Iterator[Effect]:
    if _STRONG in obj.annotations:
        yield Remove(NOTES / _STRONG, "only Google's controllers read it; a target group has stickiness of its own")
    if edges.google(obj) is None:
        return
    wanted: dict[str, str] = {}
    why = []
    if obj.spec.get("externalTrafficPolicy") == "Local":
        wanted["preserve_client_ip.enabled"] = "true"
        why.append("externalTrafficPolicy Local showed pods the client's address")
        yield Flag(
            P("spec", "externalTrafficPolicy"),
            "Pods go on seeing the client's address; a pod that calls its own load balancer may then get no answer.",
            "Let pods inside the cluster call the Service by its own name, not by that of the load balancer.",
            Severity.REVIEW,
        )
    if obj.spec.get("sessionAffinity") == "ClientIP" or _STRONG in obj.annotations:
        place = P("spec", "sessionAffinity") if _STRONG not in obj.annotations else NOTES / _STRONG
        if any(edges.tls(obj, number, port) for number, _, port in edges.ports(obj)):
            yield Flag(
                place,
                "A TLS listener cannot keep a client with its pod, so session affinity ends at the load balancer.",
                "End TLS in the pods, or keep the session outside of them.",
                Severity.REVIEW,
            )
        else:
            wanted |= {"stickiness.enabled": "true", "stickiness.type": "source_ip"}
            why.append("GKE kept a client with its pod, and the controller does not read sessionAffinity")
            yield Flag(
                place,
                "A client stays with its pod by its source address; the NLB has no timeout for it, and clients behind "
                "one address share a pod.",
                "Nothing, unless the timeout or an even spread matters: then keep the session outside of the pods.",
                Severity.REVIEW,
            )
    mine = obj.annotations.get(str(_ATTRIBUTES[-1]), "")
    if not wanted or not isinstance(mine, str):
        return
    said = {part.partition("=")[0].strip() for part in mine.split(",")}
    more = [f"{key}={value}" for key, value in wanted.items() if key not in said]
    if more:
        yield Set(_ATTRIBUTES, ",".join([*([mine] if mine.strip() else []), *more]), "; ".join(why))


def _health(obj: Object, known: Known) -> Iterator[Effect]:
    listed = edges.ports(obj)
    if edges.google(obj) is None or not listed or any(protocol != "UDP" for _, protocol, _ in listed):
        return
    if str(_HEALTH_PORT[-1]) in obj.annotations:
        return
    answer = known.answer("services", "healthCheckPorts", f"{obj.ref.namespace}/{obj.ref.name}")
    text = str(answer) if type(answer) in (int, str) else ""
    why = "an NLB cannot ask a UDP port whether it is healthy, and GKE asked the node"
    if str(_HEALTH_PROTOCOL[-1]) not in obj.annotations:
        yield Set(_HEALTH_PROTOCOL, "tcp", why)
    if text.isdigit() and 0 < int(text) < 65536:
        yield Set(_HEALTH_PORT, text, why)
        return
    question = Question(
        key=("services", "healthCheckPorts", f"{obj.ref.namespace}/{obj.ref.name}"),
        group="services.healthCheckPorts",
        title="Which TCP port tells whether the pods behind a UDP load balancer are healthy?",
        until="The load balancer is not built, because this is no port.",
        example=str(edges.health_port(obj, known) or 8080),
    )
    yield Set(_HEALTH_PORT, f"UNDECIDED: {question.name}", why)
    yield Flag(
        _HEALTH_PORT,
        f"Service {obj.ref.namespace}/{obj.ref.name} speaks UDP only, and an NLB checks health over TCP or HTTP.",
        "Name a TCP port that its pods answer on under services.healthCheckPorts in gke2eks.yaml.",
        Severity.DECIDE,
        question,
    )


def _protocols(obj: Object, known: Known) -> Iterator[Effect]:
    if edges.google(obj) is None:
        return
    listed = edges.ports(obj)
    for number in sorted(number for number, protocol, _ in listed if protocol == "SCTP"):
        yield Flag(
            _PORTS,
            f"Port {number} speaks SCTP, which no load balancer of AWS carries.",
            "Carry it over TCP or UDP, or reach the pods without a load balancer.",
            Severity.BLOCKER,
        )
    shared = edges.merged(obj)
    if shared:
        yield Set(_TCP_UDP, "true", "without it the second protocol of a port number gets no listener, in silence")
    for number in sorted(shared):
        yield from _shared(number, {p: edges.target(obj, port, p, known) for n, p, port in listed if n == number})


def _shared(number: int, targets: dict[str, int | str]) -> Iterator[Effect]:
    tcp, udp = targets["TCP"], targets["UDP"]
    if tcp == udp:
        return
    unsure = isinstance(tcp, str) or isinstance(udp, str)
    yield Flag(
        _PORTS,
        f"Port {number} leads to {tcp} for TCP and to {udp} for UDP; one listener leads to one port of the pods.",
        "Check that both names are one number." if unsure else "Give both one targetPort, or split the Service in two.",
        Severity.REVIEW if unsure else Severity.BLOCKER,
    )


def _silence(obj: Object, known: Known) -> Iterator[Effect]:
    if edges.google(obj) is None:
        return
    listed, shared = edges.ports(obj), edges.merged(obj)
    plain = [n for n, protocol, port in listed if protocol == "TCP" and n not in shared and not edges.tls(obj, n, port)]
    fixed = sorted({n for n, protocol, _ in listed if protocol == "TCP"} - set(plain))
    if known.flavour == "auto":
        fixed, plain = sorted([*fixed, *plain]), []
    answer = known.answer("services", "idleTimeout")
    seconds = str(answer) if type(answer) in (int, str) else str(_GOOGLE_SILENCE)
    because = f"Google forgets a silent connection after {_GOOGLE_SILENCE} seconds, an NLB after 350 unless told"
    for number in plain:
        key = f"{AWS}listener-attributes.TCP-{number}"
        if key not in obj.annotations:
            yield Set(NOTES / key, f"tcp.idle_timeout.seconds={seconds}", because)
    if fixed:
        yield Flag(
            _PORTS,
            f"TCP connections on port {', '.join(map(str, fixed))} are cut after 350 silent seconds instead of "
            f"{_GOOGLE_SILENCE}, and no documented setting changes it here.",
            "Let WebSockets, gRPC streams and connection pools send a ping or a TCP keep-alive more often than every "
            "350 seconds, and reconnect by themselves.",
            Severity.REVIEW,
        )
    udp = sorted({number for number, protocol, _ in listed if protocol == "UDP"})
    if udp:
        yield Flag(
            _PORTS,
            f"UDP flows on port {', '.join(map(str, udp))} are forgotten after 120 silent seconds; this is fixed.",
            "Let clients with long pauses send something more often than every 120 seconds.",
            Severity.REVIEW,
        )


def _rule(id: str, title: str, **page: Any) -> Rule:
    given = {"area": "services", "severity": Severity.INFO, "kinds": frozenset({("", "Service")}), **page}
    return Rule(id=id, title=title, change=given.pop("change", "overrides in gke2eks.yaml"), **given)


RULES: tuple[Rule, ...] = (
    _rule(
        "SVC010",
        "Client address and stickiness of an NLB",
        what="externalTrafficPolicy Local and session affinity become attributes of the target group.",
        why="With targets that are pods the NLB hides the client unless told, and the controller reads neither field.",
        docs=f"{_LBC}#target-group-attributes",
        do="Look at calls from pods to their own load balancer.",
        effects=_attributes,
        gke="externalTrafficPolicy: Local    sessionAffinity: ClientIP",
        eks=f"{AWS}target-group-attributes: preserve_client_ip.enabled=true,stickiness.enabled=true,…",
        example=Example(
            before={"metadata": {"annotations": {_STRONG: "enabled"}}, "spec": {"type": "LoadBalancer"}},
            after={
                "metadata": {
                    "annotations": {
                        f"{AWS}target-group-attributes": "stickiness.enabled=true,stickiness.type=source_ip"
                    }
                },
                "spec": {"type": "LoadBalancer"},
            },
        ),
    ),
    _rule(
        "SVC011",
        "Health of a UDP load balancer",
        what="A Service that speaks UDP only names a TCP port for health checks.",
        why="GKE asks the node for its pods. An NLB asks the pod, by TCP or HTTP, on a port of UDP by default.",
        docs=f"{_LBC}#healthcheck-port",
        do="Name a TCP port of the pods under services.healthCheckPorts.",
        effects=_health,
        gke="ports: [{port: 5000, protocol: UDP}]",
        eks=f'{AWS}healthcheck-port: "8080"',
        change="services.healthCheckPorts in gke2eks.yaml",
    ),
    _rule(
        "SVC012",
        "TCP and UDP on one port, SCTP",
        what="A port number that TCP and UDP share becomes one listener of both.",
        why="Without the annotation the second of the two gets no listener, and nothing says so. NLBs know no SCTP.",
        docs=f"{_LBC}#tcp-udp-listener",
        do="Check both protocols after the move.",
        effects=_protocols,
        gke="ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]",
        eks=f'{AWS}enable-tcp-udp-listener: "true"',
        example=Example(
            before={"spec": {"type": "LoadBalancer", "ports": [{"port": 53, "protocol": p} for p in ("UDP", "TCP")]}},
            after={
                "spec": {"type": "LoadBalancer", "ports": [{"port": 53, "protocol": p} for p in ("UDP", "TCP")]},
                "metadata": {"annotations": {f"{AWS}enable-tcp-udp-listener": "true"}},
            },
        ),
    ),
    _rule(
        "SVC020",
        "Silent connections",
        what="Each plain TCP listener remembers a silent connection as long as Google does.",
        why="Google forgets it after 10 minutes, an NLB after 350 seconds: WebSockets and pools would break unseen.",
        docs="https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
        do="On Auto Mode, send keep-alives more often than every 350 seconds.",
        effects=_silence,
        gke="a silent connection is forgotten after 600 seconds",
        eks=f"{AWS}listener-attributes.TCP-443: tcp.idle_timeout.seconds=600",
        change="services.idleTimeout in gke2eks.yaml",
    ),
)
