"""Secrets compared by keyed hash, key by key. A value is only ever a parameter of `seen`; no text here holds one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.manifest.secret_marks import TOKEN, TOKEN_KEYS, marker
from migrate.manifest.variants import decoded, variants
from migrate.model.comparison import Class, Delta
from migrate.model.objects import MISSING
from migrate.model.path import P, Path
from migrate.model.plan import Step

# What a snapshot remembers of a Secret: key → {bytes, hmac, key_id}.
Hashes = Mapping[str, Mapping[str, Any]]


# What was done to the target's value before it was hashed, and what it means when that is the value that was planned.
_MEANS = {
    "without a trailing newline": "it ends in a newline",
    "with a trailing newline": "the newline at its end is missing",
    "trimmed": "there is white space around it",
    "base64-decoded": "it is in base64 once more",
    "base64-decoded, without a trailing newline": "it is in base64 once more, with a newline at its end",
    "base64-encoded": "it is decoded once too often: the value is base64 itself",
    "base64-encoded, with a trailing newline": "it is decoded once too often: the value is base64 with a newline",
    "with line ends of Unix": "its line ends are those of Windows",
    "with line ends of Windows": "its line ends are those of Unix",
}
_APPLY = "if nobody means this value to differ, run apply again; else set it with an override in gke2eks.yaml."
_LOOK = "find out who wrote it; the plan does not have this key."
_KEYS = "hash both sides with one key (--hash-key-file), then compare again."
_SOURCE = "name the source or --age-identity, so that the value can be had, then compare again."


@dataclass(frozen=True, slots=True)
class Expect:
    """What a key's value must be: its size, keyed hash and the key's id; or `why` that cannot be had."""

    bytes: int = 0
    hmac: str = field(default="", repr=False)
    key_id: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a key's value is on the target. `variants`: what was done to it → the hash of that; empty where only the
    hash was read. Without `hmac` only the size is known."""

    bytes: int
    hmac: str = field(default="", repr=False)
    key_id: str = ""
    variants: Mapping[str, str] = field(default_factory=dict, repr=False)


def key_id(key: bytes) -> str:
    """Name a hash key: 8 hex digits, as the snapshot does."""
    return hashlib.sha256(key).hexdigest()[:8]


def seen(value: bytes, key: bytes) -> Found:
    """Hash a value and its variants with the key. The value itself goes nowhere."""
    tried = {what: _digest(other, key) for what, other in variants(value) if other != value}
    return Found(len(value), _digest(value, key), key_id(key), tried)


def hashed(hashes: Hashes) -> dict[str, Found]:
    """What was redacted while it was read: hashes only, with those of variants where the reader made them."""
    return {
        key: Found(int(one["bytes"]), str(one["hmac"]), str(one["key_id"]), one.get("variants", {}))
        for key, one in hashes.items()
    }


def seen_data(data: Mapping[str, Any] | None, key: bytes) -> dict[str, Found]:
    """Hash the `data` of a Secret as a server gave it. A value that was redacted already keeps its size alone."""
    return {name: _seen(value, key) for name, value in (data or {}).items()}


def _seen(value: Any, key: bytes) -> Found:
    mark = marker(value)
    return Found(mark[0]) if mark else seen(_bytes(value), key)


def expected(step: Step, hashes: Hashes, key: bytes, filled: Mapping[str, Any] | None = None) -> dict[str, Expect]:
    """What each planned key of a Secret must be. `hashes` are the source's; `filled` is the `data` that apply would
    send, values in base64, None where they cannot be had: only what a transform makes of a value needs them."""
    body = step.body or {}
    changed = {str(one.path[-1]): one for one in step.transforms}
    wanted: dict[str, Expect] = {}
    for name, value in _planned(body).items():
        mark = marker(value)
        if name in changed and filled is not None and name in filled:
            wanted[name] = _as_expected(_seen(filled[name], key))
        elif name in changed:
            one = changed[name]
            wanted[name] = Expect(why=f"{one.rule} changes it ({one.name} {one.argument}), and nobody read its value")
        elif mark is None:
            wanted[name] = _as_expected(_seen(value, key))
        elif mark[1] in hashes:
            wanted[name] = Expect(**{part: hashes[mark[1]][part] for part in ("bytes", "hmac", "key_id")})
        else:
            wanted[name] = Expect(mark[0], why="its value was not read on the source")
    return wanted


def _as_expected(found: Found) -> Expect:
    return Expect(found.bytes, found.hmac, found.key_id, "" if found.hmac else "only its size is known")


def compare_secret(step: Step, wanted_keys: Mapping[str, Expect], found: Mapping[str, Found]) -> Iterator[Delta]:
    """Yield what differs, key by key in order; a value that is as planned and not as on the source is expected.

    A key that is missing or extra is `unexpected`, as any field is: the classes missing and extra are for objects.
    """
    for key in sorted(wanted_keys.keys() | found.keys()):
        want, there = wanted_keys.get(key), found.get(key)
        if want is None and there is not None:
            yield _extra(step, key, there)
        elif want is not None and there is None:
            said = "the plan has this key, and the target does not"
            yield _delta(step, key, Class.UNEXPECTED, want, None, said, _APPLY)
        elif want is not None and there is not None:
            yield from _both(step, key, want, there)


def _extra(step: Step, key: str, there: Found) -> Delta:
    if (step.body or {}).get("type") == TOKEN and key in TOKEN_KEYS:
        return _delta(step, key, Class.RUNTIME, None, there, "the target writes tokens of its own")
    return _delta(step, key, Class.UNEXPECTED, None, there, "the target has this key, and the plan does not", _LOOK)


def _both(step: Step, key: str, want: Expect, there: Found) -> Iterator[Delta]:
    if want.why or not want.hmac:
        why = want.why or "only its size is known"
        yield _delta(step, key, Class.FAILED, want, there, f"could not compare: {why}", _SOURCE)
    elif not there.hmac:
        said = "could not compare: only its size is known on the target"
        yield _delta(step, key, Class.FAILED, want, there, said, _KEYS)
    elif want.key_id != there.key_id:
        said = f"not comparable: hashed with the key {want.key_id} there and {there.key_id} here"
        yield _delta(step, key, Class.FAILED, want, there, said, _KEYS)
    elif not _same(want.hmac, there.hmac):
        yield _delta(step, key, Class.UNEXPECTED, want, there, _another(step, key, want, there), _APPLY)
    elif _rule(step, key):
        yield _delta(step, key, Class.EXPECTED, want, there, _because(step, key))


def _another(step: Step, key: str, want: Expect, there: Found) -> str:
    where = "planned" if _rule(step, key) else "on GKE"
    said = f"another value: {_bytes_of(want.bytes)} {where}, {there.bytes} here"
    tried = (means for what, means in _MEANS.items() if _same(there.variants.get(what, ""), want.hmac))
    means = next(tried, "")
    return f"{said}: {means}" if means else said


def _delta(
    step: Step, key: str, kind: Class, want: Expect | None, there: Found | None, because: str, fix: str = ""
) -> Delta:
    planned = MISSING if want is None else _shown(want.bytes) if want.hmac or want.bytes else "(secret)"
    target = _shown(there.bytes) if there else MISSING
    rule = _rule(step, key)
    return Delta(kind, step.ref, P("data", key), _source(step, key), planned, target, None, rule, because, fix)


def _rule(step: Step, key: str) -> str:
    """The rule that makes this value another one than the source's; '' for none."""
    said = _said(step, key)
    return said[0] if said else ""


def _because(step: Step, key: str) -> str:
    said = _said(step, key)
    return said[1] if said else ""


def _said(step: Step, key: str) -> tuple[str, str] | None:
    """Who changes the value, and why. Overrides come after transforms and win; a whole `data` may leave a key as is."""
    found = [(one.rule, one.because) for one in step.transforms if one.path == P("data", key)]
    mark = marker(_planned(step.body or {}).get(key))
    if mark is None or mark[1] != key:
        found += [(one.rule, one.because) for one in step.changes if one.path in _places(key)]
    return found[-1] if found else None


def _places(key: str) -> tuple[Path, ...]:
    return P("data"), P("data", key), P("stringData"), P("stringData", key)


def _source(step: Step, key: str) -> Any:
    """The words for the source's value. The plan's own values never come here, nor anything that is no marker."""
    before = {one.path: one.before for one in reversed(step.changes)}
    whole = before.get(P("data"))
    first = whole.get(key) if isinstance(whole, Mapping) else before.get(P("data", key))
    mark = marker(first if first is not None else _planned(step.body or {}).get(key))
    return _shown(mark[0]) if mark else MISSING


def _planned(body: Mapping[str, Any]) -> dict[str, Any]:
    """`data` as it is sent: with stringData, which a server turns into data, and without a token of the old cluster."""
    data, strings = (found if isinstance(found := body.get(name), Mapping) else {} for name in ("data", "stringData"))
    token = TOKEN_KEYS if body.get("type") == TOKEN else frozenset[str]()
    plain = {key: base64.b64encode(str(value).encode()).decode() for key, value in strings.items()}
    return {**{key: value for key, value in data.items() if key not in token}, **plain}


def _bytes(value: Any) -> bytes:
    """The bytes of a value in `data`; a server gives base64, and null for none."""
    text = str(value or "")
    found = decoded(text.encode("utf-8", "surrogatepass"))
    return text.encode("utf-8", "surrogatepass") if found is None else found


def _digest(value: bytes, key: bytes) -> str:
    return hmac.digest(key, value, "sha256").hex()


def _same(one: str, other: str) -> bool:
    return bool(one) and hmac.compare_digest(one, other)


def _shown(size: int) -> str:
    return f"(secret, {_bytes_of(size)})"


def _bytes_of(size: int) -> str:
    return f"{size} byte{'' if size == 1 else 's'}"
