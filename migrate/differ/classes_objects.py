"""Whole objects: missing, held by not being there, extra, and those of EKS itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from migrate import catalog
from migrate.differ.classes_tables import controllers
from migrate.differ.owners import owners
from migrate.manifest.places import get
from migrate.model.comparison import Class, Delta
from migrate.model.effects import Cause
from migrate.model.objects import Body, Object
from migrate.model.path import P
from migrate.model.plan import Step
from migrate.model.ref import Ref, group_of
from migrate.semantics.owners import Managed, load_managed, made_by

_APPLY = ("gke2eks", "apply")
_NAMESPACE = ("", "Namespace")
_UNPLANNED = "delete it by hand if it is not needed, or say --allow-extra where others use the cluster, too"
_JOB = ("batch", "Job")


def missing(step: Step, why: str, command: Sequence[str] = _APPLY) -> Delta:
    """Say that a planned object is not there; `command` is the apply of this workspace and target, as words."""
    fix = shlex.join((*command, "--only", str(step.ref)))
    return Delta(Class.MISSING, step.ref, because=why, fix=fix)


def ended(step: Step) -> Delta | None:
    """Say that a Job that was released is gone because its plan says so; None for what should still be there."""
    seconds = get(step.body, P("spec", "ttlSecondsAfterFinished"))
    if (step.ref.group, step.ref.kind) != _JOB or not isinstance(seconds, int):
        return None
    because = f"it was released, and Kubernetes deletes it {seconds} s after its end; nobody can tell how it ended"
    return Delta(Class.RUNTIME, step.ref, because=because)


def held_absent(step: Step, why: str) -> Delta:
    """Say that an object is not there because only release makes it."""
    return Delta(Class.HELD, step.ref, because=why)


def extra(ref: Ref, live: Body, because: str = "nobody planned it", fix: str = _UNPLANNED) -> Delta:
    """Say that an object is there that nobody planned, and who wrote to it last."""
    writers = owners(live).of(P())
    return Delta(Class.EXTRA, ref, owner=writers[0] if writers else None, because=because, fix=fix)


def is_eks_own(body: Body) -> str:
    """Say why an object belongs to EKS, Kubernetes or a controller; '' for one that a person made.

    What is in a system namespace and is known by no table is a person's: charts are installed there.
    """
    ref = _ref(body)
    obj = Object(ref, body)
    for tables in _tables():
        found = made_by(obj, tables, lambda _: True)
        if found is not None and found[0] in (Cause.KUBERNETES, Cause.CONTROLLER):
            return found[1]
    if (ref.group, ref.kind) == _NAMESPACE:
        return ""
    who = {str(one.get("manager")) for one in owners(body).entries if not one.get("subresource")}
    return f"made by {', '.join(sorted(who))}" if who and who <= controllers() else ""


@cache
def _tables() -> tuple[Managed, ...]:
    return tuple(load_managed(catalog.text(name)) for name in ("eks-managed.yaml", "managed.yaml"))


def _ref(body: Body) -> Ref:
    metadata: Any = body.get("metadata")
    words = metadata if isinstance(metadata, Mapping) else {}
    name, space = (str(words.get(key) or "") for key in ("name", "namespace"))
    return Ref(group_of(str(body.get("apiVersion", ""))), str(body.get("kind", "")), space, name)
