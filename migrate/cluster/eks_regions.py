"""Regions of AWS and the partitions that they are in, by the tables of boto3: China and GovCloud are worlds apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_CALLED = {
    "aws": "AWS",
    "aws-cn": "AWS China",
    "aws-us-gov": "AWS GovCloud",
    "aws-eusc": "AWS European Sovereign Cloud",
}


@dataclass(frozen=True, slots=True)
class Partition:
    """Regions with accounts, credentials and domain of their own. `home` is a region that every account has."""

    id: str
    pattern: str
    domain: str
    home: str
    regions: tuple[str, ...]

    def __str__(self) -> str:
        return _CALLED.get(self.id, self.id)


@cache
def partitions() -> tuple[Partition, ...]:
    """All of them, the one that most people mean first."""
    from botocore.loaders import Loader

    return tuple(
        Partition(
            id=one["id"],
            pattern=one["regionRegex"],
            domain=one["outputs"]["dnsSuffix"],
            home=one["outputs"]["implicitGlobalRegion"],
            regions=tuple(sorted(name for name in one["regions"] if not name.endswith("-global"))),
        )
        for one in Loader().load_data("partitions")["partitions"]
    )


def partition_of(region: str) -> Partition | None:
    """The partition of a region, also of one that is younger than the tables; None when no region is named so."""
    known = (one for one in partitions() if region in one.regions)
    return next(known, None) or next((one for one in partitions() if re.match(one.pattern, region)), None)


def sts_host(region: str) -> str:
    """The host of the security token service in a region. The worldwide host has no say outside of `aws`."""
    partition = partition_of(region)
    assert partition is not None  # asked before anything else
    return f"sts.{region}.{partition.domain}"
