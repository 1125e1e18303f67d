"""Whether the region has room for the load balancers of the plan."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.aws import Aws, Blind
from migrate.model.checks import Check, Seen, finding, passed
from migrate.model.effects import Severity
from migrate.preflight.aws_balancers import APPLICATION, NETWORK, Balancer, balancers, running
from migrate.preflight.aws_words import blind
from migrate.semantics.going import Going

ROOM = "PRE136"
# Quotas "Network Load Balancers per Region" and "Application Load Balancers per Region".
_CODES = {NETWORK: "L-69A177A2", APPLICATION: "L-53DA6B97"}
_CALLED = {NETWORK: "Network Load Balancer", APPLICATION: "Application Load Balancer"}


def checks(going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    """PRE136: what is there and what comes is not more than the quota."""
    every = balancers(going, seen)
    if not every:
        return
    have = aws.balancers()
    if isinstance(have, Blind):
        yield blind(ROOM, "Whether the region has room for load balancers.", have, *(one.ref for one in every))
        return
    ours = running(seen)
    for kind, code in _CODES.items():
        some = [one for one in every if one.kind == kind]
        refs = tuple(one.ref for one in some)
        old = {_as_one(one) for one in some if one.ref in ours}
        new = len({_as_one(one) for one in some} - old)
        if not some:
            continue
        limit, called = aws.quota(code), _CALLED[kind]
        there = have.get(kind, 0)
        if isinstance(limit, Blind):
            yield blind(ROOM, f"Whether {aws.here.region} has room for {_count(new, called)} more.", limit, *refs)
        elif there + new > limit:
            what = f"The plan makes {_count(new, called)}, {aws.here.region} has {there} and its quota is {limit}."
            ask = "service-quotas request-service-quota-increase --service-code elasticloadbalancing"
            fix = aws.here.command(f"{ask} --quota-code {code} --desired-value {there + new}")
            because = f"{there + new - limit} of them are not made"
            yield finding(ROOM, what, fix, *refs, because=because, severity=Severity.BLOCKER)
        else:
            what = f"{aws.here.region} has room for {_count(new, called)} more: {there} of {limit} are there."
            yield passed(ROOM, what, *refs)


def _as_one(one: Balancer) -> str:
    return f"group {one.group}" if one.group else str(one.ref)


def _count(n: int, called: str) -> str:
    return f"{n} {called}" if n == 1 else f"{n} {called}s"
