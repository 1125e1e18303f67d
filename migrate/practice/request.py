"""One request, taken apart: routes, discovery, lists, watches and write options; what is not here answers 501."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import orjson

from migrate.manifest.text import load_all
from migrate.practice import kinds
from migrate.practice.cluster import Asked, Cluster
from migrate.practice.kinds import Kind
from migrate.practice.patching import json_patch, merge_patch
from migrate.practice.refusal import (
    Refusal,
    bad,
    invalid_options,
    no_such_method,
    no_such_page,
    no_such_resource,
    not_done,
    not_found,
    unsupported_media,
)
from migrate.practice.selecting import selector
from migrate.practice.shapes import table
from migrate.practice.store import number

Json = dict[str, Any]
_WATCH = 1800  # seconds, when a watch names no end
_BODIES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
_STRATEGIC = "application/strategic-merge-patch+json"
_PATCHES = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
# What a real server serves under the same paths and this one does not.
_SUBRESOURCES = frozenset(
    {"scale", "eviction", "log", "exec", "attach", "portforward", "proxy", "token", "binding", "approval", "finalize"}
    | {"ephemeralcontainers", "resize"}
)
_PLACES = frozenset({"openapi", "metrics", "logs", "debug", ".well-known", "flagz", "statusz"})


class Http(Protocol):
    """What a request needs of the connection that it came by."""

    command: str
    headers: Any

    def send(self, code: int, body: Json | str) -> None: ...

    def stream(self) -> None: ...

    def chunk(self, data: bytes) -> None: ...


class Request:
    """`parts` are those of the path, `query` its parameters."""

    def __init__(self, http: Http, cluster: Cluster, parts: list[str], query: dict[str, str], body: bytes) -> None:
        self.http = http
        self.cluster = cluster
        self.verb = http.command
        self.parts = parts
        self.query = query
        self.body = body
        self.media = (http.headers.get("Content-Type") or "application/json").partition(";")[0].strip()

    def run(self) -> None:
        parts = self.parts
        if not parts or parts[0] not in ("api", "apis"):
            self._elsewhere()
        elif len(parts) <= (2 if parts[0] == "api" else 3):
            self._discover()
        else:
            split = 2 if parts[0] == "api" else 3
            self._resource("/".join(parts[1:split]), parts[split:])

    def _elsewhere(self) -> None:
        where = self.parts[0] if self.parts else ""
        if where in ("healthz", "readyz", "livez"):
            self.http.send(200, "ok")
        elif where == "version":
            major, minor = table()["version"].lstrip("v").split(".")[:2]
            version = {"major": major, "minor": minor, "gitVersion": f"{table()['version']}+practice"}
            self.http.send(200, version | {"platform": "practice/memory"})
        elif where in _PLACES:
            raise not_done(f"/{where}")
        else:
            raise no_such_page()

    def _discover(self) -> None:
        if self.verb != "GET":
            raise no_such_method()
        groups, asked = self.cluster.kinds.groups(), "/".join(self.parts[1:])
        found: Json | None = None
        if self.parts == ["api"]:
            found = kinds.api_versions()
        elif self.parts == ["apis"]:
            found = kinds.group_list(groups)
        elif self.parts[0] == "apis" and asked in groups:
            found = kinds.group(asked, groups[asked])
        elif any(kind.api_version == asked for kind in self.cluster.kinds.all()):
            found = kinds.resources(asked, self.cluster.kinds.all())
        elif asked in self.cluster.kinds.unserved:
            raise not_done(f"objects of {asked}")
        if found is None:
            raise self._nowhere(asked)
        self.http.send(200, found)

    def _nowhere(self, api_version: str) -> Refusal:
        """404: with a Status in a group that is served, else without, as a real server does."""
        if api_version.partition("/")[0] in ({"v1"} | self.cluster.kinds.groups().keys()):
            return no_such_resource()
        return no_such_page()

    def _resource(self, api_version: str, parts: list[str]) -> None:
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
            namespace, parts = parts[1], parts[2:]
        kind = self.cluster.kinds.of(api_version, parts[0])
        if kind is None and api_version in self.cluster.kinds.unserved:
            raise not_done(f"objects of {api_version}")
        if kind is None or (namespace and not kind.namespaced) or len(parts) > 3:
            raise self._nowhere(api_version)
        name, sub = ([*parts[1:], "", ""])[:2]
        if sub in _SUBRESOURCES:
            raise not_done(f"{kind.plural}/{sub}")
        if sub and sub != "status":
            raise no_such_resource()
        if sub and not kind.status:
            raise not_found(kind.plural, kind.group, name) if kind.custom else no_such_resource()
        agent = (self.http.headers.get("User-Agent") or "unknown").partition("/")[0]
        asked = Asked(kind, namespace, name, sub, self.query.get("fieldManager") or agent, self._dry())
        if name and kind.namespaced and not namespace:
            raise no_such_resource()
        (self._object if name else self._collection)(asked)

    def _collection(self, asked: Asked) -> None:
        if self.verb == "GET" and self.query.get("watch", "") in ("true", "1"):
            self._watch(asked)
        elif self.verb == "GET":
            self._list(asked)
        elif self.verb == "POST" and (asked.namespace or not asked.kind.namespaced):
            self._answer(201, asked, self.cluster.create(asked, self._sent(asked.kind)))
        elif self.verb == "DELETE":
            raise not_done("deleting a whole collection")
        else:
            raise no_such_method()

    def _object(self, asked: Asked) -> None:
        if self.verb == "GET" and self.query.get("watch", "") in ("true", "1"):
            raise not_done("watching one object by its path; select it with fieldSelector")
        elif self.verb == "GET":
            self._answer(200, asked, self.cluster.get(asked))
        elif self.verb == "PUT":
            self._answer(200, asked, self.cluster.replace(asked, self._sent(asked.kind)))
        elif self.verb == "PATCH":
            self._patch(asked)
        elif self.verb == "DELETE" and not asked.sub:
            self._delete(asked)
        else:
            raise no_such_method()

    def _answer(self, code: int, asked: Asked, body: Json) -> None:
        self.http.send(code, _as(asked.kind, body))

    def _dry(self) -> bool:
        word = self.query.get("dryRun", "")
        if word not in ("", "All"):
            options = {"POST": "CreateOptions", "PUT": "UpdateOptions", "DELETE": "DeleteOptions"}
            said = f'Unsupported value: ["{word}"]: supported values: "All"'
            raise invalid_options(options.get(self.verb, "PatchOptions"), ("FieldValueNotSupported", "dryRun", said))
        return word == "All"

    def _sent(self, kind: Kind) -> Json:
        if self.media == "application/vnd.kubernetes.protobuf":
            raise not_done("bodies in protobuf")
        if self.media not in ("application/json", "application/yaml"):
            raise unsupported_media(_BODIES)
        found = _parse(self.body, self.media == "application/yaml")
        if not isinstance(found, dict):
            raise bad(f"the object provided is unrecognized (must be of type {kind.kind}): couldn't get version/kind")
        return found

    def _patch(self, asked: Asked) -> None:
        if self.media == "application/apply-patch+yaml":
            return self._apply(asked)
        if "force" in self.query:
            fault = ("FieldValueForbidden", "force", "Forbidden: may not be specified for non-apply patch")
            raise invalid_options("PatchOptions", fault)
        if self.media == _STRATEGIC and not asked.kind.custom:
            raise not_done("strategic merge patch")
        made: dict[str, Callable[[Any, Any], Any]] = {
            "application/merge-patch+json": merge_patch,
            "application/json-patch+json": json_patch,
        }
        if self.media not in made:
            raise unsupported_media(_PATCHES)
        patch = _parse(self.body, yaml=False)
        if not isinstance(patch, dict | list):
            raise bad("error decoding patch")
        self._answer(200, asked, self.cluster.patch(asked, lambda live: made[self.media](_as(asked.kind, live), patch)))

    def _apply(self, asked: Asked) -> None:
        manager = self.query.get("fieldManager", "")
        if not manager:
            fault = ("FieldValueRequired", "fieldManager", "Required value: is required for apply patch")
            raise invalid_options("PatchOptions", fault)
        if len(manager) > 128:
            fault = ("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes")
            raise invalid_options("PatchOptions", fault)
        config = _parse(self.body, yaml=True)
        if not isinstance(config, dict):
            raise bad("error decoding YAML: not an object")
        force = self.query.get("force", "false") not in ("false", "0", "")
        new, body = self.cluster.apply(asked, config, force=force)
        self._answer(201 if new else 200, asked, body)

    def _delete(self, asked: Asked) -> None:
        options = _parse(self.body, yaml=False) if self.body else {}
        options = options if isinstance(options, dict) else {}
        policy = options.get("propagationPolicy") or self.query.get("propagationPolicy", "Background")
        if policy not in ("Background", "Foreground", "Orphan"):
            said = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
            raise invalid_options("DeleteOptions", ("FieldValueNotSupported", "propagationPolicy", said))
        if policy != "Background" or options.get("orphanDependents"):
            raise not_done(f"deleting with propagation {policy}")
        if options.get("dryRun"):
            asked = replace(asked, dry=True)
        only = options.get("preconditions") or {}
        body = self.cluster.delete(asked, str(only.get("uid") or ""), str(only.get("resourceVersion") or ""))
        self._answer(200, asked, body)

    def _list(self, asked: Asked) -> None:
        limit = self.query.get("limit", "0")
        if not limit.isdigit():
            raise bad(f'strconv.ParseInt: parsing "{limit}": invalid syntax')
        kind, selected = asked.kind, any(self.query.get(key) for key in ("labelSelector", "fieldSelector"))
        test = selector(self.query.get("labelSelector", ""), self.query.get("fieldSelector", ""))
        token = self.query.get("continue", "")
        items, metadata = self.cluster.store.list(kind.key, asked.namespace, test, int(limit), token)
        if selected:
            metadata.pop("remainingItemCount", None)
        if not kind.custom:  # typed lists of a real server leave the type of their items unsaid
            items = [{key: value for key, value in item.items() if key not in ("apiVersion", "kind")} for item in items]
        else:
            items = [_as(kind, item) for item in items]
        said = {"kind": kind.list_kind or f"{kind.kind}List", "apiVersion": kind.api_version}
        self.http.send(200, said | {"metadata": metadata, "items": items})

    def _watch(self, asked: Asked) -> None:
        kind, store = asked.kind, self.cluster.store
        test = selector(self.query.get("labelSelector", ""), self.query.get("fieldSelector", ""))
        since = number(self.query.get("resourceVersion", ""), "resourceVersion")
        initial = self.query.get("sendInitialEvents") == "true"
        if initial and self.query.get("resourceVersionMatch") != "NotOlderThan":
            said = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            raise invalid_options("ListOptions", ("FieldValueForbidden", "resourceVersionMatch", said))
        seconds = number(self.query.get("timeoutSeconds", ""), "timeoutSeconds") or _WATCH
        first: list[tuple[str, Json]] = []
        if initial or not since:
            items, metadata = store.list(kind.key, asked.namespace, test, 0, "")
            since, first = int(metadata["resourceVersion"]), [("ADDED", item) for item in items]
        if initial and self.query.get("allowWatchBookmarks") == "true":
            note = {"resourceVersion": str(since), "annotations": {"k8s.io/initial-events-end": "true"}}
            first.append(("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": note}))
        self.http.stream()
        try:
            for event, body in first:
                self._chunk({"type": event, "object": _as(kind, body)})
            for event, body in store.watch(kind.key, asked.namespace, test, since, seconds):
                self._chunk({"type": event, "object": _as(kind, body)})
        except Refusal as no:
            self._chunk({"type": "ERROR", "object": no.body})
        self.http.chunk(b"")

    def _chunk(self, event: Json) -> None:
        self.http.chunk(orjson.dumps(event) + b"\n")


def _as(kind: Kind, body: Json) -> Json:
    """Show a stored body in the version that was asked for."""
    if not kind.custom or body.get("apiVersion") == kind.api_version or body.get("kind") == "Status":
        return body
    return {**body, "apiVersion": kind.api_version}


def _parse(data: bytes, yaml: bool) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if not yaml:
            raise bad(f"couldn't get version/kind; json parse error: {error}") from None
    documents = list(load_all(data.decode("utf-8", "replace")))
    if len(documents) != 1 or documents[0].error is not None:
        raise bad("error decoding YAML: error converting YAML to JSON")
    return documents[0].body
