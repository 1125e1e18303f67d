"""The few checks of a real server that hold for every kind: names, label and annotation keys, finalizers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.practice.kinds import Kind
from migrate.practice.refusal import invalid

Fault = tuple[str, str, str]
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CHARACTERS = "must consist of lower case alphanumeric characters"
_ENDS = "must start and end with an alphanumeric character"
_SAY_SUBDOMAIN = (
    f"a lowercase RFC 1123 subdomain {_CHARACTERS}, '-' or '.', and {_ENDS} "
    f"(e.g. 'example.com', regex used for validation is '{_SUBDOMAIN.pattern}')"
)
_SAY_LABEL = (
    f"a lowercase RFC 1123 label {_CHARACTERS} or '-', and {_ENDS} "
    f"(e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL.pattern}')"
)
_WORD = f"must consist of alphanumeric characters, '-', '_' or '.', and {_ENDS}"
_SAY_KEY = f"{_WORD} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED.pattern}')"
_SAY_VALUE = (
    f"a valid label must be an empty string or {_WORD.removeprefix('must ')} "
    f"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({_QUALIFIED.pattern})?')"
)
_PREFIX = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
# Names that become part of a host name are labels; those of RBAC are only parts of a path.
_LABELS = frozenset({"Namespace", "Service"})
_STANDARD_FINALIZERS = frozenset({"orphan", "foregroundDeletion", "kubernetes"})


def check(kind: Kind, body: Mapping[str, Any]) -> None:
    """Raise the 422 of a real server for metadata that no server takes."""
    metadata = body["metadata"]
    name = metadata.get("name", "")
    faults = list(_name(kind, name))
    for field in ("labels", "annotations"):
        found = metadata.get(field)
        for key, value in (found if isinstance(found, dict) else {}).items():
            said = _key(key, strict=field == "labels")
            if said:
                faults.append(_fault(f"metadata.{field}", key, said))
            if field == "labels" and isinstance(value, str) and value and not _fits(_QUALIFIED, value, 63):
                long = "must be no more than 63 bytes"
                faults.append(_fault("metadata.labels", value, long if len(value) > 63 else _SAY_VALUE))
    for index, finalizer in enumerate(metadata.get("finalizers") or ()):
        if "/" not in str(finalizer) and finalizer not in _STANDARD_FINALIZERS:
            said = "name is neither a standard finalizer name nor is it fully qualified"
            faults.append(_fault(f"metadata.finalizers[{index}]", finalizer, said))
    if faults:
        raise invalid(kind.kind, kind.group, name, faults)


def _name(kind: Kind, name: Any) -> Iterator[Fault]:
    field = "metadata.name"
    if name == "":
        yield "FieldValueRequired", field, "Required value: name or generateName is required"
    elif kind.group == "rbac.authorization.k8s.io":
        bad = next((mark for mark in "/%" if mark in name), "")
        if bad or name in (".", ".."):
            yield _fault(field, name, f"may not contain '{bad}'" if bad else f"may not be '{name}'")
    elif kind.kind in _LABELS and not kind.group:
        if not _fits(_LABEL, name, 63):
            dots = kind.kind == "Namespace" and _SUBDOMAIN.fullmatch(name) and "." in name
            long = "must be no more than 63 characters" if len(name) > 63 else _SAY_LABEL
            yield _fault(field, name, "must not contain dots" if dots else long)
    elif not _fits(_SUBDOMAIN, name, 253):
        yield _fault(field, name, "must be no more than 253 characters" if len(name) > 253 else _SAY_SUBDOMAIN)


def _key(key: str, *, strict: bool) -> str:
    """Say what is wrong with the key of a label (strict: as written) or annotation (in lower case)."""
    prefix, slash, word = key.rpartition("/") if key.count("/") < 2 else ("", "", "/")
    if word == "/":
        return f"a valid label key {_SAY_KEY} {_PREFIX}"
    if slash and not _fits(_SUBDOMAIN, prefix if strict else prefix.lower(), 253):
        return f"prefix part {_SAY_SUBDOMAIN if prefix else 'must be non-empty'}"
    if not word:
        return "name part must be non-empty"
    return (
        ""
        if _fits(_QUALIFIED, word, 63)
        else f"name part {_SAY_KEY if len(word) <= 63 else 'must be no more than 63 bytes'}"
    )


def _fits(pattern: re.Pattern[str], text: Any, longest: int) -> bool:
    return isinstance(text, str) and len(text) <= longest and pattern.fullmatch(text) is not None


def _fault(field: str, value: Any, said: str) -> Fault:
    return "FieldValueInvalid", field, f"Invalid value: {json.dumps(value, ensure_ascii=False)}: {said}"
