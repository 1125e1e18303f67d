"""A kubeconfig becomes a connection: any login that the kubernetes package knows, login programs included."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from migrate.cluster.connection import Connection, heard
from migrate.errors import BadInput, NotLoggedIn

_LONGEST = 300


def connect(context: str | None, kubeconfig: str | None = None) -> Connection:
    """Open the context, or the current one. Nothing is sent yet. Raises BadInput or NotLoggedIn."""
    paths = kubeconfig or os.environ.get("KUBECONFIG") or os.path.join("~", ".kube", "config")
    found = _read(paths, asked=kubeconfig is not None)
    name, user = _context(found, context, paths)
    _check_program(user, name)

    def configure() -> Any:
        return _configuration(paths, name, user)

    config = configure()
    if not str(config.host).startswith(("http://", "https://")):
        raise BadInput(f"the context {name} names no server", f"correct clusters in {paths}.")
    login = f"log in again, until `kubectl --context {name} get namespaces` works; then run this again."
    return Connection(name, config, login=login, renew=configure)


def _read(paths: str, *, asked: bool) -> list[Mapping[str, Any]]:
    """Every document of the path list that is there."""
    files = [os.path.expanduser(path) for path in paths.split(os.pathsep) if path]
    there = [path for path in files if os.path.exists(path)]
    if not there:
        where = "--kubeconfig" if asked else "KUBECONFIG" if os.environ.get("KUBECONFIG") else "the default place"
        raise BadInput(
            f"no kubeconfig at {paths} ({where})",
            "name one with --kubeconfig, or write one: gcloud container clusters get-credentials CLUSTER.",
        )
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


def _check_program(user: Mapping[str, Any], context: str) -> None:
    command = _part(user, "exec").get("command")
    if not isinstance(command, str) or os.sep in command or shutil.which(command):
        return
    hint = str(_part(user, "exec").get("installHint") or "").strip()
    raise BadInput(
        f"the login program {command} of the context {context} is not installed",
        "install it so that it is on the PATH, or use a kubeconfig that does not need it.",
        hint.splitlines()[:5],
    )


def _configuration(paths: str, context: str, user: Mapping[str, Any]) -> Any:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_kube_config

    load: Any = load_kube_config  # the package says nothing of its types
    config = Configuration()
    with heard() as said:
        try:
            load(paths, context, config, persist_config=False)
        except ConfigException as bad:
            raise BadInput(f"the context {context} cannot be used: {_short(bad)}", "correct the kubeconfig.") from None
        except Exception as bad:  # google-auth, oauthlib, missing files: each with its own tree of exceptions
            what = f"the context {context} cannot log in: {type(bad).__name__}: {_short(bad)}"
            raise NotLoggedIn(what, "correct the login in the kubeconfig, or log in again.") from None
    if "exec" in user and not config.api_key and not config.cert_file:
        details = _short("\n".join(said)).splitlines()
        what = f"the login program {_part(user, 'exec').get('command')} of the context {context} gave no credentials"
        raise NotLoggedIn(what, "run it by hand to see why, log in again, then run this again.", details)
    return config


def _short(said: object) -> str:
    text = "".join(c if c.isprintable() or c == "\n" else " " for c in str(said))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
