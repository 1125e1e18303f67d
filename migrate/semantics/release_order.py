"""The order of a release: backends of webhooks first, then the webhooks, then the pods that they change or check."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.semantics.gates import Gates
from migrate.semantics.holding import WEBHOOKS, kind_of
from migrate.semantics.running import WORKLOADS


def release_waits(gates: Gates, bodies: Mapping[Ref, Body], released: Collection[Ref]) -> Mapping[Ref, frozenset[Ref]]:
    """{ref: those of `released` that must be ready, or at least made, before it}.

    An apply writes webhooks last, because their backends come first. At a release the backends can come first alone,
    so that no other pod starts without what a webhook adds to pods.
    """
    waits = {ref: {to for to in gates.waits.get(ref, ()) if to in released} for ref in released}
    hooks = [ref for ref in released if kind_of(bodies[ref]) in WEBHOOKS and _asks_for_pods(bodies[ref])]
    before = _all_before(hooks, waits)
    for ref in released:
        if (ref.group, ref.kind) in WORKLOADS and ref not in before:
            waits[ref] |= set(hooks)
    return {ref: frozenset(tos) for ref, tos in waits.items() if tos}


def _all_before(refs: Iterable[Ref], waits: Mapping[Ref, Collection[Ref]]) -> set[Ref]:
    found, queue = set(), list(refs)
    while queue:
        for to in waits.get(queue.pop(), ()):
            if to not in found:
                found.add(to)
                queue.append(to)
    return found


def _asks_for_pods(webhooks: Body) -> bool:
    found = get(webhooks, P("webhooks"))
    rules = [rule for one in _list(found) for rule in _list(get(one, P("rules")))]
    return any(
        {"pods", "*", "pods/*", "*/*"} & set(map(str, _list(get(rule, P("resources")))))
        and {"", "*"} & set(map(str, _list(get(rule, P("apiGroups")))))
        for rule in rules
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
