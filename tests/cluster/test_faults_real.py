"""The fault proxy before a real API server: clients get in with tokens, and faults look like the server's."""

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.faults import (
    CONTINUE,
    Faults,
    Gone,
    Latency,
    Proxy,
    Refuse,
    Reset,
    Rule,
    Stall,
    Status,
    Truncate,
    Unauthorized,
    WatchEnd,
)
from rig.http import ApiError, Client

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")

COUNT = itertools.count()
BROKEN = (urllib3.exceptions.HTTPError, ApiError, ValueError)


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[Proxy]:
    """With the server's own certificate, so that whoever trusts the server trusts the proxy."""
    pair = (control_plane.folder / "server.crt", control_plane.folder / "server.key")
    with Proxy(control_plane.url, upstream_ca=control_plane.ca, certificate=pair) as proxy:
        assert proxy.ca == control_plane.ca
        yield proxy
    assert proxy.errors == []


@pytest.fixture
def client(proxy: Proxy, control_plane: ControlPlane) -> Iterator[Client]:
    client = Client(proxy.url, proxy.ca, control_plane.token(), timeout=10)
    yield client
    client.close()


@pytest.fixture
def room(control_plane: ControlPlane) -> str:
    """A namespace of this test's own, without the objects that controllers write into each."""
    name = f"faults-{next(COUNT)}"
    control_plane.client().create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def lease(room: str, name: str, holder: str = "a") -> dict:
    """Leases: small, and no controller writes any into a new namespace."""
    meta = {"name": name, "namespace": room}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": meta,
        "spec": {"holderIdentity": holder},
    }


def names(client: Client, room: str, **more) -> list[str]:
    return [item["metadata"]["name"] for item in client.list("coordination.k8s.io/v1", "Lease", room, **more)]


def retried(action: Callable[[], object], done: Callable[[ApiError], bool] = lambda _: False) -> int:
    """Do it until it works or `done` says that an error means it did; how often it took."""
    for attempt in range(1, 60):
        try:
            action()
            return attempt
        except BROKEN as error:
            if isinstance(error, ApiError) and done(error):
                return attempt
            time.sleep(0.01)
    raise AssertionError("59 attempts in vain")


def test_answers_are_the_servers_byte_for_byte(proxy: Proxy, control_plane: ControlPlane) -> None:
    pool = urllib3.PoolManager(ca_certs=str(control_plane.ca), retries=False)
    login = {"Authorization": f"Bearer {control_plane.token()}"}
    # Times and trace ids differ from one answer to the next, with or without a proxy.
    own = {"date", "audit-id", "x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"}
    paths = (
        "/version",
        "/api/v1",
        "/apis/apps/v1/deployments?limit=1",
        "/nope",
        "/openapi/v3/api/v1",
        "/readyz?verbose",
    )
    for path, accept in itertools.product(paths, ("identity", "gzip")):
        seen = []
        for url in (control_plane.url, proxy.url):
            headers = login | {"Accept-Encoding": accept}
            answer = pool.request("GET", url + path, headers=headers, decode_content=False)
            kept = sorted((k.lower(), v) for k, v in answer.headers.items() if k.lower() not in own)
            seen.append((answer.status, kept, answer.data))
        assert seen[0] == seen[1], path
        assert seen[0][2], path
    assert len(proxy.log) == 2 * len(paths)


def test_unauthorized_is_what_the_server_says(proxy: Proxy, control_plane: ControlPlane) -> None:
    pool = urllib3.PoolManager(ca_certs=str(proxy.ca), retries=False)
    proxy.faults = Faults(rules=[Rule(Unauthorized(), nth=2)])
    said = []
    for token in ("wrong", control_plane.token()):
        answer = pool.request("GET", proxy.url + "/api/v1/nodes", headers={"Authorization": f"Bearer {token}"})
        said.append((answer.status, answer.headers["Content-Type"], answer.json()))
    assert said[0] == said[1]
    assert said[0][0] == 401


def test_a_refused_user_stays_refused(proxy: Proxy, control_plane: ControlPlane) -> None:
    with pytest.raises(ApiError) as refused:
        Client(proxy.url, proxy.ca, control_plane.token("nobody")).list("v1", "Secret", "kube-system")
    assert (refused.value.status, refused.value.reason) == (403, "Forbidden")


def test_gone_between_pages(client: Client, proxy: Proxy, room: str) -> None:
    expected = [f"l-{n}" for n in range(7)]
    for name in expected:
        client.create(lease(room, name))
    proxy.faults = Faults(rules=[Rule(Gone(), nth=2)])
    with pytest.raises(ApiError) as gone:
        names(client, room, limit=2)
    assert (gone.value.status, gone.value.reason) == (410, "Expired")
    assert names(client, room, limit=2) == expected  # a list from the start
    # The token in the 410 is one that the real server takes: the list goes on where it stopped.
    token = gone.value.body["metadata"]["continue"]
    path = f"/apis/coordination.k8s.io/v1/namespaces/{room}/leases"
    rest = client.raw("GET", f"{path}?limit=10&continue={token}")["items"]
    assert [item["metadata"]["name"] for item in rest] == expected[4:]
    assert [e.fault for e in proxy.log if "continue=" in e.path][:2] == ["", "gone"]


@pytest.mark.parametrize("action", [Reset("answer"), Status(504, executed=True), Status(503), Reset("request")])
def test_was_it_written_or_not(client: Client, proxy: Proxy, room: str, action) -> None:
    client.path("coordination.k8s.io/v1", "Lease")  # discovery, asked before the fault
    written = action in (Reset("answer"), Status(504, executed=True))
    proxy.faults = Faults(rules=[Rule(action, method="POST", times=1)])
    with pytest.raises(BROKEN):
        client.create(lease(room, "once"))
    assert names(client, room) == (["once"] if written else [])
    if written:
        with pytest.raises(ApiError, match="AlreadyExists"):
            client.create(lease(room, "once"))
    else:
        client.create(lease(room, "once"))


def test_apply_through_a_storm(client: Client, proxy: Proxy, control_plane: ControlPlane, room: str) -> None:
    """Any mix of faults: a client that tries again reaches the same state, and the script says what it met."""
    storm = [
        Rule(Status(429, retry_after=0), chance=0.15),
        Rule(Status(504, executed=True), chance=0.1),
        Rule(Reset("request"), chance=0.1),
        Rule(Reset("answer"), chance=0.1),
        Rule(Reset("body", 0.5), chance=0.1),
        Rule(Truncate(0.5), chance=0.1),
        Rule(Latency(0.01), chance=0.1),
        Rule(Refuse(0.05), nth=30),
    ]
    client.path("coordination.k8s.io/v1", "Lease")
    proxy.faults = Faults(seed=7, rules=storm)
    attempts = [retried(lambda n=n: client.apply(lease(room, f"l-{n:02}", f"h-{n}"))) for n in range(40)]
    log = proxy.log
    proxy.faults = Faults()
    assert {e.rule for e in log} == {None, *range(len(storm))}
    assert len(log) <= sum(attempts)  # refused attempts never reach the proxy
    direct = control_plane.client().list("coordination.k8s.io/v1", "Lease", room)
    assert [item["spec"]["holderIdentity"] for item in direct] == [f"h-{n}" for n in range(40)]
    assert all(len(item["metadata"]["managedFields"]) == 1 for item in direct)


def test_watch(client: Client, proxy: Proxy, room: str) -> None:
    client.create(lease(room, "first"))
    events = client.watch("coordination.k8s.io/v1", "Lease", room, seconds=10)
    assert next(events)[1]["metadata"]["name"] == "first"
    late = threading.Timer(0.3, lambda: client.create(lease(room, "second")))
    start = time.monotonic()
    late.start()
    assert next(events)[1]["metadata"]["name"] == "second"
    assert time.monotonic() - start < 2  # as it happens, not when the watch ends
    events.close()
    late.join()

    def watched(how: str) -> list[str]:
        proxy.faults = Faults(rules=[Rule(WatchEnd(1, how))])
        seen = []
        for _, obj in client.watch("coordination.k8s.io/v1", "Lease", room, seconds=10):
            seen.append(obj["metadata"]["name"])
        return seen

    assert watched("end") == ["first"]
    with pytest.raises(ApiError, match="too old resource version") as old:
        watched("old")
    assert (old.value.status, old.value.reason) == (410, "Expired")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        watched("cut")


def test_a_stalled_and_a_cut_list(client: Client, proxy: Proxy, room: str) -> None:
    client.path("coordination.k8s.io/v1", "Lease")
    client.create(lease(room, "x"))
    proxy.faults = Faults(rules=[Rule(Stall(0.5, 60), nth=1), Rule(Truncate(0.5, honest=True), nth=2)])
    client.pool.connection_pool_kw["timeout"] = urllib3.Timeout(0.5)
    client.pool.clear()
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        names(client, room)
    path = f"/apis/coordination.k8s.io/v1/namespaces/{room}/leases"
    cut = client.pool.request("GET", proxy.url + path, headers=client.headers)
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.data)
    assert names(client, room) == ["x"]


class Kubectl:
    """kubectl, told to go through the proxy: only the address in its kubeconfig is another."""

    def __init__(self, assets: Assets, plane: ControlPlane, proxy: Proxy, folder: Path) -> None:
        self.program, self.folder, self.config = assets.path("kubectl"), folder, folder / "kubeconfig.json"
        self.config.write_text(plane.kubeconfig().read_text().replace(plane.url, proxy.url))

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), "--kubeconfig", str(self.config), *words]
        home = {"HOME": str(self.folder)}
        return subprocess.run(command, capture_output=True, text=True, env=home, timeout=60)


@pytest.fixture
def kubectl(assets: Assets, control_plane: ControlPlane, proxy: Proxy, tmp_path: Path) -> Kubectl:
    return Kubectl(assets, control_plane, proxy, tmp_path)


def test_kubectl_sends_its_token_and_tries_again(kubectl: Kubectl, client: Client, proxy: Proxy, room: str) -> None:
    for number in range(5):
        client.create(lease(room, f"l-{number}"))
    listing = ("get", "lease", "-n", room, "-o", "name", "--chunk-size=2")
    proxy.faults = Faults(rules=[Rule(Status(429, retry_after=1), path="/leases", times=1)])
    start = time.monotonic()
    done = kubectl(*listing)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert time.monotonic() - start >= 1
    leases = [e.fault for e in proxy.log if "/leases" in e.path]
    assert leases == ["status code=429 retry_after=1", "", "", ""]  # the same page again, then two more

    proxy.faults = Faults(rules=[Rule(Gone(), path=CONTINUE, times=1)])
    done = kubectl(*listing)
    assert "gone" in [e.fault for e in proxy.log]
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 2)  # two of five, and it says so
    assert "(Expired)" in done.stderr


def test_kubectl_with_an_expired_token(kubectl: Kubectl, proxy: Proxy) -> None:
    proxy.faults = Faults(rules=[Rule(Unauthorized(expire=True), nth=1)])
    done = kubectl("get", "nodes")
    assert done.returncode == 1
    assert "must be logged in" in done.stderr or "asked for the client to provide credentials" in done.stderr
    assert {e.fault for e in proxy.log} == {"unauthorized expire=True"}


def test_the_python_client_through_the_proxy(control_plane: ControlPlane, proxy: Proxy, room: str) -> None:
    from kubernetes import client as kube
    from kubernetes.dynamic import DynamicClient
    from kubernetes.dynamic.exceptions import DynamicApiError

    settings = kube.Configuration(host=proxy.url)
    settings.ssl_ca_cert = str(proxy.ca)
    settings.api_key = {"authorization": f"Bearer {control_plane.token()}"}
    with kube.ApiClient(settings) as api:
        dynamic = DynamicClient(api, cache_file=str(control_plane.folder / f"discovery-{room}.json"))
        path = f"/apis/coordination.k8s.io/v1/namespaces/{room}/leases"
        ask = lambda: dynamic.request("get", path, serialize=False, _request_timeout=(5, 5))  # noqa: E731
        assert json.loads(ask().data)["items"] == []
        proxy.faults = Faults(rules=[Rule(Status(503), times=1), Rule(Unauthorized(), nth=2)])
        for code in (503, 401):
            with pytest.raises(DynamicApiError) as refused:
                ask()
            assert refused.value.status == code
        assert json.loads(ask().data)["items"] == []
