"""Where the pods of a workload may run while the source is still there: held until release, or on both clusters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from migrate.manifest.pods import PodTemplate, pod_template
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.model.rules import Known
from migrate.semantics.claims import claims
from migrate.semantics.outside_world import acts_outside
from migrate.semantics.running_marks import asking, takes_work

HELD, BOTH = "held", "both"
WORKLOADS = frozenset(
    {("batch", "CronJob"), ("batch", "Job"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")}
    | {("apps", "ReplicaSet"), ("", "ReplicationController"), ("", "Pod")}
)
_ANSWERED = "gke2eks.yaml says so"
_DATA = "its claim is bound on the source; here it would start without its data"
_PERHAPS = "its claim may hold data on the source; here it would start without it"
_JOBS = {
    "CronJob": "a CronJob would do each of its runs twice",
    "Job": "a Job would do its work once more",
}
_KEDA = "KEDA scales it by work that waits outside of the cluster; both sides would take from it"
_LEADER = "it elects a leader by Leases, which end at the cluster; each side would have one"
_ASKED = "the API server asks it before it stores objects, and can store none of them while it does not run"
_TAKES = "it takes work that waits outside of the cluster, and so does the source"
_UNSELECTED = "no Service leads to it, so it finds its work by itself"
_DAEMON = "a DaemonSet serves the node that it runs on"
_SERVED = "a Service leads to it, so it waits to be asked"
# Ports that somebody scrapes: a queue consumer with one of these is a queue consumer still.
_SCRAPED = re.compile(r"(^|[^a-z])(metrics?|prom(etheus)?|monitoring|telemetry)($|[^a-z])")
# Caches and brokers: Redis, Sentinel, Memcached, NATS, AMQP. Databases have claims, and are held for their data.
_SERVERS = frozenset({6379, 26379, 11211, 4222, 5672})
# Triggers that measure the workload itself, the time, or what a monitoring system says: no work that waits.
_NO_QUEUE = frozenset(
    {"cpu", "memory", "cron", "prometheus", "kubernetes-workload", "kubernetes-resource", "metrics-api", "datadog"}
    | {"dynatrace", "new-relic", "graphite", "influxdb", "loki", "splunk", "splunk-observability", "sumologic"}
    | {"azure-app-insights", "azure-log-analytics", "azure-monitor", "aws-cloudwatch", "gcp-stackdriver"}
    | {"huawei-cloudeye", "openstack-metric", "predictkube", "elastic-forecast", "solarwinds", "selenium-grid"}
    | {"external", "external-push", "external-mock"}
)
_WRITES = frozenset({"create", "update", "patch", "*"})


@dataclass(frozen=True, slots=True)
class Running:
    """`runs` is held or both, `because` a clause that many workloads share; `detail` names what only this one has.

    `risky` is the harm of running twice: of a default, where there is one; of an answer, if it takes the risk.
    `asked` names what makes the API server ask it before it stores an object.
    """

    runs: str
    because: str
    detail: str = ""
    answered: bool = False
    risky: str = ""
    asked: str = ""


def running(obj: Object, known: Known) -> Running:
    """Decide for one workload. An answer wins over every default."""
    services = _services_of(obj, known)
    asks = asking(known)
    asked = next((asks[service.ref] for service in services if service.ref in asks), "")
    default = _default(obj, known, services, asked)
    answer = known.answer("runs", str(obj.ref))
    if answer not in (HELD, BOTH):
        return replace(default, asked=asked)
    risky = default.risky if answer == BOTH else ""
    return Running(answer, _ANSWERED, answered=True, risky=risky, asked=asked)


def _default(obj: Object, known: Known, services: Sequence[Object], asked: str) -> Running:
    row = acts_outside(obj, known)
    if row is not None and row.fields.get("runs") == BOTH:
        return Running(BOTH, str(row.fields["because"]), f"It runs {row.fields['program']} ({row.where}).")
    if row is not None:
        harm = str(row.fields["because"])
        return Running(HELD, harm, f"It runs {row.fields['program']} ({row.where}).", risky=harm)
    claim, because = min(_with_data(obj, known), default=("", ""), key=lambda found: found[1] != _DATA)
    if claim:
        return Running(HELD, because, f"The claim is {claim}.", risky=because)
    if obj.ref.kind in _JOBS:
        return Running(HELD, _JOBS[obj.ref.kind])
    if obj.ref.kind == "DaemonSet":
        return Running(BOTH, _DAEMON)
    pod = pod_template(obj)
    triggers = known.once("runs.keda", lambda: dict(_keda(known)))
    trigger = triggers.get((obj.ref.kind, obj.ref.namespace, obj.ref.name), "")
    if trigger:
        return Running(HELD, _KEDA, f"The trigger is {trigger}.")
    if asked:
        return Running(BOTH, _ASKED, f"{asked}.")
    account = (obj.ref.namespace, _account(pod))
    role = known.once("runs.leases", lambda: dict(_leases(known))).get(account, "")
    # A proxy elects who writes the status of Ingresses; clients outside reach all of its pods.
    if role and not any(service.spec.get("type") == "LoadBalancer" for service in services):
        return Running(HELD, _LEADER, f"{role} lets ServiceAccount {account[1]} write Leases.")
    leading = next((one for one in services if _leads(one, obj)), None)
    if leading is None:
        return Running(HELD, _UNSELECTED)
    taken = takes_work(obj, pod)
    return Running(HELD, _TAKES, taken) if taken else Running(BOTH, _SERVED, f"{leading.ref}.")


def is_complete(obj: Object) -> bool:
    """Tell whether a Job has done its work on the source."""
    conditions = _map(obj.body.get("status")).get("conditions") if obj.ref.kind == "Job" else None
    return any(
        one.get("type") == "Complete" and one.get("status") == "True"
        for one in map(_map, conditions if isinstance(conditions, list) else ())
    )


def _with_data(obj: Object, known: Known) -> Iterator[tuple[str, str]]:
    """Claims of this workload, and why they matter. Files tell of no claim whether it is bound; a live Pending does."""
    pod = pod_template(obj)
    names = [name for claim in claims(obj) for name in claim.names]
    for _, volume in pod.items("volumes") if pod else ():
        name = _map(volume.get("persistentVolumeClaim")).get("claimName")
        names += [name] if isinstance(name, str) else []
    for name in names:
        claim = known.find(Ref("", "PersistentVolumeClaim", obj.ref.namespace, name))
        if known.answer("volumes", f"{obj.ref.namespace}/{name}") == "empty-ok":
            continue
        phase = _map(claim.body.get("status")).get("phase") if claim else None
        if claim and (phase == "Bound" or claim.spec.get("volumeName")):
            yield name, _DATA
        elif phase is None:
            yield name, _PERHAPS


def _account(pod: PodTemplate | None) -> str:
    spec = pod.spec if pod else {}
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    return name if isinstance(name, str) else "default"


def _services_of(obj: Object, known: Known) -> list[Object]:
    """The Services whose selector fits the pods of a workload."""
    by_space = known.once("runs.services", lambda: _services(known))
    pod = pod_template(obj)
    labels = pod.labels if pod else {}
    return [
        service
        for service in by_space.get(obj.ref.namespace, ())
        if all(labels.get(key) == value for key, value in service.spec["selector"].items())
    ]


def _leads(service: Object, obj: Object) -> bool:
    """Tell whether a Service brings work. Not one for scraping alone, nor one that only names pods."""
    ports = service.spec.get("ports")
    listed = [_map(port) for port in ports] if isinstance(ports, list) else []
    names = [str(port.get("name") or "") for port in listed]
    if names and all(_SCRAPED.search(name) for name in names):
        return False
    # A StatefulSet needs its headless Service for the names of its pods: it says nothing about who calls them,
    # unless what listens there is a cache or a broker, which clients find by that name.
    governing = obj.ref.kind == "StatefulSet" and service.ref.name == obj.spec.get("serviceName")
    if governing and service.spec.get("clusterIP") == "None":
        return any(port.get("port") in _SERVERS for port in listed)
    return True


def _services(known: Known) -> Mapping[str, tuple[Object, ...]]:
    """The Services of each namespace that select pods."""
    found: dict[str, list[Object]] = {}
    for service in known.all("", "Service"):
        selector = service.spec.get("selector")
        if not isinstance(selector, Mapping) or not selector or service.spec.get("type") == "ExternalName":
            continue
        found.setdefault(service.ref.namespace, []).append(service)
    return {space: tuple(services) for space, services in found.items()}


def _keda(known: Known) -> Iterator[tuple[tuple[str, str, str], str]]:
    """((kind, namespace, name), trigger) of every workload that KEDA scales by a queue."""
    for scaled in known.all("keda.sh", "ScaledObject"):
        target, triggers = _map(scaled.spec.get("scaleTargetRef")), scaled.spec.get("triggers")
        for trigger in triggers if isinstance(triggers, list) else ():
            kind = _map(trigger).get("type")
            if isinstance(kind, str) and kind not in _NO_QUEUE:
                yield (str(target.get("kind") or "Deployment"), scaled.ref.namespace, str(target.get("name"))), kind


def _leases(known: Known) -> Iterator[tuple[tuple[str, str], str]]:
    """((namespace, ServiceAccount), role) of everybody whom a role names Leases for. Wildcards name nothing."""
    group = "rbac.authorization.k8s.io"
    roles = {role.ref: role for kind in ("Role", "ClusterRole") for role in known.all(group, kind) if _writes(role)}
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in known.all(group, kind):
            named = _map(binding.body.get("roleRef"))
            cluster = named.get("kind") == "ClusterRole"
            space = "" if cluster else binding.ref.namespace
            role = roles.get(Ref(group, "ClusterRole" if cluster else "Role", space, str(named.get("name"))))
            subjects = binding.body.get("subjects")
            for subject in subjects if role and isinstance(subjects, list) else ():
                one = _map(subject)
                if role and one.get("kind") == "ServiceAccount" and isinstance(one.get("name"), str):
                    yield (str(one.get("namespace") or binding.ref.namespace), one["name"]), str(role.ref)


def _writes(role: Object) -> bool:
    rules = role.body.get("rules")
    return any(
        "leases" in _texts(one.get("resources")) and _WRITES & _texts(one.get("verbs"))
        for one in map(_map, rules if isinstance(rules, list) else ())
    )


def _texts(value: Any) -> frozenset[str]:
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else frozenset()


def _map(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}
