"""Subnets for load balancers: those that are named, and those that a controller chooses by their tags.

Facts: kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate.model.aws import Aws, Blind, Here, Subnet
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.ref import Ref
from migrate.preflight.aws_balancers import APPLICATION, Balancer, balancers
from migrate.preflight.aws_words import blind, users, who
from migrate.preflight.references_words import counted, few
from migrate.semantics.going import Going

CHOSEN, NAMED = "PRE115", "PRE116"
_ROLE = {True: "kubernetes.io/role/internal-elb", False: "kubernetes.io/role/elb"}
_OF_CLUSTER = "kubernetes.io/cluster/"
_FREE = 8  # a subnet with fewer free addresses is passed over
_NOT_MADE = "their load balancers are not made"


def checks(going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    """PRE115: enough subnets are tagged and have room. PRE116: those that are named are there and have room."""
    every = balancers(going, seen)
    if not every:
        return
    subnets = aws.subnets()
    named = [one for one in every if one.subnets]
    found = [one for one in every if not one.subnets and not one.chosen]
    if isinstance(subnets, Blind):
        if named:
            yield blind(NAMED, "The subnets that load balancers name.", subnets, *(one.ref for one in named))
        if found:
            yield blind(CHOSEN, "The subnets for load balancers.", subnets, *(one.ref for one in found))
        return
    yield from _named(named, subnets, aws.here)
    picked = [one.ref for one in every if one.chosen]
    if picked:
        why = "their IngressClassParams choose by tags, which preflight does not read"
        look = aws.here.command(f"ec2 describe-subnets --filters Name=vpc-id,Values={aws.here.vpc}")
        yield unknown(CHOSEN, "Which subnets their load balancers get.", why, f"look: {look}", *picked)
    for internal in (False, True):
        some = [one for one in found if one.internal is internal]
        if some:
            yield from _chosen(some, subnets, internal, aws.here)


def _named(every: list[Balancer], subnets: tuple[Subnet, ...], here: Here) -> Iterator[Check]:
    """A subnet is named by its id or by its tag Name."""
    known = {name: one for one in subnets for name in (one.name, one.id) if name}
    wanted = users((name, one.ref) for one in every for name in one.subnets)
    missing = [name for name in wanted if name not in known]
    if missing:
        what = f"The cluster's VPC {here.vpc} has no subnets {few(missing)}."
        fix = (
            f"name others; {here.command(f'ec2 describe-subnets --filters Name=vpc-id,Values={here.vpc}')} lists them."
        )
        refs = who(wanted, missing)
        yield finding(NAMED, what, fix, *refs, because=_NOT_MADE, severity=Severity.BLOCKER)
    full = [name for name in wanted if name in known and known[name].free < _FREE]
    if full:
        yield _full(NAMED, full, known, who(wanted, full))
    right = []
    for one in every:
        zones = [known[name].zone for name in one.subnets if name in known]
        if len(zones) < len(one.subnets):
            continue  # said above
        if len(set(zones)) < len(zones):
            what = f"{one.ref} names two subnets of one zone ({few(sorted(zones))}); each has to be in its own."
            yield finding(NAMED, what, "name one subnet of each zone.", one.ref, severity=Severity.BLOCKER)
        elif one.kind == APPLICATION and len(zones) < 2:
            yield _one_zone(NAMED, f"{one.ref} names one subnet", (one.ref,), "name a second one in another zone.")
        else:
            right.append(one.ref)
    if right:
        yield passed(NAMED, "The subnets that they name are in the cluster's VPC, each in its own zone.", *right)


def _chosen(some: list[Balancer], subnets: tuple[Subnet, ...], internal: bool, here: Here) -> Iterator[Check]:
    role, refs = _ROLE[internal], tuple(one.ref for one in some)
    face = "internal" if internal else "internet-facing"
    tagged = [one for one in subnets if one.tags.get(role) in ("", "1") and _ours(one, here.cluster)]
    tag = here.command(f"ec2 create-tags --resources SUBNET SUBNET --tags Key={role},Value=1")
    fix = f"tag {'private' if internal else 'public'} subnets of at least two zones: {tag}"
    if not tagged:
        what = f"No subnet of {here.vpc} is tagged {role}, and {counted(refs)} may be {face}."
        because = "an AWS Load Balancer Controller before 2.12.1 finds none, a later one goes by route tables"
        if here.flavour == "auto":
            because = "EKS Auto Mode asks for these tags"
        yield finding(CHOSEN, what, fix, *refs, because=because)
        return
    roomy = [one for one in tagged if one.free >= _FREE]
    zones = {one.zone for one in roomy}
    if len(roomy) < len(tagged):
        full = {one.id: one for one in tagged if one.free < _FREE}
        yield _full(CHOSEN, sorted(full), full, refs, severe=not roomy)
    wide = tuple(one.ref for one in some if one.kind == APPLICATION)
    if len(zones) == 1 and wide:
        yield _one_zone(CHOSEN, f"The subnets for {face} load balancers with room are all in {min(zones)}", wide, fix)
    elif roomy:
        what = f"Subnets for {face} load balancers are tagged and have room, in {few(sorted(zones))}"
        yield passed(CHOSEN, f"{what}: {few(one.id for one in roomy)}.", *refs)


def _ours(subnet: Subnet, cluster: str) -> bool:
    """A subnet with the tag of other clusters alone is passed over."""
    tags = [key for key in subnet.tags if key.startswith(_OF_CLUSTER)]
    return not tags or f"{_OF_CLUSTER}{cluster}" in tags


def _full(
    check: str, names: Iterable[str], known: dict[str, Subnet], refs: tuple[Ref, ...], severe: bool = True
) -> Check:
    said = few(f"{name} ({known[name].free} free)" for name in names)
    what = f"These subnets have fewer than {_FREE} free addresses: {said}."
    because = f"a load balancer wants {_FREE} in each subnet" + ("" if severe else "; these are passed over")
    fix = "free addresses there, or name or tag subnets with more room."
    weight = Severity.BLOCKER if severe else Severity.REVIEW
    return finding(check, what, fix, *refs, because=because, severity=weight)


def _one_zone(check: str, what: str, refs: tuple[Ref, ...], fix: str) -> Check:
    because = "an Application Load Balancer needs subnets in two zones"
    return finding(check, f"{what}.", fix, *refs, because=because, severity=Severity.BLOCKER)
