"""What a delta says to a person: secret values as words, and what to do about a difference."""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from migrate.model.comparison import Delta
from migrate.model.objects import MISSING
from migrate.model.path import Path
from migrate.model.plan import Step
from migrate.model.ref import Ref

APPLY = ("gke2eks", "apply")
_SECRET = ("", "Secret")
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # a whole Secret may be in it
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*\Z")
_LONGEST = 300  # of a line to copy


def masked(ref: Ref, path: Path, value: Any) -> Any:
    """Give the value as it may be shown: of a Secret's data, and of what may hold it, only words."""
    if (ref.group, ref.kind) != _SECRET or value is MISSING:
        return value
    if not path:
        return "(secret)"
    if path[0] in ("data", "stringData"):
        if len(path) == 1 and isinstance(value, Mapping):
            return {str(key): _words(one, encoded=path[0] == "data") for key, one in value.items()}
        return _words(value, encoded=path[0] == "data")
    if path[:2] == ("metadata", "annotations"):
        if len(path) == 2 and isinstance(value, Mapping):
            return {key: "(not shown)" if key == _APPLIED else one for key, one in value.items()}
        return "(not shown)" if _APPLIED in path else value
    return value if path[0] != "metadata" or len(path) > 1 else "(not shown)"


def _words(value: Any, *, encoded: bool) -> str:
    if not isinstance(value, str):
        return "(secret)"
    if value.startswith("(secret"):
        return value  # words already
    try:
        size = len(base64.b64decode(value, validate=True)) if encoded else len(value.encode())
    except (binascii.Error, ValueError):
        return "(secret)"
    return f"(secret, {size} byte{'' if size == 1 else 's'})"


def apply_again(found: Delta, *, ours: bool, again: Sequence[str] = APPLY) -> str:
    """Say how the target gets what is planned, or the plan what is there. `again` is the apply, up to its --only."""
    name = str(found.ref)
    take = () if ours else ("--on-conflict", f"overwrite={name}")  # who wrote it owns it: apply alone would be refused
    command = shlex.join((*again, "--only", name, *take))
    line = override(found)
    return f"{command}\nor, if the target is right, in gke2eks.yaml:\n{line}" if line else command


def leaving(step: Step) -> str:
    """Say how an object that is being deleted comes back."""
    command = shlex.join(("gke2eks", "apply", "--only", str(step.ref)))
    return f"see what its finalizers wait for; when it is gone: {command}"


def woken(step: Step, planned: Any) -> str:
    """Say how a workload wakes that somebody scaled to 0: apply leaves replicas to its autoscaler."""
    ref, count = step.ref, planned if isinstance(planned, int) else 1
    kind = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    words = ("kubectl", "-n", ref.namespace, "scale", f"{kind.lower()}/{ref.name}", f"--replicas={max(count, 1)}")
    return f"{shlex.join(words)}, and its autoscaler goes on from there."


def override(found: Delta) -> str:
    """The line of gke2eks.yaml by which the plan gets what the target has; '' where it may not or cannot be said.

    A field that is not there is removed by an override without a value.
    """
    if (found.ref.group, found.ref.kind) == _SECRET or not found.path:
        return ""
    words = [f"ref: {_word(str(found.ref))}", f"path: {_word(str(found.path))}"]
    if found.target is not MISSING:
        words.append(f"value: {json.dumps(found.target, ensure_ascii=False, default=str)}")
    text = f"overrides: [{{{', '.join((*words, 'reason: changed on the target'))}}}]"
    return text if len(text) <= _LONGEST else ""


def _word(text: str) -> str:
    return text if _PLAIN.match(text) else json.dumps(text, ensure_ascii=False)
