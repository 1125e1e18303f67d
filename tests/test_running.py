"""What must not run twice: where each workload runs, what the plan says of it, and hosts outside of the cluster."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from migrate.catalog import rule_tables
from migrate.flow.plan import read_decisions, tables
from migrate.model.decided import Decided
from migrate.model.facts import Facts
from migrate.model.objects import Object
from migrate.model.plan import Plan
from migrate.model.ref import Ref, group_of
from migrate.planner import Neighbours, plan
from migrate.reading import read
from migrate.render import running
from migrate.render.document import plan_document
from migrate.render.explain import explain
from migrate.render.markdown import report
from migrate.render.terminal import summary
from migrate.rules import all_rules
from migrate.semantics.outside_world import acts_outside, hosts

CASES = Path(__file__).parent / "cases"
RULES = {rule.id: rule for rule in all_rules()}


def planned(case: str, decisions: dict[str, Any], tmp_path: Path) -> Plan:
    (tmp_path / "gke2eks.yaml").write_text(yaml.safe_dump(decisions))
    decided, _ = read_decisions(tmp_path, today=date(2026, 11, 23), flavour=None)
    snapshot = read([str(CASES / case / "input.yaml")], stdin=lambda: b"", needles=(), hash_key=b"k").snapshot
    return plan(snapshot, tables(), decided)


def runs(made: Plan) -> dict[str, str]:
    return {step.ref.short: step.runs for step in made.steps if step.runs}


def test_what_waits_for_requests_runs_on_both_sides_and_all_else_is_held(tmp_path: Path) -> None:
    made = planned("RUN001-kinds", {}, tmp_path)
    both = {"Deployment/web", "Deployment/grpc", "StatefulSet/queue", "DaemonSet/agent"}
    held = {"CronJob/nightly", "Job/import", "Deployment/worker", "Deployment/consumer", "Deployment/elsewhere"}
    held |= {"StatefulSet/cache", "Pod/shell"}
    assert runs(made) == dict.fromkeys(both, "both") | dict.fromkeys(held, "held")
    assert made.counts["runs_held"] == len(held) and made.counts["runs_both"] == len(both)
    assert not any(question.blocks for question in made.undecided)
    assert all(step.runs == "" for step in made.steps if step.ref.kind == "Service")


@pytest.mark.parametrize(
    ("case", "both"),
    [
        ("RUN001-outside-world", {"cert-manager-webhook", "files", "argocd-server"}),
        ("RUN001-data", {"cache", "pending"}),
        ("RUN001-leader", {"reader", "admin", "agent"}),
        ("RUN001-keda", {"front"}),
        (
            "RUN001-needed-at-once",
            {"mesh", "ingress", "redis", "secrets", "injector", "celery-exporter", "web"} | {"behind-a-proxy"},
        ),
        ("RUN001-takes-work", set()),
    ],
)
def test_who_is_served_and_held_all_the_same(case: str, both: set[str], tmp_path: Path) -> None:
    made = planned(case, yaml.safe_load((CASES / case / "why.yaml").read_text()).get("decisions") or {}, tmp_path)
    assert {step.ref.name for step in made.steps if step.runs == "both"} == both


def test_an_answer_wins_and_belongs_to_the_digest(tmp_path: Path) -> None:
    held = planned("RUN001-answered", {}, tmp_path)
    answers = {"Deployment/shop/external-dns": "both", "Deployment/shop/web": "held"}
    made = planned("RUN001-answered", {"runs": answers}, tmp_path)
    assert runs(held) == {"Deployment/external-dns": "held", "Deployment/worker": "held", "Deployment/web": "both"}
    assert runs(made) == {"Deployment/external-dns": "both", "Deployment/worker": "held", "Deployment/web": "held"}
    assert [step.body for step in made.steps] == [step.body for step in held.steps]
    assert made.digest != held.digest
    assert [".".join(q.key) for q in made.undecided] == ["runs.Deployment/shop/worker"]


def test_the_question_is_one_group_with_one_title(tmp_path: Path) -> None:
    asked = [q for q in planned("RUN001-kinds", {}, tmp_path).undecided if q.group == "runs"]
    assert len({q.question for q in asked}) == 1 and {q.example for q in asked} == {"held"}


def test_every_format_says_what_is_held_and_why(tmp_path: Path) -> None:
    made = planned("RUN001-kinds", {}, tmp_path)
    head, *reasons = running.lines(made)
    assert head == "7 workloads are held until release, 4 run on both clusters:"
    assert reasons[0] == "5: no Service leads to it, so it finds its work by itself."
    shown = summary(made, width=100, color=False, unicode=False, files=(), next_commands=(), workspace="w")
    assert head in shown and reasons[0] in shown
    page = report(made)
    assert head in page and f"- {reasons[0]}" in page
    steps = {step["ref"]["name"]: step for step in plan_document(made, {})["steps"]}
    assert (steps["worker"]["runs"], steps["web"]["runs"]) == ("held", "both") and steps["worker"]["runs_because"]
    worker = next(step for step in made.steps if step.ref.name == "worker")
    assert "runs  held until release: no Service leads to it" in explain(made, worker)


def test_a_plan_without_workloads_says_nothing_of_them(tmp_path: Path) -> None:
    assert running.lines(planned("CLU012-principals", {}, tmp_path)) == []


@pytest.mark.parametrize("where", ["spec", "metadata", "template", "containers"])
@pytest.mark.parametrize("odd", [None, 0, "text", [], [None, 1], {"a": None}])
def test_odd_input_raises_nothing(where: str, odd: Any, tmp_path: Path) -> None:
    body: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "n"},
        "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}},
    }
    if where == "containers":
        body["spec"]["template"]["spec"]["containers"] = odd
    elif where == "template":
        body["spec"]["template"] = odd
    elif where == "spec":
        body["spec"] = odd
    others: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Service", "spec": {"selector": odd, "ports": odd}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": odd},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": odd}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "roleRef": odd, "subjects": odd},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": odd},
        {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": {"scaleTargetRef": odd, "triggers": odd}},
        {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "spec": {"provider": {"vault": odd}}},
        {"apiVersion": "batch/v1", "kind": "CronJob", "spec": odd},
    ]
    for other in others:
        other["metadata"] = {"name": "x", "namespace": "n", **({"annotations": odd} if where == "metadata" else {})}
    data = orjson.dumps({"apiVersion": "v1", "kind": "List", "items": [body, *others]})
    snapshot = read(["-"], stdin=lambda: data, needles=(), hash_key=b"k").snapshot
    assert plan(snapshot, tables(), read_decisions(tmp_path, today=date(2026, 11, 23), flavour=None)[0]).steps


def pod(image: str, *args: str, labels: dict[str, str] | None = None) -> Object:
    body = {"metadata": {"labels": labels or {}}, "spec": {"containers": [{"image": image, "args": list(args)}]}}
    return Object(Ref("", "Pod", "n", "x"), body)


@pytest.mark.parametrize(
    ("image", "args", "program"),
    [
        ("bitnami/external-dns:0.15", (), "external-dns"),
        ("registry:5000/mirror/external-dns@sha256:" + "a" * 64, (), "external-dns"),
        ("acme/external-dns-tester:1", (), ""),
        ("quay.io/jetstack/cert-manager-cainjector:v1", (), "cert-manager's injector"),
        ("certbot/dns-route53", (), "an ACME client"),
        ("registry.k8s.io/autoscaling/cluster-autoscaler:v1.31.0", (), "cluster-autoscaler"),
        ("registry.k8s.io/cpa/cluster-proportional-autoscaler:v1", (), ""),
        ("ghcr.io/fluxcd/source-controller:v1.4.1", (), ""),
        ("ghcr.io/fluxcd/helm-controller:v1.1.0", (), "Flux"),
        ("xpkg.upbound.io/upbound/provider-aws-s3:v1", (), "Crossplane"),
        ("velero/velero:v1.15.0", (), "Velero"),
        ("public.ecr.aws/aws-controllers-k8s/s3-controller:1.0", (), "a controller of AWS resources"),
        ("acme/shop:1", ("bundle", "exec", "sidekiq", "-q", "mail"), "a worker of a queue"),
        ("acme/shop:1", ("php", "artisan", "queue:work", "--tries=3"), "a worker of a queue"),
        ("apache/airflow:2", ("bash", "-c", "exec airflow scheduler"), "a worker of a queue"),
        ("apache/airflow:2", ("bash", "-c", "exec airflow webserver"), ""),
        ("acme/shop:1", ("php", "artisan", "serve"), ""),
        ("traefik:v3", ("--entrypoints.web.address=:80",), ""),
        ("quay.io/argoproj/argocd:v2", ("argocd-repo-server",), ""),
        ("caddy:2", (), "Caddy with ACME"),
        ("not an image at all://", (), ""),
    ],
)
def test_programs_are_found_by_name_and_by_what_they_are_told(image: str, args: tuple[str, ...], program: str) -> None:
    found = acts_outside(pod(image, *args), Neighbours([], {}, Decided(), rule_tables()))
    assert (found.fields["program"] if found else "") == program


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("API_URL", "https://api.stripe.com/v1", ["api.stripe.com"]),
        ("DATABASE_URL", "postgres://u:p%40@db.partner.io:5432/x", ["db.partner.io"]),
        ("KAFKA_BROKERS", "a.kafka.io:9092,b.kafka.io:9092", ["a.kafka.io", "b.kafka.io"]),
        ("smtpHost", "smtp.sendgrid.net", ["smtp.sendgrid.net"]),
        ("SERVER", "db.shop", []),
        ("SERVER", "db.shop.svc.cluster.local:80", []),
        ("SERVER", "localhost:80", []),
        ("SERVER", "10.0.0.8:80", []),
        ("API_URL", "https://storage.googleapis.com/b", []),
        ("RECAPTCHA_URL", "https://www.google.com/recaptcha/api.js", []),
        ("DESCRIPTION", "https://api.stripe.com/v1", []),
        ("API_URL", "http://web:8080/x.html", []),
        ("CONFIG_URL", "file:///etc/app.conf", []),
        ("LOCALHOST", "see api.stripe.com for more", []),
    ],
)
def test_hosts_are_believed_where_a_name_says_so(name: str, value: str, found: list[str]) -> None:
    body = {"spec": {"containers": [{"env": [{"name": name, "value": value}]}]}}
    assert list(hosts(Object(Ref("", "Pod", "n", "x"), body), frozenset({"shop"}))) == found


def test_a_pool_of_workload_identity_is_enough_to_ask_for_principals() -> None:
    cluster = RULES["CLU012"].cluster
    assert cluster is not None
    known = Neighbours([], {}, Decided(), rule_tables(), Facts(workload_pool="acme.svc.id.goog"))
    assert "acme.svc.id.goog" in next(iter(cluster(known))).fix
    assert list(cluster(Neighbours([], {}, Decided(), rule_tables()))) == []


def test_the_patterns_of_the_table_compile_and_each_row_says_where_it_was_read() -> None:
    for row in rule_tables()["outside-world.yaml"]:
        assert row.fields["source"] and not str(row.fields["because"]).endswith(".")
        assert {"images", "labels", "says"} & set(row.fields)
        for column in ("images", "labels"):
            assert all(re.compile(text) for text in row.fields.get(column, ()))


def test_group_of_a_kind_in_the_table_is_a_group() -> None:
    for row in rule_tables()["external-dns.yaml"]:
        assert all(group_of(text) == "" or "." in group_of(text) for text in row.fields["kinds"])
        assert row.fields["passes"] in (True, False) or re.fullmatch(r"0\.\d+", row.fields["passes"])
