"""Mutations of a target, and the deltas that each must give: one table for the pure differ and for a real API server.

A mutation gets the live bodies by short name, changes them in place (or adds, or takes away), and gives what must be
found: (class, object, path). Two mutations of one choice never touch the same place.
"""

from __future__ import annotations

import base64
import copy
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rollback_help import obj

Json = dict[str, Any]
Live = dict[str, Json]
Told = tuple[str, str, str]
POD = "spec.template.spec"


def objects(space: str) -> list[Json]:
    """Nothing here runs: no replicas, no schedule that comes soon."""
    container = {
        "name": "api",
        "image": "example.com/api:1",
        "args": ["--a", "--b", "--c"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "$(A)"}],
        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 90, "name": "metrics"}],
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
    }
    pods = {
        "containers": [container, {"name": "side", "image": "example.com/side:1"}],
        "tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}],
        "nodeSelector": {"disk": "ssd"},
    }
    labels = {"app": "api"}
    template = {"metadata": {"labels": labels, "annotations": {"example.com/note": "x"}}, "spec": pods}
    job = {"spec": {"template": {"spec": {**pods, "restartPolicy": "Never"}}}}
    ports = [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "metrics", "port": 90, "targetPort": 90}]
    web = {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 80, "protocol": "TCP"}]}
    coded = {"a": base64.b64encode(b"first value").decode(), "b": base64.b64encode(b"second").decode()}
    return [
        obj("Namespace", space),
        obj(
            "ConfigMap", "settings", space, data={"a": "1", "b": "2", "json": '{"x": 1, "y": [1, 2]}', "text": "a\nb\n"}
        ),
        obj("Secret", "login", space, type="Opaque", data=coded),
        obj("ServiceAccount", "api", space, metadata={"annotations": {"example.com/team": "shop"}}),
        obj("Service", "api", space, spec={"selector": labels, "ports": ports}),
        obj(
            "Deployment",
            "api",
            space,
            "apps/v1",
            metadata={"labels": {"app": "api", "team": "shop"}},
            spec={"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        ),
        obj(
            "CronJob", "nightly", space, "batch/v1", spec={"schedule": "0 3 1 1 *", "suspend": True, "jobTemplate": job}
        ),
        obj(
            "PodDisruptionBudget",
            "api",
            space,
            "policy/v1",
            spec={"minAvailable": "50%", "selector": {"matchLabels": labels}},
        ),
        obj(
            "NetworkPolicy",
            "api",
            space,
            "networking.k8s.io/v1",
            spec={"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"], "ingress": [web]},
        ),
        obj(
            "Role",
            "reader",
            space,
            "rbac.authorization.k8s.io/v1",
            rules=[{"apiGroups": [""], "resources": ["configmaps", "pods"], "verbs": ["get", "list"]}],
        ),
        obj("ConfigMap", "spare", space, data={"a": "1"}),
        obj("ServiceAccount", "spare", space),
    ]


@dataclass(frozen=True)
class Mutation:
    """`place`: what it touches; two with one place, or one of them the whole object's, never go together."""

    name: str
    place: str
    act: Callable[[Live], list[Told]]

    @property
    def whole(self) -> bool:
        return ":" not in self.place

    def meets(self, other: Mutation) -> bool:
        """Tell whether the two touch one place, or one of them something inside the other's."""
        if self.object != other.object:
            return False
        one, two = f"{self.place}.", f"{other.place}."
        return self.whole or other.whole or one.startswith(two) or two.startswith(one)

    @property
    def object(self) -> str:
        return self.place.partition(":")[0]


def _at(body: Any, keys: Iterable[Any]) -> Any:
    for key in keys:
        body = body[key]
    return body


def field(
    name: str, short: str, keys: tuple[Any, ...], value: Any, path: str | None, kind: str = "unexpected"
) -> Mutation:
    """Set a field (None takes it away). `path` None: it must not be found."""

    def act(live: Live) -> list[Told]:
        holder = _at(live[short], keys[:-1])
        if value is None:
            del holder[keys[-1]]
        else:
            holder[keys[-1]] = value
        return [] if path is None else [(kind, short, path)]

    return Mutation(name, f"{short}:{'.'.join(map(str, keys))}", act)


def turned(name: str, short: str, keys: tuple[Any, ...], *paths: str) -> Mutation:
    """Reverse a list; without paths it must not be found."""

    def act(live: Live) -> list[Told]:
        _at(live[short], keys).reverse()
        return [("unexpected", short, path) for path in paths]

    return Mutation(name, f"{short}:{'.'.join(map(str, keys))}", act)


def appended(name: str, short: str, keys: tuple[Any, ...], item: Any, path: str) -> Mutation:
    def act(live: Live) -> list[Told]:
        _at(live[short], keys).append(item)
        return [("unexpected", short, path)]

    return Mutation(name, f"{short}:{'.'.join(map(str, keys))}", act)


def gone(short: str) -> Mutation:
    def act(live: Live) -> list[Told]:
        del live[short]
        return [("missing", short, "")]

    return Mutation(f"{short} deleted", short, act)


def added(kind: str, name: str) -> Mutation:
    def act(live: Live) -> list[Told]:
        space = live["ConfigMap/settings"]["metadata"]["namespace"] if "ConfigMap/settings" in live else ""
        space = space or next(one["metadata"]["namespace"] for one in live.values() if "namespace" in one["metadata"])
        live[f"{kind}/{name}"] = obj(kind, name, space)
        return [("extra", f"{kind}/{name}", "")]

    return Mutation(f"{kind} added", f"{kind}/{name}", act)


_DEP, _CM, _SVC = "Deployment/api", "ConfigMap/settings", "Service/api"
_SPEC = ("spec", "template", "spec")
_API = (*_SPEC, "containers", 0)
_PLANNED = f"{POD}.containers[name=api]"


def coded(text: bytes) -> str:
    return base64.b64encode(text).decode()


MUTATIONS = (
    # field changed
    field("value changed", _CM, ("data", "a"), "other", "data.a"),
    field("text line added", _CM, ("data", "text"), "a\nb\nc\n", "data.text"),
    field("image changed", _DEP, (*_API, "image"), "example.com/api:2", f"{_PLANNED}.image"),
    field(
        "memory changed", _DEP, (*_API, "resources", "limits", "memory"), "3Gi", f"{_PLANNED}.resources.limits.memory"
    ),
    field("replicas changed", _DEP, ("spec", "replicas"), 1, "spec.replicas"),
    field("default changed", _DEP, ("spec", "revisionHistoryLimit"), 3, "spec.revisionHistoryLimit"),
    field("port changed", _SVC, ("spec", "ports", 1, "targetPort"), 91, "spec.ports[port=90].targetPort"),
    field("schedule changed", "CronJob/nightly", ("spec", "schedule"), "0 4 1 1 *", "spec.schedule"),
    field("budget changed", "PodDisruptionBudget/api", ("spec", "minAvailable"), 1, "spec.minAvailable"),
    field("verbs changed", "Role/reader", ("rules", 0, "verbs", 1), "delete", "rules[0].verbs[1]"),
    # removed
    field("value removed", _CM, ("data", "b"), None, "data.b"),
    field("label removed", _DEP, ("metadata", "labels", "team"), None, "metadata.labels.team"),
    field("node selector removed", _DEP, (*_SPEC, "nodeSelector"), None, f"{POD}.nodeSelector"),
    field(
        "annotation removed",
        "ServiceAccount/api",
        ("metadata", "annotations"),
        None,
        'metadata.annotations["example.com/team"]',
    ),
    # added
    field("value added", _CM, ("data", "new"), "x", "data.new"),
    field("label added", _SVC, ("metadata", "labels"), {"made": "by-hand"}, "metadata.labels.made"),
    field("annotation added", "NetworkPolicy/api", ("metadata", "annotations"), {"a": "b"}, "metadata.annotations.a"),
    field("selector added", _SVC, ("spec", "selector", "tier"), "x", "spec.selector.tier"),
    field("deadline added", "CronJob/nightly", ("spec", "startingDeadlineSeconds"), 60, "spec.startingDeadlineSeconds"),
    appended("container added", _DEP, (*_SPEC, "containers"), {"name": "x", "image": "x"}, f"{POD}.containers[name=x]"),
    appended(
        "toleration added", _DEP, (*_SPEC, "tolerations"), {"key": "c", "operator": "Exists"}, f"{POD}.tolerations[2]"
    ),
    # objects
    gone("ConfigMap/spare"),
    gone("Role/reader"),
    gone("PodDisruptionBudget/api"),
    gone("Secret/login"),
    added("ConfigMap", "stranger"),
    added("ServiceAccount", "stranger"),
    added("Secret", "stranger"),
    # keyed lists reordered
    turned("Service ports reordered", _SVC, ("spec", "ports")),
    turned("container ports reordered", _DEP, (*_API, "ports")),
    # plain lists reordered
    turned("args reordered", _DEP, (*_API, "args"), f"{_PLANNED}.args[0]", f"{_PLANNED}.args[2]"),
    # secret byte flipped
    field("secret byte flipped", "Secret/login", ("data", "a"), coded(b"first walue"), "data.a"),
    field("secret newline", "Secret/login", ("data", "b"), coded(b"second\n"), "data.b"),
    # written otherwise
    field("cpu written otherwise", _DEP, (*_API, "resources", "requests", "cpu"), "0.5", None),
    field("memory written otherwise", _DEP, (*_API, "resources", "requests", "memory"), "1024Mi", None),
    field("JSON written otherwise", _CM, ("data", "json"), '{"y":[1,2],"x":1}', None),
    field("protocol written", _SVC, ("spec", "ports", 0, "protocol"), "TCP", None),
)


def chosen(dice: random.Random) -> list[Mutation]:
    """None to five that do not touch each other."""
    wanted = dice.randint(0, 5)
    found: list[Mutation] = []
    for one in dice.sample(MUTATIONS, len(MUTATIONS)):
        if len(found) < wanted and not any(one.meets(other) for other in found):
            found.append(one)
    return found


def mutated(live: Live, mutations: Iterable[Mutation]) -> tuple[Live, list[Told]]:
    """Copies that were changed, and what must be found."""
    after = copy.deepcopy(live)
    told = [one for mutation in mutations for one in mutation.act(after)]
    return after, sorted(told)
