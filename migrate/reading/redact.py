"""Secret values stop here: sizes, keyed hashes and a few facts go on, values do not."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from migrate.manifest import credentials
from migrate.manifest.variants import variants

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
FACTS = "gke2eksFacts"
MARKERS = ("gke2eks/UNDECIDED!", "gke2eks/SECRET-FROM-SOURCE!")
_MARKS = frozenset(MARKERS)
# Whole copies of an object that tools leave in annotations.
_COPIES = frozenset(
    {LAST_APPLIED, "kapp.k14s.io/original", "kapp.k14s.io/original-diff", "objectset.rio.cattle.io/applied"}
)
_KEPT = frozenset({"apiVersion", "kind", "metadata", "type", "immutable"})
_SHOWN = re.compile(r"\(secret, (\d+) bytes, key .*\)\Z", re.DOTALL)
# Shorter values ("true", "admin") occur by chance.
_TELLING = 8


@dataclass(frozen=True, slots=True)
class Redacted:
    """A body without values, and what may be remembered about them: key name → bytes, hmac, key_id."""

    body: dict[str, Any]
    keys: dict[str, dict[str, Any]]


class Redactor:
    """Redacts with one hash key and one set of needles. The key appears in no repr."""

    __slots__ = ("_key", "_key_id", "_needles", "_variants")

    def __init__(self, needles: Sequence[str], hash_key: bytes, *, variants: bool = False) -> None:
        """`variants`: hash also what tools may have made of a value (`variants`: what was done → hmac)."""
        self._variants = variants
        self._needles = tuple((needle, needle.encode()) for needle in sorted(set(needles)))
        self._key = hash_key
        self._key_id = hashlib.sha256(hash_key).hexdigest()[:8]

    def redact(self, body: dict[str, Any]) -> Redacted:
        """Give the body as it may be kept."""
        body = _without_copies(_without_markers(body))
        if is_secret(body):
            return self._secret(body)
        version = body.get("apiVersion")
        if isinstance(version, str) and "." in version and _may_nest(body):
            # Custom kinds may carry whole Secrets (ManifestWork, Template); built-in ones cannot.
            body = self._nested(body)
        return Redacted(body, {})

    def _secret(self, body: dict[str, Any]) -> Redacted:
        values = dict(_values(body))
        shown = {name: f"(secret, {_size(value)} bytes, key {name})" for name, value in values.items()}
        real = {name: value for name, value in values.items() if isinstance(value, bytes)}
        kept = {key: value for key, value in body.items() if key in _KEPT}
        kept["metadata"] = _without_values(kept.get("metadata"), real.values())
        if "data" in body or "stringData" in body:
            kept["data"] = shown
        facts = self._facts(real)
        if facts:
            kept[FACTS] = facts
        return Redacted(kept, {name: self._digest(value) for name, value in real.items()})

    def _digest(self, value: bytes) -> dict[str, Any]:
        digest = hmac.digest(self._key, value, "sha256").hex()
        found: dict[str, Any] = {"bytes": len(value), "hmac": digest, "key_id": self._key_id}
        if self._variants:
            tried = {what: hmac.digest(self._key, one, "sha256").hex() for what, one in variants(value) if one != value}
            found["variants"] = tried
        return found

    def _facts(self, values: Mapping[str, bytes]) -> dict[str, Any]:
        parsed = [_json(value) for value in values.values()]
        # Which key holds a Google credential, and of which type: names, never the value.
        logins = {name: sort for name, value in values.items() if (sort := credentials.sort_of(value))}
        every = b"\n".join(values.values())
        facts: dict[str, Any] = {
            "registries": sorted({host for one in parsed for host in _registries(one)}),
            "googleKey": "service_account" in logins.values(),
            credentials.FOUND: logins,
            "needles": [text for text, needle in self._needles if needle in every],
        }
        return {key: value for key, value in facts.items() if value}

    def _nested(self, value: Any) -> Any:
        if isinstance(value, dict):
            if is_secret(value) and ("data" in value or "stringData" in value):
                return self._secret(value).body
            return {key: self._nested(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._nested(item) for item in value]
        return value


def is_secret(body: Mapping[str, Any]) -> bool:
    """Tell whether this is a Secret; a misspelt case or version must not let values through."""
    kind = body.get("kind")
    if not isinstance(kind, str) or kind.strip().casefold() != "secret":
        return False
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    return not group or "data" in body or "stringData" in body


def _may_nest(body: Mapping[str, Any]) -> bool:
    """Tell quickly that no Secret is inside; the walk decides. Without the first letter: another, ſ, folds to s."""
    try:
        return b"ecret" in orjson.dumps(body).lower()
    except (orjson.JSONEncodeError, RecursionError, UnicodeEncodeError):
        return True


def _values(body: Mapping[str, Any]) -> Iterator[tuple[str, bytes | int]]:
    """Yield each key's value; its size alone where the text is our own redaction. stringData wins, as on a server."""
    for field, plain in (("data", False), ("stringData", True)):
        found = body.get(field)
        if not isinstance(found, Mapping):
            continue
        for key, value in found.items():
            shown = _SHOWN.match(value) if isinstance(value, str) else None
            yield str(key), int(shown[1]) if shown else _bytes(value, plain=plain)


def _bytes(value: Any, *, plain: bool) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        return json.dumps(value, default=str).encode()
    if not plain:
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            pass
    return value.encode("utf-8", "surrogatepass")


def _size(value: bytes | int) -> int:
    return value if isinstance(value, int) else len(value)


def _json(value: bytes) -> Any:
    if not value.lstrip().startswith(b"{"):
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def _registries(config: Any) -> Iterator[str]:
    if not isinstance(config, dict):
        return
    auths = config.get("auths")
    if not isinstance(auths, dict):
        # The old .dockercfg has the hosts at the top.
        auths = {host: login for host, login in config.items() if isinstance(login, dict) and "auth" in login}
    for host in auths:
        yield host.rpartition("://")[2].partition("/")[0].rpartition("@")[2]


def _without_markers(body: dict[str, Any]) -> dict[str, Any]:
    metadata = body.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict) or _MARKS.isdisjoint(labels):
        return body
    return _with(body, "labels", {key: value for key, value in labels.items() if key not in MARKERS})


def _without_copies(body: dict[str, Any]) -> dict[str, Any]:
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict):
        return body
    if _COPIES.isdisjoint(annotations):
        return body
    secret = is_secret(body)
    gone = {key for key in annotations if key in _COPIES and (secret or _copies_secret(annotations[key]))}
    if not gone:
        return body
    return _with(body, "annotations", {key: value for key, value in annotations.items() if key not in gone})


def _with(body: dict[str, Any], field: str, value: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: old for key, old in body["metadata"].items() if key != field}
    return {**body, "metadata": {**metadata, field: value} if value else metadata}


def _copies_secret(value: Any) -> bool:
    if not isinstance(value, str):
        return True
    # A backslash may hide the word: "\u0053ecret".
    if "secret" not in value.casefold() and "\\u" not in value:
        return False
    try:
        return _holds_secret(orjson.loads(value))
    except orjson.JSONDecodeError:
        return True


def _holds_secret(value: Any) -> bool:
    queue = [value]
    while queue:
        one = queue.pop()
        if isinstance(one, dict):
            if is_secret(one):
                return True
            queue.extend(one.values())
        elif isinstance(one, list):
            queue.extend(one)
    return False


def _without_values(metadata: Any, values: Any) -> Any:
    """Drop annotations that repeat a value, plain or in base64."""
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict):
        return metadata
    # No form of a value is shorter than a quarter of it: four bytes make one character at most.
    room = 4 * max((len(str(value)) for value in annotations.values()), default=0)
    telling = [form for value in values if _TELLING <= len(value) <= room for form in _forms(value)]
    kept = {
        key: value
        for key, value in annotations.items()
        if key.startswith(("kubernetes.io/", "meta.helm.sh/")) or not any(form in str(value) for form in telling)
    }
    return metadata if len(kept) == len(annotations) else {**metadata, "annotations": kept}


def _forms(value: bytes) -> Iterator[str]:
    yield base64.b64encode(value).decode()
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    yield text
    yield json.dumps(text)[1:-1]
