"""Users with exactly the rights that `gke2eks access target` prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from rig.controlplane import ControlPlane
from rig.http import ApiError, Json
from rig.users import Limited, limited

from migrate.flow.access import access_objects
from migrate.semantics.going import Going
from migrate.semantics.target_rights import Need, needed, plurals_of


def applier(plane: ControlPlane, going: Going, *, everywhere: bool = False) -> Limited:
    """A user who may do exactly what a run of this plan needs, by the roles that are printed for it."""
    return with_needs(plane, going, needed(going), everywhere=everywhere)


def with_needs(plane: ControlPlane, going: Going, needs: Iterable[Need], *, everywhere: bool = False) -> Limited:
    """The same with these needs only."""
    return with_roles(plane, access_objects(tuple(needs), plurals_of(going), everywhere=everywhere))


def from_printed(plane: ControlPlane, printed: str) -> Limited:
    """The same from the text that the command prints."""
    return with_roles(plane, list(yaml.safe_load_all(printed)))


def with_roles(plane: ControlPlane, objects: Iterable[Any]) -> Limited:
    """What an admin does with the objects: makes the namespaces, and lets one user have the roles."""
    admin, rules, within = plane.client(), [], {}
    for obj in objects:
        if obj["kind"] == "Namespace":
            _there(admin, obj)
        elif obj["kind"] == "ClusterRole":
            rules = obj["rules"]
        elif obj["kind"] == "Role":
            within[obj["metadata"]["namespace"]] = obj["rules"]
    for name in within:
        _there(admin, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return limited(plane, rules, within)


def _there(admin: Any, obj: Json) -> None:
    try:
        admin.create(obj)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
