"""Reach a GKE cluster by its name: google-cloud-container and google-auth, no gcloud and no plugin."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
import os
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from migrate.cluster.gke_endpoints import Which, choose
from migrate.cluster.gke_facts import facts
from migrate.cluster.gke_refusals import Wanted, api_refusal, credentials_refusal, not_found
from migrate.errors import BadInput, Refused
from migrate.model.facts import Facts

if TYPE_CHECKING:
    from google.cloud.container_v1 import Cluster, ListClustersResponse

OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"
FORM = "project/location/cluster, such as acme-prod/europe-west1/shop"
SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",  # else RBAC knows a service account by number, not by address
)
PATIENCE = 20.0  # seconds for one answer, and for all tries together
_PROJECT = r"(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*"  # 'example.com:shop' is an old form of ID
_NAME = re.compile(rf"({_PROJECT})/([a-z][a-z0-9-]*[a-z0-9])/([a-z](?:[a-z0-9-]*[a-z0-9])?)")
_PATH = re.compile(r"(?:.*/)?projects/([^/]+)/(?:locations|zones|regions)/([^/]+)/clusters/([^/]+)/?")


class _Reader(Protocol):
    """What is used of the Container API: it has no word for a change."""

    def get_cluster(self, *, name: str, retry: Any, timeout: float) -> Cluster: ...

    def list_clusters(self, *, parent: str, retry: Any, timeout: float) -> ListClustersResponse: ...


@dataclass(frozen=True, slots=True)
class GkeCluster:
    """How to reach one cluster. `ca` is PEM; None: the certificate is one that everybody trusts.

    `token` gives a bearer token that is fresh at each call, from any thread, or raises Refused. `why` says why this
    endpoint was chosen, `if_silent` what a person does when nothing answers there.
    """

    name: str
    url: str
    ca: bytes | None
    token: Callable[[], str] = field(repr=False)
    endpoint: Which
    why: str
    if_silent: str
    facts: Facts = field(repr=False)

    def unreachable(self, reason: str) -> Refused:
        """The error for an endpoint that does not answer. `reason` is printed: 'timed out', 'connection refused'."""
        what = f"The {self.endpoint} endpoint of {self.name} cannot be reached: {reason}."
        return Refused(what, self.if_silent, (f"{self.url}, chosen because {self.why}.",))


class Tokens:
    """Bearer tokens of one set of credentials, renewed shortly before they expire, by one thread at a time."""

    def __init__(self, credentials: Any, request: Any) -> None:
        self._credentials, self._request, self._lock = credentials, request, threading.Lock()

    def __call__(self) -> str:
        """The token to use now. Refused when there is none any more."""
        from google.auth import credentials, exceptions

        with self._lock:
            state = self._credentials.token_state
            if state is not credentials.TokenState.FRESH:
                try:
                    self._credentials.refresh(self._request)
                except exceptions.GoogleAuthError as error:
                    if state is not credentials.TokenState.STALE:  # a stale one is good for some minutes more
                        raise credentials_refusal(error) from None
            return str(self._credentials.token)


def connect(name: str, *, endpoint: str | None = None) -> GkeCluster:
    """Ask Google how to reach the cluster "project/location/cluster". `endpoint`: another Container API, over REST.

    Raises BadInput for a name or an endpoint that cannot be, Refused for everything that Google says no to.
    """
    project, location, cluster = split(name)
    other = _checked(endpoint or os.environ.get(OVERRIDE) or "")
    credentials = _credentials()
    tokens = Tokens(credentials, _request())
    tokens()  # first of all: the API's client would take expired credentials for a network that comes back
    wanted = Wanted(project, location, cluster, _principal(credentials))
    found = _read(client(credentials, other), wanted, tokens())
    return _connection(found, wanted, tokens)


def split(name: str) -> tuple[str, str, str]:
    """("acme-prod", "europe-west1", "shop") of "acme-prod/europe-west1/shop". BadInput names the right form."""
    match = _NAME.fullmatch(name)
    if match:
        return match[1], match[2], match[3]
    path = _PATH.fullmatch(name)
    right = "/".join(path.groups()) if path else ""
    following = f"Write {right}" if _NAME.fullmatch(right) else f"Write {FORM}; the project by its ID"
    raise BadInput(f"{name!r} is not the name of a GKE cluster.", f"{following}.")


def client(credentials: Any, endpoint: str = "") -> _Reader:
    """The Container API: Google's over gRPC, or another one over REST."""
    from google.cloud.container_v1 import ClusterManagerClient

    if not endpoint:
        return ClusterManagerClient(credentials=credentials)
    return ClusterManagerClient(credentials=credentials, transport="rest", client_options={"api_endpoint": endpoint})


def _checked(endpoint: str) -> str:
    """An endpoint with its scheme. A token goes there, so plain HTTP is for this machine only."""
    if not endpoint:
        return ""
    whole = (endpoint if "://" in endpoint else f"https://{endpoint}").rstrip("/")
    try:
        parts = urlsplit(whole)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.path or parts.query:
        raise BadInput("The endpoint of the Container API is no address.", f"Write https://host, also in {OVERRIDE}.")
    if parts.scheme == "http" and not _is_local(host):
        raise BadInput(f"The endpoint {whole} would get your token in clear.", f"Write https://, also in {OVERRIDE}.")
    return whole


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _credentials() -> Any:
    import google.auth
    from google.auth import exceptions

    logging.getLogger("google").addHandler(logging.NullHandler())  # else its remarks go to stderr
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice about quota projects, which is not ours to give
            return google.auth.default(scopes=SCOPES)[0]
    except (exceptions.GoogleAuthError, ValueError, OSError) as error:
        raise credentials_refusal(error) from None


def _request() -> Any:
    from google.auth.transport.requests import Request

    return partial(Request(), timeout=PATIENCE)


def _principal(credentials: Any) -> str:
    about = credentials.get_cred_info() if hasattr(credentials, "get_cred_info") else None
    return str((about or {}).get("principal") or "")


def _read(api: _Reader, wanted: Wanted, token: str) -> Cluster:
    from google.api_core import exceptions, retry
    from google.auth.exceptions import GoogleAuthError

    passing = retry.if_exception_type(exceptions.ServiceUnavailable, exceptions.TooManyRequests)
    again = retry.Retry(predicate=passing, initial=0.5, maximum=5, timeout=PATIENCE)
    try:
        return api.get_cluster(name=wanted.path, retry=again, timeout=PATIENCE)
    except exceptions.NotFound as error:
        raise _absent(api, wanted, error, token) from None
    except GoogleAuthError as error:
        raise credentials_refusal(error) from None
    except (exceptions.GoogleAPIError, OSError) as error:  # OSError: what requests raises when nobody answers
        raise api_refusal(error, wanted, token) from None


def _absent(api: _Reader, wanted: Wanted, error: Exception, token: str) -> Refused:
    """404 says neither what is missing nor what is there: ask for the clusters of the whole project."""
    from google.api_core import exceptions

    try:
        listed = api.list_clusters(parent=f"projects/{wanted.project}/locations/-", retry=None, timeout=PATIENCE)
    except (exceptions.Forbidden, exceptions.Unauthorized):
        return not_found(wanted, None, complete=False)
    except (exceptions.GoogleAPIError, OSError):
        return api_refusal(error, wanted, token)
    return not_found(wanted, [(one.location, one.name) for one in listed.clusters], not listed.missing_zones)


def _connection(found: Cluster, wanted: Wanted, tokens: Tokens) -> GkeCluster:
    chosen = choose(found, wanted)
    return GkeCluster(
        name=str(wanted),
        url=f"https://{chosen.host}",
        ca=None if chosen.which == "dns" else _ca(found, wanted),
        token=tokens,
        endpoint=chosen.which,
        why=chosen.why,
        if_silent=chosen.if_silent,
        facts=facts(found, wanted.project),
    )


def _ca(found: Cluster, wanted: Wanted) -> bytes:
    try:
        pem = base64.b64decode(found.master_auth.cluster_ca_certificate, validate=True)
    except (binascii.Error, ValueError):
        pem = b""
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        following = "Ask for container.clusters.get in the project; without a certificate nothing is sent there."
        raise Refused(f"Google did not say which certificate {wanted} has.", following)
    return pem
