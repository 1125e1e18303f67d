"""What the objects that go along name and nobody will find: the graph of references, asked once for a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from migrate.manifest.references import Chosen, Dangling, Defined, Graph, Target
from migrate.manifest.references.graph import by_name, keys_of
from migrate.model.decided import Decided
from migrate.model.effects import Cause, Flag, Severity, Skip
from migrate.model.objects import Object, Snapshot
from migrate.model.path import P
from migrate.model.plan import Fate, Step
from migrate.model.ref import Ref
from migrate.planner.steps import Flags

LOOSE = "REF001"
# Above both, what was read is a part of something larger, and that is the one thing to say.
_FEW, _SHARE = 10, 0.2


@dataclass(frozen=True, slots=True)
class Ends:
    """The words for references that end in one way."""

    what: str
    pods: str
    definition: str
    fix: str
    fix_all: str


_LOST = Ends(
    "was not read",
    "nothing that was read makes such pods",
    "Nobody read",
    "Read it too, or make sure that it is on EKS before this object; else take the reference out.",
    "Read the rest of the cluster too, or make sure that what is named is on EKS.",
)
_LEFT = Ends(
    "the selection leaves out",
    "the selection leaves out what makes them",
    "The selection leaves out",
    "Select it too, or make sure that it is on EKS before this object.",
    "Select it too, or make sure that what is named is on EKS.",
)
_CLASSES = ("storageclass.kubernetes.io", "ingressclass.kubernetes.io", "snapshot.storage.kubernetes.io")
_DEFAULTS = tuple(f"{name}/is-default-class" for name in _CLASSES)


def taken_along(objects: Sequence[Object], decided: Decided) -> frozenset[Ref]:
    """Objects of cluster scope that come with a selection of namespaces: what it needs, and the cluster's defaults."""
    select = decided.select
    if not select.namespaces or select.kinds or select.only:
        return frozenset()
    chosen = {obj.ref for obj in objects if select.matches(obj)}
    defaults = {obj.ref for obj in objects if _is_default(obj) and select.takes_along(obj.ref)}
    needed = Graph(objects).needed(chosen | defaults, lambda ref: ref in chosen or select.takes_along(ref))
    return frozenset(ref for ref in needed | defaults if select.takes_along(ref))


def _is_default(obj: Object) -> bool:
    """Tell whether the object acts on others that do not name it."""
    return any(obj.annotations.get(key) == "true" for key in _DEFAULTS) or obj.body.get("globalDefault") is True


def loose_ends(snapshot: Snapshot, steps: Sequence[Step], stays: Mapping[Ref, Skip], flags: Flags) -> Flags:
    """Findings about references that lead nowhere, in the objects as they will be. `flags` are what rules said."""
    planned = {step.ref: Object(step.ref, step.body) for step in steps if step.body is not None}
    going = {step.ref: step for step in steps if step.fate is Fate.MIGRATE and step.ref in planned}
    deselected = {ref for ref, skip in stays.items() if skip.cause is Cause.EXCLUDED}
    source = {obj.ref: obj for obj in snapshot.objects}
    everything = {**source, **planned}
    graph = Graph(obj for ref, obj in everything.items() if ref not in deselected)
    checked = graph.check(going)
    if not checked.dangling:
        return []
    whole = Graph(everything.values()) if deselected else graph
    unread = {(one.kind.group, one.kind.kind) for one in snapshot.listings if one.missing or one.by_request}
    judged = _judged(flags, planned, {one.ref for one in checked.dangling})
    left: list[Dangling] = []
    lost: list[Dangling] = []
    for one in checked.dangling:
        if (one.ref, str(one.field)) in judged or _kind(one.to) in unread or _changed(one, going[one.ref]):
            continue
        (left if not one.key and deselected and whole.find(one.to) else lost).append(one)
    said = _each(left, _LEFT, graph) if len(left) <= 2 * _FEW else _all(left, checked.total, _LEFT)
    many = len(lost) > _FEW and len(lost) > checked.total * _SHARE
    return said + (_all(lost, checked.total, _LOST) if many else _each(lost, _LOST, graph))


def _once(dangling: Iterable[Dangling]) -> list[Dangling]:
    """One object that names one thing in five places is one finding, at the first of them."""
    found: dict[tuple[Ref, Target, str], Dangling] = {}
    for one in dangling:
        found.setdefault((one.ref, one.to, one.key), one)
    return list(found.values())


def _judged(flags: Flags, planned: Mapping[Ref, Object], of: set[Ref]) -> set[tuple[Ref, str]]:
    """Places that a rule has spoken about: its words are better than these."""
    return {
        (ref, str(place))
        for ref, _, flag in flags
        if ref in of and flag.severity is not Severity.INFO
        for place in (flag.path, by_name(planned[ref].body, flag.path))
    }


def _changed(one: Dangling, step: Step) -> bool:
    """Tell whether a rule or a person wrote the name: an answer may name what only EKS has."""
    return any(one.field.startswith(by_name(step.body, change.path)) for change in step.changes)


def _kind(to: Target) -> tuple[str, str]:
    return ("apiextensions.k8s.io", "CustomResourceDefinition") if isinstance(to, Defined) else (to.group, to.kind)


def _all(found: list[Dangling], total: int, ends: Ends) -> Flags:
    shown = "; ".join(f"{one.ref} names {_name(one)}" for one in _once(found)[:3])
    text = f"{len(found):,} of {total:,} references lead to something that {ends.what}, such as: {shown}."
    return [(None, LOOSE, Flag(P(), text, ends.fix_all))]


def _each(found: list[Dangling], ends: Ends, graph: Graph) -> Flags:
    definitions: dict[Defined, list[Ref]] = {}
    said: Flags = []
    for one in _once(found):
        if isinstance(one.to, Defined):
            definitions.setdefault(one.to, []).append(one.ref)
        else:
            said.append((one.ref, LOOSE, _flag(one, ends, graph)))
    for to, refs in definitions.items():
        more = f" and {len(refs) - 3} more" if len(refs) > 3 else ""
        names = ", ".join(str(ref) for ref in refs[:3])
        text = f"{ends.definition} the CustomResourceDefinition of {to.kind}.{to.group}, which {names}{more} cannot do "
        said.append((None, LOOSE, Flag(P(), f"{text}without.", ends.fix_all)))
    return said


def _flag(one: Dangling, ends: Ends, graph: Graph) -> Flag:
    if one.key:
        (obj,) = graph.find(one.to)
        keys = sorted(keys_of(obj))
        has = f"; it has {', '.join(keys[:5])}{', …' if len(keys) > 5 else ''}" if keys else "; it has none"
        text = f"This names the key {one.key} of {one.to}, which has no such key{has}."
        return Flag(one.field, text, "Correct the key, or add it to the object that is named.")
    if isinstance(one.to, Chosen):
        return Flag(one.field, f"This selects {_name(one)}, and {ends.pods}.", ends.fix)
    return Flag(one.field, f"This names {_name(one)}, which {ends.what}.", ends.fix)


def _name(one: Dangling) -> str:
    if isinstance(one.to, Chosen):
        wanted = ", ".join(
            f"{need.key}={next(iter(need.values))}" if need.operator == "in" and len(need.values) == 1 else need.key
            for need in one.to.selector
        )
        return f"pods with the labels {wanted}"
    if isinstance(one.to, Defined):
        return f"the kind {one.to.kind}.{one.to.group}"
    return f"the key {one.key} of {one.to}" if one.key else str(one.to)
