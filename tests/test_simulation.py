"""What the practice cluster writes into statuses: whatever readiness waits for comes true, and no more than that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from export_help import kubeconfig
from practice_help import SELECTOR, TEMPLATE, World, body
from rig.http import Client

from migrate.cluster.kube import from_kubeconfig
from migrate.flow import practice
from migrate.flow.plan import make_plan
from migrate.flow.twins import ask
from migrate.model.ref import Ref, group_of
from migrate.practice.cluster import Asked
from migrate.practice.settling import Live
from migrate.practice.settling_others import SETTLE
from migrate.semantics.readiness import Ready, Waiting, readiness
from migrate.semantics.readiness_custom import _SPEAKS

Json = dict[str, Any]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


POD = {"containers": [{"name": "a", "image": "a"}]}
SCALED = {"replicas": 3, "template": TEMPLATE, **SELECTOR}
GATES = "gateway.networking.k8s.io/v1"


@pytest.mark.parametrize(
    "what",
    [
        *(body(f"apps/v1 {kind}", spec=SCALED) for kind in ("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet")),
        body("v1 ReplicationController", spec={"replicas": 2, "template": TEMPLATE, "selector": {"app": "web"}}),
        body("batch/v1 Job", spec={"completions": 2}),
        body("batch/v1 CronJob", spec={}),
        body("v1 Pod", spec=POD),
        body("v1 PersistentVolumeClaim", spec={}),
        body("v1 PersistentVolume", spec={}),
        body("v1 Service", spec={"type": "LoadBalancer"}),
        body("networking.k8s.io/v1 Ingress", spec={}),
        body("apiregistration.k8s.io/v1 APIService", spec={"service": {"name": "a", "namespace": "shop"}}),
        body("policy/v1 PodDisruptionBudget", spec={"minAvailable": 0, **SELECTOR}),
        body("snapshot.storage.k8s.io/v1 VolumeSnapshot", spec={}),
        body(f"{GATES} HTTPRoute", spec={"parentRefs": [{"name": "door"}]}),
        *(body(f"{group}/v1 {kind}", spec={}) for group, kind in _SPEAKS if "Route" not in kind),
    ],
    ids=lambda one: f"{one['kind']}.{group_of(one['apiVersion'])}",
)
def test_whatever_readiness_waits_for_comes_true(world: World, what: Json) -> None:
    world.send(what)
    world.becomes(what, lambda live: readiness(live) == Ready())


def test_every_kind_that_speaks_is_heard() -> None:
    plurals = {(group, plural) for group, plural in SETTLE}
    for group, kind in _SPEAKS:
        plural = f"{kind.lower()}{'es' if kind.endswith('ss') else 's'}"
        assert (group, plural) in plurals, kind


def test_an_autoscaler_and_a_budget_follow_their_workload(world: World) -> None:
    web = body("apps/v1 Deployment", spec=SCALED)
    named = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    hpa = body("autoscaling/v2 HorizontalPodAutoscaler", spec={"maxReplicas": 5, "scaleTargetRef": named})
    pdb = body("policy/v1 PodDisruptionBudget", spec={"minAvailable": "50%", **SELECTOR})
    world.send(hpa)
    world.send(pdb)
    found = world.becomes(hpa, lambda live: "status" in live)
    assert isinstance(readiness(found), Waiting), found["status"]  # without its target it waits, as the real one does
    world.send(web)
    found = world.becomes(hpa, lambda live: readiness(live) == Ready())
    assert found["status"]["currentReplicas"] == 3
    found = world.becomes(pdb, lambda live: live["status"].get("currentHealthy") == 3)["status"]
    assert (found["desiredHealthy"], found["disruptionsAllowed"], found["expectedPods"]) == (2, 1, 3)
    world.send({**web, "spec": {**SCALED, "replicas": 0}})
    world.becomes(hpa, lambda live: readiness(live) == Ready(inert="its target has 0 replicas, so it does not scale"))
    found = world.becomes(pdb, lambda live: live["status"]["currentHealthy"] == 0)["status"]
    assert found["conditions"][0]["reason"] == "InsufficientPods" and found["conditions"][0]["observedGeneration"] == 1


def test_statuses_come_to_rest(world: World) -> None:
    web = body("apps/v1 Deployment", spec=SCALED)
    hpa = body("autoscaling/v2 HorizontalPodAutoscaler", spec={"scaleTargetRef": {"kind": "Deployment", "name": "web"}})
    world.send(hpa)
    world.send(web)
    world.becomes(hpa, lambda live: readiness(live) == Ready())
    world.becomes(web, lambda live: readiness(live) == Ready())
    with world.cluster.store.lock:
        assert world.cluster.store.lock.wait_for(lambda: not world.simulation.busy, 5)


def test_a_daemon_set_has_a_pod_for_each_node_that_it_is_for(world: World) -> None:
    def agent(name: str, **selector: str) -> Json:
        template = {**TEMPLATE, "spec": {"nodeSelector": selector}}
        return body("apps/v1 DaemonSet", name, spec={"template": template, **SELECTOR})

    held = agent("held", **{"gke2eks/hold": "true"})
    world.send(held)
    world.becomes(held, lambda live: readiness(live) == Ready(inert="no node is for it"))
    for name in ("a", "b"):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"zone": name}}}
        world.send(node)
    for agents, wanted in ((agent("all"), 2), (agent("one", zone="a"), 1)):
        world.send(agents)
        found = world.becomes(agents, lambda live: "status" in live)
        assert found["status"]["desiredNumberScheduled"] == wanted


def test_loaded_pods_end_with_their_workload_and_no_others_do(world: World) -> None:
    web = body("apps/v1 Deployment", spec=SCALED)
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u", "controller": True}
    pods = [body("v1 Pod", name, spec=POD) for name in ("web-1-a", "other", "mine")]
    for pod, labels, owned in zip(pods, ("web", "other", "web"), (True, True, False), strict=True):
        pod["metadata"] |= {"labels": {"app": labels}, "ownerReferences": [owner] if owned else []}
        world.send(pod)
    world.send(web)
    world.becomes(web, lambda live: readiness(live) == Ready())
    world.send({**web, "spec": {**SCALED, "replicas": 0}})
    world.becomes(web, lambda live: live["status"].get("replicas") == 0)
    assert {name for _, (_, name), _ in world.cluster.store.each(("", "pods"))} == {"other", "mine"}


def test_a_volume_is_bound_by_the_claim_that_names_it(world: World) -> None:
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": {}}
    claim = body("v1 PersistentVolumeClaim", spec={"volumeName": "disk"})
    world.send(volume)
    world.becomes(volume, lambda live: live.get("status", {}).get("phase") == "Available")
    world.send(claim)
    world.becomes(volume, lambda live: live["status"]["phase"] == "Bound")


def test_a_gated_pod_and_a_suspended_job_wait() -> None:
    pod = Live({"metadata": {}}, {"schedulingGates": [{"name": "gke2eks/hold"}]}, {}, lambda _: ())
    job = Live({"metadata": {}}, {"suspend": True}, {}, lambda _: ())
    assert SETTLE["", "pods"](pod) == {} == SETTLE["batch", "jobs"](job)


def test_all_of_the_example_becomes_ready(repo: Path, tmp_path: Path, world: World) -> None:
    example = str(repo / "examples" / "gke-cluster.json")
    made = make_plan([example], tmp_path / "out", stdin=lambda: b"", today=date(2026, 11, 23)).plan
    bodies = {step.ref: step.body for step in made.steps if step.body is not None}
    assert len(bodies) > 45
    kinds = {ref: world.cluster.kinds.named(str(body["apiVersion"]), ref.kind) for ref, body in bodies.items()}
    asked = {ref: Asked(kind, ref.namespace, ref.name, manager="gke2eks") for ref, kind in kinds.items() if kind}
    assert asked.keys() == bodies.keys()
    for ref in (ref for wave in made.waves for ref in wave):
        world.cluster.apply(asked[ref], dict(bodies[ref]), force=False)

    def waits() -> dict[str, Any]:
        found = {str(ref): readiness(world.cluster.get(one)) for ref, one in asked.items()}
        return {ref: one for ref, one in found.items() if one != Ready()}

    with world.cluster.store.lock:
        world.cluster.store.lock.wait_for(lambda: not waits(), 5)
    assert waits() == {}


def test_what_a_person_stops_on_a_practice_source_is_stopped(repo: Path, tmp_path: Path) -> None:
    running = practice.start([str(repo / "examples" / "gke-cluster.json")], stdin=lambda: b"", port=0)
    try:
        source = from_kubeconfig("here", str(kubeconfig(tmp_path, running.server.url)))
        client = Client(running.server.url)
        suspend, zero = {"spec": {"suspend": True}}, {"spec": {"replicas": 0}}
        stops = {
            ("apps/v1", "Deployment", "app", "worker"): zero,
            ("apps/v1", "StatefulSet", "data", "redis"): zero,
            ("batch/v1", "CronJob", "app", "daily-report"): suspend,
        }
        refs = [Ref(group_of(version), *rest) for version, *rest in stops]
        assert all(one.runs and one.runs.commands for one in ask(source, refs).values())
        for (version, kind, space, name), change in stops.items():
            client.patch(client.get(version, kind, name, space), change)
        end = time.monotonic() + 5
        while any(one.runs for one in ask(source, refs).values()) and time.monotonic() < end:
            time.sleep(0.05)
        assert {ref: one.runs for ref, one in ask(source, refs).items()} == dict.fromkeys(refs)
    finally:
        running.server.stop()
