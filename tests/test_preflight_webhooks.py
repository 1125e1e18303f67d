"""Webhooks that would refuse what goes; the real server's choice of whom to ask is tried in tests/cluster."""

from __future__ import annotations

import json

import pytest
from preflight_admission_help import Fake, bad, goes, one

from migrate.model.checks import Check, Status
from migrate.model.effects import Severity
from migrate.preflight import webhooks
from migrate.semantics.going import Going

SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
---
"""
HOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: KIND
metadata: {name: guard}
webhooks:
- name: one.example.com
  failurePolicy: Fail
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [RESOURCE], operations: [CREATE]}]
  clientConfig: {service: {namespace: ops, name: guard}}
---
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: guard, namespace: ops}
spec: {selector: {app: guard}, ports: [{port: 443}]}
---
"""
BEHIND = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: guard, namespace: ops}
spec: {template: {metadata: {labels: {app: guard}}, spec: {containers: [{name: a}]}}}
---
"""
READY = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: guard-x, namespace: ops, labels: {kubernetes.io/service-name: guard}}
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}]
---
"""


def hook(
    resource: str = "pods", kind: str = "ValidatingWebhookConfiguration", also: str = "failurePolicy: Fail"
) -> str:
    return HOOK.replace("RESOURCE", resource).replace("KIND", kind).replace("failurePolicy: Fail", also)


def checked(planned: Going, target: Fake | None = None) -> list[Check]:
    return list(webhooks.checks(planned, target or Fake()))


def test_a_fail_closed_webhook_without_a_backend_refuses_pods_that_no_dry_run_tries() -> None:
    found = one(checked(goes(SPACE + WEB), Fake(hook())))
    assert (found.id, found.severity) == ("PRE070", Severity.BLOCKER)
    assert found.message == (
        "one.example.com of ValidatingWebhookConfiguration/guard is on the target without its backend "
        "Service/ops/guard: it would refuse pods of Deployment/shop/web."
    )
    assert found.because == "it fails closed, and Service/ops/guard neither goes nor is on the target."
    patch = found.fix.partition("-p '")[2].rstrip("'")
    assert json.loads(patch) == [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]


@pytest.mark.parametrize(
    "target",
    [
        hook() + SERVICE + READY,
        hook(also="failurePolicy: Ignore"),
        hook("secrets"),
        hook(also="namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}"),
        hook(also="objectSelector: {matchLabels: {app: other}}"),
    ],
    ids=["answers", "fails open", "asked about nothing", "another namespace", "other labels"],
)
def test_a_webhook_in_nobodys_way_is_a_pass(target: str) -> None:
    (found,) = checked(goes(SPACE + WEB), Fake(target))
    assert found.status is Status.PASS


def test_the_default_of_the_failure_policy_is_to_fail() -> None:
    assert one(checked(goes(SPACE + WEB), Fake(hook(also="sideEffects: None")))).severity is Severity.BLOCKER


def test_a_backend_that_comes_with_the_plan_is_too_late_for_a_webhook_that_stands() -> None:
    found = one(checked(goes(SPACE + WEB + SERVICE + BEHIND), Fake(hook("'*'"))))
    assert found.severity is Severity.BLOCKER
    assert "which comes only with Deployment/ops/guard" in found.message
    assert "Service/ops/guard" in {str(ref) for ref in found.refs} and "not on the target yet" in found.because
    late = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\n---\n"
    custom = hook("things").replace('apiGroups: [""]', "apiGroups: [example.com]")
    found = one(checked(goes(SPACE + late + SERVICE + BEHIND), Fake(custom)))
    assert found.severity is Severity.REVIEW and "comes after its backend" in found.because


def test_what_nobody_can_judge_is_said() -> None:
    conditions = "matchConditions: [{name: a, expression: 'true'}]"
    found = one(checked(goes(SPACE + WEB), Fake(hook(also=conditions))))
    assert found.severity is Severity.REVIEW and "matchConditions" in found.because
    url = hook().replace("service: {namespace: ops, name: guard}", "url: 'https://user.example.com/x?token=1'")
    found = one(checked(goes(SPACE + WEB), Fake(url)))
    assert found.status is Status.UNKNOWN and found.because.startswith("it is called at user.example.com,")
    found = one(checked(goes(SPACE + WEB), Fake(hook() + SERVICE, silent=("EndpointSlice",))))
    assert found.status is Status.UNKNOWN
    found = one(checked(goes(SPACE + WEB), Fake(hook("configmaps"), silent=("ConfigMap",))))
    assert found.severity is Severity.REVIEW and "what could not be listed" in found.because
    kinds = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
    found_all = checked(goes(SPACE + WEB), Fake(silent=kinds))
    assert [check.status for check in found_all] == [Status.UNKNOWN] * 2


def test_a_webhook_that_goes_is_written_after_its_backend() -> None:
    assert bad(checked(goes(SPACE + WEB + SERVICE + BEHIND + hook()))) == []
    assert bad(checked(goes(SPACE + WEB + hook()), Fake(SERVICE + READY))) == []
    # It waits for a backend that goes, whatever could not be listed.
    silent = Fake(SERVICE, silent=("EndpointSlice",))
    assert bad(checked(goes(SPACE + WEB + SERVICE + BEHIND + hook()), silent)) == []
    assert one(checked(goes(SPACE + WEB + hook()), silent)).status is Status.UNKNOWN


def test_a_webhook_that_goes_without_anybody_behind_it() -> None:
    found = one(checked(goes(SPACE + WEB + SERVICE + hook())))
    assert (found.id, found.severity) == ("PRE071", Severity.BLOCKER)
    assert found.because.startswith("nothing that goes stands behind Service/ops/guard.")
    found = one(checked(goes(SPACE + WEB + hook(also="failurePolicy: Ignore"))))
    assert found.severity is Severity.REVIEW


def test_pods_that_start_before_what_would_change_them() -> None:
    mutating = hook(kind="MutatingWebhookConfiguration")
    found = one(checked(goes(SPACE + WEB + SERVICE + BEHIND + mutating)))
    assert (found.id, found.severity) == ("PRE072", Severity.REVIEW)
    # Its own backend is not counted: it cannot wait for itself.
    assert [str(ref) for ref in found.refs] == ["Deployment/shop/web"] and "gke2eks apply --hold" in found.fix
    assert bad(checked(goes(SPACE + WEB + SERVICE + BEHIND + mutating, held=("web",)))) == []
    assert bad(checked(goes(SPACE + WEB + mutating), Fake(mutating + SERVICE + READY))) == []


def test_what_else_needs_a_backend() -> None:
    api = """
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.example.com}
spec: {group: example.com, version: v1, service: {namespace: ops, name: guard}}
---
"""
    crd = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  conversion: {strategy: Webhook, webhook: {clientConfig: {service: {namespace: ops, name: guard}}}}
---
"""
    for text in (api, crd):
        found = one(checked(goes(text)))
        assert (found.id, found.severity) == ("PRE073", Severity.BLOCKER)
        assert bad(checked(goes(text + SERVICE + BEHIND))) == []
    assert checked(goes(api.replace("service: {namespace: ops, name: guard}", "versionPriority: 1"))) == []
