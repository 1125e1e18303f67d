"""Comparing an object as it is on the target with what an apply of ours would leave, or has left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.cluster.outcome import Applied
from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.semantics.holding_release import OURS, Request
from migrate.workspace.journal_projection import project

_MANAGED = P("metadata", "managedFields")
_CONTROLLERS = "kube-controller-manager"


def differs_not(tried: Applied, live: Body, request: Request) -> bool:
    """Compare what an apply would leave with what is there: our fields, and what we own of them."""
    same = project(tried.body, request.body) == project(live, request.body)
    return same and _owned(tried.body, request.manager) == _owned(live, request.manager) and not tried.ending


def _owned(body: Body, manager: str) -> Any:
    entries = get(body, _MANAGED)
    found = [
        one.get("fieldsV1")
        for one in (entries if isinstance(entries, list) else ())
        if one.get("manager") == manager and one.get("operation") == "Apply" and not one.get("subresource")
    ]
    return found


def ours_alone(body: Body | None) -> bool:
    """Tell whether an object whose creation was not answered was made by us: nobody else owns anything but status.

    Kubernetes' own controllers add to what we made (the revision of a Deployment). An object with a name only, such as
    most ServiceAccounts, has nothing to own, and so no entry of anybody.
    """
    entries = get(body, _MANAGED)
    return all(
        (one.get("manager") or "").startswith(OURS) and one.get("operation") == "Apply"
        for one in (entries if isinstance(entries, list) else ())
        if not one.get("subresource") and one.get("manager") != _CONTROLLERS
    )


def others_values(live: Body, request: Request) -> tuple[str, ...]:
    """Keys of a Secret, none of which we applied, whose values an apply would replace without a conflict.

    Who applies `stringData` owns that, and nobody owns the `data` that servers make of it (tried).
    """
    if request.body.get("kind") != "Secret":
        return ()
    entries = _owned(live, request.manager)
    mine = {key for one in entries for part in ("f:data", "f:stringData") for key in (one or {}).get(part) or {}}
    there, ours = get(live, P("data")), get(request.body, P("data"))
    if not isinstance(there, Mapping) or not isinstance(ours, Mapping):
        return ()
    return tuple(sorted(key for key in ours if key in there and there[key] != ours[key] and f"f:{key}" not in mine))


def others(live: Body) -> str:
    """Who wrote to an object, but for its status."""
    entries = get(live, _MANAGED)
    found = [
        str(one.get("manager"))
        for one in (entries if isinstance(entries, list) else ())
        if not one.get("subresource") and not str(one.get("manager")).startswith(OURS)
    ]
    return ", ".join(dict.fromkeys(found)) or "somebody"


def uid(body: Body | None) -> str:
    """Give the UID, '' when there is none."""
    found = get(body, P("metadata", "uid"))
    return found if isinstance(found, str) else ""


def version(body: Body | None) -> str:
    """Give the resourceVersion, '' when there is none."""
    found = get(body, P("metadata", "resourceVersion"))
    return found if isinstance(found, str) else ""
