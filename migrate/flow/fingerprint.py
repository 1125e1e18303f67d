"""What tells one target from another, for the journal; and that the target is not the source."""

from __future__ import annotations

import hashlib

from migrate.errors import BadInput, Refused
from migrate.model.checks import Seen
from migrate.model.journal import Fingerprint
from migrate.preflight.identity import uid_of
from migrate.preflight.served import used
from migrate.semantics.going import Going


def who(seen: Seen) -> str:
    """The UID of kube-system on the target, '' when it cannot be seen."""
    return uid_of(seen)[0]


def fingerprint(seen: Seen, going: Going, flavour: str) -> Fingerprint:
    """The target as it is, the same for every selection of a plan. Raises Refused when it cannot be told from others.

    `served` covers the kinds of the plan that the target serves, but not groups in which the plan itself defines or
    serves kinds: those come to be while apply works, and an operator may register more of them.
    """
    cluster, why = uid_of(seen)
    if not cluster:
        raise Refused(
            f"{seen.name} cannot be told from other clusters: {why}",
            "ask for the right to list Namespaces: gke2eks access target prints it. Nothing was written.",
        )
    kinds = seen.kinds()
    there = {(one.group, one.kind) for one in kinds if one.plural}
    # A group whose server does not answer just now is no other target.
    silent = {one.group for one in kinds if not one.plural}
    own, wanted = used(going.plan)
    served = sorted(
        f"{version} {kind}"
        for group, version, kind in wanted
        if group not in own and ((group, kind) in there or group in silent)
    )
    digest = hashlib.sha256("\n".join(served).encode()).hexdigest()[:16]
    return Fingerprint(cluster, seen.minor, flavour, f"sha256:{digest}")


def not_the_source(seen: Seen, source_uid: str, source: str = "the source", target: str = "") -> None:
    """Raise BadInput when source and target are one cluster. `source_uid` '' is not known: PRE001 says so then."""
    uid = who(seen)
    if uid and uid == source_uid:
        raise BadInput(
            f"source and target are the same cluster (uid {uid.partition('-')[0]})",
            "name another target. Nothing was read or written.",
            [f"{source} and {target or seen.name} both answer as this cluster."],
        )
