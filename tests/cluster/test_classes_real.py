"""What a real API server and its controllers write into what we apply, and what people do: each gets its class."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import yaml
from classes_help import NS, OBJECTS, raws, send, step, table, thing, workload
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client, Json
from rig.shapes import eks
from rig.shapes.loading import admit, documents

from migrate import catalog
from migrate.differ.classes import classes
from migrate.differ.classes_objects import is_eks_own
from migrate.model.comparison import Class, Delta


@pytest.fixture(scope="module")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start() as plane:
        yield plane


@pytest.fixture(scope="module")
def made(plane: ControlPlane) -> list[tuple[Json, Json]]:
    """(sent, what apply answered) of every object."""
    return list(send(plane.client()))


def read(client: Client, one: Json) -> Json:
    metadata = one["metadata"]
    return client.get(one["apiVersion"], one["kind"], metadata["name"], metadata.get("namespace", ""))


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def judged(sent: Json, live: Json, scaled: bool = False) -> list[Delta]:
    sent = {key: value for key, value in sent.items() if key != "stringData"}
    return list(classes(step(sent), sent, sent, live, list(raws(sent, live)), scaled=scaled))


def test_the_table_is_what_the_server_says(made: list[tuple[Json, Json]]) -> None:
    assert table(made) == yaml.safe_load(catalog.text("server-defaults.yaml"))


def test_nothing_is_unexpected_after_an_apply(plane: ControlPlane, made: list[tuple[Json, Json]]) -> None:
    client = plane.client()
    bound = next(one for one, _ in made if one["metadata"]["name"] == "bound")
    full, gathered = (next(one for one, _ in made if one["metadata"]["name"] == name) for name in ("full", "agg"))
    eventually(lambda: "volumeName" in read(client, bound)["spec"])
    eventually(lambda: "annotations" in read(client, full)["metadata"])
    eventually(lambda: bool(read(client, gathered).get("rules")))
    seen: set[Class] = set()
    for sent, _ in made:
        live = read(client, sent)
        unsigned = {**live, "metadata": {k: v for k, v in live["metadata"].items() if k != "managedFields"}}
        for one in (live, unsigned):
            found = judged(sent, one)
            assert [(str(d.ref), str(d.path), d) for d in found if d.kind is Class.UNEXPECTED and _not_data(d)] == []
            seen |= {d.kind for d in found}
    assert seen >= {Class.DEFAULTED, Class.RUNTIME}


def _not_data(delta: Delta) -> bool:
    return delta.ref.kind != "Secret" or delta.path[0] != "data"  # its values are compared by hash


def test_what_people_write_is_unexpected_with_its_owner(plane: ControlPlane, made: list[tuple[Json, Json]]) -> None:
    client, sent = plane.client(), workload("touched")
    client.apply(sent, manager="gke2eks")
    for words in (["scale", "--replicas=3"], ["label", "x=y"], ["set", "env", "A=b"], ["set", "image", "main=c:1"]):
        at = 2 if words[0] == "set" else 1
        answer = plane.kubectl("-n", NS, *words[:at], "deployment/touched", *words[at:])
        assert answer.returncode == 0, answer.stderr
    live = read(client, sent)
    found = {str(d.path): d for d in judged(sent, live) if d.kind is Class.UNEXPECTED}
    owners = {path: delta.owner and delta.owner.manager for path, delta in found.items()}
    main = "spec.template.spec.containers[name=main]"
    assert owners == {
        "metadata.labels": "kubectl-label",
        "spec.replicas": None,
        f"{main}.env": "kubectl-set",
        f"{main}.image": "kubectl-set",
        "spec.template.spec.containers[name=latest].env": "kubectl-set",
    }
    # A scale is noted nowhere where nobody owned the replicas before: found all the same.
    assert found["spec.replicas"].target == 3
    assert "--on-conflict overwrite=Deployment/t/touched" in found[f"{main}.image"].fix


def test_a_scale_takes_planned_replicas_and_an_autoscaler_may(
    plane: ControlPlane, made: list[tuple[Json, Json]]
) -> None:
    client, sent = plane.client(), workload("scaled", replicas=2)
    client.apply(sent, manager="gke2eks")
    assert plane.kubectl("-n", NS, "scale", "deployment/scaled", "--replicas=3").returncode == 0
    live = read(client, sent)
    (found,) = (d for d in judged(sent, live) if str(d.path) == "spec.replicas")
    assert found.owner is not None
    assert (found.kind, found.planned, found.target, found.owner.manager) == (Class.UNEXPECTED, 2, 3, "kubectl")
    without = workload("scaled")
    (found,) = (d for d in judged(without, live, scaled=True) if str(d.path) == "spec.replicas")
    assert found.kind is Class.RUNTIME


def test_what_admission_writes_into_our_apply_belongs_to_nobody(plane: ControlPlane) -> None:
    client = plane.client()
    said = documents("eks_data/admission.yaml")[0]
    probe = thing("v1", "Service", "probe", "default", spec={"type": "LoadBalancer", "ports": [{"port": 1}]})
    wanted = said["standard"]["class"]
    admit(client, eks._policies(said, "standard"), probe, lambda it: it["spec"].get("loadBalancerClass") == wanted)
    sent = thing("v1", "Service", "classless", spec={"type": "LoadBalancer", "ports": [{"port": 80}]})
    live = client.apply(sent, manager="gke2eks")
    (found,) = (d for d in judged(sent, live) if str(d.path) == "spec.loadBalancerClass")
    assert (found.kind, found.owner) == (Class.DEFAULTED, None)


def test_what_kubernetes_makes_is_its_own_and_what_we_made_is_not(
    plane: ControlPlane, made: list[tuple[Json, Json]]
) -> None:
    client = plane.client()
    kinds = {
        ("apps/v1", "ReplicaSet"),
        ("v1", "ServiceAccount"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("v1", "Pod"),
    }
    kinds |= {("v1", "PersistentVolumeClaim"), ("v1", "Namespace"), ("v1", "Service")}
    kinds |= {("rbac.authorization.k8s.io/v1", kind) for kind in ("Role", "RoleBinding", "ClusterRole")}
    kinds |= {("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"), ("scheduling.k8s.io/v1", "PriorityClass")}
    kinds |= {("flowcontrol.apiserver.k8s.io/v1", kind) for kind in ("FlowSchema", "PriorityLevelConfiguration")}
    ours = {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in OBJECTS}
    ours |= {("Deployment", NS, "touched"), ("Deployment", NS, "scaled"), ("Service", NS, "classless")}
    for version, kind in sorted(kinds):
        for one in client.list(version, kind):
            name = (kind, one["metadata"].get("namespace", ""), one["metadata"]["name"])
            assert (is_eks_own(one) == "") == (name in ours), name
