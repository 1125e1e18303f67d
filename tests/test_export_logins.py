"""Every way that a kubeconfig names a cluster and logs in, against a server that keeps what it heard."""

from __future__ import annotations

import json
import os
import pty
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from rig import pki
from rig.faults import Proxy
from rig.faults.canned import Canned
from urllib3.exceptions import InsecureRequestWarning

from migrate.cluster.connection import with_token
from migrate.cluster.kube import from_kubeconfig
from migrate.errors import BadInput

VERSION = b'{"gitVersion": "v1.33.4"}'
OK = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(VERSION) + VERSION]
EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}


@pytest.fixture
def server() -> Iterator[Canned]:
    with Canned({"/version": OK}) as server:
        yield server


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("KUBECONFIG", "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(path: Path, url: str, current: str = "a", user: Any = None, **cluster: Any) -> Path:
    """A kubeconfig with the contexts a and b, whose users bring the tokens token-a and token-b."""
    config = {
        "current-context": current,
        "clusters": [{"name": "c", "cluster": {"server": url} | cluster}],
        "users": [{"name": one, "user": user or {"token": f"token-{one}"}} for one in "ab"],
        "contexts": [{"name": one, "context": {"cluster": "c", "user": one}} for one in "ab"],
    }
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps(config))
    return path


def authorization(server: Canned) -> str:
    lines = server.heard[-1].decode().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.lower().startswith("authorization:")), "")


def test_which_context_and_which_file(server: Canned, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".kube" / "config", server.url)
    other = write(home / "other.yaml", server.url, current="b")
    for context, file, token in ((None, None, "a"), ("b", None, "b"), (None, other, "b"), ("a", other, "a")):
        assert from_kubeconfig(context, str(file) if file else None).version()["gitVersion"] == "v1.33.4"
        assert authorization(server) == f"Bearer token-{token}"
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join((str(home / "none"), str(other), str(home / ".kube" / "config"))))
    from_kubeconfig(None).version()
    assert authorization(server) == "Bearer token-b"  # of the first file that names one


def test_a_list_of_files_is_one(server: Canned, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `gcloud container clusters get-credentials` leaves it when KUBECONFIG names two: parts in each."""
    whole = json.loads(write(home / "a", server.url, current="b").read_text())
    parts = [{k: v for k, v in whole.items() if (k == "users") is there} for there in (True, False)]
    for name, part in zip(("a", "b"), parts, strict=True):
        (home / name).write_text(json.dumps(part))
    monkeypatch.setenv("KUBECONFIG", f"{home / 'a'}{os.pathsep}{home / 'b'}")
    from_kubeconfig(None).version()
    assert authorization(server) == "Bearer token-b"


def test_ways_to_log_in(server: Canned, home: Path) -> None:
    (home / "token").write_text("from-a-file")
    credential = {"apiVersion": EXEC["apiVersion"], "kind": "ExecCredential", "status": {"token": "from-a-program"}}
    program = EXEC | {"command": "echo", "args": [json.dumps(credential)]}
    relative = EXEC | {"command": "./login", "args": []}
    (home / "login").write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    (home / "login").chmod(0o755)
    ways = (
        ({"token": "t"}, "Bearer t"),
        ({"tokenFile": "token"}, "Bearer from-a-file"),
        ({"username": "ana", "password": "p"}, "Basic YW5hOnA="),
        ({"exec": program}, "Bearer from-a-program"),
        ({"exec": relative}, "Bearer from-a-program"),
    )
    for user, said in ways:
        from_kubeconfig(None, str(write(home / "config", server.url, user=user))).version()
        assert authorization(server) == said


def test_a_client_certificate(server: Canned, home: Path) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    certificate = pki.certificate("ana", key, "ana", key, authority=True).public_bytes(Encoding.PEM)
    (home / "ana.crt").write_bytes(certificate)
    (home / "ana.key").write_bytes(pki.pem(key))
    (home / "other.key").write_bytes(pki.pem(other))
    with Proxy(server.url, tls=True) as proxy:
        assert proxy.server_tls
        proxy.server_tls.verify_mode = ssl.CERT_REQUIRED
        proxy.server_tls.load_verify_locations(cadata=certificate.decode())
        user = {"client-certificate": "ana.crt", "client-key": "ana.key"}
        authority = {"certificate-authority": str(proxy.ca)}
        config = write(home / "config", proxy.url, user=user, **authority)
        assert from_kubeconfig(None, str(config)).version()["gitVersion"] == "v1.33.4"
        assert authorization(server) == ""
        write(config, proxy.url, user=user | {"client-key": "other.key"}, **authority)
        with pytest.raises(BadInput, match="are no pair"):
            from_kubeconfig(None, str(config))


def test_proxies(server: Canned, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with a name that only the proxy knows is reached: proxy-url first, then the environment."""
    answers = {"http://shop.invalid/version": OK}
    with Canned(answers) as proxy, Canned(answers) as other:
        config = write(home / "config", "http://shop.invalid", **{"proxy-url": proxy.url})
        monkeypatch.setenv("http_proxy", other.url)
        from_kubeconfig(None, str(config)).version()
        assert (len(proxy.heard), len(other.heard)) == (1, 0)
        from_kubeconfig(None, str(write(config, "http://shop.invalid"))).version()
        assert (len(proxy.heard), len(other.heard)) == (1, 1)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        from_kubeconfig(None, str(write(config, server.url))).version()
        assert (len(other.heard), len(server.heard)) == (1, 1)
        monkeypatch.setenv("http_proxy", "proxy.example.com:3128")
        with pytest.raises(BadInput, match="is no address"):
            from_kubeconfig(None, str(write(config, "http://shop.invalid")))


def test_an_authority_of_the_company(server: Canned, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubeconfig without certificate-authority trusts what OpenSSL trusts, and SSL_CERT_FILE says what that is."""
    with Proxy(server.url, tls=True) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca))
        config = write(home / "config", proxy.url)
        assert from_kubeconfig(None, str(config)).version()["gitVersion"] == "v1.33.4"


def test_a_certificate_that_nobody_shall_check(server: Canned, home: Path, recwarn: pytest.WarningsRecorder) -> None:
    with Proxy(server.url, tls=True) as proxy:
        config = write(home / "config", proxy.url, **{"insecure-skip-tls-verify": True})
        assert from_kubeconfig(None, str(config)).version()["gitVersion"] == "v1.33.4"
    assert [one for one in recwarn if issubclass(one.category, InsecureRequestWarning)] == []


def test_a_program_that_fails_on_a_terminal(server: Canned, home: Path) -> None:
    """There it speaks to the person itself, and the kubernetes package has no copy of what it said."""
    user = {"exec": EXEC | {"command": "sh", "args": ["-c", "echo Please log in >&2; exit 1"]}}
    config = write(home / "config", server.url, user=user)
    reader, terminal = pty.openpty()
    command = [sys.executable, "-m", "migrate.cli", "export", "--kubeconfig", config, "-w", home / "out"]
    done = subprocess.run(command, stdin=terminal, stdout=terminal, stderr=terminal, timeout=60, check=False)
    os.close(terminal)
    said = os.read(reader, 10_000).decode()
    os.close(reader)
    assert done.returncode == 4 and "Please log in" in said and "next:  run it by hand" in said
    assert "strip" not in said


@pytest.mark.parametrize("printed", ["[]", "3", "null", '{"status": null}', "{}", '{"apiVersion": "x", "kind": "y"}'])
def test_whatever_a_program_prints_it_is_told_in_words(server: Canned, home: Path, printed: str) -> None:
    user = {"exec": EXEC | {"command": "echo", "args": [printed]}}
    with pytest.raises(Exception, match="gave no credentials") as caught:
        from_kubeconfig(None, str(write(home / "config", server.url, user=user)))
    assert getattr(caught.value, "details", ()) and "type" not in str(getattr(caught.value, "details", ()))


@pytest.mark.parametrize(
    "proxy, said", [("socks5://127.0.0.1:9", "PySocks is missing"), ("nonsense:3128", "is no address")]
)
def test_a_proxy_of_a_cluster_that_google_describes(proxy: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(BadInput, match=said):
        with_token("acme/shop", "https://192.0.2.1", None, lambda: "t", login="Log in again.")
