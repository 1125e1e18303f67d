"""Whether a document is an object that a cluster could hold, and if not, why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from migrate.model.objects import LeftOut
from migrate.reading.foreign import Said, not_served, without_kind

_LONGEST_NAME = 253
_API_VERSION = re.compile(r"(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9]+\Z")
_WRITABLE = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
_RENDER = "Render it first: helm template <chart> | gke2eks … -"


@dataclass(frozen=True, slots=True)
class Found:
    """One document after Lists are unwrapped. `item` is its place in them, '' for a document of its own."""

    source: str
    line: int
    item: str
    body: Any

    @property
    def origin(self) -> str:
        return f"{self.source}:{self.line} {self.item}".rstrip()

    def left_out(self, said: Said) -> LeftOut:
        reason = f"{self.item}: {said[0]}" if self.item else said[0]
        return LeftOut(self.source, self.line, reason, said[1])


def unfit(one: Found, *, writable: bool = False) -> Said | None:
    """Say why a document is not an object; None when it is one. `writable`: it is known to be JSON of small depth."""
    body = one.body
    if not isinstance(body, dict):
        return "not a mapping: not a Kubernetes object", "Give objects with apiVersion, kind and metadata."
    if "kind" not in body:
        return without_kind(body, one.source)
    kind, version = body["kind"], body.get("apiVersion")
    if not isinstance(kind, str) or _unsafe(kind):
        return "kind is not a usable text", "Write kind as plain text, such as Deployment."
    if "apiVersion" not in body:
        served = not_served("", kind) if kind == "Kustomization" else None
        return served or ("no apiVersion", "Add apiVersion.")
    if not isinstance(version, str):
        return "apiVersion is not a text", "Write apiVersion as text, such as apps/v1."
    return (
        not_served(version, kind)
        or _unfit_version(version)
        or _unfit_metadata(body)
        or (None if writable else _unwritable(body))
    )


def _unfit_version(version: str) -> Said | None:
    if _API_VERSION.match(version) and ".." not in version:
        return None
    return "apiVersion is not of the form group/version", "Write apiVersion as text, such as apps/v1."


def _unfit_metadata(body: Mapping[str, Any]) -> Said | None:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return "no metadata" if metadata is None else "metadata is not a mapping", "Add metadata with a name."
    namespace = metadata.get("namespace")
    if namespace is not None and not isinstance(namespace, str):
        return "metadata.namespace is not a text", "Put the namespace in quotes."
    return _unfit_name(metadata) or (_unfit_text("metadata.namespace", namespace) if namespace else None)


def _unfit_name(metadata: Mapping[str, Any]) -> Said | None:
    name = metadata.get("name")
    if name is None or name == "":
        if metadata.get("generateName"):
            return "only generateName, no name", "Give it a name; without one it has no identity to migrate."
        return "metadata.name is empty or missing", "Add metadata.name."
    if not isinstance(name, str):
        return "metadata.name is not a text", "Put the name in quotes."
    return _unfit_text("metadata.name", name)


def _unfit_text(where: str, value: str) -> Said | None:
    if "{{" in value:
        return f"{where} is a Helm template", _RENDER
    if len(value) > _LONGEST_NAME:
        return f"{where} is longer than {_LONGEST_NAME} characters", "Shorten it; no API server takes it."
    if _unsafe(value):
        return f"{where} contains '/', '..' or unprintable characters", "Correct it; no API server takes it."
    return None


def _unsafe(value: str) -> bool:
    # A name becomes a file name and a URL path later on.
    return not value.isprintable() or value in (".", "") or ".." in value or "/" in value or "\\" in value


def _unwritable(body: Mapping[str, Any]) -> Said | None:
    try:
        orjson.dumps(body, option=_WRITABLE)
    except (orjson.JSONEncodeError, RecursionError, UnicodeEncodeError) as error:
        if "ecursion" in str(error):
            return "nested too deeply, or a part contains itself", "No API server takes this; leave it out."
        return "it holds a value that JSON cannot hold", "Write dates as quoted text and numbers within 64 bits."
    return None
