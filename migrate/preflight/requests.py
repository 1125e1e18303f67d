"""What one pod asks for, as the API server and the scheduler count it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from migrate.model.objects import Body
from migrate.preflight.after import items, mapping
from migrate.semantics.quantities import CPU, MEMORY, Amounts, amounts, largest, plus

HUGE = "hugepages-"
CONTAINERS = ("containers", "initContainers")


def defaulted(spec: Body) -> dict[str, Any]:
    """The pod's spec with what the server fills in first: a request that is not said is the limit."""
    found = dict(spec)
    for where in CONTAINERS:
        if isinstance(spec.get(where), list):
            found[where] = [_container(one) for one in items(spec.get(where))]
    return _pod_level(found)


def _container(container: Body) -> dict[str, Any]:
    resources = mapping(container.get("resources"))
    limits = mapping(resources.get("limits"))
    if not limits:
        return dict(container)
    requests = {**limits, **mapping(resources.get("requests"))}
    return {**container, "resources": {**resources, "requests": requests}}


def _pod_level(spec: dict[str, Any]) -> dict[str, Any]:
    resources = mapping(spec.get("resources"))
    limits = mapping(resources.get("limits"))
    if not limits:
        return spec
    # Only cpu, memory and huge pages exist for a whole pod; the sum of the containers goes before the limit.
    sums = {name: value for name, value in aggregate(spec, "requests").items() if name in (CPU, MEMORY)}
    held = {name: value for name, value in limits.items() if whole_pod(name)}
    requests = {**held, **sums, **mapping(resources.get("requests"))}
    return {**spec, "resources": {**resources, "requests": requests}}


def whole_pod(name: str) -> bool:
    """Tell whether a resource can be said for a pod as a whole."""
    return name in (CPU, MEMORY) or name.startswith(HUGE)


def for_whole_pod(spec: Body) -> bool:
    """Tell whether the pod says resources for itself, not only for its containers."""
    resources = mapping(spec.get("resources"))
    return any(whole_pod(str(name)) for part in ("requests", "limits") for name in mapping(resources.get(part)))


def of_container(container: Body, part: str) -> dict[str, Fraction]:
    """`requests` or `limits` of a container."""
    return amounts(mapping(container.get("resources")).get(part))


def aggregate(spec: Body, part: str) -> dict[str, Fraction]:
    """`requests` or `limits` of all containers: those that run together, or the largest init container beside its
    side cars (init containers with restartPolicy Always, which stay)."""
    total = plus(*(of_container(one, part) for one in items(spec.get("containers"))))
    side: dict[str, Fraction] = {}
    most: dict[str, Fraction] = {}
    for one in items(spec.get("initContainers")):
        said = of_container(one, part)
        if one.get("restartPolicy") == "Always":
            total, side = plus(total, said), plus(side, said)
            most = largest(most, side)
        else:
            most = largest(most, plus(said, side))
    return largest(total, most)


def without_overhead(spec: Body, part: str) -> dict[str, Fraction]:
    """The containers' sum, or what the pod says for itself."""
    said = amounts(mapping(spec.get("resources")).get(part))
    return {**aggregate(spec, part), **{name: value for name, value in said.items() if whole_pod(name)}}


def requested(spec: Body) -> dict[str, Fraction]:
    """What the scheduler sets aside for the pod."""
    return plus(without_overhead(spec, "requests"), amounts(spec.get("overhead")))


def limited(spec: Body) -> dict[str, Fraction]:
    """The pod's limits; overhead counts where there is a limit."""
    found = without_overhead(spec, "limits")
    over = amounts(spec.get("overhead"))
    return {name: value + (over.get(name, Fraction(0)) if value else 0) for name, value in found.items()}


def native(name: str) -> bool:
    """Tell whether Kubernetes itself knows the resource; all others are extended (nvidia.com/gpu)."""
    return "/" not in name or name.partition("/")[0].endswith("kubernetes.io")


def extended(asked: Amounts) -> list[str]:
    """The extended resources among these, sorted."""
    return sorted(name for name, value in asked.items() if not native(name) and value > 0)


def usage(spec: Body) -> dict[str, Fraction]:
    """What a pod counts for in a quota, under each name that a quota may use."""
    asked, limits = requested(spec), limited(spec)
    found = {"pods": Fraction(1), "count/pods": Fraction(1), **counted(asked, limits)}
    return found


def counted(asked: Amounts, limits: Amounts) -> dict[str, Fraction]:
    """The names under which a quota counts requests and limits."""
    found: dict[str, Fraction] = {}
    for name, value in asked.items():
        if name in (CPU, MEMORY, "ephemeral-storage") or name.startswith(HUGE):
            found[name] = value
            found[f"requests.{name}"] = value
        elif not native(name):
            found[f"requests.{name}"] = value
    return found | {
        f"limits.{name}": value for name, value in limits.items() if name in (CPU, MEMORY, "ephemeral-storage")
    }
