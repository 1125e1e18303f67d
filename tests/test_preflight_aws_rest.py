"""What preflight says of roles, Pod Identity, images and storage in AWS."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from aws_account_help import ACCOUNT, HOST, PROVIDER, Memory
from preflight_target_help import Json, Target, a_going, only, ref_of, thing

from migrate.flow.aws_checks import aws_checks
from migrate.model.aws import Association, FileSystem, Key, Provider, Role, Snapshot, Volume
from migrate.model.checks import Check, Status
from migrate.model.effects import Severity
from migrate.preflight.aws_trust import Asked, trusts

TODAY = date(2026, 11, 23)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/api"
SUB = "system:serviceaccount:shop:api"
KNOWN = Provider(PROVIDER, ("sts.amazonaws.com",))
WEB = "sts:AssumeRoleWithWebIdentity"
ECR = f"{ACCOUNT}.dkr.ecr.us-east-2.amazonaws.com"
DIGEST = f"sha256:{'a' * 64}"


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

COMMAND = (
    "Run aws eks create-pod-identity-association --cluster-name <cluster> --namespace shop --service-account api "
    f"--role-arn {ROLE} before its pods start"
)
PODS = statement(Principal={"Service": "pods.eks.amazonaws.com"}, Action=["sts:AssumeRole", "sts:TagSession"])
PLAIN = thing("v1 ServiceAccount", "api", "shop")
FIXES = {ref_of(PLAIN): COMMAND}


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


# Images


def runs(*images: str, name: str = "web") -> Json:
    containers = [{"name": f"c{n}", "image": image} for n, image in enumerate(images)]
    return thing("apps/v1 Deployment", name, "shop", spec={"template": {"spec": {"containers": containers}}})


def test_other_registries_are_not_asked() -> None:
    aws = Memory()
    assert look(runs("nginx", "public.ecr.aws/a/b:1", "gcr.io/a/b:1"), aws=aws) == [] and not aws.asked


def test_images_that_are_there() -> None:
    aws = Memory(images={"api": {":1", f"@{DIGEST}", ":latest"}})
    (found,) = look(runs(f"{ECR}/api:1", f"{ECR}/api", f"{ECR}/api:none@{DIGEST}"), aws=aws)
    assert (found.id, found.status) == ("PRE127", Status.PASS) and "These 3 images" in found.message


def test_images_that_are_not() -> None:
    aws = Memory(images={"api": {":1"}})
    planned = (runs(f"{ECR}/api:1@{DIGEST}"), runs(f"{ECR}/api:1", name="ok"), runs(f"{ECR}/a/b:1", name="none"))
    found = look(*planned, aws=aws)
    (missing,), (there,) = bad(found), [one for one in found if one.status is Status.PASS]
    assert missing.severity is Severity.BLOCKER and [one.name for one in missing.refs] == ["none", "web"]
    assert "these 2 images" in missing.message and f"api@{DIGEST}" in missing.message and "a/b:1" in missing.message
    assert missing.fix.count("create-repository") == 1
    assert "aws ecr create-repository --repository-name a/b --region us-east-2" in missing.fix
    assert [one.name for one in there.refs] == ["ok"] and "This image is in ECR" in there.message


@pytest.mark.parametrize("more", [{"cached": True}, {"denied": ["cached"]}])
def test_a_pull_through_cache_leaves_it_open(more: dict[str, Any]) -> None:
    aws = Memory(images={"hub/nginx": set()}, **more)
    found = bad(look(runs(f"{ECR}/hub/nginx:1"), runs(f"{ECR}/hub/redis:1", name="b"), aws=aws))
    assert [one.status for one in found] == [Status.UNKNOWN] * 2 and all(one.because for one in found)


# Storage


def kind(provisioner: str = "ebs.csi.aws.com", **parameters: str) -> Json:
    return thing("storage.k8s.io/v1 StorageClass", "fast", provisioner=provisioner, parameters=parameters)


def volume(handle: str, driver: str = "ebs.csi.aws.com", zone: str = "") -> Json:
    row = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [row]}]}}
    spec = {"csi": {"driver": driver, "volumeHandle": handle}} | ({"nodeAffinity": affinity} if zone else {})
    return thing("v1 PersistentVolume", "pv", spec=spec)


def snapshot(handle: str) -> Json:
    spec = {"driver": "ebs.csi.aws.com", "source": {"snapshotHandle": handle}}
    return thing("snapshot.storage.k8s.io/v1 VolumeSnapshotContent", "s", spec=spec)


KEY = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/1"


@pytest.mark.parametrize(
    ("planned", "there", "id"),
    [
        (kind(kmsKeyId=KEY), Key(KEY, "Enabled", "SYMMETRIC_DEFAULT"), "PRE130"),
        (kind("ebs.csi.eks.amazonaws.com", KMSKEYID=KEY), Key(KEY, "Enabled", ""), "PRE130"),
        (kind("efs.csi.aws.com", fileSystemId="fs-1"), FileSystem("fs-1", "available", 2), "PRE131"),
        (volume("fs-1:/a:fsap-1", "efs.csi.aws.com"), FileSystem("fs-1", "updating", 1), "PRE131"),
        (volume("vol-1", zone="us-east-2a"), Volume("vol-1", "available", "us-east-2a"), "PRE132"),
        (snapshot("snap-1"), Snapshot("snap-1", "completed"), "PRE133"),
    ],
)
def test_storage_that_is_right(planned: Json, there: object, id: str) -> None:
    (found,) = look(planned, aws=Memory(there))
    assert (found.id, found.status) == (id, Status.PASS)
    (missing,) = look(planned, aws=Memory())
    assert (missing.id, missing.severity) == (id, Severity.BLOCKER) and "lists them." in missing.fix


@pytest.mark.parametrize(
    ("planned", "there", "words"),
    [
        (kind(kmsKeyId=KEY), Key(KEY, "PendingDeletion", "SYMMETRIC_DEFAULT"), "it is PendingDeletion"),
        (kind(kmsKeyId=KEY), Key(KEY, "Enabled", "RSA_2048"), "RSA_2048"),
        (volume("fs-1", "efs.csi.aws.com"), FileSystem("fs-1", "deleting", 1), "is deleting"),
        (volume("fs-1", "efs.csi.aws.com"), FileSystem("fs-1", "available", 0), "no mount target"),
        (volume("vol-1"), Volume("vol-1", "in-use", "us-east-2a"), "attached to another"),
        (volume("vol-1"), Volume("vol-1", "error", "us-east-2a"), "is error"),
        (volume("vol-1", zone="us-east-2b"), Volume("vol-1", "available", "us-east-2a"), "is in us-east-2a"),
        (snapshot("snap-1"), Snapshot("snap-1", "error"), "not complete"),
    ],
)
def test_storage_that_is_wrong(planned: Json, there: object, words: str) -> None:
    (found,) = look(planned, aws=Memory(there))
    assert words in found.message and found.severity is Severity.BLOCKER and "aws " in found.fix


def test_a_volume_that_the_target_has_already() -> None:
    planned = volume("vol-1")
    assert not bad(look(planned, aws=Memory(Volume("vol-1", "in-use", "a")), on=Target(planned)))


def test_other_drivers_are_not_asked() -> None:
    aws = Memory()
    assert look(kind("pd.csi.storage.gke.io", kmsKeyId="x"), volume("v", "nfs.csi.k8s.io"), aws=aws) == []
    assert not aws.asked


# Nobody could look


@pytest.mark.parametrize(
    ("method", "ids"),
    [
        ("roles", {"PRE120", "PRE124"}),
        ("issuer", {"PRE121"}),
        ("provider", {"PRE122"}),
        ("associations", {"PRE123"}),
        ("images", {"PRE127"}),
        ("keys", {"PRE130"}),
        ("file_systems", {"PRE131"}),
        ("volumes", {"PRE132"}),
        ("snapshots", {"PRE133"}),
    ],
)
def test_what_nobody_may_ask_is_never_a_pass(method: str, ids: set[str]) -> None:
    pod = thing("v1 ServiceAccount", "pod", "shop")
    fixes = {ref_of(pod): COMMAND.replace("api", "pod")}
    things = (
        role(statement(exactly())),
        role(PODS, arn=f"arn:aws:iam::{ACCOUNT}:role/pod"),
        Association("a-1", "shop", "pod", f"arn:aws:iam::{ACCOUNT}:role/pod"),
        KNOWN,
        Key(KEY, "Enabled", ""),
        FileSystem("fs-1", "available", 1),
        Volume("vol-1", "available", "a"),
        Snapshot("snap-1", "completed"),
    )
    files = volume("fs-1", "efs.csi.aws.com") | {"metadata": {"name": "files"}}
    planned = (account(), pod, runs(f"{ECR}/api:1"), kind(kmsKeyId=KEY), files, volume("vol-1"), snapshot("snap-1"))
    found = look(*planned, aws=Memory(*things, images={"api": {":1"}}, denied=[method]), fixes=fixes)
    assert {one.id for one in bad(found) if one.status is Status.UNKNOWN} == ids
    assert not any(one.id in ids for one in found if one.status is Status.PASS)
    assert all(one.because == "ann may not look" for one in bad(found) if one.id in ids)
