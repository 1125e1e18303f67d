"""Keyed digests. Every digest in the journal is keyed: a value in clear may hide in any kind, not in Secrets alone."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson

_ABOUT = b"gke2eks/journal\0"


def digest(value: Any, key: bytes) -> str:
    """Give the keyed digest of a JSON value; the order of keys does not matter, that of lists does."""
    return hmac.digest(key, _ABOUT + orjson.dumps(value, option=orjson.OPT_SORT_KEYS), "sha256").hex()


def key_id(key: bytes) -> str:
    """Name the key without telling it; the same name as in observed.jsonl."""
    return hashlib.sha256(key).hexdigest()[:8]
