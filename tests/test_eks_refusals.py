"""What is said when AWS says no: what is wrong, what to do next, and never a secret."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from aws_fake import ACCOUNT, KEY, NAME, SESSION, FakeAws, refused
from aws_fake import aws_fixture as aws_fixture
from aws_fake import without_aws_fixture as without_aws_fixture

from migrate.cluster.eks_refusals import Wanted, refusal
from migrate.errors import BAD_INPUT, REFUSED

GUIDE = "User: arn:aws:iam::{0}:user/ann is not authorized to perform: {1} on resource: arn:aws:eks:{2}"
INVALID = "The security token included in the request is invalid."


# Credentials


def test_no_credentials_at_all(without_aws: None) -> None:
    error = refused()
    assert error.code == REFUSED and "no AWS credentials" in error.what and "aws sso login" in error.next


def test_half_of_the_credentials(without_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    assert "part of the AWS credentials is missing" in refused().what


def test_a_profile_that_is_not_there(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(profile="prd")
    assert error.code == BAD_INPUT and "no AWS profile prd" in error.what and "list-profiles" in error.next
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    assert "no AWS profile elsewhere" in refused().what
    assert not aws.requests


SSO = """
[profile ours]
sso_session = acme
sso_account_id = 123456789012
sso_role_name = admin
region = us-east-2
[sso-session acme]
sso_region = us-east-2
sso_start_url = https://acme.awsapps.com/start
"""


def test_an_sso_login_that_is_not_there_or_has_expired(without_aws: None, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(SSO)
    error = refused(profile="ours")
    assert error.code == REFUSED and "SSO login" in error.what
    assert error.next == "Run aws sso login --profile ours, then run this again."
    cached = '{"accessToken": "canary", "expiresAt": "2020-01-01T00:00:00Z", "region": "us-east-2"}'
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    for name in ("acme", "https://acme.awsapps.com/start"):
        (cache / f"{hashlib.sha1(name.encode()).hexdigest()}.json").write_text(cached)
    assert "SSO login" in refused(profile="ours").what


def test_a_program_for_credentials_that_fails(without_aws: None, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile ours]\ncredential_process = sh -c 'echo canary >&2; exit 1'\n")
    error = refused(profile="ours")
    assert "could not be fetched (custom-process)" in error.what and "get-caller-identity --profile ours" in error.next


def test_a_configuration_that_is_none(without_aws: None, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("canary = [\n")
    error = refused()
    assert error.code == REFUSED and "configuration" in error.what


def test_a_role_that_may_not_be_taken(aws: FakeAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    role = "arn:aws:iam::111122223333:role/deployer"
    (tmp_path / "config").write_text(f"[profile ours]\nrole_arn = {role}\nsource_profile = me\n")
    (tmp_path / "credentials").write_text("[me]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = canary\n")
    who = f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: sts:AssumeRole on resource: {role}"
    aws.refuse("*", "AccessDenied", who, status=403)
    error = refused(profile="ours")
    assert error.what == f"arn:aws:iam::{ACCOUNT}:user/ann may not sts:AssumeRole on {role}."


@pytest.mark.parametrize(
    ("code", "message", "what", "following"),
    [
        ("ExpiredTokenException", "The security token included in the request is expired", "have expired", "sso login"),
        ("InvalidSignatureException", "Signature expired: 20261123T071400Z is now earlier than", "clock", "Set the"),
        ("InvalidSignatureException", "does not match: x-amz-security-token:{0}", "signature", "SECRET_ACCESS_KEY"),
        ("ThrottlingException", "Rate exceeded", "too many requests", "Wait"),
        ("InvalidParameterException", "X-Amz-Security-Token={0}&a=b", "refused DescribeCluster", "region"),
    ],
)
def test_aws_gives_a_reason(aws: FakeAws, code: str, message: str, what: str, following: str) -> None:
    aws.refuse("*", code, message.format(SESSION))
    error = refused()
    assert error.code == REFUSED and what in error.what and following in error.next


def test_a_server_that_fails(aws: FakeAws) -> None:
    aws.refuse("DescribeCluster", "ServerException", "Internal failure", status=500)
    error = refused()
    assert "failed (500)" in error.what and error.details == ("AWS says: Internal failure.",)


# Rights


def test_no_permission_names_the_action(aws: FakeAws) -> None:
    text = GUIDE.format(ACCOUNT, "eks:DescribeCluster", f"us-east-2:{ACCOUNT}:cluster/prod")
    aws.refuse("DescribeCluster", "AccessDeniedException", text, status=403)
    error = refused()
    assert error.code == REFUSED
    assert error.what.startswith(
        f"arn:aws:iam::{ACCOUNT}:user/ann may not eks:DescribeCluster on arn:aws:eks:us-east-2"
    )
    assert "Ask for eks:DescribeCluster" in error.next


def test_what_an_organisation_forbids(aws: FakeAws) -> None:
    text = GUIDE.format(ACCOUNT, "eks:DescribeCluster", "x") + " with an explicit deny in a service control policy"
    aws.refuse("DescribeCluster", "AccessDeniedException", text, status=403)
    assert "service control policy" in refused().next


def test_no_permission_without_a_reason(aws: FakeAws) -> None:
    aws.refuse("DescribeCluster", "AccessDeniedException", "", status=403)
    error = refused()
    assert error.what == f"These credentials may not eks:DescribeCluster on {NAME}." and not error.details


# Regions


def test_a_region_that_is_not_enabled(aws: FakeAws) -> None:
    aws.refuse("*", "UnrecognizedClientException", INVALID, status=403, regions="me-central-1")
    error = refused("me-central-1/prod")
    assert "me-central-1 does not: that region is not enabled" in error.what
    assert error.next.endswith("aws account enable-region --region-name me-central-1")
    assert aws.requests == [("DescribeCluster", "me-central-1"), ("GetCallerIdentity", "us-east-1")]


@pytest.mark.parametrize(
    ("name", "unknown", "what"),
    [
        (
            "cn-north-1/prod",
            "cn-north-1 cn-northwest-1 us-gov-west-1",
            "belongs to AWS China; these credentials are of AWS,",
        ),
        (
            "us-east-2/prod",
            "us-east-2 us-east-1 cn-northwest-1",
            "belongs to AWS; these credentials are of AWS GovCloud",
        ),
    ],
)
def test_credentials_of_another_partition(aws: FakeAws, name: str, unknown: str, what: str) -> None:
    aws.refuse("*", "UnrecognizedClientException", INVALID, status=403, regions=unknown)
    error = refused(name)
    assert what in error.what and "Name a profile of AWS" in error.next


def test_keys_that_nobody_knows(aws: FakeAws) -> None:
    aws.refuse("*", "InvalidClientTokenId", INVALID, status=403)
    error = refused()
    assert "deleted, inactive or mistyped" in error.what and error.details == (f"AWS says: {INVALID}",)


def test_the_home_region_is_never_called_disabled(aws: FakeAws) -> None:
    aws.refuse("DescribeCluster", "UnrecognizedClientException", INVALID, status=403)
    assert "deleted, inactive or mistyped" in refused("us-east-1/prod").what


def test_a_region_that_is_mistyped(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    error = refused("us-east-7/prod")
    assert "No region us-east-7 of AWS" in error.what and "us-east-1" in error.next


@pytest.mark.parametrize(
    ("url", "what"), [("http://127.0.0.1:1", "cannot be reached in us-east-2"), ("canary", "could not be asked")]
)
def test_nobody_answers(aws: FakeAws, monkeypatch: pytest.MonkeyPatch, url: str, what: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    error = refused()
    assert error.code == REFUSED and what in error.what


# Clusters


def test_a_cluster_that_is_not_there_names_those_that_are(aws: FakeAws) -> None:
    aws.add("api")
    error = refused("us-east-2/prdo")
    assert error.code == REFUSED and error.what == "There is no EKS cluster prdo in us-east-2."
    assert error.details == ("Clusters in us-east-2: api, prod.",) and "us-east-2/prod" in error.next


def test_a_cluster_in_another_region_is_found_there(aws: FakeAws) -> None:
    aws.refuse("*", "UnrecognizedClientException", INVALID, status=403, regions="af-south-1 me-south-1")
    error = refused("us-west-2/prod")
    assert error.next == "Write us-east-2/prod." and error.details == ("Clusters in us-west-2: none.",)
    aws.add("prod", "eu-west-1")
    assert "eu-west-1/prod, us-east-2/prod" in refused("us-west-2/prod").next
    asked = {operation for operation, _ in aws.requests}
    assert asked == {"DescribeCluster", "ListClusters"}  # reads, as anything else is refused by the fake


def test_not_there_and_nobody_may_list(aws: FakeAws) -> None:
    aws.refuse("ListClusters", "AccessDeniedException", "no", status=403)
    error = refused("us-east-2/other")
    assert "eks:ListClusters" in error.details[0] and "aws eks list-clusters" in error.next


def test_many_clusters_are_not_all_named(aws: FakeAws) -> None:
    for number in range(30):
        aws.add(f"c{number:02}")
    assert refused("us-east-2/zzz").details[0].endswith("c07 and 23 more.")


@pytest.mark.parametrize(
    ("fields", "what", "following"),
    [
        (
            {"status": "CREATING", "endpoint": None},
            "still being created",
            "aws eks wait cluster-active --region us-east-2",
        ),
        ({"status": "PENDING"}, "still being created", "--name prod"),
        ({"status": "DELETING"}, "being deleted", "another"),
        ({"status": "FAILED"}, "its status is FAILED", "cluster.health"),
        ({"endpoint": None}, "its status is ACTIVE", "cluster.health"),
        ({"certificateAuthority": None}, "did not say which certificate", "nothing is sent"),
        ({"certificateAuthority": {"data": "not base64!"}}, "did not say which certificate", "nothing is sent"),
        ({"endpoint": "http://10.0.0.1"}, "not https", "AWS_ENDPOINT_URL"),
        ({"connectorConfig": {"provider": "GKE"}}, "only registered", "--context"),
    ],
)
def test_no_way_in(aws: FakeAws, fields: dict[str, Any], what: str, following: str) -> None:
    aws.change(**fields)
    error = refused()
    assert error.code == REFUSED and what in error.what and following in error.next


def test_what_eks_finds_wrong_is_said(aws: FakeAws) -> None:
    aws.change(status="FAILED", health={"issues": [{"code": "VpcNotFound", "message": "canary"}]})
    assert refused().details == ("EKS finds: VpcNotFound.",)


# What boto3 may raise


def test_every_login_of_boto3_has_words() -> None:
    """Classes of exceptions that this boto3 has; texts of unknown ones are not shown."""
    from botocore import exceptions

    wanted = Wanted("us-east-2", "prod", "ours")
    for kind, what in [
        (exceptions.LoginRefreshRequired, "login at AWS has expired"),
        (exceptions.SSOTokenLoadError, "SSO login"),
        (exceptions.MissingDependencyException, "Python package"),
        (exceptions.InfiniteLoopConfigError, "configuration"),
        (exceptions.SSLError, "cannot be reached"),
        (exceptions.ConnectTimeoutError, "cannot be reached"),
        (exceptions.ProxyConnectionError, "cannot be reached"),
        (exceptions.UnknownKeyError, "could not be asked"),
    ]:
        error = refusal(kind.__new__(kind), wanted)
        assert what in error.what and error.next, kind
    assert "canary" not in str(refusal(ValueError("canary"), wanted))


def test_what_aws_says_is_masked(aws: FakeAws) -> None:
    secrets = f"key {KEY} in {'Ab1/' * 40} k8s-aws-v1.aHR0cHM6 and \x1b[31m X-Amz-Signature=canary&b"
    aws.refuse("DescribeCluster", "InvalidParameterException", secrets)
    said = refused().details[0]
    assert said.count("(hidden)") == 4 and "\x1b" not in said and "Ab1/" not in said
