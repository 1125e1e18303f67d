"""A control plane comes up, does what a cluster does, and leaves nothing behind, however it ends."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from rig import leaks
from rig.assets import PROGRAMS, Assets
from rig.controlplane import ControlPlane, ControlPlaneError
from rig.http import ApiError, Client

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
BUDGET = 10  # seconds to ready
CHILD = """
from rig.controlplane import ControlPlane
print("starting", flush=True)
with ControlPlane().start(with_kwok=True) as plane:
    print("ready", plane.url.rpartition(":")[2], flush=True)
    input()
"""


def port_of(plane: ControlPlane) -> int:
    return int(plane.url.rpartition(":")[2])


def nothing_left(plane: ControlPlane) -> bool:
    return not leaks.processes(plane.folder.name) and not leaks.answers(port_of(plane)) and not plane.folder.exists()


class Runner:
    """A process that starts a control plane, as a test run does; all its temporary files are in one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        own = {"TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            env=os.environ | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a group of its own, for a Ctrl-C that reaches nobody else
        )

    def hears(self, word: str) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(word), line + self.process.communicate(timeout=30)[1]
        return line

    def left(self) -> list[str]:
        return leaks.left(str(self.folder), self.folder)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture
def runner(assets: Assets, tmp_path: Path) -> Iterator[Runner]:
    one = Runner(tmp_path)
    yield one
    one.end()


def test_it_is_ready_in_time_and_stop_leaves_nothing(assets: Assets) -> None:
    plane, start = ControlPlane(assets), time.monotonic()
    try:
        plane.start(with_kwok=True)
        assert time.monotonic() - start < BUDGET
        assert set(plane.pids) == set(PROGRAMS) - {"kubectl"}
        assert len(leaks.processes(plane.folder.name)) == len(plane.pids)
        assert leaks.answers(port_of(plane))
        assert not nothing_left(plane)
    finally:
        plane.stop()
    assert nothing_left(plane)
    plane.stop()


def test_without_controllers_two_programs_run(assets: Assets) -> None:
    with ControlPlane(assets).start(with_controllers=False) as plane:
        assert set(plane.pids) == {"etcd", "kube-apiserver"}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "a", "image": "x"}]},
        }
        assert plane.client().create(pod)["metadata"]["uid"]


@linux
def test_only_the_api_server_listens_and_only_on_loopback(control_plane: ControlPlane) -> None:
    found = {name: leaks.listening(pid) for name, pid in control_plane.pids.items()}
    assert found.pop("kube-apiserver") == [f"127.0.0.1:{port_of(control_plane)}"]
    assert set(map(tuple, found.values())) == {()}


def test_users_are_who_they_are(control_plane: ControlPlane) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {"name": "x"}}
    answer = control_plane.client("reader").raw(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", None, review
    )
    assert answer["status"]["userInfo"]["username"] == "reader"
    with pytest.raises(ApiError) as refused:
        control_plane.client("reader").list("v1", "Secret")
    assert (refused.value.status, refused.value.reason) == (403, "Forbidden")
    with pytest.raises(ApiError) as unknown:
        Client(control_plane.url, control_plane.ca, "wrong").list("v1", "Secret")
    assert unknown.value.status == 401
    with pytest.raises(KeyError):
        control_plane.token("stranger")


def test_secrets_are_of_one_instance_and_private(control_plane: ControlPlane, assets: Assets) -> None:
    with ControlPlane(assets).start(with_controllers=False) as other:
        assert other.token() != control_plane.token()
        with pytest.raises(urllib3.exceptions.SSLError):
            Client(other.url, control_plane.ca, other.token()).raw("GET", "/version")
        for path in (other.folder, other.folder / "tokens.csv", other.kubeconfig()):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_controllers_and_kwok_make_pods_run(control_plane: ControlPlane) -> None:
    client = control_plane.client()
    room = {"cpu": "8", "memory": "32Gi", "pods": "110"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "runs"},
        "status": {"allocatable": room, "capacity": room},
    }
    labels = {"app": "web"}
    spec = {
        "replicas": 3,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "x"}]}},
    }
    meta = {"name": "web", "namespace": "runs"}
    client.create(node)
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runs"}})
    client.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    for _, seen in client.watch("apps/v1", "Deployment", "runs", seconds=30):
        if seen.get("status", {}).get("readyReplicas") == 3:
            break
    else:
        pytest.fail(f"3 pods did not get ready: {client.list('v1', 'Event', 'runs')}")
    assert client.get("v1", "ConfigMap", "kube-root-ca.crt", "runs")["data"]["ca.crt"] == control_plane.ca.read_text()
    assert "web" in control_plane.kubectl("get", "deployments", "-n", "runs").stdout


def test_a_start_that_fails_half_way_says_why_and_leaves_nothing(assets: Assets, tmp_path: Path) -> None:
    for name in PROGRAMS:
        (tmp_path / name).symlink_to(assets.path(name))
    (tmp_path / "kube-scheduler").unlink()
    (tmp_path / "kube-scheduler").write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
    (tmp_path / "kube-scheduler").chmod(0o755)
    plane = ControlPlane(Assets(tmp_path, assets.files))
    # The scheduler listens nowhere, so a start may be over before it ends: then the next look finds it.
    with pytest.raises(ControlPlaneError, match=r"kube-scheduler ended with code 3\nit is broken"):
        plane.start()
        for _ in range(100):
            plane.check()
            time.sleep(0.1)
    plane.stop()
    assert nothing_left(plane)
    (tmp_path / "etcd").unlink()
    with pytest.raises(ControlPlaneError, match=r"etcd .*No such file"):
        plane.start()
    assert nothing_left(plane)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_a_runner_that_is_ended_leaves_nothing(runner: Runner, number: signal.Signals) -> None:
    runner.hears("starting")
    port = int(runner.hears("ready").split()[1])
    assert leaks.answers(port)
    assert runner.left()
    os.killpg(runner.process.pid, number)
    runner.process.wait(timeout=30)
    assert leaks.settles(runner.left) == []
    assert not leaks.answers(port)


@pytest.mark.parametrize("delay", [0.02, 0.15, 0.5, 1.2, 2.0])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
def test_a_runner_that_is_ended_while_it_starts_leaves_nothing(
    runner: Runner, number: signal.Signals, delay: float
) -> None:
    runner.hears("starting")
    time.sleep(delay)
    os.killpg(runner.process.pid, number)
    runner.process.wait(timeout=30)
    assert runner.process.returncode != 0
    assert leaks.settles(runner.left) == []


@linux
def test_a_keeper_that_is_killed_takes_all_with_it(assets: Assets) -> None:
    plane = ControlPlane(assets).start(with_kwok=True)
    try:
        assert plane.keeper is not None
        plane.keeper.kill()
        assert leaks.settles(lambda: leaks.processes(plane.folder.name)) == []
        with pytest.raises(ControlPlaneError, match="keeper"):
            plane.check()
    finally:
        plane.stop()
    assert nothing_left(plane)


def test_a_program_that_ends_is_noticed(assets: Assets) -> None:
    with ControlPlane(assets).start(with_controllers=False) as plane:
        plane.check()
        os.kill(plane.pids["etcd"], signal.SIGKILL)
        assert leaks.settles(lambda: [] if complains(plane) else ["no complaint"]) == []


def complains(plane: ControlPlane) -> bool:
    try:
        plane.check()
    except ControlPlaneError as error:
        return "etcd ended with code -9" in str(error)
    return False


def test_several_at_once_from_threads_that_end(assets: Assets) -> None:
    """A signal at the parent's death is tied to the thread that started the child: ours must outlive that thread."""
    planes = [ControlPlane(assets) for _ in range(3)]
    threads = [threading.Thread(target=plane.start) for plane in planes]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({plane.url for plane in planes}) == 3
        for number, plane in enumerate(planes):
            plane.client().create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"only-{number}"}})
        for number, plane in enumerate(planes):
            names = {item["metadata"]["name"] for item in plane.client().list("v1", "Namespace")}
            assert {name for name in names if name.startswith("only-")} == {f"only-{number}"}
            plane.check()
    finally:
        for plane in planes:
            plane.stop()
    assert all(map(nothing_left, planes))


def test_logs_can_be_kept(assets: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GKE2EKS_RIG_LOGS", str(tmp_path / "logs"))
    with ControlPlane(assets).start(with_controllers=False) as plane:
        assert plane.log("kube-apiserver")
    assert (tmp_path / "logs" / plane.folder.name / "kube-apiserver.log").read_text()
    shutil.rmtree(tmp_path / "logs")
