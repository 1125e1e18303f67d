"""HTTP on 127.0.0.1, and no further."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from migrate.practice.cluster import Cluster
from migrate.practice.refusal import Refusal, forbidden, not_done
from migrate.practice.request import Request

Json = dict[str, Any]
_LIMIT = 3 * 1024 * 1024


class Server:
    """Serves one cluster. `url` is http://127.0.0.1:<port>; port 0 lets the kernel choose."""

    def __init__(self, cluster: Cluster, port: int = 0) -> None:
        self.cluster = cluster
        handler = type("Handler", (_Handler,), {"cluster": cluster})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> Server:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        self.cluster.store.close()
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # 70 times as many requests a second, measured
    timeout = 120

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the command."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _serve(self) -> None:
        try:
            body = self._read()
            self._guard()
            url = urlsplit(self.path)
            parts = [unquote(part) for part in url.path.split("/") if part]
            Request(self, self.cluster, parts, dict(parse_qsl(url.query)), body).run()
        except Refusal as no:
            self.send(no.code, no.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as error:  # a bug of ours must look like one of a server, not like a lost connection
            said = f"the practice cluster failed: {type(error).__name__}"
            self.send(500, Refusal(500, "InternalError", said).body)

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._skip_chunks()
            raise not_done("chunked request bodies")
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > _LIMIT:
            self.close_connection = True
            raise Refusal(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_LIMIT}")
        return self.rfile.read(int(length))

    def _skip_chunks(self) -> None:
        """Hear the client out: an answer in the middle of its body would reach it as a broken connection."""
        left = _LIMIT
        while left > 0:
            size = self.rfile.readline(64).partition(b";")[0].strip()
            if not size or not all(char in b"0123456789abcdefABCDEF" for char in size) or int(size, 16) == 0:
                return
            left -= len(self.rfile.read(min(int(size, 16), left) + 2))

    def _guard(self) -> None:
        """A web page must not reach this server through the user's browser."""
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        if self.headers.get("Origin") or host not in ("127.0.0.1", "localhost"):
            raise forbidden("requests", "", "", "only programs on this machine may ask the practice cluster")

    def send(self, code: int, body: Json | str) -> None:
        """Answer in one write."""
        data = body.encode() if isinstance(body, str) else orjson.dumps(body) + b"\n"
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; charset=utf-8" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self._headers_buffer.append(b"\r\n" + data)  # type: ignore[attr-defined]
        self.flush_headers()

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        """Send a part of a stream; an empty one ends it."""
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
