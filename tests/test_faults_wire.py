"""The fault proxy where no fault is asked for: every byte as it came, as soon as it came; and nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from rig.faults import Drip, Faults, Latency, Proxy, Refuse, Reset, Rule, Stall, Truncate
from rig.faults.canned import HANG_UP, Canned, Script, chunked, sized

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
BINARY = bytes(range(256)) * 300
ANSWERS: dict[str, Script] = {
    "/sized": sized(BINARY),
    "/small": sized(b"ok"),
    "/empty": (b"HTTP/1.1 204 No Content\r\nX-Odd:   kept  \r\nX-odd: twice\r\n\r\n",),
    "/head": (b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",),
    "/same": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",),
    "/chunks": chunked(b"one\r\n", b"0\r\n\r\n", BINARY),
    "/trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00003;odd=\"x\"\r\nabc\r",
        b"\n0\r\nX-Trailer: 1\r\n\r\n",
    ),
    "/early": (b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", *sized(b"after")),
    "/until-the-end": (b"HTTP/1.1 200 OK\r\n\r\n", BINARY, HANG_UP),
    "/last": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", HANG_UP),
    "/upgrade": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello", HANG_UP),
}  # fmt: skip
GET = "GET {} HTTP/1.1\r\nHost: x\r\nX-Case:  Kept \r\n\r\n"
POST = "POST /sized HTTP/1.1\r\nHost: x\r\n"
REQUESTS = {
    **{path: GET.format(path) for path in ANSWERS if path != "/head"},
    "head": "HEAD /head HTTP/1.1\r\nHost: x\r\n\r\n",
    "old": "GET /last HTTP/1.0\r\n\r\n",
    "odd target": "GET /sized?a=%2F&b=ü#x HTTP/1.1\r\nHost: x\r\n\r\n",
    "body": POST + "Content-Length: 5\r\n\r\n12345",
    "chunked body": POST + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    "two on one connection": GET.format("/sized") + GET.format("/chunks"),
}


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        yield sock


def say(port: int, text: str) -> bytes:
    """Everything the other side answers; the last request is one after which it hangs up."""
    with connected(port) as sock:
        sock.sendall((text if "HTTP/1.0" in text else text + GET.format("/last")).encode())
        return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize("name", REQUESTS)
def test_without_a_fault_every_byte_passes(name: str) -> None:
    """The same bytes to the server and to the client as without a proxy."""
    seen = []
    for through in (False, True):
        with Canned(ANSWERS) as server, Proxy(server.url) as proxy:
            answer = say(proxy.port if through else server.port, REQUESTS[name])
            seen.append((answer, server.heard))
            assert proxy.errors == []
            assert [e.fault for e in proxy.log] == [""] * (len(server.heard) if through else 0)
    assert seen[0] == seen[1]
    assert seen[0][0].startswith(b"HTTP/1.1 ") and seen[0][1]


def test_the_server_is_asked_before_a_body_that_waits_for_it() -> None:
    with Canned(ANSWERS) as server, Proxy(server.url) as proxy, connected(proxy.port) as sock:
        sock.sendall((POST + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n").encode())
        assert sock.recv(999) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert sock.recv(15) == b"HTTP/1.1 200 OK"
        assert server.heard[0].endswith(b"\r\n\r\nabc")


def test_keep_alive_on_both_sides() -> None:
    with Canned(ANSWERS) as server, Proxy(server.url) as proxy:
        pool = urllib3.HTTPConnectionPool("127.0.0.1", proxy.port, maxsize=1, retries=False)
        start = time.monotonic()
        for n in range(300):
            assert pool.request("GET", ["/small", "/chunks"][n % 2]).status == 200
        each = (time.monotonic() - start) / 300
        assert (pool.num_connections, server.connections, len(proxy.log)) == (1, 1, 300)
        assert each < 0.015, f"{each:.4f} s for a request: a delayed acknowledgement costs 0.04"


def test_a_stream_passes_event_by_event() -> None:
    steps = [threading.Event() for _ in range(5)]
    parts = [part for n, step in enumerate(steps) for part in (step, b'{"n":%d}\n' % n)]
    with Canned({"/w": chunked(*parts)}) as server, Proxy(server.url) as proxy:
        stream = urllib3.PoolManager(retries=False, timeout=5).request("GET", proxy.url + "/w", preload_content=False)
        for n, step in enumerate(steps):
            step.set()
            assert stream.read1() == b'{"n":%d}\n' % n
        assert stream.read() == b""


def test_a_client_that_leaves_a_watch_frees_the_server() -> None:
    with Canned({"/w": chunked(b"1\n", threading.Event())}) as server, Proxy(server.url) as proxy:
        with connected(proxy.port) as sock:
            sock.sendall(GET.format("/w").encode())
            assert sock.recv(8) == b"HTTP/1.1"
            assert len(named("faults")) == 2
        wait_until(lambda: len(named("faults")) == 1)
        assert proxy.errors == []


def test_a_server_that_fails_is_a_complaint_and_a_reset() -> None:
    broken = (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", HANG_UP)
    with Canned({"/broken": broken, "/nothing": (HANG_UP,), "/odd": (b"hello\r\n\r\n", HANG_UP)}) as server:
        proxy = Proxy(server.url).start()
        pool = urllib3.PoolManager(retries=False, timeout=5)
        for path in ("/broken", "/nothing", "/odd"):
            with pytest.raises(urllib3.exceptions.ProtocolError, match="reset"):
                pool.request("GET", proxy.url + path)
    with proxy:
        with pytest.raises(urllib3.exceptions.ProtocolError, match="reset"):
            pool.request("GET", proxy.url + "/gone")
        words = ("middle of a body", "before it answered", "no HTTP/1 status line", "refused")
        assert len(proxy.errors) == 4
        assert all(word in error for word, error in zip(words, proxy.errors, strict=True)), proxy.errors


def test_a_polite_end_is_no_reset_though_the_client_still_talks() -> None:
    with Canned(ANSWERS) as server, Proxy(server.url) as proxy, connected(proxy.port) as sock:
        sock.sendall(GET.format("/last").encode() + b"x" * 300_000)
        assert b"".join(iter(lambda: sock.recv(65536), b"")).endswith(b"\r\n\r\nok")


@pytest.mark.parametrize("junk", [b"\x16\x03\x01 hello\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nHost"])
def test_a_client_that_speaks_something_else(junk: bytes) -> None:
    with Canned(ANSWERS) as server, Proxy(server.url) as proxy:
        with connected(proxy.port) as sock:
            sock.sendall(junk)
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(99) == b""
        assert say(proxy.port, "")[:12] == b"HTTP/1.1 200"
        (error,) = proxy.errors
        assert error.startswith("client: ")


def test_tls_for_clients_that_send_tokens() -> None:
    with Canned(ANSWERS) as server, Proxy(server.url, tls=True) as proxy:
        folder = Path(proxy.ca).parent
        context = ssl.create_default_context(cafile=proxy.ca)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=5)
        answer = pool.request("GET", proxy.url + "/sized", headers={"Authorization": "Bearer t"})
        assert answer.data == BINARY and b"Bearer t" in server.heard[0]
        with Proxy(proxy.url, upstream_ca=proxy.ca) as second:  # TLS on both sides
            own = urllib3.PoolManager(ca_certs=str(second.ca), retries=False, timeout=5)
            for path in ("/chunks", "/sized", "/until-the-end"):
                assert own.request("GET", second.url + path).data.endswith(BINARY)
            second.faults = Faults(rules=[Rule(Truncate(0.5))])
            with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
                own.request("GET", second.url + "/sized")
            with pytest.raises(urllib3.exceptions.SSLError):
                pool.request("GET", second.url)  # trusts the other proxy only
            wait_until(lambda: second.errors)
            assert "no TLS" in second.errors[0] and proxy.errors == []
    assert not folder.exists()


def test_a_reset_under_tls_is_one_on_the_wire() -> None:
    """Python's own clients may call it an end of file: what is tested is the socket below."""
    with Canned(ANSWERS) as server, Proxy(server.url, Faults(rules=[Rule(Reset("answer"))]), tls=True) as proxy:
        context = ssl.create_default_context(cafile=proxy.ca)
        with connected(proxy.port) as raw, context.wrap_socket(raw, server_hostname="localhost") as sock:
            sock.sendall(GET.format("/sized").encode())
            with pytest.raises(ConnectionResetError):
                while socket.socket.recv(sock, 65536):
                    pass


def test_what_is_no_upstream_is_refused() -> None:
    for url in ("127.0.0.1:80", "ftp://127.0.0.1", "http://127.0.0.1:1/path"):
        with pytest.raises(ValueError, match="upstream is"):
            Proxy(url)


def named(word: str) -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith(word)]


def wait_until(holds, seconds: float = 3) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)


def handles() -> int:
    gc.collect()
    return len(os.listdir("/dev/fd"))


BIG = b"x" * (1 << 25)  # more than socket buffers hold
BUSY = {
    "idle": Faults,
    "stalled": lambda: Faults(rules=[Rule(Stall(1, 300))]),
    "late": lambda: Faults(rules=[Rule(Latency(300))]),
    "late answer": lambda: Faults(rules=[Rule(Latency(300, at="answer"))]),
    "dripping": lambda: Faults(rules=[Rule(Drip(1, 0.01))]),
    "refusing": lambda: Faults(rules=[Rule(Refuse(300))]),
}


@pytest.mark.parametrize("path", ["/sized", "/watch", "/big"])
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("state", BUSY)
def test_stop_leaves_nothing(state: str, tls: bool, path: str) -> None:
    never = threading.Event()
    answers = {"/sized": sized(b"abc"), "/watch": chunked(b"1\n", never), "/big": sized(BIG)}
    with Canned(answers) as server:
        before = handles()
        proxy = Proxy(server.url, BUSY[state](), tls=tls).start()
        port, sock = proxy.port, socket.create_connection(("127.0.0.1", proxy.port), 5)
        if tls:
            sock = ssl.create_default_context(cafile=proxy.ca).wrap_socket(sock, server_hostname="localhost")
        with sock:
            sock.sendall(GET.format(path).encode())
            wait_until(lambda: proxy.log)
            time.sleep(0.05)
            start = time.monotonic()
            proxy.stop()
            assert time.monotonic() - start < 1
        proxy.stop()
        assert named("faults") == []
        assert proxy.errors == []
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", port))  # nobody holds it
        never.set()
        wait_until(lambda: handles() <= before)


def test_many_at_once_and_clients_that_vanish() -> None:
    rules = [Rule(Stall(3, 0.2), chance=0.3), Rule(Reset("body", 2), chance=0.3), Rule(Latency(0.1), chance=0.3)]
    with Canned(ANSWERS) as server, Proxy(server.url, Faults(seed=4, rules=rules)) as proxy:

        def visit(n: int) -> None:
            with contextlib.suppress(ConnectionError), connected(proxy.port) as sock:
                sock.sendall(GET.format("/sized").encode() * 2)
                sock.recv(10)
                if n % 2:  # vanish with a reset of our own
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        visits = [threading.Thread(target=visit, args=(n,)) for n in range(60)]
        for thread in visits:
            thread.start()
        for thread in visits:
            thread.join(10)
        assert not any(thread.is_alive() for thread in visits)
        assert {entry.fault for entry in proxy.log} >= {"", *(str(rule.action) for rule in rules)}
        assert proxy.errors == []
    assert named("faults") == []


def test_refusing_from_outside_and_coming_back_on_the_same_port() -> None:
    with Canned(ANSWERS) as server, Proxy(server.url) as proxy:
        proxy.refuse(0)
        for _ in range(3):
            proxy.refuse(0.1)
            proxy.refuse(0.05)  # the longer one counts
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", proxy.port), 1)
            with pytest.raises(OSError), socket.socket() as thief:
                thief.bind(("127.0.0.1", proxy.port))  # the port stays ours
            wait_until(lambda: _accepts(proxy.port))


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return False
    return True
