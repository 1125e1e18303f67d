"""Rolling updates behind a load balancer: a pod counts when its target is healthy, and ends after the last request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.model.effects import Effect, Flag, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P, Path
from migrate.model.ref import Ref
from migrate.model.rules import Known, Rule
from migrate.semantics import edges

# Each flavour's webhook looks for a label of its own.
LABELS = {"standard": "elbv2.k8s.aws/pod-readiness-gate-inject", "auto": "eks.amazonaws.com/pod-readiness-gate-inject"}
_ENOUGH = 60


def _readiness(obj: Object, known: Known) -> Iterator[Effect]:
    label = LABELS[known.flavour]
    if obj.ref.kind == "Namespace":
        if obj.ref.name in edges.holders(known) and label not in obj.labels:
            why = "new pods wait until the load balancer has found them healthy, so an update leaves no gap"
            yield Set(P("metadata", "labels", label), "enabled", why)
        return
    if edges.google(obj) and not known.migrates(Ref("", "Namespace", "", obj.ref.namespace)):
        yield Flag(
            P("metadata", "namespace"),
            f"The namespace {obj.ref.namespace or 'default'} is not in the plan: its pods get no readiness gate "
            "of the load balancer.",
            f"Label it before its pods start: {label}=enabled.",
            Severity.REVIEW,
        )


def _draining(obj: Object, known: Known) -> Iterator[Effect]:
    services = edges.behind(known).services.get(obj.ref, ())
    template = pods.pod_template(obj)
    if not services or template is None:
        return
    patience = template.spec.get("terminationGracePeriodSeconds")
    patience = patience if type(patience) is int else 30
    waits = any(_has_pre_stop(container) for _, container in template.items("containers"))
    if waits and patience >= _ENOUGH:
        return
    lacks = "no container has a preStop hook" if not waits else f"a pod has only {patience} seconds to end"
    yield Flag(
        Path((*template.path, "spec")),
        f"Behind Service {', '.join(s.name for s in services)} the NLB goes on sending for some seconds to a pod that "
        f"began to end, and {lacks}.",
        f"Add a preStop sleep of 15 seconds or more, and set terminationGracePeriodSeconds to {_ENOUGH} or more, "
        "longer than the sleep and the longest request together.",
        Severity.REVIEW,
    )


def _has_pre_stop(container: Mapping[str, Any]) -> bool:
    lifecycle = container.get("lifecycle")
    return isinstance(lifecycle, Mapping) and bool(lifecycle.get("preStop"))


RULES: tuple[Rule, ...] = (
    Rule(
        id="SVC013",
        title="Readiness gate of the load balancer",
        what="A namespace that holds a load balancer is labelled, so that its pods wait for their target.",
        why="Pods are targets of the NLB themselves, and a new target needs minutes. Without the gate an update can "
        "end every old pod before a new one is served.",
        docs="https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/",
        area="services",
        severity=Severity.INFO,
        kinds=frozenset({("", "Namespace"), ("", "Service")}),
        do="Create the Services before the pods: gates are put in when a pod is made.",
        effects=_readiness,
        gke="no label; the load balancer sends to nodes, which are there already",
        eks=f"{LABELS['standard']}: enabled",
        change="overrides in gke2eks.yaml",
    ),
    Rule(
        id="SVC014",
        title="Draining behind a load balancer",
        what="Nothing is changed; workloads that end faster than their target leaves the load balancer are named.",
        why="The pod and its target end independently. The NLB drains for 300 seconds unless told otherwise, and sends "
        "new connections for some seconds after the pod began to end.",
        docs="https://docs.aws.amazon.com/eks/latest/best-practices/load-balancing.html",
        area="services",
        severity=Severity.REVIEW,
        kinds=frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")}),
        do="Add a preStop sleep and a longer terminationGracePeriodSeconds.",
        effects=_draining,
        gke="no preStop; the node stops sending by itself",
        eks="lifecycle.preStop sleep, terminationGracePeriodSeconds: 60",
        change="overrides in gke2eks.yaml",
    ),
)
