"""Values of labels of GKE's nodes: which label and values on EKS say the same, by table or by the user's answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.model.effects import Question, Severity
from migrate.model.rules import Known, Row
from migrate.semantics import machines, staticvolumes
from migrate.semantics.computeclasses import GROUP, KIND, computeclass_target, makes_nodes, nodes_question

_ZONE = re.compile(r"[a-z]+-[a-z]+[0-9]+-[a-z]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_POOL, _GPU, _TYPE = "karpenter.sh/nodepool", "karpenter.k8s.aws/instance-gpu-name", "node.kubernetes.io/instance-type"
_MEMORY = "karpenter.k8s.aws/instance-gpu-memory"


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said about a requirement; a rule knows the place."""

    message: str
    fix: str
    severity: Severity
    question: Question | None = None
    already: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One value in other words: (label, values) that hold together, the telling one first; none if nothing says it."""

    parts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    remarks: tuple[Remark, ...] = ()


def way(known: Known) -> str:
    """Who makes nodes: `karpenter`, `auto` or `groups`."""
    return "groups" if makes_nodes(known) == "node-groups" else makes_nodes(known)


def taken(keys: Iterable[str], known: Known) -> Remark | None:
    """Say that Karpenter is taken to make the nodes, where nobody said and labels depend on it."""
    open_yet = known.flavour != "auto" and known.answer("scheduling", "nodes") is None
    if not open_yet or not any(key.startswith("karpenter.") for key in keys):
        return None
    return Remark(
        "The labels are those of nodes that Karpenter makes.",
        "With managed node groups say scheduling.nodes: node-groups in gke2eks.yaml.",
        Severity.INFO,
        nodes_question(),
    )


def dialect(key: str, known: Known) -> str:
    """A label in Karpenter's words as this cluster has it; '' where it has none."""
    row = known.once("node words", lambda: _words(known.rows("node-labels.yaml"))).get(key)
    if row is None:
        return key
    here = way(known)
    return key if here == "karpenter" else str(row.fields.get(here, ""))


def target(row: Row, known: Known) -> str:
    """The label of a row, in Karpenter's words. The label of ComputeClasses is there only with their NodePools."""
    if row.fields.get("by") == "class" and (way(known) == "groups" or not known.all(GROUP, KIND)):
        return ""
    return str(row.fields["to"])


def word(value: str, row: Row, known: Known) -> Word:
    """Translate one value of a label of GKE's nodes."""
    read = _READ[str(row.fields["by"])](value, row, known)
    parts = []
    for key, values in read.parts:
        here, said = dialect(key, known), _values(key, values, known)
        if here and said:
            parts.append((here, said))
    return Word(tuple(parts), read.remarks)


def _values(key: str, values: tuple[str, ...], known: Known) -> tuple[str, ...]:
    row = known.once("node words", lambda: _words(known.rows("node-labels.yaml"))).get(key)
    if way(known) != "groups" or row is None or "group-values" not in row.fields:
        return values
    table = row.fields["group-values"]
    return tuple(str(table[value]) for value in values if value in table)


def _words(rows: tuple[Row, ...]) -> Mapping[str, Row]:
    return {str(row.fields["eks"]): row for row in rows if "eks" in row.fields}


def _table(value: str, row: Row, _known: Known) -> Word:
    found = tuple(str(one) for one in row.fields["values"].get(value) or ())
    return Word(((str(row.fields["to"]), found),) if found else ())


def _zone(value: str, row: Row, known: Known) -> Word:
    if not _ZONE.fullmatch(value):
        return _said(row, value)
    found, question = staticvolumes.zone(value, known)
    return _said(row, found, *_open(question, f"No availability zone is named yet for {value}."))


def _region(value: str, row: Row, known: Known) -> Word:
    if not _REGION.fullmatch(value):
        return _said(row, value)
    question = Question(
        key=("regions", value),
        group="regions",
        title="Which AWS region takes the place of each region?",
        until="What is tied to the region is never scheduled.",
        example="us-east-1",
    )
    return _answered(row, question, f"No AWS region is named yet for {value}.", known)


def _pool(value: str, row: Row, known: Known) -> Word:
    what = "managed node group" if way(known) == "groups" else "NodePool"
    question = Question(
        key=("scheduling", "nodePools", value),
        group="scheduling.nodePools",
        title="Which NodePool, or managed node group, takes the place of each node pool?",
        until="Pods that ask for the node pool are never scheduled.",
        example=value if re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", value) else "default",
    )
    return _answered(row, question, f"No {what} is named yet for the node pool {value}.", known)


def _type(value: str, row: Row, known: Known) -> Word:
    if not machines.is_google_type(value):
        return _said(row, value)
    found = machines.machine(value, known)
    answer = known.answer("scheduling", "instanceTypes", value)
    if found is None or isinstance(answer, str):
        near = machines.proposal(value, known)
        question = Question(
            key=("scheduling", "instanceTypes", value),
            group="scheduling.instanceTypes",
            title="Which EC2 instance type takes the place of each machine type?",
            until="Pods that ask for the machine type are never scheduled.",
            example=near or "m7i.xlarge",
        )
        hint = f"; {near} is the nearest that has its vCPU and memory" if near else ""
        return _answered(row, question, f"No EC2 instance type is named yet for {value}{hint}.", known)
    if not found.note:
        return _said(row, found.ec2)
    return _said(row, found.ec2, _differs(value, found.ec2, found.note, "scheduling.instanceTypes"))


def _differs(value: str, ec2: str, note: str, answer: str) -> Remark:
    fix = f"Check that {ec2} will do, or name another under {answer}.{value} in gke2eks.yaml."
    return Remark(f"{ec2} takes the place of {value}: {note}.", fix, Severity.REVIEW)


def _family(value: str, row: Row, known: Known) -> Word:
    found = machines.families(value, known)
    return Word(((str(row.fields["to"]), found),) if found else ())


def only_theirs(values: Sequence[str], words: Sequence[Word], known: Known) -> list[Word]:
    """The words for machine families that are to be avoided, without what also takes the place of another one."""
    others = machines.families_besides(frozenset(values), known)
    found = []
    for one in words:
        parts = ((key, tuple(family for family in said if family not in others)) for key, said in one.parts)
        found.append(Word(tuple((key, said) for key, said in parts if said), one.remarks))
    return found


def _gpu(value: str, row: Row, known: Known) -> Word:
    found = machines.gpu(value, known)
    answer = known.answer("scheduling", "gpus", value)
    mine: tuple[Remark, ...] = ()
    if way(known) == "groups":
        said = "Managed node groups do not say which GPU their nodes have; this label is one that you put on them."
        fix = f"Label the node group with {dialect(_GPU, known)}, as Cluster Autoscaler wants it, too."
        mine = (Remark(said, fix, Severity.REVIEW),)
    if found is None or not found.ec2 or isinstance(answer, str):
        question = Question(
            key=("scheduling", "gpus", value),
            group="scheduling.gpus",
            title="Which GPU of EC2 takes the place of each accelerator?",
            until="Pods that ask for the accelerator are never scheduled.",
            example="t4",
        )
        note = f": {found.note}" if found and found.note else ""
        asked = _answered(row, question, f"No GPU of EC2 is named yet for {value}{note}.", known)
        return Word(asked.parts, (*asked.remarks, *mine))
    if found.note:
        mine = (_differs(value, found.ec2, found.note, "scheduling.gpus"), *mine)
    memory = ((_MEMORY, (str(found.memory),)),) if found.memory else ()
    return Word(((_GPU, (found.ec2,)), *memory), mine)


def _class(value: str, row: Row, known: Known) -> Word:
    found = computeclass_target(known, value)
    if found is not None:
        return Word(((found[0], (found[1],)),))
    if value in row.fields["values"]:
        pairs = [str(pair).partition("=") for pair in row.fields["values"][value] or ()]
        return Word(tuple((key, (said,)) for key, _, said in pairs), _like(value, [key for key, _, _ in pairs]))
    question = Question(
        key=("scheduling", "computeClasses", value),
        group="scheduling.computeClasses",
        title="Which NodePool, or managed node group, takes the place of each ComputeClass?",
        until="Pods that ask for the class are never scheduled.",
        example="default",
    )
    what = "managed node group" if way(known) == "groups" else "NodePool"
    remarks = _open(question, f"No {what} is named yet for the ComputeClass {value}.")
    return Word(((_POOL, (f"UNDECIDED: {question.name}",)),), tuple(remarks))


def _like(value: str, keys: list[str]) -> tuple[Remark, ...]:
    if not any(key.endswith("/instance-category") for key in keys):
        return ()
    said = f"A category of EC2 instances takes the place of Autopilot's class {value}; its machines were chosen by GKE."
    fix = f"Look whether it is the right one, or name a NodePool under scheduling.computeClasses.{value}."
    return (Remark(said, fix, Severity.REVIEW),)


def _said(row: Row, value: str, *remarks: Remark) -> Word:
    return Word(((str(row.fields["to"]), (value,)),), remarks)


def _answered(row: Row, question: Question, message: str, known: Known) -> Word:
    answer = known.answer(*question.key)
    if isinstance(answer, str):
        return _said(row, answer)
    return _said(row, f"UNDECIDED: {question.name}", *_open(question, message))


def _open(question: Question | None, message: str) -> Iterable[Remark]:
    if question is None:
        return ()
    fix = f"Name it under {question.group} in gke2eks.yaml."
    return (Remark(message, fix, Severity.DECIDE, question),)


_READ: Mapping[str, Any] = {
    "values": _table,
    "zone": _zone,
    "region": _region,
    "pool": _pool,
    "type": _type,
    "family": _family,
    "gpu": _gpu,
    "class": _class,
}
