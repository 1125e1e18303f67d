"""The parts of one dependency: a proxy, its arguments, the hosts that lead to it, in a workload and its ConfigMaps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from migrate.manifest import pods
from migrate.manifest.references import references
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.model.rules import Known
from migrate.semantics.dependencies import TABLE, Hit, Local, Service, Table, scan, table

_PORT = re.compile(
    r"tcp:(?:[0-9.]+:)?([0-9]{2,5})|--port[= ]([0-9]{2,5})|[?&]port=([0-9]{2,5})|(?:^| )-p[= ]?([0-9]{2,5})"
)
_USUAL = frozenset({"5432", "3306", "1433"})
_SECRET = re.compile(r"sql|db|postgres|database|alloy", re.I)
# Only what names one thing joins objects that do not name each other.
_ONE = re.compile(r"^projects/|^[^/]*:[^/]*:[^/]+$|^gs://[^/]+")

Node = tuple[Ref, str]


@dataclass(slots=True)
class Parts:
    """What was found in workloads and ConfigMaps, and which of it belongs together. Made once for a plan."""

    table: Table
    own: Mapping[str, str]
    locals: dict[Ref, Local] = field(default_factory=dict)
    hits: dict[Ref, tuple[Hit, ...]] = field(default_factory=dict)
    beside: dict[Ref, tuple[Ref, ...]] = field(default_factory=dict)
    _groups: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    _last: tuple[Object, tuple[Hit, ...]] | None = None

    def of(self, obj: Object) -> tuple[Hit, ...]:
        """The hits of an object; those of other kinds than workloads and ConfigMaps are found when asked for."""
        if obj.ref in self.hits:
            return self.hits[obj.ref]
        if _joins(obj):
            return ()
        # All rules are asked about one object before the next one comes.
        if self._last is None or self._last[0] is not obj:
            self._last = (obj, scan(obj, self.table, None, self.own))
        return self._last[1]

    def others(self, ref: Ref, service: Service) -> list[tuple[Ref, Hit | None]]:
        """The places of the same dependency, those of this object first; None stands for a Secret."""
        nodes = self._groups.get((ref, service.name), ((ref, service.name),))
        found: list[tuple[Ref, Hit | None]] = []
        secrets: dict[Ref, None] = {}
        for node in sorted(nodes, key=lambda node: (node[0] != ref, node)):
            found += [(node[0], hit) for hit in self.hits.get(node[0], ()) if hit.service.name == node[1]]
            secrets.update(dict.fromkeys(self.beside.get(node[0], ())))
        return found + [(secret, None) for secret in secrets]


def parts(known: Known) -> Parts:
    """The parts of all dependencies of a plan."""
    return known.once("dependencies.parts", lambda: _parts(known))


def _joins(obj: Object) -> bool:
    return (obj.ref.group, obj.ref.kind) in pods.KINDS or (obj.ref.group, obj.ref.kind) == ("", "ConfigMap")


def _parts(known: Known) -> Parts:
    made = Parts(table(known.rows(TABLE)), _cluster_ips(known))
    workloads = [obj for kind in sorted(pods.KINDS) for obj in known.all(*kind) if known.migrates(obj.ref)]
    configs: dict[Ref, list[Ref]] = {}
    for obj in workloads:
        local = _proxy(obj, made.table)
        hits = scan(obj, made.table, local, made.own)
        if hits:
            made.hits[obj.ref] = hits
        if not hits and local is None:
            continue
        named = [one for one in references(obj) if isinstance(one.to, Ref)]
        for one in named:
            if one.to.kind == "ConfigMap" and isinstance(one.to, Ref):
                configs.setdefault(one.to, []).append(obj.ref)
                if local is not None:
                    made.locals.setdefault(one.to, local)
        if local is not None:
            secrets = {one.to for one in named if isinstance(one.to, Ref) and one.to.kind == "Secret"}
            made.beside[obj.ref] = tuple(sorted(ref for ref in secrets if _SECRET.search(ref.name)))
    for obj in known.all("", "ConfigMap"):
        if known.migrates(obj.ref):
            hits = scan(obj, made.table, made.locals.get(obj.ref), made.own)
            if hits:
                made.hits[obj.ref] = hits
    made._groups = _groups(made, configs)
    return made


def _cluster_ips(known: Known) -> Mapping[str, str]:
    return {
        ip: str(service.ref)
        for service in known.all("", "Service")
        if isinstance(ip := service.spec.get("clusterIP"), str) and ip[:1].isdigit()
    }


def _proxy(obj: Object, found: Table) -> Local | None:
    """The proxy to a database in a pod, and its ports."""
    template = pods.pod_template(obj)
    for group in pods.CONTAINERS if template is not None else ():
        for _, container in template.items(group) if template is not None else ():
            image = container.get("image")
            for service in found.services if isinstance(image, str) else ():
                if service.fields.get("local") and any(p.search(str(image)) for p in service.patterns.get("image", ())):
                    return Local(service, frozenset(_ports(container)) or _USUAL)
    return None


def _ports(container: Mapping[str, object]) -> Iterator[str]:
    for name in ("command", "args"):
        said = container.get(name)
        text = " ".join(one for one in said if isinstance(one, str)) if isinstance(said, list) else ""
        for groups in _PORT.findall(text):
            yield from (port for port in groups if port)


def _groups(made: Parts, configs: Mapping[Ref, list[Ref]]) -> dict[Node, tuple[Node, ...]]:
    """Join a workload with its ConfigMaps, and all that name one instance, bucket or topic."""
    parent: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    seen: dict[tuple[str, str], Node] = {}
    for ref, hits in made.hits.items():
        for hit in hits:
            if not hit.service.fields.get("together"):
                continue
            node = (ref, hit.service.name)
            one = _ONE.match(hit.seen)
            if one:
                whole = hit.seen if not hit.seen.startswith("gs://") else one.group()
                parent[root(node)] = root(seen.setdefault((hit.service.name, whole), node))
            for reader in configs.get(ref, ()):
                if any(other.service.name == hit.service.name for other in made.hits.get(reader, ())):
                    parent[root(node)] = root((reader, hit.service.name))
    joined: dict[Node, list[Node]] = {}
    for node in sorted(parent):
        joined.setdefault(root(node), []).append(node)
    return {node: tuple(nodes) for nodes in joined.values() if len(nodes) > 1 for node in nodes}
