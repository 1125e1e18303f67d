"""Keys, file systems, volumes and snapshots of AWS that classes and volumes of the plan name."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.aws import Aws, FileSystem, Key, Snapshot, Volume
from migrate.model.checks import Check, Seen, finding, passed
from migrate.model.effects import Severity
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.preflight.after import items, mapping
from migrate.preflight.aws_words import Users, gone, spec, there, unseen, users, who
from migrate.preflight.references_words import few
from migrate.semantics.going import Going

KEY, FILES, VOLUME, SNAPSHOT = "PRE130", "PRE131", "PRE132", "PRE133"
_EBS = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com")
_EFS = "efs.csi.aws.com"
_ZONES = ("topology.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone", "topology.ebs.csi.eks.amazonaws.com/zone")
_CLASS = ("storage.k8s.io", "StorageClass")
_PV = ("", "PersistentVolume")
_NO_VOLUME = "claims that name it get no volume"
_NO_MOUNT = "pods that mount it wait"


def checks(going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    """PRE130: KMS keys. PRE131: EFS file systems. PRE132: EBS volumes. PRE133: EBS snapshots."""
    named = list(_named(going))
    keys, files, volumes, snapshots = (
        users((name, ref) for check, name, ref in named if check == one) for one in (KEY, FILES, VOLUME, SNAPSHOT)
    )
    yield from _keys(keys, aws)
    yield from _files(files, aws)
    yield from _volumes(volumes, going, seen, aws)
    yield from _snapshots(snapshots, aws)


def _named(going: Going) -> Iterator[tuple[str, str, Ref]]:
    """(check, what is named, by whom)."""
    for ref, body in going.bodies.items():
        if (ref.group, ref.kind) == _CLASS:
            said = {str(key).lower(): str(value) for key, value in mapping(body.get("parameters")).items()}
            if body.get("provisioner") in _EBS and said.get("kmskeyid"):  # the driver reads keys in any case
                yield KEY, said["kmskeyid"], ref
            if body.get("provisioner") == _EFS and said.get("filesystemid"):
                yield FILES, said["filesystemid"], ref
        elif (ref.group, ref.kind) == _PV:
            csi = mapping(spec(body).get("csi"))
            handle = str(csi.get("volumeHandle") or "")
            if csi.get("driver") in _EBS and handle:
                yield VOLUME, handle, ref
            if csi.get("driver") == _EFS and handle:
                yield FILES, handle.partition(":")[0], ref  # fs-1:/path:fsap-1
        elif ref.kind == "VolumeSnapshotContent" and spec(body).get("driver") in _EBS:
            handle = str(mapping(spec(body).get("source")).get("snapshotHandle") or "")
            if handle:
                yield SNAPSHOT, handle, ref


def _keys(wanted: Users, aws: Aws) -> Iterator[Check]:
    found = aws.keys(wanted) if wanted else {}
    yield from unseen(KEY, "The KMS keys", found, wanted)
    yield from _gone(KEY, "KMS keys", gone(found), wanted, aws, "kms list-keys", _NO_VOLUME)
    good = []
    for name, one in there(found).items():
        why = _key(one)
        if why:
            fix = f"see why: {aws.here.command(f'kms describe-key --key-id {name}')}"
            what = f"The KMS key {name} cannot encrypt volumes: {why}."
            yield finding(KEY, what, fix, *wanted[name], because=_NO_VOLUME, severity=Severity.BLOCKER)
        else:
            good.append(name)
    if good:
        yield passed(KEY, f"These KMS keys are enabled: {few(good)}.", *who(wanted, good))


def _key(one: Key) -> str:
    if one.state != "Enabled":
        return f"it is {one.state}"
    return "" if one.spec in ("SYMMETRIC_DEFAULT", "") else f"it is {one.spec}, and EBS takes symmetric keys alone"


def _files(wanted: Users, aws: Aws) -> Iterator[Check]:
    found = aws.file_systems(wanted) if wanted else {}
    yield from unseen(FILES, "The EFS file systems", found, wanted)
    yield from _gone(FILES, "EFS file systems", gone(found), wanted, aws, "efs describe-file-systems", _NO_MOUNT)
    good = []
    for name, one in there(found).items():
        bad = _file_system(one)
        if bad:
            make = "efs create-mount-target --subnet-id SUBNET --file-system-id"
            look = "efs describe-file-systems --file-system-id"
            fix = aws.here.command(f"{look if one.mount_targets else make} {name}")
            what = f"The EFS file system {name} {bad}."
            yield finding(FILES, what, fix, *wanted[name], because=_NO_MOUNT, severity=Severity.BLOCKER)
        else:
            good.append(name)
    if good:
        yield passed(FILES, f"These EFS file systems are available: {few(good)}.", *who(wanted, good))


def _file_system(one: FileSystem) -> str:
    if one.state not in ("available", "updating"):
        return f"is {one.state}"
    return "" if one.mount_targets else "has no mount target: nothing can mount it"


def _volumes(wanted: Users, going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    found = aws.volumes(wanted) if wanted else {}
    yield from unseen(VOLUME, "The EBS volumes", found, wanted)
    yield from _gone(VOLUME, "EBS volumes", gone(found), wanted, aws, "ec2 describe-volumes", _NO_MOUNT)
    good = []
    for name, one in there(found).items():
        why = _volume(one, wanted[name], going, seen)
        if why:
            fix = f"see: {aws.here.command(f'ec2 describe-volumes --volume-ids {name}')}"
            what = f"The EBS volume {name} {why}."
            yield finding(VOLUME, what, fix, *wanted[name], because=_NO_MOUNT, severity=Severity.BLOCKER)
        else:
            good.append(name)
    if good:
        yield passed(VOLUME, f"These EBS volumes are there and in their zones: {few(good)}.", *who(wanted, good))


def _volume(one: Volume, refs: tuple[Ref, ...], going: Going, seen: Seen) -> str:
    if one.state == "in-use":
        # The target's own pods may have it already, from an earlier apply.
        return "" if set(refs) <= set(seen.of(*_PV).bodies) else "is attached to another instance"
    if one.state != "available":
        return f"is {one.state}"
    for ref in refs:
        zones = _zones(going.bodies[ref])
        if zones and one.zone not in zones:
            return f"is in {one.zone}, and {ref} says {few(sorted(zones))}"
    return ""


def _zones(body: Body) -> set[str]:
    required = mapping(mapping(spec(body).get("nodeAffinity")).get("required"))
    terms = items(required.get("nodeSelectorTerms"))
    rows = [row for term in terms for row in items(term.get("matchExpressions"))]
    return {
        str(value)
        for row in rows
        if row.get("key") in _ZONES and row.get("operator") == "In"
        for value in row.get("values") or ()
    }


def _snapshots(wanted: Users, aws: Aws) -> Iterator[Check]:
    found = aws.snapshots(wanted) if wanted else {}
    yield from unseen(SNAPSHOT, "The EBS snapshots", found, wanted)
    listed = "ec2 describe-snapshots --owner-ids self"
    yield from _gone(SNAPSHOT, "EBS snapshots", gone(found), wanted, aws, listed, _NO_VOLUME)
    snapshots: dict[str, Snapshot] = there(found)
    for name, one in snapshots.items():
        if one.state != "completed":
            fix = f"see: {aws.here.command(f'ec2 describe-snapshots --snapshot-ids {name}')}"
            weight = Severity.REVIEW if one.state == "pending" else Severity.BLOCKER
            what = f"The EBS snapshot {name} is not complete: {one.state}."
            yield finding(SNAPSHOT, what, fix, *wanted[name], because=_NO_VOLUME, severity=weight)
    good = [name for name, one in snapshots.items() if one.state == "completed"]
    if good:
        yield passed(SNAPSHOT, f"These EBS snapshots are complete: {few(good)}.", *who(wanted, good))


def _gone(
    check: str, what: str, names: list[str], wanted: Users, aws: Aws, listed: str, because: str
) -> Iterator[Check]:
    if names:
        said = f"These {what} are not in {aws.here.region} of the account {aws.here.account}: {few(names)}."
        fix = f"name others with an override; {aws.here.command(listed)} lists them."
        yield finding(check, said, fix, *who(wanted, names), because=because, severity=Severity.BLOCKER)
