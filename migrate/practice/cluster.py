"""The verbs on objects: what a real API server does between a request and its store."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migrate.practice import owners
from migrate.practice.checks import check
from migrate.practice.kinds import Kind, Kinds
from migrate.practice.lifecycle import (
    NAMESPACES,
    addressed,
    alive,
    completed,
    next_version,
    no_new_finalizers,
    now,
    same_object,
    signed,
    timeless,
    written,
)
from migrate.practice.merging import Unmergeable, Where
from migrate.practice.owners import Owner, Owners
from migrate.practice.refusal import Refusal, bad, conflict, exists, forbidden, invalid, naming, not_found
from migrate.practice.store import Key, Name, Store

Json = dict[str, Any]
CRD = ("apiextensions.k8s.io", "customresourcedefinitions")
_SYSTEM = ("default", "kube-node-lease", "kube-public", "kube-system")
# Kinds of the core whose deletion is answered with the object.
_RETURNED = frozenset(
    {"pods", "services", "persistentvolumeclaims", "persistentvolumes", "serviceaccounts"}
    | {"resourcequotas", "podtemplates"}
)
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request names besides its body."""

    kind: Kind
    namespace: str
    name: str = ""
    sub: str = ""  # '' or 'status'
    manager: str = "unknown"
    dry: bool = False

    @property
    def key(self) -> Name:
        return self.namespace, self.name


class Cluster:
    """Everything that a request may read or write. `changed` is told of each write, with the lock held."""

    def __init__(self) -> None:
        self.store = Store()
        self.kinds = Kinds()
        self.changed: Callable[[Key, Name], None] = lambda key, name: None
        for name in _SYSTEM:
            self.make_namespace(name)

    def make_namespace(self, name: str) -> None:
        kind = self.kinds.of("v1", "namespaces")
        assert kind is not None
        self.create(Asked(kind, "", manager="practice-cluster"), {"metadata": {"name": name}})

    def get(self, asked: Asked) -> Json:
        found = self.store.get(asked.kind.key, asked.key)
        if found is None:
            raise not_found(asked.kind.plural, asked.kind.group, asked.name)
        return found

    def create(self, asked: Asked, body: Json) -> Json:
        body = addressed(asked.kind, asked.namespace, "", written(asked.kind, body))
        metadata = body["metadata"]
        name = metadata.get("name") or ""
        if not name and metadata.get("generateName"):
            name = f"{metadata['generateName']}{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
        body = {**body, "metadata": {**metadata, "name": name}}
        with self.store.lock:
            self._admit(asked, name)
            return self._create(asked, body, lambda new: self._owned(asked, None, new))

    def replace(self, asked: Asked, body: Json) -> Json:
        kind = asked.kind
        body = addressed(kind, asked.namespace, asked.name, written(kind, body))
        with self.store.lock:
            live = self.get(asked)
            if kind.custom and not body["metadata"].get("resourceVersion"):
                said = "Invalid value: 0: must be specified for an update"
                raise invalid(
                    kind.plural, kind.group, asked.name, [("FieldValueInvalid", "metadata.resourceVersion", said)]
                )
            return self._update(asked, live, body, lambda new: self._owned(asked, live, new))

    def patch(self, asked: Asked, change: Callable[[Json], Any]) -> Json:
        """Write what `change` makes of the object."""
        with self.store.lock:
            live = self.get(asked)
            body = change(live)
            if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
                raise Refusal(422, "Invalid", "the server rejected our request due to an error in our request", {})
            body = addressed(asked.kind, asked.namespace, asked.name, body)
            return self._update(asked, live, body, lambda new: self._owned(asked, live, new))

    def apply(self, asked: Asked, config: Json, *, force: bool) -> tuple[bool, Json]:
        """Server-side apply; says also whether the object is new."""
        kind = asked.kind
        if (config.get("apiVersion"), config.get("kind")) != (kind.api_version, kind.kind):
            group, _, version = str(config.get("apiVersion") or "").rpartition("/")
            raise bad(f"invalid object type: {group}/{version}, Kind={config.get('kind') or ''}")
        config = addressed(kind, asked.namespace, asked.name, written(kind, config), named=False)
        if "managedFields" in config["metadata"]:
            raise bad("metadata.managedFields must be nil")
        config["metadata"]["name"] = asked.name
        owner = Owner(asked.manager, "Apply", kind.api_version, asked.sub)
        with self.store.lock:
            live = self.store.get(kind.key, asked.key)
            if live is None:
                self._admit_apply(asked, config)
            elif config["metadata"].get("uid", live["metadata"]["uid"]) != live["metadata"]["uid"]:
                said = f'Invalid value: "{config["metadata"]["uid"]}": field is immutable'
                raise invalid(kind.kind, kind.group, asked.name, [("FieldValueInvalid", "metadata.uid", said)])
            held = owners.decode(live) if live else {}
            try:
                merged, after = owners.applied(live, config, held, owner, kind.shape, _ours(asked), now(), force=force)
            except Unmergeable as error:
                type_ = f"{asked.namespace}/{asked.name}; {kind.group}/{kind.version}, Kind={kind.kind}"
                raise Refusal(500, "", f"failed to create typed patch object ({type_}): {error}") from None
            if live is None:
                return True, self._create(asked, merged, lambda new: after)
            return False, self._update(asked, live, merged, lambda new: after)

    def delete(self, asked: Asked, uid: str = "", version: str = "") -> Json:
        """Delete with background propagation; an object with finalizers stays until they are gone."""
        kind = asked.kind
        with self.store.lock:
            live = self.get(asked)
            metadata = live["metadata"]
            self._meant(asked, uid, metadata["uid"], "UID", "deleted and then recreated")
            self._meant(asked, version, metadata["resourceVersion"], "ResourceVersion", "modified")
            if kind.key == NAMESPACES and asked.name in ("default", "kube-system", "kube-public"):
                raise forbidden(kind.plural, "", asked.name, "this namespace may not be deleted")
            if metadata.get("finalizers") or kind.key == NAMESPACES:
                return live if metadata.get("deletionTimestamp") else self._mark(asked, live)
            if not asked.dry:
                self.remove(kind.key, asked.key)
        if kind.plural in _RETURNED and not kind.group:
            return live
        details = naming(kind.plural, kind.group, asked.name) | {"uid": metadata["uid"]}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def remove(self, key: Key, name: Name) -> None:
        """Take an object out of the store, and what hangs on it."""
        with self.store.lock:
            live = self.store.get(key, name)
            if live is None:
                return
            self.store.remove(key, name)
            self.changed(key, name)
            if key == CRD:
                for kind in self.kinds.forget(live):
                    for _, each, _ in self.store.each(kind.key):
                        self.store.remove(kind.key, each)
            self._collect(live["metadata"]["uid"])

    def write(self, asked: Asked, body: Json) -> Json:
        """Store a body as it is, for loading; the resourceVersion alone is the server's."""
        with self.store.lock:
            return self._put(asked, body)

    def _collect(self, uid: str) -> None:
        """Delete what only this owner owned. Owners that never were here are no reason: loaded objects have many."""
        owned = [one for one in self.store.each() if uid in _owner_uids(one[2])]
        there = {body["metadata"]["uid"] for _, _, body in self.store.each()} if owned else set()
        for key, (namespace, name), body in owned:
            kind = self.kinds.stored(key)
            if kind and not there & _owner_uids(body):
                self.delete(Asked(kind, namespace, name))

    def _meant(self, asked: Asked, wanted: str, have: str, word: str, might: str) -> None:
        if wanted and wanted != have:
            said = f"the {word} in the precondition ({wanted}) does not match the {word} in record ({have})."
            said += f" The object might have been {might}"
            raise conflict(asked.kind.kind, asked.kind.group, asked.name, said)

    def _mark(self, asked: Asked, live: Json) -> Json:
        metadata = {**live["metadata"], "deletionTimestamp": now()}
        if metadata.get("generation"):
            metadata["generation"] += 1
        if asked.kind.key == NAMESPACES:
            live = {**live, "status": {**live["status"], "phase": "Terminating"}}
        else:
            metadata["deletionGracePeriodSeconds"] = 0
        return self._put(asked, {**live, "metadata": metadata})

    def _admit(self, asked: Asked, name: str) -> None:
        """Refuse what has no namespace to live in."""
        if not asked.kind.namespaced:
            return
        namespace = self.store.get(NAMESPACES, ("", asked.namespace))
        if namespace is None:
            raise not_found("namespaces", "", asked.namespace)
        if namespace["metadata"].get("deletionTimestamp"):
            said = f"namespace {asked.namespace} is being terminated"
            cause = {"reason": "NamespaceTerminating", "message": said, "field": "metadata.namespace"}
            why = f"unable to create new content in namespace {asked.namespace} because it is being terminated"
            raise forbidden(asked.kind.plural, asked.kind.group, name, why, [cause])

    def _admit_apply(self, asked: Asked, config: Json) -> None:
        if asked.sub:
            raise not_found(asked.kind.plural, asked.kind.group, asked.name)
        uid = config["metadata"].get("uid")
        if uid:
            said = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(asked.kind.plural, asked.kind.group, asked.name, said)
        self._admit(asked, asked.name)

    def _create(self, asked: Asked, body: Json, owned: Callable[[Json], Owners]) -> Json:
        kind, metadata = asked.kind, dict(body["metadata"])
        if metadata.pop("resourceVersion", None) not in (None, "", "0"):
            raise Refusal(500, "", "resourceVersion should not be set on objects to be created")
        for gone in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"):
            metadata.pop(gone, None)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()} | ({"generation": 1} if kind.counted else {})
        body = {key: value for key, value in body.items() if key != "status" or not kind.status}
        body = completed(kind, {**body, "metadata": metadata})
        check(kind, body)
        there = self.store.get(kind.key, (asked.namespace, metadata["name"]))
        if there is not None:
            leaving = "deletionTimestamp" in there["metadata"]
            raise exists(kind.plural, kind.group, metadata["name"], leaving=leaving)
        return self._put(Asked(kind, asked.namespace, metadata["name"], dry=asked.dry), signed(body, owned(body)))

    def _update(self, asked: Asked, live: Json, body: Json, owned: Callable[[Json], Owners]) -> Json:
        same_object(asked.kind, live, body["metadata"])
        body = next_version(asked.kind, live, body, asked.sub)
        no_new_finalizers(asked.kind, live, body)
        check(asked.kind, body)
        body = signed(body, owned(body))
        if timeless(body) == timeless(live):
            return live
        metadata = body["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers") and asked.kind.key != NAMESPACES:
            if not asked.dry:
                self.remove(asked.kind.key, asked.key)
            return body
        return self._put(asked, body)

    def _put(self, asked: Asked, body: Json) -> Json:
        if asked.dry:
            return body
        if asked.kind.key == CRD:
            body = self._define(body)
        elif asked.kind.key == NAMESPACES:
            body = alive(body)
        stored = self.store.put(asked.kind.key, asked.key, body)
        self.changed(asked.kind.key, asked.key)
        return stored

    def _define(self, body: Json) -> Json:
        try:
            self.kinds.define(body)
        except (KeyError, TypeError, AttributeError):
            raise bad("the practice cluster cannot read this CustomResourceDefinition") from None
        said = {"NamesAccepted": "NoConflicts", "Established": "InitialNamesAccepted"}
        conditions = [{"type": word, "status": "True", "reason": why} for word, why in said.items()]
        stored = [version["name"] for version in body["spec"]["versions"] if version.get("storage")]
        status = {"acceptedNames": body["spec"]["names"], "conditions": conditions, "storedVersions": stored}
        return {**body, "status": status}

    def _owned(self, asked: Asked, live: Json | None, new: Json) -> Owners:
        owner = Owner(asked.manager, "Update", asked.kind.api_version, asked.sub)
        held = owners.decode(new) or (owners.decode(live) if live else {})
        held = {} if owners.is_reset(new) else held
        return owners.updated(live, new, held, owner, asked.kind.shape, _ours(asked), now())


def _ours(asked: Asked) -> Callable[[Where], bool]:
    """Say which paths can be owned through this endpoint: the status only through its own."""
    if asked.sub == "status":
        return lambda path: path[:1] == ("f:status",)
    return lambda path: path[:1] != ("f:status",) or not asked.kind.status


def _owner_uids(body: Json) -> set[str]:
    found = body["metadata"].get("ownerReferences")
    return {str(o.get("uid")) for o in found if isinstance(o, dict)} if isinstance(found, list) else set()
