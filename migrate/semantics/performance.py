"""How fast and how large disks are, here and there; and sizes as Kubernetes writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

_QUANTITY = re.compile(
    r"\s*([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,2}))?\s*"
)
_POWERS: Mapping[str, float] = {
    **{letter + "i": 1024.0 ** (at + 1) for at, letter in enumerate("KMGTPE")},
    **{"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18},
}


@dataclass(frozen=True, slots=True)
class Speed:
    """What a disk gives at most: operations and MiB in a second."""

    iops: int
    mibs: int

    def __str__(self) -> str:
        return f"{self.iops:,} IOPS and {self.mibs:,} MiB/s"


@dataclass(frozen=True, slots=True)
class Ebs:
    """The limits of one EBS volume type; 0 where a figure cannot be set."""

    least_gib: int
    most_gib: int
    least_iops: int = 0
    most_iops: int = 0
    iops_per_gib: int = 0
    most_mibs: int = 0


# https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html; gp3 at 64 TiB and 80,000 IOPS:
# AWS at re:Invent 2025, session STG320;
# minimums and ratios also stand in pkg/cloud/cloud.go of the EBS driver, which lowers what is above the maximum
# without a word and refuses what is below the minimum.
EBS: Mapping[str, Ebs] = {
    "gp3": Ebs(1, 65_536, 3_000, 80_000, 500, 2_000),
    "gp2": Ebs(1, 16_384),
    "io2": Ebs(4, 65_536, 100, 256_000, 1_000),
    "io1": Ebs(4, 16_384, 100, 64_000, 50),
    "st1": Ebs(125, 16_384),
    "sc1": Ebs(125, 16_384),
}
# What every gp3 volume has without asking, and how many IOPS a gp3 or io2 volume needs for each MiB/s.
GP3_BASE = Speed(3_000, 125)
_IOPS_PER_MIBS = 4
# Below this a gp3 volume has its base of 3,000 IOPS and no more: the driver does not lower the wish, and EC2 refuses.
GP3_UNCAPPED_BELOW_GIB = 6
# (base IOPS, IOPS per GiB, most IOPS, base MiB/s, MiB/s per GiB, most MiB/s) of Google's disks whose speed grows with
# size, reading: https://cloud.google.com/compute/docs/disks/performance. A small machine gives less.
_GROWING: Mapping[str, tuple[float, float, int, float, float, int]] = {
    "pd-standard": (0, 0.75, 7_500, 0, 0.12, 1_200),
    "pd-balanced": (3_000, 6, 80_000, 140, 0.28, 1_200),
    "pd-ssd": (6_000, 30, 100_000, 240, 0.48, 1_200),
}
# Twice as fast is more than a little: pd-ssd at any size, pd-balanced from about 400 to 500 GiB.
_MORE_THAN_A_LITTLE = 2


def quantity_gib(text: object) -> float | None:
    """Read a Kubernetes quantity ('10Gi', '500G', 1073741824) as GiB; None when it is none."""
    if isinstance(text, bool) or not isinstance(text, (str, int, float)) or len(str(text)) > 64:
        return None
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        return None
    number, suffix, exponent = found.groups()
    return float(number) * _POWERS.get(suffix or "", 1.0) * 10.0 ** int(exponent or 0) / 1024**3


def mebibytes(text: object) -> int | None:
    """Read a throughput such as '250Mi' as MiB/s, rounded up as Google's driver does; None when it is none."""
    found = quantity_gib(text)
    return None if found is None else math.ceil(round(found * 1024, 6))


def whole(text: object) -> int | None:
    """Read a whole number that is written as text; None when it is none."""
    return int(text) if isinstance(text, str) and re.fullmatch(r"[0-9]{1,15}", text) else None


def size_limits(volume_type: str) -> tuple[int, int]:
    """The smallest and the largest volume of a type, in GiB; gp3's for a type that is not known."""
    found = EBS.get(volume_type, EBS["gp3"])
    return found.least_gib, found.most_gib


@dataclass(frozen=True, slots=True)
class Settings:
    """`iops` and `throughput` of a class; None is not written. `said` are sentences about what could not be kept."""

    iops: int | None
    throughput: int | None
    said: tuple[str, ...] = ()


def settings(volume_type: str, iops: int | None, mibs: int | None) -> Settings:
    """Fit a wish for speed into what the EBS volume type takes."""
    limits = EBS.get(volume_type, EBS["gp3"])
    said: list[str] = []
    if not limits.most_iops:
        if iops is not None or mibs is not None:
            said.append(
                f"{volume_type} takes no figures for speed; it gives 40 MiB/s for each TiB, 500 MiB/s at most"
                if volume_type == "st1"
                else f"{volume_type} takes no figures for speed"
            )
        return Settings(None, None, tuple(said))
    if mibs is not None:
        most = limits.most_mibs or 4_000
        fitted = min(max(mibs, GP3_BASE.mibs), most)
        if fitted != mibs:
            said.append(f"{mibs:,} MiB/s become {fitted:,}: {volume_type} gives {GP3_BASE.mibs} to {most:,}")
        needed = fitted * _IOPS_PER_MIBS
        if needed > max(iops or 0, limits.least_iops):
            said.append(f"iops is {needed:,}, because {fitted:,} MiB/s need {_IOPS_PER_MIBS} IOPS for each MiB/s")
            iops = needed
        mibs = fitted if limits.most_mibs else None
    if iops is not None:
        fitted = min(max(iops, limits.least_iops), limits.most_iops)
        if fitted != iops:
            said.append(
                f"{iops:,} IOPS become {fitted:,}: {volume_type} takes {limits.least_iops:,} to {limits.most_iops:,}"
            )
        iops = fitted
    return Settings(iops, mibs, tuple(said))


def google_speed(disk_type: str, gib: float, iops: int | None, mibs: int | None) -> Speed | None:
    """What a Google disk of this size gives at most; None when it cannot be told from type and size."""
    if disk_type.startswith("hyperdisk-balanced"):
        return Speed(iops or 3_000, mibs or 140)  # what every such disk has without asking
    if disk_type not in _GROWING:
        return None
    base, each, most, base_mibs, each_mibs, most_mibs = _GROWING[disk_type]
    return Speed(int(min(base + each * gib, most)), int(min(base_mibs + each_mibs * gib, most_mibs)))


def ebs_speed(volume_type: str, gib: float, iops: int | None, mibs: int | None) -> Speed | None:
    """What an EBS volume of this size gives at most; None for a type that this module does not compare."""
    if volume_type == "gp3":
        return Speed(iops or GP3_BASE.iops, mibs or GP3_BASE.mibs)
    if volume_type == "io2":
        found = min(iops or 0, int(max(gib, 4) * EBS["io2"].iops_per_gib))
        return Speed(found, min(found // _IOPS_PER_MIBS, 4_000))
    if volume_type == "st1":
        return Speed(500, min(int(40 * gib / 1024), 500))
    return None


def slower(google: Speed | None, ebs: Speed | None) -> bool:
    """Tell whether the EBS volume gives less by more than a little."""
    if google is None or ebs is None:
        return False
    return google.iops >= _MORE_THAN_A_LITTLE * ebs.iops or google.mibs >= _MORE_THAN_A_LITTLE * ebs.mibs


def keeping(google: Speed, gib: float) -> Speed:
    """The iops and throughput that a gp3 volume of this size needs, and may have, to come near `google`."""
    most = int(max(gib * EBS["gp3"].iops_per_gib, GP3_BASE.iops))
    mibs = min(max(google.mibs, GP3_BASE.mibs), EBS["gp3"].most_mibs)
    iops = min(max(google.iops, mibs * _IOPS_PER_MIBS, GP3_BASE.iops), EBS["gp3"].most_iops, most)
    return Speed(iops, min(mibs, iops // _IOPS_PER_MIBS))
