"""Where a cluster is, the pool of connections to it, and who we are to it."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from urllib3 import PoolManager, exceptions

from migrate.errors import BadInput, NotLoggedIn

# For who was told the certificate by a cloud a moment ago, and for who trusts what everybody trusts.
BETWEEN = (
    "run it again if the cluster was made anew; else something stands between, such as a company's proxy: go around it."
)
_KEPT = 16  # connections
# Seconds. The package takes its time to look at a token's end: too long for each of thousands of objects, but not for
# each page of a list.
_FRESH = 1.0
AUTHORITY = "where a company's proxy stands between, name its authority in SSL_CERT_FILE."


class Connection:
    """An open door, made of a ready `Configuration` of the kubernetes package. Nothing of it appears in a repr.

    `login` says what a person does when credentials are refused, `login_again` when they were accepted before,
    `if_silent` when nobody answers, `if_replaced` when the certificate is another one, `rights` when a right is
    missing. `target`: it is one that is written to. `renew` makes a new Configuration.
    """

    __slots__ = (
        "_config",
        "_fresh",
        "_kept_login",
        "_lock",
        "_login_again",
        "_near",
        "_renew",
        "if_replaced",
        "if_silent",
        "let_in",
        "login",
        "name",
        "pool",
        "rights",
        "url",
    )

    def __init__(
        self,
        name: str,
        config: Any,
        *,
        login: str,
        login_again: str = "",
        if_silent: str = "",
        if_replaced: str = "",
        target: bool = False,
        renew: Callable[[], Any] | None = None,
    ) -> None:
        from kubernetes.client import ApiClient

        self.name = name
        self.url = str(config.host).rstrip("/")
        self.let_in = False  # our credentials were accepted once
        self.rights = f"ask for the right: gke2eks access {'target' if target else 'source'} prints it."
        self.if_replaced = if_replaced or BETWEEN
        self.login, self._login_again = login, login_again
        self.if_silent = if_silent or f"check the address of {name}, VPN and proxy.{self._private()}"
        self._config = config
        self._renew = renew
        self._lock = threading.Lock()
        # The package's default is five for each core: on one core those of eight threads would be thrown away.
        config.connection_pool_maxsize = max(config.connection_pool_maxsize or 0, _KEPT)
        self.pool = ApiClient(config).rest_client.pool_manager
        self._near: Any = None
        self._kept_login = "", 0.0  # and until when it need not be asked for again
        self._fresh = _FRESH if target else 0.0

    def request(self, method: str, target: str, **more: Any) -> Any:
        """Send over a kept connection; `target` is a path with its query. Raises what urllib3 raises."""
        if type(self.pool) is not PoolManager:  # a proxy has ways of its own
            return self.pool.request(method, self.url + target, **more)
        # The manager would look up the pool of this one server for each request: a quarter of what a request costs.
        if self._near is None or not len(self.pool.pools):  # the manager was cleared
            self._near = self.pool.connection_from_url(self.url)
        return self._near.urlopen(method, urlsplit(self.url).path + target, assert_same_host=False, **more)

    @property
    def shown(self) -> str:
        """The address without a password that somebody wrote into it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def _private(self) -> str:
        import ipaddress

        try:
            address = ipaddress.ip_address(urlsplit(self.url).hostname or "")
        except ValueError:
            return ""
        there = address.is_private and not address.is_loopback
        return " A private endpoint answers only inside its network." if there else ""

    def authorization(self) -> str:
        """The value of the Authorization header, renewed when it is near its end; '' for none."""
        config = self._config
        if config.refresh_api_key_hook is None:  # asked before every request: a lock and an ear only where they matter
            return str(config.get_api_key_with_prefix("BearerToken", "authorization") or "")
        found, until = self._kept_login
        if time.monotonic() < until:
            return found
        with self._lock, heard():
            # The package runs refresh_api_key_hook in here, also when there was no token yet.
            found = str(self._config.get_api_key_with_prefix("BearerToken", "authorization") or "")
            self._kept_login = found, time.monotonic() + self._fresh
        return found

    def not_logged_in(self) -> NotLoggedIn:
        """The error for credentials that are not accepted, or not any more."""
        if self.let_in and self._login_again:
            what = f"{self.shown} no longer accepts the credentials of {self.name}"
            return NotLoggedIn(what, self._login_again)
        what = f"{self.shown} does not accept the credentials of {self.name}: missing or expired"
        return NotLoggedIn(what, self.login)

    def renew(self, refused: str) -> bool:
        """Log in anew unless another thread did since; tell whether the credentials are others than `refused`."""
        with self._lock, heard():
            self._kept_login = "", 0.0
            if self._renew is not None and self._config.api_key.get("BearerToken", "") == refused:
                self._config = self._renew()
        return self.authorization() != refused


def with_token(
    name: str,
    url: str,
    ca: bytes | None,
    token: Callable[[], str],
    *,
    login: str,
    login_again: str = "",
    if_silent: str = "",
    target: bool = False,
    forget: Callable[[], None] | None = None,
) -> Connection:
    """Open a cluster that a cloud described. `ca` is PEM, None: a certificate that everybody trusts.

    `token` gives one that is fresh at each call, from any thread, or raises Refused. `forget` makes it give another
    one the next time: this one was refused.
    """
    from kubernetes.client import Configuration

    def refresh(config: Any) -> None:
        config.api_key["BearerToken"] = f"Bearer {token()}"

    config: Any = Configuration()
    config.host = url
    config.ca_cert_data = ca.decode() if ca else None  # as bytes it would be taken for DER
    config.refresh_api_key_hook = refresh

    def renew() -> Any:
        if forget is not None:
            forget()
        return config

    with proxied(name, "https_proxy"):
        return Connection(
            name,
            config,
            login=login,
            login_again=login_again,
            if_silent=if_silent,
            if_replaced=BETWEEN if ca else AUTHORITY,
            target=target,
            renew=renew,
        )


@contextmanager
def proxied(whose: str, where: str) -> Iterator[None]:
    """Say in words what is wrong with a proxy's address, which comes out when the pool is made. Raises BadInput."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", exceptions.DependencyWarning)  # the error below says it better
            yield
    except ImportError:
        what = f"{whose} goes through a SOCKS proxy, and the Python package PySocks is missing"
        raise BadInput(what, "install it beside gke2eks (pipx inject gke2eks pysocks), or use an HTTP proxy.") from None
    except (ValueError, exceptions.HTTPError):
        raise BadInput(f"the proxy of {whose} is no address", f"write http://host:port in {where}.") from None


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect what the package logs instead of raising: a login program that fails is one line in the root logger."""
    ear, root = _Ear(logging.ERROR), logging.getLogger()
    root.addHandler(ear)
    try:
        yield ear.lines
    finally:
        root.removeHandler(ear)


class _Ear(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
