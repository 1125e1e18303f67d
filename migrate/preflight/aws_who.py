"""Who asks AWS, and whether that is the account that the cluster is in."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.aws import Aws
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.semantics.going import Going

WHO = "PRE100"


def checks(going: Going, seen: Seen, aws: Aws) -> Iterator[Check]:
    """PRE100: the caller and its account."""
    here = aws.here
    look = here.command("sts get-caller-identity")
    if here.caller is None:
        why = "AWS STS did not say who asks"
        yield unknown(WHO, f"Whether these credentials are of the account {here.account}.", why, f"look: {look}")
        return
    account = [*here.caller.split(":"), "", "", "", "", ""][4]
    if account == here.account:
        yield passed(WHO, f"AWS is asked as {here.caller}, in {here.region} of the account {here.account}.")
        return
    what = f"AWS is asked as {here.caller}, and {here.cluster} is in the account {here.account}."
    because = f"addresses, certificates, roles and images are looked for in {account}, where the cluster finds none"
    yield finding(WHO, what, f"name a profile of {here.account} (--profile), and check: {look}", because=because)
