"""Everything that can refuse an export, each made to happen: what docs/refusals.md shows is what was printed."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from gke_fake import FakeGoogle
from rig import pki
from rig.faults import Faults, Proxy, Rule, Status, Unauthorized, WrongType
from rig.faults.canned import Canned

SHOP = "acme-prod/europe-west1/shop"
SECRET = "no-such-secret-token"


@dataclass
class World:
    """A home folder, a practice cluster behind a TLS proxy that obeys scripts, a fake Google, and the environment."""

    home: Path
    cluster: Proxy
    google: FakeGoogle
    patch: pytest.MonkeyPatch
    open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def kubeconfig(self, url: str = "", user: Any = None, ca: Path | None = None, **cluster: Any) -> None:
        """Write ~/.kube/config with the one context prod."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "prod",
            "clusters": [{"name": "prod", "cluster": {"server": url or self.cluster.url} | cluster}],
            "users": [{"name": "me", "user": {"token": SECRET} if user is None else user}],
            "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "me"}}],
        }
        if not url or ca:
            config["clusters"][0]["cluster"].setdefault("certificate-authority", str(ca or self.cluster.ca))  # type: ignore[index]
        (self.home / ".kube").mkdir(exist_ok=True)
        (self.home / ".kube" / "config").write_text(json.dumps(config))

    def program(self, name: str, text: str) -> None:
        """Put a login program on the PATH that does `text` in sh."""
        folder = self.home / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
        self.patch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        self.kubeconfig(user={"exec": EXEC | {"command": name}})

    def faults(self, *rules: Rule) -> None:
        self.kubeconfig()
        self.cluster.faults = Faults(rules=list(rules))

    def closed(self) -> str:
        """An address where nobody listens, kept from others."""
        held = self.open.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{held.getsockname()[1]}"

    def silent(self, *, listening: bool = True) -> str:
        """An address that takes connections and says nothing; or, with its queue full, does not even take them."""
        held = self.open.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        held.listen(8 if listening else 0)
        for _ in range(0 if listening else 3):
            more = self.open.enter_context(socket.socket())
            more.setblocking(False)
            more.connect_ex(held.getsockname())
        return f"127.0.0.1:{held.getsockname()[1]}"

    def by_proxies(self) -> None:
        """Let proxies be used for this machine, too."""
        for name in ("no_proxy", "NO_PROXY"):
            self.patch.setenv(name, "")

    def forbidding(self, answer: bytes) -> str:
        """A proxy that answers every CONNECT so."""
        proxy = self.open.enter_context(Proxying(answer))
        return proxy.url


EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
Make = Callable[[World], None]


@dataclass(frozen=True)
class Scene:
    title: str
    command: str
    make: Make
    code: int = 4
    remark: str = ""


class Proxying(Canned):
    """An HTTP proxy that lets nobody through."""

    def __init__(self, answer: bytes) -> None:
        super().__init__({})
        self._said = answer

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock.recv(4096)
            sock.sendall(self._said)


@contextlib.contextmanager
def world(home: Path, practice: str, google: FakeGoogle, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """One for each scene: nothing of the last is left in it."""
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Proxy(practice, tls=True))
        made = World(home, cluster, google, patch, stack)
        made.kubeconfig()
        yield made


def scenes() -> dict[str, list[Scene]]:
    """All scenes by the section of the page that shows them."""
    return {
        "Before anything is sent": _kubeconfigs(),
        "Login programs": _programs(),
        "The network": _network(),
        "Who we are, and what we may": _rights(),
        "Google": _google(),
    }


def _kubeconfigs() -> list[Scene]:
    export = "gke2eks export -w live"

    def bad_file(w: World) -> None:
        (w.home / ".kube" / "config").write_text(f"users: [{{token: *{SECRET}}}]")

    def nothing(w: World) -> None:
        (w.home / ".kube" / "config").unlink()

    def user(**said: Any) -> Make:
        return lambda w: w.kubeconfig(user=said)

    return [
        Scene("No kubeconfig", export, nothing, 3),
        Scene("No such kubeconfig", "gke2eks export --kubeconfig staging.yaml -w live", nothing, 3),
        Scene("A kubeconfig that is not YAML", export, bad_file, 3),
        Scene("No such context", "gke2eks export --context production -w live", lambda w: None, 3),
        Scene("No current context", export, _no_current, 3),
        Scene("A server that is no address", export, lambda w: w.kubeconfig("prod.example.com"), 3),
        Scene("A token file that is not there", export, user(tokenFile="token"), 4),
        Scene("A client certificate that cannot be read", export, _bad_certificate, 3),
        Scene("A certificate-authority that is none", export, _bad_authority, 3),
        Scene("A context that acts as somebody else", export, user(token=SECRET, **{"as": "ana"}), 3),
        Scene("A login that Kubernetes has dropped", export, user(**{"auth-provider": {"name": "azure"}}), 3),
    ]


def _no_current(w: World) -> None:
    path = w.home / ".kube" / "config"
    config = json.loads(path.read_text())
    del config["current-context"]
    path.write_text(json.dumps(config))


def _bad_certificate(w: World) -> None:
    (w.home / "me.crt").write_text("nothing")
    (w.home / "me.key").write_text("nothing")
    w.kubeconfig(user={"client-certificate": str(w.home / "me.crt"), "client-key": str(w.home / "me.key")})


def _bad_authority(w: World) -> None:
    (w.home / "ca.crt").write_text("nothing")
    w.kubeconfig(ca=w.home / "ca.crt")


def _programs() -> list[Scene]:
    export, plugin = "gke2eks export -w live", "gke-gcloud-auth-plugin"

    def runs(text: str) -> Make:
        return lambda w: w.program(plugin, text)

    def missing(w: World) -> None:
        hint = "Install gke-gcloud-auth-plugin for use with kubectl by following https://example.com/the-manual"
        w.patch.setenv("PATH", "/nonexistent")
        w.kubeconfig(user={"exec": EXEC | {"command": plugin, "installHint": hint}})

    expired = (
        "echo 'ERROR: (gcloud.config.config-helper) There was a problem refreshing your current auth tokens: "
        f"Reauthentication failed.' >&2; echo 'Authorization: Bearer {SECRET}' >&2; exit 1"
    )
    credential = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {}}'
    return [
        Scene("It is not installed", export, missing, 3, "The second line is the hint in the kubeconfig."),
        Scene("It fails", export, runs(expired), remark="What looks like a token in what it said is hidden."),
        Scene("It prints nonsense", export, runs("echo Welcome to the login program")),
        Scene("It prints no credentials", export, runs(f"echo '{credential}'")),
    ]


def _network() -> list[Scene]:
    export = "gke2eks export -w live"

    def stranger(w: World) -> None:
        (w.home / "other").mkdir(exist_ok=True)
        pki.write(w.home / "other")
        w.kubeconfig(ca=w.home / "other" / "ca.crt")

    def by_proxy(answer: bytes | None) -> Make:
        def make(w: World) -> None:
            w.by_proxies()
            w.patch.setenv("https_proxy", w.forbidding(answer) if answer else f"http://ana:{SECRET}@{w.closed()}")

        return make

    def socks(w: World) -> None:
        w.by_proxies()
        w.kubeconfig(**{"proxy-url": f"socks5://{w.closed()}"})
        w.patch.setitem(sys.modules, "socks", None)

    no = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    hurry = "gke2eks export --timeout 0.5 -w live"
    login_page = Rule(WrongType(body=b"<html>Please log in</html>"))
    return [
        Scene("A name that is not known", export, lambda w: w.kubeconfig("https://prod.invalid")),
        Scene("The connection is refused", export, lambda w: w.kubeconfig(f"https://{w.closed()}")),
        Scene("Nobody answers", hurry, lambda w: w.kubeconfig(f"https://{w.silent(listening=False)}")),
        Scene("A server that says nothing", hurry, lambda w: w.kubeconfig(f"http://{w.silent()}")),
        Scene("The certificate is not the expected one", export, stranger),
        Scene("A proxy that says no", export, by_proxy(no)),
        Scene("A proxy that is not there", export, by_proxy(None)),
        Scene("A SOCKS proxy without PySocks", export, socks, 3),
        Scene("A server that is not Kubernetes", export, lambda w: w.faults(login_page)),
        Scene("A server that is down", export, lambda w: w.faults(Rule(Status(503)))),
    ]


def _rights() -> list[Scene]:
    export = "gke2eks export -w live"
    why = 'User "ana" cannot list resource "secrets" in API group "" at the cluster scope'
    body = json.dumps({"kind": "Status", "status": "Failure", "message": f"secrets is forbidden: {why}", "code": 403})
    secrets = Rule(Status(403, body=body.encode()), path=r"/secrets")

    def discovery(w: World) -> None:
        w.faults(Rule(Status(403), path=r"/apis?$"))

    return [
        Scene("Expired credentials", export, lambda w: w.faults(Rule(Unauthorized()))),
        Scene("Discovery is forbidden", export, discovery),
        Scene("Everything is forbidden", export, lambda w: w.faults(Rule(Status(403), path="limit="))),
        Scene(
            "One kind is forbidden",
            export,
            lambda w: w.faults(secrets),
            1,
            "The rest is kept.",
        ),
        Scene("… then plan stops", "gke2eks plan -w live", lambda w: None, 3),
        Scene("A namespace that the cluster does not have", "gke2eks export -n ap -w live", lambda w: None, 3),
        Scene("A kind that the cluster does not have", "gke2eks export --without Secert -w live", lambda w: None, 3),
    ]


def _google() -> list[Scene]:
    from refusal_scenes_google import google_scenes

    return [Scene(*one) for one in google_scenes(SHOP)]
