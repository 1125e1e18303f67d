"""What a body goes through on its way into the store: pure functions, one per habit of a real server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from migrate.practice import owners
from migrate.practice.kinds import Kind
from migrate.practice.refusal import Refusal, bad, conflict, invalid

Json = dict[str, Any]
NAMESPACES = ("", "namespaces")
# metadata that a client cannot change: the server's answer always shows its own.
_TEXTS = ("name", "namespace", "generateName", "uid", "resourceVersion")
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def written(kind: Kind, body: Json) -> Json:
    """Check the type of a body, and give it with a metadata of its own."""
    said, version = body.get("kind"), body.get("apiVersion")
    if kind.custom and (not said or not version):
        raise bad(f"the object provided is unrecognized (must be of type {kind.kind}): Object 'Kind' is missing")
    if kind.custom and said != kind.kind:
        fault = ("FieldValueInvalid", "kind", f'Invalid value: "{said}": must be {kind.kind}')
        raise invalid(str(said), kind.group, str((body.get("metadata") or {}).get("name", "")), [fault])
    if said not in (None, "", kind.kind) or version not in (None, "", kind.api_version):
        raise bad(f'{said} in version "{version}" cannot be handled as a {kind.kind}')
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise bad("metadata is no object")
    return {"apiVersion": kind.api_version, "kind": kind.kind, **body, "metadata": dict(metadata)}


def completed(kind: Kind, body: Json) -> Json:
    """Give the body as it is stored: what is typed without what is empty, a namespace with the label that each has."""
    if kind.custom:
        body = {**body, "metadata": kind.shape.child("metadata").tidy(body["metadata"])}
    else:
        body = kind.shape.tidy(body)
    if kind.key != NAMESPACES:
        return body
    metadata = body["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    return {**body, "metadata": {**metadata, "labels": labels}}


def alive(body: Json) -> Json:
    """What every namespace has, and nobody owns."""
    spec = {"finalizers": ["kubernetes"], **(body.get("spec") or {})}
    return {**body, "spec": spec, "status": body.get("status") or {"phase": "Active"}}


def signed(body: Json, held: owners.Owners) -> Json:
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields" and value is not None}
    entries = owners.encode(held)
    return {**body, "metadata": metadata | ({"managedFields": entries} if entries else {})}


def matter(kind: Kind, body: Mapping[str, Any]) -> Json:
    """What a new generation is counted for."""
    out = {key: value for key, value in body.items() if key != "metadata" and (key != "status" or not kind.status)}
    if kind.kind == "Deployment":
        out["annotations"] = body["metadata"].get("annotations")
    return out


def timeless(body: Json) -> Json:
    """The object as a writer means it: when managers wrote is no change."""
    entries = [{k: v for k, v in entry.items() if k != "time"} for entry in body["metadata"].get("managedFields", ())]
    return {**body, "metadata": {**body["metadata"], "managedFields": entries}}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fit(kind: Kind, body: Mapping[str, Any]) -> None:
    """Refuse metadata of other types than a server's, so that nobody further on needs to look."""
    metadata = body["metadata"]
    texts = all(isinstance(metadata.get(key) or "", str) for key in _TEXTS)
    texts = texts and isinstance(metadata.get("generation") or 0, int)
    maps = all(_holds(metadata.get(key), dict, str | None) for key in ("labels", "annotations"))
    lists = _holds(metadata.get("finalizers"), list, str) and _holds(metadata.get("ownerReferences"), list, dict)
    if not (texts and maps and lists and _holds(metadata.get("managedFields"), list, dict)):
        raise bad(f"{kind.kind} cannot be read: a field of metadata is of another type")
    if not kind.custom and not all(isinstance(body.get(key) or {}, dict) for key in ("spec", "status")):
        raise bad(f"{kind.kind} cannot be read: spec and status are objects")


def _holds(value: Any, outer: Any, inner: Any) -> bool:
    """Tell whether this is null, or a list or map of such values."""
    if not isinstance(value, outer):
        return value is None
    return all(isinstance(one, inner) for one in (value.values() if isinstance(value, dict) else value))


def addressed(kind: Kind, namespace: str, name: str, body: Json, *, named: bool = True) -> Json:
    """Check that the body means the object of the URL, and fill in what the URL says."""
    metadata = body["metadata"]
    fit(kind, body)
    if name and metadata.get("name", name) != name:
        raise bad(f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})")
    if name and named and not metadata.get("name"):
        raise bad(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if metadata.get("namespace") and metadata["namespace"] != namespace and kind.namespaced:
        raise bad("the namespace of the provided object does not match the namespace sent on the request")
    metadata = {key: value for key, value in metadata.items() if key != "namespace"}
    return {**body, "metadata": metadata | ({"namespace": namespace} if kind.namespaced else {})}


def same_object(kind: Kind, live: Json, sent: Mapping[str, Any]) -> None:
    """Refuse a write that was meant for another object, or for an older version of this one."""
    was = live["metadata"]
    if (sent.get("uid") or was["uid"]) != was["uid"]:
        said = f"Precondition failed: UID in precondition: {sent['uid']}, UID in object meta: {was['uid']}"
        raise conflict(kind.plural, kind.group, was["name"], said)
    if not str(sent.get("resourceVersion") or "0").isdigit():
        raise Refusal(500, "", f'strconv.ParseUint: parsing "{sent["resourceVersion"]}": invalid syntax')
    if (sent.get("resourceVersion") or was["resourceVersion"]) != was["resourceVersion"]:
        said = "the object has been modified; please apply your changes to the latest version and try again"
        raise conflict(kind.plural, kind.group, was["name"], said)


def next_version(kind: Kind, live: Json, body: Json, sub: str) -> Json:
    """Give what a write to this endpoint ('' or 'status') makes of the object; what is not its own stays."""
    was, sent = live["metadata"], body["metadata"]
    metadata = {key: value for key, value in sent.items() if key not in (*_KEPT, "selfLink")}
    if sub == "status":
        metadata = {key: value for key, value in was.items() if key != "managedFields"}
        status, rest = body, live
    else:
        status, rest = (live, body) if kind.status else (body, body)
    metadata |= {key: was[key] for key in _KEPT if key in was} | {"resourceVersion": was["resourceVersion"]}
    out = {key: value for key, value in rest.items() if key != "status"}
    out |= {"status": status["status"]} if "status" in status else {}
    out = completed(kind, {**out, "metadata": metadata})
    if kind.counted and matter(kind, out) != matter(kind, live):
        out["metadata"]["generation"] = was.get("generation", 0) + 1
    return out


def no_new_finalizers(kind: Kind, live: Json, body: Json) -> None:
    was = live["metadata"]
    added = [name for name in body["metadata"].get("finalizers") or () if name not in (was.get("finalizers") or ())]
    if added and was.get("deletionTimestamp"):
        said = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"
        )
        fault = ("FieldValueForbidden", "metadata.finalizers", said + ", ".join(f'"{name}"' for name in added) + "}")
        raise invalid(kind.kind, kind.group, was["name"], [fault])
