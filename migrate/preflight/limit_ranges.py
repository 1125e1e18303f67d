"""What a LimitRange does to a pod and to a claim: it fills in, then refuses; as the server's LimitRanger does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from migrate.model.objects import Body
from migrate.preflight.after import items, mapping
from migrate.preflight.requests import CONTAINERS, aggregate, of_container, without_overhead
from migrate.semantics.quantities import CPU, MEMORY, Amounts, amounts, shown

_POD, _CONTAINER, _CLAIM = "Pod", "Container", "PersistentVolumeClaim"
OF_PODS, OF_CLAIMS = frozenset({_POD, _CONTAINER}), frozenset({_CLAIM})


@dataclass(frozen=True, slots=True)
class Limit:
    """One item of a LimitRange, with the defaults that the server derives when it is stored."""

    range: str
    type: str
    least: Amounts
    most: Amounts
    ratio: Amounts
    limits: Amounts
    requests: Amounts


def limits_of(name: str, body: Body) -> Iterator[Limit]:
    """Read a LimitRange."""
    for one in items(mapping(body.get("spec")).get("limits")):
        kind = str(one.get("type"))
        least, most = amounts(one.get("min")), amounts(one.get("max"))
        limits, requests = amounts(one.get("default")), amounts(one.get("defaultRequest"))
        if kind == _CONTAINER:
            # A maximum is also the limit of who says none, and so on down: the server writes this on storing.
            limits = {**most, **limits}
            requests = {**least, **limits, **requests}
        else:
            limits, requests = {}, {}
        yield Limit(name, kind, least, most, amounts(one.get("maxLimitRequestRatio")), limits, requests)


def filled(spec: Body, limits: Iterable[Limit]) -> dict[str, Any]:
    """The pod's spec with the defaults of the LimitRanges of its namespace."""
    found = dict(spec)
    for one in limits:
        if one.type == _CONTAINER and (one.limits or one.requests):
            for where in CONTAINERS:
                if isinstance(found.get(where), list):
                    found[where] = [_filled(container, one) for container in items(found[where])]
    return found


def _filled(container: Body, limit: Limit) -> dict[str, Any]:
    resources = mapping(container.get("resources"))
    full = {
        "limits": {**limit.limits, **mapping(resources.get("limits"))},
        "requests": {**limit.requests, **mapping(resources.get("requests"))},
    }
    return {**container, "resources": {**resources, **full}}


def refusals_of_pod(spec: Body, limits: Iterable[Limit]) -> Iterator[str]:
    """Say why the server would refuse a pod (its spec filled); nothing when it would not."""
    every = tuple(limits)
    containers = [one for where in CONTAINERS for one in items(spec.get(where))]
    for limit in every:
        if limit.type == _CONTAINER:
            for one in containers:
                for why in _refusals(of_container(one, "requests"), of_container(one, "limits"), limit):
                    yield f"container {one.get('name')}: {why} (LimitRange {limit.range})"
        elif limit.type == _POD:
            for why in _refusals(without_overhead(spec, "requests"), without_overhead(spec, "limits"), limit):
                yield f"the pod's sum: {why} (LimitRange {limit.range})"
    if any(limit.limits or limit.requests for limit in every):
        yield from _contradictions(spec, containers)


def _contradictions(spec: Body, containers: Iterable[Body]) -> Iterator[str]:
    """Validation comes after the defaults: what was filled in may not go with what stood there."""
    whole = mapping(spec.get("resources"))
    requests, limits = amounts(whole.get("requests")), amounts(whole.get("limits"))
    for one in containers:
        said = of_container(one, "limits")
        for name, value in of_container(one, "requests").items():
            if name in said and value > said[name]:
                yield (
                    f"container {one.get('name')}: requests {name} {shown(name, value)}, and the default limit of "
                    f"its LimitRange is {shown(name, said[name])}"
                )
    for one in items(spec.get("containers")):  # not of init containers: the server does not compare these
        for name, value in of_container(one, "limits").items():
            if name in limits and value > limits[name]:
                yield (
                    f"container {one.get('name')}: its limit of {name} is {shown(name, value)} by default, and "
                    f"that of the pod {shown(name, limits[name])}"
                )
    for name, value in aggregate(spec, "requests").items():
        if name in requests and value > requests[name]:
            yield (
                f"its containers request {name} {shown(name, value)} with the defaults, and the pod "
                f"{shown(name, requests[name])}"
            )


def refusals_of_claim(spec: Body, limits: Iterable[Limit]) -> Iterator[str]:
    """Say why the server would refuse a claim."""
    asked = amounts(mapping(spec.get("resources")).get("requests"))
    for limit in limits:
        if limit.type != _CLAIM:
            continue
        for name, value in limit.least.items():
            if asked.get(name, Fraction(-1)) < value:
                yield f"{_asks(name, asked)}, at least {shown(name, value)} is allowed (LimitRange {limit.range})"
        for name, value in limit.most.items():
            if name not in asked or asked[name] > value:
                yield f"{_asks(name, asked)}, at most {shown(name, value)} is allowed (LimitRange {limit.range})"


def _refusals(requests: Amounts, limits: Amounts, limit: Limit) -> Iterator[str]:
    for name, value in limit.least.items():
        if name not in requests:
            yield f"no request for {name}, at least {shown(name, value)} must be asked for"
        elif min(requests[name], limits.get(name, requests[name])) < value:
            least = min(requests[name], limits.get(name, requests[name]))
            yield f"{name} {shown(name, least)}, at least {shown(name, value)} must be asked for"
    for name, value in limit.most.items():
        if name not in limits:
            yield f"no limit for {name}, at most {shown(name, value)} is allowed"
        elif max(limits[name], requests.get(name, limits[name])) > value:
            most = max(limits[name], requests.get(name, limits[name]))
            yield f"{name} {shown(name, most)}, at most {shown(name, value)} is allowed"
    for name, value in limit.ratio.items():
        if not requests.get(name) or not limits.get(name):
            yield f"no request or no limit for {name}, and their ratio may be {shown('', value)} at most"
        elif limits[name] / requests[name] > value:
            ratio = limits[name] / requests[name]
            yield f"{name}: limit / request is {shown('', ratio)}, at most {shown('', value)} is allowed"


def missing(spec: Body, required: Iterable[str]) -> dict[str, list[str]]:
    """{container: names of cpu and memory that a quota wants it to state and that it does not}."""
    wanted = [name for name in sorted(required) if name.rpartition(".")[2] in (CPU, MEMORY)]
    found: dict[str, list[str]] = {}
    for one in (one for where in CONTAINERS for one in items(spec.get(where))):
        for name in wanted:
            part, _, resource = name.rpartition(".")
            if resource not in of_container(one, part or "requests"):
                found.setdefault(str(one.get("name")), []).append(name)
    return found


def _asks(name: str, asked: Amounts) -> str:
    return f"asks for {name} {shown(name, asked[name])}" if name in asked else f"asks for no {name}"
