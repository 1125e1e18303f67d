"""What a real API server takes, and never a no about what comes with the plan; add-ons and flavours on the shapes."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract.target_help import as_client
from preflight_target_help import Json, a_going, thing
from preflight_trials import POD, client, config, of, plane, tried, workload
from rig.http import Client
from shapes_fixtures import Shape
from shapes_help import eventually

from migrate.flow.dry_runs import dry_runs
from migrate.flow.fingerprint import who
from migrate.flow.plan import tables
from migrate.flow.view import View
from migrate.model.checks import Shown, Status
from migrate.model.decided import Decided
from migrate.model.effects import Severity
from migrate.planner import plan
from migrate.preflight import addons, identity
from migrate.reading import read
from migrate.semantics.going import going as all_that_goes

__all__ = ["client", "plane"]


def everything_is_as_before(client: Client, names: set[str]) -> None:
    assert {one["metadata"]["name"] for one in client.list("v1", "Namespace")} == names


def test_what_is_taken_passes_and_leaves_no_trace(client: Client) -> None:
    before = {one["metadata"]["name"] for one in client.list("v1", "Namespace")}
    going = a_going(workload("a", "shop", replicas=3), config("a", "shop"), held=True)
    found = tried(client, going)
    assert [(one.id, one.status.value, one.message) for one in found] == [
        ("PRE040", "pass", "ConfigMap/shop/a would be created."),
        ("PRE040", "pass", "Deployment/shop/a would be created."),
    ]
    everything_is_as_before(client, before)
    assert client.list("apps/v1", "Deployment", "shop") == []


def test_a_namespace_that_is_only_in_the_plan_makes_no_false_not_found(client: Client) -> None:
    """Every namespaced kind takes the throw-away name; the Namespace itself, RBAC and claims come in one plan."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": "new"}
    ports = {"ports": [{"port": 80}]}
    batch = {"template": {"spec": {**POD, "restartPolicy": "Never"}}}
    size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    bodies = [
        thing("v1 Namespace", "new"),
        thing("v1 ServiceAccount", "robot", "new"),
        thing("v1 Secret", "s", "new", type="Opaque", data={"k": "(secret, 12 bytes, key k)"}),
        config("c", "new", a="b"),
        thing("v1 Service", "web", "new", spec=ports),
        thing("v1 Service", "h", "new", spec={"clusterIP": "None", **ports}),
        thing("v1 PersistentVolumeClaim", "data", "new", spec=size),
        thing("v1 ResourceQuota", "q", "new", spec={"hard": {"pods": "1"}}),
        thing("v1 LimitRange", "l", "new", spec={"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}),
        thing("rbac.authorization.k8s.io/v1 Role", "r", "new", rules=rules),
        thing("rbac.authorization.k8s.io/v1 RoleBinding", "r", "new", roleRef=role, subjects=[subject]),
        *(workload("web", "new", kind) for kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")),
        thing("batch/v1 Job", "j", "new", spec=batch),
        thing("batch/v1 CronJob", "j", "new", spec={"schedule": "1 * * * *", "jobTemplate": {"spec": batch}}),
        thing("v1 Pod", "p", "new", spec={**POD, "serviceAccountName": "robot", "priorityClassName": "urgent"}),
        thing("scheduling.k8s.io/v1 PriorityClass", "urgent", value=7),
        thing("networking.k8s.io/v1 NetworkPolicy", "n", "new", spec={"podSelector": {}}),
        thing(
            "networking.k8s.io/v1 Ingress",
            "i",
            "new",
            spec={"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
        ),
        thing(
            "policy/v1 PodDisruptionBudget",
            "b",
            "new",
            spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        ),
        thing("autoscaling/v2 HorizontalPodAutoscaler", "h", "new", spec={"maxReplicas": 3, "scaleTargetRef": scaled}),
        thing("v1 Endpoints", "e", "new"),
        thing("discovery.k8s.io/v1 EndpointSlice", "e", "new", addressType="IPv4", endpoints=[]),
        thing("coordination.k8s.io/v1 Lease", "l", "new"),
        thing("v1 PodTemplate", "t", "new", template={"spec": POD}),
    ]
    found = tried(client, a_going(*bodies))
    wrong = [one for one in found if one.id == "PRE040" and one.status is not Status.PASS]
    assert wrong == []
    assert len(of(found, "PRE040", Status.PASS)) == len(bodies)
    (space,) = of(found, "PRE042")
    assert space.status is Status.UNKNOWN and len(space.refs) == len(bodies) - 2 and "Namespace new" in space.message
    pod = next(one for one in found if one.refs and one.refs[0].kind == "Pod")
    assert "without ServiceAccount/new/robot and PriorityClass/urgent" in pod.message
    (made,) = of(found, "PRE045")
    assert made.status is Status.UNKNOWN and "Secret/new/s" in made.message


def test_a_pod_whose_account_comes_with_the_plan(client: Client) -> None:
    pod = thing("v1 Pod", "p", "shop", spec={**POD, "serviceAccountName": "robot"})
    alone = tried(client, a_going(pod))
    assert [(one.status, one.severity) for one in alone] == [(Status.FINDING, Severity.BLOCKER)]
    assert "robot" in alone[0].message
    together = tried(client, a_going(pod, thing("v1 ServiceAccount", "robot", "shop")))
    assert {one.status for one in together} == {Status.PASS}


class Blind(View):
    """A target whose Namespaces may not be listed."""

    def of(self, group: str, kind: str) -> Shown:
        return Shown({}, "the caller may not list it") if kind == "Namespace" else super().of(group, kind)


def test_namespaces_that_may_not_be_listed(client: Client) -> None:
    """Then the server's own no tells that the Namespace is still to come."""
    target = as_client(client)
    going = a_going(thing("v1 Namespace", "unseen"), config("a", "unseen"), config("a", "shop"))
    found = list(dry_runs(target, going, Blind(target), {}))
    assert [(one.id, one.status.value, str(one.refs[0])) for one in found] == [
        ("PRE040", "pass", "ConfigMap/shop/a"),
        ("PRE040", "pass", "ConfigMap/unseen/a"),
        ("PRE040", "pass", "Namespace/unseen"),
        ("PRE042", "unknown", "ConfigMap/unseen/a"),
    ]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("Opaque", {"a": "(secret, 3 bytes, key a)"}),
        (
            "kubernetes.io/tls",
            {"tls.crt": "(secret, 9 bytes, key tls.crt)", "tls.key": "(secret, 9 bytes, key tls.key)"},
        ),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "(secret, 90 bytes, key .dockerconfigjson)"}),
        ("kubernetes.io/dockercfg", {".dockercfg": "(secret, 90 bytes, key .dockercfg)"}),
        ("kubernetes.io/basic-auth", {"username": "(secret, 1 bytes, key username)"}),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": "(secret, 9 bytes, key ssh-privatekey)"}),
    ],
)
def test_made_up_values_fit_the_type_of_a_secret(client: Client, kind: str, data: Json) -> None:
    found = tried(client, a_going(thing("v1 Secret", "made", "shop", type=kind, data=data)))
    assert [(one.id, one.status.value) for one in found] == [("PRE040", "pass"), ("PRE045", "unknown")]


def test_a_secret_that_is_too_large_is_so_with_made_up_values(client: Client) -> None:
    big = thing("v1 Secret", "big", "shop", type="Opaque", data={"a": "(secret, 1200000 bytes, key a)"})
    found = tried(client, a_going(big))
    assert of(found, "PRE040", Status.FINDING)


def test_a_token_secret_is_tried_without_data(client: Client) -> None:
    data = {"token": "(secret, 9 bytes, key token)"}
    notes = {"kubernetes.io/service-account.name": "robot"}
    token = thing("v1 Secret", "t", "shop", type="kubernetes.io/service-account-token", notes=notes, data=data)
    assert of(tried(client, a_going(token)), "PRE040", Status.PASS)


def test_the_planned_example_is_taken(client: Client, repo: Path) -> None:
    """Nothing of it is there yet, and nothing of it is refused, not found or dropped."""
    snapshot = read(
        [str(repo / "examples/gke-cluster.json")], stdin=lambda: b"", needles=(), hash_key=b"k" * 32
    ).snapshot
    going = all_that_goes(plan(snapshot, tables(), Decided()))
    found = tried(client, going)
    assert [one for one in found if one.status is Status.FINDING] == []
    assert len(of(found, "PRE040", Status.PASS)) == len(going.steps) > 20


def test_add_ons_of_both_flavours(eks_standard: Shape) -> None:
    view = View(as_client(eks_standard.client))
    balanced = {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb", "ports": [{"port": 1}]}
    going = a_going(
        thing("storage.k8s.io/v1 StorageClass", "fast", provisioner="ebs.csi.aws.com"),
        thing("v1 PersistentVolume", "s3", spec={"csi": {"driver": "s3.csi.aws.com", "volumeHandle": "x"}}),
        thing("v1 Service", "web", "shop", spec=balanced),
        thing("networking.k8s.io/v1 NetworkPolicy", "n", "shop", spec={"podSelector": {}}),
    )
    found = {one.id: one for one in addons.checks(going, view)}
    assert found["PRE011"].status is Status.PASS
    assert found["PRE014"].status is Status.FINDING and "aws-mountpoint-s3-csi-driver" in found["PRE014"].fix
    assert found["PRE020"].status is Status.FINDING and "enableNetworkPolicy" in found["PRE020"].fix

    def balancer() -> bool:  # its pods may still be starting
        now = addons.checks(going, View(as_client(eks_standard.client)))
        return {one.id: one.status for one in now}["PRE012"] is Status.PASS

    assert eventually(balancer)
    who_is = {one.id: one for one in identity.checks(going, view, source_uid="another")}
    assert [who_is[id].status for id in ("PRE001", "PRE002", "PRE010")] == [Status.PASS] * 3


def test_auto_mode_shows_its_flavour(eks_auto: Shape) -> None:
    view = View(as_client(eks_auto.client))
    assert identity.shown_flavour(view) == "auto"
    policy = thing("networking.k8s.io/v1 NetworkPolicy", "n", "shop", spec={"podSelector": {}})
    going = a_going(policy, thing("storage.k8s.io/v1 StorageClass", "f", provisioner="ebs.csi.eks.amazonaws.com"))
    who_is = {one.id: one for one in identity.checks(going, view, source_uid="another")}
    assert who_is["PRE010"].severity is Severity.BLOCKER and "--flavour auto" in who_is["PRE010"].fix
    found = {one.id: one.status for one in addons.checks(going, view)}
    assert found == {"PRE011": Status.PASS, "PRE020": Status.FINDING}


def test_a_gke_cluster_is_no_target(gke: Shape) -> None:
    view = View(as_client(gke.client))
    found = {one.id: one for one in identity.checks(a_going(), view, source_uid=who(view))}
    assert found["PRE002"].severity is Severity.BLOCKER and "This is not EKS" in found["PRE002"].message
    assert found["PRE001"].severity is Severity.BLOCKER
