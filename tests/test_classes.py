"""Each difference gets its class; what a real API server writes is in tests/cluster/test_classes_real.py."""

from dataclasses import dataclass
from typing import Any

import pytest

from migrate.differ.classes import classes, classify, expected, held_deltas
from migrate.differ.classes_objects import extra, held_absent, is_eks_own, missing
from migrate.manifest.places import get, put
from migrate.model.comparison import Class, Owner
from migrate.model.effects import Cause
from migrate.model.objects import MISSING
from migrate.model.path import P, Path, parse
from migrate.model.plan import Change, Fate, Standing, Step
from migrate.model.ref import Ref, group_of
from migrate.semantics.holding import MARK, hold, marked

D, R, U, E, H = Class.DEFAULTED, Class.RUNTIME, Class.UNEXPECTED, Class.EXPECTED, Class.HELD
TIME = "2026-11-24T03:00:00Z"


@dataclass(frozen=True)
class Raw:
    path: Path
    planned: Any
    target: Any


def body(kind: str = "Deployment", version: str = "apps/v1", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "api", "namespace": "shop"}, "spec": spec}


def step(planned: dict[str, Any], *changes: Change) -> Step:
    ref = Ref(group_of(planned["apiVersion"]), planned["kind"], "shop", "api")
    return Step(ref, "v1", Fate.MIGRATE, Cause.NONE, Standing.READY, "", None, planned, changes, ())


def by(manager: str, *paths: str, operation: str = "Update") -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for path in paths:
        here = fields
        for word in path.split("/"):
            here = here.setdefault(f"f:{word}", {})
    return {"manager": manager, "operation": operation, "time": TIME, "fieldsV1": fields}


def one(
    path: str, planned: Any, target: Any, *entries: dict[str, Any], kind: str = "Deployment", version: str = "apps/v1"
) -> Any:
    """The class of a difference, on an object that says who wrote it (somebody wrote a label at least)."""
    where = parse(path)
    wanted = body(kind, version) if planned is MISSING else put(body(kind, version), where, planned)
    live = body(kind, version) if target is MISSING else put(body(kind, version), where, target)
    live = put(live, P("metadata", "managedFields"), [by("gke2eks", "metadata/labels/x", operation="Apply"), *entries])
    return classify(step(wanted), wanted, wanted, live, Raw(where, planned, target))


NAME = 'metadata.annotations["deployment.kubernetes.io/revision"]'
EDIT = "kubectl-edit"


@pytest.mark.parametrize(
    ("path", "planned", "target", "entries", "kind"),
    [
        ("spec.revisionHistoryLimit", MISSING, 10, [], D),
        ("spec.revisionHistoryLimit", MISSING, 10, [by("kubectl-create", "spec/revisionHistoryLimit")], D),
        ("spec.revisionHistoryLimit", MISSING, 5, [by(EDIT, "spec/revisionHistoryLimit")], U),
        ("spec.replicas", MISSING, True, [by(EDIT, "spec/replicas")], U),  # True is not the default 1
        ("spec.paused", MISSING, True, [], D),  # nobody owns it: admission wrote it
        ("spec.paused", MISSING, True, [by(EDIT, "spec/paused")], U),
        ("spec.paused", MISSING, True, [by("gke2eks", "spec/paused", operation="Apply")], U),
        ("spec.replicas", 2, 3, [by("kubectl", "spec/replicas")], U),
        ("spec.replicas", 2, 3, [by("kube-controller-manager", "spec/replicas")], R),
        ("spec.replicas", MISSING, 3, [by("gke2eks-replicas", "spec/replicas", operation="Apply")], R),
        ("spec.replicas", MISSING, 3, [], U),  # a scale that the server notes nowhere
        ("spec.replicas", MISSING, 1, [], D),
        ("spec.replicas", 2, MISSING, [], U),
        ("status.replicas", MISSING, 3, [], R),
        (NAME, MISSING, "4", [], R),
        ("metadata.uid", MISSING, "x", [], R),
        ("metadata.finalizers", MISSING, ["service.k8s.aws/resources"], [by("controller", "metadata/finalizers")], R),
        ("metadata.finalizers", ["mine"], ["mine", "kubernetes.io/pvc-protection"], [], R),
        ("metadata.finalizers", MISSING, ["theirs/x"], [by("theirs", "metadata/finalizers")], U),
        ("metadata.finalizers", ["mine"], ["foregroundDeletion"], [], U),
        ("spec.strategy", MISSING, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}, [], D),
        ("spec.strategy", MISSING, {"type": "Recreate"}, [by(EDIT, "spec/strategy/type")], U),
    ],
)
def test_class(path: str, planned: Any, target: Any, entries: list[Any], kind: Class) -> None:
    found = one(path, planned, target, *entries)
    assert found.kind is kind, found
    assert (found.planned, found.target) == (planned, target) and found.because
    assert bool(found.fix) == (kind is U)


def test_an_unexpected_value_says_who_when_and_what_to_do() -> None:
    found = one("spec.replicas", 2, 3, by(EDIT, "spec/replicas"))
    assert found.owner == Owner(EDIT, TIME) and found.because == "written by kubectl-edit"
    assert found.fix.splitlines() == [
        "gke2eks apply --only Deployment/shop/api --on-conflict overwrite=Deployment/shop/api",
        "or, if the target is right, in gke2eks.yaml:",
        "overrides: [{ref: Deployment/shop/api, path: spec.replicas, value: 3, reason: changed on the target}]",
    ]
    gone = one("spec.paused", True, MISSING)
    assert gone.fix.splitlines()[0] == "gke2eks apply --only Deployment/shop/api" and "value" not in gone.fix


def test_who_owns_the_list_that_lost_an_item_is_told() -> None:
    wanted, live = body(args=["a", "b"]), body(args=["a"])
    live = put(live, P("metadata", "managedFields"), [by(EDIT, "spec/args")])
    found = classify(step(wanted), wanted, wanted, live, Raw(P("spec", "args", 1), "b", MISSING))
    assert (found.kind, found.owner) == (U, Owner(EDIT, TIME)) and "--on-conflict" in found.fix


def test_what_is_only_there_is_split_where_its_parts_differ() -> None:
    notes = {"deployment.kubernetes.io/revision": "4", "team": "a"}
    wanted = body()
    live = put(wanted, P("metadata", "annotations"), notes)
    live = put(live, P("metadata", "managedFields"), [by(EDIT, "metadata/annotations/team")])
    raw = Raw(P("metadata", "annotations"), MISSING, notes)
    found = {str(delta.path): delta.kind for delta in classes(step(wanted), wanted, wanted, live, [raw])}
    assert found == {NAME: R, "metadata.annotations.team": U}
    assert classify(step(wanted), wanted, wanted, live, raw).kind is U


def test_a_container_that_somebody_added_is_one_delta() -> None:
    sidecar = {"name": "side", "image": "x:1", "imagePullPolicy": "IfNotPresent", "resources": {}}
    wanted = body(template={"spec": {"containers": [{"name": "main"}]}})
    live = body(template={"spec": {"containers": [{"name": "main"}, sidecar]}})
    key = 'k:{"name":"side"}'
    fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": {key: {".": {}, "f:name": {}, "f:image": {}}}}}}}
    live = put(live, P("metadata", "managedFields"), [{"manager": EDIT, "operation": "Update", "fieldsV1": fields}])
    raw = Raw(parse("spec.template.spec.containers[name=side]"), MISSING, sidecar)
    (found,) = classes(step(wanted), wanted, wanted, live, [raw])
    assert (found.kind, found.owner) == (U, Owner(EDIT))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("containers[name=side]", {"name": "side", "image": "x:1"}),
        ("initContainers[name=side]", {"name": "side", "image": "x:1"}),
        ("volumes[name=secrets]", {"name": "secrets", "emptyDir": {}}),
        ("nodeSelector", {"disk": "ssd"}),
        ("tolerations", [{"operator": "Exists"}]),
        ("containers[name=main].env[name=A]", {"name": "A", "value": "b"}),
    ],
)
def test_what_admission_adds_to_what_pods_run_is_unexpected_though_nobody_owns_it(path: str, value: Any) -> None:
    wanted = body(template={"spec": {"containers": [{"name": "main"}]}})
    live = put(wanted, P("metadata", "managedFields"), [by("gke2eks", "spec/replicas")])
    raw = Raw(parse(f"spec.template.spec.{path}"), MISSING, value)
    (found,) = classes(step(wanted), wanted, wanted, live, [raw])
    assert (found.kind, found.owner) == (U, None) and "webhook" in found.because and "override" in found.fix


def test_what_the_server_fills_in_inside_of_what_pods_run_is_a_default() -> None:
    wanted = body(template={"spec": {"volumes": [{"name": "c", "configMap": {"name": "c"}}]}})
    live = put(wanted, P("metadata", "managedFields"), [by("gke2eks", "spec/replicas")])
    raw = Raw(parse("spec.template.spec.volumes[name=c].configMap.defaultMode"), MISSING, 420)
    (found,) = classes(step(wanted), wanted, wanted, live, [raw])
    assert found.kind is D


@pytest.mark.parametrize(
    ("kind", "version", "path", "target", "expected_class"),
    [
        ("CSIDriver", "storage.k8s.io/v1", "spec.volumeLifecycleModes", ["Persistent"], D),
        ("Service", "v1", "spec.clusterIP", "10.0.0.1", D),
        ("Service", "v1", "spec.type", "ClusterIP", D),
        ("Service", "v1", "spec.type", "NodePort", U),
        ("Job", "batch/v1", "spec.selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": "x"}}, D),
        ("PersistentVolumeClaim", "v1", "spec.volumeName", "pv", R),
        ("Pod", "v1", "spec.nodeName", "node", R),
        ("Pod", "v1", "spec.volumes", [{"name": "kube-api-access-x", "projected": {"defaultMode": 420}}], D),
        ("Pod", "v1", "spec.volumes", [{"name": "mine", "emptyDir": {}}], U),
        ("Thing", "ex.io/v1", "spec.a", 1, U),
    ],
)
def test_of_files_the_table_decides(kind: str, version: str, path: str, target: Any, expected_class: Class) -> None:
    wanted = body(kind, version)
    live = put(wanted, parse(path), target)
    assert classify(step(wanted), None, wanted, live, Raw(parse(path), MISSING, target)).kind is expected_class


def test_a_volume_other_than_planned_is_no_choice_of_a_controller() -> None:
    path, wanted = parse("spec.volumeName"), body("PersistentVolumeClaim", "v1", volumeName="a")
    live = body("PersistentVolumeClaim", "v1", volumeName="b")
    assert classify(step(wanted), None, wanted, live, Raw(path, "a", "b")).kind is U


def test_rules_of_a_role_are_runtime_only_where_they_are_gathered() -> None:
    rules = [{"verbs": ["*"]}]
    for more, kind in ({"aggregationRule": {}}, R), ({}, U):
        wanted = body("ClusterRole", "rbac.authorization.k8s.io/v1") | more
        live = {**wanted, "rules": rules}
        assert classify(step(wanted), None, wanted, live, Raw(P("rules"), MISSING, rules)).kind is kind


def test_a_node_port_that_somebody_chose_is_no_choice_of_the_server() -> None:
    path, wanted = parse("spec.healthCheckNodePort"), body("Service", "v1")
    live = put(wanted, path, 30000)
    live = put(live, P("metadata", "managedFields"), [by(EDIT, "spec/healthCheckNodePort")])
    assert classify(step(wanted), None, wanted, live, Raw(path, MISSING, 30000)).kind is U


def test_an_item_of_a_set_that_the_server_fills_in() -> None:
    wanted = body("CSIDriver", "storage.k8s.io/v1")
    for name, kind in (("Persistent", D), ("Ephemeral", U)):
        raw = Raw(parse(f'spec.volumeLifecycleModes[""="{name}"]'), MISSING, name)
        assert classify(step(wanted), None, wanted, body("CSIDriver", "storage.k8s.io/v1"), raw).kind is kind


def test_a_status_is_one_delta_whoever_wrote_its_parts() -> None:
    wanted = body()
    live = {**wanted, "status": {"a": 1, "b": 2}}
    live = put(live, P("metadata", "managedFields"), [by("one", "status/a"), by("two", "status/b")])
    (found,) = classes(step(wanted), None, wanted, live, [Raw(P("status"), MISSING, live["status"])])
    assert found.kind is R


def test_replicas_that_apply_leaves_to_an_autoscaler_are_runtime() -> None:
    planned, wanted, live = body(replicas=2), body(), body(replicas=7)
    raw = Raw(P("spec", "replicas"), MISSING, 7)
    assert classify(step(planned), None, wanted, live, raw).kind is R
    assert classify(step(wanted), None, wanted, live, raw).kind is U
    assert classify(step(wanted), None, wanted, live, raw, scaled=True).kind is R


def test_expected_is_what_the_plan_changed_and_the_target_shows() -> None:
    def change(path: str, before: Any, after: Any) -> Change:
        return Change("STO001", parse(path), before, after, "why")

    changes = (change("spec.a", 1, 2), change("spec.gone", 1, MISSING), change("spec.map", MISSING, {"x": 1}))
    changes += (change("spec.other", 1, 2), change("spec.flag", 0, True))
    live = body(a=2, map={"x": 1, "filled": 2}, other=3, flag=1)
    found = {str(delta.path): delta for delta in expected(step(body(), *changes), body(a=1), live)}
    assert found.keys() == {"spec.a", "spec.gone", "spec.map"}
    assert all((one.kind, one.rule, one.because) == (E, "STO001", "why") for one in found.values())
    assert (found["spec.a"].source, found["spec.a"].planned, found["spec.a"].target) == (1, 2, 2)
    alike = expected(step(body(), *changes), None, live, lambda path, one, other: one == 2 and other == 3)
    assert "spec.other" in {str(delta.path) for delta in alike}


def test_what_is_held_says_what_runs_at_release() -> None:
    planned = body(replicas=3)
    held = hold(planned)
    assert held is not None and held.body is not None
    found = {str(one.path): one for one in held_deltas(step(planned), held.body, held.body)}
    assert found.keys() == {"spec.replicas", str(MARK)}
    assert (found["spec.replicas"].planned, found["spec.replicas"].target, found["spec.replicas"].kind) == (3, 0, H)
    woken = put(held.body, P("spec", "replicas"), 5)
    assert [str(one.path) for one in held_deltas(step(planned), held.body, woken)] == [str(MARK)]
    released = marked(planned, released=True)
    assert list(held_deltas(step(planned), released, released)) == []
    assert list(held_deltas(step(planned), held.body, None)) == []


def test_whole_objects() -> None:
    planned = step(body())
    assert missing(planned, "it is not there").fix == "gke2eks apply --only Deployment/shop/api"
    assert missing(planned, "", ("gke2eks", "apply", "-w", "a b")).fix.startswith("gke2eks apply -w 'a b' --only ")
    assert held_absent(planned, "later").kind is H and not held_absent(planned, "later").fix
    live = put(body(), P("metadata", "managedFields"), [by("one", "spec/a") | {"time": "2025"}, by("two", "spec/b")])
    found = extra(planned.ref, live)
    assert (found.kind, found.owner) == (Class.EXTRA, Owner("two", TIME)) and "--allow-extra" in found.fix


SECRET = "aHVudGVyMg=="


def test_no_secret_value_is_in_any_delta() -> None:
    applied = "kubectl.kubernetes.io/last-applied-configuration"
    wanted = {**body("Secret", "v1"), "data": {"a": SECRET, "b": SECRET}}
    live = {**body("Secret", "v1"), "data": {"a": "aHVudGVyMw==", "c": SECRET}}
    live = put(live, P("metadata", "annotations", applied), SECRET)
    raws = [Raw(P("data", key), get(wanted, ("data", key)), get(live, ("data", key))) for key in "abc"]
    raws += [Raw(P("data"), MISSING, live["data"]), Raw(P("data"), wanted["data"], MISSING)]
    raws += [Raw(P("metadata", "annotations"), MISSING, {applied: SECRET, "other": "x"})]
    raws += [Raw(P("stringData", "a"), "hunter2", MISSING), Raw(P(), wanted, live)]
    changes = [Change("R", P("data", "a"), SECRET, "aHVudGVyMw==", "why"), Change("R", P("data"), wanted, MISSING, "")]
    found = [*classes(step(wanted), wanted, wanted, live, raws), *expected(step(wanted, *changes), wanted, live)]
    found += [classify(step(wanted), wanted, wanted, live, raw) for raw in raws]
    for text in (SECRET, "aHVudGVyMw", "hunter"):
        assert text not in repr(found)
    assert found[0].planned == found[0].target == "(secret, 7 bytes)"


@pytest.mark.parametrize(
    ("kind", "version", "name", "space", "own"),
    [
        ("Namespace", "v1", "kube-system", "", True),
        ("Namespace", "v1", "shop", "", False),
        ("ConfigMap", "v1", "aws-auth", "kube-system", True),
        ("ConfigMap", "v1", "aws-auth", "shop", False),
        ("ConfigMap", "v1", "kube-root-ca.crt", "shop", True),
        ("ServiceAccount", "v1", "default", "shop", True),
        ("DaemonSet", "apps/v1", "aws-node", "kube-system", True),
        ("DaemonSet", "apps/v1", "mine", "kube-system", False),
        ("Deployment", "apps/v1", "coredns", "kube-system", True),
        ("ClusterRole", "rbac.authorization.k8s.io/v1", "eks:addon-manager", "", True),
        ("ClusterRole", "rbac.authorization.k8s.io/v1", "system:node", "", True),
        ("ClusterRole", "rbac.authorization.k8s.io/v1", "view", "", True),
        ("ClusterRole", "rbac.authorization.k8s.io/v1", "pdcsi-mine", "", False),  # a name of GKE's is nobody's here
        ("PriorityClass", "scheduling.k8s.io/v1", "system-node-critical", "", True),
        ("Lease", "coordination.k8s.io/v1", "any", "shop", True),
    ],
)
def test_what_is_eks_own(kind: str, version: str, name: str, space: str, own: bool) -> None:
    found = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": space}}
    assert bool(is_eks_own(found)) is own


def test_what_a_controller_owns_or_made_is_not_extra() -> None:
    pod = body("Pod", "v1")
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-1", "controller": True}
    assert is_eks_own(pod) == ""
    assert "ReplicaSet/shop/api-1" in is_eks_own(put(pod, P("metadata", "ownerReferences"), [owner]))
    claim = body("PersistentVolumeClaim", "v1")
    by_set = put(claim, P("metadata", "managedFields"), [by("kube-controller-manager", "spec/a")])
    assert is_eks_own(by_set) == "made by kube-controller-manager"
    mine = [by("kube-controller-manager", "spec/volumeName"), by("kubectl-create", "spec/a")]
    assert is_eks_own(put(claim, P("metadata", "managedFields"), mine)) == ""
