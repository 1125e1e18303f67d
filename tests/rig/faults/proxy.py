"""The proxy: a port, a thread that accepts, a thread for each connection, and an end that leaves nothing behind."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from rig.faults.connection import Connection
from rig.faults.script import Entry, Faults
from rig.faults.wire import Wire, wait

THREAD = "faults"  # the first word of the name of every thread here
GRACE = 10.0  # seconds in which a thread must end


class Proxy:
    """Stands on 127.0.0.1 before `upstream` (http://… or https://host:port) from `start` to `stop`.

    Before an https server the proxy speaks TLS, because kubectl and its relatives send a bearer token over nothing
    else: with `certificate` (chain file, key file), e.g. the API server's own, so that its CA goes on being right; or,
    without one, with a certificate that it makes for itself. `ca` is the file to trust for it (None where plain).
    Client certificates end here: log in with tokens.

    `faults` may be replaced between requests; `log` is that of the present one. `errors` holds what no script asked
    for (the server was not there) and faults that could not happen: a test asserts that it is empty, after `stop`,
    because a complaint may come a moment after the answer.
    """

    def __init__(
        self,
        upstream: str,
        faults: Faults | None = None,
        *,
        upstream_ca: str | Path | None = None,
        certificate: tuple[str | Path, str | Path] | None = None,
        tls: bool | None = None,
    ) -> None:
        parts = urlsplit(upstream)
        secure = parts.scheme == "https"
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"upstream is http(s)://host:port, not {upstream!r}")
        self.upstream_host, self.upstream_port = parts.hostname, parts.port or (443 if secure else 80)
        self.client_tls = _trusting(upstream_ca) if secure else None
        self.faults = faults or Faults()
        self.errors: list[str] = []
        self.stopping = threading.Event()
        self._tls = secure or certificate is not None if tls is None else tls
        self._certificate, self._upstream_ca = certificate, upstream_ca
        self._folder: str | None = None
        self._connections: dict[Connection, threading.Thread] = {}
        self._lock = threading.Lock()
        self._asked, self._closed = threading.Event(), threading.Event()  # to refuse new connections; that they are
        self._until = 0.0  # when they are accepted again (monotonic)
        self._listener: socket.socket | None = None
        self.server_tls: ssl.SSLContext | None = None
        self.ca: Path | None = None
        self._thread: threading.Thread | None = None

    # Life

    def start(self) -> Proxy:
        if self._thread is not None:
            raise RuntimeError("a proxy starts once")
        if self._tls:
            self.server_tls, self.ca = self._speaking()
        # Holds the port without listening: nobody else gets it while connections are refused.
        self._keeper = _bound(0)
        self.port = self._keeper.getsockname()[1]
        self._listener = _listening(self.port)
        self._bell, self._button = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name=f"{THREAD} accept :{self.port}", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every connection and thread, and give the port back. Safe to call twice."""
        if self.stopping.is_set() or self._thread is None:
            return
        self.stopping.set()
        self._ring()
        self._thread.join(GRACE)
        self._interrupt()
        with self._lock:
            threads = list(self._connections.values())
        for thread in threads:
            thread.join(GRACE)
        for sock in (self._keeper, self._bell, self._button):
            sock.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        alive = [t.name for t in (self._thread, *threads) if t.is_alive()]
        if alive:
            raise RuntimeError(f"threads that would not end: {alive}")

    def __enter__(self) -> Proxy:
        return self if self._thread is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What tests ask

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def log(self) -> list[Entry]:
        return self.faults.log

    def refuse(self, seconds: float, *, spare: Connection | None = None) -> None:
        """Refuse new connections for so long, from the moment this returns, and end those there are (but `spare`)."""
        self._closed.clear()
        self._until = max(self._until, time.monotonic() + seconds)
        self._asked.set()
        self._ring()
        while not self._closed.wait(0.05) and not self.stopping.is_set():
            pass
        self._interrupt(spare)

    # The port

    def _accept(self) -> None:
        bell = Wire(self._bell)
        try:
            while not self.stopping.is_set():
                if self._asked.is_set():
                    self._asked.clear()
                    self._take_in()
                    self._closed.set()
                if (left := self._until - time.monotonic()) > 0:
                    if wait([bell], left):
                        bell.take()
                    continue
                listener = Wire(self._listener or self._hang_out(_listening(self.port)))
                ready = wait([bell, listener])
                if bell in ready:
                    bell.take()
                elif listener in ready:
                    self._welcome(listener.sock)
        finally:
            self._take_in()

    def _hang_out(self, listener: socket.socket) -> socket.socket:
        self._listener = listener
        return listener

    def _take_in(self) -> None:
        """Only the accepting thread opens and closes the listener: closing it under a select() is undefined."""
        if self._listener is not None:
            self._listener.close()
        self._listener = None

    def _welcome(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:  # gone again before we looked
            return
        connection = Connection(self, sock)
        thread = threading.Thread(target=self._serve, args=(connection,), name=f"{THREAD} {self.port}", daemon=True)
        with self._lock:
            self._connections[connection] = thread
        thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._connections.pop(connection, None)

    def _interrupt(self, spare: Connection | None = None) -> None:
        with self._lock:
            for connection in self._connections:
                if connection is not spare:
                    connection.interrupt()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):
            self._button.send(b"!")

    # TLS

    def _speaking(self) -> tuple[ssl.SSLContext, Path]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # no ALPN: Go's clients then speak HTTP/1.1
        if self._certificate is not None:
            context.load_cert_chain(*self._certificate)
            return context, Path(self._upstream_ca or self._certificate[0])
        self._folder = tempfile.mkdtemp(prefix="faults-")
        from rig import pki  # needs more than the standard library, and only here

        folder = Path(self._folder)
        pki.write(folder)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        return context, folder / "ca.crt"


def _trusting(ca: str | Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    # The CA that an API server makes for itself lacks extensions that Python 3.13 began to ask for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _bound(port: int, *, again: bool = False) -> socket.socket:
    """`again`: connections of an earlier listener may still be ending on this port, now and for who comes after us."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, again)
    sock.bind(("127.0.0.1", port))
    return sock


def _listening(port: int) -> socket.socket:
    sock = _bound(port, again=True)
    sock.listen(128)
    return sock
