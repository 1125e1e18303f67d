"""The graph: what leads nowhere, and what a set of objects needs beside itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import get, item_segment
from migrate.manifest.references.edges import pod_of, references, usable
from migrate.manifest.references.everywhere import gke_defines, is_everywhere, made_at_run_time
from migrate.manifest.references.words import Chosen, Dangling, Defined, Reference, Target
from migrate.model.labels import hold
from migrate.model.objects import Body, Object
from migrate.model.path import Path, Segment
from migrate.model.ref import Ref

_TOKEN_TYPE = "kubernetes.io/service-account-token"
_TOKEN_KEYS = frozenset({"token", "ca.crt", "namespace"})
_KEYED = frozenset({("", "Secret"), ("", "ConfigMap")})
_DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
_API = ("apiregistration.k8s.io", "APIService")
# Old manifests say extensions/v1beta1; the servers read that as apps.
_MOVED = {"extensions": "apps"}


@dataclass(frozen=True, slots=True)
class Checked:
    """How many references had to lead somewhere, and those that do not."""

    total: int
    dangling: tuple[Dangling, ...]


class Graph:
    """Objects and what they name. Nothing is computed before it is asked for."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self._objects = tuple(objects)
        self._by_ref = {obj.ref: obj for obj in self._objects}
        self._indexes: dict[str, Any] = {}

    def dangling(self) -> tuple[Dangling, ...]:
        """What leads nowhere, in the order of the objects."""
        return self.check(self._by_ref).dangling

    def check(self, of: Iterable[Ref]) -> Checked:
        """Follow the references of these objects that must lead somewhere."""
        total, found = 0, list[Dangling]()
        for ref in of:
            obj = self._by_ref[ref]
            for reference in references(obj):
                if not reference.optional:
                    total += 1
                    found += self._missing(obj, reference)
        return Checked(total, tuple(found))

    def find(self, to: Target) -> tuple[Object, ...]:
        """The objects that a reference leads to."""
        if isinstance(to, Chosen):
            return tuple(self._wearing(to))
        if isinstance(to, Defined):
            one = self._definitions().get((to.group, to.kind))
        else:
            one = self._by_ref.get(to) or self._elsewhere(to)
        return (one,) if one is not None else ()

    def needed(self, refs: Iterable[Ref], follow: Callable[[Ref], bool] = lambda _: True) -> frozenset[Ref]:
        """What these objects need and is not among them, however far away. Past an object that `follow` refuses, no."""
        given = set(refs)
        seen, queue = set(given), list(given)
        while queue:
            obj = self._by_ref.get(queue.pop())
            for near in self._near(obj) if obj is not None else ():
                if near not in seen:
                    seen.add(near)
                    if follow(near):
                        queue.append(near)
        return frozenset(seen - given)

    def _near(self, obj: Object) -> Iterator[Ref]:
        for reference in references(obj):
            if reference.kind != "pods of a network policy":
                yield from (found.ref for found in self.find(reference.to))
        # An account without its bindings may do nothing: here the edge is walked backwards.
        if obj.ref.kind == "ServiceAccount":
            yield from self._bindings().get(obj.ref, ())

    def _missing(self, obj: Object, reference: Reference) -> Iterator[Dangling]:
        to = reference.to
        found = self.find(to)
        if not found:
            if not self._is_expected(to):
                yield Dangling(obj.ref, by_name(obj.body, reference.field), to, reference.kind)
        elif reference.keys and (found[0].ref.group, found[0].ref.kind) in _KEYED:
            keys = keys_of(found[0])
            for key in reference.keys:
                if key not in keys:
                    place = by_name(obj.body, _place_of_key(obj.body, reference.field, key))
                    yield Dangling(obj.ref, place, to, reference.kind, key)

    def _is_expected(self, to: Target) -> bool:
        """Tell whether something that was not read is there all the same, or may be."""
        if isinstance(to, Chosen):
            return False
        if isinstance(to, Defined):
            return gke_defines(to.group) or to.group in self._served()
        if (to.group, to.kind) == ("storage.k8s.io", "StorageClass") and to.name in self._words_of_volumes():
            return True
        return is_everywhere(to) or to in self._made()

    def _elsewhere(self, to: Ref) -> Object | None:
        """Nobody knows whether a custom kind lives in namespaces; and groups have moved."""
        moved = _MOVED.get(to.group)
        found = self._by_ref.get(Ref(moved, to.kind, to.namespace, to.name)) if moved else None
        return found or (self._by_ref.get(Ref(to.group, to.kind, "", to.name)) if "." in to.group else None)

    def _index(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._indexes:
            self._indexes[name] = make()
        return self._indexes[name]

    def _of_kind(self, kind: tuple[str, str]) -> list[Object]:
        return [obj for obj in self._objects if (obj.ref.group, obj.ref.kind) == kind]

    def _definitions(self) -> Mapping[tuple[str, str], Object]:
        def make() -> dict[tuple[str, str], Object]:
            found: dict[tuple[str, str], Object] = {}
            for obj in self._of_kind(_DEFINITION):
                names = obj.spec.get("names")
                kind = names.get("kind") if isinstance(names, Mapping) else None
                found[str(obj.spec.get("group")), str(kind)] = obj
            return found

        index: Mapping[tuple[str, str], Object] = self._index("definitions", make)
        return index

    def _served(self) -> frozenset[str]:
        """The groups that a server beside the API server answers for."""
        index: frozenset[str] = self._index(
            "served",
            lambda: frozenset(str(o.spec.get("group")) for o in self._of_kind(_API) if o.spec.get("service")),
        )
        return index

    def _words_of_volumes(self) -> frozenset[str]:
        """Classes that volumes name: a claim finds such a volume without any StorageClass."""
        index: frozenset[str] = self._index(
            "words",
            lambda: frozenset(str(o.spec.get("storageClassName")) for o in self._of_kind(("", "PersistentVolume"))),
        )
        return index

    def _made(self) -> frozenset[Ref]:
        index: frozenset[Ref] = self._index("made", lambda: made_at_run_time(self._objects))
        return index

    def _bindings(self) -> Mapping[Ref, list[Ref]]:
        def make() -> dict[Ref, list[Ref]]:
            found: dict[Ref, list[Ref]] = {}
            for obj in self._objects:
                for reference in references(obj) if obj.ref.kind in ("RoleBinding", "ClusterRoleBinding") else ():
                    if reference.kind == "subject" and isinstance(reference.to, Ref):
                        found.setdefault(reference.to, []).append(obj.ref)
            return found

        index: Mapping[Ref, list[Ref]] = self._index("bindings", make)
        return index

    def _wearing(self, chosen: Chosen) -> Iterator[Object]:
        by_pair: Mapping[tuple[str, str, str], list[tuple[Object, Body]]]
        by_pair, by_space = self._index("labels", self._labels)
        first = next((one for one in chosen.selector if one.operator == "in" and len(one.values) == 1), None)
        if first is None:
            candidates = by_space.get(chosen.namespace, ())
        else:
            (value,) = first.values
            candidates = by_pair.get((chosen.namespace, first.key, value), ())
        yield from (obj for obj, labels in candidates if hold(chosen.selector, labels))

    def _labels(self) -> tuple[Any, Any]:
        pairs: dict[tuple[str, str, str], list[tuple[Object, Body]]] = {}
        spaces: dict[str, list[tuple[Object, Body]]] = {}
        for obj in self._objects:
            pod = pod_of(obj)
            if pod is None:
                continue
            spaces.setdefault(obj.ref.namespace, []).append((obj, pod[2]))
            for key, value in pod[2].items():
                if isinstance(value, str):
                    pairs.setdefault((obj.ref.namespace, key, value), []).append((obj, pod[2]))
        return pairs, spaces


def keys_of(obj: Object) -> frozenset[str]:
    """The keys of a Secret or a ConfigMap; those that a controller will write are counted."""
    found = {key for name in ("data", "stringData", "binaryData") for key in _keys(obj.body.get(name))}
    return frozenset(found | _TOKEN_KEYS if obj.body.get("type") == _TOKEN_TYPE else found)


def _keys(value: Any) -> list[str]:
    return [key for key in value if usable(key)] if isinstance(value, Mapping) else []


def _place_of_key(body: Any, field: Path, key: str) -> Path:
    """Where a key is named, beside the name of its object."""
    parent = Path(field[:-1])
    value = get(body, parent)
    if not isinstance(value, Mapping) or value.get("key") == key:
        return parent / "key"
    items = value.get("items")
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, Mapping) and item.get("key") == key:
            return parent / "items" / index / "key"
    return field


def by_name(body: Any, path: Path) -> Path:
    """Say a path with list items by identity, where they have one."""
    here, name, out = body, "", list[Segment]()
    for segment in path:
        if isinstance(here, list) and isinstance(segment, int) and segment < len(here):
            out.append(item_segment(name, here, segment))
            here = here[segment]
        else:
            out.append(segment)
            here = here.get(segment) if isinstance(here, Mapping) else None
            name = str(segment)
    return Path(out)
