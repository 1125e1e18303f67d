"""What a server's no means: its Status object becomes a reason, a line for a person, and the fields at fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.cluster.outcome import Fault, Reason, Rejected

NOT_SHOWN = "(not shown: it may quote a value of the Secret)"
_LONGEST = 1000
_Q = r"""["']([^"']*)["']"""
_NO = r'\A\S+ (?:"[^"]*" )?is forbidden: '
# What the message says, whatever the code: webhooks choose theirs freely, and a 500 may be for good. From the start of
# it: further on a value may be quoted, which may say anything.
_BY_MESSAGE: tuple[tuple[re.Pattern[str], Reason], ...] = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (rf"\Aadmission webhook {_Q} denied the request", Reason.WEBHOOK),
        (rf"\A(?:Internal error occurred: )?failed calling webhook {_Q}", Reason.WEBHOOK_DOWN),
        (r"\Aconversion webhook for (\S+, Kind=[^\s:]+) failed", Reason.WEBHOOK_DOWN),
        (rf"\Aadmission webhook {_Q} does not support dry run", Reason.WEBHOOK_NO_DRY_RUN),
        (rf"{_NO}ValidatingAdmissionPolicy {_Q} with binding .* denied request", Reason.POLICY),
        (rf"{_NO}(?:exceeded|failed) quota: ([^,:]+)", Reason.QUOTA),
        (rf"{_NO}violates PodSecurity {_Q}", Reason.POD_SECURITY),
        (
            rf"{_NO}unable to create new content in namespace \S+ because it is being terminated()",
            Reason.NAMESPACE_ENDING,
        ),
        (rf"{_NO}user .* is attempting to grant RBAC permissions not currently held()", Reason.ESCALATION),
        (rf"{_NO}User .* cannot \S+ resource ()", Reason.FORBIDDEN),
        (r"\A(?:etcdserver: request is too large|rpc error: .* larger than max)()", Reason.TOO_LARGE),
        (r"\Afailed to (?:create typed|convert new|convert patched|prune fields)()", Reason.INVALID),
    )
)
_BY_CODE = {
    400: Reason.INVALID,
    403: Reason.ADMISSION,
    409: Reason.CHANGED,
    413: Reason.TOO_LARGE,
    422: Reason.INVALID,
    429: Reason.THROTTLED,
}
# How a server says that a field is as it is for the life of its object.
_LAST = (": field is immutable", ": may not change once set", ": cannot change roleRef")
_FIRST = tuple(
    f"Forbidden: {text}"
    for text in (
        "field is immutable",
        "may not be changed in an update",
        "pod updates may not change fields",
        "spec is immutable after creation",
        "updates to statefulset spec for fields",
        "updates to parameters are forbidden",
        "updates to provisioner are forbidden",
        "updates to reclaimPolicy are forbidden",
    )
)
# Texts that the server makes of names alone; of the rest a part of the object may be a part.
_NAMES_ONLY = frozenset(
    {Reason.FORBIDDEN, Reason.QUOTA, Reason.NAMESPACE_ENDING, Reason.NO_NAMESPACE, Reason.UNSERVED, Reason.ABSENT}
    | {Reason.EXISTS, Reason.CHANGED, Reason.TOO_LARGE, Reason.THROTTLED}
)
# failed to create typed patch object (…): .spec.replicas: expected numeric … , or a line for each
# (an apply; servers stop at some of several faults, at others the next time)
_TYPED = re.compile(r"(?:\): |^\s*)(\.[^\n]*?): (\S[^\n]*)$", re.MULTILINE)
# strict decoding error: unknown field "spec.foo", duplicate field "spec.bar" (a create)
_STRICT = re.compile(r'(?P<what>unknown|duplicate) field "(?P<field>(?:[^"\\]|\\.)*)"')


def rejected(status: int, body: Any, remarks: tuple[str, ...] = (), *, secret: bool = False) -> Rejected:
    """Judge an answer that is neither a success nor a conflict of owners. `secret`: nothing of the object is shown."""
    said = body if isinstance(body, dict) and body.get("kind") == "Status" else {}
    message = str(said.get("message") or "")
    reason, by = _reason(status, said, message)
    if not said:  # some proxy between; its page may hold anything
        message = f"the server answered {status}"
    faults = tuple(_faults(said, message)) if reason is Reason.INVALID else ()
    if secret and reason not in _NAMES_ONLY:
        # Fields of a typed message are cut out of a text that quotes values.
        faults = tuple(Fault(one.field, NOT_SHOWN) for one in faults) if status == 422 else ()
        message = NOT_SHOWN
    return Rejected(reason, line(message), faults, by, remarks, reason is Reason.INVALID and _fixed(said))


def _reason(status: int, said: Mapping[str, Any], message: str) -> tuple[Reason, str]:
    for pattern, reason in _BY_MESSAGE:
        if match := pattern.search(message):
            return reason, line(match[1].strip())
    if status == 404:
        return _not_found(said), ""
    if said.get("reason") == "AlreadyExists":
        return Reason.EXISTS, ""
    return _BY_CODE.get(status, Reason.OTHER), ""


def _not_found(said: Mapping[str, Any]) -> Reason:
    details = said.get("details")
    if not isinstance(details, dict) or not details.get("name"):
        return Reason.UNSERVED
    return Reason.NO_NAMESPACE if details.get("kind") == "namespaces" else Reason.ABSENT


def _fixed(said: Mapping[str, Any]) -> bool:
    """Tell it by how a cause begins or ends: between, a value may be quoted, which is long and may say anything."""
    details = said.get("details")
    found = details.get("causes") if isinstance(details, dict) else None
    texts = [str(one.get("message") or "") for one in found or () if isinstance(one, dict)]
    return any(text.endswith(_LAST) or text.startswith(_FIRST) for text in texts)


def _faults(said: Mapping[str, Any], message: str) -> Iterator[Fault]:
    details = said.get("details")
    found = details.get("causes") if isinstance(details, dict) else None
    seen: set[Fault] = set()
    rows = [(one.get("field"), one.get("message")) for one in found or () if isinstance(one, dict)]
    if not rows and "strict decoding error: " in message:
        rows = [(one["field"], f"{one['what']} field") for one in _STRICT.finditer(message)]
    for field, text in rows or _TYPED.findall(message):
        fault = Fault(line(str(field or "").removeprefix(".")), line(str(text or "")))
        if fault not in seen:  # the server says some twice
            seen.add(fault)
            yield fault


def line(text: str) -> str:
    """One line of what a server said; unprintable characters could drive a terminal."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


_REMARK = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


def remarks(headers: list[str], *, secret: bool = False) -> tuple[str, ...]:
    """What the Warning headers of an answer say. Webhooks may write there, too."""
    found = [re.sub(r"\\(.)", r"\1", text) for header in headers for text in _REMARK.findall(header)]
    return tuple(dict.fromkeys(NOT_SHOWN if secret else line(text) for text in found))
