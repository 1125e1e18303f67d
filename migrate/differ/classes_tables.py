"""What servers and controllers write by themselves: mappings/server-fields.yaml and mappings/server-defaults.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import yaml

from migrate import catalog
from migrate.model.path import Path

Place = tuple[str, ...]
"""A path without identities: `[]` is any item of a list."""

ITEM = "[]"
# Where the spec of a pod is, by kind.
_PODS: Mapping[str, Place] = {
    **dict.fromkeys(
        (
            "Deployment.apps",
            "StatefulSet.apps",
            "DaemonSet.apps",
            "ReplicaSet.apps",
            "ReplicationController",
            "Job.batch",
        ),
        ("spec", "template", "spec"),
    ),
    "CronJob.batch": ("spec", "jobTemplate", "spec", "template", "spec"),
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
}
_PLACES = 1 << 15  # that are remembered: objects of a kind differ in the same places
_TOKEN_VOLUME = "kube-api-access-"
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def place(path: Path) -> Place:
    """Forget which item of a list it is."""
    return tuple(one if isinstance(one, str) else ITEM for one in path)


def named(group: str, kind: str) -> str:
    """Write a kind as the tables do: 'Service', 'Deployment.apps'."""
    return f"{kind}.{group}" if group else kind


def under_pods(kind: str, at: Place) -> Place | None:
    """The place below the spec of a pod, or None where it is not in one."""
    top = _PODS.get(kind)
    return at[len(top) :] if top and at[: len(top)] == top and len(at) > len(top) else None


def flat(value: Any, at: Place) -> Iterator[tuple[Place, Any]]:
    """Every leaf of a value; an empty map or list is one, and so is a list of anything but maps."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, (*at, str(key)))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        for one in value:
            yield from flat(one, (*at, ITEM))
    else:
        yield at, value


@cache
def controllers() -> frozenset[str]:
    """The field managers that are controllers of Kubernetes or AWS."""
    return frozenset(_fields()["controllers"])


@lru_cache(_PLACES)
def runtime_place(kind: str, at: Place, *, planned: bool = False) -> bool:
    """Tell whether only servers and controllers write there, whoever is said to own it.

    `planned`: the plan says something there, too; then what a controller may fill in is a difference like any other.
    """
    if at[:1] == ("status",):
        return True
    if at[:1] == ("metadata",) and len(at) > 1:
        if at[1] == "annotations":
            return len(at) > 2 and _in(at[2], _fields()["annotations"])
        if at[1] == "labels":
            return len(at) > 2 and not planned and _in(at[2], _fields()["labels"])
        return at[1] in _fields()["metadata"]
    rows: Sequence[str] = () if planned else _fields()["paths"].get(kind, ())
    return any(at[: len(row)] == row for row in (tuple(text.split(".")) for text in rows))


def controllers_finalizer(name: Any) -> bool:
    """Tell whether a finalizer is one that Kubernetes or a controller on EKS sets by itself."""
    return isinstance(name, str) and _in(name, _fields()["finalizers"])


def default(kind: str, at: Place, value: Any) -> bool | None:
    """True where the API server fills in this value, None where it fills in one of its choice, else False."""
    values = _filled(kind, at)
    return None if values is None else any(type(one) is type(value) and one == value for one in values)


@lru_cache(_PLACES)
def _filled(kind: str, at: Place) -> tuple[Any, ...] | None:
    """The values that the API server fills in at a place; None for any."""
    tables, inside = _defaults(), under_pods(kind, at)
    values: list[Any] = []
    for rows, here in ((tables.get(kind, {}), at), (tables["pods"] if inside else {}, inside or ())):
        if any(rows.get(_text(here[:n])) == "any" for n in range(1, len(here) + 1)):
            return None
        values += rows.get(_text(here), ())
        if here[-1:] == (ITEM,):  # one item of a list that the table knows whole
            values += [one for whole in rows.get(_text(here[:-1]), ()) if isinstance(whole, list) for one in whole]
    return tuple(values)


def token_of_account(value: Any) -> bool:
    """Tell whether it is the volume, or its mount, by which every Pod gets the token of its ServiceAccount."""
    if not isinstance(value, Mapping):
        return False
    return value.get("mountPath") == _TOKEN_PATH or str(value.get("name", "")).startswith(_TOKEN_VOLUME)


def _text(at: Place) -> str:
    return ".".join(at).replace(f".{ITEM}", ITEM)


def _in(name: str, table: Sequence[str]) -> bool:
    return any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in table)


@cache
def _fields() -> Mapping[str, Any]:
    return _read("server-fields.yaml")


@cache
def _defaults() -> Mapping[str, Any]:
    return _read("server-defaults.yaml")


def _read(name: str) -> Mapping[str, Any]:
    found = yaml.load(catalog.text(name), yaml.CSafeLoader)
    assert isinstance(found, dict)
    return found
