"""Readiness of custom kinds, by the conditions that most controllers write."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.objects import Body
from migrate.semantics.readiness_words import (
    SEEN,
    Failed,
    Readiness,
    Ready,
    Waiting,
    as_list,
    as_map,
    conditions,
    is_stale,
    is_true,
    status,
    why,
)

# In the order in which a person would ask for them.
_GOOD = ("Accepted", "Programmed", "Available", "Ready")
# Kinds whose controller always says one of these. Silence of any other kind means nothing: many never have a status.
_SPEAKS: dict[tuple[str, str], tuple[str, ...]] = {
    ("cert-manager.io", "Certificate"): ("Ready",),
    ("cert-manager.io", "Issuer"): ("Ready",),
    ("cert-manager.io", "ClusterIssuer"): ("Ready",),
    ("external-secrets.io", "ExternalSecret"): ("Ready",),
    ("external-secrets.io", "SecretStore"): ("Ready",),
    ("external-secrets.io", "ClusterSecretStore"): ("Ready",),
    ("gateway.networking.k8s.io", "GatewayClass"): ("Accepted",),
    ("gateway.networking.k8s.io", "Gateway"): ("Accepted", "Programmed"),
    ("gateway.networking.k8s.io", "HTTPRoute"): ("Accepted",),
    ("gateway.networking.k8s.io", "GRPCRoute"): ("Accepted",),
    ("keda.sh", "ScaledObject"): ("Ready",),
    ("karpenter.sh", "NodePool"): ("Ready",),
    ("karpenter.k8s.aws", "EC2NodeClass"): ("Ready",),
    ("eks.amazonaws.com", "NodeClass"): ("Ready",),
    ("serving.knative.dev", "Service"): ("Ready",),
}
# The controller gave up, in the words of kstatus.
_STALLED = "Stalled"


def custom(body: Body, group: str, kind: str) -> Readiness:
    """Judge any kind that has conditions; without one that we know, accepted is ready."""
    if is_stale(body):
        return Waiting(SEEN)
    needed, said = _SPEAKS.get((group, kind), ()), set[str]()
    for found in _sets(body):
        stalled = found.get(_STALLED)
        if stalled is not None and is_true(stalled):
            return Failed(f"its controller gave up ({why(stalled)})")
        for word in _GOOD:
            condition = found.get(word)
            if condition is None:
                continue
            # Gateways and routes of the Gateway API are born with conditions of no controller: 'Unknown', 'Pending'.
            if is_stale(body, condition):
                return Waiting(SEEN)
            if not is_true(condition):
                return Waiting(f"its controller to say {word} ({why(condition)})")
            said.add(word)
    missing = [word for word in needed if word not in said]
    return Waiting(f"its controller to say {' and '.join(missing)}") if missing else Ready()


def _sets(body: Body) -> Iterator[dict[str, Body]]:
    """The conditions of the object, and those for each parent of a route."""
    now = status(body)
    yield conditions(now)
    for parent in as_list(now.get("parents")):
        yield conditions(as_map(parent))
