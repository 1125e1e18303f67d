"""Which rights on the target a run needs: what preflight, apply and release ask of its API server, and no more. Pure.

Tried on a real API server (tests/cluster/test_rights.py): a server-side apply asks for `patch`, and for `create` too
where the object is absent, both with its name; a dry run asks for the same. Reading is asked for nowhere in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.manifest.places import get
from migrate.manifest.references import references
from migrate.model.listing import Kind
from migrate.model.objects import Body, Object
from migrate.model.path import P
from migrate.model.ref import Ref, group_of
from migrate.semantics.going import Going
from migrate.semantics.grants import Grant, covered, grants
from migrate.semantics.plurals import Plurals

RBAC, ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
_SECRET = ("", "Secret")
_ROLES, _BINDINGS = ("Role", "ClusterRole"), ("RoleBinding", "ClusterRoleBinding")
# What checks list beside the kinds of the plan and what those name; and Pods and Events, which say why something waits.
_LOOKED_AT: dict[str, str] = {
    "": "ConfigMap Event LimitRange Node PersistentVolume PersistentVolumeClaim Pod "
    "ReplicationController ResourceQuota Service ServiceAccount",
    "admissionregistration.k8s.io": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "apps": "DaemonSet Deployment ReplicaSet StatefulSet",
    "batch": "CronJob Job",
    "discovery.k8s.io": "EndpointSlice",
    "eks.amazonaws.com": "NodeClass",
    "karpenter.k8s.aws": "EC2NodeClass",
    "karpenter.sh": "NodePool",
    "networking.k8s.io": "IngressClass",
    "node.k8s.io": "RuntimeClass",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver StorageClass",
}


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """One verb on one kind. No `namespace`: in all of them, or of cluster scope. No `name`: all of them.

    `for_checks`: without it a check of preflight could not look, and all else works. `refs`: the objects that need it.
    """

    verb: str
    group: str
    kind: str
    namespace: str = ""
    name: str = ""
    for_checks: bool = False
    refs: tuple[Ref, ...] = field(default=(), compare=False)


def needed(going: Going, plurals: Plurals | None = None, *, absent: Collection[str] = ()) -> tuple[Need, ...]:
    """The rights that this run needs. `absent` are the namespaces that the target does not have: what goes there is
    dry-run in `default`.

    Reading is of whole kinds, in all namespaces: what is there already is listed. Only Secrets are read one by one, by
    name. Writing is of one namespace, and in cluster scope of one name. Nothing is updated, and nothing deleted.
    """
    named = plurals or plurals_of(going)
    bodies = going.bodies
    found: dict[Need, set[Ref]] = {}
    for need in _plain(bodies):
        found.setdefault(need, set()).update(need.refs)
    needs = [Need(n.verb, n.group, n.kind, n.namespace, n.name, refs=tuple(sorted(refs))) for n, refs in found.items()]
    needs += granting(bodies, needs, named)
    kinds = {(need.group, need.kind) for need in needs if need.verb == "list"}
    needs += [Need("list", *kind, for_checks=True) for kind in sorted(set(_looked_at(bodies)) - kinds)]
    tried = sorted({(ref.group, ref.kind) for ref in bodies if ref.namespace in absent})
    needs += [
        Need(verb, *kind, "default", for_checks=True, refs=_in(bodies, kind, absent))
        for kind in tried
        for verb in ("create", "patch")
        if Need(verb, *kind, "default") not in found
    ]
    return tuple(sorted(needs))


def plurals_of(going: Going, served: Iterable[Kind] = ()) -> Plurals:
    """The words for kinds, by what the target serves, if it was asked, and by the definitions in the plan."""
    return Plurals(served, {step.ref: step.body for step in going.plan.steps if step.body is not None})


def namespaces(needs: Iterable[Need]) -> tuple[str, ...]:
    """The namespaces that are made or written to."""
    found = {need.name if makes_a_namespace(need) else need.namespace for need in needs if not need.for_checks}
    return tuple(sorted(found - {""}))


def makes_a_namespace(need: Need) -> bool:
    """Tell whether this is the right to make a namespace; who finds it made does not need it."""
    return (need.verb, need.group, need.kind) == ("create", "", "Namespace")


def _plain(bodies: Mapping[Ref, Body]) -> Iterator[Need]:
    yield Need("get", "", "Namespace")  # kube-system's uid is the cluster's
    yield Need("list", "", "Namespace")
    for ref, body in bodies.items():
        if (ref.group, ref.kind) == _SECRET:  # to list them is to read the values of all of them
            yield Need("get", *_SECRET, ref.namespace, ref.name, refs=(ref,))
        else:
            yield Need("get", ref.group, ref.kind, refs=(ref,))
            yield Need("list", ref.group, ref.kind, refs=(ref,))
        for verb in ("create", "patch"):
            yield Need(verb, ref.group, ref.kind, ref.namespace, "" if ref.namespace else ref.name, refs=(ref,))
        if (asked := _parameters(ref, body, bodies)) is not None:
            yield Need("get", *asked, refs=(ref,))


def _parameters(ref: Ref, body: Body, bodies: Mapping[Ref, Body]) -> tuple[str, str] | None:
    """Who writes an admission policy with parameters must be allowed to read those; so must who binds it."""
    if ref.group == ADMISSION and ref.kind.endswith("AdmissionPolicyBinding"):
        policy = str(get(body, P("spec", "policyName")))
        body = bodies.get(Ref(ADMISSION, ref.kind.removesuffix("Binding"), "", policy), {})
    elif not (ref.group == ADMISSION and ref.kind.endswith("AdmissionPolicy")):
        return None
    kind = get(body, P("spec", "paramKind"))
    return (group_of(str(kind.get("apiVersion"))), str(kind.get("kind"))) if isinstance(kind, Mapping) else None


def granting(bodies: Mapping[Ref, Body], have: Iterable[Need], plurals: Plurals) -> list[Need]:
    """`escalate` on roles that grant more than this run has itself; `bind` on the roles that bindings name.

    `bind` is needed even for a role that grants nothing more: a binding is dry-run while its role may not be there.
    """
    own = [(need.namespace, _grant(need, plurals)) for need in have]
    found: dict[Need, set[Ref]] = {}
    for ref, body in bodies.items():
        if ref.group != RBAC:
            continue
        need = None
        if ref.kind in _ROLES:
            mine = [grant for namespace, grant in own if namespace in ("", ref.namespace)]
            if body.get("aggregationRule") or not covered(grants(body.get("rules")), mine):
                need = Need("escalate", RBAC, ref.kind, ref.namespace, ref.name)
        elif ref.kind in _BINDINGS and isinstance(role := body.get("roleRef"), Mapping):
            need = Need("bind", RBAC, str(role.get("kind")), ref.namespace, str(role.get("name")))
        if need is not None:
            found.setdefault(need, set()).add(ref)
    return [Need(n.verb, n.group, n.kind, n.namespace, n.name, refs=tuple(sorted(refs))) for n, refs in found.items()]


def _grant(need: Need, plurals: Plurals) -> Grant:
    names = frozenset({need.name} if need.name else ())
    resources = frozenset({plurals.of(need.group, need.kind)})
    return Grant(frozenset({need.verb}), frozenset({need.group}), resources, names)


def _looked_at(bodies: Mapping[Ref, Body]) -> Iterator[tuple[str, str]]:
    """Kinds that checks list. Not Secrets, whoever names them."""
    yield from ((group, kind) for group, kinds in _LOOKED_AT.items() for kind in kinds.split())
    for ref, body in bodies.items():
        for one in references(Object(ref, body)):
            to: Any = one.to
            if isinstance(to, Ref) and to.kind and (to.group, to.kind) != _SECRET:
                yield to.group, to.kind


def _in(bodies: Mapping[Ref, Body], kind: tuple[str, str], spaces: Collection[str]) -> tuple[Ref, ...]:
    return tuple(sorted(ref for ref in bodies if (ref.group, ref.kind) == kind and ref.namespace in spaces))
