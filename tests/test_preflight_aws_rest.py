"""What preflight says of images and storage in AWS, and of all that nobody may look at."""

from __future__ import annotations

from typing import Any

import pytest
from aws_account_help import ACCOUNT, Memory
from aws_roles_help import (
    COMMAND,
    KNOWN,
    PODS,
    account,
    bad,
    exactly,
    look,
    role,
    statement,
)
from preflight_target_help import Json, Target, ref_of, thing

from migrate.model.aws import Association, FileSystem, Key, Snapshot, Volume
from migrate.model.checks import Status
from migrate.model.effects import Severity

ECR = f"{ACCOUNT}.dkr.ecr.us-east-2.amazonaws.com"
DIGEST = f"sha256:{'a' * 64}"


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
