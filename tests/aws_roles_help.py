"""Roles and associations in AWS, and what preflight says of a plan beside them."""

from __future__ import annotations

from datetime import date
from typing import Any

from aws_account_help import ACCOUNT, HOST, PROVIDER, Memory
from preflight_target_help import Json, Target, a_going, ref_of, thing

from migrate.flow.aws_checks import aws_checks
from migrate.model.aws import Provider, Role
from migrate.model.checks import Check, Status

TODAY = date(2026, 11, 23)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/api"
SUB = "system:serviceaccount:shop:api"
KNOWN = Provider(PROVIDER, ("sts.amazonaws.com",))
WEB = "sts:AssumeRoleWithWebIdentity"


def account(role: str = ROLE, name: str = "api", **notes: str) -> Json:
    said = {f"eks.amazonaws.com/{key}": value for key, value in notes.items()}
    return thing("v1 ServiceAccount", name, "shop", notes={"eks.amazonaws.com/role-arn": role} | said)


def statement(conditions: Json | None = None, **more: Any) -> Json:
    said = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": WEB} | more
    return said | ({"Condition": conditions} if conditions is not None else {})


def role(*statements: Json, arn: str = ROLE) -> Role:
    return Role(arn, {"Version": "2012-10-17", "Statement": list(statements)})


def exactly(sub: str = SUB, aud: str = "sts.amazonaws.com") -> Json:
    return {"StringEquals": {f"{HOST}:sub": sub, f"{HOST}:aud": aud}}


def look(*planned: Json, aws: Memory, on: Target | None = None, fixes: Any = None) -> list[Check]:
    going = a_going(*planned, fixes=fixes)
    checks = [*aws_checks(going, on or Target(), aws, today=TODAY, watch=lambda *_: None)]
    for one in checks:
        assert one.message.endswith(".") and (one.status is Status.PASS or one.fix), one
    return [one for one in checks if one.id != "PRE100"]


def bad(checks: list[Check]) -> list[Check]:
    return [one for one in checks if one.status is not Status.PASS]


COMMAND = (
    "Run aws eks create-pod-identity-association --cluster-name <cluster> --namespace shop --service-account api "
    f"--role-arn {ROLE} before its pods start"
)
PODS = statement(Principal={"Service": "pods.eks.amazonaws.com"}, Action=["sts:AssumeRole", "sts:TagSession"])
PLAIN = thing("v1 ServiceAccount", "api", "shop")
FIXES = {ref_of(PLAIN): COMMAND}
