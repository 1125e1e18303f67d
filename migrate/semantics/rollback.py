"""What a rollback does with each object that the runs to be taken back made or changed, and why: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from migrate.manifest.places import get
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.semantics.bring_back import costs, lost, missing, standing_in
from migrate.semantics.preimage import as_wanted, restored, writers_since
from migrate.semantics.target_rights import RBAC
from migrate.semantics.target_role import ROLE

CLAIM = ("", "PersistentVolumeClaim")
# What holds data, or is the only copy of it on the target: deleted only when a person names the kind.
DATA: Mapping[tuple[str, str], str] = {
    CLAIM: "it holds data",
    ("", "PersistentVolume"): "it holds data",
    ("snapshot.storage.k8s.io", "VolumeSnapshot"): "it holds data",
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent"): "it holds data",
    ("", "Secret"): "what is in it may be used by others, and may be its only copy",
}
NAMESPACE = ("", "Namespace")
DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
# What Kubernetes itself puts into each namespace, and what is only told there.
_OF_EACH = frozenset({("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")})
_TOLD = frozenset({("", "Event"), ("events.k8s.io", "Event")})
_OUR_RIGHTS = frozenset({(RBAC, "Role"), (RBAC, "RoleBinding")})
_NAMED = 3


class Fate(StrEnum):
    """What becomes of an object."""

    DELETE = "delete"
    RESTORE = "restore"
    BRING_BACK = "bring back"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Undo:
    """`before` is what to restore, or to make once more. `why` and `fix` say of a kept object why it stays, and what
    would change that; of others what is not as before in the end. `costs` is what to know beforehand."""

    ref: Ref
    fate: Fate
    why: str = ""
    fix: str = ""
    before: Body | None = field(default=None, repr=False)
    costs: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of an object before it was changed. With `why` it cannot be restored.

    `deleted`: a run deleted it. `like` are other UIDs under which it is there, as a rollback made it once more; `half`:
    such a one was not yet given all back.
    """

    body: Body = field(default_factory=dict, repr=False)
    uid: str = ""
    why: str = ""
    fix: str = ""
    deleted: bool = False
    like: frozenset[str] = frozenset()
    half: bool = False


class Around:
    """What else is on the target: objects by ref, and the kinds that could not be listed, with why."""

    def __init__(
        self, bodies: Mapping[Ref, Body] | None = None, unseen: Mapping[tuple[str, str], str] | None = None
    ) -> None:
        self.bodies = bodies or {}
        self.unseen = unseen or {}
        self._by_uid = {uid(body): body for body in self.bodies.values()}
        self._spaces: dict[str, list[Ref]] = {}
        self._kinds: dict[tuple[str, str], list[Ref]] = {}
        for ref in self.bodies:
            self._spaces.setdefault(ref.namespace, []).append(ref)
            self._kinds.setdefault(_kind(ref), []).append(ref)

    def within(self, namespace: str) -> Sequence[Ref]:
        return self._spaces.get(namespace, ())

    def of(self, kind: tuple[str, str]) -> Sequence[Ref]:
        return self._kinds.get(kind, ())

    def owners(self, ref: Ref) -> list[str]:
        """The UIDs of its owners, and of theirs, as far as they can be seen."""
        found: list[str] = []
        todo: list[Any] = [self.bodies.get(ref)]
        while todo:
            owners = get(todo.pop(), P("metadata", "ownerReferences"))
            for one in owners if isinstance(owners, list) else ():
                owner = str(one.get("uid") or "")
                if owner and owner not in found:
                    found.append(owner)
                    todo.append(self._by_uid.get(owner))
        return found


def judge(
    made: Mapping[Ref, Collection[str]],
    changed: Mapping[Ref, Earlier],
    live: Mapping[Ref, Body],
    around: Around,
    data: Collection[tuple[str, str]] = (),
) -> tuple[Undo, ...]:
    """Say it of each object, sorted. `made`: the UIDs that the runs made; `data`: kinds that a person named.

    What is gone already, or is as it was, is not among them.
    """
    found: dict[Ref, Undo] = {}
    for ref in sorted(made.keys() | changed.keys()):
        body = live.get(ref)
        back = changed[ref] if ref in changed and changed[ref].deleted else None
        if body is None:
            found |= {ref: _back(ref, back)} if back else {}
        elif not uid(body):
            found[ref] = Undo(ref, Fate.KEEP, "it could not be read", "see why, then run the same command again.")
        elif ref in made and uid(body) in made[ref]:
            found[ref] = _made(ref, body, back, data)
        elif ref not in changed:
            found[ref] = Undo(ref, Fate.KEEP, "it is not the object that was made: somebody made it anew")
        elif (undo := _restored(ref, body, changed[ref])) is not None:
            found[ref] = undo
    _owners_of_data(found, live, around, data)
    for kind in (DEFINITION, NAMESPACE):  # what stays keeps the definition, and that its Namespace
        _with_others(found, live, around, kind, data)
    return tuple(found[ref] for ref in sorted(found))


def left_in(
    ref: Ref,
    going: Iterable[Ref],
    live: Mapping[Ref, Body],
    around: Around,
    data: Collection[tuple[str, str]] = (),
) -> tuple[Ref, ...]:
    """What would go with a Namespace or a definition, and is neither `going` nor made by what is."""
    gone = set(going)
    uids = {uid(live[one]) for one in gone if one in live}
    inside = around.within(ref.name) if _kind(ref) == NAMESPACE else around.of(_defined(live[ref]))
    return tuple(sorted(one for one in inside if one not in gone and not _by_others(one, around, uids, data)))


def unseen_in(ref: Ref, around: Around, live: Mapping[Ref, Body]) -> str:
    """Why nobody can tell what would go with it; ''."""
    if _kind(ref) == NAMESPACE:
        return next((f"{kind[1]}: {why}" for kind, why in sorted(around.unseen.items())), "")
    return around.unseen.get(_defined(live[ref]), "")


def uid(body: Body) -> str:
    """Give the UID, '' when there is none."""
    return str(get(body, P("metadata", "uid")) or "")


def _deleted(ref: Ref, body: Body, data: Collection[tuple[str, str]]) -> Undo:
    if get(body, P("metadata", "deletionTimestamp")):
        return Undo(ref, Fate.DELETE, "it is being deleted already")
    why = DATA.get(_kind(ref))
    if why and _kind(ref) not in data:
        return Undo(ref, Fate.KEEP, why, f"add --delete-data {ref.kind}, or delete it by hand.")
    return Undo(ref, Fate.DELETE)


def _made(ref: Ref, body: Body, back: Earlier | None, data: Collection[tuple[str, str]]) -> Undo:
    """It goes; `back` is what was deleted to make room for it."""
    one = _deleted(ref, body, data)
    if back is None:
        return one
    if lost(ref, back.body):
        said = "what the one before it held was lost when that was deleted: nothing brings it back"
        return replace(one, why=f"{one.why}; {said}" if one.why else said)
    return one if one.fate is Fate.KEEP else replace(_back(ref, back), costs=costs(ref))


def _restored(ref: Ref, live: Body, earlier: Earlier) -> Undo | None:
    if earlier.deleted and uid(live) not in (earlier.uid, *earlier.like):
        fix = "look at both; delete it or give it another name, then run the same command again."
        return Undo(ref, Fate.KEEP, "it is not the object that was deleted: somebody made it meanwhile", fix)
    if earlier.why:
        return Undo(ref, Fate.KEEP, earlier.why, earlier.fix)
    if earlier.deleted and uid(live) == earlier.uid and get(live, P("metadata", "deletionTimestamp")):
        return _back(ref, earlier)
    if uid(live) not in (earlier.uid, *earlier.like):
        return Undo(ref, Fate.KEEP, "it is not the object that was changed: somebody made it anew")
    before = standing_in(earlier.body, live) if uid(live) in earlier.like else earlier.body
    if as_wanted(live, restored(before, live)):
        return None
    if earlier.half:
        return _back(ref, earlier)
    since = writers_since(before, live)
    if since:
        return Undo(ref, Fate.KEEP, f"{', '.join(since)} wrote to it since", "put it right by hand.")
    return Undo(ref, Fate.RESTORE, before=before)


def _back(ref: Ref, earlier: Earlier) -> Undo:
    if why := earlier.why or lost(ref, earlier.body):
        return Undo(ref, Fate.KEEP, why, earlier.fix or "see what it was in undo/ of the workspace.")
    return Undo(ref, Fate.BRING_BACK, missing(ref, earlier.body), before=earlier.body)


def _owners_of_data(
    found: dict[Ref, Undo], live: Mapping[Ref, Body], around: Around, data: Collection[tuple[str, str]]
) -> None:
    """Whoever owns a claim takes it along: a StatefulSet by its retention policy, a database by its operator."""
    if CLAIM in data:
        return
    by_uid = {uid(body): ref for ref, body in live.items()}
    for claim in around.of(CLAIM):
        for owner in around.owners(claim):
            ref = by_uid.get(owner)
            if ref in found and found[ref].fate in (Fate.DELETE, Fate.BRING_BACK):
                fix = "add --delete-data PersistentVolumeClaim, or delete it by hand."
                found[ref] = Undo(ref, Fate.KEEP, f"{claim} holds data and would go with it", fix)


def _with_others(
    found: dict[Ref, Undo],
    live: Mapping[Ref, Body],
    around: Around,
    kind: tuple[str, str],
    data: Collection[tuple[str, str]],
) -> None:
    fates = (Fate.DELETE, Fate.BRING_BACK)
    for ref in [ref for ref, one in found.items() if _kind(ref) == kind and ref in live and one.fate in fates]:
        going = [other for other, one in found.items() if one.fate is Fate.DELETE]
        if why := unseen_in(ref, around, live):
            found[ref] = Undo(ref, Fate.KEEP, f"nobody could look what is in it ({why})", "delete it by hand.")
        elif left := left_in(ref, going, live, around, data):
            found[ref] = Undo(ref, Fate.KEEP, stays(left), "delete it by hand when that is gone.")


def stays(left: Collection[Ref]) -> str:
    """Say what keeps a Namespace or a definition."""
    names = sorted(map(str, left))
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"in it stays {', '.join(names[:_NAMED])}{more}"


def _defined(body: Body) -> tuple[str, str]:
    return str(get(body, P("spec", "group")) or ""), str(get(body, P("spec", "names", "kind")) or "")


def _by_others(ref: Ref, around: Around, going: Collection[str], data: Collection[tuple[str, str]]) -> bool:
    """Tell whether nobody would miss it: Kubernetes makes it everywhere, or it goes with what made it."""
    if ((ref.kind, ref.name) in _OF_EACH and not ref.group) or _kind(ref) in _TOLD:
        return True
    if ref.name == ROLE and _kind(ref) in _OUR_RIGHTS:  # what access target printed, for us
        return True
    if _kind(ref) == CLAIM and CLAIM not in data:
        return False
    # Endpoints have no owner but the Service of their name, whose controller takes them away.
    service = around.bodies.get(Ref("", "Service", ref.namespace, ref.name))
    if _kind(ref) == ("", "Endpoints") and service is not None and uid(service) in going:
        return True
    return bool(set(around.owners(ref)) & set(going))


def _kind(ref: Ref) -> tuple[str, str]:
    return ref.group, ref.kind
