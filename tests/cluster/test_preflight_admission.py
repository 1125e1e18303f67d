"""What preflight says of PodSecurity and webhooks, against a real API server's own verdicts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from contract.target_help import as_client
from holding_help import eventually
from preflight_admission_help import a_plan, ref_of
from preflight_pods import BARE, LEVELS, PODS, a_pod, volume
from rig.assets import Assets
from rig.controlplane import ControlPlane
from rig.http import ApiError, Client, Json

from migrate.flow.view import View
from migrate.manifest.pods import pod_template
from migrate.model.checks import Check
from migrate.model.effects import Severity
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.preflight import pod_security, webhooks
from migrate.preflight import references as refs
from migrate.preflight.pod_security import level_of
from migrate.preflight.pod_security_controls import violations
from migrate.preflight.webhooks_match import GROUP, Match, hooks, requests
from migrate.semantics.going import going

NEWEST = 36


@pytest.fixture(scope="module")
def client(control_plane: ControlPlane) -> Iterator[Client]:
    found = control_plane.client()
    for name, (level, version) in LEVELS.items():
        labels = {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/enforce-version": version}
        found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"ps-{name}", "labels": labels}})
    yield found
    for name in LEVELS:
        found.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"ps-{name}"}})


def said(client: Client, pod: Json, space: str) -> list[str]:
    """The controls that the server names; [] when it takes the pod."""
    body = deepcopy(pod)
    body["metadata"]["namespace"] = space
    try:
        client.create(body, dry_run=True)
    except ApiError as error:
        assert error.status == 403 and "violates PodSecurity" in str(error), error
        found = re.search(r'violates PodSecurity "[^"]*": (.*)', str(error))
        assert found, error
        # Details stand in brackets, which may hold brackets themselves: capabilities.drop=["ALL"] holds none.
        return re.sub(r" \([^()]*\)", "", found[1]).replace("profiles", "profile").split(", ")
    return []


def ours(pod: Json, level: str, version: str) -> list[str]:
    template = pod_template(Object(Ref("", "Pod", "x", "p"), pod))
    assert template
    labels = {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/enforce-version": version}
    found = level_of(labels, NEWEST)
    return [one.name.removesuffix(" (restricted)") for one, _ in violations(template, found.level, found.minor)]


def test_our_verdict_of_each_pod_at_each_level_is_the_servers(client: Client) -> None:
    wrong = []
    for (what, pod), (name, (level, version)) in itertools.product(PODS.items(), LEVELS.items()):
        theirs, mine = said(client, pod, f"ps-{name}"), ours(pod, level, version)
        if theirs != mine:
            wrong.append((what, name, theirs, mine))
    assert not wrong, "\n".join(map(str, wrong))


# What each webhook of the table asks for. Each sees only objects that carry its own label.
POD_RULE = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
ALL_RULE = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}
HOOKS: dict[str, tuple[list[Json], Json]] = {
    "pods": ([POD_RULE], {}),
    "all": ([ALL_RULE], {}),
    "all-cluster": ([ALL_RULE | {"scope": "Cluster"}], {}),
    "all-namespaced": ([ALL_RULE | {"scope": "Namespaced"}], {}),
    "all-subresources": ([ALL_RULE | {"resources": ["*/*"]}], {}),
    "only-subresources": ([ALL_RULE | {"resources": ["*/status", "pods/exec"]}], {}),
    "update": ([ALL_RULE | {"operations": ["UPDATE"]}], {}),
    "create": ([ALL_RULE | {"operations": ["CREATE", "DELETE"]}], {}),
    "apps": ([ALL_RULE | {"apiGroups": ["apps"], "resources": ["deployments"]}], {}),
    "scaling-v1": ([ALL_RULE | {"apiGroups": ["autoscaling"], "apiVersions": ["v1"]}], {}),
    "scaling-v1-exact": ([ALL_RULE | {"apiGroups": ["autoscaling"], "apiVersions": ["v1"]}], {"matchPolicy": "Exact"}),
    "by-name": ([ALL_RULE], {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "wh-here"}}}),
    "by-team": ([ALL_RULE], {"namespaceSelector": {"matchLabels": {"team": "a"}}}),
    "not-by-team": (
        [ALL_RULE],
        {"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}},
    ),
    "not-marked": (
        [ALL_RULE],
        {"objectSelector": {"matchExpressions": [{"key": "marked", "operator": "DoesNotExist"}]}},
    ),
    "open": ([ALL_RULE], {"failurePolicy": "Ignore"}),
}
WEBHOOKS = f"{GROUP}/v1"


def hook_body(name: str, rules: list[Json], more: Json) -> Json:
    mine = {"matchExpressions": [{"key": "hook", "operator": "In", "values": [name]}]}
    theirs = more.get("objectSelector", {}).get("matchExpressions", [])
    selector = {"matchExpressions": [*mine["matchExpressions"], *theirs]}
    base = {
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"service": {"namespace": "wh-here", "name": "nobody"}},
    }
    canary = base | {
        "name": "canary.example.com",
        "rules": [ALL_RULE | {"apiGroups": [""], "resources": ["configmaps"]}],
        "objectSelector": {"matchLabels": {"canary": name}},
    }
    hook = base | more | {"name": "one.example.com", "rules": rules, "objectSelector": selector}
    meta = {"name": f"wh-{name}"}
    return {
        "apiVersion": WEBHOOKS,
        "kind": "ValidatingWebhookConfiguration",
        "metadata": meta,
        "webhooks": [hook, canary],
    }


def sent(name: str) -> list[Json]:
    """Objects of many sorts: two of them stand on the target already."""
    labels = {"hook": name}

    def obj(version: str, kind: str, called: str, space: str = "wh-here", more: Any = None, **rest: Any) -> Json:
        meta = {"name": called, "labels": labels | (more or {})} | ({"namespace": space} if space else {})
        return {"apiVersion": version, "kind": kind, "metadata": meta} | rest

    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a", "image": "x.invalid/a"}]}}
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    scaled = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "maxReplicas": 2}
    return [
        obj("v1", "ConfigMap", "here"),
        obj("v1", "ConfigMap", "there", "wh-there"),
        obj("v1", "ConfigMap", "marked", more={"marked": "yes"}),
        obj("v1", "ConfigMap", "old", data={"b": "2"}),
        obj("v1", "Pod", "pod", spec=template["spec"]),
        obj("apps/v1", "Deployment", "web", spec=spec),
        obj("apps/v1", "StatefulSet", "db", "wh-there", spec=spec | {"serviceName": "db"}),
        obj("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=scaled),
        obj("v1", "Namespace", "wh-new", ""),
        obj("v1", "Namespace", "wh-new-a", "", {"team": "a"}),
        obj("storage.k8s.io/v1", "StorageClass", "wh-class", "", provisioner="x.invalid/y"),
        obj(WEBHOOKS, "ValidatingWebhookConfiguration", "wh-exempt", "", webhooks=[]),
    ]


@pytest.fixture(scope="module")
def hooked(fresh: ControlPlane) -> Client:
    client = fresh.client()
    for name, labels in {"wh-here": {}, "wh-there": {"team": "a"}}.items():
        client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    old = {"name": "old", "namespace": "wh-here"}
    client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": old, "data": {"a": "1"}})
    for name, (rules, more) in HOOKS.items():
        client.create(hook_body(name, rules, more))
    for name in HOOKS:
        canary = {"name": "canary", "namespace": "wh-here", "labels": {"canary": name}}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": canary}
        eventually(lambda body=body: not taken(client, body))
    return client


@pytest.fixture(scope="module")
def fresh(assets: Assets) -> Iterator[ControlPlane]:
    with ControlPlane(assets).start() as plane:
        yield plane


def taken(client: Client, body: Json) -> bool:
    try:
        client.apply(body, manager="gke2eks", dry_run=True)
    except ApiError as error:
        assert error.status == 500 and "failed calling webhook" in str(error), error
        return False
    return True


def test_who_a_webhook_is_asked_about_is_the_servers_choice(hooked: Client) -> None:
    view = View(as_client(hooked))
    wrong = []
    for name in HOOKS:
        objects = sent(name)
        asked = [one for one in requests(going(a_plan(*objects)), view) if not one.is_pod]
        where = Ref(GROUP, "ValidatingWebhookConfiguration", "", f"wh-{name}")
        hook = next(hooks(Object(where, view.of(GROUP, where.kind).bodies[where])))
        ours = {one.ref: hook.asks(one) is Match.YES and hook.closed for one in asked}
        for body in objects:
            theirs, mine = not taken(hooked, body), ours.get(ref_of(body), False)
            if theirs != mine:
                wrong.append((name, str(ref_of(body)), "refused" if theirs else "taken"))
    assert not wrong, "\n".join(map(str, wrong))


def test_a_webhook_of_the_target_without_its_backend_is_a_blocker_that_counts(hooked: Client) -> None:
    (one,) = [one for one in webhooks.checks(going(a_plan(*sent("pods"))), View(as_client(hooked))) if one.fix]
    assert one.severity is Severity.BLOCKER and one.id == "PRE070"
    assert "would refuse Pod/wh-here/pod" in one.message and "Service/wh-here/nobody" in one.message


def test_a_webhook_of_the_target_with_endpoints_stands_in_nobodys_way(hooked: Client) -> None:
    """Who answers is judged by its EndpointSlices; taken back at the end."""
    meta = {"name": "nobody", "namespace": "wh-here"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"port": 443}]}}
    piece = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta | {"labels": {"kubernetes.io/service-name": "nobody"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.2.3"], "conditions": {"ready": False}}],
        "ports": [{"port": 443}],
    }
    hooked.create(service)
    try:
        hooked.create(piece)

        def found() -> list[Check]:
            plan = going(a_plan(*sent("pods")))
            return [one for one in webhooks.checks(plan, View(as_client(hooked))) if one.fix]

        (no,) = found()
        assert "no endpoint that is ready" in no.because
        hooked.replace(piece | {"endpoints": [{"addresses": ["10.1.2.3"]}]})
        assert found() == []
    finally:
        hooked.delete(service)
        hooked.delete(piece)


def test_a_deployment_is_taken_where_its_pods_are_refused(client: Client) -> None:
    """Why PodSecurity is checked at all: a dry run of the workload passes."""
    template = {"metadata": {"labels": {"app": "x"}}, "spec": BARE}
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    meta = {"name": "x", "namespace": "ps-restricted"}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    client.create(body, dry_run=True)
    (one,) = [one for one in pod_security.checks(going(a_plan(body)), View(as_client(client))) if one.fix]
    assert one.severity is Severity.BLOCKER and "restricted" in one.message
    assert "runAsNonRoot != true" in one.message and "kubectl label namespace ps-restricted" in one.fix


def test_references_resolve_on_the_target_down_to_keys(client: Client) -> None:
    space = {"namespace": "ps-privileged"}
    client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": space | {"name": "conf"}, "data": {"a": "1"}})
    env = [
        {"name": key, "valueFrom": {"configMapKeyRef": {"name": name, "key": key}}}
        for name, key in (("conf", "a"), ("conf", "b"), ("none", "c"), ("kube-root-ca.crt", "ca.crt"))
    ]
    containers = [{"name": "main", "image": "registry.invalid/a:1", "env": env}]
    spec = {"containers": containers, "serviceAccountName": "default", "priorityClassName": "system-node-critical"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": space | {"name": "p"}, "spec": spec}
    found = [one for one in refs.checks(going(a_plan(pod)), View(as_client(client))) if one.fix]
    assert [(one.id, one.message) for one in found] == [
        ("PRE060", "ConfigMap/ps-privileged/none neither goes nor is on the target, and Pod/ps-privileged/p names it."),
        ("PRE061", "ConfigMap/ps-privileged/conf has no key b, and Pod/ps-privileged/p names it."),
    ]


HERE = {"namespace": "ps-privileged"}
MISSING = {
    "ServiceAccount": a_pod(serviceAccountName="none"),
    "priority class": a_pod(priorityClassName="none"),
    "runtime class": a_pod(runtimeClassName="none"),
    "ConfigMap in a volume": volume(configMap={"name": "none"}),
    "claim in a volume": volume(persistentVolumeClaim={"claimName": "none"}),
    "pull secret": a_pod(imagePullSecrets=[{"name": "none"}]),
    "role": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "p"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "none"},
    },
    "namespace": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "p", "namespace": "none"}},
}


@pytest.mark.parametrize("kind", MISSING)
def test_what_we_say_of_a_missing_thing_is_what_the_server_does(client: Client, kind: str) -> None:
    body = MISSING[kind] | {"metadata": HERE | MISSING[kind]["metadata"]}
    try:
        client.create(body, dry_run=True)
        refused = False
    except ApiError as error:
        assert error.status in (403, 404) and "none" in str(error), error
        refused = True
    (one,) = [one for one in refs.checks(going(a_plan(body)), View(as_client(client))) if one.fix]
    assert ("refuse" in one.because) is refused, one
    assert one.id == ("PRE062" if kind == "namespace" else "PRE060")
