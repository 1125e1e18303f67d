"""Who waits for whose readiness: only along references, and never for what is written later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.references import Chosen, Defined, Graph, references
from migrate.manifest.references.everywhere import made_at_run_time
from migrate.manifest.waves import wave_of
from migrate.model.objects import Object
from migrate.model.plan import Fate, Plan
from migrate.model.ref import Ref
from migrate.semantics.controllers import controllers

# Edges that do not wait although they lead to something earlier, or beside it; each with its reason.
_NO_GATE = frozenset(
    {
        "pods of a network policy",  # it only says who may be reached
        "pods of a Service",  # it waits for nobody: who asks it decides (see _BEHIND)
        "claim of a volume",  # it may be there long before its claim
        "snapshot",  # a content may be there long before its snapshot
        "claim of a template",  # the set makes its claims itself, where they are absent
    }
)
# Who is asked at once when it is written: it waits for the pods behind the Service that it names.
_BEHIND = frozenset(
    {
        "MutatingWebhookConfiguration.admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
        "APIService.apiregistration.k8s.io",
    }
)
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_DEFINITION, _API = "CustomResourceDefinition", "APIService"


@dataclass(frozen=True, slots=True)
class Broken:
    """An edge that was cut, because its objects wait for each other: `ref` does not wait for `to`."""

    ref: Ref
    to: Ref
    ring: tuple[Ref, ...]

    def __str__(self) -> str:
        around = " → ".join(str(one) for one in (*self.ring, self.ring[0]))
        return f"These wait for each other: {around}. {self.ref} is written without waiting for {self.to}."


@dataclass(frozen=True, slots=True)
class Gates:
    """`waits`: {ref: {refs it waits for: as what}}, of objects that wait for something; `broken`: cycles."""

    waits: Mapping[Ref, Mapping[Ref, str]]
    broken: tuple[Broken, ...]

    def stopped_by(self, stopped: Iterable[Ref]) -> Mapping[Ref, Ref]:
        """{ref: the one of `stopped` that it would only wait for}, however far away; those themselves not among it."""
        behind: dict[Ref, list[Ref]] = {}
        for ref, waits in self.waits.items():
            for to in waits:
                behind.setdefault(to, []).append(ref)
        given = set(stopped)
        found: dict[Ref, Ref] = {}
        for root in sorted(given):
            queue = [root]
            while queue:
                for ref in sorted(behind.get(queue.pop(), ())):
                    if ref not in given and ref not in found:
                        found[ref] = root
                        queue.append(ref)
        return found


_last: list[tuple[Plan, Gates]] = []


def gates(plan: Plan) -> Gates:
    """Find who waits for whom among the objects with a body, and on objects that a person moves by hand.

    A run asks several times of the same plan, and the last answer is kept.
    """
    kept = _last[:1]
    if not kept or kept[0][0] is not plan:
        kept = [(plan, _found(plan))]
        _last[:] = kept
    return kept[0][1]


def _found(plan: Plan) -> Gates:
    objects = tuple(Object(step.ref, step.body) for step in plan.steps if step.body is not None)
    by_hand = frozenset(step.ref for step in plan.steps if step.fate is Fate.MANUAL)
    edges: dict[tuple[Ref, Ref], tuple[bool, str]] = {}
    for ref, to, kind, optional in _edges(objects, by_hand):
        if ref != to and wave_of(to) <= wave_of(ref):
            edges[ref, to] = min(edges.get((ref, to), (True, "~")), (optional, kind))
    waits: dict[Ref, dict[Ref, str]] = {}
    broken: list[Broken] = []
    # What may be absent is cut first. A ring stays within a wave: across waves all edges lead to what is earlier.
    for (ref, to), (_, kind) in sorted(edges.items(), key=lambda one: (one[1][0], one[0])):
        ring = _way(waits, to, ref) if wave_of(to) == wave_of(ref) else ()
        if ring:
            broken.append(Broken(ref, to, (ref, *ring[:-1])))
        else:
            waits.setdefault(ref, {})[to] = kind
    return Gates({ref: dict(sorted(waits[ref].items())) for ref in sorted(waits)}, tuple(broken))


def _way(waits: Mapping[Ref, Mapping[Ref, str]], start: Ref, end: Ref) -> tuple[Ref, ...]:
    """A way along the edges so far, both ends included, within one wave; () when there is none."""
    came: dict[Ref, Ref | None] = {start: None}
    queue = [start]
    for here in queue:
        if here == end:
            way = [here]
            while (before := came[way[-1]]) is not None:
                way.append(before)
            return tuple(reversed(way))
        for near in sorted(waits.get(here, ())):
            if near not in came and wave_of(near) == wave_of(end):
                came[near] = here
                queue.append(near)
    return ()


Edge = tuple[Ref, Ref, str, bool]


def _edges(objects: tuple[Object, ...], by_hand: frozenset[Ref]) -> Iterator[Edge]:
    graph = Graph(objects)
    beyond = _Beyond(objects, graph)
    for obj in objects:
        for one in references(obj):
            if one.kind in _NO_GATE:
                continue
            found = [near.ref for near in graph.find(one.to)]
            found += [one.to] if isinstance(one.to, Ref) and one.to in by_hand else []
            yield from ((obj.ref, to, one.kind, one.optional) for to in found)
            if f"{obj.ref.kind}.{obj.ref.group}" in _BEHIND:
                yield from ((obj.ref, to, "pods behind its Service", False) for to in _pods(graph, found))
            if isinstance(one.to, Defined):
                yield from beyond.of(obj, (one.to.group, one.to.kind))


def _pods(graph: Graph, services: Iterable[Ref]) -> Iterator[Ref]:
    """The workloads behind Services."""
    for ref in services:
        for service in graph.find(ref) if ref.kind == "Service" else ():
            for one in references(service):
                if isinstance(one.to, Chosen):
                    yield from (near.ref for near in graph.find(one.to))


class _Beyond:
    """What a custom resource needs that it does not name: who runs, checks, converts or serves its kind."""

    def __init__(self, objects: tuple[Object, ...], graph: Graph) -> None:
        self._graph = graph
        self._controllers = controllers(objects)
        self._webhooks: dict[str, set[Ref]] = {}
        self._served: dict[str, set[Ref]] = {}
        for obj in objects:
            if obj.ref.kind in _WEBHOOKS:
                for group in _groups(obj):
                    self._webhooks.setdefault(group, set()).add(obj.ref)
            elif obj.ref.kind == _API:
                self._served.setdefault(str(obj.spec.get("group")), set()).add(obj.ref)

    def of(self, obj: Object, kind: tuple[str, str]) -> Iterator[Edge]:
        makes = made_at_run_time((obj,))
        for ref in self._controllers.get(kind, ()):
            # An operator may start with a Secret that it, or another, makes from this very object.
            if not makes or not any(one.to in makes for near in self._graph.find(ref) for one in references(near)):
                yield obj.ref, ref, "controller", False
        yield from ((obj.ref, ref, "webhook of its kind", False) for ref in self._webhooks.get(kind[0], ()))
        yield from ((obj.ref, ref, "server of its kind", False) for ref in self._served.get(kind[0], ()))
        for definition in self._graph.find(Defined(*kind)):
            for one in references(definition):
                if one.kind == "webhook":
                    yield from (
                        (obj.ref, to, "conversion of its kind", False)
                        for to in _pods(self._graph, [near.ref for near in self._graph.find(one.to)])
                    )


def _groups(webhooks: Object) -> Iterator[str]:
    """The groups that webhooks name, and that wait in vain without them. '*' names none."""
    for webhook in _list(webhooks.body.get("webhooks")):
        for rule in _list(webhook.get("rules")) if isinstance(webhook, Mapping) else ():
            for group in _list(rule.get("apiGroups")) if isinstance(rule, Mapping) else ():
                if isinstance(group, str):
                    yield group


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
