"""Pods that a level would refuse; each verdict is compared with the real server's in tests/cluster."""

from __future__ import annotations

import pytest
from preflight_admission_help import Fake, bad, goes, one

from migrate.manifest.pods import PodTemplate
from migrate.model.checks import Check, Status
from migrate.model.effects import Severity
from migrate.model.path import P
from migrate.preflight import pod_security
from migrate.preflight.pod_security import Level, level_of
from migrate.preflight.pod_security_controls import BASELINE, RESTRICTED, violations

ENFORCE = "pod-security.kubernetes.io/enforce"


def space(level: str = "", version: str = "") -> str:
    labels = {ENFORCE: level, f"{ENFORCE}-version": version}
    said = ", ".join(f"{key}: {value}" for key, value in labels.items() if value)
    return f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{{said}}}}}\n---\n"


def deployment(name: str, spec: str = "containers: [{name: a}]") -> str:
    head = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{{spec}}}}}}}\n---\n"


HOST = "hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80}]}]"


def checked(planned: str, target: Fake | None = None) -> list[Check]:
    return list(pod_security.checks(goes(planned), target or Fake()))


@pytest.mark.parametrize(
    ("labels", "level"),
    [
        ({}, Level("privileged", 36)),
        ({ENFORCE: "baseline"}, Level("baseline", 36)),
        ({ENFORCE: "baseline", f"{ENFORCE}-version": "latest"}, Level("baseline", 36)),
        ({ENFORCE: "restricted", f"{ENFORCE}-version": "v1.25"}, Level("restricted", 25, "v1.25")),
        ({ENFORCE: "restricted", f"{ENFORCE}-version": "v1.99"}, Level("restricted", 36, "v1.99")),
        ({ENFORCE: "odd"}, Level("restricted", 36)),
    ],
)
def test_the_labels_of_a_namespace_say_the_level(labels: dict[str, str], level: Level) -> None:
    assert level_of(labels, 36) == level


def test_nothing_is_enforced_where_nobody_says_so() -> None:
    (found,) = checked(space() + deployment("api", HOST))
    assert found.status is Status.PASS and found.message == "1 Namespace enforces no Pod Security level."


def test_workloads_with_the_same_faults_are_one_finding() -> None:
    found = one(checked(space("baseline") + deployment("a", HOST) + deployment("b", HOST) + deployment("fine")))
    assert (found.id, found.severity) == ("PRE075", Severity.BLOCKER)
    assert found.message == (
        "Namespace shop enforces baseline: pods of Deployment/a, Deployment/b would be refused (host namespaces, "
        "hostPort)."
    )
    assert found.because.startswith("the workload itself is taken, and its pods are refused")
    assert found.because.endswith("In Deployment/a: host namespaces: hostNetwork; hostPort: container a, port 80.")
    assert f"override the label {ENFORCE} of Namespace/shop with privileged" in found.fix


def test_the_labels_on_the_target_count_and_the_plan_wins() -> None:
    assert one(checked(deployment("a"), Fake(space("restricted")))).fix.endswith(
        f"kubectl label namespace shop {ENFORCE}=baseline --overwrite"
    )
    assert one(checked(space() + deployment("a"), Fake(space("restricted")))).id == "PRE075"
    assert bad(checked(space("baseline") + deployment("a"), Fake(space("restricted")))) == []


def test_namespaces_that_may_not_be_listed_are_unknown_unless_the_plan_says_it() -> None:
    silent = Fake(silent=("Namespace",))
    found = one(checked(deployment("a"), silent))
    assert found.status is Status.UNKNOWN and found.because == "the caller may not list Namespace"
    assert bad(checked(space("baseline") + deployment("a"), silent)) == []


def test_the_version_of_the_server_decides_what_latest_is() -> None:
    probe = "containers: [{name: a, livenessProbe: {httpGet: {port: 80, host: 10.0.0.1}}}]"
    planned = space("baseline") + deployment("a", probe)
    assert "probe or lifecycle host" in one(checked(planned, Fake(minor="1.34"))).message
    assert bad(checked(planned, Fake(minor="1.33"))) == []


def test_pods_in_custom_kinds_count_too() -> None:
    rollout = deployment("a", HOST).replace("apps/v1", "argoproj.io/v1alpha1").replace("Deployment", "Rollout")
    found = one(checked(space("baseline") + rollout))
    assert "Rollout.argoproj.io/a" in found.message


def test_a_pod_itself_is_refused_at_once() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostPID: true, containers: [{name: a}]}\n"
    assert one(checked(space("baseline") + pod)).because == "in Pod/p: host namespaces: hostPID."


@pytest.mark.parametrize("odd", [None, [], "x", {"containers": "x"}, {"containers": [None, {"ports": 1}]}])
def test_odd_bodies_are_no_error(odd: object) -> None:
    template = PodTemplate(P(), {}, odd if isinstance(odd, dict) else {})
    for minor in (0, 18, 36):
        for level in (BASELINE, RESTRICTED):
            violations(template, level, minor)
