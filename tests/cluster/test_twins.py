"""The guard of release on a real API server: what runs is seen, and the printed command stops it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml
from export_help import exported
from holding_help import CONTAINERS, body, cron_job, eventually, hpa, job, pods, running, with_a_node, workload
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json
from rig.users import Limited

from migrate.cluster.kube import from_kubeconfig
from migrate.flow.asking import role
from migrate.flow.plan import read_decisions, tables
from migrate.flow.twins import ask
from migrate.model.ref import Ref, group_of
from migrate.planner import plan
from migrate.semantics.going import going
from migrate.semantics.twins import Twin
from migrate.semantics.twins_data import claims_known, data_questions, held_for_data
from migrate.semantics.twins_release import command, refused


@pytest.fixture(scope="module")
def plane(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start(with_kwok=True, tokens=("reader",)) as plane:
        with_a_node(plane)
        yield plane


@pytest.fixture(scope="module")
def client(plane: ControlPlane) -> Client:
    return plane.client()


def ref(one: Json) -> Ref:
    return Ref(group_of(one["apiVersion"]), one["kind"], "default", one["metadata"]["name"])


def look(plane: ControlPlane, one: Json, kubeconfig: Path | None = None) -> Twin:
    source = from_kubeconfig("rig", str(kubeconfig or plane.kubeconfig()))
    return ask(source, [ref(one)], uid=plane.client().get("v1", "Namespace", "kube-system")["metadata"]["uid"])[
        ref(one)
    ]


def obey(plane: ControlPlane, twin: Twin) -> None:
    """Type what is printed, as a shell would read it."""
    assert twin.runs is not None
    for args in twin.runs.commands:
        line = shlex.split(command(("kubectl", "--context", "rig"), args))
        done = plane.kubectl(*line[1:])
        assert done.returncode == 0, (line, done.stderr)


WITH_PODS = [
    *(workload(k, "runs", replicas=2) for k in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")),
    workload("DaemonSet", "runs"),
    body("Pod", "runs", **CONTAINERS),
]


@pytest.mark.parametrize("one", WITH_PODS, ids=lambda one: str(one["kind"]))
def test_the_printed_command_stops_it_and_release_sees_that(plane: ControlPlane, client: Client, one: Json) -> None:
    name = f"runs-{one['kind'].lower()}"
    one = {**one, "metadata": {**one["metadata"], "name": name}}
    client.create(one)
    eventually(lambda: pods(client, name) and running(client, name, len(pods(client, name))))
    found = eventually(lambda: (twin := look(plane, one)).runs and twin.runs.commands and twin)
    assert found.doubts == () and found.unseen == ""
    obey(plane, found)
    eventually(lambda: look(plane, one) == Twin())
    assert pods(client, name) == []


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicationController"])
def test_pods_that_still_end_are_seen_although_no_status_counts_them(
    plane: ControlPlane, client: Client, kind: str
) -> None:
    name = f"slow-{kind.lower()}"
    one = workload(kind, name, replicas=1)
    client.create(one)
    eventually(lambda: running(client, name, 1))
    pod = pods(client, name)[0]
    client.patch(pod, {"metadata": {"finalizers": ["rig.example/slow"]}})
    obey(plane, look(plane, one))
    eventually(lambda: pods(client, name)[0]["metadata"].get("deletionTimestamp"))

    def said() -> str:
        twin = look(plane, one)
        return twin.runs.why if twin.runs else ""

    eventually(lambda: said().endswith(f"1 pod still ends: {pod['metadata']['name']}"))
    client.patch(pod, {"metadata": {"finalizers": None}})
    eventually(lambda: look(plane, one) == Twin())


def test_cron_jobs_and_jobs(plane: ControlPlane, client: Client) -> None:
    nightly, work = cron_job("nightly"), job("work", completions=2, parallelism=1)
    nightly["spec"]["schedule"] = "0 0 29 2 *"  # no tick of its own in the midst of this
    client.create(nightly)
    twin = look(plane, nightly)
    assert twin.runs and twin.runs.why == "is not suspended"
    obey(plane, twin)
    assert look(plane, nightly) == Twin()
    # No status of the CronJob names a Job that a person made of it.
    client.patch(client.get("v1", "Node", "node"), {"spec": {"unschedulable": True}})
    try:
        plane.kubectl("create", "job", "by-hand", "--from=cronjob/nightly")
        twin = eventually(lambda: (found := look(plane, nightly)).runs and found)
        assert (twin.runs.why, twin.runs.commands) == ("is stopped, and its Job by-hand still runs", ())
        client.create(work)
        twin = eventually(lambda: (found := look(plane, work)).runs and "1 pod of it" in found.runs.why and found)
        obey(plane, twin)
        eventually(lambda: look(plane, work) == Twin())
    finally:
        client.patch(client.get("v1", "Node", "node"), {"spec": {"unschedulable": None}})
    client.patch(client.get("batch/v1", "Job", "work", "default"), {"spec": {"suspend": False}})
    eventually(lambda: look(plane, work) == Twin())  # kwok's pods succeed at once: it is finished
    eventually(lambda: look(plane, nightly) == Twin())


SCALED_OBJECT = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "queue", "namespace": "default"},
    "spec": {"scaleTargetRef": {"name": "queue"}},
}


def scaled_objects() -> Json:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    names = {"plural": "scaledobjects", "singular": "scaledobject", "kind": "ScaledObject"}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": schema}
    spec = {"group": "keda.sh", "scope": "Namespaced", "names": names, "versions": [version]}
    meta = {"name": "scaledobjects.keda.sh"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


def test_autoscalers(plane: ControlPlane, client: Client) -> None:
    queue = workload("Deployment", "queue", replicas=0)
    client.create(queue)
    client.create(hpa(queue, 2))  # 0 is off, whatever its minimum
    eventually(lambda: look(plane, queue) == Twin())
    crd = client.create(scaled_objects())

    def established() -> bool:
        found = client.get(crd["apiVersion"], crd["kind"], crd["metadata"]["name"]).get("status", {})
        return any(c["type"] == "Established" and c["status"] == "True" for c in found.get("conditions") or ())

    def served() -> bool:
        """Discovery lists a kind a moment after it is established."""
        try:
            return bool(client.path("keda.sh/v1alpha1", "ScaledObject"))
        except ApiError:
            return False

    eventually(established)
    eventually(served)
    client.create(SCALED_OBJECT)
    twin = eventually(lambda: (found := look(plane, queue)).runs and found)
    assert "ScaledObject/queue" in twin.runs.why
    obey(plane, twin)
    notes = client.get("keda.sh/v1alpha1", "ScaledObject", "queue", "default")["metadata"]["annotations"]
    assert notes == {"autoscaling.keda.sh/paused-replicas": "0"}
    assert look(plane, queue) == Twin()


def test_the_right_to_export_is_enough_and_less_is_said(
    plane: ControlPlane, client: Client, limited_user: Callable[..., Limited]
) -> None:
    one = workload("Deployment", "rights", replicas=1)
    client.create(one)
    kinds = from_kubeconfig("rig", str(plane.kubeconfig())).kinds()
    rules = yaml.safe_load(role(kinds))["rules"]
    user = limited_user(plane, rules)
    twin = look(plane, one, user.kubeconfig)
    assert twin.runs and twin.runs.why == "wants 1 replica" and twin.doubts == ()
    less = [
        {**rule, "resources": [r for r in rule["resources"] if r not in ("deployments", "namespaces")]}
        for rule in rules
    ]
    twin = look(plane, one, limited_user(plane, [rule for rule in less if rule["resources"]]).kubeconfig)
    assert "deployments" in twin.unseen and twin.runs is None


CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": ""}


def test_a_database_waits_for_an_answer_about_its_data(plane: ControlPlane, client: Client, tmp_path: Path) -> None:
    """From the real source through export and plan: the claim is bound, so its set is held and may not start."""
    for n in range(2):
        spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
        spec |= {"csi": {"driver": "pd.csi.storage.gke.io", "volumeHandle": f"v{n}"}}
        client.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pv{n}"}, "spec": spec})
    templates = [{"metadata": {"name": "data"}, "spec": CLAIM}]
    db = workload("StatefulSet", "db", replicas=2, volumeClaimTemplates=templates)
    client.create(db)

    def bound() -> bool:
        found = client.list("v1", "PersistentVolumeClaim", "default")
        return len(found) == 2 and all(one["status"]["phase"] == "Bound" for one in found)

    eventually(bound)
    snapshot = exported(plane.kubeconfig(), tmp_path)
    runs = {"runs": {"StatefulSet/default/db": "both"}}

    def questions(**more: Json) -> tuple[list[str], str, bool]:
        (tmp_path / "gke2eks.yaml").write_text(json.dumps({**runs, **more}))
        decided, _ = read_decisions(tmp_path, today=date(2026, 11, 23), flavour=None)
        made = plan(snapshot, tables(), decided)
        found = data_questions(made, snapshot.objects, decided.answers, known=claims_known(snapshot))
        step = next(one for one in made.steps if one.ref == ref(db))
        left = refused([step], found, {ref(db): Twin()})
        held = ref(db) in going(made, more_held=held_for_data(made, found)).held
        return list(found.get(ref(db), ())), step.runs, held and bool(left)

    assert questions() == (["default/data-db-0", "default/data-db-1"], "both", True)
    assert questions(volumes={"default/data-db-0": "copied"}) == (["default/data-db-1"], "both", True)
    both = {"default/data-db-0": "copied", "default/data-db-1": "empty-ok"}
    assert questions(volumes=both) == ([], "both", False)
