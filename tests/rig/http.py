"""A small Kubernetes client for tests: JSON in, JSON out, nothing hidden.

It speaks to a real API server and to the practice cluster.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

Json = dict[str, Any]
APPLY, MERGE, PATCH = "application/apply-patch+yaml", "application/merge-patch+json", "application/json-patch+json"


class ApiError(Exception):
    """The server said no. `status`: the HTTP code; `reason`: of the Status object ("Conflict"); `body`: all of it."""

    def __init__(self, status: int, reason: str, body: Any):
        message = body.get("message", body) if isinstance(body, dict) else body
        super().__init__(f"{status} {reason}: {str(message)[:2000]}")
        self.status, self.reason, self.body = status, reason, body


class Client:
    """One user at one server. `ca` is a PEM file (None for plain HTTP), `token` a bearer token (None for nobody)."""

    def __init__(self, url: str, ca: str | Path | None = None, token: str | None = None, timeout: float = 30):
        self.url, self.timeout = url.rstrip("/"), timeout
        self.headers = {"Accept": "application/json", "User-Agent": "gke2eks-rig"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        tls = {"ca_certs": str(ca), "cert_reqs": "CERT_REQUIRED"} if ca else {}
        self.pool = urllib3.PoolManager(retries=False, timeout=timeout, maxsize=8, **tls)
        self.kinds: dict[tuple[str, str], tuple[str, bool]] = {}  # (apiVersion, kind): (plural, namespaced)

    def raw(
        self,
        method: str,
        path: str,
        query: Json | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Any:
        """One request; the parsed JSON answer, or its text when it is none. ApiError for 400 and above."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.headers | ({"Content-Type": content_type} if data is not None else {})
        answer = self.pool.request(method, self.address(path, query), body=data, headers=headers)
        return self.parsed(answer.status, answer.data)

    def address(self, path: str, query: Json | None = None) -> str:
        words = {k: str(v).lower() if isinstance(v, bool) else v for k, v in (query or {}).items() if v is not None}
        return self.url + path + ("?" + urlencode(words) if words else "")

    @staticmethod
    def parsed(status: int, data: bytes) -> Any:
        try:
            body = json.loads(data)
        except ValueError:
            body = data.decode(errors="replace")
        if status >= 400:
            raise ApiError(status, body.get("reason", "") if isinstance(body, dict) else "", body)
        return body

    def path(
        self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None, sub: str = ""
    ) -> str:
        """The path of a collection or of one object. Asks discovery for a kind it does not know yet."""
        base = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
        if (api_version, kind) not in self.kinds:
            for resource in self.raw("GET", base)["resources"]:
                if "/" not in resource["name"]:
                    self.kinds[api_version, resource["kind"]] = (resource["name"], resource["namespaced"])
        if (api_version, kind) not in self.kinds:
            raise ApiError(404, "NotFound", f"the server has no kind {kind} in {api_version}")
        plural, namespaced = self.kinds[api_version, kind]
        parts = [base, *(["namespaces", quote(namespace, safe="")] if namespaced and namespace else []), plural]
        parts += [quote(part, safe="") for part in (name, sub) if part]
        return "/".join(parts)

    def path_of(self, obj: Json, sub: str = "") -> str:
        """The path of this object, in `default` when it is namespaced and names no namespace."""
        meta = obj["metadata"]
        return self.path(obj["apiVersion"], obj["kind"], meta.get("namespace") or "default", meta["name"], sub)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Json:
        return self.raw("GET", self.path(api_version, kind, namespace, name))

    def pages(
        self, api_version: str, kind: str, namespace: str | None = None, limit: int = 500, **query: Any
    ) -> Iterator[Json]:
        """The list, page by page, as the server answers. `query`: labelSelector, fieldSelector, resourceVersion …"""
        token = None
        while True:
            page = self.raw("GET", self.path(api_version, kind, namespace), {"limit": limit, "continue": token} | query)
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            query.pop("resourceVersion", None)  # a server refuses it together with continue

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, limit: int = 500, **query: Any
    ) -> list[Json]:
        """All items of all pages, each with the apiVersion and kind that a list leaves out."""
        items = [
            item
            for page in self.pages(api_version, kind, namespace, limit, **query)
            for item in page.get("items") or []
        ]
        return [{"apiVersion": api_version, "kind": kind} | item for item in items]

    def create(self, obj: Json, dry_run: bool = False, strict: bool = True, sub: str = "") -> Json:
        """POST of the object; with `sub` (such as "token" or "eviction") to that part of it."""
        path = self.path_of(obj, sub) if sub else self.path_of(obj).rpartition("/")[0]
        return self.raw("POST", path, written(dry_run, strict), obj)

    def apply(
        self,
        obj: Json,
        manager: str = "rig",
        force: bool = False,
        dry_run: bool = False,
        strict: bool = True,
        sub: str = "",
    ) -> Json:
        """Server-side apply."""
        query = {"fieldManager": manager, "force": force} | written(dry_run, strict)
        return self.raw("PATCH", self.path_of(obj, sub), query, obj, APPLY)

    def replace(self, obj: Json, dry_run: bool = False, strict: bool = True, sub: str = "") -> Json:
        return self.raw("PUT", self.path_of(obj, sub), written(dry_run, strict), obj)

    def patch(self, obj: Json, body: Any, sub: str = "", dry_run: bool = False) -> Json:
        """Merge patch of the object when `body` is a dict, JSON patch when it is a list; `sub` such as "status"."""
        return self.raw(
            "PATCH", self.path_of(obj, sub), written(dry_run, False), body, PATCH if isinstance(body, list) else MERGE
        )

    def delete(self, obj: Json, policy: str = "Background", dry_run: bool = False) -> Json:
        return self.raw("DELETE", self.path_of(obj), {"propagationPolicy": policy} | written(dry_run, False))

    def watch(
        self, api_version: str, kind: str, namespace: str | None = None, seconds: int = 10, **query: Any
    ) -> Iterator[tuple[str, Json]]:
        """(type, object) of each event, until the server closes after `seconds`. An ERROR event raises ApiError."""
        words = {"watch": True, "timeoutSeconds": seconds} | query
        address = self.address(self.path(api_version, kind, namespace), words)
        answer = self.pool.request(
            "GET", address, headers=self.headers, preload_content=False, timeout=seconds + self.timeout
        )
        try:
            if answer.status >= 400:
                self.parsed(answer.status, answer.read())
            rest = b""
            while chunk := answer.read1():
                *lines, rest = (rest + chunk).split(b"\n")
                for event in map(json.loads, filter(None, lines)):
                    if event["type"] == "ERROR":
                        raise ApiError(
                            event["object"].get("code", 0), event["object"].get("reason", ""), event["object"]
                        )
                    yield event["type"], event["object"]
        finally:
            answer.close()

    def close(self) -> None:
        self.pool.clear()


def written(dry_run: bool, strict: bool) -> Json:
    """The query of a write; both parameters are left out when they are not wanted."""
    return ({"dryRun": "All"} if dry_run else {}) | ({"fieldValidation": "Strict"} if strict else {})
