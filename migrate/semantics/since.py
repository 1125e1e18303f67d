"""What a new plan means for what an earlier one put there: fields that change, objects that left the plan. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from migrate.manifest.places import get, item_segment
from migrate.manifest.references import Defined, references
from migrate.model.listing import Listing
from migrate.model.objects import MISSING, Body, Object, Snapshot
from migrate.model.path import Item, P, Path
from migrate.model.plan import Fate, Plan
from migrate.model.ref import Ref
from migrate.model.selection import Selection
from migrate.model.since import Changed, Field, Left
from migrate.semantics.holding_release import OURS
from migrate.semantics.quantities import quantity
from migrate.semantics.rollback import DATA, DEFINITION, NAMESPACE, Around

_SECRET = ("", "Secret")
# A person may know better; a tool that was told to tidy up does not.
_KEPT: Mapping[tuple[str, str], str] = {
    **{kind: why for kind, why in DATA.items() if kind != _SECRET},
    NAMESPACE: "all that is in it would go with it",
    DEFINITION: "all objects of its kind would go with it",
}
# What Kubernetes itself writes to objects of ours.
_CONTROLLERS = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet"})
_IN_AMOUNTS = frozenset({"requests", "limits", "hard", "capacity", "max", "min", "default", "defaultRequest"})
# Who says these names need not have it: an autoscaler without a target and a binding without its account do nothing.
_IDLE = frozenset({"scale target", "subject"})
_UNREAD = "see why, or get the right to (gke2eks access target --prune prints it), then run the same command again."
_BY_HAND = "delete it by hand if it is not needed:"


def changed(ref: Ref, was: Body, now: Body, removed: Iterable[tuple[Path, Any]] = ()) -> Changed:
    """Say which fields differ between what is on the target and what is sent, both projected on what is sent.

    `removed` are fields that are ours there and that are sent no more, with their values.
    """
    rows = {str(path): Field(str(path), one, other) for path, one, other in _differ(was, now, Path())}
    rows |= {str(path): Field(str(path), value) for path, value in removed if str(path) not in rows}
    if (ref.group, ref.kind) == _SECRET:
        rows = {path: Field(path) for path in rows}
    return Changed(ref, tuple(rows[path] for path in sorted(rows)))


def _differ(was: Any, now: Any, at: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in sorted(was.keys() | now.keys()):
            yield from _differ(was.get(key, MISSING), now.get(key, MISSING), at / str(key))
    elif isinstance(was, list) and isinstance(now, list):
        yield from _of_lists(was, now, at)
    elif type(was) is not type(now) or was != now:
        amount = quantity(was) if _IN_AMOUNTS & set(at) else None
        if amount is None or amount != quantity(now):  # 1000m is 1 on a server
            yield at, was, now


def _of_lists(was: list[Any], now: list[Any], at: Path) -> Iterator[tuple[Path, Any, Any]]:
    name = str(at[-1]) if at else ""
    keyed = [{item_segment(name, rows, n): one for n, one in enumerate(rows)} for rows in (was, now)]
    if all(isinstance(segment, Item) for rows in keyed for segment in rows):
        for segment in dict.fromkeys((*keyed[0], *keyed[1])):
            yield from _differ(keyed[0].get(segment, MISSING), keyed[1].get(segment, MISSING), at / segment)
    elif len(was) == len(now) and not all(isinstance(one, str) for one in (*was, *now)):
        for n, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differ(one, other, at / n)
    elif was != now:
        yield at, was, now


def dropped(live: Body, sent: Body) -> tuple[tuple[Path, Any], ...]:
    """The fields that are ours on the target and that are not in what is sent: they go, or fall back to a default."""
    entries = get(live, P("metadata", "managedFields"))
    found: list[tuple[Path, Any]] = []
    for one in entries if isinstance(entries, list) else ():
        if one.get("manager") == OURS and one.get("operation") == "Apply" and not one.get("subresource"):
            found += _unsent(one.get("fieldsV1") or {}, live, sent, Path())
    return tuple(found)


def _unsent(fields: Mapping[str, Any], live: Any, sent: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    for element, below in fields.items():
        sort, name = element[:2], element[2:]
        if sort == "f:" and isinstance(live, Mapping) and isinstance(sent, Mapping) and name in live:
            if name not in sent:
                yield at / name, live[name]
            else:
                yield from _unsent(below, live[name], sent[name], at / name)
        elif sort == "k:" and isinstance(live, list) and isinstance(sent, list):
            here, there = _index(live, json.loads(name)), _index(sent, json.loads(name))
            if here is None:
                continue
            inside = at / item_segment(str(at[-1]) if at else "", live, here)
            if there is None:
                yield inside, live[here]
            else:
                yield from _unsent(below, live[here], sent[there], inside)


def _index(items: Sequence[Any], keys: Mapping[str, Any]) -> int | None:
    """A key that an item leaves out has its default, such as the protocol of a port: what it says must not differ."""
    fit = (
        at
        for at, item in enumerate(items)
        if isinstance(item, Mapping) and all(item.get(key, value) == value for key, value in keys.items())
    )
    return next(fit, None)


def left(
    made: Mapping[str, Ref], plan: Plan, select: Selection, source: Snapshot, live: Mapping[Ref, Body]
) -> tuple[Left, ...]:
    """What apply made, is on the target still, and is not in the plan; with why it is kept, as far as that can be told
    from the object itself. `select` is what the plan is of."""
    planned = in_plan(plan)
    unread = tuple(one for one in source.listings if one.missing or one.by_request)
    found = {}
    for id, ref in made.items():
        body = live.get(ref)
        there = get(body, P("metadata", "uid"))
        if ref in planned or body is None or (there is not MISSING and there != id):
            continue
        if there is MISSING:
            found[ref] = Left(ref, id, "it could not be read", _UNREAD)
        else:
            lost = "documents of the source could not be read, and it may be one of them" if source.left_out else ""
            found[ref] = Left(ref, id, _kept(ref, body, select, unread) or lost)
    return tuple(found[ref] for ref in sorted(found))


def in_plan(plan: Plan) -> frozenset[Ref]:
    """What the plan has on the target's side: with a body, or moved by a person."""
    return frozenset(step.ref for step in plan.steps if step.body is not None or step.fate is Fate.MANUAL)


def _kept(ref: Ref, body: Body, select: Selection, unread: Iterable[Listing]) -> str:
    if get(body, P("metadata", "deletionTimestamp")):
        return "it is being deleted already"
    if not select.excludes(ref) and not select.matches(Object(ref, body)):
        return "the plan is only of a part of the source, and this is not in it"
    for one in unread:
        if one.kind.group == ref.group and one.kind.kind in (ref.kind, ""):
            return f"the export did not read its kind ({one.why}): it may still be on the source"
    if why := _KEPT.get((ref.group, ref.kind)):
        return why
    if any(isinstance(one.to, Defined) for one in references(Object(ref, {}))):
        return "it is of a custom kind, and its controller may delete what it stands for"
    if get(body, P("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")) == "Delete":
        return "its claims would go with it (persistentVolumeClaimRetentionPolicy)"
    if who := writers(body):
        return f"{', '.join(who)} wrote to it since"
    return ""


def writers(body: Body) -> tuple[str, ...]:
    """Who else wrote to an object of ours. Status, scale and finalizers do not count: that is what controllers do."""
    entries = get(body, P("metadata", "managedFields"))
    found = set()
    for one in entries if isinstance(entries, list) else ():
        fields = one.get("fieldsV1") or {}
        only = fields.keys() == {"f:metadata"} and fields["f:metadata"].keys() == {"f:finalizers"}
        manager = str(one.get("manager") or "")
        if not (only or one.get("subresource") or manager.startswith(OURS) or manager in _CONTROLLERS):
            found.add(manager)
    return tuple(sorted(found))


def needed(
    found: Iterable[Left], bodies: Mapping[Ref, Body], unseen: Mapping[tuple[str, str], str]
) -> tuple[Left, ...]:
    """Keep what others need: who names it, and claims that would go with it. `bodies` are those of the plan, or what is
    on the target; `unseen` are kinds that nobody could list, with why."""
    found = tuple(found)
    going = {one.ref: one for one in found if not one.why_kept}
    if not going:
        return found
    around = Around(bodies)
    why: dict[Ref, str] = {}
    if unseen:
        kind, said = sorted(unseen.items())[0]
        why = dict.fromkeys(going, f"nobody could look who names it ({kind[1]}: {said})")
    uids = {one.uid: ref for ref, one in going.items()}
    for claim in around.of(("", "PersistentVolumeClaim")):
        for owner in around.owners(claim):
            if owner in uids:
                why.setdefault(uids[owner], f"{claim} holds data and would go with it")
    # Again, while something more stays: what it names stays as well.
    while True:
        stay = {ref for ref in going if ref in why}
        more = _named({ref for ref in going if ref not in stay}, bodies, uids, stay, around)
        if not more:
            break
        why |= more
    return tuple(replace(one, why_kept=one.why_kept or why.get(one.ref, "")) for one in found)


def _named(
    wanted: Collection[Ref], bodies: Mapping[Ref, Body], uids: Mapping[str, Ref], stay: Collection[Ref], around: Around
) -> dict[Ref, str]:
    found: dict[Ref, str] = {}
    for ref in sorted(bodies):
        if ref in wanted or get(bodies[ref], P("metadata", "deletionTimestamp")):
            continue
        if any(uids.get(owner, ref) not in (ref, *stay) for owner in around.owners(ref)):
            continue  # it goes with one of them
        for one in references(Object(ref, bodies[ref])):
            if isinstance(one.to, Ref) and one.to in wanted and not one.optional and one.kind not in _IDLE:
                found.setdefault(one.to, f"{ref} names it")
    return found


def told(found: Iterable[Left], kubectl: Sequence[str]) -> tuple[Left, ...]:
    """With what a person types to delete what is kept."""
    return tuple(replace(one, fix=one.fix or _by_hand(one.ref, kubectl)) if one.why_kept else one for one in found)


def _by_hand(ref: Ref, kubectl: Sequence[str]) -> str:
    kind = ".".join(filter(None, (ref.kind.lower(), ref.group)))
    space = ("-n", ref.namespace) if ref.namespace else ()
    return f"{_BY_HAND}\n{shlex.join((*kubectl, 'delete', kind, ref.name, *space))}"
