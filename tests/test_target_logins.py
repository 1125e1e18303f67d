"""What a person is told when a target lets nobody in: words for a target, and of EKS, never those of a source."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from export_help import kubeconfig
from rig import pki
from rig.faults import Faults, Proxy, Rule, Status, Unauthorized

from migrate.cluster.connection import Connection, with_token
from migrate.cluster.kube import KubeSource
from migrate.cluster.kube import from_kubeconfig as as_source
from migrate.cluster.outcome import Applied
from migrate.cluster.target import KubeTarget, from_kubeconfig
from migrate.errors import Error, Forbidden, NotLoggedIn, Refused
from migrate.flow import practice
from migrate.model.listing import Kind

KIND = Kind("", "v1", "configmaps", "ConfigMap", True, ("list",))
BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default"}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    running = practice.start([], stdin=lambda: b"", port=0)
    yield running.server.url
    running.server.stop()


def no(error: Error) -> str:
    assert error.next
    return f"{error.what}\n{error.next}"


def no_pause(_: float) -> None:
    pass


def test_no_kubeconfig_for_a_target(tmp_path: Path) -> None:
    with pytest.raises(Error) as caught:
        from_kubeconfig("prod", str(tmp_path / "none"))
    assert "aws eks update-kubeconfig" in no(caught.value) and "--eks" in no(caught.value)
    assert "gcloud" not in no(caught.value)


def test_login_programs_of_a_target(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubeconfig of `aws eks update-kubeconfig` starts aws; --eks needs no program."""
    program = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "aws"}
    config = str(kubeconfig(tmp_path, url, {"exec": program}))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Error) as caught:
        from_kubeconfig("here", config)
    assert "--eks REGION/CLUSTER" in no(caught.value) and "gcloud" not in no(caught.value)
    with pytest.raises(Error) as caught:
        as_source("here", config)
    assert "--eks" not in no(caught.value)
    (tmp_path / "aws").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "aws").chmod(0o755)
    with pytest.raises(NotLoggedIn) as caught:
        from_kubeconfig("here", config)
    assert "aws sso login" in no(caught.value) and "gcloud" not in no(caught.value)


def test_a_command_that_tries_a_login_names_the_file(tmp_path: Path, url: str) -> None:
    config = str(kubeconfig(tmp_path, url, {"token": "t"}))
    with Proxy(url, Faults(rules=[Rule(Unauthorized())])) as proxy, pytest.raises(NotLoggedIn) as caught:
        from_kubeconfig("here", str(kubeconfig(tmp_path, proxy.url, {"token": "t"}))).version()
    assert f"`kubectl --kubeconfig {config} --context here get namespaces`" in no(caught.value)


def test_a_certificate_of_somebody_else(tmp_path: Path, url: str) -> None:
    (tmp_path / "other").mkdir()
    pki.write(tmp_path / "other")
    other = tmp_path / "other" / "ca.crt"
    with Proxy(url, tls=True) as proxy:
        config = str(kubeconfig(tmp_path, proxy.url, {"token": "t"}, ca=other))
        said = []
        for opened in (as_source("here", config), from_kubeconfig("here", config)):
            with pytest.raises(Refused) as caught:
                opened.version()
            said.append(no(caught.value))
        eks = with_token("us-east-2/prod", proxy.url, other.read_bytes(), lambda: "t", login="", target=True)
        with pytest.raises(Refused) as caught:
            KubeTarget(eks).version()
        said.append(no(caught.value))
        assert proxy.log == []
    assert "get-credentials" in said[0] and "update-kubeconfig" not in said[0]
    assert "aws eks update-kubeconfig" in said[1] and "gcloud" not in said[1]
    # A context holds an authority, so nothing in the environment adds one; AWS was asked a moment ago.
    assert "certificate-authority" in said[0] and "SSL_CERT_FILE" not in said[0] + said[1] + said[2]
    assert "gcloud" not in said[2] and "kubeconfig" not in said[2] and "stands between" in said[2]


def door(proxy: Proxy, login_again: str = "") -> Connection:
    return with_token(
        "us-east-2/prod", proxy.url, None, lambda: "t", login="an access entry", login_again=login_again, target=True
    )


def test_a_right_that_is_missing(tmp_path: Path, url: str) -> None:
    with Proxy(url, Faults(rules=[Rule(Status(403), method="GET", path="/configmaps")])) as proxy:
        config = str(kubeconfig(tmp_path, proxy.url))
        for opened in (from_kubeconfig("here", config), KubeTarget(door(proxy))):
            with pytest.raises(Forbidden) as caught:
                list(opened.pages(KIND))
            assert "access target" in no(caught.value) and "access source" not in no(caught.value)
        with pytest.raises(Forbidden) as caught:
            list(as_source("here", config).pages(KIND))
        assert "access source" in no(caught.value)


def test_who_was_let_in_before_is_told_to_log_in_again(url: str) -> None:
    with Proxy(url, Faults(rules=[Rule(Unauthorized(), path="/configmaps")])) as proxy:
        target = KubeTarget(door(proxy, login_again="log in to AWS again"))
        with pytest.raises(NotLoggedIn) as caught:
            list(target.pages(KIND))
        assert "an access entry" in no(caught.value) and "missing or expired" in no(caught.value)
        target.version()
        for ask in (lambda: list(target.pages(KIND)), lambda: target.apply(BODY)):
            with pytest.raises(NotLoggedIn) as caught:
                ask()
            assert "log in to AWS again" in no(caught.value) and "access entry" not in no(caught.value)
            assert "no longer accepts" in caught.value.what


def test_a_young_token_that_is_refused_is_made_anew(url: str) -> None:
    """A clock that goes wrong by minutes makes a token old before its time."""
    numbers = itertools.count(1)
    current = [f"token {next(numbers)}"]

    def forget() -> None:
        current[0] = f"token {next(numbers)}"

    with Proxy(url, Faults(rules=[Rule(Unauthorized(expire=True), method="PATCH|GET", nth=(2, 5))])) as proxy:
        connection = with_token("t", proxy.url, None, lambda: current[0], login="", forget=forget, target=True)
        source, target = KubeSource(connection), KubeTarget(connection, pause=no_pause)
        source.version()
        source.version()
        assert current == ["token 2"]
        assert isinstance(target.apply(BODY), Applied)
        assert current == ["token 3"]
        assert [entry.fault for entry in proxy.log].count("") == len(proxy.log) - 2


def test_the_token_is_not_looked_up_for_each_of_thousands_of_requests() -> None:
    """But after a refusal at once."""
    from kubernetes.client import Configuration

    asked: list[int] = []

    def hook(config: Configuration) -> None:
        asked.append(1)
        config.api_key["authorization"] = f"Bearer {len(asked)}"

    config = Configuration(host="http://127.0.0.1:1")
    config.refresh_api_key_hook = hook
    connection = Connection("prod", config, login="log in.", target=True, renew=lambda: config)
    assert {connection.authorization() for _ in range(50)} == {"Bearer 1"} and len(asked) == 1
    assert connection.renew("Bearer 1") and connection.authorization() == "Bearer 2"
    source = Connection("gke", config, login="log in.")
    assert {source.authorization() for _ in range(3)} == {"Bearer 3", "Bearer 4", "Bearer 5"}
