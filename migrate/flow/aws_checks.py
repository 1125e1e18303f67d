"""What AWS itself is asked in preflight: only with credentials, so only for a target that was named by --eks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from migrate.model.aws import Aws
from migrate.model.checks import Check, Seen
from migrate.preflight import (
    aws_addresses,
    aws_associations,
    aws_certificates,
    aws_images,
    aws_quotas,
    aws_roles,
    aws_storage,
    aws_subnets,
    aws_who,
)
from migrate.semantics.going import Going

_JUDGES = (
    ("AWS addresses", aws_addresses.checks),
    ("AWS subnets", aws_subnets.checks),
    ("AWS roles", aws_roles.checks),
    ("AWS pod identity", aws_associations.checks),
    ("AWS images", aws_images.checks),
    ("AWS storage", aws_storage.checks),
    ("AWS quotas", aws_quotas.checks),
)


def aws_checks(
    going: Going, seen: Seen, aws: Aws, *, today: date, watch: Callable[[str, int, int], None]
) -> Iterator[Check]:
    """Nothing is asked that the plan does not name, and nothing is changed."""
    every = len(_JUDGES) + 1
    yield from aws_who.checks(going, seen, aws)
    for at, (what, judge) in enumerate(_JUDGES):
        watch(what, at, every)
        yield from judge(going, seen, aws)
    watch("AWS certificates", len(_JUDGES), every)
    yield from aws_certificates.checks(going, seen, aws, today)
