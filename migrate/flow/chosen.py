"""What --on-conflict comes to, found out before the question: what would be deleted, and whether the caller may."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from migrate.flow.alike import uid
from migrate.flow.allowed import refuse_without
from migrate.flow.anew import Anew, has_pods
from migrate.flow.keeping import Keep
from migrate.flow.opening import Opened
from migrate.flow.sending import Fill, Sender
from migrate.flow.settling import SettlingSender
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.semantics.going import Going
from migrate.semantics.more_rights import of
from migrate.semantics.policy import Policies, Policy
from migrate.semantics.taking_over import taken_over
from migrate.semantics.target_rights import Need

_ADDRESS = {"Service": " Its address and its load balancer go with it, unless the plan names them."}


def settling(
    opened: Opened, going: Going, fill: Fill, keep: Keep, policies: Policies, *, refs: Collection[Ref]
) -> tuple[Callable[..., Sender], tuple[str, ...]]:
    """What sends these objects in a run with these policies, and what a person is told before it begins.

    Raises Forbidden where the caller may not do what a policy takes.
    """
    asker = SettlingSender(
        opened.target, going, opened.journal, opened.key, opened.live, fill, keep=keep, policies=policies
    )
    fixed_ones = asker.fixed(refs) if any(one.policy is Policy.RECREATE for one in policies.choices) else {}
    agreed = {ref: uid(body) for ref, body in fixed_ones.items()}
    deletes = [of("delete", ref) for ref, body in fixed_ones.items() if _may(policies, ref, body)]
    for needs, policy in ((deletes, "recreate"), (list(_updates(opened, policies, refs)), "adopt")):
        instead = ", or choose another --on-conflict for these objects"
        refuse_without(opened.target, opened.view, needs, f"--on-conflict {policy}", instead)
    return partial(SettlingSender, policies=policies, agreed=agreed), tuple(_told(fixed_ones, policies))


def _updates(opened: Opened, policies: Policies, refs: Collection[Ref]) -> Iterator[Need]:
    for ref in refs:
        choice = policies.of(ref)
        if choice.policy is Policy.ADOPT and (live := opened.live.get(ref)) and taken_over(live, choice.adopts):
            yield of("update", ref)


def _may(policies: Policies, ref: Ref, live: Body) -> bool:
    return policies.may_recreate(ref, with_claims=Anew.takes_claims(live))


def _told(fixed_ones: Mapping[Ref, Body], policies: Policies) -> Iterator[str]:
    if policies.choices:
        yield f"where something is in the way: {'; '.join(map(str, policies.choices))}"
    for ref, body in fixed_ones.items():
        if not _may(policies, ref, body):
            yield f"{ref} cannot be changed and may hold data: it is left out unless --recreate-data '{ref}' names it"
            continue
        pods = " All its pods end first: it is DOWN until the new ones are ready." if has_pods(ref) else ""
        data = " DATA that hangs on it may be lost." if str(ref) in policies.data else ""
        more = f"{pods}{data}{_ADDRESS.get(ref.kind, '')}"
        yield f"{ref} is DELETED and made anew, as a field of it cannot be changed.{more}"
