"""What people and controllers do to a moved namespace, on real control planes: nothing falsely bad, or falsely fine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from diff_scenes import bad, look, moved, said
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import Client, Json
from rollback_help import obj
from since_help import Team, config, shop, soon

from migrate.flow import sides
from migrate.flow.diff import Diffed
from migrate.model.comparison import Class

_numbers = itertools.count(1)
DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


@pytest.fixture(scope="module")
def source(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start() as plane:
        yield plane


@pytest.fixture
def team(control_plane: ControlPlane, source: ControlPlane, tmp_path: Path) -> Team:
    return Team(control_plane.client(), tmp_path, f"diffmore{next(_numbers)}", old=source.client())


def define(client: Client, kind: str, group: str, **spec: Json) -> Json:
    """A custom kind, served before this ends."""
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    body = obj(
        DEFINITION[1],
        f"{plural}.{group}",
        "",
        DEFINITION[0],
        metadata={"annotations": {"api-approved.kubernetes.io": "unapproved, a test"}},
        spec={"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    )
    client.apply(body, manager="team", force=True)

    def established() -> bool:
        there = client.get(*DEFINITION, f"{plural}.{group}").get("status") or {}
        return any(one["type"] == "Established" and one["status"] == "True" for one in there.get("conditions") or ())

    soon(established)
    return body


def test_what_people_do_after_the_move(team: Team, control_plane: ControlPlane) -> None:
    space = team.space
    pods = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "example.com/a:1"}]}
    once = obj("Job", "once", space, "batch/v1", spec={"ttlSecondsAfterFinished": 60, "template": {"spec": pods}})
    other = obj("Job", "other", space, "batch/v1", spec={"template": {"spec": pods}})
    bot = {"annotations": {"kubernetes.io/service-account.name": "bot"}}
    token = obj("Secret", "bot", space, type="kubernetes.io/service-account-token", metadata=bot)
    long = config(space, "n" * 253)
    team.deploy(*shop(space).values(), obj("ServiceAccount", "bot", space), token, once, other, long)
    team.export()
    assert team.apply().counts["failed"] == team.release().counts["failed"] == 0
    soon(lambda: bool((team.on_target(token) or {}).get("data")))
    assert bad(look(team)) == []

    def person(*words: str) -> None:
        answer = control_plane.kubectl("-n", space, *words)
        assert answer.returncode == 0, answer.stderr

    person("rollout", "restart", "deployment/worker")
    assert bad(look(team)) == []
    person("scale", "deployment/api", "--replicas=5")  # its autoscaler takes it from there
    assert bad(look(team)) == []
    person("scale", "deployment/api", "--replicas=0")  # now its autoscaler is off
    person("label", "ns", space, "team=a")
    person("annotate", "deployment/worker", "meta.helm.sh/release-name=shop")
    team.client.patch(config(space, "settings"), {"metadata": {"finalizers": ["example.com/wait"]}})
    team.client.delete(config(space, "settings"))
    for job in (once, other):
        team.client.delete(job)
    soon(lambda: team.on_target(once) is None and team.on_target(other) is None)
    found = look(team)
    assert sorted(map(said, bad(found))) == [
        ("missing", "Job/other", ""),
        ("unexpected", "ConfigMap/settings", "metadata.deletionTimestamp"),
        ("unexpected", "ConfigMap/settings", 'metadata.finalizers[""=example.com/wait]'),
        ("unexpected", "Deployment/api", "spec.replicas"),
        ("unexpected", "Deployment/worker", 'metadata.annotations["meta.helm.sh/release-name"]'),
        ("unexpected", f"Namespace/{space}", "metadata.labels.team"),
    ]
    (gone,) = (one for one in found.comparison.deltas if one.ref.short == "Job/once")
    assert (gone.kind, str(gone.path)) == (Class.RUNTIME, "")
    assert control_plane.kubectl(*_kubectl(found, "Deployment/api")).returncode == 0
    assert ("unexpected", "Deployment/api", "spec.replicas") not in map(said, bad(look(team)))


def _kubectl(found: Diffed, short: str) -> list[str]:
    (fix,) = (one.fix for one in bad(found) if one.ref.short == short)
    return str(fix).partition(",")[0].split()[1:]


def test_what_controllers_make_beside_what_was_moved(team: Team) -> None:
    client, space = team.client, team.space
    moved(team)
    kinds = {
        "TargetGroupBinding": "elbv2.k8s.aws",
        "CiliumEndpoint": "cilium.io",
        "VerticalPodAutoscalerCheckpoint": "autoscaling.k8s.io",
        "Thing": "example.com",
    }
    definitions = [define(client, kind, group) for kind, group in kinds.items()]
    worker = client.get("apps/v1", "Deployment", "worker", space)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker", "uid": worker["metadata"]["uid"]}
    stack = {"labels": {"service.k8s.aws/stack-name": "api", "service.k8s.aws/stack-namespace": space}}
    certificate = {"annotations": {"cert-manager.io/certificate-name": "web"}}
    for manager, body in (
        ("controller", obj("TargetGroupBinding", "k8s-a", space, "elbv2.k8s.aws/v1", metadata=stack)),
        ("cilium-agent", obj("CiliumEndpoint", "a", space, "cilium.io/v1")),
        ("recommender", obj("VerticalPodAutoscalerCheckpoint", "a", space, "autoscaling.k8s.io/v1")),
        ("operator", obj("Thing", "a", space, "example.com/v1", metadata={"ownerReferences": [owner]})),
        ("issuing", obj("Secret", "tls", space, metadata=certificate)),
        ("helm", obj("Secret", "sh.helm.release.v1.shop.v1", space, type="helm.sh/release.v1")),
    ):
        client.apply(body, manager=manager)
    service = obj("Service", "api", space)
    client.patch(service, {"metadata": {"finalizers": ["service.k8s.aws/resources"]}})
    assert bad(look(team)) == []
    client.apply(obj("TargetGroupBinding", "mine", space, "elbv2.k8s.aws/v1"), manager="somebody")
    client.apply(obj("Thing", "mine", space, "example.com/v1"), manager="somebody")
    assert sorted(map(said, bad(look(team)))) == [
        ("extra", "TargetGroupBinding.elbv2.k8s.aws/mine", ""),
        ("extra", "Thing.example.com/mine", ""),
    ]
    client.patch(service, {"metadata": {"finalizers": None}})
    for one in definitions:
        client.delete(one)


def test_a_namespace_on_its_way_out_is_not_fine(team: Team) -> None:
    moved(team)
    config_map = config(team.space, "settings")
    team.client.patch(config_map, {"metadata": {"finalizers": ["example.com/wait"]}})
    team.client.delete(obj("Namespace", team.space))
    leaving = ("unexpected", f"Namespace/{team.space}", "metadata.deletionTimestamp")
    assert leaving in map(said, bad(look(team)))
    team.client.patch(config_map, {"metadata": {"finalizers": None}})


def test_lists_of_custom_kinds_go_by_the_keys_of_their_schema(team: Team) -> None:
    """Another order of a keyed list, or of a set, is no difference; a default of the schema is none, either."""
    client, space = team.client, team.space
    item = {"port": {"type": "integer"}, "host": {"type": "string"}, "proto": {"type": "string", "default": "TCP"}}
    listeners = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port"],
        "items": {"type": "object", "required": ["port"], "properties": item},
    }
    tags = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
    schema = {"listeners": listeners, "tags": tags, "size": {"type": "integer", "default": 3}}
    for one in (team.old, client):
        definition = define(one, "Widget", "ex.example.com", **schema)
    spec = {"listeners": [{"port": 80, "host": "a"}, {"port": 443, "host": "b"}], "tags": ["x", "y"]}
    widget = obj("Widget", "w", space, "ex.example.com/v1", spec=spec)
    team.deploy(obj("Namespace", space), widget)
    team.export()
    assert team.apply().counts["failed"] == 0
    assert bad(look(team)) == []
    live = team.on_target(widget)
    assert live is not None and live["spec"]["size"] == 3
    live["spec"]["listeners"].reverse()
    live["spec"]["tags"].reverse()
    client.replace(live)
    assert bad(look(team)) == []
    live = team.on_target(widget)
    assert live is not None and [one["port"] for one in live["spec"]["listeners"]] == [443, 80]
    live["spec"]["listeners"][0]["host"] = "c"
    live["spec"]["tags"] = ["z", "y"]
    client.replace(live)
    found = {str(one.path): one for one in bad(look(team))}
    assert sorted(found) == ["spec.listeners[port=443].host", 'spec.tags[""=x]', 'spec.tags[""=z]']
    assert {one.owner.manager for one in found.values() if one.owner} == {"gke2eks-rig"}
    client.delete(definition)


def test_a_version_that_the_target_has_not_hides_no_objects(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read in the version that it has: what is there is not unread, and nothing is missing."""
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}}
    old = {("policy", "PodDisruptionBudget"): frozenset({"policy/v1beta1"})}
    team.deploy(obj("Namespace", team.space), obj("PodDisruptionBudget", "api", team.space, "policy/v1", spec=spec))
    team.export()
    assert team.apply().counts["failed"] == 0
    monkeypatch.setattr(sides, "versions_of", lambda _: old)
    assert bad(look(team)) == []
    team.client.apply(obj("PodDisruptionBudget", "mine", team.space, "policy/v1", spec=spec), manager="somebody")
    assert list(map(said, bad(look(team)))) == [("extra", "PodDisruptionBudget/mine", "")]


def test_what_left_the_plan_is_ours_to_prune(team: Team) -> None:
    """A ServiceAccount of nothing but a name does not say who made it."""
    account = obj("ServiceAccount", "bot", team.space)
    team.deploy(obj("Namespace", team.space), account, config(team.space, "a"))
    team.export()
    assert team.apply().counts["failed"] == 0
    team.undeploy(account)
    team.export()
    there = team.on_target(account)
    assert there is not None and "managedFields" not in there["metadata"]
    found = bad(look(team))
    assert [(said(one), one.fix) for one in found] == [
        (("extra", "ServiceAccount/bot", ""), "gke2eks apply --prune deletes it.")
    ]
    assert team.apply(prune=True).counts["deleted"] == 1
    assert bad(look(team)) == []


ADMISSION = "admissionregistration.k8s.io/v1"


def test_what_a_webhook_adds_to_what_pods_run_is_unexpected(team: Team, control_plane: ControlPlane) -> None:
    """A policy of the server stands in for the webhook: for both the server notes no owner of what they add."""
    pods = "Object.spec.template.spec"
    side = f"{pods}.containers{{name: 'side', image: 'side:1'}}"
    added = f"Object{{spec: Object.spec{{template: Object.spec.template{{spec: {pods}{{containers: [{side}]}}}}}}}}"
    what = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
    rules = [{**what, "resources": ["deployments"]}]
    here = {"name": "here", "expression": f"object.metadata.namespace == '{team.space}'"}
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": rules},
        "matchConditions": [here],
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": added}}],
    }
    name = f"inject-{team.space}"
    policy = obj("MutatingAdmissionPolicy", name, "", ADMISSION, spec=spec)
    binding = obj("MutatingAdmissionPolicyBinding", name, "", ADMISSION, spec={"policyName": name})
    team.client.apply(obj("Namespace", team.space), manager="somebody")
    try:
        for one in (policy, binding):
            team.client.create(one)
        api = shop(team.space)["api"]
        soon(lambda: len(team.client.create(api, dry_run=True)["spec"]["template"]["spec"]["containers"]) == 2)
        moved(team)
        found = {said(one)[1:]: one for one in bad(look(team)) if one.ref.kind == "Deployment"}
        assert {name for name, _ in found} == {"Deployment/api", "Deployment/worker", "Deployment/old"}
        assert {path for _, path in found} == {"spec.template.spec.containers[name=side]"}
        assert {one.owner for one in found.values()} == {None}
        assert all("webhook" in one.because for one in found.values())
    finally:
        for one in (binding, policy):
            team.client.delete(one)
