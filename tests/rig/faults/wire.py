"""One end of a connection, plain or TLS: read on, notice that the peer left, end politely or with a TCP reset."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct

from rig.faults.messages import BadMessage

HEAD_LIMIT = 1 << 20  # bytes; Go's servers take as much
READ = 1 << 16
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError)


class Wire:
    """A socket with what was read from it and not used. Used by one thread, except `interrupt`."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.ended = False

    def fill(self) -> bool:
        """Wait for bytes and keep them; False at the end of the stream."""
        data = b"" if self.ended else self.sock.recv(READ)
        self.buffer += data
        self.ended = not data
        return bool(data)

    def take(self) -> bytes:
        """What is there, waiting only when nothing is; b"" at the end of the stream."""
        if not self.buffer:
            self.fill()
        data, self.buffer = self.buffer, b""
        return data

    def head(self) -> bytes:
        """Everything up to the first empty line; b"" when the peer left before it said anything."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > HEAD_LIMIT:
                raise BadMessage(f"a head of more than {HEAD_LIMIT} bytes")
            if not self.fill():
                if self.buffer:
                    raise BadMessage("the peer left in the middle of a head")
                return b""
        data, self.buffer = self.buffer[: end + 4], self.buffer[end + 4 :]
        return data

    def left(self) -> bool:
        """Has the peer gone? Looks without waiting; keeps what it finds, up to a limit."""
        if self.ended or len(self.buffer) > HEAD_LIMIT:
            return self.ended
        timeout = self.sock.gettimeout()
        try:
            self.sock.settimeout(0)
            self.fill()
        except _NOTHING_YET:
            pass
        except OSError:
            self.ended = True
        finally:
            with contextlib.suppress(OSError):
                self.sock.settimeout(timeout)
        return self.ended

    @property
    def ready(self) -> bool:
        """A read would not wait, and select() would not say so."""
        return bool(self.buffer) or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0)

    def close(self) -> None:
        """End politely: what was sent arrives, then the end of the stream (under TLS announced, too)."""
        with contextlib.suppress(OSError, ValueError):
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(0)
                self.sock.unwrap()  # sends close_notify; that it cannot wait for the peer's is no loss
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)
            self._swallow()
        self.drop()

    def _swallow(self) -> None:
        # Closing a socket with unread bytes in it sends a reset, which may overtake what we sent.
        self.sock.settimeout(0)
        for _ in range(64):
            if not socket.socket.recv(self.sock, READ):
                return

    def reset(self) -> None:
        """End rudely: the peer sees "connection reset"."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.drop()

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()

    def interrupt(self) -> None:
        """From another thread: whatever the owner waits for on this socket ends now."""
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown: that takes the TLS state away under the owner's hands.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def wait(wires: list[Wire], timeout: float | None = None) -> list[Wire]:
    """Those that can be read (or have ended) now, waiting until one can or the seconds are over."""
    ready = [wire for wire in wires if wire.ready]
    if ready:
        return ready
    with selectors.DefaultSelector() as selector:  # not select(): a big test run has more than 1024 files open
        for wire in wires:
            selector.register(wire.sock, selectors.EVENT_READ, wire)
        return [key.data for key, _ in selector.select(timeout)]
