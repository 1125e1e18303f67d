"""What an object is, parted from what moves by itself between two readings of a quiet cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from migrate.model.objects import Body

_KEPT_STATUS = ("loadBalancer", "capacity")
# A custom kind without a status subresource counts a generation for each heartbeat.
_MOVED_METADATA = frozenset({"resourceVersion", "uid", "generation"})
# Clocks that controllers keep in annotations: who leads, when was it looked at.
_CLOCKS = frozenset(
    {
        "control-plane.alpha.kubernetes.io/leader",
        "cluster-autoscaler.kubernetes.io/last-updated",
        "endpoints.kubernetes.io/last-change-trigger-time",
    }
)
# The cluster autoscaler writes what it sees, with the time, every ten seconds.
_MOVED_DATA = frozenset({("ConfigMap", "kube-system", "cluster-autoscaler-status")})


def split(body: Body) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a body into what it is and what changes from one reading to the next."""
    kept, moved = dict(body), dict[str, Any]()
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping):
        kept["metadata"], away = _split_metadata(metadata)
        if away:
            moved["metadata"] = away
        if (body.get("kind"), metadata.get("namespace"), metadata.get("name")) in _MOVED_DATA and "data" in body:
            moved["data"] = kept.pop("data")
    status = body.get("status")
    if isinstance(status, Mapping):
        moved["status"] = {key: value for key, value in status.items() if key not in _KEPT_STATUS}
        kept["status"] = {key: value for key, value in status.items() if key in _KEPT_STATUS}
        if not kept["status"]:
            del kept["status"]
    return kept, moved


def join(body: Body, moved: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `split`."""
    out = dict(body)
    if "metadata" in moved:
        away = dict(moved["metadata"])
        fields, clocks = away.pop("managedFields", None), away.pop("annotations", None)
        metadata = {**out["metadata"], **away}
        if clocks is not None:
            metadata["annotations"] = {**metadata["annotations"], **clocks}
        if fields is not None:
            metadata["managedFields"] = _join_fields(metadata["managedFields"], fields)
        out["metadata"] = metadata
    if "data" in moved:
        out["data"] = moved["data"]
    if "status" in moved:
        out["status"] = {**out.get("status", {}), **moved["status"]}
    return out


def _split_metadata(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    kept = {key: value for key, value in metadata.items() if key not in _MOVED_METADATA}
    away = {key: metadata[key] for key in _MOVED_METADATA if key in metadata}
    annotations = metadata.get("annotations")
    if isinstance(annotations, Mapping) and not _CLOCKS.isdisjoint(annotations):
        away["annotations"] = {key: value for key, value in annotations.items() if key in _CLOCKS}
        kept["annotations"] = {key: value for key, value in annotations.items() if key not in _CLOCKS}
    managed = metadata.get("managedFields")
    if isinstance(managed, list | tuple) and managed and all(isinstance(entry, Mapping) for entry in managed):
        kept["managedFields"], away["managedFields"] = _split_fields(managed)
    return kept, away


def _split_fields(managed: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Keep who owns which fields. Times go, entries about status go, and the order, which follows the times."""
    kept: list[tuple[bytes, dict[str, Any], int]] = []
    status: list[list[Any]] = []
    for place, entry in enumerate(managed):
        if entry.get("subresource") == "status":
            status.append([place, entry])
            continue
        timeless = {key: value for key, value in entry.items() if key != "time"}
        # Mostly there is one, and nothing to sort.
        who = [entry.get("manager"), entry.get("operation"), entry.get("subresource")]
        kept.append((orjson.dumps(who) if len(managed) > 1 else b"", timeless, place))
    if len(kept) > 1 and len({order for order, _, _ in kept}) < len(kept):
        kept = [(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS), entry, place) for _, entry, place in kept]
    kept.sort(key=lambda one: (one[0], one[2]))
    places = [[place, managed[place].get("time")] for _, _, place in kept]
    return [entry for _, entry, _ in kept], {"places": places} | ({"status": status} if status else {})


def _join_fields(kept: Sequence[Mapping[str, Any]], away: Mapping[str, Any]) -> list[Any]:
    found: dict[int, Any] = {place: entry for place, entry in away.get("status", ())}
    for entry, (place, time) in zip(kept, away["places"], strict=True):
        found[place] = entry if time is None else {**entry, "time": time}
    return [found[place] for place in sorted(found)]
