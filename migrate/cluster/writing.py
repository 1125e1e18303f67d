"""Requests that write: sent again only where that is safe, and never called failed when nobody knows."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3
from urllib3 import exceptions

from migrate.cluster import rejections
from migrate.cluster.conflicts import causes
from migrate.cluster.connection import Connection
from migrate.cluster.outcome import Reason, Unknown
from migrate.cluster.pace import Pace
from migrate.cluster.wire import Again, Wire, seconds_after

APPLY, JSON = "application/apply-patch+yaml", "application/json"
_ATTEMPTS = 7
_SOME = 4  # for what gets better within two seconds or not at all
_FEW = 2  # for what seldom gets better
_LONGEST_WAIT = 60.0
# The request never left: urllib3 raises these before it sends. (A proxy refuses before it lets us speak.)
_UNSENT = (exceptions.NewConnectionError, exceptions.ConnectTimeoutError, exceptions.ProxyError)
# The server reads an apply as YAML, which refuses some characters that JSON takes as they are, and makes a space of
# U+0085 without a word (tried). Escaped all of them arrive.
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Request:
    """`repeat`: a second one does no harm. `certain`: it changes nothing, so no answer is no doubt, but Unreachable."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    data: bytes = field(default=b"", repr=False)
    media: str = ""
    repeat: bool = True
    certain: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """`repeated`: an earlier try was sent, too, and its answer lost."""

    status: int
    body: Any = field(repr=False)
    remarks: tuple[str, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A try that was no final answer. `sent`: it may have been done. `answer` stands when no further try is left."""

    why: str
    sent: bool
    tries: int = _ATTEMPTS
    after: float | None = None
    answer: Answer | None = None


class Sender(Wire):
    """Sends to one cluster, from many threads at one pace."""

    def __init__(
        self, connection: Connection, pace: Pace, *, timeout: float = 60, pause: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(connection, timeout=timeout, pause=pause)
        self._pace = pace

    def send(self, request: Request) -> Answer | Unknown:
        """Give the server's last word. Raises NotLoggedIn; Unreachable when surely nothing was done."""
        attempt, lost, renewed = 0, False, False
        while True:
            attempt += 1
            login = self.connection.authorization()
            with self._pace.turn():
                found = self._try(request, login)
            if isinstance(found, Answer):
                self._answered = True
                if found.status == 401 and not renewed:
                    renewed = True
                    if self.connection.renew(login):
                        continue
                if found.status == 401:
                    raise self.connection.not_logged_in()
                self.connection.let_in = True
                return Answer(found.status, found.body, found.remarks, lost)
            lost = lost or found.sent
            if attempt >= found.tries or (lost and not request.repeat):
                return self._last_word(request, found, lost, attempt)
            self._wait(found, attempt)

    def _last_word(self, request: Request, trouble: _Trouble, lost: bool, attempts: int) -> Answer | Unknown:
        if trouble.answer and not (lost and not request.certain):
            return trouble.answer
        if lost and not request.certain:
            return Unknown(f"{self.connection.shown}: {trouble.why}")
        raise self._unreachable(request.path, trouble.why, attempts)

    def _wait(self, trouble: _Trouble, attempt: int) -> None:
        wait = min(0.2 * 2**attempt, 8) * random.uniform(0.5, 1)
        if trouble.after:  # nought would be no wait at all
            wait = min(trouble.after, _LONGEST_WAIT)
            self._pace.rest(wait)  # for everybody: it is the server that has too much to do
        self._pause(wait)

    def _try(self, request: Request, login: str) -> Answer | _Trouble:
        headers = {"Accept": JSON, "Accept-Encoding": "gzip", "User-Agent": "gke2eks"}
        headers |= {"Content-Type": request.media} if request.media else {}
        headers |= {"Authorization": login} if login else {}
        target = request.path + (f"?{_query(request.query)}" if request.query else "")
        timeout = urllib3.Timeout(connect=min(10, self._timeout), read=self._timeout)
        try:
            answer = self.connection.request(
                request.method,
                target,
                body=request.data or None,
                headers=headers,
                preload_content=False,
                retries=False,
                redirect=False,
                timeout=timeout,
            )
            try:
                data = self._read(answer, 5 * self._timeout)
            except BaseException:
                answer.close()
                raise
        except Again as again:  # half an answer
            return _Trouble(again.why, sent=True, tries=_FEW if again.few else _ATTEMPTS)
        except (exceptions.HTTPError, OSError) as bad:
            judged = self._judged(bad, self._timeout)
            if not isinstance(judged, Again):
                raise judged from None
            unsent = isinstance(bad, _UNSENT)
            return _Trouble(judged.why, sent=not unsent, tries=_FEW if judged.few else _ATTEMPTS)
        return self._heard(answer, data, request)

    def _heard(self, answer: Any, data: bytes, request: Request) -> Answer | _Trouble:
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError:
            body = None
        status = int(answer.status)
        said = rejections.remarks(answer.headers.getlist("Warning"), secret=request.secret)
        found = Answer(status, body, said)
        if status < 400:
            if status < 300 and isinstance(body, dict) and body.get("kind"):
                return found
            # Cut off, or not that of an API server: a page to log in at, a redirect.
            return _Trouble("an answer was cut off, or is not that of a Kubernetes API server", True, tries=_FEW)
        if status == 409 and request.method == "PUT":
            return found  # the version in it does not get newer by asking again
        return self._passing(found, answer) or found

    def _passing(self, found: Answer, answer: Any) -> _Trouble | None:
        """Tell what may be over soon; None: it is for good."""
        why = f"the server answered {found.status} {answer.reason or ''}".strip()
        after = seconds_after(answer.headers.get("Retry-After"))
        reason = rejections.rejected(found.status, found.body).reason
        if found.status == 429 and reason is Reason.THROTTLED:  # refused before anything else
            return _Trouble(why, False, after=after, answer=found)
        if reason is Reason.WEBHOOK_DOWN:  # asked before anything is stored
            return _Trouble(why, False, _SOME, after, found)
        if found.status >= 500 and found.status != 501:
            return _Trouble(why, True, after=after) if reason is Reason.OTHER else None
        if found.status == 409 and not causes(found.body) and "the object has been modified" in _said(found.body):
            # Others write to the same object, or the ResourceQuota of the namespace, at the same moment.
            return _Trouble(why, False, _SOME, after, found)
        if found.status == 404 and reason is Reason.UNSERVED:
            # One of several API servers may not yet know a definition that another one has established.
            return _Trouble(why, False, _SOME, after, found)
        return None


_query = cache(urlencode)  # there are a handful


def _said(body: Any) -> str:
    return str(body.get("message") or "") if isinstance(body, dict) else ""


def encoded(value: Any) -> bytes:
    """The bytes of an object, as JSON that a reader of YAML takes for the same."""
    data = orjson.dumps(value, default=_plain)
    if data.isascii() and b"\x7f" not in data:
        return data
    text = data.decode()
    return _ODD.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode() if _ODD.search(text) else data


def _plain(value: Any) -> Any:
    """orjson knows dict and list only; a Mapping or a tuple of ours is as good."""
    if hasattr(value, "items"):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no part of an object")
