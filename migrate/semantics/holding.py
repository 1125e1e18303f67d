"""How each kind of object lies inert on the target until release, and the mark that says that it does.

The mark is one annotation. Its values are what stood in the fields that hold the object, or the word `released`.
The key has a prefix, because one without belongs to the user, and no dot in it: nobody can own `gke2eks` as a
domain, we own none that is longer, and servers take it (a prefix is any DNS name).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrate.manifest.places import drop, get, put
from migrate.model.objects import MISSING, Body
from migrate.model.path import P, Path, PathError, parse
from migrate.model.ref import group_of

KEY = "gke2eks/hold"  # of the annotation, the scheduling gate and the label that no node has
MARK = P("metadata", "annotations", KEY)
RELEASED = "released"
REPLICAS = P("spec", "replicas")
_SUSPEND = P("spec", "suspend")
_GATES = P("spec", "schedulingGates")
_SELECTOR = P("spec", "template", "spec", "nodeSelector")
SCALED = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "ReplicaSet")}) | {
    ("", "ReplicationController")
}
WEBHOOKS = frozenset(
    ("admissionregistration.k8s.io", f"{how}WebhookConfiguration") for how in ("Mutating", "Validating")
)
# Kinds that have no field to hold them by: they come to be at release.
_LATER = {
    ("batch", "CronJob"): "unsuspending one starts a missed Job at once; one that is created waits for its next tick",
    ("keda.sh", "ScaledObject"): "KEDA does not take 0 replicas for off, it wakes its target",
    ("keda.sh", "ScaledJob"): "KEDA would start Jobs for it",
    ("apiregistration.k8s.io", "APIService"): "without a backend its kinds answer 503, and no namespace can be deleted",
} | dict.fromkeys(WEBHOOKS, "without a backend it refuses what it should judge")
_NO_GATE = "a Pod that names its node cannot have a scheduling gate"
_FROM_ZERO = "with minReplicas 0 it wakes its target; only from Kubernetes 1.36 on it takes 0 replicas for off"
_CONVERTED = "its versions are converted by a webhook, which has no backend yet"


@dataclass(frozen=True, slots=True)
class Original:
    """What the planned object says where the hold says something else; MISSING where it says nothing."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Held:
    """The inert body to send, or None with the reason why the object is only made at release.

    `converted`: a webhook that is held would convert it, so that no server can judge it before.
    """

    body: Body | None
    originals: tuple[Original, ...] = ()
    because: str = ""
    converted: bool = False


class State(StrEnum):
    """What the target says of an object's hold. `arrived` is there without our mark: whoever made it, it is not ours
    to stop."""

    ABSENT = "absent"
    HELD = "held"
    RELEASED = "released"
    ARRIVED = "arrived"


def hold(body: Body, *, converted: Collection[tuple[str, str]] = ()) -> Held | None:
    """Say how this planned object is held; None for what needs no hold, as an autoscaler that takes 0 for off.

    `converted`: (group, kind) of custom kinds behind a conversion webhook that is held (see holding_who).
    """
    kind = kind_of(body)
    if kind in converted:
        return Held(None, because=_CONVERTED, converted=True)
    if kind == ("autoscaling", "HorizontalPodAutoscaler"):
        return Held(None, because=_FROM_ZERO) if get(body, P("spec", "minReplicas")) == 0 else None
    if kind == ("apiregistration.k8s.io", "APIService") and not get(body, P("spec", "service")):
        return None  # the server itself answers for it
    if kind in _LATER:
        return Held(None, because=_LATER[kind])
    if kind == ("", "Pod") and get(body, P("spec", "nodeName")):
        return Held(None, because=_NO_GATE)
    how = _HOW.get(kind)
    return _held(body, how[0], how[1](get(body, how[0]))) if how else None


def _held(body: Body, path: Path, value: Any) -> Held:
    original = Original(path, get(body, path))
    return Held(put(put(body, path, value), MARK, _text(original)), (original,))


def _zero(_: Any) -> Any:
    return 0


def _suspended(_: Any) -> Any:
    return True


def _gated(gates: Any) -> Any:
    kept = [gate for gate in gates if gate != {"name": KEY}] if isinstance(gates, list) else []
    return [*kept, {"name": KEY}]


def _nowhere(selector: Any) -> Any:
    return {**(selector if isinstance(selector, Mapping) else {}), KEY: "true"}


_HOW: dict[tuple[str, str], tuple[Path, Callable[[Any], Any]]] = {
    **dict.fromkeys(SCALED, (REPLICAS, _zero)),
    ("apps", "DaemonSet"): (_SELECTOR, _nowhere),
    ("batch", "Job"): (_SUSPEND, _suspended),
    ("", "Pod"): (_GATES, _gated),
}


def state(live: Body | None) -> State:
    """Read the mark of a live object; a value that is not ours counts as held, the side on which nothing starts."""
    if live is None:
        return State.ABSENT
    said = get(live, MARK)
    if said is MISSING:
        return State.ARRIVED
    return State.RELEASED if said == RELEASED else State.HELD


def may_hold(live: Body | None) -> bool:
    """Tell whether holding stops nothing: the object is new, held, or inert although somebody took the mark off."""
    where = state(live)
    return where in (State.ABSENT, State.HELD) or (where is State.ARRIVED and live is not None and inert(live))


def inert(live: Body) -> bool:
    """Tell whether the field that holds this kind has the value that holds it, whoever wrote it."""
    how = _HOW.get(kind_of(live))
    value = get(live, how[0]) if how else MISSING
    return how is not None and value is not MISSING and how[1](value) == value


def originals(live: Body) -> tuple[Original, ...] | None:
    """Read the mark's originals back; None when there are none to read. For people and for a lost plan."""
    try:
        said = json.loads(get(live, MARK))
        pairs = [(parse(path), one.get("was", MISSING)) for path, one in said.items()]
    except (TypeError, ValueError, AttributeError, PathError):
        return None
    return tuple(Original(path, value) for path, value in pairs)


def marked(body: Body, *, released: bool) -> Body:
    """Give the body with the mark of release, or without any mark: one from an older move says nothing here."""
    if released:
        return _body(put(body, MARK, RELEASED))
    notes = get(body, MARK[:-1])
    alone = isinstance(notes, Mapping) and set(notes) == {KEY}
    return _body(drop(body, MARK[:-1] if alone else MARK))


def kind_of(body: Body) -> tuple[str, str]:
    """(group, kind) of a body."""
    return group_of(str(body.get("apiVersion", ""))), str(body.get("kind", ""))


def _text(original: Original) -> str:
    was = {} if original.value is MISSING else {"was": original.value}
    return json.dumps({str(original.path): was}, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _body(value: Any) -> Body:
    assert isinstance(value, Mapping)
    return value
