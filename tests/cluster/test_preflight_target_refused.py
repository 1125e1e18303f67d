"""Each way in which a real API server refuses a dry run, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from contract.target_help import as_client
from preflight_target_help import a_going, ref_of, thing
from preflight_trials import POD, client, config, of, plane, tried, workload
from rig.controlplane import ControlPlane
from rig.http import Client
from rig.users import Limited
from shapes_help import eventually

from migrate.cluster.outcome import Applied
from migrate.flow.dry_runs import dry_runs
from migrate.flow.view import View
from migrate.model.checks import Status

__all__ = ["client", "plane"]


def test_a_namespace_that_is_nowhere(client: Client) -> None:
    (found,) = tried(client, a_going(config("c", "nowhere")))
    assert found.status is Status.FINDING and "nowhere" in found.message and "make Namespace nowhere" in found.fix


def test_unknown_fields_and_immutable_ones(client: Client) -> None:
    client.apply(workload("there", "shop"), manager="gke2eks")
    other = workload("there", "shop", selector={"matchLabels": {"app": "x"}})
    other["spec"]["template"] = {"metadata": {"labels": {"app": "x"}}, "spec": POD}
    client.apply(workload("set", "shop", "StatefulSet", serviceName="a"), manager="gke2eks")
    found = tried(
        client,
        a_going(other, workload("odd", "shop", foo=1), workload("set", "shop", "StatefulSet", serviceName="b")),
    )
    by = {one.refs[0].name: one for one in found}
    assert {one.status for one in found} == {Status.FINDING}
    assert "spec.foo" in by["odd"].message and "override" in by["odd"].fix
    assert "immutable" in by["there"].message and "nobody can change" in by["there"].fix
    assert "nobody can change" in by["set"].fix


def test_a_conflict_names_field_manager_and_both_values(client: Client) -> None:
    client.apply(config("mine", "shop", a="theirs"), manager="helm")
    (found,) = tried(client, a_going(config("mine", "shop", a="ours")))
    assert (found.id, found.status) == ("PRE041", Status.FINDING)
    assert "data.a belongs to helm: there theirs, planned ours" in found.message


def test_secrets_are_never_shown(client: Client) -> None:
    body = thing("v1 Secret", "mine", "shop", data={"a": "dGhlaXJz"})
    client.apply(body, manager="helm")
    ours = thing("v1 Secret", "mine", "shop", data={"a": "b3Vycw=="})
    found = tried(client, a_going(ours), bodies={ref_of(ours): ours})
    assert [one.id for one in found] == ["PRE041"]
    assert "dGhlaXJz" not in repr(found) and "b3Vycw" not in repr(found)


def test_quota_pod_security_and_limits(client: Client) -> None:
    client.create(thing("v1 ResourceQuota", "few", "full", spec={"hard": {"count/configmaps": "1"}}))
    eventually(lambda: client.get("v1", "ResourceQuota", "few", "full").get("status", {}).get("used"))
    levels = {"pod-security.kubernetes.io/enforce": "restricted"}
    client.patch(thing("v1 Namespace", "strict"), {"metadata": {"labels": levels}})
    pod = thing("v1 Pod", "p", "strict", spec=POD)
    target = as_client(client)
    eventually(lambda: not isinstance(target.dry_run(pod), Applied))
    eventually(lambda: not isinstance(target.dry_run(config("a", "full")), Applied))
    found = tried(client, a_going(config("a", "full"), config("b", "full"), pod))
    refused = of(found, "PRE040", Status.FINDING)
    (quota,) = [one for one in refused if "quota" in one.message]
    assert quota.message.startswith("2 objects would be refused") and len(quota.refs) == 2
    assert "ResourceQuota few in full" in quota.fix
    (level,) = [one for one in refused if "PodSecurity" in one.message]
    assert "enforce on Namespace strict" in level.fix


def test_the_right_is_missing(plane: ControlPlane, client: Client, limited_user: Callable[..., Limited]) -> None:
    look = [
        {"apiGroups": [""], "resources": ["namespaces", "configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["*"], "verbs": ["list"]},
    ]
    user = limited_user(plane, look)
    found = tried(
        user.client,
        a_going(config("x", "shop"), config("y", "shop"), thing("v1 Namespace", "later"), config("z", "later")),
    )
    (no,) = [one for one in of(found, "PRE040", Status.FINDING) if len(one.refs) == 2]
    assert "gke2eks access target" in no.fix and "cannot patch resource" in no.message
    # In default the right may be missing although it is there where the object will be.
    assert [one.refs[0].namespace for one in of(found, "PRE040", Status.UNKNOWN)] == ["later"]


def test_who_may_not_grant_and_a_role_that_comes_with_the_plan(
    plane: ControlPlane, limited_user: Callable[..., Limited]
) -> None:
    rbac = ["roles", "rolebindings"]
    rules = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": rbac, "verbs": ["get", "list", "create", "patch"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["*"], "verbs": ["list"]},
    ]
    user = limited_user(plane, rules)
    grant = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    role = thing("rbac.authorization.k8s.io/v1 Role", "r", "shop", rules=grant)
    named = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    binding = thing("rbac.authorization.k8s.io/v1 RoleBinding", "r", "shop", roleRef=named, subjects=[])
    found = {one.refs[0].kind: one for one in tried(user.client, a_going(role, binding))}
    assert found["Role"].status is Status.FINDING and "escalate and bind" in found["Role"].fix
    assert found["RoleBinding"].status is Status.UNKNOWN and "comes with the plan" in found["RoleBinding"].because
    (alone,) = tried(user.client, a_going(binding))
    assert alone.status is Status.FINDING


WEBHOOK = {
    "name": "judge.example.com",
    "clientConfig": {"service": {"namespace": "shop", "name": "nobody", "path": "/"}},
    "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["limitranges"]}],
    "admissionReviewVersions": ["v1"],
    "timeoutSeconds": 1,
}


@pytest.mark.parametrize(("effects", "status"), [("None", Status.FINDING), ("Some", Status.UNKNOWN)])
def test_webhooks(client: Client, effects: str, status: Status) -> None:
    """A webhook with side effects can be in no dry run; v1 takes only None and NoneOnDryRun, so that is played."""
    hooks = thing(
        "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration",
        "judge",
        webhooks=[{**WEBHOOK, "sideEffects": "None"}],
    )
    limits = thing("v1 LimitRange", "l", "shop", spec={"limits": [{"type": "Pod", "max": {"cpu": "1"}}]})
    client.create(hooks)
    try:
        target = as_client(client)
        eventually(lambda: not isinstance(target.dry_run(limits), Applied))
        if effects == "Some":
            from migrate.cluster.outcome import Reason, Rejected

            target.dry_run = lambda *_, **__: Rejected(Reason.WEBHOOK_NO_DRY_RUN, "no", (), "judge")  # type: ignore[method-assign,assignment]
        (found,) = dry_runs(target, a_going(limits), View(target), {})
    finally:
        client.delete(hooks)
    assert found.status is status
    assert "judge" in (found.fix if status is Status.FINDING else found.because)


def test_an_object_that_is_being_deleted(client: Client) -> None:
    body = config("ends", "shop")
    client.create({**body, "metadata": {**body["metadata"], "finalizers": ["example.com/wait"]}})
    client.delete(body)
    (found,) = tried(client, a_going(body))
    assert (found.id, found.status) == ("PRE044", Status.FINDING)
    client.patch(body, {"metadata": {"finalizers": []}})


def test_held_and_scaled_objects_are_tried_as_apply_sends_them(client: Client) -> None:
    """An autoscaler has scaled it: a dry run with the planned replicas would be a conflict that apply never has."""
    body = workload("auto", "shop", replicas=2)
    client.apply(workload("auto", "shop", replicas=5), manager="scaler")
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "auto"}
    hpa = thing(
        "autoscaling/v2 HorizontalPodAutoscaler", "auto", "shop", spec={"maxReplicas": 9, "scaleTargetRef": scaled}
    )
    assert [one.id for one in tried(client, a_going(body)) if one.status is Status.FINDING] == ["PRE041"]
    assert {one.status for one in tried(client, a_going(body, hpa))} == {Status.PASS}
