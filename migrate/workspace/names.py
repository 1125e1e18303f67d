"""File names of manifests: readable, inside the folder, and unique on a disk that ignores case."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable

from migrate.model.ref import Ref

_LONGEST = 200
_HASH = 12
_PLAIN = re.compile(r"[a-z0-9-][a-z0-9.-]*")  # what escaping leaves as it is


def manifest_names(refs: Iterable[Ref]) -> dict[Ref, str]:
    """Name the file of each object, relative to manifests/. The order of `refs` does not matter."""
    ordered = sorted(set(refs))
    groups: dict[str, set[str]] = defaultdict(set)
    for ref in ordered:
        groups[ref.kind.lower()].add(ref.group)
    taken: set[str] = set()
    return {ref: manifest_name(ref, taken, with_group=len(groups[ref.kind.lower()]) > 1) for ref in ordered}


def manifest_name(ref: Ref, taken: set[str], with_group: bool = False) -> str:
    """Name one file and add it to `taken`."""
    kind = f"{ref.kind}.{ref.group}" if with_group and ref.group else ref.kind
    folder = _short(_escape(ref.namespace), ref.namespace) if ref.namespace else "_cluster"
    stem = f"{_escape(kind.lower())}-{_escape(ref.name)}"
    identity = repr(ref)
    name = f"{folder}/{_short(stem, identity)}.yaml"
    tries = 0
    while name in taken:
        tries += 1
        name = f"{folder}/{_hashed(stem, f'{identity} {tries}')}.yaml"
    taken.add(name)
    return name


def _escape(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    out = "".join(
        chr(byte) if re.match(rb"[a-z0-9.-]", bytes([byte])) else f"%{byte:02X}"
        for byte in text.encode("utf-8", "surrogatepass")
    )
    # A leading dot would hide the file or leave the folder.
    return "%2E" + out[1:] if out.startswith(".") else out


def _short(text: str, identity: str) -> str:
    return text if len(text) <= _LONGEST else _hashed(text, identity)


def _hashed(text: str, identity: str) -> str:
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{text[: _LONGEST - _HASH - 1]}-{digest}"
