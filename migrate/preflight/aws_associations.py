"""EKS Pod Identity: the associations that the plan asks for, and the roles that they give.

Facts: docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html and pod-id-abac.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.aws import Association, Aws, Blind, Here
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.ref import Ref
from migrate.preflight.aws_trust import Asked, trusts
from migrate.preflight.aws_words import blind, gone, there, unseen, users, who
from migrate.preflight.references_words import few
from migrate.semantics.going import Going

ASSOCIATION, TRUST = "PRE123", "PRE124"
# The plan says it in the finding of a ServiceAccount (IDN001).
_COMMAND = re.compile(r"aws eks create-pod-identity-association .*?--role-arn (\S+)")
_SERVICE = ("Service", "pods.eks.amazonaws.com")
_ACTIONS = ("sts:AssumeRole", "sts:TagSession")
_TAG = "aws:requesttag/"
_REFUSED = "calls of its pods to AWS are refused"


def checks(going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    """PRE123: each ServiceAccount has its association, with the right role. PRE124: that role trusts EKS."""
    wanted = {
        one.ref: said[1]
        for one in going.plan.findings
        if one.ref in going.steps and one.ref is not None and (said := _COMMAND.search(one.fix))
    }
    if not wanted:
        return
    found = aws.associations({(ref.namespace, ref.name) for ref in wanted})
    if isinstance(found, Blind):
        yield blind(ASSOCIATION, "Whether EKS associates a role with these ServiceAccounts.", found, *sorted(wanted))
        return
    have = {(one.namespace, one.account): one for one in found}
    roles: list[tuple[str, Ref]] = []
    good = []
    for ref, role in sorted(wanted.items()):
        one = have.get((ref.namespace, ref.name))
        if one is None:
            yield _none(ref, role, aws.here)
            continue
        roles.append((one.role, ref))
        if role.startswith("arn:") and one.role != role:
            yield _other(ref, role, one, aws.here)
        else:
            good.append(ref)
    if good:
        yield passed(ASSOCIATION, f"EKS Pod Identity on {aws.here.cluster} gives them their roles.", *good)
    yield from _roles(roles, aws)


def _none(ref: Ref, role: str, here: Here) -> Check:
    named = role if role.startswith("arn:") else "ROLE-ARN"
    fix = here.command(
        f"eks create-pod-identity-association --cluster-name {here.cluster} --namespace {ref.namespace} "
        f"--service-account {ref.name} --role-arn {named}"
    )
    what = f"EKS Pod Identity on {here.cluster} has no association for {ref}."
    return finding(ASSOCIATION, what, fix, ref, because=_REFUSED, severity=Severity.BLOCKER)


def _other(ref: Ref, role: str, one: Association, here: Here) -> Check:
    fix = here.command(
        f"eks update-pod-identity-association --cluster-name {here.cluster} --association-id {one.id} --role-arn {role}"
    )
    what = f"The association of {ref} gives it {one.role}; the plan names {role}."
    return finding(ASSOCIATION, what, fix, ref, because="its pods act as another role than the plan says")


def _roles(pairs: list[tuple[str, Ref]], aws: Aws) -> Iterator[Check]:
    """The role of an association is one of the cluster's own account."""
    named = users((arn.rpartition("/")[2], ref) for arn, ref in pairs)
    if not named:
        return
    found = aws.roles(named)
    yield from unseen(TRUST, "The IAM roles", found, named)
    missing = gone(found)
    if missing:
        what = f"The IAM roles that associations give are not there: {few(missing)}."
        fix = f"make them; they must trust {_SERVICE[1]} ({', '.join(_ACTIONS)})."
        yield finding(TRUST, what, fix, *who(named, missing), because=_REFUSED, severity=Severity.BLOCKER)
    good: list[Ref] = []
    for name, role in there(found).items():
        for ref in named[name]:
            said = [trusts(role.trust, Asked(action, _SERVICE, _tags(ref, aws.here))) for action in _ACTIONS]
            bad = next((one for one in said if one.yes is False), None)
            unsure = next((one for one in said if one.yes is None), None)
            read = f"aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument"
            if bad is not None:
                what = f"The trust policy of the role {name} does not let EKS give it to {ref}."
                fix = f"{read} > trust.json; allow {' and '.join(_ACTIONS)} to the service {_SERVICE[1]} in it; then "
                fix += f"aws iam update-assume-role-policy --role-name {name} --policy-document file://trust.json"
                because = f"{bad.why}; {_REFUSED}"
                yield finding(TRUST, what, fix, ref, because=because, severity=Severity.BLOCKER)
            elif unsure is not None:
                what = f"Whether the role {name} trusts EKS Pod Identity for {ref}."
                yield unknown(TRUST, what, unsure.why, f"read its trust policy: {read}", ref)
            else:
                good.append(ref)
    if good:
        yield passed(TRUST, f"Their roles trust {_SERVICE[1]}.", *good)


def _tags(ref: Ref, here: Here) -> dict[str, str]:
    """The session tags that EKS sends and that are known before there is a pod."""
    return {
        f"{_TAG}eks-cluster-arn": here.arn,
        f"{_TAG}eks-cluster-name": here.cluster,
        f"{_TAG}kubernetes-namespace": ref.namespace,
        f"{_TAG}kubernetes-service-account": ref.name,
    }
