"""Certificates of ACM: those that Services and Ingresses name, and those that a controller finds by host.

Facts: kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/cert_discovery
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from migrate.model.aws import Aws, Blind, Certificate
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.ref import Ref
from migrate.preflight.aws_balancers import ALB, Balancer, balancers
from migrate.preflight.aws_words import Users, blind, gone, there, unseen, users, who
from migrate.preflight.references_words import few
from migrate.semantics.edges import AWS
from migrate.semantics.going import Going

NAMED, COVERS, FOUND = "PRE110", "PRE111", "PRE112"
_ARN = re.compile(r"arn:[\w-]+:acm:(?P<region>[\w-]+):(?P<account>\d{12}):certificate/[\w-]+")
_SOON = timedelta(days=30)
_NO_LISTENER = "their TLS listeners are not made"


def checks(going: Going, seen: Seen, aws: Aws, today: date) -> Iterator[Check]:
    """PRE110: named ones are there and issued. PRE111: they cover the hosts. PRE112: a host finds one by itself."""
    every = balancers(going, seen)
    wanted = users((arn, one.ref) for one in every for arn in one.certificates)
    usable: Mapping[str, Certificate] = {}
    if wanted:
        yield from _odd([arn for arn in wanted if not _ARN.fullmatch(arn)], wanted)
        found = aws.certificates([arn for arn in wanted if _ARN.fullmatch(arn)])
        yield from unseen(NAMED, "The certificates", found, wanted)
        yield from _named(gone(found), there(found), wanted, aws, today)
        usable = there(found)
    yield from _covered([one for one in every if one.certificates and one.hosts], usable)
    searching = [one for one in every if one.encrypted and not one.certificates and one.hosts]
    if searching:
        yield from _found(searching, aws)


def _odd(arns: list[str], wanted: Users) -> Iterator[Check]:
    """A certificate may also live in IAM, from where few people use one."""
    if arns:
        why = "these are no ARNs of ACM, and certificates elsewhere are not looked at"
        fix = "look: aws iam list-server-certificates"
        yield unknown(NAMED, f"The certificates {few(arns)}.", why, fix, *who(wanted, arns))


def _named(
    missing: list[str], found: Mapping[str, Certificate], wanted: Users, aws: Aws, today: date
) -> Iterator[Check]:
    here = aws.here
    if missing:
        what = f"ACM has no certificates {few(missing)}."
        fix = f"name others; {here.command('acm list-certificates')} lists them."
        yield finding(NAMED, what, fix, *who(wanted, missing), because=_NO_LISTENER, severity=Severity.BLOCKER)
    good = []
    for arn, one in found.items():
        match = _ARN.fullmatch(arn)
        look = here.command(f"acm describe-certificate --certificate-arn {arn}", match["region"] if match else "")
        if match and match["region"] != here.region:
            what = f"{arn} is in {match['region']}; a load balancer takes certificates of its own region alone."
            fix = f"request or import one in {here.region}, and name it with an override."
            yield finding(NAMED, what, fix, *wanted[arn], because=_NO_LISTENER, severity=Severity.BLOCKER)
        elif one.status != "ISSUED":
            what = f"{arn} is not issued: its status is {one.status or 'not said'}."
            fix = f"see what it waits for: {look}"
            yield finding(NAMED, what, fix, *wanted[arn], because=_NO_LISTENER, severity=Severity.BLOCKER)
        elif one.ends is not None and one.ends <= today + _SOON:
            ended = "ended" if one.ends < today else "ends"
            own = "import its successor under the same ARN (aws acm import-certificate)"
            fix = f"{own}." if one.kind == "IMPORTED" else f"see why ACM has not renewed it: {look}"
            weight = Severity.BLOCKER if one.ends < today else Severity.REVIEW
            yield finding(NAMED, f"{arn} {ended} on {one.ends.isoformat()}.", fix, *wanted[arn], severity=weight)
        else:
            good.append(arn)
    if good:
        yield passed(NAMED, f"These certificates are issued: {few(good)}.", *who(wanted, good))


def _covered(every: list[Balancer], usable: Mapping[str, Certificate]) -> Iterator[Check]:
    right = []
    for one in every:
        if not all(arn in usable for arn in one.certificates):
            continue  # what one of them covers is not known, and that has been said
        names = [name for arn in one.certificates for name in usable[arn].hosts]
        bare = [host for host in one.hosts if not any(covers(name, host) for name in names)]
        if bare:
            what = f"No certificate of {one.ref} covers {few(bare)}; they cover {few(names)}."
            key = f"{ALB}certificate-arn" if one.ref.kind == "Ingress" else f"{AWS}ssl-cert"
            fix = f"add one that does to {key} with an override."
            yield finding(COVERS, what, fix, one.ref, because="clients refuse a certificate of another name")
        else:
            right.append(one.ref)
    if right:
        yield passed(COVERS, "Their certificates cover all of their hosts.", *right)


def _found(every: list[Balancer], aws: Aws) -> Iterator[Check]:
    """An Ingress that listens on HTTPS and names no certificate gets all of ACM that cover a host of it; when one
    host has none, the controller makes nothing of it."""
    issued = aws.issued()
    if isinstance(issued, Blind):
        yield blind(FOUND, "Whether ACM has certificates for their hosts.", issued, *(one.ref for one in every))
        return
    names = [name for one in issued for name in one.hosts]
    bare = users((host, one.ref) for one in every for host in one.hosts if not any(covers(n, host) for n in names))
    if bare:
        refs = who(bare, bare)
        what = f"No issued certificate of ACM in {aws.here.region} covers {few(bare)}."
        request = aws.here.command(f"acm request-certificate --validation-method DNS --domain-name {next(iter(bare))}")
        because = "an Ingress with HTTPS that names no certificate needs one for each host, or nothing is made of it"
        yield finding(FOUND, what, f"request them: {request}", *refs, because=because, severity=Severity.BLOCKER)
    right: Iterable[Ref] = sorted({one.ref for one in every} - set(who(bare, bare)))
    if right:
        yield passed(FOUND, "ACM has issued certificates for all of their hosts.", *right)


def covers(name: str, host: str) -> bool:
    """Tell whether a name of a certificate stands for a host; a wildcard stands for one label."""
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    if not name.startswith("*."):
        return name == host
    return host.partition(".")[0] != "" and host.partition(".")[2] == name[2:]
