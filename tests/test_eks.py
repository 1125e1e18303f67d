"""An EKS cluster by its name: facts, the way in, and tokens that stay fresh."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from aws_fake import ACCOUNT, CA, NAME, SECRET, SESSION, URL, WHO, FakeAws, refused, review, vpc
from aws_fake import aws_fixture as aws_fixture
from aws_fake import without_aws_fixture as without_aws_fixture

from migrate.cluster.eks import connect, split
from migrate.cluster.eks_regions import partition_of, partitions, sts_host
from migrate.cluster.eks_token import RENEW_AFTER, Tokens, sign
from migrate.errors import BAD_INPUT, Refused

HOSTS = ("sts.us-east-2.amazonaws.com",)

# Names


@pytest.mark.parametrize("name", [NAME, "us-gov-west-1/a", "cn-north-1/A_b-1", "eusc-de-east-1/9", "us-east-9/young"])
def test_a_name_has_two_parts(name: str) -> None:
    assert "/".join(split(name)) == name


@pytest.mark.parametrize(
    "name", ["", "prod", "us-east-2", "a/b", "us-east-2/", f"{NAME}/x", f"{NAME}\n", "us-east-2/-p"]
)
def test_a_malformed_name_is_told_the_right_form(name: str) -> None:
    error = refused(name)
    assert error.code == BAD_INPUT and "region/cluster" in error.next


def test_a_region_that_cannot_be() -> None:
    error = refused("mars-west-1/prod")
    assert error.code == BAD_INPUT and "mars-west-1 is no region" in error.what


@pytest.mark.parametrize(
    "other",
    [
        f"arn:aws:eks:us-east-2:{ACCOUNT}:cluster/prod",
        "ann@prod.us-east-2.eksctl.io",
        "prod.us-east-2.eksctl.io",
        "prod/us-east-2",
        "us-east-2b/prod",
    ],
)
def test_other_names_of_the_cluster_are_told_the_right_one(other: str) -> None:
    assert refused(other).next == f"Write {NAME}."


# What AWS says of it


def test_the_facts(aws: FakeAws) -> None:
    found = connect(NAME)
    assert (found.name, found.url, found.ca) == (NAME, URL, CA)
    assert found.facts.as_json() == {
        "name": "prod",
        "region": "us-east-2",
        "partition": "aws",
        "arn": f"arn:aws:eks:us-east-2:{ACCOUNT}:cluster/prod",
        "account": ACCOUNT,
        "status": "ACTIVE",
        "kubernetes": "1.36",
        "platform": "eks.7",
        "flavour": "standard",
        "public_endpoint": True,
        "private_endpoint": True,
        "public_cidrs": ["0.0.0.0/0"],
        "vpc": "vpc-0a1b2c",
        "authentication": "API_AND_CONFIG_MAP",
        "caller": WHO,
    }
    assert aws.requests == [("DescribeCluster", "us-east-2"), ("GetCallerIdentity", "us-east-2")]


@pytest.mark.parametrize(("compute", "flavour"), [({"enabled": True}, "auto"), ({}, "standard"), (None, "standard")])
def test_auto_mode_is_a_flavour(aws: FakeAws, compute: Any, flavour: str) -> None:
    aws.change(computeConfig=compute)
    assert connect(NAME).facts.flavour == flavour


def test_what_aws_does_not_say_is_unknown(aws: FakeAws) -> None:
    aws.change(resourcesVpcConfig=None, accessConfig=None, platformVersion=None)
    aws.refuse("GetCallerIdentity", "AccessDenied", "no")  # STS may be out of reach where EKS is not
    facts = connect(NAME).facts
    assert (facts.vpc, facts.authentication, facts.platform, facts.caller) == (None, None, None, None)


def test_a_cluster_that_is_updated_answers(aws: FakeAws) -> None:
    aws.change(status="UPDATING")
    assert connect(NAME).facts.status == "UPDATING"


def test_a_profile_is_used(aws: FakeAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text("[target]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n")
    found = connect(NAME, profile="target")
    assert review(found.token(), "prod", hosts=HOSTS, secret="other")["X-Amz-Credential"].startswith("AKIAOTHER/")
    assert "aws sso login --profile target" in found.login


# The way in


def test_the_connection_brings_the_token(aws: FakeAws) -> None:
    found = connect(NAME)
    door = found.connection()
    assert door.authorization() == f"Bearer {found.token()}" and door.shown == URL
    shown = repr(found) + repr(door) + repr(found.token)
    assert "k8s-aws-v1" not in shown and SECRET not in shown and SESSION not in shown
    assert SECRET not in door.authorization()


def test_a_role_without_an_access_entry_is_told_the_command(aws: FakeAws) -> None:
    said = connect(NAME).login
    assert WHO in said and f"--principal-arn arn:aws:iam::{ACCOUNT}:role/deployer" in said
    assert "aws eks create-access-entry --region us-east-2 --cluster-name prod" in said
    aws.change(accessConfig={"authenticationMode": "CONFIG_MAP"})
    assert "kube-system/aws-auth" in connect(NAME).login and "access-entry" not in connect(NAME).login
    aws.change()
    aws.caller = f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert f"--principal-arn {aws.caller}." in connect(NAME).login


def test_what_to_do_when_nobody_answers(aws: FakeAws) -> None:
    assert connect(NAME).if_silent.startswith("check the network")
    aws.change(resourcesVpcConfig=vpc(public=False))
    said = connect(NAME).if_silent
    assert "endpoint is private" in said and "vpc-0a1b2c" in said and "endpointPublicAccess=true" in said
    aws.change(resourcesVpcConfig=vpc(cidrs=("203.0.113.0/24", "198.51.100.7/32")))
    said = connect(NAME).if_silent  # those that are in stay in
    assert said.endswith("publicAccessCidrs=198.51.100.7/32,203.0.113.0/24,YOUR-ADDRESS/32")


def test_boto3_is_loaded_only_when_needed() -> None:
    code = "import sys, migrate.cluster.eks; print('boto3' in sys.modules, 'botocore' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


# Tokens


def test_the_token_is_a_signed_request(aws: FakeAws) -> None:
    token = connect(NAME).token()
    found = review(token, "prod", hosts=HOSTS)
    assert found["X-Amz-Expires"] == "60" and found["X-Amz-Security-Token"] == SESSION
    assert found["X-Amz-Credential"].split("/")[2:4] == ["us-east-2", "sts"]
    for wrong in ({"cluster": "other"}, {"cluster": "prod", "secret": "guessed"}):
        with pytest.raises(AssertionError, match="signature"):
            review(token, hosts=HOSTS, **wrong)


def test_the_token_is_the_one_that_boto3_presigns(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of the aws command line, with a client of STS."""
    import base64
    from datetime import datetime

    import boto3

    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime(2026, 11, 23, 7, 14, 5))
    session = boto3.Session(region_name="us-east-2")
    ours = sign(session.get_credentials().get_frozen_credentials(), "us-east-2", "prod")
    client = session.client("sts", endpoint_url=f"https://{HOSTS[0]}")
    client.meta.events.register(
        "before-sign.sts.GetCallerIdentity", lambda request, **_: request.headers.add_header("x-k8s-aws-id", "prod")
    )
    theirs = client.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    assert base64.urlsafe_b64decode(ours.removeprefix("k8s-aws-v1.") + "==").decode() == theirs


def test_a_local_cluster_on_an_outpost_goes_by_its_id(aws: FakeAws) -> None:
    aws.change(id="local-1")
    review(connect(NAME).token(), "local-1", hosts=HOSTS)


@pytest.mark.parametrize(
    ("region", "host", "partition"),
    [
        ("eu-central-1", "sts.eu-central-1.amazonaws.com", "aws"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn", "aws-cn"),
        ("us-gov-east-1", "sts.us-gov-east-1.amazonaws.com", "aws-us-gov"),
    ],
)
def test_every_partition_has_its_own_sts(aws: FakeAws, region: str, host: str, partition: str) -> None:
    aws.add("far", region)
    found = connect(f"{region}/far")
    review(found.token(), "far", hosts=(host,))
    assert found.facts.partition == partition


def test_the_hosts_are_those_of_boto3(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for one in partitions():
        region = one.regions[0]
        client = boto3.client("sts", region_name=region)
        assert client.meta.endpoint_url == f"https://{sts_host(region)}"
        assert partition_of(region) == one and one.home in one.regions


class Changing:
    """Credentials as boto3's temporary ones: others after a renewal, or none."""

    def __init__(self) -> None:
        self.key, self.asked, self.error = "AKIA1", 0, None

    def get_frozen_credentials(self) -> Any:
        from botocore.credentials import ReadOnlyCredentials

        self.asked += 1
        if self.error:
            raise self.error
        return ReadOnlyCredentials(self.key, SECRET, SESSION)


def tokens() -> tuple[Tokens, Changing, list[float]]:
    credentials, now = Changing(), [1_000_000.0]
    words = lambda error: Refused("No.", "Log in.")  # noqa: E731
    return Tokens(credentials, "us-east-2", "prod", words, clock=lambda: now[0]), credentials, now


@pytest.fixture(name="signed")
def signed_fixture(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was signed, by which key: signing counts."""
    made: list[str] = []

    def count(credentials: Any, region: str, cluster: str) -> str:
        made.append(credentials.access_key)
        return f"token {len(made)}"

    monkeypatch.setattr("migrate.cluster.eks_token.sign", count)
    return made


def test_a_token_is_renewed_before_14_minutes(signed: list[str]) -> None:
    token, _, now = tokens()
    assert RENEW_AFTER < 14 * 60
    assert [token(), token()] == ["token 1", "token 1"]
    now[0] += RENEW_AFTER - 1
    assert token() == "token 1"
    now[0] += 1
    assert token() == "token 2"
    now[0] -= 3600  # the clock was put right: its age is not known any more
    assert token() == "token 3"


def test_a_token_ends_with_the_credentials_that_signed_it(signed: list[str]) -> None:
    token, credentials, _ = tokens()
    token()
    credentials.key = "AKIA2"
    assert token() == "token 2" and signed == ["AKIA1", "AKIA2"]


def test_a_token_is_kept_while_it_is_good_when_credentials_cannot_be_renewed(signed: list[str]) -> None:
    from botocore.exceptions import UnauthorizedSSOTokenError

    token, credentials, now = tokens()
    token()
    credentials.error = UnauthorizedSSOTokenError()
    now[0] += RENEW_AFTER - 1
    assert token() == "token 1"
    now[0] += 1
    with pytest.raises(Refused, match="No") as caught:
        token()
    assert caught.value.__suppress_context__


def test_one_thread_signs_for_all(signed: list[str]) -> None:
    token, _, now = tokens()
    token()
    now[0] += RENEW_AFTER
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(token())) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert got == ["token 2"] * 8
