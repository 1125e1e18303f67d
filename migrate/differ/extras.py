"""What is on the target and in no plan: counted where the plan has a namespace, unless EKS or a controller made it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from migrate.differ.classes_objects import extra, is_eks_own
from migrate.model.comparison import Class, Delta
from migrate.model.objects import Body, Object
from migrate.model.plan import Fate, Plan
from migrate.model.ref import Ref
from migrate.model.selection import Selection
from migrate.model.side import Side
from migrate.semantics.target_role import ROLE

# What `gke2eks access` prints, applied: its own roles and bindings.
_RIGHTS_OF_OURS = frozenset(("rbac.authorization.k8s.io", name) for name in (ROLE, "gke2eks-export"))
_CLAIM = ("", "PersistentVolumeClaim")
_SET = ("apps", "StatefulSet")
_RIGHTS = "ask for the right to list it, or say --allow-extra: then nobody looks for what is not planned."


def extras(plan: Plan, target: Side, select: Selection, *, look: bool, made: Collection[str] = ()) -> Iterator[Delta]:
    """Yield what nobody planned, of what `select` has; and what nobody could look for. Nothing unless told to look.

    Of cluster-wide kinds, and in namespaces that the plan does not have, only what this workspace made counts: add-ons
    and operators bring many objects, and other workspaces move other namespaces. `made` are the UIDs of its journal.
    """
    if not look:
        return
    planned = {step.ref for step in plan.steps if step.body is not None or step.fate is Fate.MANUAL}
    spaces = {step.ref.namespace for step in plan.steps if step.body is not None and step.ref.namespace}
    claims = _claims(plan)
    there = {body.get("metadata", {}).get("uid") for body in target.objects.values()} - {None}
    for ref in sorted(target.objects):
        if ref in planned or (ref.group, ref.name) in _RIGHTS_OF_OURS:
            continue
        body = target.objects[ref]
        ours = body.get("metadata", {}).get("uid") in made
        if not ours and (ref.namespace not in spaces or _belongs(ref, body, there)):
            continue
        if is_eks_own(body) or _of_a_template(ref, claims):
            continue
        if select.matches(Object(ref, body)):
            yield _extra(ref, body, plan, ours=ours)
    kinds = {(ref.group, ref.kind) for ref in planned}
    for (group, kind), why in sorted(target.unread.items()):
        if (group, kind) not in kinds and _asked(select, group, kind, wide=(group, kind) in target.wide):
            because = f"nobody could look whether there is one that nobody planned: {why}"
            yield Delta(Class.FAILED, Ref(group, kind or "*", "", "*"), because=because, fix=_RIGHTS)


def _extra(ref: Ref, body: Body, plan: Plan, *, ours: bool) -> Delta:
    if ours:
        because = "gke2eks made it, and the plan does not have it any more"
        fix = "gke2eks apply --prune deletes it."
    elif any(step.ref == ref for step in plan.steps):
        because = "it is there, and the plan leaves it behind on GKE"
        fix = "delete it there, or take it into the plan."
    else:
        because = "it is in a planned namespace, and neither planned nor made by EKS or a controller"
        fix = "delete it, plan it, or leave it out with --exclude."
    return extra(ref, body, because, fix)


def _asked(select: Selection, group: str, kind: str, *, wide: bool) -> bool:
    """Whether a selection may have objects of a kind. All kinds of a group, '', it may have always."""
    if not kind:
        return True
    ref = Ref(group, kind, "", "")
    named = [one.matches(ref) for one in select.kinds]
    only = [one.kind == kind and one.group in (None, "", group) for one in select.only]
    if any(found and not any(found) for found in (named, only)):
        return False
    return not wide or not select.namespaces or bool(named or only) or kind == "Namespace"


def _belongs(ref: Ref, body: Body, there: Collection[Any]) -> bool:
    """Whether it goes when another object goes: its controller made it, and that other one is judged itself.

    A claim holds data: its reference only says when it may be deleted.
    """
    found = body.get("metadata", {}).get("ownerReferences")
    rows = found if isinstance(found, list) and (ref.group, ref.kind) != _CLAIM else ()
    return any(isinstance(one, Mapping) and one.get("uid") in there for one in rows)


def _claims(plan: Plan) -> frozenset[tuple[str, str]]:
    """(namespace, start of the name) of the claims that StatefulSets make; nobody owns these claims."""
    found = set()
    for step in plan.steps:
        if (step.ref.group, step.ref.kind) == _SET and step.body is not None:
            spec: Any = step.body.get("spec")
            for one in (spec or {}).get("volumeClaimTemplates") or ():
                name = (one.get("metadata") or {}).get("name")
                found.add((step.ref.namespace, f"{name}-{step.ref.name}-"))
    return frozenset(found)


def _of_a_template(ref: Ref, claims: Collection[tuple[str, str]]) -> bool:
    if (ref.group, ref.kind) != _CLAIM:
        return False
    start, _, ordinal = ref.name.rpartition("-")
    return ordinal.isdecimal() and (ref.namespace, f"{start}-") in claims
