"""The target's nodes and NodePools, what DaemonSets take of each node, and how many pods still find a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from migrate.manifest.places import get
from migrate.manifest.pods import pod_template
from migrate.model.checks import Seen
from migrate.model.labels import hold, of_selector
from migrate.model.objects import Body, Object
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.addons import absent
from migrate.preflight.after import after, items, mapping
from migrate.preflight.placement import Node, nodes, one_pod, why_never, why_no_volume
from migrate.preflight.pods_wanted import Wanted, daemon_spec
from migrate.preflight.pools import GROUP, KIND, Pool, pools
from migrate.semantics.going import Going
from migrate.semantics.together import REQUIRED

_HOSTNAME = "kubernetes.io/hostname"
_SCALER = "cluster-autoscaler"
_MOST = 200  # more nodes than this nobody counts exactly


@dataclass(frozen=True, slots=True)
class Land:
    """Where pods may run. `empty` of a node is its room less what its DaemonSets take, there or planned; `free` also
    less the other pods that run. `scaler`: a cluster-autoscaler runs, so node groups may grow, from nothing too."""

    nodes: tuple[Node, ...]
    empty: Mapping[str, Mapping[str, int]]
    free: Mapping[str, Mapping[str, int]]
    pools: tuple[Pool, ...]
    nodes_why: str
    pools_why: str
    pods_why: str
    scaler: bool


def land(going: Going, seen: Seen, wanted: Iterable[Wanted]) -> Land:
    """Look at the target's nodes, pods, DaemonSets and pools."""
    machines, pods = after(going, seen, "", "Node"), seen.of("", "Pod")
    found = nodes(machines.live, pods.bodies.values())
    made = after(going, seen, GROUP, KIND)
    daemons = _daemons(going, seen, wanted)
    there = _started(pods.bodies.values())
    empty, free, ours = {}, {}, going.bodies
    for node in found:
        mine = {ref: spec for ref, spec in daemons.items() if not why_never(spec, node)}
        empty[node.name] = _less(node.room, mine.values())
        coming = [spec for ref, spec in mine.items() if ref in ours and (ref, node.name) not in there]
        free[node.name] = _less(node.free, coming)
    deployments = after(going, seen, "apps", "Deployment").bodies.items()
    return Land(
        found,
        empty,
        free,
        pools(made.bodies, made.live, karpenter=not absent("karpenter", going, seen)),
        machines.why,
        made.why,
        pods.why,
        any(_SCALER in ref.name or _SCALER in _images(body) for ref, body in deployments),
    )


def daemon_counts(wanted: Iterable[Wanted], going: Going, seen: Seen) -> dict[Ref, int]:
    """On how many nodes each DaemonSet of the plan starts a pod that is not there yet."""
    found, pods = after(going, seen, "", "Node"), seen.of("", "Pod")
    machines, there = nodes(found.live, ()), _started(pods.bodies.values())
    return {
        one.ref: sum(not why_never(one.spec, node) and (one.ref, node.name) not in there for node in machines)
        for one in wanted
        if one.everywhere
    }


def _daemons(going: Going, seen: Seen, wanted: Iterable[Wanted]) -> dict[Ref, Body]:
    """{DaemonSet: spec of its pods}, of the target and of the plan."""
    found: dict[Ref, Body] = {one.ref: one.spec for one in wanted if one.everywhere}
    for ref, body in after(going, seen, "apps", "DaemonSet").live.items():
        pod = pod_template(Object(ref, body))
        if ref not in found and pod is not None:
            found[ref] = daemon_spec(pod.spec)
    return found


def _started(pods: Iterable[Body]) -> frozenset[tuple[Ref, str]]:
    """(DaemonSet, node) of the pods that DaemonSets have."""
    found = set()
    for pod in pods:
        meta, node = mapping(pod.get("metadata")), get(pod, P("spec", "nodeName"))
        for owner in items(meta.get("ownerReferences")):
            if owner.get("kind") == "DaemonSet" and node:
                ref = Ref("apps", "DaemonSet", str(meta.get("namespace")), str(owner.get("name")))
                found.add((ref, str(node)))
    return frozenset(found)


def _less(room: Mapping[str, int], specs: Iterable[Body]) -> dict[str, int]:
    found = dict(room)
    for spec in specs:
        for name, value in one_pod(spec).items():
            found[name] = found.get(name, 0) - value
    return found


def _images(body: Body) -> str:
    return " ".join(str(one.get("image")) for one in items(get(body, P("spec", "template", "spec", "containers"))))


def alone(one: Wanted) -> bool:
    """Tell whether two of its pods never share a node: a port of the host, or an anti-affinity with its own labels."""
    spec = one.spec
    host = spec.get("hostNetwork") is True
    for container in items(spec.get("containers")):
        if any(port.get("hostPort") or (host and port.get("containerPort")) for port in items(container.get("ports"))):
            return True
    apart = mapping(mapping(spec.get("affinity")).get("podAntiAffinity"))
    return any(
        term.get("topologyKey") == _HOSTNAME
        and isinstance(term.get("labelSelector"), Mapping)
        and hold(of_selector(term["labelSelector"]), one.labels)
        and not term.get("namespaces")
        for term in items(apart.get(REQUIRED))
    )


def packed(
    wanted: Sequence[Wanted],
    counts: Mapping[Ref, int],
    here: Sequence[Node],
    room: Mapping[str, Mapping[str, int]],
    volumes: Mapping[Ref, Mapping[Ref, Any]],
) -> dict[Ref, int]:
    """{workload: pods that find no place}, the largest pods first, each on the first nodes that have room."""
    left = {name: dict(one) for name, one in room.items()}
    out: dict[Ref, int] = {}
    for one in sorted(wanted, key=lambda each: (_weight(each.spec), each.ref), reverse=True):
        rest, asks = counts.get(one.ref, 0), one_pod(one.spec)
        for node in here if rest else ():
            if why_never(one.spec, node) or why_no_volume(volumes.get(one.ref, {}).values(), node):
                continue
            mine = left[node.name]
            fits = max(min(mine.get(name, 0) // value for name, value in asks.items()), 0)
            taken = min(fits, rest, 1 if alone(one) else rest)
            for name, value in asks.items():
                mine[name] = mine.get(name, 0) - value * taken
            rest -= taken
            if not rest:
                break
        if rest:
            out[one.ref] = rest
    return out


def _weight(spec: Body) -> float:
    asks = one_pod(spec)
    return asks.get("cpu", 0) / 1000 + asks.get("memory", 0) / 2**32 + 1000 * any("/" in name for name in asks)


def more_nodes(
    wanted: Sequence[Wanted], counts: Mapping[Ref, int], where: Land, volumes: Mapping[Ref, Mapping[Ref, Any]]
) -> tuple[int, Node | None]:
    """How many more nodes like the roomiest of those there would hold these pods, _MOST or more being _MOST; (0, None)
    when no such node would do."""
    every = sorted(where.nodes, key=lambda node: (node.room.get("cpu", 0), node.room.get("memory", 0)), reverse=True)
    most = sum(counts.values())
    for like in every:
        mine = [one for one in wanted if counts.get(one.ref) and not why_never(one.spec, like)]
        if sum(counts[one.ref] for one in mine) < most:
            continue
        low, high = 1, min(most, _MOST)
        while low < high:
            middle = (low + high) // 2
            more = [replace(like, name=f"{like.name} {at}") for at in range(middle)]
            room = {node.name: where.empty[like.name] for node in more}
            if packed(wanted, counts, more, room, volumes):
                low = middle + 1
            else:
                high = middle
        return low, like
    return 0, None
