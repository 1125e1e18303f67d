"""The key that Secret values are hashed with. It lives in the user's state folder, never in a workspace."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from migrate.errors import BadInput

_SIZE = 32
_SMALLEST = 16


def hash_key(file: Path | None = None, workspace: Path | None = None) -> bytes:
    """Give the key from `file`, or the user's own, made at first use. Raises BadInput."""
    path = file or default_file()
    if workspace is not None and path.resolve().is_relative_to(workspace.resolve()):
        raise BadInput(f"the hash key {path} is inside the workspace", "keep the key outside of it.")
    try:
        if file is None and not path.exists():
            _create(path)
        key = path.read_bytes()
    except OSError as bad:
        why = bad.strerror or str(bad)
        raise BadInput(f"the hash key {path} cannot be read", "name a file that you may read.", [why]) from None
    if len(key) < _SMALLEST:
        raise BadInput(
            f"the hash key {path} is too short: {len(key)} bytes",
            f"use a file of at least {_SMALLEST} random bytes: head -c {_SIZE} /dev/urandom",
        )
    return key


def default_file() -> Path:
    """Where the user's own key is kept."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG rules say that a relative path is to be ignored.
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "gke2eks" / "hash-key"


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".hash-key-{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_SIZE))
            file.flush()
            os.fsync(file.fileno())
        # When another run was first, its key counts.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
