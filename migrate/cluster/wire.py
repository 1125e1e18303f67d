"""Requests to the source: reads only, asked again when that may help, errors in words."""

from __future__ import annotations

import gzip
import random
import re
import ssl
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3
from urllib3 import exceptions

from migrate.cluster.connection import Connection
from migrate.errors import Expired, Forbidden, ReadOnly, Refused, Unreachable

READS = ("get", "list", "watch")
_SEGMENT = r"/[A-Za-z0-9][A-Za-z0-9.-]*"
# A Namespace is an object, too, and these are below it, where a namespace has its collections.
_BELOW = r"(?!/(?:status|finalize|scale|exec|attach|proxy|log|portforward)\Z)"
_IN = rf"/namespaces{_SEGMENT}{_BELOW}{_SEGMENT}"
# Collections and discovery. Nothing below a single object: exec, attach and proxy are GET requests, too.
_PATHS = re.compile(
    rf"/version|/api(?:{_SEGMENT}){{0,2}}|/apis(?:{_SEGMENT}){{0,3}}|/api{_SEGMENT}{_IN}|/apis{_SEGMENT}{_SEGMENT}{_IN}"
)
_AGAIN = (429, 500, 502, 503, 504)
_SAID = "the server answered "
_ATTEMPTS = 7
_FEW = 2  # for what seldom gets better: silence, and an address where nobody ever answered
_WATCHING = 10.0  # a watch is silent for a second by design
_LONGEST_WAIT = 60.0
_CHUNK = 1 << 20


class Again(Exception):
    """It may work the next time. `after`: seconds that the server asked for; `few`: do not insist; `said`: status and
    body of an answer that concerns this kind alone, though it looks as if the server had trouble."""

    def __init__(
        self, why: str, *, after: float | None = None, few: bool = False, said: tuple[int, Any] | None = None
    ) -> None:
        super().__init__(why)
        self.why, self.after, self.few, self.said = why, after, few, said


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    accept: str
    parse: Callable[[bytes], Any]
    fits: Callable[[Any], bool]
    silence: float  # seconds without a byte that are too many


class Wire:
    """Asks one cluster. `timeout`: seconds without a byte; a whole answer may take five times as long."""

    def __init__(
        self, connection: Connection, *, timeout: float = 60, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.connection = connection
        self._timeout = timeout
        self._pause = pause
        self._answered = False

    def ask(
        self,
        verb: str,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        accept: str = "application/json",
        parse: Callable[[bytes], Any] = orjson.loads,
        fits: Callable[[Any], bool] = lambda body: isinstance(body, dict),
    ) -> Any:
        """Give the parsed answer, once it `fits`. Raises ReadOnly before anything is sent, Refused and its kin."""
        if verb not in READS or not _PATHS.fullmatch(path):
            raise ReadOnly(f"the source may only be read, and this is {verb} {path}", "report this; nothing was sent.")
        url = self.connection.url + path + (f"?{urlencode(query)}" if query else "")
        silence = max(self._timeout, _WATCHING) if verb == "watch" else self._timeout
        request = _Request(url, accept, parse, fits, silence)
        attempt, renewed = 0, False
        while True:
            attempt += 1
            login = self.connection.authorization()
            try:
                status, body = self._once(request, login)
            except Again as again:
                if attempt >= _FEW and again.said is not None:
                    raise self._refused(again.said[0], path, again.said[1]) from None
                if attempt >= (_FEW if again.few else _ATTEMPTS):
                    raise self._unreachable(path, again.why, attempt) from None
                wait = min(0.2 * 2**attempt, 8) * random.uniform(0.5, 1) if again.after is None else again.after
                self._pause(min(wait, _LONGEST_WAIT))
                continue
            self._answered = True
            if status == 401 and not renewed:
                renewed = True
                if self.connection.renew(login):
                    continue
            self.connection.let_in = self.connection.let_in or status != 401
            if status < 300:
                return body
            raise self._refused(status, path, body)

    def _once(self, asked: _Request, login: str) -> tuple[int, Any]:
        headers = {"Accept": asked.accept, "Accept-Encoding": "gzip", "User-Agent": "gke2eks"}
        if login:
            headers["Authorization"] = login
        timeout = urllib3.Timeout(connect=min(10, self._timeout), read=asked.silence)
        try:
            answer = self.connection.pool.request(
                "GET", asked.url, headers=headers, preload_content=False, retries=False, redirect=False, timeout=timeout
            )
            try:
                data = self._read(answer, 5 * asked.silence)
            except BaseException:
                answer.close()  # half-read: not for the pool
                raise
        except (exceptions.HTTPError, OSError) as bad:
            raise self._judged(bad, asked.silence) from None
        return self._parsed(answer, data, asked)

    def _read(self, answer: Any, seconds: float) -> bytes:
        """Read all of it. A server that sends a byte now and then must not hold us for ever."""
        end = time.monotonic() + seconds
        parts = []
        while chunk := answer.read1(_CHUNK, decode_content=False):
            parts.append(chunk)
            if time.monotonic() > end:
                raise Again(f"the answer was not whole after {seconds:g} s", few=True)
        data = b"".join(parts)
        if answer.headers.get("Content-Encoding") != "gzip" or not data:
            return data
        try:
            return gzip.decompress(data)  # in one go: for each chunk of the network it costs more
        except (OSError, EOFError, zlib.error):
            raise Again("the answer was cut off") from None

    def _parsed(self, answer: Any, data: bytes, asked: _Request) -> tuple[int, Any]:
        status = int(answer.status)
        if status in _AGAIN:
            after = seconds_after(answer.headers.get("Retry-After"))
            raise Again(f"{_SAID}{_named(answer)}", after=after, said=_of_a_kind(status, data))
        try:
            # Python 3.11 takes a connection that is reset within the headers for an empty 200.
            body = (
                (asked.parse if status < 300 else orjson.loads)(data) if data or _has_length(answer.headers) else None
            )
        except orjson.JSONDecodeError:
            body = None
        if status < 300 and not asked.fits(body):
            few = bool(data) and not self._answered  # a log-in page stays one
            raise Again("an answer was cut off, or is not that of a Kubernetes API server", few=few)
        return status, body

    def _judged(self, bad: Exception, silence: float) -> Exception:
        """Say what an exception of the network means. Texts of exceptions may be long; ours are short."""
        inner = bad.args[0] if isinstance(bad, exceptions.SSLError) and bad.args else bad
        if isinstance(bad, exceptions.ProxyError):
            return Again("the proxy between us and the server does not let us through", few=not self._answered)
        if isinstance(inner, ssl.SSLCertVerificationError):
            return self._certificate(inner)
        if isinstance(inner, ssl.SSLError):
            return Again(f"TLS failed, {inner.reason or 'for no stated reason'}")
        if isinstance(bad, exceptions.NameResolutionError):
            return Again("its name is not known here", few=not self._answered)
        if isinstance(bad, exceptions.ReadTimeoutError):
            return Again(f"no answer within {silence:g} s", few=True)
        if isinstance(bad, exceptions.NewConnectionError):  # a kind of timeout to urllib3
            why = "the connection was refused" if "refused" in str(bad) else "the network does not lead there"
            return Again(why, few=not self._answered)
        if isinstance(bad, exceptions.ConnectTimeoutError):
            return Again("nobody answers at this address", few=True)
        return Again("the connection broke off")

    def _certificate(self, bad: ssl.SSLCertVerificationError) -> Refused:
        why = str(bad.verify_message or "it cannot be verified").rstrip(".")
        return Refused(
            f"the certificate of {self.connection.shown} is not the one that {self.connection.name} expects: {why}",
            self.connection.if_replaced,
        )

    def _unreachable(self, path: str, why: str, attempts: int) -> Refused:
        tried = f" ({attempts} attempts)" if attempts > 1 else ""
        what = f"{self.connection.shown} gave no usable answer to {path}: {why}{tried}"
        if self._answered:
            found = Unreachable(what, "run it again; if it stays, look at the API server and the network between.")
            found.answered = why.startswith(_SAID)
            return found
        return Unreachable(what, self.connection.if_silent)

    def _refused(self, status: int, path: str, body: Any) -> Refused:
        if status == 401:
            return self.connection.not_logged_in()
        return refusal(body, path, self.connection.rights, status)


def refusal(body: Any, path: str, rights: str, status: int = 0) -> Refused:
    """What a Status object means, that of an answer or, with its own code, that of an event. `rights`: how to get a
    right that is missing."""
    said = _message(body)
    code = body.get("code") if not status and isinstance(body, dict) else status
    if code == 403:
        return Forbidden(said or f"{path} is forbidden", rights)
    if code == 410:
        return Expired(said or f"the list {path} expired", "run it again.")
    return Refused(f"{path}: {code}{f': {said}' if said else ''}", "run it again, or leave the kind out.")


def _of_a_kind(status: int, data: bytes) -> tuple[int, Any] | None:
    """A 500 because the webhook that converts a custom kind does not answer: all other kinds can be read."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return (status, body) if _message(body).startswith("conversion webhook for ") else None


def _has_length(headers: Any) -> bool:
    return "Content-Length" in headers or "Transfer-Encoding" in headers


def _named(answer: Any) -> str:
    return f"{answer.status} {answer.reason or ''}".strip()


def _message(body: Any) -> str:
    """What a Status object says, in one line; nothing of any other answer, which may hold anything."""
    if not isinstance(body, dict) or body.get("kind") != "Status" or not isinstance(body.get("message"), str):
        return ""
    text = "".join(c if c.isprintable() else " " for c in body["message"])
    return text if len(text) <= 300 else text[:300] + " …"


def seconds_after(said: str | None) -> float | None:
    """Seconds of a Retry-After header, which may be a number or a date."""
    if not said:
        return None
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
