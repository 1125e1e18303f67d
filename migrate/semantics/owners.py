"""Whose object is this: GKE's, Kubernetes', a controller's, or the user's."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from migrate.model.effects import Cause
from migrate.model.objects import Object
from migrate.model.ref import Ref, group_of

Verdict = tuple[Cause, str]
Pattern = re.Pattern[str]

# Kinds whose controller is part of Kubernetes: what they own is theirs even when the owner was not read.
_BUILT_IN = frozenset(
    {("apps", "ReplicaSet"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "Job")}
    | {("batch", "CronJob"), ("", "ReplicationController"), ("", "Node"), ("", "Service"), ("", "Pod")}
)
_TOKEN = re.compile(r"-token-[a-z0-9]{5}\Z")
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of mappings/managed.yaml; None is a column that was not written."""

    cause: Cause
    reason: str
    source: str
    names: Pattern | None
    namespaces: Pattern | None
    labels: tuple[tuple[str, Pattern], ...]
    annotations: tuple[tuple[str, Pattern], ...]
    fields: tuple[tuple[tuple[str, ...], Pattern], ...]

    def matches(self, obj: Object) -> bool:
        """Tell whether every written column matches."""
        ref = obj.ref
        if self.names and not self.names.match(ref.name):
            return False
        if self.namespaces and not self.namespaces.match(ref.namespace):
            return False
        if self.labels and not _any(self.labels, obj.labels):
            return False
        if self.annotations and not _any(self.annotations, obj.annotations):
            return False
        return all(pattern.match(str(_at(obj.body, path))) for path, pattern in self.fields)


@dataclass(frozen=True, slots=True)
class Spaces:
    """Namespaces of the system. `whole`: everything in them is the system's, too."""

    cause: Cause
    reason: str
    names: Pattern
    whole: bool


@dataclass(frozen=True, slots=True)
class Managed:
    """The tables of mappings/managed.yaml; rows without kinds stand under None."""

    spaces: tuple[Spaces, ...]
    rows: Mapping[tuple[str, str] | None, tuple[Row, ...]]


def load_managed(text: str) -> Managed:
    """Read mappings/managed.yaml. The caller brings the text."""
    raw = yaml.load(text, yaml.CSafeLoader)
    spaces = tuple(
        Spaces(Cause(s["cause"]), s["reason"], _globs(s["names"]), s["whole"]) for s in raw["system_namespaces"]
    )
    rows: dict[tuple[str, str] | None, list[Row]] = {}
    for line in raw["rows"]:
        row = _row(line)
        for kind in line.get("kinds") or [None]:
            key = None if kind is None else (kind.partition(".")[2], kind.partition(".")[0])
            rows.setdefault(key, []).append(row)
    return Managed(spaces, {key: tuple(found) for key, found in rows.items()})


def _row(line: Mapping[str, Any]) -> Row:
    def pairs(column: str) -> tuple[tuple[str, Pattern], ...]:
        return tuple((key, _globs(str(value).split("|"))) for key, value in (line.get(column) or {}).items())

    return Row(
        cause=Cause(line["cause"]),
        reason=line["reason"],
        source=line["source"],
        names=_globs(line["names"]) if "names" in line else None,
        namespaces=_globs(line["namespaces"]) if "namespaces" in line else None,
        labels=pairs("labels"),
        annotations=pairs("annotations"),
        fields=tuple((tuple(key.split(".")), pattern) for key, pattern in pairs("fields")),
    )


def _globs(patterns: list[str]) -> Pattern:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))


def _any(wanted: tuple[tuple[str, Pattern], ...], found: Mapping[str, Any]) -> bool:
    return any(key in found and pattern.match(str(found[key])) for key, pattern in wanted)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def made_by(obj: Object, tables: Managed, exists: Callable[[Ref], bool]) -> Verdict | None:
    """Say who made the object and how one knows; None when it is the user's. `exists` asks the snapshot."""
    special = _SPECIAL.get((obj.ref.group, obj.ref.kind))
    if special:
        answer = special(obj, tables)
        if answer is not _GO_ON:
            return answer
    for space in tables.spaces:
        if space.whole and space.names.match(obj.ref.namespace):
            return space.cause, space.reason
    for key in ((obj.ref.group, obj.ref.kind), None):
        for row in tables.rows.get(key, ()):
            if row.matches(obj):
                return row.cause, row.reason
    return _owner(obj, exists)


def _owner(obj: Object, exists: Callable[[Ref], bool]) -> Verdict | None:
    references = obj.metadata.get("ownerReferences")
    for reference in references if isinstance(references, list) else ():
        if not isinstance(reference, Mapping) or reference.get("controller") is not True:
            continue
        group, kind = group_of(str(reference.get("apiVersion", ""))), str(reference.get("kind", ""))
        name = str(reference.get("name", ""))
        here, cluster = (Ref(group, kind, space, name) for space in (obj.ref.namespace, ""))
        if obj.ref.kind == "PersistentVolumeClaim" and kind == "StatefulSet":
            return None  # it holds the user's data; the reference only says when it may be deleted
        if exists(here):
            return Cause.CONTROLLER, f"made by {here}"
        if exists(cluster) or (group, kind) == ("", "Node"):
            return Cause.CONTROLLER, f"made by {cluster}"
        if (group, kind) in _BUILT_IN:
            return Cause.CONTROLLER, f"made by {here}, which was not read"
    return None


# What a special case answers when it has no opinion: the tables decide.
_GO_ON: Verdict = (Cause.NONE, "")


def _namespace(obj: Object, tables: Managed) -> Verdict | None:
    for space in tables.spaces:
        if space.names.match(obj.ref.name):
            return space.cause, space.reason if space.cause is Cause.KUBERNETES else "a namespace that GKE runs"
    if obj.ref.name != "default" or set(obj.labels) - {_NAMESPACE_LABEL} or set(obj.annotations) - {_APPLIED}:
        return None
    return Cause.KUBERNETES, "a namespace that Kubernetes makes in every cluster"


def _account(obj: Object, tables: Managed) -> Verdict | None:
    if obj.ref.name != "default":
        return _GO_ON
    if any(space.whole and space.names.match(obj.ref.namespace) for space in tables.spaces):
        return _GO_ON
    pulls = obj.body.get("imagePullSecrets")
    names = [p.get("name") for p in pulls if isinstance(p, Mapping)] if isinstance(pulls, list) else []
    mine = any(not re.match(r"default-(token|dockercfg)-[a-z0-9]{5}\Z", str(name)) for name in names)
    mine = mine or obj.body.get("automountServiceAccountToken") is not None
    return None if mine or set(obj.annotations) - {_APPLIED} or obj.labels else _GO_ON


def _config_map(obj: Object, tables: Managed) -> Verdict | None:
    if (obj.ref.namespace, obj.ref.name) != ("kube-system", "kube-dns"):
        return _GO_ON
    written = (str(_at(obj.body, ("data", key)) or "").strip() for key in ("stubDomains", "upstreamNameservers"))
    return None if any(text not in ("", "{}", "[]", "null") for text in written) else _GO_ON


def _secret(obj: Object, tables: Managed) -> Verdict | None:
    if obj.body.get("type") == "kubernetes.io/service-account-token" and _TOKEN.search(obj.ref.name):
        return Cause.CONTROLLER, "a token that a controller made for a ServiceAccount"
    return _GO_ON


def _volume(obj: Object, tables: Managed) -> Verdict | None:
    claim = obj.spec.get("claimRef")
    if "pv.kubernetes.io/provisioned-by" not in obj.annotations or not isinstance(claim, Mapping):
        return None
    name = Ref("", "PersistentVolumeClaim", str(claim.get("namespace", "")), str(claim.get("name", "")))
    return Cause.CONTROLLER, f"provisioned for {name}"


def _endpoints(obj: Object, tables: Managed) -> Verdict | None:
    """Old control planes leave no label: addresses that point at Pods were written by the controller."""
    subsets = obj.body.get("subsets")
    for subset in subsets if isinstance(subsets, list) else ():
        for key in ("addresses", "notReadyAddresses"):
            found = subset.get(key) if isinstance(subset, Mapping) else None
            for address in found if isinstance(found, list) else ():
                if _at(address, ("targetRef", "kind")) == "Pod":
                    return Cause.CONTROLLER, "written by the endpoints controllers from a Service"
    return _GO_ON


_SPECIAL: dict[tuple[str, str], Callable[[Object, Managed], Verdict | None]] = {
    ("", "Namespace"): _namespace,
    ("", "ServiceAccount"): _account,
    ("", "ConfigMap"): _config_map,
    ("", "Secret"): _secret,
    ("", "PersistentVolume"): _volume,
    ("", "Endpoints"): _endpoints,
}
