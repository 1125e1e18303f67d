"""The roles that grant what a run needs, as objects that an admin applies, and what of them makes an admin. Pure.

Reading is granted in all namespaces by one ClusterRole, writing in each namespace by a Role. Who may make pods in every
namespace may use every ServiceAccount, kube-system's too, and so may do everything: that is what the Roles are for.
A Role needs its namespace, so the namespaces come first, bare; and so they are dry-run in, instead of `default`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from migrate.manifest.pods import pod_template
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.semantics.going import Going
from migrate.semantics.grants import grants, powerful
from migrate.semantics.plurals import Plurals
from migrate.semantics.target_rights import ADMISSION, RBAC, Need, makes_a_namespace

ROLE = "gke2eks-apply"  # of the roles, of their bindings, and of the group that they bind
_SYSTEM = "kube-system"
# In every cluster: what they grant leads nowhere.
_HARMLESS = frozenset(
    {
        "view",
        "system:auth-delegator",
        "system:basic-user",
        "system:discovery",
        "system:public-info-viewer",
        "extension-apiserver-authentication-reader",
    }
)
JUDGES = {
    "MutatingWebhookConfiguration": "webhooks see and change what they name, Secrets and pods of others included",
    "ValidatingWebhookConfiguration": "webhooks see what they name, Secrets included",
    "MutatingAdmissionPolicy": "admission policies change what they name, pods of others included",
    "APIService": "an APIService answers for a whole group, and sees who asks what",
}


@dataclass(frozen=True, slots=True)
class Power:
    """Something in a run that makes an admin of who may do it: why, and the objects because of which."""

    why: str
    refs: tuple[Ref, ...]


def roles(
    needs: Iterable[Need], plurals: Plurals, *, everywhere: bool = False, more: Iterable[Need] = ()
) -> tuple[Body, ...]:
    """A ClusterRole and, unless `everywhere`, a Role for each namespace; without bindings.

    `more` is about objects that are there already, and so in their namespaces in any case.
    """
    wanted = tuple(one for need in needs if (one := _folded(need) if everywhere else need) is not None)
    spaces: dict[str, list[Need]] = {"": []}
    for need in wanted:
        if not everywhere and (makes_a_namespace(need) or (need.for_checks and need.namespace)):
            continue  # an admin makes them: nobody else has to, and nothing is tried in `default`
        spaces.setdefault(need.namespace, []).append(need)
    for need in more:
        spaces.setdefault(need.namespace, []).append(need)
    return tuple(_role(space, _rules(found, plurals)) for space, found in sorted(spaces.items()))


def bound(role: Body) -> Body:
    """The binding of such a role to the group of its name, which nobody is in until somebody says so."""
    kind = str(role["kind"])
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": role["metadata"],
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": ROLE},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": ROLE}],
    }


def powers(going: Going, needs: Sequence[Need], *, everywhere: bool = False) -> tuple[Power, ...]:
    """What of the plan makes an admin of the whole cluster of who may apply it; () when nothing does.

    Who may write any Role of a namespace has all rights there, and in no other, unless that is kube-system.
    """
    bodies = going.bodies
    found: dict[str, set[Ref]] = {}
    for need in needs:
        if need.verb == "escalate" and (everywhere or need.namespace in ("", _SYSTEM)):
            why = "roles that grant more than it has: with escalate it could grant itself everything"
            found.setdefault(why, set()).update(need.refs)
        elif need.verb == "bind" and need.namespace in ("", _SYSTEM) and (why := _binds(need, bodies)):
            found.setdefault(why, set()).update(need.refs)
    for ref, body in bodies.items():
        if ref.kind in JUDGES and ref.group in (ADMISSION, "apiregistration.k8s.io"):
            found.setdefault(JUDGES[ref.kind], set()).add(ref)
        elif ref.namespace == _SYSTEM and pod_template(Object(ref, body)) is not None:
            found.setdefault(f"pods in {_SYSTEM}: they may use any ServiceAccount there", set()).add(ref)
    return tuple(Power(why, tuple(sorted(refs))) for why, refs in found.items())


def all_of(needs: Iterable[Need]) -> tuple[str, ...]:
    """The namespaces of which one gets all rights, by a role there that grants more than one has."""
    return tuple(sorted({need.namespace for need in needs if need.verb == "escalate" and need.namespace}))


def without(going: Going, refs: Iterable[Ref]) -> tuple[str, ...]:
    """The patterns for --exclude that leave these objects out, and no other."""
    wanted = set(refs)
    kinds: dict[tuple[str, str], set[Ref]] = {}
    for ref in going.bodies:
        kinds.setdefault((ref.group, ref.kind), set()).add(ref)
    found: list[str] = []
    for every in kinds.values():
        mine = every & wanted
        # With a glob the same is left out of the next plan, too.
        globs = sorted({str(replace(ref, namespace=ref.namespace and "*", name="*")) for ref in mine})
        found += globs if mine == every else sorted(map(str, mine))
    return tuple(found)


def makes_pods(going: Going) -> bool:
    """Tell whether something that goes starts pods."""
    return any(pod_template(Object(ref, body)) is not None for ref, body in going.bodies.items())


def _binds(need: Need, bodies: Mapping[Ref, Body]) -> str:
    role = bodies.get(Ref(RBAC, need.kind, need.namespace if need.kind == "Role" else "", need.name))
    if role is None:
        if need.name in _HARMLESS:
            return ""
        if need.name in ("cluster-admin", "admin", "edit"):
            return f"bindings to {need.name}: it could bind that to itself"
        return "bindings to roles that are not in this run: nobody here knows what those grant"
    if role.get("aggregationRule") or powerful(grants(role.get("rules"))):
        return "bindings to roles that lead to all rights: it could bind those to itself"
    return ""


def _folded(need: Need) -> Need | None:
    """The same right in all namespaces. Of a Role under any name: in a dry run in `default` it has another."""
    if not need.namespace:
        return need
    name = "" if (need.verb, need.kind) == ("escalate", "Role") else need.name
    return replace(need, namespace="", name=name, for_checks=False)


def _role(namespace: str, rules: list[Any]) -> Body:
    metadata = {"name": ROLE, "namespace": namespace} if namespace else {"name": ROLE}
    kind = "Role" if namespace else "ClusterRole"
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": rules}


def _rules(needs: Iterable[Need], plurals: Plurals) -> list[Any]:
    """As few rules as say exactly this: kinds with the same verbs share one, and so do names of a kind."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for need in needs:
        verbs.setdefault((need.group, plurals.of(need.group, need.kind), need.name), set()).add(need.verb)
    resources: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    names: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
    for (group, resource, name), mine in verbs.items():
        left = tuple(sorted(mine - verbs.get((group, resource, ""), set()) if name else mine))
        if name and left:
            names.setdefault((group, resource, left), set()).add(name)
        elif left:
            resources.setdefault((group, left), set()).add(resource)
    rules: list[tuple[Any, ...]] = [
        (group, sorted(found), [], list(left)) for (group, left), found in resources.items()
    ]
    rules += [(group, [resource], sorted(found), list(left)) for (group, resource, left), found in names.items()]
    return [
        {"apiGroups": [group], "resources": found} | ({"resourceNames": named} if named else {}) | {"verbs": left}
        for group, found, named, left in sorted(rules)
    ]
