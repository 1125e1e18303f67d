"""Images in ECR. A question names up to 100 of one repository, and fails whole when one is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.cluster.aws_door import Door, portions
from migrate.model.aws import Blind, Repository

_IMAGES = "ecr:DescribeImages"
_RULES = "ecr:DescribePullThroughCacheRules"
ACTIONS = (_IMAGES, _RULES)


def images(
    door: Door, wanted: Mapping[Repository, frozenset[str]]
) -> Mapping[Repository, frozenset[str] | Blind | None]:
    """Which of ':tag' and '@digest' are there; None: no such repository."""
    return door.each(wanted, lambda repository: _there(door, repository, wanted[repository]))


def _there(door: Door, repository: Repository, wanted: frozenset[str]) -> frozenset[str] | Blind | None:
    found: set[str] = set()
    for some in portions(wanted):
        part = _portion(door, repository, some)
        if part is None or isinstance(part, Blind):
            return part
        found |= part
    return frozenset(found)


def _portion(door: Door, repository: Repository, some: list[str]) -> set[str] | Blind | None:
    """All of them when nothing is missing; else the same question for each half."""
    gone: list[str] = []

    def ask() -> set[str]:
        from botocore.exceptions import ClientError

        ids = [{"imageDigest": one[1:]} if one.startswith("@") else {"imageTag": one[1:]} for one in some]
        client = door.client("ecr", repository.region)
        try:
            client.describe_images(registryId=repository.account, repositoryName=repository.name, imageIds=ids)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ImageNotFoundException":
                raise
            gone.append("")
            return set()
        return set(some)

    said = door.find(_IMAGES, ask, absent=("RepositoryNotFoundException",))
    if not gone or len(some) == 1:
        return said
    half = len(some) // 2
    first, second = _portion(door, repository, some[:half]), _portion(door, repository, some[half:])
    if not isinstance(first, set):
        return first
    return first | second if isinstance(second, set) else second


def cached(door: Door, repository: Repository) -> bool | Blind:
    """Tell whether a pull-through cache rule covers the name of a repository."""

    def ask() -> bool:
        client: Any = door.client("ecr", repository.region)
        pages = client.get_paginator("describe_pull_through_cache_rules").paginate(registryId=repository.account)
        rules = [str(one["ecrRepositoryPrefix"]) for page in pages for one in page["pullThroughCacheRules"]]
        # ROOT is the prefix that means all names which no other rule covers.
        return any(one == "ROOT" or repository.name.startswith(f"{one}/") for one in rules)

    return door.ask(_RULES, ask)
