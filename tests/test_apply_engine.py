"""The engine of apply at bad moments: answers that overtake each other, kinds that cannot be read, a late Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from apply_help import TODAY, Watched, plan_of, run
from contract.target_help import open_target

from migrate.cluster.outcome import Conflict, Unknown, Written
from migrate.cluster.pace import Pace
from migrate.cluster.target import KubeTarget
from migrate.flow import apply, release
from migrate.flow.noting import Sent
from migrate.flow.order import Order
from migrate.flow.run import Ended, Loop, Wait
from migrate.flow.waits import Came, Waits, _Awaited
from migrate.manifest.waves import wave_of
from migrate.model.journal import Outcome
from migrate.model.objects import Body
from migrate.model.ran import Ran
from migrate.model.ref import Ref
from migrate.model.selection import parse_selection
from migrate.practice import Cluster, Server
from migrate.practice.simulation import Simulation
from migrate.semantics.holding_release import KEEPER
from migrate.workspace.folder import open_workspace
from migrate.workspace.journal import read_journal

NOBODY: Any = None  # a target that nobody asks


def config(name: str) -> Ref:
    return Ref("", "ConfigMap", "shop", name)


def deployment(name: str) -> Ref:
    return Ref("apps", "Deployment", "shop", name)


def sent(ref: Ref, action: Outcome = Outcome.CREATED) -> Sent:
    return Sent(Ran(ref, action, wave_of(ref)), {"kind": ref.kind})


def loop(
    refs: Iterable[Ref],
    waits: Any,
    *,
    send: Callable[[Ref], Sent] = sent,
    gates: Mapping[Ref, Iterable[Ref]] | None = None,
    wait: Wait = Wait.ALL,
    stop: threading.Event | None = None,
    watched: Watched | None = None,
) -> Ended:
    refs = list(refs)
    run = Loop(Order(refs, gates or {}), send, waits, watched or Watched(), stop or threading.Event(), wait=wait)
    sizes: dict[int, int] = {}
    for ref in refs:
        sizes[wave_of(ref)] = sizes.get(wave_of(ref), 0) + 1
    return run.run(sizes)


class Overtaken(Waits):
    """A look that has read, and judged, what was added before the thread that added it could say so."""

    def __init__(self, why: str = "", note: str = "") -> None:
        super().__init__(NOBODY, 60)
        self.why, self.note, self.looked = why, note, threading.Event()

    def add(self, ref: Ref, body: Body) -> Came | None:
        if ref == config("slow"):
            self._awaited[ref] = _Awaited(0.0, "x")
            assert self.looked.wait(5)
            time.sleep(0.05)  # the look has put its answer, and the loop has taken it
            return None
        return Came(ref)

    def look(self) -> list[Came]:
        self._awaited.clear()
        self.looked.set()
        return [Came(config("slow"), note=self.note, why=self.why)]


def test_a_look_may_be_faster_than_the_thread_that_sent_the_object() -> None:
    behind = deployment("behind")
    for why, note in (("it failed", ""), ("", "worth a line"), ("", "")):
        ended = loop([config("slow"), behind], Overtaken(why, note), gates={behind: [config("slow")]})
        found = {one.ref.name: (one.action, one.message) for one in ended.results}
        assert found["slow"] == ((Outcome.FAILED, why) if why else (Outcome.CREATED, note))
        assert found["behind"][0] is (Outcome.SKIPPED if why else Outcome.CREATED)


def test_ctrl_c_counts_what_is_in_flight_not_what_lies_in_the_queue() -> None:
    stop, begun, watched = threading.Event(), threading.Semaphore(0), Watched()

    def slow(ref: Ref) -> Sent:
        begun.release()
        assert stop.wait(5)
        time.sleep(0.2)
        return sent(ref)

    def interrupt() -> None:
        for _ in range(8):
            begun.acquire()
        stop.set()

    threading.Thread(target=interrupt, daemon=True).start()
    nothing = Waits(NOBODY, 60)
    ended = loop([config(f"c{n}") for n in range(50)], nothing, send=slow, stop=stop, watched=watched)
    assert watched.in_flight == 8
    assert len(ended.results) == 8 and len(ended.untried) == 42


def test_without_waiting_nothing_can_be_late() -> None:
    """Also in a run that takes longer than --ready-timeout."""
    waits = Waits(NOBODY, 0)
    new = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1}}

    def unready(ref: Ref) -> Sent:
        return replace(sent(ref), live=new)

    ended = loop([deployment("a"), deployment("b")], waits, send=unready, wait=Wait.NONE)
    assert [one.action for one in ended.results] == [Outcome.CREATED] * 2 and ended.settling == ()


def body(kind: str, version: str = "v1", space: str = "shop", **more: Any) -> dict[str, Any]:
    place = {"namespace": space} if space else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "hook", **place}, **more}


APP = {"app": "hook"}
POD = {"metadata": {"labels": APP}, "spec": {"containers": [{"name": "hook", "image": "docker.io/library/hook:1"}]}}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
SERVICE = body("Service", spec={"selector": APP, "ports": [{"port": 443}]})
BACKEND = body("Deployment", "apps/v1", spec={"replicas": 1, "selector": {"matchLabels": APP}, "template": POD})
CALL: dict[str, Any] = {
    "name": "hook.shop.example",
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "clientConfig": {"service": {"namespace": "shop", "name": "hook"}},
    "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
}
HOOK = body("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "", webhooks=[CALL])
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hook"}
SCALER = body(
    "HorizontalPodAutoscaler",
    "autoscaling/v2",
    spec={"minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": TARGET},
)


@pytest.fixture
def target() -> Iterator[KubeTarget]:
    cluster = Cluster()
    server = Server(cluster).start()
    Simulation(cluster)
    yield open_target(server.url, pace=Pace(rate=5000, burst=5000))
    server.stop()


def key(folder: Path) -> Path:
    path = folder / "key"
    path.write_text("6b" * 32 + "\n")
    path.chmod(0o600)
    return path


def carried_out(story: ModuleType, target: KubeTarget, workspace: Path, **options: Any) -> dict[str, tuple[str, str]]:
    with story.prepare(target, workspace, today=TODAY, hash_key_file=key(workspace.parent), **options) as prepared:
        report = prepared.run(wait=Wait.WAVES, ready_timeout=10, watcher=Watched(), stop=threading.Event())
    return {one.ref.kind: (one.action.value, one.message) for one in report.results}


def test_a_webhook_does_not_arrive_before_a_backend_that_is_held(target: KubeTarget, tmp_path: Path) -> None:
    """--hold of one namespace, then the rest without it, then a release of the webhook alone: it would refuse all."""
    workspace, webhook = tmp_path / "w", "ValidatingWebhookConfiguration"
    plan_of([NAMESPACE, SERVICE, BACKEND, HOOK], workspace)
    shop = parse_selection(namespaces=["shop"])
    assert carried_out(apply, target, workspace, hold=True, select=shop)["Deployment"][0] == "held"
    assert carried_out(apply, target, workspace)[webhook][0] == "held"
    alone = carried_out(release, target, workspace, select=parse_selection(only=[f"{webhook}/hook"]))
    assert alone == {webhook: ("left_out", "it waits for Deployment/shop/hook, which is held")}
    assert carried_out(release, target, workspace)[webhook][0] == "created"
    assert {action for action, _ in carried_out(apply, target, workspace).values()} == {"unchanged"}


def test_what_has_no_namespace_is_left_out_before_anything_is_sent(target: KubeTarget, tmp_path: Path) -> None:
    plan_of([NAMESPACE, SERVICE, BACKEND], tmp_path / "w")
    without = parse_selection(exclude=["Namespace/shop"])
    found = carried_out(apply, target, tmp_path / "w", select=without)
    assert {action for action, _ in found.values()} == {"left_out"}
    assert found["Service"][1] == "Namespace/shop is not on the target, and not among what was selected"
    assert target.get(Ref("", "Namespace", "", "shop")) is None


class Losing:
    """A target that loses the first answer to each object, or refuses what hands replicas over, once."""

    def __init__(self, target: KubeTarget, *, hands_over: bool) -> None:
        self._target, self._hands_over, self._done = target, hands_over, set[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def apply(self, body: Body, *, manager: str) -> Written:
        name = f"{body['kind']} {manager}"
        first = name not in self._done
        self._done.add(name)
        if self._hands_over:
            return Conflict(()) if first and manager == KEEPER else self._target.apply(body, manager=manager)
        answer = self._target.apply(body, manager=manager)
        return Unknown("it is gone") if first else answer


@pytest.mark.parametrize("hands_over", [True, False], ids=["an autoscaler was faster", "answers are lost"])
def test_what_we_made_is_created_however_often_it_was_sent(
    target: KubeTarget, tmp_path: Path, hands_over: bool
) -> None:
    plan = plan_of([NAMESPACE, SERVICE, BACKEND, SCALER], tmp_path / "w")
    losing: Any = Losing(target, hands_over=hands_over)
    assert set(run(plan, losing, tmp_path / "w", wait=Wait.NONE).actions().values()) == {"created"}
    known = read_journal(open_workspace(tmp_path / "w"))
    assert len(known.made) == 4 and known.unknown == ()
    assert run(plan, target, tmp_path / "w", wait=Wait.NONE).writes == 0


class Never:
    """A target on which no Deployment gets ready; whoever looks for that stops the run."""

    def __init__(self, target: KubeTarget, stop: threading.Event) -> None:
        self._target, self._stop = target, stop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def get(self, ref: Ref, *version: str) -> Body | None:
        self._stop.set()
        return {**(self._target.get(ref, *version) or {}), "status": {}}


def test_ctrl_c_while_it_waits_says_stopped_although_all_was_sent(target: KubeTarget, tmp_path: Path) -> None:
    plan_of([NAMESPACE, SERVICE, BACKEND], tmp_path / "w")
    stop = threading.Event()
    never: Any = Never(target, stop)
    with apply.prepare(never, tmp_path / "w", today=TODAY, hash_key_file=key(tmp_path)) as prepared:
        report = prepared.run(wait=Wait.ALL, ready_timeout=60, watcher=Watched(), stop=stop)
    assert (report.exit, report.stopped, report.untried) == (130, "Ctrl-C", 0)
    # What ends by itself and finds nothing to write is the last run all the same.
    for resumed in (True, False):
        with apply.prepare(target, tmp_path / "w", today=TODAY, hash_key_file=key(tmp_path)) as prepared:
            again = prepared.run(wait=Wait.NONE, ready_timeout=60, watcher=Watched(), stop=threading.Event())
        assert bool(again.resumed) is resumed and (again.exit, again.written) == (0, 0)
