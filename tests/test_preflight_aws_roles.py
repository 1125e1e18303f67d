"""What preflight says of roles, their trust policies and Pod Identity in AWS."""

from __future__ import annotations

import pytest
from aws_account_help import ACCOUNT, HOST, PROVIDER, Memory
from aws_roles_help import (
    COMMAND,
    FIXES,
    KNOWN,
    PLAIN,
    PODS,
    ROLE,
    SUB,
    WEB,
    account,
    bad,
    exactly,
    look,
    role,
    statement,
)
from preflight_target_help import Json, only, ref_of

from migrate.model.aws import Association, Provider
from migrate.model.checks import Status
from migrate.model.effects import Severity
from migrate.preflight.aws_trust import Asked, trusts

# Roles


def test_roles_that_are_right() -> None:
    found = look(account(), aws=Memory(role(statement(exactly())), KNOWN))
    assert [(one.id, one.status) for one in found] == [(f"PRE12{n}", Status.PASS) for n in (0, 2, 1)]


@pytest.mark.parametrize(
    ("arn", "things", "words", "status"),
    [
        ("role/api", (), "no ARN", Status.FINDING),
        (ROLE, (), "not in the account", Status.FINDING),
        (ROLE.replace(ACCOUNT, "999999999999"), (), "999999999999", Status.UNKNOWN),
        (ROLE.replace("team/", ""), (role(statement(exactly())),), "path of a role", Status.FINDING),
    ],
)
def test_roles_that_are_wrong(arn: str, things: tuple[object, ...], words: str, status: Status) -> None:
    (found,) = look(account(arn), aws=Memory(*things, KNOWN))
    assert (found.id, found.status) == ("PRE120", status) and words in found.message


def test_two_spellings_of_one_role_are_both_said() -> None:
    wrong = account(ROLE.replace("team/", ""), "web")
    found = look(account(), wrong, aws=Memory(role(statement(exactly())), KNOWN))
    assert [one.refs for one in bad(found)] == [(ref_of(wrong),)]
    assert only([one for one in found if one.id == "PRE121"], "PRE121").refs == (ref_of(account()),)


def test_a_role_that_trusts_another_cluster() -> None:
    other = statement(exactly(), Principal={"Federated": PROVIDER.replace("EXAMPLE", "OTHER")})
    (found,) = bad(look(account(), account(name="web"), aws=Memory(role(other), KNOWN)))
    assert (found.id, found.severity, len(found.refs)) == ("PRE121", Severity.BLOCKER, 2)
    assert "aws iam get-role --role-name api" in found.fix and f'"{HOST}:sub":["{SUB}",' in found.fix
    assert "--policy-document file://trust.json" in found.fix


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "IAM has no OIDC provider"),
        (Provider(PROVIDER, ("other",)), "does not take the audience sts.amazonaws.com"),
    ],
)
def test_the_provider(found: Provider | None, why: str) -> None:
    aws = Memory(role(statement(exactly())), *([found] if found else []))
    (said,) = bad(look(account(), aws=aws))
    assert (said.id, said.severity) == ("PRE122", Severity.BLOCKER) and why in said.message
    assert said.fix.startswith("aws iam ")


def test_the_audience_of_an_annotation() -> None:
    aws = Memory(role(statement(exactly(aud="mine"))), Provider(PROVIDER, ("mine",)))
    assert not bad(look(account(audience="mine"), aws=aws))
    assert {one.id for one in bad(look(account(), aws=aws))} == {"PRE121", "PRE122"}


def test_a_cluster_without_an_issuer() -> None:
    (found,) = bad(look(account(), aws=Memory(role(statement(exactly())), KNOWN, issuer="")))
    assert (found.id, found.status) == ("PRE121", Status.UNKNOWN)


# Trust policies, one by one


IRSA = Asked(WEB, ("Federated", PROVIDER), {f"{HOST}:sub".lower(): SUB, f"{HOST}:aud".lower(): "sts.amazonaws.com"})


@pytest.mark.parametrize(
    ("statements", "yes"),
    [
        ([], False),
        ([statement(exactly())], True),
        ([statement()], True),
        ([statement(Action=["sts:TagSession", "sts:assumerolewithwebidentity"])], True),
        ([statement(Action="sts:*")], True),
        ([statement(Action="sts:AssumeRole")], False),
        ([statement(Principal={"Federated": ["x", PROVIDER]})], True),
        ([statement(Principal={"AWS": PROVIDER})], False),
        ([statement(exactly("system:serviceaccount:shop:web"))], False),
        ([statement(exactly("system:serviceaccount:shop:*"))], False),  # StringEquals knows no wildcards
        ([statement({"StringLike": {f"{HOST}:sub": "system:serviceaccount:shop:*"}})], True),
        ([statement({"StringLike": {f"{HOST}:sub": ["a", "system:serviceaccount:*:ap?"]}})], True),
        ([statement({"StringLike": {f"{HOST}:sub": "system:serviceaccount:shop:?"}})], False),
        ([statement({"ForAnyValue:StringLike": {f"{HOST}:sub": "*:shop:api"}})], True),
        ([statement({"StringNotEquals": {f"{HOST}:sub": SUB}})], False),
        ([statement({"StringEquals": {f"{HOST}:aud": "other"}})], False),
        ([statement({"StringEquals": {f"{HOST.upper()}:SUB": SUB}})], True),  # keys in any case
        ([statement({"StringEquals": {"aws:SourceVpc": "vpc-1"}})], None),
        ([statement({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})], None),
        ([statement({"StringEquals": {"aws:SourceVpc": "v"}}), statement(exactly())], None),
        ([statement(exactly("other")), statement(exactly())], True),
        ([statement(exactly()), statement(exactly(), Effect="Deny")], False),
        ([statement(exactly()), statement(exactly("other"), Effect="Deny")], True),
        ([statement(exactly()), statement({"Bool": {"aws:SecureTransport": "false"}}, Effect="Deny")], None),
        ([statement(exactly()), statement(Effect="Deny", Principal="*", Action="iam:*")], True),
    ],
)
def test_how_a_trust_policy_is_read(statements: list[Json], yes: bool | None) -> None:
    said = trusts({"Statement": statements}, IRSA)
    assert said.yes is yes and (said.why == "") is (yes is True)


def test_a_policy_with_one_statement_may_leave_out_the_list() -> None:
    assert trusts({"Statement": statement()}, IRSA).yes is True


# Pod Identity


def test_an_association_that_is_right() -> None:
    aws = Memory(Association("a-1", "shop", "api", ROLE), role(PODS))
    found = look(PLAIN, aws=aws, fixes=FIXES)
    assert [(one.id, one.status) for one in found] == [("PRE123", Status.PASS), ("PRE124", Status.PASS)]


def test_no_association() -> None:
    (found,) = look(PLAIN, aws=Memory(Association("a-1", "shop", "web", ROLE)), fixes=FIXES)
    assert (found.id, found.severity) == ("PRE123", Severity.BLOCKER)
    assert found.fix == (
        "aws eks create-pod-identity-association --cluster-name prod --namespace shop --service-account api "
        f"--role-arn {ROLE} --region us-east-2"
    )


def test_an_association_with_another_role() -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    aws = Memory(Association("a-1", "shop", "api", other), role(PODS, arn=other))
    (found,) = bad(look(PLAIN, aws=aws, fixes=FIXES))
    assert (found.id, found.severity) == ("PRE123", Severity.REVIEW) and "--association-id a-1" in found.fix
    undecided = {ref_of(PLAIN): COMMAND.replace(ROLE, "<role>")}
    assert not bad(look(PLAIN, aws=aws, fixes=undecided))


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (PODS | {"Action": "sts:AssumeRole"}, Status.FINDING),
        (PODS | {"Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop"}}}, None),
        (PODS | {"Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "web"}}}, Status.FINDING),
        (PODS | {"Condition": {"StringEquals": {"aws:RequestTag/kubernetes-pod-name": "a"}}}, Status.UNKNOWN),
        (statement(), Status.FINDING),
    ],
)
def test_the_role_of_an_association(policy: Json, status: Status | None) -> None:
    aws = Memory(Association("a-1", "shop", "api", ROLE), role(policy))
    found = bad(look(PLAIN, aws=aws, fixes=FIXES))
    assert [(one.id, one.status) for one in found] == ([("PRE124", status)] if status else [])


def test_an_association_whose_role_is_gone() -> None:
    (found,) = bad(look(PLAIN, aws=Memory(Association("a-1", "shop", "api", ROLE)), fixes=FIXES))
    assert found.id == "PRE124" and "not there: api" in found.message
