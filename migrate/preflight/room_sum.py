"""Room for all pods together: on the nodes that are there, and within the limits of NodePools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from migrate.model.checks import Check, finding, passed, unknown
from migrate.model.ref import Ref
from migrate.preflight.pods_wanted import Wanted
from migrate.preflight.pools import Pool
from migrate.preflight.requests import requested
from migrate.preflight.room_nodes import Land, more_nodes, packed
from migrate.preflight.room_volumes import Volumes
from migrate.semantics.quantities import listed, plus, times

_SUM, _LIMIT = "PRE091", "PRE097"


class _Place(Protocol):
    @property
    def pools(self) -> tuple[Pool, ...]: ...


def sums(wanted: Sequence[Wanted], places: Mapping[Ref, _Place], where: Land, volumes: Volumes) -> Iterator[Check]:
    """Judge the pods that come to what runs there: as many as are planned, then as many as autoscalers may want."""
    refs = tuple(one.ref for one in wanted)
    if not refs:
        return
    if where.pods_why:
        what = f"whether the nodes have room for all pods of {len(refs)} workloads"
        yield unknown(_SUM, what, where.pods_why, "let the caller list pods, or look by hand.", *refs)
        return
    new = {one.ref: one.new for one in wanted}
    found = list(_judged(wanted, new, places, where, volumes, ""))
    most = {one.ref: max(one.most - one.here, one.new) for one in wanted}
    if not found and most != new:
        found = list(_judged(wanted, most, places, where, volumes, " once autoscalers go to their maximum"))
    yield from found
    if not found:
        yield passed(_SUM, f"there is room for {_pods(sum(new.values()))} to come", *refs)


def _judged(
    wanted: Sequence[Wanted],
    counts: Mapping[Ref, int],
    places: Mapping[Ref, _Place],
    where: Land,
    volumes: Volumes,
    when: str,
) -> Iterator[Check]:
    out = packed(wanted, counts, where.nodes, where.free, volumes.terms)
    yield from _nodes(wanted, {ref: n for ref, n in out.items() if not places[ref].pools}, where, volumes, when)
    yield from _pools(wanted, {ref: n for ref, n in out.items() if places[ref].pools}, places, when)


def _nodes(
    wanted: Sequence[Wanted], out: Mapping[Ref, int], where: Land, volumes: Volumes, when: str
) -> Iterator[Check]:
    if not out:
        return
    count, asked = sum(out.values()), _asked(wanted, out)
    message = f"{_pods(count)} of {len(out)} workloads find no room on the nodes that are there{when}: {asked}."
    more, like = more_nodes(wanted, out, where, volumes.terms)
    kind = (like.instance or f"the size of {like.name}") if like else ""
    fix = f"add about {more} more nodes of {kind}." if like else "add nodes, of several kinds."
    fix = fix.replace("about 1 more nodes", "about 1 more node")
    because = "their node group has to grow, by hand or by cluster-autoscaler" if not where.scaler else ""
    because = because or "cluster-autoscaler has to add nodes; see that its groups may grow so far"
    yield finding(_SUM, message, fix, *sorted(out), because=because)


def _pools(
    wanted: Sequence[Wanted], out: Mapping[Ref, int], places: Mapping[Ref, _Place], when: str
) -> Iterator[Check]:
    """What no node holds, the pools that take it together must have left within their limits."""
    groups: dict[tuple[Ref, ...], dict[Ref, int]] = {}
    for ref, count in out.items():
        groups.setdefault(tuple(pool.ref for pool in places[ref].pools), {})[ref] = count
    for names, these in sorted(groups.items()):
        pools = {pool.ref: pool for ref in these for pool in places[ref].pools}
        need = _sum(wanted, these)
        bound = [name for name in need if all(name in pool.left for pool in pools.values())]
        left = {name: sum((pool.left[name] for pool in pools.values()), Fraction(0)) for name in bound}
        short = [name for name in bound if need[name] > left[name]]
        if short:
            which = ", ".join(ref.name for ref in names)
            message = (
                f"The limits of NodePool {which} leave {listed(left, short)}, and "
                f"{_pods(sum(these.values()))} that find no room on nodes{when} ask for {listed(need, short)}."
            )
            fix = f"raise spec.limits: kubectl edit nodepool {names[0].name}"
            yield finding(_LIMIT, message, fix, *names, *sorted(these))


def _sum(wanted: Sequence[Wanted], counts: Mapping[Ref, int]) -> dict[str, Fraction]:
    return plus(*(times(requested(one.spec), counts[one.ref]) for one in wanted if one.ref in counts))


def _asked(wanted: Sequence[Wanted], counts: Mapping[Ref, int]) -> str:
    return listed(_sum(wanted, counts)) or "they ask for nothing but a place among the node's pods"


def _pods(count: int) -> str:
    return "1 pod" if count == 1 else f"{count} pods"
