"""What autoscalers, disruption budgets and the controllers of custom kinds would write into a status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from migrate.practice import settling
from migrate.practice.settling import CONTROLLERS, DEPLOYMENTS, REPLICA_SETS, SCALED, SETS, Around, Live, replicas
from migrate.practice.store import Key

Json = dict[str, Any]
AUTOSCALERS, BUDGETS = ("autoscaling", "horizontalpodautoscalers"), ("policy", "poddisruptionbudgets")
# Custom kinds whose controller always says this, so that somebody waits for it; (group, plural).
_SPEAKS: dict[Key, tuple[str, ...]] = {
    ("gateway.networking.k8s.io", "gatewayclasses"): ("Accepted",),
    ("gateway.networking.k8s.io", "gateways"): ("Accepted", "Programmed"),
    ("karpenter.sh", "nodepools"): ("Ready",),
    ("karpenter.k8s.aws", "ec2nodeclasses"): ("Ready",),
    ("eks.amazonaws.com", "nodeclasses"): ("Ready",),
    ("cert-manager.io", "certificates"): ("Ready",),
    ("cert-manager.io", "issuers"): ("Ready",),
    ("cert-manager.io", "clusterissuers"): ("Ready",),
    ("external-secrets.io", "externalsecrets"): ("Ready",),
    ("external-secrets.io", "secretstores"): ("Ready",),
    ("external-secrets.io", "clustersecretstores"): ("Ready",),
    ("keda.sh", "scaledobjects"): ("Ready",),
    ("serving.knative.dev", "services"): ("Ready",),
}
_ROUTES = (("gateway.networking.k8s.io", "httproutes"), ("gateway.networking.k8s.io", "grpcroutes"))


def _autoscaler(live: Live) -> Json:
    """What the real one says; it never changes a number here."""
    named = live.spec.get("scaleTargetRef") or {}
    key = next((key for key, kind in SCALED.items() if kind == named.get("kind")), DEPLOYMENTS)
    target = next((one for one in live.around(key) if one["metadata"]["name"] == named.get("name")), None)
    if target is None:
        kind = f"{SCALED[key].lower()}s.apps"
        said = (
            f'the HPA controller was unable to get the target\'s current scale: {kind} "{named.get("name")}" not found'
        )
        return {"desiredReplicas": 0, "conditions": [live.condition("AbleToScale", "FailedGetScale", said, "False")]}
    count = replicas(target.get("spec") or {})
    if count and live.status.get("currentReplicas") == count and _active(live):
        return {}
    if count == 0:
        able = "the HPA controller was able to get the target's current scale"
        off = "scaling is disabled since the replica count of the target is zero"
        conditions = [
            live.condition("AbleToScale", "SucceededGetScale", able),
            live.condition("ScalingActive", "ScalingDisabled", off, "False"),
        ]
        return {"currentReplicas": 0, "desiredReplicas": 0, "conditions": conditions}
    found = "the HPA was able to successfully calculate a replica count (simulated: it is as it should be)"
    conditions = [
        live.condition("AbleToScale", "ReadyForNewScale", "recommended size matches current size"),
        live.condition("ScalingActive", "ValidMetricFound", found),
        live.condition(
            "ScalingLimited", "DesiredWithinRange", "the desired count is within the acceptable range", "False"
        ),
    ]
    return {"currentReplicas": count, "desiredReplicas": count, "conditions": conditions}


def _active(live: Live) -> bool:
    found = live.status.get("conditions")
    return any(
        one.get("type") == "ScalingActive" and one.get("status") == "True"
        for one in (found if isinstance(found, list) else ())
    )


def _budget(live: Live) -> Json:
    selector = live.spec.get("selector") or {}
    pods = sum(_ready(one) for one in _chosen(selector, live.around))
    wanted = _part(live.spec["minAvailable"], pods) if "minAvailable" in live.spec else 0
    if "maxUnavailable" in live.spec:
        wanted = max(pods - _part(live.spec["maxUnavailable"], pods), 0)
    allowed = max(pods - wanted, 0)
    why, said = ("SufficientPods", "True") if allowed else ("InsufficientPods", "False")
    return {
        "observedGeneration": live.generation,
        "disruptionsAllowed": allowed,
        "currentHealthy": pods,
        "desiredHealthy": wanted,
        "expectedPods": pods,
        "conditions": [
            live.condition("DisruptionAllowed", why, "", said, observedGeneration=live.generation),
        ],
    }


def _chosen(selector: Json, around: Around) -> Iterator[Json]:
    """Workloads of the namespace whose pods a selector of labels takes; expressions take none of ours."""
    labels = selector.get("matchLabels") or {}
    for key in (DEPLOYMENTS, SETS, CONTROLLERS, REPLICA_SETS):
        for one in around(key):
            template = (one.get("spec") or {}).get("template") or {}
            worn = (template.get("metadata") or {}).get("labels") or {}
            made = one["metadata"].get("ownerReferences")
            if not selector.get("matchExpressions") and labels.items() <= worn.items() and not made:
                yield one


def _ready(workload: Json) -> int:
    found = (workload.get("status") or {}).get("readyReplicas", 0)
    return found if isinstance(found, int) else 0


def _part(said: Any, of: int) -> int:
    """A number, or so many percent, rounded up as the real one does."""
    if isinstance(said, str) and said.endswith("%") and said[:-1].isdigit():
        return -(-int(said[:-1]) * of // 100)
    return said if isinstance(said, int) else 0


def _snapshot(live: Live) -> Json:
    return {} if live.status.get("readyToUse") is True else {"readyToUse": True}


def _speaks(words: tuple[str, ...]) -> Callable[[Live], Json]:
    def says(live: Live) -> Json:
        found = live.status.get("conditions")
        said = {c.get("type") for c in found if c.get("status") == "True"} if isinstance(found, list) else set()
        if set(words) <= said and (live.seen or "observedGeneration" not in live.status):
            return {}
        return {"conditions": [live.condition(word, word) for word in words]}

    return says


def _route(live: Live) -> Json:
    parents = live.spec.get("parentRefs")
    if live.status.get("parents") or not isinstance(parents, list):
        return {}
    said = [live.condition("Accepted", "Accepted"), live.condition("ResolvedRefs", "ResolvedRefs")]
    found = [{"parentRef": one, "controllerName": "practice.invalid/gateways", "conditions": said} for one in parents]
    return {"parents": found}


SETTLE: dict[Key, Callable[[Live], Json]] = {
    **settling.SETTLE,
    AUTOSCALERS: _autoscaler,
    BUDGETS: _budget,
    ("snapshot.storage.k8s.io", "volumesnapshots"): _snapshot,
    ("snapshot.storage.k8s.io", "volumesnapshotcontents"): _snapshot,
    **{key: _speaks(words) for key, words in _SPEAKS.items()},
    **dict.fromkeys(_ROUTES, _route),
}
