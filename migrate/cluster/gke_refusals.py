"""What Google said no to, in words for people. Nothing that Google or a library wrote is printed unmasked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from migrate.errors import Refused

_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_LOGIN = (
    f"Run gcloud auth application-default login, or name a credentials file in {_FILE}, or run where a service "
    "account is attached."
)
_AGAIN = (
    "Run gcloud auth application-default login, or put a new credentials file in place; for a service account check "
    "this machine's clock too."
)
# In small letters: gRPC, which asks the Container API, knows only those; all else knows both.
_NETWORK = "Check the network, the proxy (https_proxy) and any firewall, then run this again."
_SECRET = re.compile(
    r"(?i:bearer|basic)\s+[^\s\"',;]+"  # Authorization headers
    r"|\b(?:ya29|1//|AIza|GOCSPX)[\w./-]{6,}"  # Google's tokens and keys
    r"|\beyJ[\w-]{6,}(?:\.[\w-]*)*"  # JWTs
    r"|-----BEGIN.*?(?:-----END[^-]*-----|$)",
    re.DOTALL,
)
_REST_PREFIX = re.compile(r"^(?:\d{3} )?[A-Z]+ https?://\S+: ")
_MOST = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cluster that was asked for, and who asked ('' when the credentials do not say)."""

    project: str
    location: str
    cluster: str
    who: str = ""

    def __str__(self) -> str:
        return f"{self.project}/{self.location}/{self.cluster}"

    @property
    def path(self) -> str:
        """Its name in the Container API."""
        return f"projects/{self.project}/locations/{self.location}/clusters/{self.cluster}"


# ErrorInfo.reason: (what, next). {0} is what was asked for, {1} the project that Google looked at.
_REASONS: dict[str, tuple[str, str]] = {
    "SERVICE_DISABLED": (
        "The Kubernetes Engine API is not enabled in {1}.",
        "Enable container.googleapis.com in {1} (gcloud services enable container.googleapis.com), wait a few "
        "minutes, then run this again.",
    ),
    "USER_PROJECT_DENIED": (
        "Your credentials bill their requests to {1}, which they may not use.",
        "Choose another one: gcloud auth application-default set-quota-project {0.project}",
    ),
    "CONSUMER_INVALID": (
        "Google knows no project {0.project}, or does not show it to these credentials.",
        "Check the project's ID (not its display name), and whose credentials these are.",
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (
        "The token of these credentials is not meant for the Kubernetes Engine API.",
        "Give the machine the scope cloud-platform, or use other credentials.",
    ),
    "SECURITY_POLICY_VIOLATED": (
        "A rule of the organisation (VPC Service Controls) forbids this request.",
        "Run this from inside the perimeter, or ask for an access level for where you are.",
    ),
}
# What google-auth says, by its beginning: it has one class for many causes. (what, next)
_LOGINS = (
    (
        "Unable to acquire impersonated credentials",
        "Your Google credentials may not act as the service account that they name.",
        "Ask for roles/iam.serviceAccountTokenCreator on it; its project needs iamcredentials.googleapis.com enabled.",
    ),
    (
        "File '",
        "The identity token that your credentials file points to is not there.",
        "Check credential_source in the file, and that whatever writes the token has run.",
    ),
    (
        "Executables need to be explicitly allowed",
        "Your credentials file starts a program, and that has to be allowed.",
        "If you trust the file, set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1.",
    ),
    (
        "Error code ",
        "Google's token service does not accept the identity that your credentials file brings.",
        "Check audience and conditions of the workload identity pool, and that your provider's token is fresh.",
    ),
)
_DISABLED = re.compile(r"has not been used in project|API is (?:disabled|not enabled)|SERVICE_DISABLED", re.IGNORECASE)


def api_refusal(error: Any, wanted: Wanted, token: str = "") -> Refused:
    """Turn what the Container API answered, or what kept it from answering, into an error without `token`."""
    cause = getattr(error, "cause", None)  # a RetryError holds the last answer
    if cause is not None and getattr(error, "code", None) is None:
        error = cause
    code = getattr(error, "code", None)
    if not isinstance(code, int):
        return Refused(f"The Container API cannot be reached ({type(error).__name__}).", _NETWORK, _who(wanted))
    details = (*_said(error, token), *_who(wanted))
    reason = _reason(error)
    if code in (400, 403) and reason in _REASONS:
        what, following = _REASONS[reason]
        looked_at = _consumer(error) or f"project {wanted.project}"
        return Refused(what.format(wanted, looked_at), following.format(wanted, looked_at), details)
    if code == 401:
        return Refused("Google does not accept these credentials.", _AGAIN, details)
    if code == 403:
        return Refused(
            f"These credentials may not look at cluster {wanted.cluster} in project {wanted.project}.",
            "Check the project's ID and whose credentials these are; reading needs container.clusters.get, which "
            f"roles/container.clusterViewer has, in {wanted.project}.",
            details,
        )
    if code in (400, 404):
        return Refused(
            f"Google knows no {wanted.project}/{wanted.location}, or not for these credentials.",
            "Check the project's ID (not its display name) and the location: a region such as europe-west1, or for a "
            "zonal cluster a zone such as europe-west1-b.",
            details,
        )
    if code == 429:
        return Refused("The Container API has had too many requests.", "Wait a minute, then run this again.", details)
    if code in (503, 504):
        return Refused(f"The Container API does not answer ({int(code)}).", _NETWORK, details)
    return Refused(f"The Container API failed ({int(code)}).", "Run this again in a few minutes.", details)


def not_found(wanted: Wanted, neighbours: Iterable[tuple[str, str]] | None, complete: bool) -> Refused:
    """Say that this cluster is not there. `neighbours`: (location, name) of all clusters; None: nobody may list."""
    what = f"There is no cluster {wanted.cluster} in {wanted.location} of project {wanted.project}."
    check = "Check the name and the location; gcloud container clusters list shows both."
    if neighbours is None:
        why = "Which clusters there are is not said: that needs container.clusters.list in the project."
        return Refused(what, check, (why, *_who(wanted)))
    found = sorted(set(neighbours))
    here = [name for location, name in found if location == wanted.location]
    namesakes = [f"{wanted.project}/{location}/{name}" for location, name in found if name == wanted.cluster]
    elsewhere = [f"{location}/{name}" for location, name in found if location != wanted.location]
    details = [f"Clusters in {wanted.location}: {_some(here) if here else 'none'}."]
    if elsewhere:
        details.append(f"Elsewhere in the project: {_some(elsewhere)}.")
    if not complete:
        details.append("Some zones did not answer; their clusters are missing from this.")
    if len(namesakes) == 1:
        return Refused(what, f"Write {namesakes[0]}.", details)
    return Refused(what, check if found else "Check the project's ID: it has no clusters.", details)


def credentials_refusal(error: Exception) -> Refused:
    """Turn what google-auth raised into an error for people, without its text: that may hold a server's answer."""
    from google.auth import exceptions

    said = str(error.args[0]) if error.args else ""
    for start, what, following in _LOGINS:
        if said.startswith(start):
            return Refused(what, following)
    if isinstance(error, exceptions.RefreshError):
        if error.retryable:
            return Refused("Google's token server does not answer.", _NETWORK)
        answer = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
        if answer.get("error_subtype") == "invalid_rapt" or isinstance(error, exceptions.ReauthFailError):
            return Refused("Your organisation wants you to log in to Google again.", _AGAIN)
        return Refused("Your Google credentials have expired, or somebody revoked them.", _AGAIN)
    if isinstance(error, exceptions.TransportError | exceptions.TimeoutError):
        return Refused("Google's token server cannot be reached.", _NETWORK)
    named = os.environ.get(_FILE)
    if named is None:
        return Refused("There are no Google credentials on this machine that can be used.", _LOGIN)
    holds = "which holds no credentials that can be used" if os.path.isfile(named) else "and there is no such file"
    return Refused(f"{_FILE} names {named}, {holds}.", f"Correct or unset {_FILE}.")


def masked(text: str, known: str = "") -> str:
    """One line without `known`, and nothing that looks like a token or a terminal's command; 300 characters at most."""
    quiet = _SECRET.sub("(hidden)", text.replace(known, "(hidden)") if known else text)
    line = " ".join("".join(c if c.isprintable() else " " for c in quiet).split())
    return line if len(line) <= 300 else line[:299] + "…"


def _said(error: Any, token: str) -> tuple[str, ...]:
    text = masked(_REST_PREFIX.sub("", str(getattr(error, "message", "") or "")), token)
    return (f"Google says: {text}",) if text else ()


def _who(wanted: Wanted) -> tuple[str, ...]:
    return (f"Asked as {wanted.who}.",) if wanted.who else ()


def _reason(error: Any) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, str) and reason:
        return reason
    return "SERVICE_DISABLED" if _DISABLED.search(str(getattr(error, "message", ""))) else ""


def _consumer(error: Any) -> str:
    """'project 123' from the metadata of ErrorInfo: with a quota project it may not be the project asked for."""
    metadata = getattr(error, "metadata", None) or {}
    found = str(metadata.get("consumer", "")) if hasattr(metadata, "get") else ""
    kind, _, name = found.partition("/")
    return f"project {name}" if kind == "projects" and re.fullmatch(r"[\w.:-]+", name) else ""


def _some(names: list[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")
