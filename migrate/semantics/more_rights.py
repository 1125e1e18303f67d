"""Rights beside those of a plain run: what --on-conflict, --prune and rollback ask of the target, and no more. Pure.

Tried on a real API server (tests/cluster/test_rights_more.py, test_rights_rollback.py): `delete`, `update` and `get`
carry the name, so each can be granted by name. An apply by force asks for `patch` and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from migrate.manifest.waves import WAVES
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.semantics.going import Going
from migrate.semantics.plurals import Plurals
from migrate.semantics.policy import NONE, Policies, Policy, trial_name
from migrate.semantics.rollback import CLAIM, DATA, DEFINITION, NAMESPACE
from migrate.semantics.target_rights import Need, granting

_SECRET = ("", "Secret")
_WORKLOADS = next(wave for wave in WAVES if wave.title == "workloads")
# Whoever may name something: workloads and their pods, and what stands before them.
NAMES = frozenset(
    {(row.group, kind) for row in _WORKLOADS.rows for kind in row.kinds.split()}
    | {("networking.k8s.io", "Ingress"), ("rbac.authorization.k8s.io", "RoleBinding"), ("", "ServiceAccount")}
    | {("rbac.authorization.k8s.io", "ClusterRoleBinding"), ("", "PersistentVolumeClaim")}
)


@dataclass(frozen=True, slots=True)
class More:
    """What the rights shall be enough for beside preflight, apply and release. `data`: kinds of --delete-data."""

    policies: Policies = NONE
    prune: bool = False
    rollback: bool = False
    data: frozenset[tuple[str, str]] = frozenset()


NO_MORE = More()


def for_policies(going: Going, policies: Policies) -> tuple[Need, ...]:
    """What adopt and recreate need for the objects that go, each by its name; the other policies need nothing."""
    return tuple(need for ref in going.steps for need in _of_policy(ref, policies))


def _of_policy(ref: Ref, policies: Policies) -> Iterator[Need]:
    policy = policies.of(ref).policy
    if policy is Policy.ADOPT:
        yield of("update", ref)
    if policy is Policy.RECREATE and policies.may_recreate(ref):
        yield of("delete", ref)
        if not ref.namespace:  # it is tried under another name first; in a namespace any name may be written
            tried = trial_name(ref.name)
            yield from (Need(verb, ref.group, ref.kind, "", tried, refs=(ref,)) for verb in ("create", "patch"))


def named_by(planned: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The kinds that may name something: prune lists them and keeps what is named. Not Secrets, which name nothing."""
    return (NAMES | frozenset(planned)) - {_SECRET}


def for_prune(left: Iterable[Ref], planned: Iterable[tuple[str, str]]) -> tuple[Need, ...]:
    """What prune needs: `left` are the objects that it may delete, `planned` the kinds of the plan."""
    needs = [of(verb, ref) for ref in left for verb in ("get", "delete")]
    return (*needs, *(Need("list", *kind) for kind in sorted(named_by(planned)) if needs))


@dataclass(frozen=True, slots=True)
class Undoable:
    """What runs did, as far as a rollback may take it back. `seen` are all their objects, which a rollback reads;
    `deleted` those that it makes once more; `before` says of each run what it changed, as it was; `defined` are the
    kinds that definitions among `made` brought.
    """

    seen: Collection[Ref] = ()
    made: Collection[Ref] = ()
    changed: Collection[Ref] = ()
    deleted: Collection[Ref] = ()
    before: tuple[Mapping[Ref, Body], ...] = ()
    defined: Collection[tuple[str, str]] = ()


def for_rollback(done: Undoable, own: Collection[Need], plurals: Plurals) -> tuple[Need, ...]:
    """What a rollback needs, but for Namespaces, of which see inside_namespaces. `own` is what is granted anyhow."""
    needs = [of("get", ref) for ref in done.seen]
    needs += [of("delete", ref) for ref in done.made]
    needs += [of("update", ref) for ref in {*done.changed, *done.deleted}]
    needs += [to_make(ref) for ref in done.deleted]
    needs += [Need("list", *kind) for kind in (*done.defined, *([CLAIM] if done.made else ()))]
    for bodies in done.before:  # who gives a role its rules back grants them
        needs += granting(bodies, own, plurals)
    return tuple(needs)


def deletable(made: Iterable[Ref], data: Collection[tuple[str, str]]) -> tuple[Ref, ...]:
    """What a rollback deletes of what was made: without a word for it nothing of kinds that hold data."""
    return tuple(ref for ref in made if (ref.group, ref.kind) not in DATA or (ref.group, ref.kind) in data)


def inside_namespaces(spaces: Iterable[Ref], kinds: Iterable[tuple[str, str]]) -> tuple[Need, ...]:
    """To delete a Namespace is to delete all in it: each of these kinds is listed there first."""
    kinds = sorted(kinds)
    return tuple(Need("list", *kind, ref.name, refs=(ref,)) for ref in spaces for kind in kinds)


def is_namespace(ref: Ref) -> bool:
    return (ref.group, ref.kind) == NAMESPACE


def is_definition(ref: Ref) -> bool:
    return (ref.group, ref.kind) == DEFINITION


def beside(more: Iterable[Need], own: Iterable[Need]) -> tuple[Need, ...]:
    """Those that are not granted anyhow, each once."""
    have = {(need.verb, need.group, need.kind, need.namespace, need.name) for need in own}
    found: dict[Need, None] = {}
    for need in more:
        kind = need.verb, need.group, need.kind
        if not have & {(*kind, "", ""), (*kind, need.namespace, ""), (*kind, need.namespace, need.name)}:
            found.setdefault(need)
    return tuple(sorted(found))


def to_make(ref: Ref) -> Need:
    """To create what was deleted: a POST carries no name that could be granted."""
    return Need("create", ref.group, ref.kind, ref.namespace, refs=(ref,))


def of(verb: str, ref: Ref) -> Need:
    """One verb on this very object."""
    return Need(verb, ref.group, ref.kind, ref.namespace, ref.name, refs=(ref,))
