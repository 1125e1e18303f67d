"""What an API server says when it says no: bodies as Kubernetes 1.36 writes them (apimachinery/pkg/api/errors)."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, unquote

Json = dict[str, Any]
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=UTF-8"

# etcd3/errors.go; cacher/watch_cache.go
CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter"
)
CONTINUE_RESUMABLE = (
    ", or use the continue token in this response to retrieve the remainder of the results. Continuing with the "
    "provided token results in an inconsistent list - objects that were created, modified, or deleted between the "
    "time the first chunk was returned and now may show up in the list."
)
WATCH_EXPIRED = "too old resource version: 1 (2)"

REASONS = {
    401: ("Unauthorized", "Unauthorized"),
    500: ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    503: ("ServiceUnavailable", "apiserver is shutting down"),
    504: ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}


def status(code: int, reason: str, message: str, *, details: Json | None = None, metadata: Json | None = None) -> Json:
    """A `Status` object, its keys in the order of the server."""
    out = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {}, "status": "Failure", "message": message}
    return out | {"reason": reason} | ({"details": details} if details is not None else {}) | {"code": code}


def as_json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def usual(code: int, retry_after: float | None) -> tuple[str, bytes]:
    """Content type and body of the most usual answer with this code: not each of them comes from an API server.

    429 is the plain text of priority and fairness; 502 and codes that are not in the table are a load balancer's HTML.
    """
    if code == 429:
        return TEXT, b"Too many requests, please try again later.\n"
    if code not in REASONS:
        page = f"<html><head><title>{code}</title></head><body><h1>Error: Server Error</h1></body></html>\n"
        return HTML, page.encode()
    reason, message = REASONS[code]
    details: Json | None = None
    if code == 500:
        details = {"causes": [{"message": message.partition(": ")[2]}]}
    elif code == 504:
        details = {} if retry_after is None else {"retryAfterSeconds": int(retry_after)}
    return JSON, as_json(status(code, reason, message, details=details))


def continue_expired(target: str, *, resumable: bool) -> Json:
    """410 for a list that waited too long between pages.

    Resumable: the answer holds a token with which the list goes on, inconsistently, from the same key at the newest
    version (-1), made from the client's own token as the server makes it. A token of another form gives the plain one.
    """
    token = resumed(target) if resumable else None
    if token is None:
        return status(410, "Expired", CONTINUE_EXPIRED + ".")
    return status(410, "Expired", CONTINUE_EXPIRED + CONTINUE_RESUMABLE, metadata={"continue": token})


def resumed(target: str) -> str | None:
    found = re.search(r"[?&]continue=([^&]+)", target)
    raw = unquote(found[1]) if found else ""
    try:
        token = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if token["v"] != "meta.k8s.io/v1":
            return None
        token["rv"] = -1
    except (ValueError, KeyError, TypeError):
        return None
    packed = base64.urlsafe_b64encode(json.dumps(token, separators=(",", ":")).encode()).rstrip(b"=").decode()
    return quote(packed)


def watch_expired() -> bytes:
    """The last event of a watch whose version is too old: HTTP 200, the 410 inside."""
    return as_json({"type": "ERROR", "object": status(410, "Expired", WATCH_EXPIRED)})
