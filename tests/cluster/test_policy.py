"""--on-conflict on a real control plane: all scenes, each kind with a field fixed for life, finalizers, kills."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from apply_real import CHANGES, WRITES, Commands, Ended, Kill, before, through, writes
from contract.target_help import open_target
from holding_help import eventually
from policy_kinds import FIXED, changed
from policy_scenes import *  # noqa: F403
from policy_scenes import chosen, one, page, secret_of_others, settings
from policy_scenes_release import *  # noqa: F403
from rig.controlplane import ControlPlane
from rig.faults import Faults, Rule
from rollback_help import Died, Dying, Life, actions, obj

from migrate.flow import anew
from migrate.practice import Cluster, Server

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    served = Server(Cluster()).start()
    yield served.url
    served.stop()


@pytest.fixture
def life(control_plane: ControlPlane, source: str, tmp_path: Path) -> Life:
    return Life(control_plane.client(), tmp_path, f"policy{next(_numbers)}", open_target(source))


@pytest.mark.parametrize("kind", FIXED)
def test_each_kind_with_a_field_that_is_fixed(life: Life, kind: str) -> None:
    life.client.apply(obj("Namespace", life.space), manager="platform")
    was, planned = FIXED[kind](life.space)
    made = life.client.create(was)
    if kind == "Secret":
        life.on_source(obj("Namespace", life.space), planned)
    life.plan(planned)
    found = life.apply(policies=chosen("overwrite"), no_undo=True).results[0]
    assert found.action == "failed", found
    report = life.apply(policies=chosen("recreate"), no_undo=True)
    found = next(one for one in report.results if one.ref.kind == kind)
    assert found.policy == "recreate" and found.action in ("created", "held"), found
    now = life.client.raw("GET", life.client.path_of(planned))
    assert now["metadata"]["uid"] != made["metadata"]["uid"]
    again = life.apply(policies=chosen("recreate"), no_undo=True)
    assert again.written == 0 and again.exit == 0, again.results


@pytest.mark.parametrize("policy", ["fail", "overwrite", "keep-target", "adopt:argocd"])
def test_string_data_of_others_is_shown_nowhere(life: Life, policy: str) -> None:
    secret_of_others(life, policy, "stringData")


def test_its_pods_are_gone_before_the_new_one_is_there(life: Life) -> None:
    """And as many replicas as there were run afterwards, where an autoscaler chooses them."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    was, planned = FIXED["Deployment"](life.space)
    life.client.create(changed(was, "spec.replicas", 4))
    listed = lambda: life.client.list("v1", "Pod", life.space)  # noqa: E731
    eventually(lambda: len(listed()) == 4)
    old = {pod["metadata"]["uid"] for pod in listed()}
    last = listed()[0]
    life.client.patch(last, {"metadata": {"finalizers": ["example.com/slow"]}})

    def let_go() -> None:
        """A second after it was told to end, however long that takes to come."""
        name = last["metadata"]["name"]
        eventually(lambda: life.client.get("v1", "Pod", name, life.space)["metadata"].get("deletionTimestamp"))
        time.sleep(1)
        life.client.patch(last, {"metadata": {"finalizers": None}})

    threading.Thread(target=let_go, daemon=True).start()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = obj("HorizontalPodAutoscaler", "web", life.space, "autoscaling/v2")
    life.plan(planned, {**scaler, "spec": {"minReplicas": 1, "maxReplicas": 9, "scaleTargetRef": target}})
    left: list[int] = []
    real = life.target.apply

    def apply(body: Any, **options: Any) -> Any:
        if body["kind"] == "Deployment":
            left.append(len(old & {pod["metadata"]["uid"] for pod in listed()}))
        return real(body, **options)

    life.target.apply = apply
    report = life.apply(policies=chosen("recreate"))
    found = one(report, "Deployment/web")
    assert found.policy == "recreate" and "its pods with it" in found.message and left and set(left) == {0}
    now = life.get("apps/v1", "Deployment", "web")
    assert now is not None and now["spec"]["replicas"] == 4
    assert "DELETED and made anew" in page(report)


def test_it_is_said_before_the_question(life: Life) -> None:
    from apply_help import TODAY

    from migrate.flow import apply as story

    life.client.apply(obj("Namespace", life.space), manager="platform")
    was, planned = FIXED["Deployment"](life.space)
    life.client.create(was)
    life.plan(planned)
    options = {"today": TODAY, "hash_key_file": life.key, "policies": chosen("recreate")}
    with story.prepare(life.target, life.ws, **options) as ready:
        assert any("Deployment" in note and "DELETED" in note and "DOWN" in note for note in ready.notes), ready.notes
        # Somebody makes it anew after the question: nobody was asked about that one.
        life.client.delete(was)
        eventually(lambda: life.get("apps/v1", "Deployment", "web") is None)
        life.client.create(was)
    report = life.apply(policies=chosen(f"recreate=Deployment/{life.space}/*"))
    assert one(report, "Deployment/web").policy == "recreate"


def test_what_may_hold_data_needs_its_name(life: Life) -> None:
    life.client.apply(obj("Namespace", life.space), manager="platform")
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp2"}
    claim = obj("PersistentVolumeClaim", "data", life.space, spec=spec)
    made = life.client.create(claim)
    life.plan(changed(claim, "spec.storageClassName", "gp3"))
    ref = f"PersistentVolumeClaim/{life.space}/data"
    report = life.apply(policies=chosen("recreate"))
    found = one(report, "PersistentVolumeClaim/data")
    assert found.action == "left_out" and f"--recreate-data '{ref}'" in found.fix and report.written == 0
    assert life.apply(policies=chosen("recreate", data=[ref])).exit == 0
    now = life.get("v1", "PersistentVolumeClaim", "data")
    assert now is not None and now["metadata"]["uid"] != made["metadata"]["uid"]


def test_a_set_whose_claims_go_with_it_needs_its_name(life: Life) -> None:
    life.client.apply(obj("Namespace", life.space), manager="platform")
    was, planned = FIXED["StatefulSet"](life.space)
    retention = {"whenDeleted": "Delete", "whenScaled": "Retain"}
    life.client.create(changed(was, "spec.persistentVolumeClaimRetentionPolicy", retention))
    life.plan(planned)
    assert one(life.apply(policies=chosen("recreate")), "StatefulSet/web").action == "left_out"
    named = chosen("recreate", data=[f"StatefulSet/{life.space}/web"])
    assert one(life.apply(policies=named), "StatefulSet/web").policy == "recreate"


def test_a_finalizer_is_waited_for_and_gone_on_from(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anew, "_GONE", 1.0)
    life.client.apply(obj("Namespace", life.space), manager="platform")
    body = {**settings(life.space, level="debug"), "immutable": True}
    life.client.create(changed(body, "metadata.finalizers", ["example.com/hold"]))
    life.plan({**settings(life.space, level="info"), "immutable": True})
    for _ in range(2):
        found = one(life.apply(policies=chosen("recreate")), "ConfigMap/settings")
        assert found.action == "failed"
        assert "being deleted" in found.message or "example.com/hold" in found.message
    life.client.patch(body, {"metadata": {"finalizers": None}})
    eventually(lambda: life.get("v1", "ConfigMap", "settings") is None)
    assert life.apply().exit == 0
    now = life.get("v1", "ConfigMap", "settings")
    assert now is not None and now["data"] == {"level": "info"}


def test_what_ran_is_not_held_by_being_made_anew(life: Life) -> None:
    """Killed between its end and its new beginning, and gone on without the option."""
    was, planned = FIXED["Deployment"](life.space)
    life.plan(obj("Namespace", life.space), was)
    life.apply(hold=True)
    assert life.release().exit == 0
    life.plan(obj("Namespace", life.space), planned)
    with pytest.raises(Died):
        life.apply(hold=True, policies=chosen("recreate"), target=Dying(life.target, 1, late=True))
    eventually(lambda: life.get("apps/v1", "Deployment", "web") is None)
    report = life.apply(hold=True)
    assert actions(report)["Deployment/web"] == "created"
    now = life.get("apps/v1", "Deployment", "web")
    assert now is not None and now["spec"]["replicas"] == 1


def test_what_others_run_is_not_held_by_being_made_anew(life: Life) -> None:
    """Nothing but the journal says that it ran."""
    life.client.apply(obj("Namespace", life.space), manager="platform")
    was, planned = FIXED["Deployment"](life.space)
    life.client.create(was)
    life.plan(planned)
    with pytest.raises(Died):
        life.apply(hold=True, policies=chosen("recreate"), target=Dying(life.target, 1, late=True))
    eventually(lambda: life.get("apps/v1", "Deployment", "web") is None)
    assert actions(life.apply(hold=True)) == {"Deployment/web": "created"}
    now = life.get("apps/v1", "Deployment", "web")
    assert now is not None and now["spec"]["replicas"] == 1


def test_killed_for_real(control_plane: ControlPlane, tmp_path: Path) -> None:
    """kill -9 of the command line at each request that changes something, before and after the server acted, and at
    writes of its journal."""
    life = Life(control_plane.client(), tmp_path, "policy-kill")
    life.client.apply(obj("Namespace", life.space), manager="platform")
    was, planned = FIXED["Deployment"](life.space)
    run, proxy = Commands(tmp_path), before(control_plane).start()
    config = through(control_plane, proxy, tmp_path / "target.json")

    def go(*words: str, nth: int = 0, late: bool = False, tick: int = 0) -> Ended:
        proxy.faults = Faults(rules=[Rule(Kill(run.pid, late), WRITES, CHANGES, nth, times=1)] if nth else [])
        names = ("--context", "rig", "--kubeconfig", config, "--yes", "-w", tmp_path / "ws", "--wait", "none")
        return run("apply", *names, *words, die=tick)

    def again() -> str:
        with_it = life.get("apps/v1", "Deployment", "web")
        if with_it:
            life.client.delete(was)
            eventually(lambda: life.get("apps/v1", "Deployment", "web") is None)
        return str(life.client.create(was)["metadata"]["uid"])

    (tmp_path / "plan.yaml").write_text(yaml.safe_dump_all([planned]))
    assert run("plan", "--from", tmp_path / "plan.yaml", "-w", tmp_path / "ws").exit == 0
    policy = ("--on-conflict", "recreate")
    try:
        again()
        whole = go(*policy)
        assert whole.exit == 0 and "DELETED and made anew" in whole.out, whole.out
        requests = len(writes(proxy))
        assert requests >= 2 and whole.ticks > 4
        moments: list[dict[str, Any]] = [{"nth": n, "late": late} for n in (1, 2) for late in (False, True)]
        moments += [{"tick": tick} for tick in range(1, whole.ticks + 1)]
        died = 0
        for at in moments:
            first = again()
            died += go(*policy, **at).killed
            ended = go(*policy)
            assert ended.exit == 0, f"{at}: {ended.out}"
            now = life.get("apps/v1", "Deployment", "web")
            assert now is not None and now["metadata"]["uid"] != first, at
            assert now["spec"]["selector"]["matchLabels"]["tier"] == "b", at
            assert go(*policy).exit == 0 and writes(proxy) == [], at
        assert died > 0.8 * len(moments), f"{died} of {len(moments)}"
    finally:
        run.__exit__(None, None, None)
        proxy.stop()
