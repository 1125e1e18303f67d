"""One request and its answer on the way through: the moves from which faults are made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from rig.faults.messages import Answer, BadMessage, Piece, Request, reply
from rig.faults.wire import Wire, wait

if TYPE_CHECKING:
    from rig.faults.connection import Connection

TICK = 0.05  # seconds between looks for a client that left during a pause


class Over(Exception):
    """This connection ends here: politely, or with a reset."""

    def __init__(self, *, reset: bool = False) -> None:
        self.reset = reset


class UpstreamTrouble(Exception):
    """The server behind the proxy did what no script asked for."""


class Exchange:
    def __init__(self, connection: Connection, request: Request) -> None:
        self.connection, self.request = connection, request
        self.client: Wire = connection.client
        self._up: Wire | None = None
        self._held: list[list[Piece]] | None = None

    # Towards the server

    def forward(self) -> Answer:
        """Pass the request on and wait for the head of its answer. From here on the server may have acted on it."""
        self._up = up = self.connection.upstream()
        try:
            up.sock.sendall(self.request.head)
            if "expect" in self.request.headers:
                answer = self._answer(up)
                if answer.status != 100:
                    self.connection.keep = False  # the body never comes, or comes too late
                    return answer
                self.send(answer.head)
            self._pass_body_to(up)
            while (answer := self._answer(up)).status < 200 and answer.status != 101:
                self.send(answer.head)
            return answer
        except BadMessage as why:
            raise UpstreamTrouble(str(why)) from None

    def drain(self) -> None:
        """Read the request to its end and pass nothing on: an answer of our own can follow on this connection."""
        if "expect" in self.request.headers:
            self.connection.keep = False
        else:
            self._pass_body_to(None)

    def _pass_body_to(self, up: Wire | None) -> None:
        body = self.request.body
        while not body.done:
            data = self.client.take()
            if not data:
                raise Over
            pieces, rest = body.feed(data)
            self.client.buffer = rest + self.client.buffer
            if up is not None:
                try:
                    up.sock.sendall(b"".join(raw for raw, _ in pieces))
                except OSError:  # a server may answer and hang up before it has read all: what did it say?
                    up = None

    def _answer(self, up: Wire) -> Answer:
        while b"\r\n\r\n" not in up.buffer:
            if not self._read(up):
                raise UpstreamTrouble("the server hung up before it answered")
        return Answer.parse(up.head(), self.request.method)

    def _read(self, up: Wire) -> bool:
        """Wait for the server, but not for longer than the client does."""
        while True:
            # A client that already sent its next request is not looked at again: its bytes would wake us forever.
            wires = wait([up] if self.client.buffer else [up, self.client])
            if self.client in wires and self.client.left():
                raise Over
            if up in wires:
                try:
                    return up.fill()
                except OSError as why:
                    raise UpstreamTrouble(f"the server broke off: {why}") from None

    def _server(self) -> Wire:
        if self._up is None:
            raise RuntimeError("an action reads an answer before it forwarded the request")
        return self._up

    def drop_upstream(self) -> None:
        """The rest of the answer is not wanted."""
        self.connection.drop_upstream()

    # Towards the client

    def send(self, data: bytes) -> None:
        self.client.sock.sendall(data)

    def reply(self, status: int, fields: dict[str, str], body: bytes) -> None:
        """Answer ourselves."""
        data = reply(status, fields, body)
        self.send(data[: -len(body)] if self.request.method == "HEAD" and body else data)

    def relay(self, answer: Answer) -> None:
        """The answer as it is, as soon as it comes."""
        self.send(answer.head)
        if answer.status == 101:
            self._tunnel()
        for block in self.blocks(answer):
            self.send(b"".join(raw for raw, _ in block))
        self.finish(answer)

    def finish(self, answer: Answer) -> None:
        """After an answer that went through whole: the connection lives on if the answer lets it."""
        self.connection.keep = self.connection.keep and answer.keeps

    def _tunnel(self) -> NoReturn:
        """After "101 Switching Protocols" (exec, port-forward): bytes both ways until one side ends."""
        client, up = self.client, self._server()
        while True:
            for wire in wait([client, up]):
                data = wire.take()
                if not data:
                    raise Over
                (up if wire is client else client).sock.sendall(data)

    # The answer's body

    def blocks(self, answer: Answer) -> Iterator[list[Piece]]:
        """The body as it arrives; one list of pieces for each read."""
        if self._held is not None:
            yield from self._held
            return
        up, body = self._server(), answer.body
        while not body.done:
            if not up.buffer and not self._read(up):
                if body.length is None and not body.chunked:
                    return
                raise UpstreamTrouble("the server hung up in the middle of a body")
            pieces, up.buffer = body.feed(up.take())
            yield pieces

    def split(self, answer: Answer, after: int) -> Iterator[tuple[bytes, bool]]:
        """The body's bytes, and whether `after` bytes of payload had gone before them."""
        seen = 0
        for block in self.blocks(answer):
            for raw, is_payload in block:
                first = raw[: max(after - seen, 0)] if is_payload else raw
                past = seen >= after
                seen += len(raw) if is_payload else 0
                if first and not past:
                    yield first, False
                    raw = raw[len(first) :]
                if raw:
                    yield raw, True

    def payload(self, answer: Answer) -> Iterator[bytes]:
        for block in self.blocks(answer):
            if data := b"".join(raw for raw, is_payload in block if is_payload):
                yield data

    def place(self, answer: Answer, after: int | float) -> int:
        """Where in the body: bytes, or a share of it, for which a body of unknown length is read whole first."""
        if isinstance(after, int):
            return after
        if answer.body.length is None:
            self._held = list(self.blocks(answer))
            return int(after * sum(len(raw) for block in self._held for raw, is_payload in block if is_payload))
        return int(after * answer.body.length)

    # Time and ends

    def pause(self, seconds: float) -> None:
        """Do nothing for so long, unless the client leaves or the proxy stops."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.connection.proxy.stopping.wait(min(TICK, left)) or self.client.left():
                raise Over

    def hang_up(self) -> NoReturn:
        raise Over

    def reset(self) -> NoReturn:
        raise Over(reset=True)

    def missed(self, fault: object) -> None:
        """The place of a fault was beyond the end of the answer: the log says more than happened, so complain."""
        self.connection.proxy.errors.append(f"{fault}: never happened, the body of {self.request.target} ended before")
