"""What scales by Google's metrics, and kinds that only the Cloud SQL operator knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest.places import get
from migrate.model.effects import Effect, Flag, Manual, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.rules import Known, Rule

# Names of Cloud Monitoring as its adapter writes them: a slash of the metric is a bar.
_METRIC = re.compile(r"^([a-z0-9-]+\.)*googleapis\.com\||^kubernetes\.io\||^autoscaling\.gke\.io\|", re.IGNORECASE)
_ADAPTER = "custom-metrics-stackdriver-adapter"
_TRIGGERS = {
    "gcp-pubsub": "aws-sqs-queue",
    "gcp-stackdriver": "aws-cloudwatch",
    "gcp-storage": "aws-cloudwatch, on a metric of the S3 bucket",
    "gcp-cloudtasks": "aws-sqs-queue",
}
# Where each version of the API keeps the name of a metric.
_NAMES = tuple(
    (kind, *names) for names in (("metric", "name"), ("metricName",)) for kind in ("external", "pods", "object")
)


def _metrics(obj: Object, _known: Known) -> Iterator[Effect]:
    metrics = obj.spec.get("metrics")
    for index, metric in enumerate(metrics if isinstance(metrics, list) else ()):
        for names in _NAMES:
            name = get(metric, names)
            if isinstance(name, str) and _METRIC.search(name):
                yield Flag(
                    Path(("spec", "metrics", index, *names)),
                    f"{name} is a metric of Cloud Monitoring; nothing on EKS has it, and this keeps its replicas in "
                    "silence.",
                    "Scale by a queue or metric of AWS with KEDA, or serve the metric with prometheus-adapter and name "
                    "it anew here.",
                )


def _triggers(obj: Object, _known: Known) -> Iterator[Effect]:
    triggers = obj.spec.get("triggers")
    for index, trigger in enumerate(triggers if isinstance(triggers, list) else ()):
        kind = trigger.get("type") if isinstance(trigger, Mapping) else None
        if isinstance(kind, str) and kind in _TRIGGERS:
            yield Flag(
                P("spec", "triggers", index, "type"),
                f"{kind} asks Google for the size of a queue or a metric; on EKS it has no login there.",
                f"Use the trigger {_TRIGGERS[kind]} on what takes the place of it.",
            )
    if get(obj.body, ("spec", "podIdentity", "provider")) == "gcp":
        yield Flag(
            P("spec", "podIdentity", "provider"),
            "gcp lets KEDA log in by Workload Identity of GKE, which EKS has not.",
            "Use the provider aws, and a role that may read the queue.",
        )
    if isinstance(get(obj.body, ("spec", "gcpSecretManager")), Mapping):
        yield Flag(
            P("spec", "gcpSecretManager"),
            "KEDA reads its login from Secret Manager of Google.",
            "Copy the secret to AWS Secrets Manager and use awsSecretManager.",
        )


def _adapter(obj: Object, _known: Known) -> Iterator[Effect]:
    if get(obj.body, ("spec", "service", "name")) == _ADAPTER:
        yield Flag(
            P("spec", "service", "name"),
            "The adapter of Cloud Monitoring serves this API; on EKS it has nothing to read.",
            "Leave this object, the adapter and its RBAC out; KEDA or prometheus-adapter registers its own.",
        )


def _proxy_workload(obj: Object, _known: Known) -> Iterator[Effect]:
    spec: Any = get(obj.body, ("spec", "workloadSelector", "name"))
    whom = f" into {spec}" if isinstance(spec, str) else ""
    yield Manual(
        f"The Cloud SQL operator puts a proxy{whom} where this asks for it; on EKS the database has an endpoint that "
        "pods reach directly: replace the host in their environment by hand."
    )


def _rule(id: str, title: str, words: tuple[str, str, str], **page: Any) -> Rule:
    what, why, do = words
    given: dict[str, Any] = {"area": "dependencies", "severity": Severity.REVIEW, **page}
    return Rule(id=id, title=title, what=what, why=why, do=do, change="overrides and waivers in gke2eks.yaml", **given)


_NOTHING = "Nothing is changed; "
_SAME = "unchanged, and named in a finding"
RULES: tuple[Rule, ...] = (
    _rule(
        "DEP015",
        "Scaling by metrics of Cloud Monitoring",
        (
            f"{_NOTHING}metrics of Cloud Monitoring in a HorizontalPodAutoscaler are named.",
            "The object is accepted on EKS, finds no such metric, and never scales again.",
            "Scale by a metric of AWS or Prometheus.",
        ),
        effects=_metrics,
        kinds=frozenset({("autoscaling", "HorizontalPodAutoscaler")}),
        docs="https://keda.sh/docs/latest/scalers/aws-sqs/",
        gke="metric: {name: pubsub.googleapis.com|subscription|num_undelivered_messages}",
        eks=_SAME,
    ),
    _rule(
        "DEP016",
        "Scaling by Google's queues with KEDA",
        (
            f"{_NOTHING}triggers and logins of KEDA that ask Google are named.",
            "They need a login to Google, and a queue that is still there.",
            "Use the triggers of AWS.",
        ),
        effects=_triggers,
        kinds=frozenset(
            ("keda.sh", kind)
            for kind in ("ScaledObject", "ScaledJob", "TriggerAuthentication", "ClusterTriggerAuthentication")
        ),
        docs="https://keda.sh/docs/latest/scalers/aws-sqs/",
        gke="triggers: [{type: gcp-pubsub}]",
        eks=_SAME,
    ),
    _rule(
        "DEP017",
        "The adapter of Cloud Monitoring",
        (
            f"{_NOTHING}an APIService that the adapter of Cloud Monitoring serves is named.",
            "Two APIServices of one name cannot be, and this one would answer nothing.",
            "Leave it out, with the adapter.",
        ),
        effects=_adapter,
        kinds=frozenset({("apiregistration.k8s.io", "APIService")}),
        docs="https://github.com/kubernetes-sigs/prometheus-adapter",
        gke="service: {name: custom-metrics-stackdriver-adapter}",
        eks=_SAME,
    ),
    _rule(
        "DEP018",
        "Proxies of the Cloud SQL operator",
        (
            "An AuthProxyWorkload is not carried over.",
            "No server on EKS knows the kind, and no Cloud SQL is behind it.",
            "Replace the host in the workload that it names.",
        ),
        effects=_proxy_workload,
        kinds=frozenset({("cloudsql.cloud.google.com", "AuthProxyWorkload")}),
        docs="https://github.com/GoogleCloudPlatform/cloud-sql-proxy-operator",
        gke="kind: AuthProxyWorkload",
        eks="nothing",
    ),
)
