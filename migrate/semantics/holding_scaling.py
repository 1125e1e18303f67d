"""Who says how many replicas a workload has: its manifest, or an autoscaler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.semantics.holding import SCALED, kind_of

HPA = "HorizontalPodAutoscaler"
_HPA, _KEDA = ("autoscaling", HPA), ("keda.sh", "ScaledObject")
# The field of the smallest number, and what it is when it is absent.
_SMALLEST = {_HPA: ("minReplicas", 1), _KEDA: ("minReplicaCount", 0)}
_GONE = "extensions"  # Deployments and ReplicaSets once lived there; an HPA that still says so means apps


@dataclass(frozen=True, slots=True)
class Scaler:
    """An autoscaler that owns `replicas` of its target. `wakes`: it may not take 0 replicas for off."""

    kind: str
    namespace: str
    name: str
    smallest: int
    wakes: bool


Target = tuple[str, str, str, str]
"""(group, kind, namespace, name) of what an autoscaler scales."""


def target_of(autoscaler: Body) -> Target | None:
    """What an HPA or a ScaledObject scales; None for any other kind."""
    kind = kind_of(autoscaler)
    named = get(autoscaler, P("spec", "scaleTargetRef"))
    if kind not in _SMALLEST or not isinstance(named, Mapping):
        return None
    target = str(named.get("kind") or ("Deployment" if kind == _KEDA else ""))
    version = str(named.get("apiVersion") or ("v1" if target == "ReplicationController" else "apps/v1"))
    group = version.rpartition("/")[0]
    return "apps" if group == _GONE else group, target, _namespace(autoscaler), str(named.get("name"))


def replicas_owner(body: Body, autoscalers: Iterable[Body]) -> Scaler | None:
    """The autoscaler of this workload, the one with the largest minimum where there are several; None when none is."""
    if kind_of(body) not in SCALED:
        return None
    here = (*kind_of(body), _namespace(body), _name(body))
    found = [_scaler(one) for one in autoscalers if target_of(one) == here]
    return max(found, key=lambda one: (one.smallest, one.wakes, one.kind, one.name), default=None)


def _scaler(autoscaler: Body) -> Scaler:
    kind = kind_of(autoscaler)
    field, default = _SMALLEST[kind]
    said = get(autoscaler, P("spec", field))
    smallest = number(said, default)
    return Scaler(kind[1], _namespace(autoscaler), _name(autoscaler), smallest, kind == _KEDA or smallest == 0)


def number(said: Any, default: int) -> int:
    """A number as it stands in a manifest, or the default where there is none; true is no number."""
    return said if isinstance(said, int) and not isinstance(said, bool) else default


def _namespace(body: Body) -> str:
    found = get(body, P("metadata", "namespace"))
    return found if isinstance(found, str) and found else "default"


def _name(body: Body) -> str:
    return str(get(body, P("metadata", "name")))
