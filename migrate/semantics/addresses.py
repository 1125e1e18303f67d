"""Addresses of load balancers: which ones the source gave out, and where something else has written them down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.manifest.places import strings
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Known
from migrate.semantics.edges import edge

NAMES_KEY = "networking.gke.io/load-balancer-ip-addresses"
_TARGETS = ("external-dns.alpha.kubernetes.io/target", "external-dns.kubernetes.io/target")
_ANNOTATED = (("", "Service"), ("networking.k8s.io", "Ingress"), ("gateway.networking.k8s.io", "Gateway"))
# Kinds whose whole spec may hold an address; they are few, so they are walked.
_WALKED = (
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("externaldns.k8s.io", "DNSEndpoint"),
)


def given_out(service: Object) -> tuple[str, ...]:
    """The addresses of a load balancer on the source: those in its status, then the one that its spec asks for."""
    status = service.body.get("status")
    balancer = status.get("loadBalancer") if isinstance(status, Mapping) else None
    ingress = balancer.get("ingress") if isinstance(balancer, Mapping) else None
    found = [item.get("ip") for item in (ingress if isinstance(ingress, list) else ()) if isinstance(item, Mapping)]
    found.append(service.spec.get("loadBalancerIP"))
    return tuple(dict.fromkeys(ip for ip in found if isinstance(ip, str) and ip))


def reserved(service: Object) -> tuple[str, ...]:
    """The names of reserved addresses that a Service asks for."""
    names = service.annotations.get(NAMES_KEY)
    return tuple(n.strip() for n in names.split(",") if n.strip()) if isinstance(names, str) else ()


def pinned(address: str, known: Known) -> tuple[str, ...]:
    """The places in everything that goes along which hold this address; all addresses are searched for at once."""
    return known.once("addresses.pinned", lambda: _pinned(known)).get(address, ())


def _pinned(known: Known) -> Mapping[str, tuple[str, ...]]:
    wanted = sorted({ip for service in known.all("", "Service") if edge(service) for ip in given_out(service)})
    if not wanted:
        return {}
    literal = re.compile(r"(?<![0-9A-Za-z.:])(?:" + "|".join(map(re.escape, wanted)) + r")(?![0-9A-Za-z]|\.[0-9])")
    found: dict[str, dict[str, None]] = {}
    for obj, path, text in _texts(known):
        for address in literal.findall(text):
            found.setdefault(address, {})[f"{obj.ref} {path}"] = None
    return {address: tuple(places) for address, places in found.items()}


def _texts(known: Known) -> Iterator[tuple[Object, Path, str]]:
    for obj in _going(known, "", "ConfigMap"):
        data = obj.body.get("data")
        for key, value in data.items() if isinstance(data, Mapping) else ():
            if isinstance(value, str):
                yield obj, P("data", str(key)), value
    for group, kind in sorted(pods.KINDS):
        for obj in _going(known, group, kind):
            yield from _pod_texts(obj)
    for obj in _going(known, "", "Service"):
        name = obj.spec.get("externalName")
        if isinstance(name, str):
            yield obj, P("spec", "externalName"), name
    for group, kind in _ANNOTATED:
        for obj in _going(known, group, kind):
            for key in _TARGETS:
                if isinstance(obj.annotations.get(key), str):
                    yield obj, P("metadata", "annotations", key), obj.annotations[key]
    for group, kind in _WALKED:
        for obj in _going(known, group, kind):
            for path, text, is_key in strings(obj.spec):
                if not is_key:
                    yield obj, Path(("spec", *path)), text


def _pod_texts(obj: Object) -> Iterator[tuple[Object, Path, str]]:
    template = pods.pod_template(obj)
    if template is None:
        return
    for group in ("initContainers", "containers"):
        for at, container in template.items(group):
            here = Path((*template.path, "spec", group, at))
            for name in ("command", "args"):
                for text in _strings(container.get(name)):
                    yield obj, here / name, text
            env = container.get("env")
            for item in env if isinstance(env, list) else ():
                if isinstance(item, Mapping) and isinstance(item.get("value"), str):
                    yield obj, here / "env" / str(item.get("name")), item["value"]


def _strings(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _going(known: Known, group: str, kind: str) -> Iterator[Object]:
    return (obj for obj in known.all(group, kind) if known.migrates(obj.ref))
