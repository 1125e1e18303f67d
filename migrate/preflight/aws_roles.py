"""IAM roles that ServiceAccounts name (IRSA): the role, its trust policy, and the cluster's OIDC provider.

Facts: docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrate.model.aws import Aws, Blind, Here, Role
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.ref import Ref
from migrate.preflight.aws_trust import Asked, trusts
from migrate.preflight.aws_words import Users, blind, gone, notes, there, unseen, users, who
from migrate.preflight.references_words import counted, few
from migrate.semantics.going import Going
from migrate.semantics.identities import token_subject

ROLE, TRUST, PROVIDER = "PRE120", "PRE121", "PRE122"
_NOTE = "eks.amazonaws.com/role-arn"
_AUDIENCE_NOTE = "eks.amazonaws.com/audience"
_AUDIENCE = "sts.amazonaws.com"  # what tokens of EKS say unless the annotation above is there
_ARN = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):role/(?:[\w+=,.@/-]*/)?(?P<name>[\w+=,.@-]{1,64})")
_ACTION = "sts:AssumeRoleWithWebIdentity"
_REFUSED = "calls of their pods to AWS are refused"


@dataclass(frozen=True, slots=True)
class _Issuer:
    """The cluster's issuer of tokens as IAM names it."""

    arn: str
    host: str


def checks(going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    """PRE120: roles are there. PRE121: they trust these ServiceAccounts. PRE122: IAM knows the cluster's issuer."""
    accounts = {ref: body for ref, body in going.bodies.items() if (ref.group, ref.kind) == ("", "ServiceAccount")}
    wanted = users((str(notes(body)[_NOTE]).strip(), ref) for ref, body in accounts.items() if notes(body).get(_NOTE))
    if not wanted:
        return
    audiences = {ref: str(notes(body).get(_AUDIENCE_NOTE) or _AUDIENCE) for ref, body in accounts.items()}
    ours: dict[Ref, tuple[str, str]] = {}  # the role's name and the ARN that is written
    for arn, refs in wanted.items():
        match = _ARN.fullmatch(arn)
        if match is None:
            what, fix = f"{arn} is no ARN of an IAM role.", "name the role under identity.roles in gke2eks.yaml."
            yield finding(ROLE, what, fix, *refs, because=_REFUSED, severity=Severity.BLOCKER)
        elif match["account"] != aws.here.account:
            look = f"aws iam get-role --role-name {match['name']}"
            why = f"it is in the account {match['account']}, and the cluster is in {aws.here.account}"
            yield unknown(ROLE, f"The role {arn} and its trust policy.", why, f"look there: {look}", *refs)
        else:
            ours |= {ref: (match["name"], arn) for ref in refs}
    if ours:
        yield from _roles(ours, audiences, aws)


def _roles(ours: dict[Ref, tuple[str, str]], audiences: dict[Ref, str], aws: Aws) -> Iterator[Check]:
    named = users((name, ref) for ref, (name, _) in ours.items())
    found = aws.roles(named)
    yield from unseen(ROLE, "The IAM roles", found, named)
    missing = gone(found)
    if missing:
        what = f"These IAM roles are not in the account {aws.here.account}: {few(missing)}."
        fix = f"make them, or name others under identity.roles in gke2eks.yaml; {_listed(aws.here)}"
        yield finding(ROLE, what, fix, *who(named, missing), because=_REFUSED, severity=Severity.BLOCKER)
    roles = there(found)
    moved = users((arn, ref) for ref, (name, arn) in ours.items() if name in roles and roles[name].arn != arn)
    for arn, refs in moved.items():
        what = f"{arn} is called {roles[ours[refs[0]][0]].arn}: the path of a role is a part of its ARN."
        fix = "name it so under identity.roles in gke2eks.yaml."
        yield finding(ROLE, what, fix, *refs, because=_REFUSED, severity=Severity.BLOCKER)
    right = users((name, ref) for ref, (name, arn) in ours.items() if name in roles and arn not in moved)
    if right:
        yield passed(ROLE, f"These IAM roles are there: {few(right)}.", *who(right, right))
        yield from _trusted({name: roles[name] for name in right}, right, audiences, aws)


def _trusted(roles: dict[str, Role], named: Users, audiences: dict[Ref, str], aws: Aws) -> Iterator[Check]:
    refs = who(named, named)
    said = aws.issuer()
    if isinstance(said, Blind) or not said:
        no = said if isinstance(said, Blind) else Blind("EKS says no OIDC issuer of this cluster", "look at it there.")
        yield blind(TRUST, f"Whether these roles trust the cluster: {few(roles)}.", no, *refs)
        return
    host = said.removeprefix("https://")
    issuer = _Issuer(f"arn:{aws.here.partition}:iam::{aws.here.account}:oidc-provider/{host}", host)
    yield from _provider(issuer, said, {audiences[ref] for ref in refs}, refs, aws)
    yield from _trust(roles, named, audiences, issuer, aws.here)


def _listed(here: Here) -> str:
    return f"aws iam list-roles{f' --profile {here.profile}' if here.profile else ''} lists them."


def _provider(issuer: _Issuer, url: str, audiences: set[str], refs: tuple[Ref, ...], aws: Aws) -> Iterator[Check]:
    found = aws.provider(issuer.arn)
    profile = f" --profile {aws.here.profile}" if aws.here.profile else ""
    if isinstance(found, Blind):
        yield blind(PROVIDER, f"Whether IAM has the OIDC provider {issuer.host}.", found, *refs)
    elif found is None:
        what = f"IAM has no OIDC provider for {aws.here.cluster} ({issuer.host})."
        ids = " ".join(sorted(audiences))
        fix = f"aws iam create-open-id-connect-provider --url {url} --client-id-list {ids}{profile}"
        yield finding(PROVIDER, what, fix, *refs, because=_REFUSED, severity=Severity.BLOCKER)
    elif strange := sorted(audiences - set(found.audiences)):
        what = f"The OIDC provider {issuer.host} does not take the audience {few(strange)}."
        command = "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn"
        fix = f"{command} {issuer.arn} --client-id {strange[0]}{profile}"
        yield finding(PROVIDER, what, fix, *refs, because=_REFUSED, severity=Severity.BLOCKER)
    else:
        yield passed(PROVIDER, f"IAM has the OIDC provider of {aws.here.cluster}.", *refs)


def _trust(
    roles: dict[str, Role], named: Users, audiences: dict[Ref, str], issuer: _Issuer, here: Here
) -> Iterator[Check]:
    good: list[Ref] = []
    for name, role in roles.items():
        bad: dict[Ref, str] = {}
        for ref in named[name]:
            known = {f"{issuer.host}:sub".lower(): token_subject(ref), f"{issuer.host}:aud".lower(): audiences[ref]}
            trust = trusts(role.trust, Asked(_ACTION, ("Federated", issuer.arn), known))
            if trust.yes is None:
                what = f"Whether the role {name} trusts {token_subject(ref)}."
                yield unknown(TRUST, what, trust.why, f"read its trust policy: {_read(name, here)}", ref)
            elif trust.yes:
                good.append(ref)
            else:
                bad[ref] = trust.why
        if bad:
            yield _untrusted(name, bad, audiences, issuer, here)
    if good:
        yield passed(TRUST, "Their roles trust them, through the OIDC provider of the cluster.", *good)


def _untrusted(name: str, bad: dict[Ref, str], audiences: dict[Ref, str], issuer: _Issuer, here: Here) -> Check:
    what = f"The trust policy of the role {name} does not let {counted(bad)} take it."
    subjects = [token_subject(ref) for ref in bad]
    says = {f"{issuer.host}:aud": audiences[next(iter(bad))], f"{issuer.host}:sub": subjects}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": issuer.arn},
        "Action": _ACTION,
        "Condition": {"StringEquals": says},
    }
    write = f"aws iam update-assume-role-policy --role-name {name} --policy-document file://trust.json"
    profile = f" --profile {here.profile}" if here.profile else ""
    fix = (
        f"{_read(name, here)} > trust.json; add to its Statement {json.dumps(statement, separators=(',', ':'))}; "
        f"then {write}{profile}"
    )
    because = f"{few(bad.values(), most=2, between='; ')}; {_REFUSED}"
    return finding(TRUST, what, fix, *bad, because=because, severity=Severity.BLOCKER)


def _read(name: str, here: Here) -> str:
    profile = f" --profile {here.profile}" if here.profile else ""
    return f"aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument{profile}"
