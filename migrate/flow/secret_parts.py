"""Where the values of a Secret stood, and what the named transforms make of them. In memory only."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from migrate.manifest.secret_marks import TOKEN, TOKEN_KEYS, marker
from migrate.model.objects import Body
from migrate.model.path import Path
from migrate.model.plan import Step
from migrate.reading.redact import is_secret
from migrate.workspace.secret_file import Held


class Unfit(Exception):
    """A transform cannot be run on this value; the message says why and holds nothing of it."""


def held_of(body: Body) -> Held:
    """Type and values of a Secret as a server gave it."""
    return Held(str(body.get("type") or "Opaque"), _mapping(body.get("data")))


def inside(body: Body) -> str:
    """The place of a redacted Secret inside a custom resource; '' for none. Built-in kinds cannot hold one."""
    if "." not in str(body.get("apiVersion", "")) or b"ecret" not in orjson.dumps(body):
        return ""
    return next((str(path) for path, one in _secrets(body, Path()) if _redacted(one)), "")


def _secrets(body: Any, path: Path) -> Iterator[tuple[Path, Body]]:
    if isinstance(body, Mapping):
        if is_secret(body):
            yield path, body
            return
        for key, value in body.items():
            yield from _secrets(value, path / str(key))
    elif isinstance(body, list):
        for at, value in enumerate(body):
            yield from _secrets(value, path / at)


def _redacted(body: Body) -> bool:
    return any(marker(value) for value in _mapping(body.get("data")).values())


def is_plain_secret(step: Step) -> bool:
    """Tell whether the object is a Secret, and not something that has one inside."""
    return (step.ref.group, step.ref.kind) == ("", "Secret")


def wanted(step: Step) -> bool:
    """Tell whether a step needs a value from somewhere before it can be sent."""
    if step.body is None or not is_plain_secret(step):
        return False
    return bool(step.transforms) or any(marker(value) for value in keys_of(step.body).values())


def keys_of(body: Body) -> dict[str, Any]:
    """What of a planned Secret's data goes: a token of the old cluster does not, the new one writes its own."""
    data = _mapping(body.get("data"))
    if body.get("type") == TOKEN:
        return {key: value for key, value in data.items() if key not in TOKEN_KEYS}
    return dict(data)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def plain(value: Any) -> bytes:
    """The bytes of a value in `data`; a server gives base64, and null for none."""
    try:
        return base64.b64decode(value or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        return str(value).encode("utf-8", "surrogatepass")


def encoded(value: bytes) -> str:
    """The way back."""
    return base64.b64encode(value).decode()


def drop_registry(value: bytes, host: str) -> bytes:
    """Take the logins of one registry out of a Docker configuration. Raises Unfit."""
    try:
        config = orjson.loads(value)
    except orjson.JSONDecodeError:
        config = None
    if not isinstance(config, dict):
        raise Unfit("it is no Docker configuration any more")
    auths = config.get("auths")
    logins = auths if isinstance(auths, dict) else config
    left = {name: login for name, login in logins.items() if _host(name) != host}
    if len(left) == len(logins):
        return value  # as it is, byte for byte
    if not any(isinstance(login, dict) for login in left.values()):
        raise Unfit(f"without the login of {host} none is left")
    return orjson.dumps({**config, "auths": left} if isinstance(auths, dict) else left)


def _host(name: str) -> str:
    """The host of a login's name: https://user@gcr.io/v1/ is gcr.io."""
    return name.rpartition("://")[2].partition("/")[0].rpartition("@")[2]


TRANSFORMS = {"drop_registry": drop_registry}
