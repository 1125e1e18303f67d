"""Which rights a run needs, how they are printed, and what is said of a caller who lacks some."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
import yaml
from rights_plans import ALL, CONFIG, a_binding, a_plan, a_role, rules

from migrate.flow.access import access_objects, access_target
from migrate.flow.plan import make_plan
from migrate.manifest.kinds import CLUSTER_SCOPED, NAMESPACED
from migrate.model.listing import Kind
from migrate.model.selection import parse_selection
from migrate.semantics.grants import allows, covered, grants, powerful
from migrate.semantics.plurals import Plurals
from migrate.semantics.target_rights import Need, needed, plurals_of
from migrate.semantics.target_role import powers, roles, without

RBAC = "rbac.authorization.k8s.io"


ALL_OF = '{apiGroups: [""], resources: ["*"], verbs: [%s]}'
READS = '{apiGroups: [""], resources: [pods, pods/log], verbs: [get, list]}'


@pytest.mark.parametrize(
    ("wanted", "have", "yes"),
    [
        (READS, READS, True),
        (READS, '{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}', True),
        (READS, '{apiGroups: [""], resources: [pods, "*/log"], verbs: [get, list]}', True),
        (READS, '{apiGroups: [""], resources: [pods], verbs: [get, list]}', False),
        (READS, '{apiGroups: [apps], resources: ["*"], verbs: ["*"]}', False),
        (READS, f"{ALL_OF % 'get'}, {ALL_OF % 'list'}", True),
        (READS, f"{ALL_OF % 'get'}, {ALL_OF % 'watch'}", False),
        (READS, '{apiGroups: [""], resources: ["*"], resourceNames: [a], verbs: ["*"]}', False),
        ('{apiGroups: [""], resources: [pods], resourceNames: [a], verbs: [get]}', READS, True),
        (
            '{apiGroups: [""], resources: [pods], resourceNames: [a, b], verbs: [get]}',
            '{apiGroups: [""], resources: [pods], resourceNames: [a], verbs: [get]}',
            False,
        ),
        ('{apiGroups: [""], resources: ["*"], verbs: [get]}', READS, False),
        ('{apiGroups: [""], resources: [pods], verbs: ["*"]}', READS, False),
        ("{nonResourceURLs: [/metrics], verbs: [get]}", '{nonResourceURLs: ["/m*"], verbs: [get]}', True),
        ("{nonResourceURLs: [/metrics], verbs: [get]}", '{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}', False),
        ("", READS, True),
    ],
)
def test_who_may_grant_what(wanted: str, have: str, yes: bool) -> None:
    assert covered(grants(rules(wanted)), grants(rules(have))) is yes


def test_a_name_is_asked_for_only_where_rules_name_some() -> None:
    have = grants(rules("{apiGroups: [a], resources: [b], resourceNames: [x], verbs: [create]}"))
    assert allows(have, "create", "a", "b", "x")
    assert not allows(have, "create", "a", "b") and not allows(have, "create", "a", "b", "y")


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ('{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}', True),
        ('{apiGroups: [""], resources: ["*"], verbs: [get]}', True),  # Secrets are among them
        ('{apiGroups: [""], resources: [secrets], verbs: [list]}', True),
        ("{apiGroups: [batch], resources: [jobs], verbs: [create]}", True),
        ("{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}", True),
        ('{apiGroups: [""], resources: [pods, configmaps], verbs: [get, list, watch]}', False),
        ('{apiGroups: [""], resources: [pods/status], verbs: [patch]}', False),
    ],
)
def test_what_leads_to_all_rights(text: str, yes: bool) -> None:
    assert powerful(grants(rules(text))) is yes


def test_resources_are_what_servers_call_them() -> None:
    odd = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "StorageClass": "storageclasses"}
    odd |= {"Endpoints": "endpoints", "Gateway": "gateways", "IngressClassParams": "ingressclassparams"}
    assert {kind: Plurals().of("", kind) for kind in odd} == odd
    assert all(Plurals().sure(*kind) for kind in CLUSTER_SCOPED | NAMESPACED)
    definition = a_plan(
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: meese.a.b},"
        " spec: {group: a.b, names: {kind: Moose, plural: meese}}}"
    )
    words = plurals_of(definition)
    assert (words.of("a.b", "Moose"), words.sure("a.b", "Moose")) == ("meese", True)
    assert (words.of("c.d", "Moose"), words.sure("c.d", "Moose")) == ("mooses", False)
    served = plurals_of(definition, [Kind("c.d", "v1", "mice", "Moose", True)])
    assert (served.of("c.d", "Moose"), served.sure("c.d", "Moose")) == ("mice", True)


def said(needs: Iterable[Need], *verbs: str) -> set[tuple[str, ...]]:
    return {(one.verb, one.kind, one.namespace, one.name) for one in needs if one.verb in verbs and not one.for_checks}


def test_reading_is_of_kinds_and_writing_of_places() -> None:
    needs = needed(a_plan(CONFIG, "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}}"))
    kinds = ("ConfigMap", "Namespace", "StorageClass")
    assert said(needs, "get", "list") == {(verb, kind, "", "") for verb in ("get", "list") for kind in kinds}
    places = {("ConfigMap", "shop", ""), ("StorageClass", "", "fast")}
    assert said(needs, "create", "patch") == {(verb, *place) for verb in ("create", "patch") for place in places}
    assert {need.verb for need in needs} == {"get", "list", "create", "patch"}
    assert {need.verb for need in needs if need.for_checks} == {"list"}


def test_secrets_are_read_by_name_and_never_listed() -> None:
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}, spec: {containers: [{name: a, envFrom: "
    pod += "[{secretRef: {name: y}}, {serviceAccountName: y}]}]}}"
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: shop}}"
    needs = needed(a_plan(pod, secret))
    reads = [need for need in needs if need.kind == "Secret" and need.verb in ("get", "list")]
    assert reads == [Need("get", "", "Secret", "shop", "x")]
    _, role = roles(needs, Plurals())
    named = [rule for rule in role["rules"] if "resourceNames" in rule]
    assert named == [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["x"], "verbs": ["get"]}]


def test_a_role_that_grants_nothing_more_needs_no_escalate() -> None:
    same = '{apiGroups: [""], resources: [configmaps], verbs: [get, list, patch, create]}'
    role = a_role(same, "Role", space="shop")
    assert said(needed(a_plan(CONFIG, role)), "escalate") == set()
    assert said(needed(a_plan(role)), "escalate") == {("escalate", "Role", "shop", "r")}  # nothing of it is ours
    other = a_role(same, "Role", space="other")  # ours is in shop
    assert said(needed(a_plan(CONFIG, other)), "escalate") == {("escalate", "Role", "other", "r")}
    assert said(needed(a_plan(CONFIG, a_role(same))), "escalate") == {("escalate", "ClusterRole", "", "r")}


def test_bind_is_of_the_role_that_is_named() -> None:
    needs = needed(a_plan(a_binding("view", space="shop"), a_binding("x:y").replace("name: b", "name: c")))
    assert said(needs, "bind") == {("bind", "ClusterRole", "shop", "view"), ("bind", "ClusterRole", "", "x:y")}


def test_default_is_for_namespaces_that_are_not_there() -> None:
    needs = needed(a_plan(CONFIG), absent={"shop"})
    assert {need.verb for need in needs if need.namespace == "default" and need.for_checks} == {"create", "patch"}


def test_each_namespace_has_its_role() -> None:
    goes = a_plan(CONFIG, CONFIG.replace("shop", "data").replace("ConfigMap", "Service"), a_role(READS))
    printed = roles(needed(goes), plurals_of(goes))
    assert [(one["kind"], one["metadata"].get("namespace")) for one in printed] == [
        ("ClusterRole", None),
        ("Role", "data"),
        ("Role", "shop"),
    ]
    assert printed[1]["rules"] == [{"apiGroups": [""], "resources": ["services"], "verbs": ["create", "patch"]}]
    named = [rule for rule in printed[0]["rules"] if "resourceNames" in rule]
    assert named == [
        {
            "apiGroups": [RBAC],
            "resources": ["clusterroles"],
            "resourceNames": ["r"],
            "verbs": ["create", "escalate", "patch"],
        }
    ]
    assert not {"*", "delete", "update"} & {verb for one in printed for rule in one["rules"] for verb in rule["verbs"]}
    (wide,) = roles(needed(goes), plurals_of(goes), everywhere=True)
    writes = next(rule for rule in wide["rules"] if rule["resources"] == ["configmaps", "services"])
    assert writes["verbs"] == ["create", "get", "list", "patch"]


def test_an_admin_makes_the_namespaces_that_are_not_there() -> None:
    goes = a_plan(CONFIG, "{apiVersion: v1, kind: Namespace, metadata: {name: empty}}", CONFIG.replace("shop", "data"))
    objects = access_objects(needed(goes), plurals_of(goes), there={"data"})
    assert [one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"] == ["empty", "shop"]
    bindings = [one for one in objects if one["kind"].endswith("Binding")]
    assert {one["subjects"][0]["name"] for one in bindings} == {"gke2eks-apply"} and len(bindings) == 3
    assert "namespaces" not in json.dumps([one for one in objects if "rules" in one and one["kind"] == "Role"])


WORKLOAD = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: %s}, spec: {template: {spec: {}}}}"
HOOK = "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: h}}"


@pytest.mark.parametrize(
    ("texts", "because"),
    [
        ([WORKLOAD % "shop", CONFIG], []),
        ([a_role(ALL, "Role", space="shop")], []),  # all rights, but within shop
        ([a_binding("view"), a_binding("cluster-admin", space="shop")], []),
        ([a_role(READS)], ["ClusterRole/r"]),
        ([a_role(ALL, "Role", space="kube-system")], ["Role/kube-system/r"]),
        ([a_binding("cluster-admin")], ["ClusterRoleBinding/b"]),
        ([a_binding("somebody's")], ["ClusterRoleBinding/b"]),
        ([a_binding("admin", space="kube-system")], ["RoleBinding/kube-system/b"]),
        ([a_role(ALL), a_binding("r")], ["ClusterRole/r", "ClusterRoleBinding/b"]),
        ([HOOK], ["MutatingWebhookConfiguration/h"]),
        ([WORKLOAD % "kube-system", WORKLOAD % "shop"], ["Deployment/kube-system/a"]),
    ],
)
def test_what_makes_an_admin_and_what_does_without(texts: list[str], because: list[str]) -> None:
    texts = [text.replace("somebody's", "somebody") for text in texts]
    goes = a_plan(*texts)
    found = powers(goes, needed(goes))
    assert sorted({str(ref) for power in found for ref in power.refs}) == because
    left = parse_selection(exclude=without(goes, {ref for power in found for ref in power.refs}))
    again = a_plan(*texts, select=left)
    assert powers(again, needed(again)) == ()
    assert len(again.steps) == len(goes.steps) - len(because)


def test_the_printed_text(tmp_path: Path, repo: Path) -> None:
    today = date(2026, 11, 23)
    make_plan([str(repo / "examples/gke-cluster.json")], tmp_path / "ws", stdin=lambda: b"", today=today)
    printed = access_target(tmp_path / "ws", today=today, eks="us-east-2/prod")
    assert all(len(line) <= 100 for line in printed.splitlines() if not line.startswith("#   "))
    assert "# IT MAKES AN ADMIN of the target" in printed and "ClusterRole/vector" in printed
    assert "aws eks create-access-entry --region us-east-2 --cluster-name prod --principal-arn ARN" in printed
    kinds = [one["kind"] for one in yaml.safe_load_all(printed)]
    assert kinds[0] == "Namespace" and kinds.count("ClusterRole") == 1 and kinds.count("Role") > 2
    select = parse_selection(exclude=["ClusterRole/*"])
    printed = access_target(tmp_path / "ws", today=today, select=select)
    assert "It makes nobody an admin of the target" in printed and "every right within app" in printed
    wide = access_target(tmp_path / "ws", today=today, select=select, everywhere=True)
    assert "IT MAKES AN ADMIN" in wide and "Without --cluster-wide" in wide
    assert [one["kind"] for one in yaml.safe_load_all(wide)] == ["ClusterRole", "ClusterRoleBinding"]
