"""One client's connection and its twin to the server: request after request until one side ends."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

from rig.faults.actions import PASS
from rig.faults.exchange import Exchange, Over, UpstreamTrouble
from rig.faults.messages import BadMessage, Request
from rig.faults.wire import Wire

if TYPE_CHECKING:
    from rig.faults.proxy import Proxy

PATIENCE = 5.0  # seconds for a TLS handshake and for reaching the server


class Connection:
    """The server gets a connection of its own for each client connection, so both ends see the same order."""

    def __init__(self, proxy: Proxy, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(PATIENCE)
        if proxy.server_tls is not None:
            sock = proxy.server_tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.proxy, self.client = proxy, Wire(sock)
        self.keep = True
        self._upstream: Wire | None = None

    def run(self) -> None:
        reset = False
        try:
            self._shake_hands()
            while self.keep and (head := self.client.head()):
                request = Request.parse(head)
                self.keep = request.keeps
                (self.proxy.faults.decide(request) or PASS).play(Exchange(self, request))
        except Over as over:
            reset = over.reset
        except UpstreamTrouble as why:
            reset = True
            self.complain(f"upstream: {why}")
        except BadMessage as why:
            self.complain(f"client: {why}")
        except OSError:
            pass  # the client left; that is its right
        except Exception as why:
            reset = True
            self.complain(f"bug in the proxy: {why!r}")
            raise
        finally:
            self.drop_upstream()
            self.client.reset() if reset else self.client.close()

    def _shake_hands(self) -> None:
        try:
            if isinstance(self.client.sock, ssl.SSLSocket):
                self.client.sock.do_handshake()
        except ssl.SSLEOFError:
            raise Over from None  # looked in and left
        except ssl.SSLError as why:
            self.complain(f"client: no TLS: {why}")
            raise Over(reset=True) from None
        self.client.sock.settimeout(None)

    def upstream(self) -> Wire:
        """The connection to the server, a new one where the old one has ended meanwhile."""
        wire = self._upstream
        if wire is not None and not wire.buffer and not wire.left():
            return wire
        self.drop_upstream()
        self._upstream = wire = Wire(self._connect())
        if self.proxy.stopping.is_set():
            raise Over
        return wire

    def _connect(self) -> socket.socket:
        host, port, tls = self.proxy.upstream_host, self.proxy.upstream_port, self.proxy.client_tls
        try:
            sock = socket.create_connection((host, port), PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                sock = tls.wrap_socket(sock, server_hostname=host)
        except OSError as why:
            raise UpstreamTrouble(f"{host}:{port}: {why}") from None
        sock.settimeout(None)
        return sock

    def drop_upstream(self) -> None:
        wire, self._upstream = self._upstream, None
        if wire is not None:
            wire.drop()

    def interrupt(self) -> None:
        """From another thread: end what this connection is doing."""
        self.client.interrupt()
        if (wire := self._upstream) is not None:
            with contextlib.suppress(OSError):
                wire.interrupt()

    def complain(self, text: str) -> None:
        """About what neither script nor test asked for; a proxy that stops tears things apart itself."""
        if not self.proxy.stopping.is_set():
            self.proxy.errors.append(text)
