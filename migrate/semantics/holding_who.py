"""Which objects of a plan arrive held, and why: what the plan marks, and what would wake it or wait for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from migrate.manifest.places import get
from migrate.manifest.pods import pod_template
from migrate.model.labels import hold as selects
from migrate.model.labels import of_map
from migrate.model.objects import Body, Object
from migrate.model.path import P
from migrate.model.plan import Step
from migrate.model.ref import Ref
from migrate.semantics.holding import WEBHOOKS, hold, kind_of
from migrate.semantics.holding_scaling import target_of
from migrate.semantics.running import HELD, WORKLOADS

_ALL = "everything is held"
_CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")
_API = ("apiregistration.k8s.io", "APIService")
_CLIENT = P("spec", "conversion", "webhook", "clientConfig", "service")
_SCALED_JOB = ("keda.sh", "ScaledJob")
_BOTH_SIDES = "KEDA would start Jobs for it by work that waits outside of the cluster; so does the source"


def waiting(steps: Iterable[Step], *, everything: bool = False) -> Mapping[Ref, str]:
    """{ref: a clause that says why} of each object that arrives held. `everything` is `apply --hold`.

    How it is held, hold() says; an object here for which it says None is inert as it is.
    """
    bodies = {step.ref: step.body for step in steps if step.body is not None}
    found = {step.ref: step.runs_because for step in steps if step.runs == HELD and step.ref in bodies}
    # The plan says nothing of ScaledJobs; each side would start Jobs for the same work.
    found |= {ref: _BOTH_SIDES for ref in bodies if (ref.group, ref.kind) == _SCALED_JOB}
    if everything:
        found |= {ref: _ALL for ref in bodies if (ref.group, ref.kind) in WORKLOADS and ref not in found}
    found |= _wakers(bodies, found)
    behind = _behind(bodies, found)
    converted = converted_kinds(bodies.values(), None if everything else behind)
    for ref, body in bodies.items():
        kind = (ref.group, ref.kind)
        if kind in converted:
            found[ref] = converted[kind]
        elif kind in WEBHOOKS or (kind == _API and hold(body) is not None):
            why = [_ALL] if everything else [behind[one] for one in backends(body) if one in behind]
            found |= {ref: why[0]} if why else {}
    return found


def held_with(steps: Iterable[Step], why: Mapping[Ref, str]) -> Mapping[Ref, str]:
    """{ref: why} of what arrives held besides what the plan marks, when the objects of `why` do: these, and what would
    wake them or wait for them in vain."""
    if not why:
        return {}
    steps = tuple(steps)
    marked = [
        replace(one, runs=HELD, runs_because=why[one.ref]) if one.ref in why and one.runs != HELD else one
        for one in steps
    ]
    before = waiting(steps)
    return {ref: words for ref, words in waiting(marked).items() if ref not in before}


def _wakers(bodies: Mapping[Ref, Body], held: Mapping[Ref, str]) -> dict[Ref, str]:
    """Autoscalers that would start what is held; one that takes 0 replicas for off would not."""
    found = {}
    for ref, body in bodies.items():
        target = target_of(body)
        if target and Ref(*target) in held and hold(body) is not None:
            found[ref] = f"it would start {Ref(*target).short}, which is held"
    return found


def converted_kinds(
    bodies: Iterable[Body], behind: Mapping[tuple[str, str], str] | None
) -> Mapping[tuple[str, str], str]:
    """{(group, kind): why} of custom kinds whose conversion webhook has a held backend; None: every one has."""
    found = {}
    for body in bodies:
        if kind_of(body) != _CRD or get(body, P("spec", "conversion", "strategy")) != "Webhook":
            continue
        service = _service(get(body, _CLIENT))
        why = _ALL if behind is None else behind.get(service, "") if service else ""
        if why:
            found[str(get(body, P("spec", "group"))), str(get(body, P("spec", "names", "kind")))] = why
    return found


def backends(body: Body) -> tuple[tuple[str, str], ...]:
    """(namespace, name) of each Service that answers for a webhook configuration, an APIService or a definition."""
    hooks = get(body, P("webhooks"))
    places = [get(one, P("clientConfig", "service")) for one in (hooks if isinstance(hooks, list) else ())]
    places += [get(body, P("spec", "service"))] if kind_of(body) == _API else []
    places += [get(body, _CLIENT)] if kind_of(body) == _CRD else []
    return tuple(dict.fromkeys(found for found in map(_service, places) if found))


def _service(said: Any) -> tuple[str, str] | None:
    return (str(said.get("namespace")), str(said.get("name"))) if isinstance(said, Mapping) else None


def _behind(bodies: Mapping[Ref, Body], held: Mapping[Ref, str]) -> Mapping[tuple[str, str], str]:
    """{(namespace, name): why} of Services in this plan that lead to held workloads and to no other."""
    found = {}
    for namespace, name in {service for body in bodies.values() for service in backends(body)}:
        selector = get(bodies.get(Ref("", "Service", namespace, name)), P("spec", "selector"))
        led_to = list(_led_to(namespace, selector, bodies)) if isinstance(selector, Mapping) and selector else []
        if led_to and all(one in held for one in led_to):
            found[namespace, name] = f"its backend {min(led_to)} is held"
    return found


def _led_to(namespace: str, selector: Mapping[str, Any], bodies: Mapping[Ref, Body]) -> Iterator[Ref]:
    for ref, body in bodies.items():
        if ref.namespace == namespace and (ref.group, ref.kind) in WORKLOADS:
            pod = pod_template(Object(ref, body))
            if pod and selects(of_map(selector), pod.labels):
                yield ref
