"""The fault proxy: each fault as a client (urllib3) sees it, the script that chooses them, and its record."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest
import urllib3
from rig import faults as f
from rig.faults.canned import Canned, chunked, sized
from urllib3.exceptions import IncompleteRead, InvalidChunkLength, NewConnectionError, ProtocolError, ReadTimeoutError

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
BODY = json.dumps({"kind": "List", "items": ["x" * 90] * 40}).encode()
EVENT = b'{"type":"ADDED","object":{"n":%d}}\n'
EVENTS = [EVENT % n for n in range(4)]
NEVER = threading.Event()
ANSWERS = {
    "/sized": sized(BODY),
    "/chunked": chunked(BODY[:1000], BODY[1000:]),
    "/small": sized(b"{}"),
    "/list": sized(b'{"items":[]}'),
    "/events?watch=true": chunked(*EVENTS),
    "/events?watch=true&bulk": chunked(b"".join(EVENTS)),
    "/quiet?watch=1": chunked(EVENTS[0], NEVER),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Canned]:
    with Canned(ANSWERS) as canned:
        yield canned


@pytest.fixture
def proxy(server: Canned) -> Iterator[f.Proxy]:
    with f.Proxy(server.url) as proxy:
        yield proxy
    assert proxy.errors == []


class User:
    """A client that never retries, and the proxy's script."""

    def __init__(self, proxy: f.Proxy) -> None:
        self.proxy, self.pool = proxy, urllib3.PoolManager(retries=False, timeout=5)

    def script(self, *rules: f.Rule | f.Action, seed: int = 1) -> None:
        self.proxy.faults = f.Faults(seed=seed, rules=[r if isinstance(r, f.Rule) else f.Rule(r) for r in rules])

    def ask(self, path: str = "/sized", method: str = "GET", **more) -> urllib3.BaseHTTPResponse:
        return self.pool.request(method, self.proxy.url + path, **more)

    def timed(self, path: str = "/sized", **more) -> float:
        start = time.monotonic()
        assert self.ask(path, **more).status == 200
        return time.monotonic() - start


@pytest.fixture
def user(proxy: f.Proxy) -> Iterator[User]:
    user = User(proxy)
    yield user
    user.pool.clear()


@pytest.mark.parametrize(
    ("code", "reason", "content_type"),
    [
        (401, "Unauthorized", "application/json"),
        (429, None, "text/plain; charset=utf-8"),
        (500, "InternalError", "application/json"),
        (502, None, "text/html; charset=UTF-8"),
        (503, "ServiceUnavailable", "application/json"),
        (504, "Timeout", "application/json"),
    ],
)
def test_status(user: User, server: Canned, code: int, reason: str | None, content_type: str) -> None:
    user.script(f.Rule(f.Status(code), times=1))
    before = len(server.heard)
    answer = user.ask()
    assert (answer.status, answer.headers["Content-Type"]) == (code, content_type)
    if reason:
        status = answer.json()
        assert list(status)[:5] == ["kind", "apiVersion", "metadata", "status", "message"]
        assert (status["kind"], status["status"], status["reason"], status["code"]) == (
            "Status",
            "Failure",
            reason,
            code,
        )
    assert len(server.heard) == before
    assert user.ask().data == BODY  # on the same connection


def test_status_after_the_server_acted(user: User, server: Canned) -> None:
    user.script(f.Rule(f.Status(504, executed=True), method="POST", times=1))
    assert user.ask("/small", "POST", body=b"new").status == 504
    assert server.heard[-1].endswith(b"\r\n\r\nnew")
    assert user.ask("/small", "POST", body=b"again").status == 200


def test_retry_after_in_seconds_and_as_a_date(user: User) -> None:
    user.script(f.Rule(f.Status(429, retry_after=7), nth=1), f.Rule(f.Status(429, retry_after=7, as_date=True), nth=2))
    assert user.ask().headers["Retry-After"] == "7"
    date = parsedate_to_datetime(user.ask().headers["Retry-After"])
    assert 6 <= date.timestamp() - time.time() <= 8
    assert user.ask().status == 200


def test_a_client_that_honours_retry_after_waits(user: User) -> None:
    user.script(f.Rule(f.Status(429, retry_after=1), times=1))
    assert user.timed(retries=urllib3.Retry(2, status_forcelist=[429])) >= 1
    assert [e.fault for e in user.proxy.log] == ["status code=429 retry_after=1", ""]


@pytest.mark.parametrize("action", [f.Latency(0.3), f.Latency(0.3, at="answer"), f.Stall(10, 0.3), f.Stall(0.5, 0.3)])
@pytest.mark.parametrize("path", ["/sized", "/chunked"])
def test_slow(user: User, action: f.Action, path: str) -> None:
    user.script(action)
    assert user.timed(path) >= 0.3
    assert user.ask(path, timeout=2).data == BODY
    with pytest.raises(ReadTimeoutError):
        user.ask(path, timeout=0.1)


@pytest.mark.parametrize("path", ["/sized", "/chunked"])
def test_stall_shows_what_came_before(user: User, path: str) -> None:
    user.script(f.Stall(after=100, seconds=30))
    answer = user.ask(path, preload_content=False, timeout=0.3)
    assert answer.read(100) == BODY[:100]
    with pytest.raises(ReadTimeoutError):
        answer.read(1)
    answer.close()


def test_drip(user: User) -> None:
    user.script(f.Drip(size=1000, every=0.05))
    assert user.timed() >= 0.05 * (len(BODY) // 1000)
    assert user.ask("/chunked").data == BODY


@pytest.mark.parametrize("at", ["request", "answer", "head"])
def test_reset_before_the_body(user: User, server: Canned, at: str) -> None:
    user.script(f.Rule(f.Reset(at), times=1))
    before = len(server.heard)
    with pytest.raises(ProtocolError, match="Connection reset by peer"):
        user.ask("/small", "PATCH", body=b"x")
    assert len(server.heard) - before == (at != "request")
    assert user.ask("/small").data == b"{}"


@pytest.mark.parametrize("after", [0, 1, 1500, 0.5, 0.999])
@pytest.mark.parametrize("path", ["/sized", "/chunked"])
def test_reset_and_cut_in_the_body(user: User, path: str, after: int | float) -> None:
    place = after if isinstance(after, int) else int(after * len(BODY))
    user.script(f.Rule(f.Reset("body", after), nth=1), f.Rule(f.Truncate(after), nth=2))
    for kind in (ConnectionResetError, (IncompleteRead, InvalidChunkLength)):
        answer = user.ask(path, preload_content=False)
        assert (answer.status, answer.read(place) if place else b"") == (200, BODY[:place])
        with pytest.raises(ProtocolError) as caught:
            answer.read()
        causes = (caught.value, caught.value.__cause__, caught.value.__context__)
        assert any(isinstance(e, kind) or "IncompleteRead" in repr(e) for e in causes if e), causes
        assert ("reset" in str(caught.value)) == (kind is ConnectionResetError)
    assert user.ask(path).data == BODY


@pytest.mark.parametrize("path", ["/sized", "/chunked"])
def test_honest_truncation_only_cuts_the_json(user: User, path: str) -> None:
    user.script(f.Rule(f.Truncate(0.5, honest=True), times=1))
    answer = user.ask(path)
    assert answer.data == BODY[: len(BODY) // 2]
    assert answer.headers["Content-Length"] == str(len(answer.data))
    with pytest.raises(ValueError, match="Unterminated string"):
        answer.json()
    assert user.ask(path).data == BODY


def test_garbage_and_wrong_types(user: User) -> None:
    garbage = []
    for _ in range(2):
        user.script(f.Garbage(size=64), seed=3)
        garbage.append(user.ask("/chunked"))
    assert len(garbage[0].data) == 64 and garbage[0].data == garbage[1].data
    assert garbage[0].headers["Content-Type"] == "application/json"
    user.script(f.Rule(f.WrongType("text/html"), nth=1), f.Rule(f.WrongType(body=b"<html>log in"), nth=2))
    kept, login = user.ask("/chunked"), user.ask("/chunked")
    assert (kept.data, kept.headers["Content-Type"]) == (BODY, "text/html")
    assert (login.status, login.data, login.headers["Content-Type"]) == (200, b"<html>log in", "text/html")


def test_gone_is_for_later_pages_and_resumes(user: User) -> None:
    user.script(f.Gone())
    assert user.ask("/list?limit=5").status == user.ask("/list?limit=5&continue=").status == 200
    own = base64.urlsafe_b64encode(b'{"v":"meta.k8s.io/v1","rv":42,"start":"a/b\\u0000"}').rstrip(b"=").decode()
    answer = user.ask(f"/list?limit=5&continue={own}")
    status = answer.json()
    assert (answer.status, status["code"], status["reason"]) == (410, 410, "Expired")
    token = status["metadata"]["continue"]
    assert json.loads(base64.urlsafe_b64decode(token + "==")) == {"v": "meta.k8s.io/v1", "rv": -1, "start": "a/b\0"}
    assert user.ask("/list?continue=x").json()["metadata"] == {}  # no token of this kind: nothing to go on with
    assert [e.fault for e in user.proxy.log] == ["", "", "gone", "gone"]


def test_unauthorized_once_and_expired_tokens(user: User) -> None:
    def statuses(*tokens: str) -> list[int]:
        return [user.ask(headers={"Authorization": f"Bearer {t}"}).status for t in tokens]

    user.script(f.Rule(f.Unauthorized(), times=1))
    assert statuses("a", "a", "b") == [401, 200, 200]
    user.script(f.Rule(f.Unauthorized(expire=True), nth=2))
    assert statuses("a", "a", "a", "b", "a") == [200, 401, 401, 200, 401]


@pytest.mark.parametrize("path", ["/events?watch=true", "/events?watch=true&bulk"])
@pytest.mark.parametrize("events", [0, 1, 3])
def test_watch_ends(user: User, path: str, events: int) -> None:
    user.script(
        *(f.Rule(f.WatchEnd(events, how), nth=n) for n, how in enumerate(("end", "old", "cut", "reset"), start=1))
    )
    assert user.ask(path).data == b"".join(EVENTS[:events])
    *seen, last = user.ask(path).data.splitlines(keepends=True)
    assert seen == EVENTS[:events]
    assert json.loads(last)["type"] == "ERROR" and json.loads(last)["object"]["code"] == 410
    for message in ("IncompleteRead|InvalidChunkLength", "reset"):
        with pytest.raises(ProtocolError, match=message):
            user.ask(path)
    assert user.ask(path).data == b"".join(EVENTS)


def test_watch_ends_are_only_for_watches(user: User) -> None:
    user.script(f.WatchEnd(0, "reset"))
    assert user.ask("/sized?watch=false").status == 200
    assert not user.proxy.faults.faults


def test_refuse(user: User) -> None:
    watcher = user.pool.request("GET", user.proxy.url + "/quiet?watch=1", preload_content=False)
    assert watcher.read(5) == EVENTS[0][:5]
    user.script(f.Rule(f.Refuse(0.4), times=1))
    start = time.monotonic()
    with pytest.raises(ProtocolError, match="reset"):
        user.ask()
    with pytest.raises(NewConnectionError, match="refused"):
        user.ask()
    with pytest.raises(ProtocolError):
        watcher.read()
    while time.monotonic() - start < 5:
        try:
            assert user.ask().data == BODY
            break
        except NewConnectionError:
            time.sleep(0.02)
    assert 0.4 <= time.monotonic() - start < 2
