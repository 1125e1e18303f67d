"""Is there a node for every pod, or a NodePool that makes one; is there room for all of them; are volumes in reach?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.ref import Ref
from migrate.preflight.placement import holds, one_pod, why_not
from migrate.preflight.pods_wanted import Wanted, pods_wanted
from migrate.preflight.pools import ARCH, Pool, architectures, gives
from migrate.preflight.pools import why_not as why_no_pool
from migrate.preflight.requests import extended, requested
from migrate.preflight.room_nodes import Land, land
from migrate.preflight.room_sum import sums
from migrate.preflight.room_volumes import Terms, Volumes, volumes_of
from migrate.semantics.going import Going

_FITS, _POOLS, _DAEMON, _DEVICE, _ARCH, _ZONE = "PRE090", "PRE092", "PRE093", "PRE094", "PRE095", "PRE096"
_ALLOW = "let the caller list {}, or look by hand."
_UP_FROM_ZERO = "Only nodes that are there can be seen: a node group that may grow from 0 might have what is wanted."


@dataclass(frozen=True, slots=True)
class Place:
    """Where pods of a workload may run: on nodes that are there, or on some that a pool makes; or `why` nowhere."""

    one: Wanted
    nodes: tuple[str, ...] = ()
    pools: tuple[Pool, ...] = ()
    why: str = ""
    volume: bool = False
    device: str = ""


@dataclass(slots=True)
class _Groups:
    """Workloads that share a reason."""

    found: dict[tuple[str, str], list[Ref]] = field(default_factory=dict)

    def add(self, kind: str, why: str, ref: Ref) -> None:
        self.found.setdefault((kind, why), []).append(ref)


def checks(going: Going, seen: Seen) -> Iterator[Check]:
    """Judge every pod of what goes."""
    wanted = [one for one in pods_wanted(going, seen) if one.count or one.everywhere]
    volumes = volumes_of(going, seen, {one.ref: one.spec for one in wanted})
    if not wanted and not volumes.placed:
        return
    where = land(going, seen, wanted)
    refs = tuple(one.ref for one in wanted)
    if where.nodes_why and not where.pools:
        because = where.nodes_why
        yield unknown(_FITS, f"whether a node takes the pods of {_workloads(refs)}", because, _allow("nodes"), *refs)
        return
    if not where.nodes and not where.pools and not where.pools_why:
        message = f"The target has no node, and nothing that makes one: {_workloads(refs)} would wait."
        yield finding(_FITS, message, "add a node group, or a NodePool.", *refs, severity=_weight(where))
        return
    places = {one.ref: place_of(one, where, volumes) for one in wanted if not one.everywhere}
    yield from _nowhere(places.values(), where, going)
    yield from _daemon_sets([one for one in wanted if one.everywhere], where)
    yield from _volumes(volumes, where)
    yield from _architectures(places.values(), where)
    yield from sums([place.one for place in places.values() if place.nodes or place.pools], places, where, volumes)


def place_of(one: Wanted, where: Land, volumes: Volumes) -> Place:
    """Judge one workload: may each of its pods, alone, run somewhere?"""
    held, asks = tuple(volumes.terms.get(one.ref, {}).values()), one_pod(one.spec)
    whys = {node.name: why_not(one.spec, asks, node, where.empty[node.name], held) for node in where.nodes}
    on = tuple(name for name, why in whys.items() if not why)
    from_pools = {pool.ref.name: why_no_pool(one.spec, pool, held) for pool in where.pools}
    fit = tuple(pool for pool in where.pools if not from_pools[pool.ref.name])
    if on or fit:
        return Place(one, on, fit)
    free = any(not why_not(one.spec, asks, node, where.empty[node.name]) for node in where.nodes)
    free = free or any(not why_no_pool(one.spec, pool) for pool in where.pools)
    device = next((name for name in extended(requested(one.spec)) if _nobody_has(name, where)), "")
    reasons = [*_counted(whys.values(), "node"), *_counted(from_pools.values(), "NodePool")]
    return Place(one, why="; ".join(reasons), volume=bool(held) and free, device=device)


def _nobody_has(resource: str, where: Land) -> bool:
    has = any(node.room.get(resource) for node in where.nodes)
    return not has and all(gives(pool, resource) is False for pool in where.pools)


def _unclear(resource: str, these: Iterable[Pool]) -> bool:
    said = [gives(pool, resource) for pool in these]
    return bool(said) and True not in said


def _counted(whys: Iterable[str], what: str) -> list[str]:
    """The three commonest reasons, with how many nodes or pools have it."""
    found = Counter(whys).most_common()
    parts = [f"{count} {what}{'s' if count > 1 else ''}: {why}" for why, count in found[:3]]
    rest = sum(count for _, count in found[3:])
    return [*parts, f"{rest} more {what}s: other reasons"] if rest else parts


def _nowhere(places: Iterable[Place], where: Land, going: Going) -> Iterator[Check]:
    groups, fine = _Groups(), []
    for place in places:
        kind = _ZONE if place.volume else _DEVICE if place.device else _POOLS if where.pools else _FITS
        unclear = [] if place.nodes else [n for n in extended(requested(place.one.spec)) if _unclear(n, place.pools)]
        if unclear:
            what = f"whether a NodePool makes nodes with {', '.join(unclear)} for {place.one.ref}"
            because = "a NodePool does not say which devices its machines have"
            yield unknown(_DEVICE, what, because, "look which instance types it allows.", place.one.ref)
        elif place.nodes or place.pools:
            fine.append(place.one.ref)
        else:
            groups.add(kind, place.device if kind == _DEVICE else place.why, place.one.ref)
    for (kind, why), refs in sorted(groups.found.items()):
        if where.pools_why or where.nodes_why:
            because, which = where.pools_why or where.nodes_why, "nodepools" if where.pools_why else "nodes"
            what = f"whether anything takes the pods of {_workloads(refs)} ({why})"
            yield unknown(kind, what, because, _allow(which), *refs)
            continue
        held = sum(ref in going.held for ref in refs)
        later = f" ({held} of them held: it shows at release)" if held else ""
        remark = "" if where.pools else _UP_FROM_ZERO
        if kind == _DEVICE:
            message = f"No node of the target gives {why}, which {_workloads(refs)} ask{_s(refs)} for{later}."
            fix = f"add nodes that have it, and the device plugin that announces {why}."
        elif kind == _ZONE:
            message = f"The volumes of {_workloads(refs)} are where no node is that takes the pods{later}: {why}."
            fix = "add nodes in that zone, or restore the volume in a zone that has nodes."
        else:
            message = f"No node takes the pods of {_workloads(refs)}{later}: {why}."
            fix = "add nodes or a NodePool that fit, or change what the pods ask for by an override."
        yield finding(kind, message, fix, *refs, because=remark, severity=_weight(where))
    if fine:
        yield passed(_FITS, f"a node takes the pods of {_workloads(fine)}", *fine)


def _daemon_sets(these: Iterable[Wanted], where: Land) -> Iterator[Check]:
    """A DaemonSet without a node is no failure; on a full node its pod waits."""
    fine, none, full = [], [], {}
    for one in these if not where.nodes_why else ():
        # `empty` has what the DaemonSet itself takes gone from it already.
        whys = [(node, why_not(one.spec, one_pod(one.spec), node, node.room)) for node in where.nodes]
        takes = [node for node, why in whys if not why]
        short = [node.name for node in takes if any(where.free[node.name].get(n, 0) < 0 for n in _asks(one))]
        if short:
            full[one.ref] = short
        elif takes or where.pools:
            fine.append(one.ref)
        else:
            none.append(one.ref)
    for ref, names in sorted(full.items()):
        message = f"{len(names)} nodes have no room left for the pod of {ref}: {', '.join(names[:3])}."
        fix = "make room on these nodes, or give it a priority class that lets it push others out."
        yield finding(_DAEMON, message, fix, ref)
    if none:
        message = f"No node of the target takes a pod of {_workloads(none)}: nothing of it would run."
        yield finding(
            _DAEMON, message, "nothing, if such nodes are still to come; else look at what it selects.", *none
        )
    if fine:
        yield passed(_DAEMON, f"nodes take the pods of {_workloads(fine)}", *fine)


def _asks(one: Wanted) -> list[str]:
    return [name for name, value in requested(one.spec).items() if value] + ["pods"]


def _volumes(volumes: Volumes, where: Land) -> Iterator[Check]:
    if volumes.why:
        refs = sorted(volumes.terms)
        what = "where the volumes of claims are"
        yield unknown(_ZONE, what, volumes.why, _allow("claims, volumes and classes"), *refs)
    if where.nodes_why:
        return
    fine = []
    for ref, terms in volumes.placed.items():
        if _reached(terms, where):
            fine.append(ref)
            continue
        zones = sorted({str(node.labels.get("topology.kubernetes.io/zone")) for node in where.nodes})
        message = f"{ref} is where the target has no node; its nodes are in {', '.join(zones) or 'no zone'}."
        yield finding(_ZONE, message, "add nodes in its zone.", ref, severity=_weight(where))
    if fine:
        yield passed(_ZONE, f"nodes can reach {len(fine)} PersistentVolumes", *fine)


def _reached(terms: Terms, where: Land) -> bool:
    if any(holds(term, node.labels, node.name) for term in terms for node in where.nodes):
        return True
    anyone = {"tolerations": [{"operator": "Exists"}]}
    return any(not why_no_pool(anyone, pool, [terms]) for pool in where.pools)


def _architectures(places: Iterable[Place], where: Land) -> Iterator[Check]:
    """Nobody knows for which machines an image was built; most are for amd64 only."""
    by_name = {node.name: node for node in where.nodes}
    mixed: dict[bool, list[Ref]] = {}
    for place in places:
        kinds = {str(by_name[name].labels.get(ARCH)) for name in place.nodes}
        kinds |= {one for pool in place.pools for one in architectures(pool)}
        if "arm64" in kinds and not _says_arch(place.one):
            mixed.setdefault("amd64" in kinds, []).append(place.one.ref)
    for both, refs in sorted(mixed.items()):
        only = "may run on arm64 nodes as well as on amd64" if both else "can only run on arm64 nodes"
        message = f"{_workloads(refs)} {only}, and nobody looked whether the images are built for that."
        fix = f"select {ARCH}=amd64 by an override, or see that the images are built for arm64."
        yield finding(_ARCH, message, fix, *refs)


def _says_arch(one: Wanted) -> bool:
    return ARCH in str(one.spec.get("nodeSelector")) or ARCH in str(one.spec.get("affinity"))


def _weight(where: Land) -> Severity:
    """What a cluster-autoscaler could add from nothing, the API does not show: it may be well."""
    return Severity.REVIEW if where.scaler and not where.pools else Severity.BLOCKER


def _allow(what: str) -> str:
    return _ALLOW.format(what)


def _s(refs: Iterable[Ref]) -> str:
    return "s" if len(list(refs)) == 1 else ""


def _workloads(refs: Iterable[Ref]) -> str:
    names = [str(ref) for ref in refs]
    return names[0] if len(names) == 1 else f"{len(names)} workloads"
