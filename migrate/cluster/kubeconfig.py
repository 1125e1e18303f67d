"""A kubeconfig becomes a connection: any login that the kubernetes package knows, login programs included."""

from __future__ import annotations

import binascii
import os
import shlex
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import yaml
from urllib3 import disable_warnings, exceptions

from migrate.cluster import login_program
from migrate.cluster.connection import Connection, heard, proxied
from migrate.cluster.gke_refusals import masked
from migrate.errors import BadInput, NotLoggedIn

# Parts of a user that the kubernetes package would pass over: what is read would not be what was meant.
_IMPERSONATION = ("as", "as-uid", "as-groups", "as-user-extra")
_PROVIDERS = ("gcp", "oidc")


# How a context is written: that of a source, and that of a target.
_WRITE = (
    "gcloud container clusters get-credentials CLUSTER",
    "aws eks update-kubeconfig --region REGION --name CLUSTER",
)


def connect(context: str | None, kubeconfig: str | None = None, *, target: bool = False) -> Connection:
    """Open the context, or the current one. Nothing is sent yet. `target`: it is to be written to.

    Raises BadInput or NotLoggedIn.
    """
    paths = kubeconfig or os.environ.get("KUBECONFIG") or os.path.join("~", ".kube", "config")
    found = _read(paths, asked=kubeconfig is not None, target=target)
    name, user = _context(found, context, paths)
    login_program.check(user, name, target=target)
    _refuse_unknown(user, name)

    def configure() -> Any:
        return _configuration(paths, name, user)

    config = configure()
    if not str(config.host).startswith(("http://", "https://")):
        raise BadInput(f"the context {name} names no server", f"correct clusters in {paths}.")
    kubectl = shlex.join(["kubectl", *(["--kubeconfig", kubeconfig] if kubeconfig else []), "--context", name])
    login = f"log in again, until `{kubectl} get namespaces` works; then run this again."
    with proxied(f"the context {name}", "https_proxy, or in proxy-url of the kubeconfig"):
        return Connection(
            name,
            config,
            login=login,
            if_silent=_by_proxy(name, config),
            if_replaced=_if_replaced(config, target=target),
            target=target,
            renew=configure,
        )


def _if_replaced(config: Any, *, target: bool) -> str:
    """What a person does when the certificate is another one. What the environment trusts counts only for a context
    without an authority of its own."""
    own = bool(config.ssl_ca_cert or config.ca_cert_data)
    add = "add its authority to certificate-authority of the context" if own else "name its authority in SSL_CERT_FILE"
    return (
        f"write the context anew ({_WRITE[target]}) if the cluster was made again; where a company's proxy stands "
        f"between, {add}."
    )


def _read(paths: str, *, asked: bool, target: bool) -> list[Mapping[str, Any]]:
    """Every document of the path list that is there."""
    files = [os.path.expanduser(path) for path in paths.split(os.pathsep) if path]
    there = [path for path in files if os.path.exists(path)]
    if not there:
        where = "--kubeconfig" if asked else "KUBECONFIG" if os.environ.get("KUBECONFIG") else "the default place"
        without = "; or name the cluster by --eks REGION/CLUSTER" if target else ""
        following = f"name one with --kubeconfig, or write one: {_WRITE[target]}{without}."
        raise BadInput(f"no kubeconfig at {paths} ({where})", following)
    found = []
    for path in there:
        try:
            with open(path, "rb") as file:
                document = yaml.safe_load(file)
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as bad:
            # The text of a YAML error quotes the line, which may be a token.
            why = (bad.strerror if isinstance(bad, OSError) else None) or "not YAML"
            raise BadInput(f"the kubeconfig {path} cannot be read: {why}", "correct it, or name another.") from None
        if not isinstance(document, Mapping):
            raise BadInput(f"the kubeconfig {path} holds no contexts", "name another with --kubeconfig.")
        found.append(document)
    return found


def _context(found: Sequence[Mapping[str, Any]], wanted: str | None, paths: str) -> tuple[str, Mapping[str, Any]]:
    """Give the context's name and its user. The first file that names something wins, as in kubectl."""
    contexts = _named(found, "contexts")
    # The kubernetes package lets the last file win here; kubectl the first.
    name = wanted or next((str(one["current-context"]) for one in found if one.get("current-context")), "")
    if name not in contexts:
        there = sorted(contexts) or ["(none)"]
        what = f"no context {name} in {paths}; it has:" if name else f"no current context in {paths}; it has:"
        raise BadInput(what, "name one of them with --context.", there)
    context = _part(contexts[name], "context")
    if str(context.get("cluster")) not in _named(found, "clusters"):
        raise BadInput(f"the context {name} names a cluster that {paths} does not have", "correct the kubeconfig.")
    return name, _part(_named(found, "users").get(str(context.get("user")), {}), "user")


def _named(found: Sequence[Mapping[str, Any]], section: str) -> dict[str, Mapping[str, Any]]:
    entries = [entry for one in reversed(found) for entry in reversed(one.get(section) or [])]
    return {str(entry.get("name")): entry for entry in entries if isinstance(entry, Mapping)}


def _part(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = entry.get(key)
    return found if isinstance(found, Mapping) else {}


def _configuration(paths: str, context: str, user: Mapping[str, Any]) -> Any:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_kube_config

    load: Any = load_kube_config  # the package says nothing of its types
    config = Configuration()
    with heard() as said:
        try:
            load(paths, context, config, persist_config=False)
        except ConfigException as bad:
            what = f"the context {context} cannot be used: {masked(str(bad))}"
            raise BadInput(what, "correct the kubeconfig.") from None
        except Exception as bad:  # google-auth, oauthlib, missing files: each with its own tree of exceptions
            what = f"the context {context} cannot log in: {_why(bad)}"
            raise NotLoggedIn(what, "correct the login in the kubeconfig, or log in again.") from None
    if "exec" in user and not config.api_key and not config.cert_file:
        raise login_program.gave_nothing(user, context, said)
    _check_certificates(context, config)
    return config


def _why(bad: Exception) -> str:
    if isinstance(bad, OSError) and bad.filename:
        return f"{bad.filename}: {bad.strerror}"
    if isinstance(bad, binascii.Error):
        return "its certificate or key is not base64"
    return f"{type(bad).__name__}: {masked(str(bad))}"


def _check_certificates(context: str, config: Any) -> None:
    """Read them as TLS will: later their faults would look like those of a network. Raises BadInput."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if config.ssl_ca_cert:
            tls.load_verify_locations(config.ssl_ca_cert)
    except OSError:  # ssl.SSLError is one
        what = f"the certificate-authority of the context {context} holds no certificate"
        raise BadInput(what, "correct the kubeconfig.") from None
    try:
        if config.cert_file:
            tls.load_cert_chain(config.cert_file, config.key_file, password=lambda: b"")
    except (OSError, ValueError):
        what = f"client-certificate and client-key of the context {context} cannot be read, or are no pair"
        raise BadInput(what, "correct the kubeconfig; a key must not have a password.") from None
    if not config.verify_ssl:  # insecure-skip-tls-verify: their choice; to say it at every request helps nobody
        disable_warnings(exceptions.InsecureRequestWarning)


def _refuse_unknown(user: Mapping[str, Any], context: str) -> None:
    """Better no export than one with other rights than those that were meant. Raises BadInput."""
    if asked := [key for key in _IMPERSONATION if user.get(key)]:
        what = f"the context {context} acts as somebody else ({', '.join(asked)}), which gke2eks does not do"
        raise BadInput(what, "use a context with credentials of its own, such as a ServiceAccount's token.")
    provider = str(_part(user, "auth-provider").get("name") or "")
    if provider and provider not in _PROVIDERS:
        what = f"the context {context} logs in by the auth-provider {provider}, which no longer exists"
        raise BadInput(what, "write the context anew with the login program (exec) of your provider.")


def _by_proxy(context: str, config: Any) -> str:
    """What a person does when nobody answers and a proxy stands between; '' when none does."""
    from kubernetes.client.rest import should_bypass_proxies

    if not config.proxy or should_bypass_proxies(config.host, config.no_proxy or ""):
        return ""
    parts = urlsplit(str(config.proxy))
    proxy = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return (
        f"check the address of {context} and the proxy {proxy} (proxy-url of the kubeconfig, else https_proxy; "
        "no_proxy names what goes around it)."
    )
