"""Machines of Google Cloud and of EC2: machine types, families and GPUs, by table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from migrate.model.rules import Known, Row

TYPES, GPUS = "machine-types.yaml", "gpus.yaml"
# Machine types of Google Cloud have no dot, instance types of EC2 always have one.
_FORM = re.compile(r"([a-z]{1,2}[0-9]+[a-z]*-)?custom-[0-9]+-[0-9]+(-ext)?|[a-z]{1,2}[0-9]+[a-z]*-[a-z0-9-]+")
_CUSTOM = re.compile(r"(?:([a-z][0-9]+[a-z]*)-)?custom-([0-9]+)-([0-9]+)(?:-ext)?")
_SIZES = (("large", 2), ("xlarge", 4), *((f"{n}xlarge", 4 * n) for n in (2, 4, 8, 12, 16, 24)))
# GiB for each vCPU of the families whose names begin so.
_MEMORY = {"c": 2, "m": 4, "r": 8}


@dataclass(frozen=True, slots=True)
class Machine:
    """The EC2 instance type in place of a machine type, what is not the same, and where the table says so."""

    ec2: str
    note: str
    where: str


@dataclass(frozen=True, slots=True)
class Gpu:
    """What EC2 calls a GPU ('' when it has none like it); memory in MiB where the name alone says too little."""

    ec2: str
    memory: int
    note: str
    where: str


def is_google_type(name: str) -> bool:
    """Tell by its form whether this is a machine type of Google Cloud."""
    return _FORM.fullmatch(name) is not None


def machine(name: str, known: Known) -> Machine | None:
    """The instance type for a machine type; None when the table has none, as for custom ones."""
    return known.once("machines", lambda: _machines(known.rows(TYPES))).get(name)


def families(name: str, known: Known) -> tuple[str, ...]:
    """The instance families that take the place of a machine family; most frequent first."""
    return known.once("machine families", lambda: _families(known)).get(name, ())


def families_besides(names: frozenset[str], known: Known) -> frozenset[str]:
    """The instance families that take the place of any other machine family than these."""
    every = known.once("machine families", lambda: _families(known))
    return frozenset(family for name, found in every.items() if name not in names for family in found)


def proposal(name: str, known: Known) -> str:
    """The smallest instance type of a like family that has the vCPU and memory of a custom type; '' for any other."""
    found = _CUSTOM.fullmatch(name)
    if found is None:
        return ""
    family, vcpu, gib = found[1] or "n1", int(found[2]), int(found[3]) / 1024
    for one in sorted((f for f in families(family, known) if f[0] in _MEMORY and "d" not in f), key=_by_memory):
        for size, has in _SIZES:
            if has >= vcpu and has * _MEMORY[one[0]] >= gib:
                # A family with less memory for each vCPU may fit only by buying twice the vCPU.
                if has <= 2 * vcpu or one[0] == "r":
                    return f"{one}.{size}"
                break
    return ""


def gpu(name: str, known: Known) -> Gpu | None:
    """What takes the place of a GPU of Google Cloud; None when the table does not know it."""
    return known.once("gpus", lambda: _gpus(known.rows(GPUS))).get(name)


def _by_memory(family: str) -> int:
    return _MEMORY[family[0]]


def _machines(rows: tuple[Row, ...]) -> Mapping[str, Machine]:
    found = {}
    for row in rows:
        for line in str(row.fields["types"]).splitlines():
            said, _, note = line.partition("#")
            name, _, ec2 = said.partition("=")
            if ec2.strip():
                found[name.strip()] = Machine(ec2.strip(), note.strip(), row.where)
    return found


def _families(known: Known) -> Mapping[str, tuple[str, ...]]:
    counted: dict[str, dict[str, int]] = {}
    for name, one in known.once("machines", lambda: _machines(known.rows(TYPES))).items():
        family = one.ec2.partition(".")[0]
        if "rounded up" in one.note and family[0] in _MEMORY:
            continue  # a single giant stood in for one size, often of another maker: c8i.96xlarge for n2d
        counts = counted.setdefault(name.partition("-")[0], {})
        counts[family] = counts.get(family, 0) + 1
    return {name: tuple(sorted(counts, key=lambda f: (-counts[f], f))) for name, counts in counted.items()}


def _gpus(rows: tuple[Row, ...]) -> Mapping[str, Gpu]:
    found = {}
    for row in rows:
        memory = row.fields.get("memory")
        found[str(row.fields["gke"])] = Gpu(
            str(row.fields["ec2"] or ""),
            memory if isinstance(memory, int) else 0,
            str(row.fields.get("note") or ""),
            row.where,
        )
    return found
