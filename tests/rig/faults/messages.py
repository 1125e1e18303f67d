"""HTTP/1.1 messages as bytes: heads that are read but never rewritten, and bodies cut where the framing says."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

Piece = tuple[bytes, bool]  # bytes as they came, and whether they are payload (else framing of chunks)


class BadMessage(Exception):
    """What arrived is no HTTP/1.1 that this proxy knows."""


def headers(head: bytes) -> dict[str, str]:
    """Names in lower case; of a repeated one the last (framing headers are never repeated by honest peers)."""
    out = {}
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            out[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
    return out


@dataclass(frozen=True)
class Request:
    """`head` is every byte up to and including the empty line."""

    head: bytes
    method: str
    target: str
    headers: dict[str, str]

    @classmethod
    def parse(cls, head: bytes) -> Request:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadMessage(f"no HTTP/1 request line: {words}")
        return cls(head, words[0], words[1], headers(head))

    @property
    def body(self) -> Body:
        return Body.of(self.headers, otherwise=0)

    @property
    def keeps(self) -> bool:
        """The client means to send another request on this connection."""
        return b"HTTP/1.0\r\n" not in self.head[:8192] and "close" not in self.headers.get("connection", "").lower()


@dataclass(frozen=True)
class Answer:
    head: bytes
    status: int
    headers: dict[str, str]
    to: str  # the method of the request: it decides whether there is a body

    @classmethod
    def parse(cls, head: bytes, to: str) -> Answer:
        words = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise BadMessage(f"no HTTP/1 status line: {words}")
        return cls(head, int(words[1]), headers(head), to)

    @property
    def body(self) -> Body:
        if self.to == "HEAD" or self.status < 200 or self.status in (204, 304):
            return Body(0)
        return Body.of(self.headers, otherwise=None)

    @property
    def keeps(self) -> bool:
        ends = self.body.length is not None or self.body.chunked
        return ends and self.head.startswith(b"HTTP/1.1") and "close" not in self.headers.get("connection", "").lower()

    def rewritten(self, drop: tuple[str, ...], **add: object) -> bytes:
        """The head without the headers `drop`, with those in `add` (underscores are hyphens) at its end."""
        lines = self.head[:-4].split(b"\r\n")
        kept = [x for x in lines[1:] if x.partition(b":")[0].decode("latin-1").strip().lower() not in drop]
        new = [f"{name.replace('_', '-')}: {value}".encode() for name, value in add.items()]
        return b"\r\n".join([lines[0], *kept, *new]) + b"\r\n\r\n"


def reply(status: int, fields: dict[str, str], body: bytes) -> bytes:
    """A whole answer of our own."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{k}: {v}" for k, v in fields.items()), f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Body:
    """Follows one body through its framing. `length` None and not `chunked` means: until the connection ends."""

    def __init__(self, length: int | None, chunked: bool = False) -> None:
        self.length, self.chunked = length, chunked
        self.done = length == 0 and not chunked
        self._left = length or 0  # of the body, or of the chunk
        self._line = b""
        self._expect = "size"

    @classmethod
    def of(cls, fields: dict[str, str], otherwise: int | None) -> Body:
        if "chunked" in fields.get("transfer-encoding", "").lower():
            return cls(None, chunked=True)
        length = fields.get("content-length")
        if length is None:
            return cls(otherwise)
        if not length.isdigit():
            raise BadMessage(f"Content-Length is no number: {length!r}")
        return cls(int(length))

    def feed(self, data: bytes) -> tuple[list[Piece], bytes]:
        """What of `data` belongs to this body, in pieces that join to the same bytes; and the rest."""
        if self.chunked:
            return self._feed_chunks(data)
        if self.length is None:
            return [(data, True)], b""
        mine, rest = data[: self._left], data[self._left :]
        self._left -= len(mine)
        self.done = self._left == 0
        return ([(mine, True)] if mine else []), rest

    def _feed_chunks(self, data: bytes) -> tuple[list[Piece], bytes]:
        pieces: list[Piece] = []
        while data and not self.done:
            if self._expect == "data":
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                self._expect = "data" if self._left else "end"
                pieces.append((piece, True))
                continue
            cut = data.find(b"\n") + 1 or len(data)
            piece, data = data[:cut], data[cut:]
            self._line += piece
            if piece.endswith(b"\n"):
                self._end_of_line(self._line.strip())
                self._line = b""
            pieces.append((piece, False))
        return pieces, data

    def _end_of_line(self, line: bytes) -> None:
        if self._expect == "end":  # the empty line after a chunk's data
            self._expect = "size"
        elif self._expect == "trailer":
            self.done = not line
        else:
            try:
                self._left = int(line.split(b";")[0], 16)
            except ValueError:
                raise BadMessage(f"no size of a chunk: {line[:40]!r}") from None
            self._expect = "data" if self._left else "trailer"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
