"""Values of Secrets: read from the source at apply or from the encrypted file, held in memory, put into planned bodies.

A plan knows keys and sizes. What was changed on the source since is drift: the new value goes, and it is said so.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.cluster.port import Source
from migrate.errors import NotLoggedIn, Refused, Unreachable
from migrate.flow.secret_parts import (
    TRANSFORMS,
    Unfit,
    encoded,
    held_of,
    inside,
    is_plain_secret,
    keys_of,
    plain,
)
from migrate.flow.threads import in_threads
from migrate.flow.view import listed
from migrate.manifest.places import get
from migrate.manifest.secret_marks import marker
from migrate.model.listing import Kind
from migrate.model.objects import MISSING, Body
from migrate.model.path import P
from migrate.model.plan import Step
from migrate.model.ref import Ref
from migrate.workspace import secret_file
from migrate.workspace.folder import open_workspace
from migrate.workspace.secret_file import Held

_SECRETS = Kind("", "v1", "secrets", "Secret", True)
_THREADS = 4
_AGAIN = "export and plan again, read the report, then apply."

# What the snapshot remembers of each value: ref → key → {bytes, hmac, key_id}.
Hashes = Mapping[Ref, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Filled:
    """A body that may be sent, in no repr. `drift` says what is not as it was exported; '' for nothing known."""

    body: Body = field(repr=False)
    drift: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why an object cannot be sent: a value is not to be had, and an empty Secret would be worse."""

    why: str
    fix: str


class SecretValues:
    """What is known of the values that a plan needs. `where` says from whom, for a person; nothing else is shown."""

    def __init__(
        self,
        values: Mapping[Ref, Held],
        where: str,
        *,
        unread: Mapping[str, str] | None = None,
        hashes: Hashes | None = None,
        hash_key: bytes = b"",
    ) -> None:
        self.where = where
        self._values = dict(values)
        self._unread = dict(unread or {})  # namespace: why nobody could look
        self._hashes = hashes or {}
        self._key = hash_key
        self._key_id = hashlib.sha256(hash_key).hexdigest()[:8] if hash_key else ""

    def __repr__(self) -> str:
        return f"SecretValues({len(self._values)} Secrets from {self.where})"

    def fill(self, step: Step) -> Filled | Missing:
        """Give the planned body with its values. A body that needs none comes back as it is planned."""
        assert step.body is not None
        if is_plain_secret(step):
            return self._secret(step, _as_sent(step.body))
        place = inside(step.body)
        if place:
            # Sent to a server, its values could come back in a refusal or a conflict that nobody reads as secret.
            fix = "make this object by hand, or let the program that made it on the source make it again."
            return Missing(f"it holds a Secret at {place}, and values go into Secrets only", fix)
        return Filled(step.body)

    def _secret(self, step: Step, body: dict[str, Any]) -> Filled | Missing:
        data = body.get("data", {})
        marks = {key: found for key, value in data.items() if (found := marker(value))}
        held = self._values.get(step.ref)
        if not marks and not step.transforms:
            return Filled(body, self._more(step, held, data))
        if held is None:
            return self._absent(step.ref)
        planned = _planned_type(step)
        if held.type != planned:
            return Missing(f"its type is {held.type} in {self.where} and {planned} in the plan", _AGAIN)
        gone = sorted({key for _, key in marks.values() if key not in held.data})
        if gone:
            keys = f"key{'s' if len(gone) > 1 else ''} {', '.join(gone)}"
            return Missing(f"it has no {keys} in {self.where}", f"put the value back there, or {_AGAIN}")
        values = {key: held.data[source] or "" for key, (_, source) in marks.items()}
        drift = _and(self._changed(step.ref, marks, held), self._more(step, held, data))
        filled = _transformed(step, {**data, **values})
        return filled if isinstance(filled, Missing) else Filled({**body, "data": filled}, drift)

    def _absent(self, ref: Ref) -> Missing:
        why = self._unread.get(ref.namespace)
        if why:
            fix = "ask for the right that gke2eks access source prints, or export with --age-recipient."
            return Missing(f"its values could not be read: {why}", fix)
        if not self.where:
            fix = "name the source, so that they are read from there, or export with --age-recipient."
            return Missing("nobody said where its values come from", fix)
        return Missing(f"it is not there any more in {self.where}", f"put it back, or {_AGAIN}")

    def _changed(self, ref: Ref, marks: Mapping[str, tuple[int, str]], held: Held) -> str:
        seen = self._hashes.get(ref, {})
        changed = set()
        for size, key in marks.values():
            value, known = plain(held.data[key]), seen.get(key, {})
            if self._key and known.get("key_id") == self._key_id:
                digest = hmac.digest(self._key, value, "sha256").hex()
                differs = not hmac.compare_digest(digest, str(known.get("hmac")))
            else:
                differs = len(value) != size  # hashes of another key say nothing
            if differs:
                changed.add(key)
        return f"changed on the source since the export: {', '.join(sorted(changed))}" if changed else ""

    def _more(self, step: Step, held: Held | None, data: Mapping[str, Any]) -> str:
        """Name keys that nobody planned. They stay behind: what goes is what was reviewed."""
        seen = self._hashes.get(step.ref)
        if held is None or seen is None:
            return ""
        new = sorted(held.data.keys() - seen.keys() - data.keys())
        return f"new on the source since the export, and not sent: {', '.join(new)}" if new else ""


def from_source(
    source: Source, steps: Iterable[Step], *, hashes: Hashes | None = None, hash_key: bytes = b""
) -> SecretValues:
    """List the Secrets of the steps' namespaces and keep those of the steps.

    Raises NotLoggedIn, Unreachable. What may not be read, or not now, is told for each object by `fill`.
    """
    refs = {step.ref for step in steps if step.body is not None and is_plain_secret(step)}
    values: dict[Ref, Held] = {}
    unread: dict[str, str] = {}

    def look(namespace: str, over: threading.Event) -> tuple[str, dict[Ref, Held], str]:
        try:
            bodies = listed(source, _SECRETS, namespace)
        except (NotLoggedIn, Unreachable):
            raise
        except Refused as no:
            return namespace, {}, no.what
        return namespace, {ref: held_of(body) for ref, body in bodies.items() if ref in refs}, ""

    for namespace, found, why in in_threads(sorted({ref.namespace for ref in refs}), look, _THREADS):
        values |= found
        if why:
            unread[namespace] = why
    return SecretValues(values, source.name, unread=unread, hashes=hashes, hash_key=hash_key)


def from_file(
    workspace: Path, identities: Sequence[Path], *, hashes: Hashes | None = None, hash_key: bytes = b""
) -> SecretValues:
    """Decrypt the side file of the snapshot. Raises BadInput, BadWorkspace."""
    values = secret_file.unseal(open_workspace(workspace), identities)
    return SecretValues(values, secret_file.NAME, hashes=hashes, hash_key=hash_key)


def from_nowhere() -> SecretValues:
    """Nobody said where values come from: every Secret that needs one is Missing."""
    return SecretValues({}, "")


def _as_sent(body: Body) -> dict[str, Any]:
    """A Secret as it is sent: stringData has become data, as the server stores it, and no data is no field."""
    strings = body.get("stringData")
    more = {key: encoded(str(value).encode()) for key, value in strings.items()} if isinstance(strings, Mapping) else {}
    data = {**keys_of(body), **more}
    rest = {key: value for key, value in body.items() if key not in ("data", "stringData")}
    return {**rest, "data": data} if data else rest


def _planned_type(step: Step) -> str:
    """The type that the Secret had when it was exported."""
    changed = next((one.before for one in step.changes if one.path == P("type")), None)
    found = changed if changed is not None else get(step.body, P("type"))
    return "Opaque" if found in (None, MISSING, "") else str(found)


def _transformed(step: Step, data: dict[str, Any]) -> dict[str, Any] | Missing:
    for one in step.transforms:
        key = str(one.path[-1])
        if one.path != P("data", key) or key not in data:
            continue  # an override took the key out
        if one.name not in TRANSFORMS:
            return Missing(f"{one.rule} asks for {one.name}, which is not known here", "use one version of gke2eks.")
        try:
            data = {**data, key: encoded(TRANSFORMS[one.name](plain(data[key]), one.argument))}
        except Unfit as no:
            return Missing(f"{one.rule} cannot change {key}: {no}", _AGAIN)
    return data


def _and(*said: str) -> str:
    return "; ".join(one for one in said if one)
