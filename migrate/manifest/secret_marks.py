"""What stands where a secret value stood, and the keys of a Secret that each cluster writes itself."""

from __future__ import annotations

import re
from typing import Any

TOKEN = "kubernetes.io/service-account-token"
TOKEN_KEYS = frozenset({"token", "ca.crt", "namespace"})
_MARKER = re.compile(r"\(secret, (\d+) bytes, key (.*)\)\Z", re.DOTALL)


def marker(value: Any) -> tuple[int, str] | None:
    """The size and the key that a redacted value names; None for what is no such text."""
    found = _MARKER.match(value) if isinstance(value, str) else None
    return (int(found[1]), found[2]) if found else None
