"""All that one object names: the tables' rows, and the edges that no row can say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.manifest.kinds import is_cluster_scoped
from migrate.manifest.references.rows import CLAIM, POD, SECRET, SERVICE, Found, Row, rows_of, walk
from migrate.manifest.references.words import Chosen, Defined, Reference
from migrate.model.labels import Requirements, of_map, of_selector
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref, group_of

# Groups of Kubernetes' own name whose kinds are nevertheless defined by CRDs.
_BY_DEFINITION = frozenset(
    {"snapshot.storage.k8s.io", "groupsnapshot.storage.k8s.io", "gateway.networking.k8s.io", "autoscaling.k8s.io"}
)
_SLICE_OF = "kubernetes.io/service-name"


def references(obj: Object) -> Iterator[Reference]:
    """Yield what the object names, once for each place. Odd input is passed by, never an error."""
    found: Found = []
    node = rows_of(obj.ref.group, obj.ref.kind)
    if node is not None:
        walk(node, obj.body, (), found)
    pod = pod_of(obj)
    if pod is not None:
        walk(POD, pod[1], pod[0], found)
    for row, path, value in found:
        reference = _reference(obj, row, path, value)
        if reference is not None:
            yield reference
    more = _MORE.get((obj.ref.group, obj.ref.kind))
    if more is not None:
        yield from more(obj)
    yield from _every(obj)


def pod_of(obj: Object) -> tuple[Path, Body, Body] | None:
    """The pod in an object, of custom kinds too (Rollout): path of its spec, its spec, its labels."""
    template = pods.pod_template(obj)
    if template is not None:
        return template.path / "spec", template.spec, template.labels
    if "." not in obj.ref.group:
        return None
    inner = _map(obj.spec.get("template"))
    spec = _map(inner.get("spec"))
    if not isinstance(spec.get("containers"), list):
        return None
    return P("spec", "template", "spec"), spec, _map(_map(inner.get("metadata")).get("labels"))


def usable(name: Any) -> bool:
    """Tell whether this is the name of an object, and neither a placeholder nor a pattern."""
    return isinstance(name, str) and name != "" and not name.startswith("UNDECIDED") and "{" not in name


def _reference(obj: Object, row: Row, path: tuple[Any, ...], value: Any) -> Reference | None:
    place, optional = path, row.may_lack
    keys: tuple[str, ...] = ()
    group, kind = row.to
    namespace = obj.ref.namespace
    if isinstance(value, Mapping):
        name = value.get(row.name)
        place = (*path, row.name)
        optional = optional or value.get("optional") is True
        keys = _keys(value.get(row.key)) if row.key else ()
        if row.open:
            group, kind = _kind(value, row)
            said = value.get("namespace")
            namespace = said if isinstance(said, str) and said else namespace
        if row.kinds and kind not in row.kinds:
            return None
    else:
        name = value if not row.open else None
    if not usable(name) or not usable(kind):
        return None
    cluster = is_cluster_scoped(group, kind)
    if cluster is False and not namespace:
        return None  # nothing says in which namespace it is
    return Reference(Ref(group, kind, "" if cluster else namespace, str(name)), Path(place), row.kind, optional, keys)


def _kind(value: Body, row: Row) -> tuple[str, Any]:
    kind = value.get("kind", row.to[1])
    version = value.get("apiVersion")
    if isinstance(version, str):
        return group_of(version), kind
    for key in ("apiGroup", "group"):
        if key in value:
            said = value[key]
            return said if isinstance(said, str) else "", kind
    return row.to[0], kind


def _keys(said: Any) -> tuple[str, ...]:
    if isinstance(said, str):
        return (said,)
    items = said if isinstance(said, list) else ()
    return tuple(i["key"] for i in items if isinstance(i, Mapping) and isinstance(i.get("key"), str))


def _map(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}


def _chosen(obj: Object, edge: str, place: Path, wanted: Requirements, optional: bool) -> Iterator[Reference]:
    if wanted:
        yield Reference(Chosen("", "Pod", obj.ref.namespace, wanted), place, edge, optional)


def _service(obj: Object) -> Iterator[Reference]:
    # A pseudo selector of GKE's multiple networks; no pod carries it.
    wanted = tuple(one for one in of_map(obj.spec.get("selector")) if one.key != "networking.gke.io/network")
    if obj.spec.get("type") != "ExternalName":
        yield from _chosen(obj, "pods of a Service", P("spec", "selector"), wanted, False)


def _budget(obj: Object) -> Iterator[Reference]:
    yield from _chosen(obj, "pods of a budget", P("spec", "selector"), of_selector(obj.spec.get("selector")), False)


def _policy(obj: Object) -> Iterator[Reference]:
    wanted = of_selector(obj.spec.get("podSelector"))
    yield from _chosen(obj, "pods of a network policy", P("spec", "podSelector"), wanted, True)


def _endpoints(obj: Object) -> Iterator[Reference]:
    # Endpoints without a Service are legal; leader election once lived in them.
    to = Ref(*SERVICE, obj.ref.namespace, obj.ref.name)
    yield Reference(to, P("metadata", "name"), "service of endpoints", True)


def _slice(obj: Object) -> Iterator[Reference]:
    name = obj.labels.get(_SLICE_OF)
    if usable(name):
        place = P("metadata", "labels", _SLICE_OF)
        yield Reference(Ref(*SERVICE, obj.ref.namespace, str(name)), place, "service of endpoints")


def _class_secrets(obj: Object) -> Iterator[Reference]:
    """Parameters such as csi.storage.k8s.io/node-stage-secret-name, with the namespace beside it."""
    parameters = _map(obj.body.get("parameters"))
    for key, name in parameters.items():
        if isinstance(key, str) and key.startswith("csi.storage.k8s.io/") and key.endswith("-secret-name"):
            space = parameters.get(f"{key.removesuffix('name')}namespace")
            if usable(name) and "$" not in name and usable(space) and "$" not in str(space):
                yield Reference(Ref(*SECRET, str(space), name), P("parameters", key), "Secret of a class")


def _set(obj: Object) -> Iterator[Reference]:
    """The claims that a StatefulSet's templates make; they hold its data, and are made anew where they are absent."""
    templates, replicas = obj.spec.get("volumeClaimTemplates"), obj.spec.get("replicas", 1)
    start = _map(obj.spec.get("ordinals")).get("start", 0)
    if not isinstance(templates, list) or type(replicas) is not int or type(start) is not int:
        return
    for index, template in enumerate(templates):
        name = _map(_map(template).get("metadata")).get("name")
        for number in range(start, start + min(replicas, 1000)) if usable(name) else ():
            claim = Ref(*CLAIM, obj.ref.namespace, f"{name}-{obj.ref.name}-{number}")
            yield Reference(claim, P("spec", "volumeClaimTemplates", index), "claim of a template", True)


def _every(obj: Object) -> Iterator[Reference]:
    """What any object may name: its owners, its namespace, the definition of its kind."""
    owners = obj.metadata.get("ownerReferences")
    for index, owner in enumerate(owners if isinstance(owners, list) else ()):
        if not isinstance(owner, Mapping) or not usable(owner.get("name")) or not usable(owner.get("kind")):
            continue
        group, kind = group_of(str(owner.get("apiVersion", ""))), owner["kind"]
        namespace = "" if is_cluster_scoped(group, kind) else obj.ref.namespace
        place = P("metadata", "ownerReferences", index, "name")
        yield Reference(Ref(group, kind, namespace, owner["name"]), place, "owner")
    if obj.ref.namespace:
        # Said by every object and missing from most files: no finding of its own.
        yield Reference(Ref("", "Namespace", "", obj.ref.namespace), P("metadata", "namespace"), "namespace", True)
    group = obj.ref.group
    if "." in group and (not group.endswith(".k8s.io") or group in _BY_DEFINITION):
        yield Reference(Defined(group, obj.ref.kind), P("kind"), "definition")


_MORE: dict[tuple[str, str], Callable[[Object], Iterator[Reference]]] = {
    ("", "Service"): _service,
    ("", "Endpoints"): _endpoints,
    ("discovery.k8s.io", "EndpointSlice"): _slice,
    ("policy", "PodDisruptionBudget"): _budget,
    ("networking.k8s.io", "NetworkPolicy"): _policy,
    ("storage.k8s.io", "StorageClass"): _class_secrets,
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass"): _class_secrets,
    ("apps", "StatefulSet"): _set,
}
