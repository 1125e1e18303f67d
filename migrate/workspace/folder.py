"""The workspace: a folder that is ours, with atomic writes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from migrate.errors import BadWorkspace

MARKER = ".gke2eks"
_MARKER_TEXT = b"This folder belongs to gke2eks. It may rewrite what it wrote here.\n"


@dataclass(frozen=True, slots=True)
class Workspace:
    """An opened workspace. `path` is absolute, links resolved."""

    path: Path

    @property
    def manifests(self) -> Path:
        """Where the planned objects are written."""
        return self.path / "manifests"

    @property
    def snapshot(self) -> Path:
        """Where what was read is kept."""
        return self.path / "snapshot"

    def inside(self, relative: str) -> Path:
        """Give the absolute path of a file in here. Raises BadWorkspace when `..` or a link leads outside."""
        path = self.path / relative
        if not path.parent.resolve().is_relative_to(self.path) or path.name in ("", ".."):
            raise BadWorkspace(f"{relative} would lie outside {self.path}", "remove the link, then run again.")
        return path


def open_workspace(path: Path, inputs: Iterable[Path] = ()) -> Workspace:
    """Open the folder, making and marking it where needed. Raises BadWorkspace."""
    folder = path.resolve()
    for each in inputs:
        _refuse_overlap(folder, path, each)
    try:
        if folder.exists() and not folder.is_dir():
            raise BadWorkspace(f"{path} is a file", "name a folder with -w.")
        marked = (folder / MARKER).is_file()
        if folder.is_dir() and not marked and any(folder.iterdir()):
            raise BadWorkspace(
                f"{path} is not empty and not ours (no {MARKER} in it)",
                "name an empty or new folder with -w. Nothing was written.",
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not marked:
            write_atomic(folder / MARKER, _MARKER_TEXT)
    except OSError as bad:
        raise BadWorkspace(
            f"{path} cannot be used", "name a folder that you may write to with -w.", [bad.strerror or str(bad)]
        ) from None
    return Workspace(folder)


def _refuse_overlap(folder: Path, path: Path, given: Path) -> None:
    real = given.resolve()
    if real.is_relative_to(folder):
        raise BadWorkspace(
            f"the input {given} is inside the workspace {path}",
            "move the input out, or name another folder with -w. Nothing was written.",
        )
    if real.is_dir() and folder.is_relative_to(real):
        raise BadWorkspace(
            f"the workspace {path} is inside the input {given}",
            "name a folder outside of it with -w. Nothing was written.",
        )


def write_atomic(path: Path, data: bytes, mode: int = 0o644, dir_mode: int = 0o755) -> None:
    """Write the whole file or nothing, and have it on disk before returning. Missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=dir_mode)
    handle, name = tempfile.mkstemp(prefix=".gke2eks-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
