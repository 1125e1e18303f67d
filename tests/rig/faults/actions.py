"""What can go wrong: one small class for each fault. `str()` of an action is its name in the log."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from email.utils import formatdate
from typing import ClassVar, Literal

from rig.faults import statuses
from rig.faults.exchange import Exchange
from rig.faults.messages import LAST_CHUNK, Answer, chunk
from rig.faults.script import CONTINUE, WATCH


@dataclass(frozen=True)
class Action:
    """Does something to an exchange. `only` is a regular expression: the targets for which it makes sense."""

    only: ClassVar[str] = ""

    def play(self, ex: Exchange) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        """The class and what differs from its defaults: "status code=503"."""
        said = [f"{f.name}={getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name) != f.default]
        return " ".join([type(self).__name__.lower(), *said])


@dataclass(frozen=True)
class Pass(Action):
    """No fault: every byte as it comes."""

    def play(self, ex: Exchange) -> None:
        ex.relay(ex.forward())


PASS = Pass()


@dataclass(frozen=True)
class Latency(Action):
    """Wait before the request goes to the server, or (`at="answer"`) with the answer in hand."""

    seconds: float
    at: Literal["request", "answer"] = "request"

    def play(self, ex: Exchange) -> None:
        if self.at == "request":
            ex.pause(self.seconds)
        answer = ex.forward()
        if self.at == "answer":
            ex.pause(self.seconds)
        ex.relay(answer)


@dataclass(frozen=True)
class Status(Action):
    """Answer with an error, with the body that is usual for it (`statuses.usual`) or one of your own.

    `retry_after` is in seconds and may be said as an HTTP date (whole seconds, rounded up).
    `executed`: the server gets the request all the same, as with a gateway's timeout; else it never hears of it.
    """

    code: int
    retry_after: float | None = None
    as_date: bool = False
    executed: bool = False
    body: bytes | None = None
    content_type: str = statuses.JSON

    def play(self, ex: Exchange) -> None:
        if self.executed:
            ex.forward()
            ex.drop_upstream()
        else:
            ex.drain()
        own = None if self.body is None else (self.content_type, self.body)
        kind, body = own or statuses.usual(self.code, self.retry_after)
        ex.reply(self.code, {"Content-Type": kind} | self._wait(), body)

    def _wait(self) -> dict[str, str]:
        if self.retry_after is None:
            return {}
        if not self.as_date:
            return {"Retry-After": f"{self.retry_after:g}"}
        return {"Retry-After": formatdate(math.ceil(time.time() + self.retry_after), usegmt=True)}


@dataclass(frozen=True)
class Unauthorized(Action):
    """401. With `expire` the token of that request is refused from then on, until the client brings another one."""

    expire: bool = False

    def play(self, ex: Exchange) -> None:
        Status(401).play(ex)


@dataclass(frozen=True)
class Gone(Action):
    """410 on the second or a later page of a list. `resumable`: with a token to go on, as real servers give."""

    only: ClassVar[str] = CONTINUE
    resumable: bool = True

    def play(self, ex: Exchange) -> None:
        body = statuses.continue_expired(ex.request.target, resumable=self.resumable)
        Status(410, body=statuses.as_json(body)).play(ex)


@dataclass(frozen=True)
class Reset(Action):
    """TCP reset: instead of passing the `request` on; after the server acted, before (`answer`) or in the middle of
    the answer's `head`; or after so many bytes (int) or such a share (float) of its `body`.

    Under TLS Python may call a reset an end of file, and http.client takes one in the head for the end of the headers:
    200 and an empty body. A client must not believe that.
    """

    at: Literal["request", "answer", "head", "body"] = "request"
    after: int | float = 0

    def play(self, ex: Exchange) -> None:
        if self.at == "request":
            ex.drain()  # a reset while the client still writes looks different to it each time
            ex.reset()
        answer = ex.forward()
        if self.at != "body":
            ex.send(answer.head[: len(answer.head) // 2] if self.at == "head" else b"")
            ex.reset()
        ex.send(answer.head)
        for raw, past in ex.split(answer, ex.place(answer, self.after)):
            if past:
                ex.reset()
            ex.send(raw)
        ex.missed(self)
        ex.finish(answer)


@dataclass(frozen=True)
class Stall(Action):
    """The body stops after so many bytes (int) or such a share (float), and goes on after `seconds`."""

    after: int | float = 0
    seconds: float = 60.0

    def play(self, ex: Exchange) -> None:
        answer = ex.forward()
        ex.send(answer.head)
        waited = False
        for raw, past in ex.split(answer, ex.place(answer, self.after)):
            if past and not waited:
                ex.pause(self.seconds)
                waited = True
            ex.send(raw)
        if not waited:
            ex.missed(self)
        ex.finish(answer)


@dataclass(frozen=True)
class Truncate(Action):
    """The body ends after so many bytes (int) or such a share (float).

    Not `honest`: the connection ends there, short of the Content-Length or of the last chunk. `honest`: the length is
    that of what is sent, so HTTP is content and only the JSON is cut.
    """

    after: int | float = 0.5
    honest: bool = False

    def play(self, ex: Exchange) -> None:
        answer = ex.forward()
        after = ex.place(answer, self.after)
        if self.honest:
            return self._shorten(ex, answer, after)
        ex.send(answer.head)
        for raw, past in ex.split(answer, after):
            if past:
                ex.hang_up()
            ex.send(raw)
        ex.missed(self)
        return ex.finish(answer)

    def _shorten(self, ex: Exchange, answer: Answer, after: int) -> None:
        body = b""
        for data in ex.payload(answer):
            body += data
            if len(body) > after:
                break
        else:
            ex.missed(self)
        body = body[:after]
        ex.drop_upstream()
        ex.send(answer.rewritten(("content-length", "transfer-encoding"), Content_Length=len(body)) + body)


@dataclass(frozen=True)
class Drip(Action):
    """The body comes in sips of `size` bytes, one every `every` seconds."""

    size: int = 16
    every: float = 0.05

    def play(self, ex: Exchange) -> None:
        answer = ex.forward()
        ex.send(answer.head)
        for block in ex.blocks(answer):
            data = b"".join(raw for raw, _ in block)
            for start in range(0, len(data), self.size):
                ex.send(data[start : start + self.size])
                ex.pause(self.every)
        ex.finish(answer)


@dataclass(frozen=True)
class Garbage(Action):
    """The head of the real answer, and random bytes (from the seed) where its body was."""

    size: int = 512

    def play(self, ex: Exchange) -> None:
        answer = ex.forward()
        ex.drop_upstream()
        head = answer.rewritten(("content-length", "transfer-encoding", "content-encoding"), Content_Length=self.size)
        ex.send(head + ex.connection.proxy.faults.random_bytes(self.size))


@dataclass(frozen=True)
class WrongType(Action):
    """The real answer under another Content-Type; with `body`, that instead: the login page of a captive proxy."""

    content_type: str = "text/html"
    body: bytes | None = None

    def play(self, ex: Exchange) -> None:
        answer = ex.forward()
        if self.body is not None:
            ex.drop_upstream()
            return ex.reply(200, {"Content-Type": self.content_type}, self.body)
        ex.send(answer.rewritten(("content-type",), Content_Type=self.content_type))
        for block in ex.blocks(answer):
            ex.send(b"".join(raw for raw, _ in block))
        return ex.finish(answer)


@dataclass(frozen=True)
class WatchEnd(Action):
    """A watch (in JSON) ends after so many events: as servers `end` it at its timeout; with the event that says that
    the version is too `old` (410); `cut` off without the last chunk; or by a `reset`."""

    only: ClassVar[str] = WATCH
    events: int = 0
    how: Literal["end", "old", "cut", "reset"] = "end"

    def play(self, ex: Exchange) -> None:
        answer = ex.forward()
        wrap = chunk if answer.body.chunked else bytes
        ex.send(answer.head)
        for data in self._until(ex, answer):
            ex.send(wrap(data))
        ex.drop_upstream()
        if self.how == "reset":
            ex.reset()
        if self.how == "old":
            ex.send(wrap(statuses.watch_expired()))
        if self.how == "cut" or not answer.body.chunked:
            ex.hang_up()
        ex.send(LAST_CHUNK)

    def _until(self, ex: Exchange, answer: Answer) -> Iterator[bytes]:
        """The stream's bytes up to the end of the last event that goes through: one line is one event."""
        left = self.events
        if not left:
            return
        for data in ex.payload(answer):
            lines = data.split(b"\n")
            if len(lines) > left:
                yield b"\n".join(lines[:left]) + b"\n"
                return
            left -= len(lines) - 1
            yield data
        ex.missed(self)


@dataclass(frozen=True)
class Refuse(Action):
    """As if the server restarted: this connection is reset, others end, and new ones are refused for `seconds`."""

    seconds: float = 1.0

    def play(self, ex: Exchange) -> None:
        ex.drain()
        ex.connection.proxy.refuse(self.seconds, spare=ex.connection)
        ex.reset()
