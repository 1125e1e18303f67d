"""Which kinds are served: the built-in ones of the table, and those that CustomResourceDefinitions bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.ref import group_of
from migrate.practice import shapes
from migrate.practice.shapes import Shape

Json = dict[str, Any]
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
# Kinds whose registry counts generations (grep "Generation = 1" in Kubernetes' pkg/registry; no API says it).
_COUNTED_KINDS = """
    PriorityClass IngressClass NetworkPolicy Ingress EndpointSlice PodDisruptionBudget ResourceSlice DeviceClass
    DeviceTaintRule CSIDriver FlowSchema PriorityLevelConfiguration DaemonSet StatefulSet Deployment ReplicaSet Job
    CronJob Pod PodTemplate ReplicationController ValidatingAdmissionPolicy MutatingAdmissionPolicy
    MutatingWebhookConfiguration ValidatingWebhookConfiguration MutatingAdmissionPolicyBinding
    ValidatingAdmissionPolicyBinding CustomResourceDefinition
"""
_COUNTED = frozenset(_COUNTED_KINDS.split())


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource in one version. Objects are stored by `key`, so that all versions show the same ones."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    status: bool  # has a status subresource
    shape: Shape
    short: tuple[str, ...] = ()
    list_kind: str = ""
    custom: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> tuple[str, str]:
        return self.group, self.plural

    @property
    def counted(self) -> bool:
        """Tell whether metadata.generation is kept."""
        return self.custom or self.kind in _COUNTED


class Kinds:
    """The served kinds, by (apiVersion, plural). Not locked: its cluster is."""

    def __init__(self) -> None:
        self._served: dict[tuple[str, str], Kind] = {}
        self.unserved = frozenset(shapes.table()["unserved"])
        for api_version, rows in shapes.table()["kinds"].items():
            for kind, row in rows.items():
                self._add(_built_in(api_version, kind, row))

    def _add(self, kind: Kind) -> None:
        self._served[kind.api_version, kind.plural] = kind

    def of(self, api_version: str, plural: str) -> Kind | None:
        return self._served.get((api_version, plural))

    def named(self, api_version: str, kind: str) -> Kind | None:
        return next((k for k in self._served.values() if (k.api_version, k.kind) == (api_version, kind)), None)

    def stored(self, key: tuple[str, str]) -> Kind | None:
        """Any version of what is stored under this group and plural."""
        return next((k for k in self._served.values() if k.key == key), None)

    def all(self) -> Iterator[Kind]:
        yield from list(self._served.values())

    def define(self, definition: Mapping[str, Any]) -> list[Kind]:
        """Serve what a CustomResourceDefinition defines; what it is no longer is gone."""
        made = list(_custom(definition))
        self.forget(definition)
        for kind in made:
            self._add(kind)
        return made

    def forget(self, definition: Mapping[str, Any]) -> list[Kind]:
        spec = definition.get("spec") or {}
        key = (spec.get("group"), (spec.get("names") or {}).get("plural"))
        gone = [kind for kind in self._served.values() if kind.custom and kind.key == key]
        for kind in gone:
            del self._served[kind.api_version, kind.plural]
        return gone

    def stand_in(self, api_version: str, kind: str, namespaced: bool) -> Kind:
        """Serve a custom kind whose definition nobody loaded: any content, lists as one value."""
        group, _, version = api_version.rpartition("/")
        low = kind.lower()
        plural = low if low.endswith("s") and not low.endswith("ss") else _plural(low)
        made = Kind(group, version, kind, plural, low, namespaced, True, shapes.custom(None), custom=True)
        self._add(made)
        return made

    def groups(self) -> dict[str, list[str]]:
        """Versions of each group, in the order in which they are preferred; without the core."""
        found: dict[str, list[str]] = {}
        for kind in self._served.values():
            if kind.group and kind.version not in found.setdefault(kind.group, []):
                found[kind.group].append(kind.version)
        return found


def _built_in(api_version: str, kind: str, row: Mapping[str, Any]) -> Kind:
    group, version = group_of(api_version), api_version.rpartition("/")[2]
    shape, short = shapes.typed(row.get("of", "meta.v1.Object")), tuple(row.get("short", ()))
    namespaced, status = row.get("namespaced", True), row.get("status", False)
    return Kind(group, version, kind, row["plural"], kind.lower(), namespaced, status, shape, short)


def _custom(definition: Mapping[str, Any]) -> Iterator[Kind]:
    spec = definition["spec"]
    names = spec["names"]
    for version in spec["versions"]:
        if version.get("served"):
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            yield Kind(
                group=spec["group"],
                version=version["name"],
                kind=names["kind"],
                plural=names["plural"],
                singular=names.get("singular") or names["kind"].lower(),
                namespaced=spec.get("scope") != "Cluster",
                status="status" in (version.get("subresources") or {}),
                shape=shapes.custom(schema),
                short=tuple(names.get("shortNames") or ()),
                list_kind=names.get("listKind", ""),
                custom=True,
            )


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def api_versions() -> Json:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list(groups: Mapping[str, list[str]]) -> Json:
    items = [
        {k: v for k, v in group(name, versions).items() if k not in ("kind", "apiVersion")}
        for name, versions in groups.items()
    ]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": items}


def group(name: str, versions: list[str]) -> Json:
    said = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": said, "preferredVersion": said[0]}


def resources(api_version: str, kinds: Iterable[Kind]) -> Json:
    """The APIResourceList of one version: what is served, and no more."""
    out: list[Json] = []
    for kind in sorted((k for k in kinds if k.api_version == api_version), key=lambda k: k.plural):
        row: Json = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
        }
        out.append(row | {"verbs": VERBS} | ({"shortNames": list(kind.short)} if kind.short else {}))
        if kind.status:
            out.append(row | {"name": f"{kind.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]})
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": out}
