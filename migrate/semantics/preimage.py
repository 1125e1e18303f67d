"""Back to how an object was before us: its earlier self, with what controllers wrote since, and with its owners.

Tried on a real server: an update may say who owns which field (metadata.managedFields). What it changes itself it takes
for its own manager all the same, so the same update is sent a second time: that one changes nothing but the owners.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from migrate.model.objects import MISSING, Body
from migrate.semantics.holding_release import OURS

# What only a server says of an object; taken from the live one.
_SERVERS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")
# Managers that write by themselves, as a consequence of what we changed.
_CONTROLLERS = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet", "eks", "aws-node"})
_FIRST = "before-first-apply"
_Entry = Mapping[str, Any]


def writers_since(before: Body, live: Body) -> tuple[str, ...]:
    """Who wrote to the object since it was as in `before`, by field manager, sorted: not we, and no controller of
    Kubernetes. A manager that only took a field away leaves no trace and is not among them."""
    was = {_stamp(one) for one in _entries(before)}
    since = [one for one in _others(before, live) if not _by_itself(one) and _stamp(one) not in was]
    return tuple(sorted({str(one.get("manager")) for one in since}))


def restored(before: Body, live: Body) -> dict[str, Any]:
    """Give what to put in place of the live object, under its resourceVersion, so that it is as before.

    What controllers wrote since (the number of replicas by an autoscaler, the revision of a Deployment) stays, and so
    does the status. The owners are those of before.
    """
    was = {_stamp(one) for one in _entries(before)}
    body: Any = {key: value for key, value in before.items() if key != "status"}
    meta = {key: value for key, value in before["metadata"].items() if key not in (*_SERVERS, "managedFields")}
    body["metadata"] = {key: value for key, value in meta.items() if key != "resourceVersion"}
    for one in _others(before, live):
        # Times are whole seconds: a controller may have written twice within one.
        if _by_itself(one) or _stamp(one) not in was:
            fields = one.get("fieldsV1") or {}
            body = _carried(body, live, {key: below for key, below in fields.items() if key != "f:status"})
    now = live["metadata"]
    meta = dict(body["metadata"]) | {key: now[key] for key in (*_SERVERS, "resourceVersion") if key in now}
    owners = _owners(before, live)
    if owners or _entries(live):
        meta["managedFields"] = owners or [{}]  # an empty list would mean those that are there
    status = {"status": live["status"]} if "status" in live else {}
    return {**body, "metadata": meta, **status}


def as_wanted(live: Body, wanted: Body) -> bool:
    """Tell whether the live object is what `restored` asks for, owners included."""
    return not differences(live, wanted) and _told(live) == _told(wanted)


def differences(live: Body, wanted: Body) -> tuple[str, ...]:
    """The top fields of spec, metadata and the rest that are not as wanted; owners and status do not count."""
    found = []
    for key in sorted((live.keys() | wanted.keys()) - {"status", "apiVersion", "kind"}):
        one, other = live.get(key, MISSING), wanted.get(key, MISSING)
        if not isinstance(one, Mapping) or not isinstance(other, Mapping):
            found += [key] if one != other else []
            continue
        skip = {*_SERVERS, "resourceVersion", "managedFields"} if key == "metadata" else set()
        below = sorted((one.keys() | other.keys()) - skip)
        found += [f"{key}.{name}" for name in below if one.get(name, MISSING) != other.get(name, MISSING)]
    return tuple(found)


def _owners(before: Body, live: Body) -> list[_Entry]:
    """Those of before; who wrote since keeps what is his now."""
    was = {_who(one): one for one in _entries(before)}
    kept = []
    for one in _others(before, live):
        old = was.get(_who(one))
        same = old is not None and not one.get("subresource") and _stamp(old) == _stamp(one)
        kept.append(old if same and old is not None else one)
    there = {_who(one) for one in kept}
    return [*kept, *(one for who, one in was.items() if who not in there and not one.get("subresource"))]


def _carried(base: Any, live: Any, fields: Mapping[str, Any]) -> Any:
    """Take what stands at these fields (as managedFields names them) from the live value."""
    for element, below in fields.items():
        sort, name = element[:2], element[2:]
        if sort == "f:" and isinstance(live, Mapping) and name in live:
            base = base if isinstance(base, Mapping) else {}
            whole = not set(below) - {"."} or name not in base
            base = {**base, name: live[name] if whole else _carried(base[name], live[name], below)}
        elif sort == "k:" and isinstance(live, list):
            keys, base = json.loads(name), list(base) if isinstance(base, list) else []
            here, there = _index(base, keys), _index(live, keys)
            if there is not None and here is None:
                base.append(live[there])
            elif there is not None and here is not None:
                base[here] = _carried(base[here], live[there], below)
        elif sort == "v:" and isinstance(live, list):
            base, value = list(base) if isinstance(base, list) else [], json.loads(name)
            base += [value] if value in live and value not in base else []
    return base


def _index(items: Iterable[Any], keys: Mapping[str, Any]) -> int | None:
    fit = (
        at
        for at, item in enumerate(items)
        if isinstance(item, Mapping) and all(item.get(key) == value for key, value in keys.items())
    )
    return next(fit, None)


def _entries(body: Body) -> list[_Entry]:
    found = body["metadata"].get("managedFields")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _others(before: Body, live: Body) -> list[_Entry]:
    """Entries of the live object that are not by our doing. On what nobody owned, a server gives all that was there to
    one more manager when somebody first applies."""
    known = {_who(one) for one in _entries(before)}
    found = [one for one in _entries(live) if not _ours(one)]
    return [one for one in found if one.get("manager") != _FIRST or _who(one) in known]


def _ours(entry: _Entry) -> bool:
    return str(entry.get("manager") or "").startswith(OURS) and not entry.get("subresource")


def _by_itself(entry: _Entry) -> bool:
    return bool(entry.get("subresource")) or entry.get("manager") in _CONTROLLERS


def _who(entry: _Entry) -> tuple[str, ...]:
    return tuple(str(entry.get(key) or "") for key in ("manager", "operation", "apiVersion", "subresource"))


def _stamp(entry: _Entry) -> tuple[str, ...]:
    return *_who(entry), str(entry.get("time") or "")


def _told(body: Body) -> list[tuple[tuple[str, ...], str]]:
    """Owners without times and order."""
    return sorted((_who(one), json.dumps(one.get("fieldsV1"), sort_keys=True)) for one in _entries(body) if one)
