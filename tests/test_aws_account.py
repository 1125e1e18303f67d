"""The window to an AWS account, over HTTP: what it shows, and each no as a value that names the IAM action."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_account_fake import ISSUER, FakeAccount
from aws_fake import ACCOUNT, KEY, NAME, SECRET, SESSION, WHO, vpc
from moto.acm.models import acm_backends

from migrate.cluster.aws import ACTIONS, Account
from migrate.cluster.eks import connect
from migrate.model.aws import Address, Association, Blind, FileSystem, Key, Repository, Role, Volume

TRUST = {"Version": "2012-10-17", "Statement": []}
API = Repository(ACCOUNT, "us-east-2", "api")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}"


class Scene:
    """One account with one of everything."""

    def __init__(self, fake: FakeAccount) -> None:
        self.fake = fake
        ec2, acm, iam, ecr = (fake.seed(name) for name in ("ec2", "acm", "iam", "ecr"))
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        made = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24", AvailabilityZone="us-east-2a")["Subnet"]
        self.subnet = made["SubnetId"]
        tags = [{"Key": "Name", "Value": "one"}, {"Key": "kubernetes.io/role/elb", "Value": "1"}]
        ec2.create_tags(Resources=[self.subnet], Tags=tags)
        self.free, self.taken = (ec2.allocate_address(Domain="vpc") for _ in range(2))
        card = ec2.create_network_interface(SubnetId=self.subnet)["NetworkInterface"]["NetworkInterfaceId"]
        ec2.associate_address(AllocationId=self.taken["AllocationId"], NetworkInterfaceId=card)
        self.volume = ec2.create_volume(AvailabilityZone="us-east-2a", Size=1)["VolumeId"]
        self.snapshot = ec2.create_snapshot(VolumeId=self.volume)["SnapshotId"]
        more = {"SubjectAlternativeNames": ["acme.dev", "*.acme.dev"]}
        self.certificate = acm.request_certificate(DomainName="acme.dev", **more)["CertificateArn"]
        iam.create_role(RoleName="api", AssumeRolePolicyDocument=json.dumps(TRUST), Path="/team/")
        iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
        ecr.create_repository(repositoryName="api")
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": {"digest": "a"}, "layers": []})
        for tag in ("1", "2", "3"):
            ecr.put_image(repositoryName="api", imageManifest=manifest + " " * int(tag), imageTag=tag)
        self.key = fake.seed("kms").create_key()["KeyMetadata"]["KeyId"]
        self.files = fake.seed("efs").create_file_system(CreationToken="a")["FileSystemId"]
        elb = fake.seed("elbv2")
        elb.create_load_balancer(Name="one", Type="network", Subnets=[self.subnet])
        fake.associations = {
            "a-1": {
                "namespace": "shop",
                "serviceAccount": "api",
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/team/api",
                "associationId": "a-1",
            }
        }
        fake.change(identity={"oidc": {"issuer": ISSUER}}, resourcesVpcConfig=vpc() | {"vpcId": self.vpc})
        self.account = Account(connect(NAME).facts)


@pytest.fixture(name="scene", scope="module")
def scene_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with FakeAccount() as fake, pytest.MonkeyPatch.context() as patch:
        for name in [one for one in os.environ if one.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in fake.environment(tmp_path_factory.mktemp("aws")).items():
            patch.setenv(name, value)
        patch.setattr("migrate.cluster.eks.TRIES", 1)
        fake.add()
        yield Scene(fake)


def test_who_and_where(scene: Scene) -> None:
    here = scene.account.here
    assert (here.cluster, here.region, here.account, here.caller) == ("prod", "us-east-2", ACCOUNT, WHO)
    assert scene.account.issuer() == ISSUER
    assert here.command("ec2 describe-addresses") == "aws ec2 describe-addresses --region us-east-2"


def test_the_network(scene: Scene) -> None:
    account, free, taken = scene.account, scene.free["AllocationId"], scene.taken["AllocationId"]
    found = account.addresses([free, taken, "eipalloc-0none"])
    assert found[free] == Address(free, scene.free["PublicIp"], "") and found["eipalloc-0none"] is None
    there = found[taken]
    assert isinstance(there, Address) and there.used_by.startswith("eni-")
    subnets = account.subnets()
    assert not isinstance(subnets, Blind) and [one.id for one in subnets] == [scene.subnet]
    assert (subnets[0].zone, subnets[0].name, subnets[0].free > 8) == ("us-east-2a", "one", True)
    assert subnets[0].tags["kubernetes.io/role/elb"] == "1"
    assert account.balancers() == {"network": 1}
    assert account.quota("L-69A177A2") == 50
    scene.fake.quotas = {"L-69A177A2": 7.0}
    assert account.quota("L-69A177A2") == 7


def test_certificates_of_their_own_region(scene: Scene) -> None:
    away = f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/12345678-1234-1234-1234-123456789012"
    found = scene.account.certificates([scene.certificate, away])
    one = found[scene.certificate]
    assert one is not None and not isinstance(one, Blind) and one.hosts == ("*.acme.dev", "acme.dev")
    assert found[away] is None and ("acm:DescribeCertificate", "eu-west-1") in scene.fake.asked
    acm_backends[ACCOUNT]["us-east-2"]._certificates[scene.certificate].status = "ISSUED"
    issued = scene.account.issued()
    assert not isinstance(issued, Blind) and [two.arn for two in issued] == [scene.certificate]


def test_identity(scene: Scene) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/team/api"
    assert scene.account.roles(["api", "none"]) == {"api": Role(arn, TRUST), "none": None}
    provider = scene.account.provider(PROVIDER)
    assert provider is not None and not isinstance(provider, Blind) and provider.audiences == ("sts.amazonaws.com",)
    assert scene.account.provider(f"{PROVIDER}X") is None
    assert scene.account.associations([("shop", "api"), ("shop", "web")]) == (Association("a-1", "shop", "api", arn),)
    assert scene.account.associations([("shop", "web")]) == ()


def test_images_one_missing_does_not_hide_the_others(scene: Scene) -> None:
    detail = scene.fake.seed("ecr").describe_images(repositoryName="api")["imageDetails"][0]
    digest = f"@{detail['imageDigest']}"
    wanted = {
        API: frozenset({":1", ":2", ":none", ":3", digest, f"@sha256:{'a' * 64}"}),
        API._replace(name="no"): {":1"},
    }
    found = scene.account.images(wanted)  # type: ignore[arg-type]
    assert found == {API: {":1", ":2", ":3", digest}, API._replace(name="no"): None}
    assert scene.account.cached(API._replace(name="hub/nginx")) is False
    scene.fake.cache_rules = ["hub"]
    assert scene.account.cached(API._replace(name="hub/nginx")) is True
    assert scene.account.cached(API._replace(name="hubs/nginx")) is False


def test_more_images_than_one_question_takes(scene: Scene) -> None:
    scene.fake.asked.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("migrate.cluster.aws_door._AT_ONCE", 2)
        assert scene.account.images({API: frozenset({":1", ":2", ":3"})}) == {API: {":1", ":2", ":3"}}
    assert scene.fake.asked == [("ecr:DescribeImages", "us-east-2")] * 2


def test_storage(scene: Scene) -> None:
    account = scene.account
    key = account.keys([scene.key, "00000000-0000-0000-0000-000000000000"])
    assert isinstance(key[scene.key], Key) and key["00000000-0000-0000-0000-000000000000"] is None
    assert account.volumes([scene.volume, "vol-0none"]) == {
        scene.volume: Volume(scene.volume, "available", "us-east-2a"),
        "vol-0none": None,
    }
    found = account.snapshots([scene.snapshot, "snap-00000000000000000"])
    assert getattr(found[scene.snapshot], "state", "") == "completed" and found["snap-00000000000000000"] is None
    files = account.file_systems([scene.files, "fs-00000000"])
    assert files == {scene.files: FileSystem(scene.files, "available", 0), "fs-00000000": None}


ASKED: dict[str, Callable[[Scene], Any]] = {
    "ec2:DescribeAddresses": lambda s: s.account.addresses(["eipalloc-1"])["eipalloc-1"],
    "ec2:DescribeSubnets": lambda s: s.account.subnets(),
    "ec2:DescribeVolumes": lambda s: s.account.volumes(["vol-1"])["vol-1"],
    "ec2:DescribeSnapshots": lambda s: s.account.snapshots(["snap-1"])["snap-1"],
    "acm:DescribeCertificate": lambda s: s.account.certificates([s.certificate])[s.certificate],
    "acm:ListCertificates": lambda s: s.account.issued(),
    "elasticloadbalancing:DescribeLoadBalancers": lambda s: s.account.balancers(),
    "servicequotas:GetServiceQuota": lambda s: s.account.quota("L-53DA6B97"),
    "servicequotas:GetAWSDefaultServiceQuota": lambda s: s.account.quota("L-53DA6B97"),
    "iam:GetRole": lambda s: s.account.roles(["api"])["api"],
    "iam:GetOpenIDConnectProvider": lambda s: s.account.provider(PROVIDER),
    "eks:DescribeCluster": lambda s: s.account.issuer(),
    "eks:ListPodIdentityAssociations": lambda s: s.account.associations([("shop", "api")]),
    "eks:DescribePodIdentityAssociation": lambda s: s.account.associations([("shop", "api")]),
    "ecr:DescribeImages": lambda s: s.account.images({API: frozenset({":1"})})[API],
    "ecr:DescribePullThroughCacheRules": lambda s: s.account.cached(API),
    "kms:DescribeKey": lambda s: s.account.keys([s.key])[s.key],
    "elasticfilesystem:DescribeFileSystems": lambda s: s.account.file_systems([s.files])[s.files],
}


def test_every_action_is_tried_without_it() -> None:
    assert set(ASKED) == set(ACTIONS)


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_no_is_a_value_that_names_the_action(scene: Scene, action: str, silent: bool) -> None:
    scene.fake.denied, scene.fake.silent = {action}, silent
    try:
        said = ASKED[action](scene)
    finally:
        scene.fake.denied, scene.fake.silent = set(), False
    assert isinstance(said, Blind)
    assert said.why == f"{'the caller' if silent else WHO} may not {action}"
    assert said.fix == f"allow {action} in IAM, then run preflight again."


def test_silence_is_a_value_too(scene: Scene) -> None:
    other = Account(connect(NAME).facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        found = other.subnets()
    assert isinstance(found, Blind) and found.why.startswith("ec2:DescribeSubnets: AWS cannot be reached")
    assert found.fix


def test_no_secret_is_said(scene: Scene) -> None:
    shown = repr(scene.account) + repr(scene.account.here) + repr(vars(scene.account))
    assert not any(one in shown for one in (KEY, SECRET, SESSION))
