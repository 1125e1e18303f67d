"""Find, read, write and remove places in an object. Edits share structure with the input and never change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migrate.model.objects import MISSING, Body
from migrate.model.path import Item, Path, Segment

# Lists that Kubernetes declares as maps, and their keys (x-kubernetes-list-map-keys of the built-in types).
_MERGE_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "ephemeralContainers": (("name",),),
    "volumes": (("name",),),
    "env": (("name",),),
    "imagePullSecrets": (("name",),),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "hostAliases": (("ip",),),
    "webhooks": (("name",),),
    "secrets": (("name",),),
}
# Where these names hold something else, identity would be a guess: only the well-known shapes above count.


def item_segment(list_name: str, items: Sequence[Any], index: int) -> Segment:
    """Name a list item by its merge keys where they are declared and unique here, else by index."""
    item = items[index]
    if isinstance(item, Mapping):
        for names in _MERGE_KEYS.get(list_name, ()):
            keys = tuple((name, item[name]) for name in names if name in item)
            if not keys or keys[0][0] != names[0] or not all(isinstance(v, (str, int)) for _, v in keys):
                continue
            if sum(1 for other in items if _matches(other, keys)) == 1:
                return Item(keys)
    return index


def _matches(item: Any, keys: tuple[tuple[str, Any], ...]) -> bool:
    return isinstance(item, Mapping) and all(name in item and item[name] == value for name, value in keys)


def _index(items: Sequence[Any], segment: Segment) -> int | None:
    if isinstance(segment, Item):
        return next((i for i, item in enumerate(items) if _matches(item, segment.keys)), None)
    return segment if isinstance(segment, int) and segment < len(items) else None


def get(body: Any, path: Sequence[Segment]) -> Any:
    """Read the value at a path, or MISSING."""
    here = body
    for segment in path:
        if here.__class__ is dict and segment.__class__ is str:  # most of all steps
            here = here.get(segment, MISSING)
            if here is MISSING:
                return MISSING
        elif isinstance(here, Mapping) and isinstance(segment, str):
            if segment not in here:
                return MISSING
            here = here[segment]
        elif isinstance(here, list):
            at = _index(here, segment)
            if at is None:
                return MISSING
            here = here[at]
        else:
            return MISSING
    return here


def put(body: Any, path: Sequence[Segment], value: Any) -> Any:
    """Give a copy with `value` at the path; missing parents are made. Raises KeyError where a list item is missing."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(body, list):
        at = _index(body, head)
        if at is None:
            raise KeyError(str(Path(path)))
        return [*body[:at], put(body[at], rest, value), *body[at + 1 :]]
    if not isinstance(head, str) or (body is not MISSING and body is not None and not isinstance(body, Mapping)):
        raise KeyError(str(Path(path)))
    fields = dict(body) if isinstance(body, Mapping) else {}
    fields[head] = put(fields.get(head, MISSING), rest, value)
    return fields


def drop(body: Any, path: Sequence[Segment]) -> Any:
    """Give a copy without the place at the path; a place that is not there changes nothing."""
    head, rest = path[0], path[1:]
    if isinstance(body, list):
        at = _index(body, head)
        if at is None:
            return body
        return [*body[:at], *([drop(body[at], rest)] if rest else []), *body[at + 1 :]]
    if not isinstance(body, Mapping) or head not in body:
        return body
    fields = dict(body)
    if rest:
        fields[str(head)] = drop(body[str(head)], rest)
    else:
        del fields[str(head)]
    return fields


# A map that Kubernetes reads the same whether it is empty or absent; only these are pruned when an edit empties them.
_PRUNABLE = frozenset(
    {"annotations", "labels", "nodeSelector", "tolerations", "finalizers", "readinessGates", "parameters", "affinity"}
    | {"mountOptions", "schedulingGates", "volumes", "volumeMounts"}
)


def prunable(path: Sequence[Segment]) -> bool:
    """Tell whether an empty container at this path may go without a change in meaning."""
    return bool(path) and path[-1] in _PRUNABLE


def strings(body: Body) -> Iterator[tuple[Path, str, bool]]:
    """Walk every key and string value: (path, text, is_key). Iterative, so depth is no danger."""
    stack: list[tuple[tuple[Segment, ...], str, Any]] = [((), "", body)]
    while stack:
        path, name, value = stack.pop()
        if isinstance(value, Mapping):
            for key, child in reversed(list(value.items())):
                stack.append(((*path, key), key, child))
            for key in value:
                yield Path((*path, key)), key, True
        elif isinstance(value, list):
            for i in range(len(value) - 1, -1, -1):
                stack.append(((*path, item_segment(name, value, i)), name, value[i]))
        elif isinstance(value, str):
            yield Path(path), value, False
