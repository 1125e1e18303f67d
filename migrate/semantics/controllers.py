"""Which workloads of a plan are the controllers of a custom kind: those whose account may write its status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrate.manifest.pods import pod_template
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref

_RBAC = "rbac.authorization.k8s.io"
_WRITES = frozenset({"update", "patch", "*"})
# People and pipelines write specs; status and finalizers are written by who does the work.
_CONTROLS = ("status", "finalizers")
Kind = tuple[str, str]


def controllers(objects: Iterable[Object]) -> Mapping[Kind, tuple[Ref, ...]]:
    """{(group, kind): workloads} for the kinds that these objects define. Roles that say '*' for a group name none."""
    found = tuple(objects)
    plurals = dict(_plurals(found))
    roles = {obj.ref: tuple(_kinds(obj, plurals)) for obj in found if obj.ref.group == _RBAC}
    by_account: dict[Ref, set[Kind]] = {}
    for obj in found:
        if obj.ref.group == _RBAC and obj.ref.kind in ("RoleBinding", "ClusterRoleBinding"):
            kinds = roles.get(_role(obj), ())
            for account in _accounts(obj) if kinds else ():
                by_account.setdefault(account, set()).update(kinds)
    out: dict[Kind, list[Ref]] = {}
    for obj in found:
        template = pod_template(obj) if obj.ref.kind not in ("Job", "CronJob") else None
        if template is None:
            continue
        name = template.spec.get("serviceAccountName") or template.spec.get("serviceAccount") or "default"
        for kind in by_account.get(Ref("", "ServiceAccount", obj.ref.namespace, str(name)), ()):
            out.setdefault(kind, []).append(obj.ref)
    return {kind: tuple(sorted(refs)) for kind, refs in sorted(out.items())}


def _plurals(objects: Iterable[Object]) -> Iterator[tuple[tuple[str, str], Kind]]:
    """((group, plural), (group, kind)) of each definition."""
    for obj in objects:
        if obj.ref.kind == "CustomResourceDefinition":
            group, names = str(obj.spec.get("group")), _map(obj.spec.get("names"))
            yield (group, str(names.get("plural"))), (group, str(names.get("kind")))


def _kinds(role: Object, plurals: Mapping[tuple[str, str], Kind]) -> Iterator[Kind]:
    for rule in map(_map, _list(role.body.get("rules"))):
        if not _WRITES & _texts(rule.get("verbs")):
            continue
        resources = _texts(rule.get("resources"))
        for (group, plural), kind in plurals.items():
            named = {f"{plural}/{part}" for part in _CONTROLS} | {f"*/{part}" for part in _CONTROLS} | {"*"}
            if group in _texts(rule.get("apiGroups")) and resources & named:
                yield kind


def _role(binding: Object) -> Ref:
    named = _map(binding.body.get("roleRef"))
    cluster = named.get("kind") == "ClusterRole"
    return Ref(_RBAC, str(named.get("kind")), "" if cluster else binding.ref.namespace, str(named.get("name")))


def _accounts(binding: Object) -> Iterator[Ref]:
    for one in map(_map, _list(binding.body.get("subjects"))):
        if one.get("kind") == "ServiceAccount":
            yield Ref("", "ServiceAccount", str(one.get("namespace") or binding.ref.namespace), str(one.get("name")))


def _texts(value: Any) -> frozenset[str]:
    return frozenset(one for one in _list(value) if isinstance(one, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}
