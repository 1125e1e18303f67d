"""A server that says canned bytes and keeps what it heard: what the proxy's own tests put behind it."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Sequence
from typing import BinaryIO

Script = Sequence[bytes | threading.Event]  # an event: wait for it before the next bytes


class Canned:
    """Answers a target (query and all, else its path) with its script; one that ends in HANG_UP closes afterwards."""

    def __init__(self, answers: dict[str, Script]) -> None:
        self.answers = answers
        self.heard: list[bytes] = []  # each request with its body, as it came
        self.connections = 0
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.connections += 1
                with contextlib.suppress(OSError):
                    self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    outer._serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Canned:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, sock: socket.socket) -> None:
        stream = sock.makefile("rb")
        while head := _head(stream):
            if b"expect: 100-continue" in head.lower():
                sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.heard.append(head + _body(head, stream))
            target = head.split(b" ", 2)[1].decode()
            script = self.answers.get(target) or self.answers.get(target.partition("?")[0]) or MISSING
            for step in script:
                if step == HANG_UP:
                    return
                if isinstance(step, threading.Event):
                    step.wait(10)
                else:
                    sock.sendall(step)


HANG_UP = b""  # an empty send means nothing else
MISSING = (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",)


def _head(stream: BinaryIO) -> bytes:
    head = b""
    while line := stream.readline():
        head += line
        if line == b"\r\n":
            return head
    return b""


def _body(head: bytes, stream: BinaryIO) -> bytes:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return stream.read(int(line.partition(b":")[2]))
        if line.startswith(b"transfer-encoding:"):
            body = b""
            while not body.endswith(b"\r\n0\r\n\r\n") and body != b"0\r\n\r\n":
                body += stream.readline()
            return body
    return b""


def sized(body: bytes, content_type: str = "application/json") -> Script:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head.encode() + body,)


def chunked(*parts: bytes | threading.Event) -> Script:
    """Each part in a chunk and a send of its own."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return (
        head,
        *(p if isinstance(p, threading.Event) else b"%x\r\n%b\r\n" % (len(p), p) for p in parts),
        b"0\r\n\r\n",
    )
