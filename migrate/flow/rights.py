"""Asks the target what the caller may do there, in as few questions as give a true answer.

Only a SelfSubjectAccessReview asks every authorizer. A SelfSubjectRulesReview lists many rights at once, but only those
of RBAC: on EKS what an access policy grants is not among them, and the answer says that it is incomplete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from migrate.cluster.outcome import Applied, Reason, Rejected
from migrate.cluster.port import Target
from migrate.errors import NotLoggedIn, Refused, Unreachable
from migrate.flow.threads import in_threads
from migrate.model.checks import Check, Seen
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.preflight.rights import checks, nobody_asked
from migrate.semantics.going import Going
from migrate.semantics.grants import Grant, allows, grants
from migrate.semantics.plurals import Plurals
from migrate.semantics.target_rights import Need, makes_a_namespace, needed, plurals_of

_THREADS = 4
# RBAC lists for it what is granted in all namespaces, and no more: nobody can bind anything there.
_NOWHERE = "gke2eks-no-such-namespace"
_GRANTING = ("escalate", "bind")
Job = TypeVar("Job")
Said = TypeVar("Said")


def rights(target: Target, going: Going, seen: Seen) -> Iterator[Check]:
    """PRE050–PRE059. Raises what concerns everything: NotLoggedIn, Unreachable."""
    served = seen.kinds()
    plurals = plurals_of(going, served)
    needs = rights_for(going, seen)
    try:
        answers = asked(target, needs, plurals)
    except (NotLoggedIn, Unreachable):
        raise
    except Refused as no:
        yield nobody_asked(no.what)
        return
    yield from checks(needs, _tried(target, answers, going), plurals)


def rights_for(going: Going, seen: Seen) -> tuple[Need, ...]:
    """The rights that a run needs on this very target: it lists no kind that is not served."""
    spaces = seen.of("", "Namespace")
    there = {ref.name for ref in spaces.bodies}
    absent = frozenset() if spaces.why else {ref.namespace for ref in going.steps if ref.namespace} - there
    served = {(kind.group, kind.kind) for kind in seen.kinds()}
    needs = needed(going, plurals_of(going, seen.kinds()), absent=absent)
    return tuple(
        need
        for need in needs
        if not (need.for_checks and (need.group, need.kind) not in served)
        and not (makes_a_namespace(need) and (spaces.why or need.name in there))
    )


def asked(target: Target, needs: Iterable[Need], plurals: Plurals) -> dict[Need, bool | None]:
    """What the target says to each. Raises Refused where it answers no such question."""
    wanted = tuple(needs)
    have = {_NOWHERE: _rules(target, _NOWHERE)}
    # A right in all namespaces and on all names answers for each: an admin needs no other question.
    broad = sorted({_broad(need) for need in wanted})
    everywhere = dict(_each(broad, lambda need: _answer(target, need, plurals, have)))
    left = [need for need in wanted if not everywhere[_broad(need)] and (need.namespace or need.name)]
    spaces = sorted({need.namespace for need in left if need.namespace})
    have |= dict(_each(spaces, lambda space: _rules(target, space)))
    narrow = dict(_each(left, lambda need: _answer(target, need, plurals, have)))
    return {need: everywhere[_broad(need)] or narrow.get(need, False) for need in wanted}


def _broad(need: Need) -> Need:
    return replace(need, namespace="", name="", for_checks=False, refs=())


def _each(jobs: Sequence[Job], work: Callable[[Job], Said]) -> list[tuple[Job, Said]]:
    return in_threads(jobs, lambda job, _: (job, work(job)), _THREADS)


def _answer(target: Target, need: Need, plurals: Plurals, have: Mapping[str, tuple[tuple[Grant, ...], bool]]) -> bool:
    found, whole = have[need.namespace or _NOWHERE]
    if allows(found, need.verb, need.group, plurals.of(need.group, need.kind), need.name):
        return True
    return not whole and _may(target, need, plurals)


def _may(target: Target, need: Need, plurals: Plurals) -> bool:
    return target.may(need.verb, need.group, plurals.of(need.group, need.kind), need.namespace, need.name)


def _rules(target: Target, namespace: str) -> tuple[tuple[Grant, ...], bool]:
    found, whole = target.rules(namespace)
    return grants(found), whole


def _tried(target: Target, answers: Mapping[Need, bool | None], going: Going) -> Mapping[Need, bool | None]:
    """Who holds all that a role grants needs neither escalate nor bind; only a dry run of the object tells."""
    bodies = going.bodies
    doubtful = [need for need, yes in answers.items() if need.verb in _GRANTING and not yes]

    def work(need: Need) -> bool | None:
        found = [_allowed(target, bodies[ref], ref) for ref in need.refs]
        return False if False in found else None if None in found else True

    return {**answers, **dict(_each(doubtful, work))}


def _allowed(target: Target, body: Body, ref: Ref) -> bool | None:
    """Whether a role or binding passes what the server asks of who grants; None: it did not come to that."""
    tried = target.dry_run(body)
    if isinstance(tried, Rejected) and tried.reason is Reason.NO_NAMESPACE:
        meta: dict[str, Any] = {**body["metadata"], "namespace": "default", "name": f"gke2eks-try-{ref.name}"[:200]}
        tried = target.dry_run({**body, "metadata": meta})
    if isinstance(tried, Applied):
        return True
    if isinstance(tried, Rejected) and (tried.reason is Reason.ESCALATION or "aggregationRule" in tried.message):
        return False
    return None
