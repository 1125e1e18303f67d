"""What apply and release send for one object, as requests in order: pure, and right again after a kill between two.

Each request is right for the live object that was read. After a conflict or an unknown result the caller reads the
object again and asks again; what is left to do is then computed from what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import drop, get, put
from migrate.model.objects import MISSING, Body
from migrate.model.path import P, Path
from migrate.model.plan import Change
from migrate.semantics.holding import REPLICAS, SCALED, Held, State, hold, kind_of, marked, may_hold, state
from migrate.semantics.holding_scaling import HPA, Scaler, number

OURS = "gke2eks"
KEEPER = "gke2eks-replicas"  # owns replicas alone, from our hand-over until the autoscaler's first change
_DNS_RULE = "RUN002"


@dataclass(frozen=True, slots=True)
class Request:
    """One server-side apply: by which field manager, which body. Never forced."""

    manager: str
    body: Body


def arrive(
    live: Body | None, planned: Body, *, held: Held | None, scaler: Scaler | None = None, changes: Iterable[Change] = ()
) -> tuple[Request, ...]:
    """What apply sends. `held` is what holding.hold says of an object that is to wait, None for one that is not.

    Nothing at all for an object that is only made at release. What was released or runs here already is not held, and
    what is held here stays so whatever a later plan or command says: only release starts it.
    """
    released = state(live) is State.RELEASED
    if held is None and state(live) is State.HELD:
        held = hold(planned)
    if held is not None and may_hold(live):
        return (Request(OURS, held.body),) if held.body is not None else ()
    wanted = names_back(planned, changes) if released else planned
    return _running(live, marked(wanted, released=released), scaler)


def release(
    live: Body | None, planned: Body, *, scaler: Scaler | None = None, changes: Iterable[Change] = ()
) -> tuple[Request, ...]:
    """What release sends: the planned object with its replicas and names, and the mark that it was released.

    `live` None is an object that was held by not being there, or that somebody deleted.
    """
    return _running(live, marked(names_back(planned, changes), released=True), scaler)


def names_back(planned: Body, changes: Iterable[Change]) -> Body:
    """Give DNS free: what rule RUN002 wrote becomes what stood there before."""
    body = planned
    for change in changes:
        if change.rule == _DNS_RULE and get(body, change.path) == change.after:
            body = _restored(body, change.path, change.before)
    return body


def _restored(body: Body, path: Path, before: Any) -> Body:
    if before is not MISSING:
        return _mapping(put(body, path, before))
    notes = get(body, path[:-1])
    alone = isinstance(notes, Mapping) and set(notes) == {path[-1]}
    return _mapping(drop(body, path[:-1] if alone else path))


def _running(live: Body | None, wanted: Body, scaler: Scaler | None) -> tuple[Request, ...]:
    """The requests after which an object runs as `wanted` says, `replicas` left to its autoscaler if it has one.

    A field that its only applier gives up goes back to its default, 1; so another manager has it before we drop it.
    """
    if scaler is None or kind_of(wanted) not in SCALED:
        return (Request(OURS, wanted),)
    without = Request(OURS, _mapping(drop(wanted, REPLICAS)))
    starts = live is None or state(live) is State.HELD
    if not starts and _owners(live) != {OURS}:
        # Ours and somebody else's, somebody else's alone, or nobody's: nothing changes when we drop it.
        return (without,)
    count = _count(live, wanted, scaler) if starts else number(get(live, REPLICAS), 1)
    first = (Request(OURS, _mapping(put(wanted, REPLICAS, count))),) if starts else ()
    return (*first, Request(KEEPER, _only_replicas(wanted, count)), without)


def _count(live: Body | None, wanted: Body, scaler: Scaler) -> int:
    """The replicas to start with: never fewer than there are, are wanted, or the autoscaler allows."""
    planned, here = number(get(wanted, REPLICAS), 1), number(get(live, REPLICAS), 0)
    if planned == 0 and not scaler.wakes:
        return here  # 0 turns an HPA off: whoever did so on the source meant it
    # From 1.36 on an HPA with minReplicas 0 wakes only what it has put to sleep itself: it must be given one to start.
    at_least = 1 if scaler.kind == HPA else 0
    return max(here, scaler.smallest, planned, at_least)


def _owners(live: Body | None) -> set[str]:
    """The field managers of `spec.replicas`; that an Update of ours wrote it counts as somebody else.

    Of an object that was read without its managers we are taken for the only one: to hand over once more does no harm.
    """
    entries = get(live, P("metadata", "managedFields"))
    if entries is MISSING:
        return {OURS}
    return {
        str(one.get("manager")) if one.get("operation") == "Apply" else f"{one.get('manager')} by Update"
        for one in (entries if isinstance(entries, list) else ())
        if get(one, P("fieldsV1", "f:spec", "f:replicas")) is not MISSING
    }


def _only_replicas(body: Body, count: int) -> Body:
    metadata = _mapping(body["metadata"])
    identity = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": identity, "spec": {"replicas": count}}


def _mapping(value: Any) -> Body:
    assert isinstance(value, Mapping)
    return value
