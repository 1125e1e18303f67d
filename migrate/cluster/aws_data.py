"""Keys, file systems, volumes and snapshots, as KMS, EFS and EC2 show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrate.cluster.aws_door import Door
from migrate.cluster.aws_network import filtered
from migrate.model.aws import Blind, FileSystem, Found, Key, Snapshot, Volume

_KEY = "kms:DescribeKey"
_FILES = "elasticfilesystem:DescribeFileSystems"
_VOLUMES = "ec2:DescribeVolumes"
_SNAPSHOTS = "ec2:DescribeSnapshots"
ACTIONS = (_KEY, _FILES, _VOLUMES, _SNAPSHOTS)


def keys(door: Door, ids: Iterable[str]) -> Found[Key]:
    """KMS keys; a name that is an ARN is asked for in its region."""

    def one(id: str) -> Key | Blind | None:
        def ask() -> Key:
            region = id.split(":")[3] if id.startswith("arn:") and id.count(":") >= 5 else ""
            found = door.client("kms", region).describe_key(KeyId=id)["KeyMetadata"]
            return Key(str(found["Arn"]), str(found["KeyState"]), str(found.get("KeySpec", "")))

        return door.find(_KEY, ask, ("NotFoundException",))

    return door.each(ids, one)


def file_systems(door: Door, ids: Iterable[str]) -> Found[FileSystem]:
    """EFS file systems."""

    def one(id: str) -> FileSystem | Blind | None:
        def ask() -> FileSystem:
            found = door.client("efs").describe_file_systems(FileSystemId=id)["FileSystems"][0]
            return FileSystem(id, str(found["LifeCycleState"]), int(found.get("NumberOfMountTargets", 0)))

        return door.find(_FILES, ask, ("FileSystemNotFound",))

    return door.each(ids, one)


def volumes(door: Door, ids: Iterable[str]) -> Found[Volume]:
    """EBS volumes."""

    def ask(some: list[str]) -> list[Any]:
        pages = door.client("ec2").get_paginator("describe_volumes")
        found = pages.paginate(Filters=[{"Name": "volume-id", "Values": some}])
        return [one for page in found for one in page["Volumes"]]

    return filtered(door, _VOLUMES, ids, ask, _volume)


def _volume(one: Mapping[str, Any]) -> tuple[str, Volume]:
    id = str(one["VolumeId"])
    return id, Volume(id, str(one["State"]), str(one.get("AvailabilityZone", "")))


def snapshots(door: Door, ids: Iterable[str]) -> Found[Snapshot]:
    """EBS snapshots, by id: a filter would look through all that are public."""

    def one(id: str) -> Snapshot | Blind | None:
        def ask() -> Snapshot:
            found = door.client("ec2").describe_snapshots(SnapshotIds=[id])["Snapshots"][0]
            return Snapshot(id, str(found["State"]))

        return door.find(_SNAPSHOTS, ask, ("InvalidSnapshot.NotFound",))

    return door.each(ids, one)
