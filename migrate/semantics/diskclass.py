"""What the words of a Google disk class come to on EBS: parameters, tags and zones, and what is to be said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.model.effects import Flag, Question, Severity
from migrate.model.objects import Object
from migrate.model.rules import Known, Row
from migrate.semantics import demand, performance, storageclass
from migrate.semantics.parameters import PARAMETERS, Wanted
from migrate.semantics.staticvolumes import AUTO_NODE, ZONE_KEY, ZONE_KEYS, one_zone, zone

TYPE = PARAMETERS / "type"
_IOPS, _THROUGHPUT = "provisioned-iops-on-create", "provisioned-throughput-on-create"
_FSTYPE = "csi.storage.k8s.io/fstype"
# What the EBS driver formats (pkg/driver/node.go); ntfs is for Windows.
_FILE_SYSTEMS = frozenset({"ext3", "ext4", "xfs", "ntfs"})
# The EBS driver writes up to ten tags itself, and AWS allows fifty on a volume.
_MOST_TAGS = 40
_RESERVED = ("CSIVolumeName", "CSIVolumeSnapshotName")
_RESERVED_PREFIXES = ("kubernetes.io", "ebs.csi.aws.com/", "ebs.csi.eks.amazonaws.com/", "aws:")
# What AWS takes in a tag besides letters and digits (https://docs.aws.amazon.com/tag-editor/latest/userguide/).
_TAG_SIGNS = frozenset("+-=._:/@ ")
_KEPT_KEYS = (ZONE_KEY, "topology.k8s.aws/zone-id")


@dataclass(frozen=True, slots=True)
class Tags:
    """'key=value' for each tag that AWS takes, and the keys of those that it refuses."""

    taken: tuple[str, ...]
    refused: tuple[str, ...]


def tags(said: Mapping[str, str]) -> Tags:
    """The tags that `labels` (k=v,…) and `resource-tags` (parent/k/v,…) ask for. A label wins over a tag."""
    pairs: dict[str, str] = {}
    for one in said.get("resource-tags", "").split(","):
        parts = [part.strip() for part in one.split("/")]
        if len(parts) == 3 and parts[1]:
            pairs[parts[1]] = parts[2]
    for one in said.get("labels", "").split(","):
        key, is_pair, value = (part.strip() for part in one.partition("="))
        if is_pair and key:
            pairs[key] = value
    good = [key for key, value in pairs.items() if _allowed(key, value)][:_MOST_TAGS]
    return Tags(tuple(f"{key}={pairs[key]}" for key in good), tuple(key for key in pairs if key not in good))


def _allowed(key: str, value: str) -> bool:
    if key in _RESERVED or key.lower().startswith(_RESERVED_PREFIXES):
        return False
    # The driver splits at the first '=', and reads '{{' as the start of a template.
    if "=" in key or "{{" in value or len(key) > 128 or len(value) > 256:
        return False
    return all(sign.isalnum() or sign in _TAG_SIGNS for sign in key + value)


@dataclass(frozen=True, slots=True)
class Topologies:
    """allowedTopologies in the words of EKS, the open questions, and the keys that EBS does not know."""

    terms: list[Any]
    questions: tuple[Question, ...]
    unknown: tuple[str, ...]


def topologies(storage_class: Object, known: Known) -> Topologies | None:
    """Translate allowedTopologies, or the old parameters zone and zones; None when the class names no place."""
    terms = storage_class.body.get("allowedTopologies")
    if not isinstance(terms, list) or not terms:
        said = storageclass.parameters(storage_class)
        zones = [name.strip() for name in f"{said.get('zone', '')},{said.get('zones', '')}".split(",") if name.strip()]
        terms = [{"matchLabelExpressions": [{"key": ZONE_KEY, "values": zones}]}] if zones else []
    if not terms:
        return None
    questions: dict[tuple[str, ...], Question] = {}
    unknown: list[str] = []
    made = [_term(term, known, questions, unknown) for term in terms]
    return Topologies([term for term in made if term is not None], tuple(questions.values()), tuple(unknown))


def _term(term: Any, known: Known, questions: dict[tuple[str, ...], Question], unknown: list[str]) -> Any:
    expressions = term.get("matchLabelExpressions") if isinstance(term, Mapping) else None
    if not isinstance(expressions, list):
        return term
    kept: list[Any] = []
    for one in expressions:
        key = str(one.get("key")) if isinstance(one, Mapping) else ""
        if key in ZONE_KEYS and isinstance(one.get("values"), list):
            values = [_zone(value, known, questions) for value in one["values"]]
            kept.append({"key": ZONE_KEY, "values": list(dict.fromkeys(values))})
        elif key in _KEPT_KEYS:
            kept.append(one)
        else:
            unknown.append(key)
    if not kept:
        return None
    if known.flavour == "auto":
        kept.append({"key": AUTO_NODE["key"], "values": list(AUTO_NODE["values"])})
    return {**term, "matchLabelExpressions": kept}


def _zone(name: Any, known: Known, questions: dict[tuple[str, ...], Question]) -> Any:
    if not isinstance(name, str) or not name:
        return str(name)
    place, question = zone(name, known)
    if question is not None:
        questions[question.key] = question
    return place


def translate(obj: Object, ebs: str, row: Row, known: Known, wanted: Wanted) -> Iterator[Flag]:
    """Add to `wanted` what the class's parameters become, and say what a person should look at."""
    said = storageclass.parameters(obj)
    yield from _zonal(obj, known, wanted)
    yield from _key(said, known, wanted)
    yield from _file_system(said, wanted)
    yield from _speed(obj, ebs, row, known, wanted)
    yield from _tags(said, known, wanted)


def _zonal(obj: Object, known: Known, wanted: Wanted) -> Iterator[Flag]:
    if not storageclass.is_zonal_pair(obj):
        return
    question = one_zone(obj.ref.name, known)
    if question is None:
        yield Flag(
            TYPE,
            "A disk of this class lived in two zones; the EBS volume lives in one, as was accepted.",
            "Replicate in the application, or restore from a snapshot when the zone is lost.",
            Severity.REVIEW,
        )
        return
    wanted["type"] = (f"UNDECIDED: {question.name}", "no EBS volume lives in two zones; a person must accept that")
    yield Flag(
        TYPE,
        "A disk of this class lives in two zones, and no EBS volume does.",
        "Use EFS or replicate in the application; or accept one zone under storage.zonal in gke2eks.yaml.",
        Severity.BLOCKER,
        question,
    )


def _key(said: Mapping[str, str], known: Known, wanted: Wanted) -> Iterator[Flag]:
    name = said.get("disk-encryption-kms-key", "")
    answer = known.answer("storage", "keys", name) if name else "aws-managed"
    if answer == "aws-managed":
        return
    because = f"an AWS KMS key takes the place of {name}"
    question = Question(
        key=("storage", "keys", name),
        group="storage.keys",
        title="Which AWS KMS key takes the place of each Cloud KMS key?",
        until="No volume of the class can be made, and its pods wait.",
        example="arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    )
    wanted["kmsKeyId"] = (answer if isinstance(answer, str) else f"UNDECIDED: {question.name}", because)
    if not isinstance(answer, str):
        yield Flag(
            PARAMETERS / "kmsKeyId",
            f"No AWS KMS key is named yet for {name}.",
            "Name its ARN, or aws-managed, under storage.keys in gke2eks.yaml.",
            Severity.DECIDE,
            question,
        )


def _file_system(said: Mapping[str, str], wanted: Wanted) -> Iterator[Flag]:
    found = said.get(_FSTYPE) or said.get("fstype", "")
    if not found:
        return
    wanted[_FSTYPE] = (found.lower() if found.lower() in _FILE_SYSTEMS else found, "the EBS driver reads this spelling")
    if found.lower() not in _FILE_SYSTEMS:
        yield Flag(
            PARAMETERS / _FSTYPE,
            f"The EBS driver does not format {found}; it knows ext3, ext4 and xfs, and ntfs on Windows.",
            "Choose one with an override, and copy the data file by file.",
            Severity.BLOCKER,
        )
    elif "fstype" in said and said["fstype"] != said.get(_FSTYPE, said["fstype"]):
        yield Flag(
            PARAMETERS / _FSTYPE,
            f"The class says the file system twice; {found} is kept and {said['fstype']} is not.",
            "Check which one is meant.",
            Severity.REVIEW,
        )


def _speed(obj: Object, ebs: str, row: Row, known: Known, wanted: Wanted) -> Iterator[Flag]:
    said = storageclass.parameters(obj)
    iops = performance.whole(said.get(_IOPS))
    given = iops is not None or ebs != "io2"
    default = row.fields.get("iops")
    if not given:
        iops = default if isinstance(default, int) else performance.EBS["io2"].least_iops
    mibs = performance.mebibytes(said.get(_THROUGHPUT))
    fit = performance.settings(ebs, iops, mibs)
    unread = [key for key, figure in ((_IOPS, iops), (_THROUGHPUT, mibs)) if figure is None and said.get(key)]
    if fit.iops is not None:
        why = f"{ebs} needs a figure for what the class asks, or has no IOPS without one ({row.where})"
        wanted["iops"] = (str(fit.iops), f"what {_IOPS} says" if said.get(_IOPS) else why)
    if fit.throughput is not None:
        wanted["throughput"] = (str(fit.throughput), f"what {_THROUGHPUT} says, in MiB/s")
    notes = [
        *fit.said,
        *([] if given else [f"the class says no IOPS, io2 needs a figure, and {fit.iops:,} is a guess"]),
    ]
    notes += [f"{key} is no figure that could be read: {said[key]}" for key in unread]
    if row.fields.get("note"):
        notes.append(str(row.fields["note"]))
    asked = demand.sizes(known).get(obj.ref.name)
    small = asked is not None and asked.least < performance.GP3_UNCAPPED_BELOW_GIB
    if ebs == "gp3" and small and (fit.iops or 0) > performance.GP3_BASE.iops:
        notes.append(
            f"a claim asks for {asked.least if asked else 0:g} GiB, and gp3 below 6 GiB has 3,000 IOPS at most"
        )
    for note in notes:
        yield Flag(
            TYPE,
            f"The disk changes: {note}.",
            "Check size, iops and throughput of the volumes of this class.",
            Severity.REVIEW,
        )
    lost = demand.shortfall(obj, asked.most if asked else 0, known)
    if lost is not None:
        kind = storageclass.disk_type(obj) or "pd-standard"
        size = f"of {asked.most:,g} GiB ({asked.who})" if asked else "of any size"
        yield Flag(
            TYPE,
            f"A {kind} {size} gives up to {lost.google}; gp3 as planned gives {lost.ebs}.",
            f'Set parameters["iops"] to "{lost.keeps.iops}" and parameters["throughput"] to "{lost.keeps.mibs}" with '
            "overrides, if the workload needs it.",
            Severity.REVIEW,
        )


def _tags(said: Mapping[str, str], known: Known, wanted: Wanted) -> Iterator[Flag]:
    found = tags(said)
    for key, value in numbered("tagSpecification", found.taken).items():
        wanted[key] = (value, "labels and tags of a Google disk become tags of the EBS volume")
    if found.refused:
        yield Flag(
            PARAMETERS,
            f"AWS or the EBS driver refuses the tags {', '.join(found.refused)}; they were left out.",
            "Nothing, unless costs or policies read them: then tag with other keys.",
            Severity.REVIEW,
        )
    if found.taken and known.flavour == "auto":
        yield Flag(
            PARAMETERS / "tagSpecification_1",
            "On Auto Mode the cluster's IAM role must be allowed to write tags of your own.",
            "Add the permission for custom tags to the cluster role before the first claim.",
            Severity.REVIEW,
        )


def numbered(prefix: str, values: Sequence[str]) -> dict[str, str]:
    """prefix_1, prefix_2, … in order."""
    return {f"{prefix}_{at}": value for at, value in enumerate(values, 1)}
