"""Elastic IP addresses that Services name for their load balancers."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.aws import Address, Aws
from migrate.model.checks import Check, Seen, finding, passed
from migrate.model.effects import Severity
from migrate.preflight.aws_balancers import Balancer, balancers, running
from migrate.preflight.aws_words import gone, there, unseen, users, who
from migrate.preflight.references_words import few
from migrate.semantics.edges import AWS
from migrate.semantics.going import Going

ADDRESS, COUNT = "PRE105", "PRE106"
_NOT_MADE = "its load balancer is not made"


def checks(going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    """PRE105: they are there and free. PRE106: as many as subnets, and on a load balancer that faces the internet."""
    every = [one for one in balancers(going, seen) if one.addresses]
    if not every:
        return
    yield from _counted(every)
    wanted = users((id, one.ref) for one in every for id in one.addresses)
    found = aws.addresses(wanted)
    yield from unseen(ADDRESS, "The Elastic IP addresses", found, wanted)
    missing = gone(found)
    if missing:
        what = f"These Elastic IP addresses are not in {aws.here.region} of the account: {few(missing)}."
        fix = f"name others; {aws.here.command('ec2 describe-addresses')} lists them."
        refs = who(wanted, missing)
        yield finding(ADDRESS, what, fix, *refs, because=_NOT_MADE, severity=Severity.BLOCKER)
    ours = running(seen)
    free = []
    for id, address in there(found).items():
        refs = wanted[id]
        if len(refs) > 1:
            what = f"{_shown(address)} is named by more than one Service; an address serves one load balancer."
            fix = f"give each its own: {aws.here.command('ec2 allocate-address --domain vpc')}"
            yield finding(ADDRESS, what, fix, *refs, because=_NOT_MADE, severity=Severity.BLOCKER)
        elif address.used_by and not set(refs) <= ours:
            what = f"{_shown(address)} is in use by {address.used_by}."
            look = aws.here.command(f"ec2 describe-addresses --allocation-ids {id}")
            fix = f"free it or name another; who has it: {look}"
            yield finding(ADDRESS, what, fix, *refs, because=_NOT_MADE, severity=Severity.BLOCKER)
        else:
            free.append(id)
    if free:
        what = "These Elastic IP addresses are free, or used by the load balancer that the Service has already"
        yield passed(ADDRESS, f"{what}: {few(free)}.", *who(wanted, free))


def _counted(every: list[Balancer]) -> Iterator[Check]:
    right = []
    for one in every:
        n, subnets = len(one.addresses), len(one.subnets)
        if one.internal:
            what = f"{one.ref} names Elastic IP addresses, and its load balancer is internal."
            fix = f"set {AWS}scheme: internet-facing, or take {AWS}eip-allocations out, with an override."
            yield finding(COUNT, what, fix, one.ref, because=_NOT_MADE, severity=Severity.BLOCKER)
        elif subnets and n != subnets:
            what = f"{one.ref} names {n} Elastic IP addresses and {subnets} subnets; AWS wants one for each subnet."
            fix = f"name as many in {AWS}eip-allocations as in {AWS}subnets, with an override."
            yield finding(COUNT, what, fix, one.ref, because=_NOT_MADE, severity=Severity.BLOCKER)
        elif not subnets:
            what = f"{one.ref} names {n} Elastic IP addresses and no subnets; AWS wants one for each subnet."
            fix = f"name {n} subnets in {AWS}subnets, so that the controller does not choose another number."
            yield finding(COUNT, what, fix, one.ref)
        else:
            right.append(one.ref)
    if right:
        yield passed(COUNT, "There is one Elastic IP address for each subnet.", *right)


def _shown(address: Address) -> str:
    return f"{address.id} ({address.ip})" if address.ip else address.id
