"""PRE063 and PRE064: ports of Services that others name, and ports of containers that go by a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest.places import get
from migrate.manifest.pods import CONTAINERS
from migrate.manifest.references import Reference, references
from migrate.manifest.references.edges import pod_of
from migrate.model.checks import Check, finding, passed, unknown
from migrate.model.objects import MISSING, Body, Object
from migrate.model.path import Path
from migrate.model.ref import Ref
from migrate.preflight.references_there import There, chosen_by
from migrate.preflight.references_words import counted, few

PORTS, NAMED = "PRE063", "PRE064"
# The AWS Load Balancer Controller reads such a backend from an annotation; no Service has its name.
_ACTION = "use-annotation"
_DEFAULTS = {"webhook": 443, "API service": 443}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")

Port = int | str


def is_action(obj: Object, one: Reference) -> bool:
    """Tell whether a backend of an Ingress is no Service but an action that an annotation describes."""
    return obj.ref.kind == "Ingress" and get(obj.body, Path((*one.field[:-1], "port", "name"))) == _ACTION


def checks(there: There) -> Iterator[Check]:
    """Look at both directions: who names a port of a Service, and which ports a Service or a probe names."""
    yield from _of_services(there)
    yield from _of_containers(there)


def _of_services(there: There) -> Iterator[Check]:
    wrong: dict[tuple[Ref, Port], list[Ref]] = {}
    unseen: dict[tuple[Ref, Port], list[Ref]] = {}
    has: dict[Ref, tuple[Body, ...]] = {}
    whys: dict[Ref, str] = {}
    fine: set[Ref] = set()
    for obj in there.objects:
        for one in references(obj):
            if not isinstance(one.to, Ref) or (one.to.group, one.to.kind) != ("", "Service"):
                continue
            port = _asked(obj, one)
            if port is None or port == _ACTION or not (found := there.find(one.to)).there:
                continue
            ports = there.ports(found)
            if found.planned is not None and not _has(ports, port):
                found = there.find(one.to, both=True)
                ports = there.ports(found)
            service = found.planned or found.live
            if service is not None and service.spec.get("type") == "ExternalName":
                continue
            if _has(ports, port):
                fine.add(obj.ref)
            elif found.why:
                whys[one.to] = found.why
                unseen.setdefault((one.to, port), []).append(obj.ref)
            else:
                has[one.to] = ports
                wrong.setdefault((one.to, port), []).append(obj.ref)
    if fine:
        yield passed(PORTS, "The ports of Services that are named are there.", *sorted(fine))
    for (to, port), refs in wrong.items():
        yield finding(
            PORTS,
            f"{to} has no port {port}, and {counted(refs)} {'names' if len(set(refs)) == 1 else 'name'} it.",
            f"correct the port by an override in gke2eks.yaml, or add it to {to}.",
            *dict.fromkeys(refs),
            because=f"it has {few(map(_shown, has[to])) or 'none'}; what is sent there gets no answer.",
        )
    for (to, port), refs in unseen.items():
        fix = f"grant list on services, or look yourself: kubectl get service -n {to.namespace} {to.name}"
        yield unknown(PORTS, f"Whether {to} on the target has the port {port}.", whys[to], fix, *dict.fromkeys(refs))


def _asked(obj: Object, one: Reference) -> Port | None:
    """The port that stands beside the name of a Service."""
    beside = get(obj.body, one.field[:-1])
    if not isinstance(beside, Mapping):
        return None
    port = beside.get("port", beside.get("servicePort", _DEFAULTS.get(one.kind)))
    if isinstance(port, Mapping):
        port = port.get("name") or port.get("number")
    return port if isinstance(port, (int, str)) else None


def _has(ports: tuple[Body, ...], wanted: Port) -> bool:
    return any(wanted in (port.get("port"), port.get("name")) for port in ports)


def _shown(port: Body) -> str:
    return f"{port.get('name')} ({port.get('port')})" if port.get("name") else str(port.get("port"))


def _of_containers(there: There) -> Iterator[Check]:
    fine: list[Ref] = []
    for obj in there.objects:
        is_service = (obj.ref.group, obj.ref.kind) == ("", "Service")
        said = list(_targets(there, obj) if is_service else _probes(obj))
        if said and all(one is None for one in said):
            fine.append(obj.ref)
        yield from (one for one in said if one is not None)
    if fine:
        yield passed(NAMED, "The ports of containers that go by a name are there.", *fine)


def _targets(there: There, service: Object) -> Iterator[Check | None]:
    wanted = {port["targetPort"]: port for port in _maps(service.spec.get("ports")) if _is_name(port.get("targetPort"))}
    behind = [obj for chosen in chosen_by(service) for obj in there.wearing(chosen)[0]] if wanted else []
    for name, port in wanted.items() if behind else ():
        protocol = port.get("protocol") or "TCP"
        names = {key for obj in behind for container in _containers(obj) for key in _names(container, protocol)}
        if name in names:
            yield None
            continue
        yield finding(
            NAMED,
            f"{service.ref} leads to the port {name}, and no pod behind it has a port of that name.",
            "correct targetPort, or name the port in the pods, by an override in gke2eks.yaml.",
            service.ref,
            *(obj.ref for obj in behind if obj.ref in there.going.steps),
            because=f"the ports of {counted(obj.ref for obj in behind)} are called {few(sorted(names)) or 'nothing'}; "
            f"nothing answers at port {port.get('port')}.",
        )


def _probes(obj: Object) -> Iterator[Check | None]:
    for container in _containers(obj):
        handlers = [container.get(name) for name in _PROBES]
        hooks = container.get("lifecycle")
        handlers += [hooks.get("postStart"), hooks.get("preStop")] if isinstance(hooks, Mapping) else []
        for handler in handlers:
            for way in ("httpGet", "tcpSocket"):
                port = get(handler, Path((way, "port"))) if isinstance(handler, Mapping) else MISSING
                if not _is_name(port):
                    continue
                if port in _names(container):
                    yield None
                    continue
                yield finding(
                    NAMED,
                    f"A probe or hook of container {container.get('name')} of {obj.ref} asks the port {port}, and the "
                    f"container has no port of that name.",
                    "correct the port, or name it in the container, by an override in gke2eks.yaml.",
                    obj.ref,
                    because="the probe never succeeds.",
                )


def _containers(obj: Object) -> Iterator[Body]:
    pod = pod_of(obj)
    for name in CONTAINERS if pod else ():
        yield from _maps(pod[1].get(name)) if pod else ()


def _names(container: Body, protocol: str = "") -> set[str]:
    ports = _maps(container.get("ports"))
    return {
        str(port["name"])
        for port in ports
        if port.get("name") and (not protocol or (port.get("protocol") or "TCP") == protocol)
    }


def _is_name(port: Any) -> bool:
    return isinstance(port, str) and not port.isdigit()


def _maps(value: Any) -> list[Body]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
