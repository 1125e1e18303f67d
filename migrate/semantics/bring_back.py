"""An object that a run deleted, made once more: what is sent, what of it only a server gives, and what is lost. Pure.

Tried on a real server: a create takes no managedFields, so all is first owned by whoever sends it, and an update gives
the owners back. It takes a clusterIP and a nodePort of before while they are free. What names an owner that is gone is
collected within a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrate.manifest.places import drop, get, put
from migrate.manifest.references import Defined, references
from migrate.model.objects import MISSING, Body, Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref

_SERVERS = (
    *("uid", "resourceVersion", "creationTimestamp", "generation", "selfLink", "managedFields"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences"),
)
_ROOMS = frozenset({("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")})
_NO_ADDRESS = "None"
_JOB_LABELS = ("controller-uid", "batch.kubernetes.io/controller-uid")
_LABELS = (P("metadata", "labels"), P("spec", "template", "metadata", "labels"))
_SELECTOR, _SUSPEND, _NODE = P("spec", "selector"), P("spec", "suspend"), P("spec", "nodeName")
_IP, _IPS, _PORTS = P("spec", "clusterIP"), P("spec", "clusterIPs"), P("spec", "ports")
_HEALTH = P("spec", "healthCheckNodePort")
_ENDED = frozenset({"Complete", "Failed"})
# They are nothing without the disk that they stood for; made anew they would only look like it.
_GONE = frozenset(
    {("", "PersistentVolume"), ("", "PersistentVolumeClaim")}
    | {("snapshot.storage.k8s.io", kind) for kind in ("VolumeSnapshot", "VolumeSnapshotContent")}
)


def costs(ref: Ref) -> str:
    """What to know before what apply made in its place is deleted; ''."""
    runs = ref.group in ("apps", "batch") or (ref.group, ref.kind) in (("", "Pod"), ("", "ReplicationController"))
    return (
        "what apply made in its place is deleted first, with its pods: it is DOWN until this one is ready"
        if runs
        else ""
    )


def lost(ref: Ref, before: Body) -> str:
    """Why it cannot be brought back; ''."""
    if (ref.group, ref.kind) in _GONE:
        return "it was deleted, and its data with it: nothing brings that back"
    if _is(before, "Pod") and get(before, P("status", "phase")) in ("Succeeded", "Failed"):
        return "it was deleted after it had ended, and would run again"
    return ""


def missing(ref: Ref, before: Body) -> str:
    """What is not as before though the object is there again; ''."""
    if _is(before, "Job") and _ended(before):
        return "it had ended, so it is there suspended and does not run again"
    claims = get(before, P("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")) == "Delete"
    custom = any(isinstance(one.to, Defined) for one in references(Object(ref, {})))
    if claims or custom or (ref.group, ref.kind) in _ROOMS:
        return "the object is there again; what was in it, or hung on it, went when it was deleted"
    return ""


def as_new(before: Body, owners: Iterable[Mapping[str, Any]] = ()) -> Body:
    """What to create. `owners` are its ownerReferences, of those that are there."""
    meta: dict[str, Any] = {key: value for key, value in before["metadata"].items() if key not in _SERVERS}
    there = list(owners)
    meta |= {"ownerReferences": there} if there else {}
    body: Body = {**{key: value for key, value in before.items() if key != "status"}, "metadata": meta}
    if _is(before, "Pod"):
        found: Body = drop(body, _NODE)
        return found
    if not _is(before, "Job"):
        return body
    if _own_labels(before):
        body = drop(body, _SELECTOR)
        for at in _LABELS:
            for name in _JOB_LABELS:
                body = drop(body, at / name)
    return put(body, _SUSPEND, True) if _ended(before) else body


def without_taken(body: Body, fields: Iterable[str]) -> Body | None:
    """Leave out addresses that somebody else has by now. `fields` are those that the server refused; None: they are
    no addresses."""
    found = list(fields)
    if not _is(body, "Service") or not found:
        return None
    for one in found:
        port = _port(one)
        if one.startswith(str(_IP)) and get(body, _IP) != _NO_ADDRESS:
            body = drop(drop(body, _IP), _IPS)
        elif one == str(_HEALTH):
            body = drop(body, _HEALTH)
        elif port is not None and get(body, port) is not MISSING:
            body = drop(body, port)
        else:
            return None
    return body


def standing_in(before: Body, live: Body) -> Body:
    """Give how it was before, as the object that is there now would say it: with what only a server gives."""
    meta: dict[str, Any] = dict(before["metadata"]) | {"uid": get(live, P("metadata", "uid"))}
    meta.pop("ownerReferences", None)
    owners = get(live, P("metadata", "ownerReferences"))
    meta |= {"ownerReferences": owners} if isinstance(owners, list) else {}
    body: Body = {**before, "metadata": meta}
    if _is(before, "Service"):
        ports = get(live, _PORTS)
        count = len(ports) if isinstance(ports, list) else 0
        theirs = [P("spec", "ports", at, "nodePort") for at in range(count)] if _same_ports(before, live) else []
        return _taken(body, live, [_IP, _IPS, _HEALTH, *theirs])
    if _is(before, "Pod"):
        return _taken(body, live, [_NODE])
    if not _is(before, "Job"):
        return body
    if _own_labels(before):
        body = _taken(body, live, [_SELECTOR, *(at / name for at in _LABELS for name in _JOB_LABELS)])
    return put(body, _SUSPEND, True) if _ended(before) else body


def moved(before: Body, live: Body) -> str:
    """What of its addresses somebody else had by then; ''."""
    if not _is(before, "Service"):
        return ""
    pairs = [("address", get(before, _IP), get(live, _IP))]
    if _same_ports(before, live):
        ports = [[get(one, P("nodePort")) for one in get(body, _PORTS) or ()] for body in (before, live)]
        pairs += [("node port", was, now) for was, now in zip(*ports, strict=True)]
    gone = [(what, was, now) for what, was, now in pairs if was is not MISSING and was != now]
    return "; ".join(f"its {what} {was} is somebody else's by now: it has {now}" for what, was, now in gone)


def made_by(live: Body, manager: str, *, bare: bool = False) -> bool:
    """Tell whether this manager made it; others may have written to it since.

    What says nothing but its name has no owners; it is taken for ours if that is all there was before (`bare`).
    """
    entries = get(live, P("metadata", "managedFields"))
    whole = [one for one in entries if not one.get("subresource")] if isinstance(entries, list) else []
    return any(one.get("manager") == manager for one in whole) if whole else bare


def _taken(body: Body, live: Body, places: Iterable[Path]) -> Body:
    for at in places:
        value = get(live, at)
        body = drop(body, at) if value is MISSING else put(body, at, value)
    return body


def _is(body: Body, kind: str) -> bool:
    of = {"Job": "batch/v1"}.get(kind, "v1")
    return body.get("kind") == kind and body.get("apiVersion") == of


def _own_labels(before: Body) -> bool:
    """The controller's own selector names the UID of the Job that is gone."""
    return get(before, P("spec", "manualSelector")) is not True


def _ended(before: Body) -> bool:
    found = get(before, P("status", "conditions"))
    return any(
        one.get("type") in _ENDED and one.get("status") == "True" for one in (found if isinstance(found, list) else ())
    )


def _same_ports(before: Body, live: Body) -> bool:
    """Tell whether the ports stand in the same order, so that a nodePort is that of the same port."""
    rows = [get(body, _PORTS) for body in (before, live)]
    told = [[(one.get("port"), one.get("protocol")) for one in row] if isinstance(row, list) else [] for row in rows]
    return told[0] == told[1]


def _port(field: str) -> Path | None:
    """'spec.ports[2].nodePort' as a path."""
    head, _, rest = field.partition("[")
    number, _, name = rest.partition("].")
    return P("spec", "ports", int(number), "nodePort") if (head, name) == ("spec.ports", "nodePort") else None
