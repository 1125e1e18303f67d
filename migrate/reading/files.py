"""Sources become texts: files, directories, standard input, gzip, the encodings that occur."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from migrate.model.objects import LeftOut

_SUFFIXES = (".yaml", ".yml", ".json")
_GZIP = b"\x1f\x8b"
_LIMIT = 1 << 30
_BOMS: tuple[tuple[bytes, str], ...] = (
    # UTF-32 first: its little-endian mark begins with the one of UTF-16.
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Text:
    """One source that was decoded."""

    source: str
    data: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file in a directory whose name says that it holds no manifests."""

    source: str


class _Unreadable(Exception):
    """Reason and fix of a source that is no text."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


def texts(sources: Sequence[str], stdin: Callable[[], bytes]) -> Iterator[Text | LeftOut | Ignored]:
    """Yield every source once, directories in sorted order."""
    seen: set[str] = set()
    for source in sources:
        for found in _expand(source):
            if not isinstance(found, str):
                yield found
                continue
            real = found if found == "-" or "\0" in found else os.path.realpath(found)
            if real not in seen:
                seen.add(real)
                yield _text(found, stdin)


def _expand(source: str) -> Iterator[str | LeftOut | Ignored]:
    if source == "-" or not os.path.isdir(source):
        yield source
        return
    failed: list[LeftOut] = []
    for folder, folders, files in os.walk(source, onerror=lambda error: failed.append(_failed(error))):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(files):
            path = os.path.join(folder, name)
            yield path if _is_manifest(path) else Ignored(path)
    yield from failed


def _is_manifest(path: str) -> bool:
    if not path.lower().removesuffix(".gz").endswith(_SUFFIXES):
        return False
    # A pipe or a socket in a directory would block for ever; a dangling link is named as unreadable.
    return os.path.isfile(path) or not os.path.exists(path)


def _failed(error: OSError) -> LeftOut:
    what = error.strerror or type(error).__name__
    return LeftOut(str(error.filename), 0, f"cannot be read: {what}", "Check the path and its permissions.")


def _text(source: str, stdin: Callable[[], bytes]) -> Text | LeftOut:
    name = "<stdin>" if source == "-" else source
    try:
        raw = stdin() if source == "-" else _bytes(source)
        return Text(name, _decode(_unpack(raw, source)))
    except _Unreadable as error:
        return LeftOut(name, 0, error.reason, error.fix)
    except (OSError, ValueError) as error:
        what = (error.strerror if isinstance(error, OSError) else None) or "not a usable path"
        return LeftOut(name, 0, f"cannot be read: {what}", "Check the path and its permissions.")


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _unpack(raw: bytes, source: str) -> bytes:
    if not raw.startswith(_GZIP):
        if raw and source.endswith(".gz"):
            raise _Unreadable("named .gz but not gzip data", "Compress it again, or take .gz off its name.")
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            data = file.read(_LIMIT + 1)
    except EOFError:
        raise _Unreadable("the gzip data is cut off", "Make the file again; its end is missing.") from None
    except (OSError, zlib.error):
        raise _Unreadable("the gzip data is damaged", "Make the file again, or copy it again.") from None
    if len(data) > _LIMIT:
        raise _Unreadable("more than 1 GiB when uncompressed", "Split the export, for example by namespace.")
    return data


def _decode(raw: bytes) -> str:
    encoding = next((name for mark, name in _BOMS if raw.startswith(mark)), "utf-8-sig")
    if encoding == "utf-8-sig" and b"\0" in raw:
        raise _Unreadable("binary: it contains NUL bytes", "Give YAML or JSON text, saved as UTF-8.")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        shown = "UTF-8" if encoding == "utf-8-sig" else encoding.upper()
        line = raw.count(b"\n", 0, error.start) + 1
        raise _Unreadable(f"not {shown} text: a bad byte on line {line}", "Save the file as UTF-8.") from None
