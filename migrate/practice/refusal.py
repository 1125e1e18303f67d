"""What the server says when it says no: a code and a Status body, as a real API server words them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """A request that is answered with a Status. `reason` and `details` are left out when empty, as they are for 500."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body |= {"message": message} | ({"reason": reason} if reason else {})
        self.body: Json | str = body | ({"details": details} if details is not None else {}) | {"code": code}


def bad(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def no_such_resource() -> Refusal:
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def no_such_page() -> Refusal:
    """What a real server says outside its groups: plain text, no Status."""
    refusal = Refusal(404, "", "")
    refusal.body = "404 page not found\n"
    return refusal


def no_such_method() -> Refusal:
    return Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def not_found(plural: str, group: str, name: str) -> Refusal:
    return Refusal(404, "NotFound", f'{dotted(plural, group)} "{name}" not found', naming(plural, group, name))


def exists(plural: str, group: str, name: str, *, leaving: bool = False) -> Refusal:
    said = f'{"object is being deleted: " if leaving else ""}{dotted(plural, group)} "{name}" already exists'
    return Refusal(409, "AlreadyExists", said, naming(plural, group, name))


def conflict(plural: str, group: str, name: str, why: str) -> Refusal:
    said = f'Operation cannot be fulfilled on {dotted(plural, group)} "{name}": {why}'
    return Refusal(409, "Conflict", said, naming(plural, group, name))


def forbidden(plural: str, group: str, name: str, why: str, causes: Sequence[Mapping[str, str]] = ()) -> Refusal:
    details = naming(plural, group, name) | ({"causes": list(causes)} if causes else {})
    return Refusal(403, "Forbidden", f'{dotted(plural, group)} "{name}" is forbidden: {why}', details)


def invalid(kind: str, group: str, name: str, faults: Sequence[tuple[str, str, str]]) -> Refusal:
    """422. A fault is (reason such as FieldValueInvalid, field, what is said of it)."""
    causes = [{"reason": reason, "message": said, "field": field} for reason, field, said in faults]
    lines = [f"{field}: {said}" for _, field, said in faults]
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    details = naming(kind, group, name) | {"causes": causes}
    return Refusal(422, "Invalid", f'{dotted(kind, group)} "{name}" is invalid: {text}', details)


def invalid_options(options: str, fault: tuple[str, str, str]) -> Refusal:
    return invalid(options, "meta.k8s.io", "", [fault])


def unsupported_media(accepted: str) -> Refusal:
    said = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return Refusal(415, "UnsupportedMediaType", said)


def expired(message: str) -> Refusal:
    return Refusal(410, "Expired", message)


def not_done(what: str) -> Refusal:
    """501: the honest answer to everything that only a real cluster can do."""
    said = f"the practice cluster does not do this: {what}; a real cluster does"
    return Refusal(501, "NotImplemented", said, {})


def naming(plural: str, group: str, name: str) -> Json:
    return ({"name": name} if name else {}) | ({"group": group} if group else {}) | {"kind": plural}


def dotted(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural
