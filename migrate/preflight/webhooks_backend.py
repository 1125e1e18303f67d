"""Who answers behind a webhook, an APIService or a conversion: now, on the target, and later, in what goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from migrate.model.checks import Seen
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.preflight.references_there import There, chosen_by

_SLICES = ("discovery.k8s.io", "EndpointSlice")
_SERVICE_OF = "kubernetes.io/service-name"


class State(Enum):
    """ANSWERS on the target. COMES: with the plan. NOBODY. UNKNOWN: could not look."""

    ANSWERS = "answers"
    COMES = "comes"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Backend:
    """`what` names it; `why` says why nobody answers, or why nobody could look; `behind` are workloads that go."""

    state: State
    what: str
    why: str = ""
    fix: str = ""
    behind: tuple[Ref, ...] = ()


def backend(there: There, client: Body) -> Backend:
    """Judge a clientConfig of a webhook, or the {service: …} of an APIService."""
    service = client.get("service")
    if not isinstance(service, Mapping):
        host = urlsplit(str(client.get("url") or "")).hostname or "an address"
        return Backend(State.UNKNOWN, host, f"it is called at {host}, not through a Service")
    ref = Ref("", "Service", str(service.get("namespace")), str(service.get("name")))
    port = service.get("port") or 443
    behind = _behind(there, ref)
    now = _now(there, ref, port, behind)
    comes = behind and now.state is State.NOBODY
    return replace(now, state=State.COMES if comes else now.state, behind=behind)


def _behind(there: There, ref: Ref) -> tuple[Ref, ...]:
    """The workloads that go and stand behind a Service, wherever the Service itself is; or endpoints that go."""
    found = there.find(ref)
    service = found.planned or found.live
    if service is None:
        return ()
    endpoints = [
        obj.ref
        for obj in there.objects
        if obj.ref.namespace == ref.namespace
        and ((obj.ref.kind == "Endpoints" and obj.ref.name == ref.name) or _is_of(obj, ref))
    ]
    return (*(obj.ref for chosen in chosen_by(service) for obj in there.graph.find(chosen)), *endpoints)


def _now(there: There, ref: Ref, port: Any, behind: tuple[Ref, ...]) -> Backend:
    shown = there.live(ref)
    if shown.live is None:
        if shown.why:
            return Backend(State.UNKNOWN, str(ref), shown.why)
        if there.find(ref).planned is None:
            why, fix = there.absent(ref, shown)
            return Backend(State.NOBODY, str(ref), why or f"{ref} neither goes nor is on the target", fix)
        if behind:
            return Backend(State.NOBODY, str(ref), f"{ref} is not on the target yet")
        out = [one for c in chosen_by(there.graph.find(ref)[0]) for one in there.wearing_left_out(c)]
        why, fix = there.absent(out[0], shown) if out else ("", "")
        return Backend(State.NOBODY, str(ref), why or f"nothing that goes stands behind {ref}", fix)
    if shown.live.spec.get("type") == "ExternalName":
        return Backend(State.UNKNOWN, str(ref), f"{ref} is another name for a host")
    if not any(port == one.get("port") for one in there.ports(shown)):
        return Backend(State.NOBODY, str(ref), f"{ref} on the target has no port {port}")
    return _endpoints(there.seen, ref)


def _endpoints(seen: Seen, ref: Ref) -> Backend:
    slices = seen.of(*_SLICES)
    if slices.why:
        return Backend(State.UNKNOWN, str(ref), slices.why)
    of_it = (body for where, body in slices.bodies.items() if _is_of(Object(where, body), ref))
    for one in of_it:
        for endpoint in one.get("endpoints") or ():
            # What says nothing of its readiness counts as ready.
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                return Backend(State.ANSWERS, str(ref))
    return Backend(State.NOBODY, str(ref), f"{ref} on the target has no endpoint that is ready")


def _is_of(obj: Object, ref: Ref) -> bool:
    same = (obj.ref.group, obj.ref.kind) == _SLICES and obj.ref.namespace == ref.namespace
    return same and obj.labels.get(_SERVICE_OF) == ref.name
