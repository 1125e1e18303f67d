"""What becomes of an object whose reference leads nowhere, by the kind of the reference; and how refs are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from migrate.manifest.references import Chosen
from migrate.model.effects import Severity
from migrate.model.ref import Ref

BLOCKER, REVIEW = Severity.BLOCKER, Severity.REVIEW
_WAIT = "pods that name it wait for it and do not start"
_REFUSED = "pods that name it are refused"
_MOUNT = "volumes that need it are not mounted"
_GATEWAY = "no controller takes what names it"

# kind of reference → how bad, and a clause that says what happens.
_MEANS: dict[str, tuple[Severity, str]] = {
    **{f"{kind} in {where}": (BLOCKER, _WAIT) for kind in ("Secret", "ConfigMap") for where in ("env", "envFrom")},
    **{f"{kind} in a volume": (BLOCKER, _WAIT) for kind in ("Secret", "ConfigMap", "SecretProviderClass")},
    **{f"{kind} in a projected volume": (BLOCKER, _WAIT) for kind in ("Secret", "ConfigMap")},
    "claim in a volume": (BLOCKER, _WAIT),
    "resource claim": (BLOCKER, _WAIT),
    "resource claim template": (BLOCKER, _WAIT),
    "ServiceAccount": (BLOCKER, _REFUSED),
    "priority class": (BLOCKER, _REFUSED),
    "runtime class": (BLOCKER, _REFUSED),
    "pull secret": (REVIEW, "images that need it are not pulled"),
    "Secret of a CSI volume": (BLOCKER, _MOUNT),
    "Secret of a volume": (BLOCKER, _MOUNT),
    "Secret of a class": (BLOCKER, _MOUNT),
    "storage class": (BLOCKER, "claims that name it get no volume"),
    "volume attributes class": (BLOCKER, "claims that name it get no volume"),
    "volume of a claim": (BLOCKER, "the claim waits for this very volume"),
    "claim of a volume": (REVIEW, "the volume is kept for that claim alone"),
    "data source": (BLOCKER, "the claim waits for it and gets no volume"),
    "snapshot": (BLOCKER, "no snapshot comes of it"),
    "snapshot class": (BLOCKER, "no snapshot comes of it"),
    "snapshot source": (BLOCKER, "no snapshot comes of it"),
    "snapshot content": (BLOCKER, "no snapshot comes of it"),
    "device class": (BLOCKER, "no device is found for it"),
    "role": (BLOCKER, "the binding grants nothing"),
    "subject": (REVIEW, "the binding grants nothing to it"),
    "backend": (REVIEW, "requests that are sent there get an error"),
    "mirror": (REVIEW, "nothing is mirrored"),
    "parent": (BLOCKER, "the route is attached to nothing"),
    "TLS secret": (REVIEW, "it cannot be served by TLS"),
    "ingress class": (BLOCKER, _GATEWAY),
    "gateway class": (BLOCKER, _GATEWAY),
    "parameters": (BLOCKER, "no controller accepts what names it"),
    "scale target": (BLOCKER, "nothing is scaled"),
    "service name": (REVIEW, "its pods get no names in DNS"),
    "service of endpoints": (REVIEW, "nothing leads to these endpoints"),
    "owner": (BLOCKER, "the garbage collector deletes objects whose owner is not there"),
    "namespace": (BLOCKER, "the server refuses all that lives in it"),
    "pods of a Service": (REVIEW, "nothing answers behind it"),
    "pods of a budget": (REVIEW, "it protects nothing"),
}


def means(kinds: Iterable[str]) -> tuple[Severity, str]:
    """How bad it is that these references lead nowhere, and what happens: the worst says it."""
    found = [_MEANS.get(kind, (REVIEW, "what names it goes without")) for kind in kinds]
    return next((one for one in found if one[0] is BLOCKER), found[0])


def counted(refs: Iterable[Ref]) -> str:
    """'Deployment/shop/api', or '3 Deployments and 1 Job'."""
    every = list(dict.fromkeys(refs))
    if len(every) == 1:
        return str(every[0])
    kinds = Counter(ref.kind for ref in every)
    parts = [f"{n:,} {plural(kind) if n > 1 else kind}" for kind, n in kinds.items()]
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def plural(kind: str) -> str:
    """'Ingresses', 'NetworkPolicies', 'Deployments'."""
    if kind.endswith("s"):
        return f"{kind}es"
    return f"{kind[:-1]}ies" if kind.endswith("y") and kind[-2:] not in ("ay", "ey", "oy") else f"{kind}s"


def few(names: Iterable[str], most: int = 5, between: str = ", ") -> str:
    """'a, b, c and 4 more'."""
    every = list(dict.fromkeys(names))
    return between.join(every[:most]) + (f" and {len(every) - most:,} more" if len(every) > most else "")


def selector(chosen: Chosen) -> str:
    """The labels that a selector wants: 'app=web, tier'."""
    return few(
        f"{one.key}={next(iter(one.values))}" if one.operator == "in" and len(one.values) == 1 else one.key
        for one in chosen.selector
    )
