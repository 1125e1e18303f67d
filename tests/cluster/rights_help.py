"""Users with exactly the rights that `gke2eks access target` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import yaml
from apply_help import TODAY
from contract.target_help import as_client
from rig.controlplane import ControlPlane
from rig.http import ApiError, Json
from rig.users import NAMESPACE, Limited, limited
from rollback_help import Life
from shapes_help import eventually

from migrate.cluster.pace import Pace
from migrate.cluster.target import KubeTarget
from migrate.flow.access import access_objects, access_target
from migrate.semantics.going import Going
from migrate.semantics.more_rights import NO_MORE, More
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


def literally(plane: ControlPlane, printed: str) -> Limited:
    """The printed objects under their own names, with an account in place of the group, as the text says."""
    admin, user = plane.client(), limited(plane, [])
    account = {"kind": "ServiceAccount", "name": user.name, "namespace": NAMESPACE}
    for obj in yaml.safe_load_all(printed):
        if obj["kind"].endswith("Binding"):
            obj["subjects"] = [account]
        _there(admin, obj)
    return user


def _there(admin: Any, obj: Json) -> None:
    try:
        admin.create(obj)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def printed(life: Life, more: More = NO_MORE, **options: Any) -> str:
    return access_target(life.ws, today=TODAY, target=life.target, more=more, **options)


def lessened(rule: Json, verb: str = "", resource: str = "") -> Iterator[Json]:
    """The rule without one verb, on one resource or on all."""
    some = [one for one in rule["resources"] if verb in rule["verbs"] and resource in ("", one)]
    rest = [one for one in rule["resources"] if one not in some]
    verbs = [one for one in rule["verbs"] if one != verb]
    yield from [{**rule, "resources": rest}] if rest else []
    yield from [{**rule, "resources": some, "verbs": verbs}] if some and verbs else []


def user(plane: ControlPlane, text: str, *, without: tuple[str, ...] = (), own_names: bool = False) -> KubeTarget:
    """Who has what is printed, `without` a verb, or a verb on a resource."""
    docs = list(yaml.safe_load_all(text))
    for doc in docs:
        if "rules" in doc:
            doc["rules"] = [less for rule in doc["rules"] for less in lessened(rule, *without)]
    text = yaml.safe_dump_all(docs)
    target = as_client((literally if own_names else from_printed)(plane, text).client, pace=Pace(rate=1000, burst=1000))
    rules = [(doc["metadata"].get("namespace", ""), rule) for doc in docs for rule in doc.get("rules", ())]

    def granted() -> bool:
        """The authorizer hears of new bindings a moment later."""
        return all(
            target.may(
                rule["verbs"][0],
                rule["apiGroups"][0],
                rule["resources"][0],
                space,
                *rule.get("resourceNames", [""])[:1],
            )
            for space, rule in rules
        )

    assert eventually(granted)
    return target


def verbs(text: str) -> set[str]:
    return {verb for doc in yaml.safe_load_all(text) for rule in doc.get("rules", ()) for verb in rule["verbs"]}
