"""An export under a misbehaving network: the same bytes, or a reason; and nothing but reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from export_help import exported, kubeconfig, objects
from rig.faults import (
    Drip,
    Faults,
    Garbage,
    Gone,
    Latency,
    Proxy,
    Refuse,
    Reset,
    Rule,
    Stall,
    Status,
    Truncate,
    WrongType,
)

from migrate.cluster import wire
from migrate.cluster.kube import KubeSource
from migrate.cluster.kubeconfig import connect
from migrate.cluster.wire import Wire
from migrate.errors import NotLoggedIn, ReadOnly, Unreachable
from migrate.flow import lists, practice
from migrate.model.listing import Outcome


@pytest.fixture(scope="module")
def url(repo: Path) -> Iterator[str]:
    running = practice.start([str(repo / "examples" / "gke-cluster.json")], stdin=lambda: b"", port=0)
    yield running.server.url
    running.server.stop()


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    with Proxy(url) as proxy:
        yield proxy
    assert proxy.errors == []


@pytest.fixture(scope="module")
def quiet(url: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("quiet")
    exported(kubeconfig(folder, url), folder / "out")
    return objects(folder / "out")


SCRIPTS = {
    "busy": [Rule(Status(429, retry_after=0.01), chance=0.3), Rule(Status(503), chance=0.2)],
    "etcd": [Rule(Status(500), chance=0.3), Rule(Status(504, body=b"<html>"), chance=0.2)],
    "resets": [
        Rule(Reset("request"), chance=0.1),
        Rule(Reset("answer"), chance=0.1),
        Rule(Reset("head"), chance=0.1),
        Rule(Reset("body", after=0.5), chance=0.1),
    ],
    "cut": [Rule(Truncate(), chance=0.2), Rule(Truncate(honest=True), chance=0.2)],
    "lies": [Rule(Garbage(), chance=0.15), Rule(WrongType(), chance=0.15), Rule(Status(200, body=b"{}"), chance=0.1)],
    "slow": [Rule(Latency(0.02), chance=0.2), Rule(Refuse(0.02), times=2, chance=0.1)],
    "gone": [Rule(Gone(), chance=0.2)],
    "always gone": [Rule(Gone())],
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_faults_change_nothing(
    script: str, proxy: Proxy, quiet: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE", 3)
    monkeypatch.setattr(wire, "_ATTEMPTS", 40)
    proxy.faults = Faults(seed=11, rules=SCRIPTS[script])
    found = exported(kubeconfig(tmp_path, proxy.url), tmp_path / "out")
    assert proxy.faults.faults and any("continue=" in e.path for e in proxy.log)
    assert [str(x.kind) for x in found.listings if x.missing] == []
    assert objects(tmp_path / "out") == quiet
    assert {entry.method for entry in proxy.log} == {"GET"}


def test_the_server_says_how_long_to_wait(proxy: Proxy, tmp_path: Path) -> None:
    waits: list[float] = []
    connection = connect(None, str(kubeconfig(tmp_path, proxy.url)))
    for as_date in (False, True):
        proxy.faults = Faults(rules=[Rule(Status(429, retry_after=7, as_date=as_date), times=1)])
        KubeSource(connection, pause=waits.append).version()
    assert len(waits) == 2 and waits[0] == 7 and 5 < waits[1] <= 8


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Stall(0, seconds=20), "no answer within 0.3 s"),
        (Drip(size=1, every=0.05), "the answer was not whole after 1.5 s"),
    ],
)
def test_a_server_that_hangs_is_named(fault: Stall | Drip, said: str, proxy: Proxy, tmp_path: Path) -> None:
    proxy.faults = Faults(rules=[Rule(fault, path="/configmaps")])
    start = time.monotonic()
    found = exported(kubeconfig(tmp_path, proxy.url), tmp_path / "out", timeout=0.3)
    assert time.monotonic() - start < 10
    (failed,) = [x for x in found.listings if x.missing]
    assert (str(failed.kind), failed.outcome) == ("ConfigMap", Outcome.FAILED)
    assert said in failed.why and "(2 attempts)" in failed.why


def test_a_server_that_goes_away_is_not_asked_for_every_kind(proxy: Proxy, tmp_path: Path) -> None:
    proxy.faults = Faults(rules=[Rule(Status(503), path="limit=")])
    with pytest.raises(Unreachable, match="503 Service Unavailable"):
        exported(kubeconfig(tmp_path, proxy.url), tmp_path / "out")
    assert not (tmp_path / "out" / "snapshot").exists()


def test_credentials_that_end_half_way_are_renewed_or_named(proxy: Proxy, quiet: bytes, tmp_path: Path) -> None:
    from rig.faults import Unauthorized

    counter = tmp_path / "count"
    plugin = tmp_path / "plugin"
    plugin.write_text(
        f'#!/bin/sh\necho x >> {counter}\nprintf \'{{"apiVersion": "client.authentication.k8s.io/v1", "kind": '
        f'"ExecCredential", "status": {{"token": "t%s"}}}}\' "$(wc -l < {counter} | tr -d " ")"\n'
    )
    plugin.chmod(0o755)
    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    proxy.faults = Faults(rules=[Rule(Unauthorized(expire=True), nth=20)])
    exported(kubeconfig(tmp_path, proxy.url, {"exec": login}), tmp_path / "out")
    assert objects(tmp_path / "out") == quiet and counter.read_text().count("x") == 2
    proxy.faults = Faults(rules=[Rule(Unauthorized(expire=True), nth=20)])
    with pytest.raises(NotLoggedIn, match="does not accept the credentials of here"):
        exported(kubeconfig(tmp_path, proxy.url, {"token": "t"}), tmp_path / "late")
    assert not (tmp_path / "late" / "snapshot").exists()


VERBS = ["create", "update", "patch", "delete", "deletecollection", "proxy", "connect", "POST", "PUT", "GET", ""]
PATHS = [
    "/api/v1/namespaces/x/pods/p/exec",
    "/api/v1/namespaces/x/services/s/proxy/",
    "/api/v1/namespaces/x/pods/p",
    "/api/v1/namespaces/x/pods/p/log",
    "/api/v1/namespaces/x/status",
    "/api/v1/namespaces/x/finalize",
    "/api/v1/nodes/n/proxy",
    "/api/v1/namespaces/x/../y/pods",
    "/api/v1/namespaces//pods",
    "/apis/apps/v1/namespaces/x/deployments/d",
    "/apis/apps/v1/namespaces/x/deployments/d/scale",
    "/apis/subresources.example.com/v1/things/t/console",
    "/apis/apps/v1/deployments/../x",
    "/api/v1/pods?watch=1",
    "/logs/",
    "/healthz",
    "",
]


def test_only_reads_leave_the_process(proxy: Proxy, tmp_path: Path) -> None:
    asking = Wire(connect(None, str(kubeconfig(tmp_path, proxy.url))))
    for verb, path in [(verb, "/api/v1/configmaps") for verb in VERBS] + [("get", path) for path in PATHS]:
        with pytest.raises(ReadOnly) as caught:
            asking.ask(verb, path)
        assert caught.value.code == 70
    assert proxy.log == []
    allowed = ["/api/v1/configmaps", "/api/v1/namespaces/default/configmaps"]
    for path in [*allowed, "/apis/apps/v1/namespaces/default/deployments"]:
        asking.ask("list", path)
    assert len(proxy.log) == 3
    names = {name for name in dir(KubeSource) if not name.startswith("_")}
    assert names == {"name", "version", "kinds", "pages", "changes"}


def test_ctrl_c_leaves_the_old_snapshot(proxy: Proxy, tmp_path: Path) -> None:
    config, out = kubeconfig(tmp_path, proxy.url), tmp_path / "out"
    exported(config, out, without=["Secret"])
    before = objects(out)
    proxy.faults = Faults(rules=[Rule(Stall(0), path="/configmaps")])
    command = [sys.executable, "-m", "migrate.cli", "export", "--kubeconfig", str(config), "-w", str(out)]
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as child:
        end = time.monotonic() + 20
        while not any("/configmaps" in e.path for e in proxy.log) and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.3)
        start = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=10)
    assert child.returncode == 130 and time.monotonic() - start < 3 and b"Traceback" not in said
    assert objects(out) == before and sorted(p.name for p in out.iterdir()) == [".gke2eks", "snapshot"]
