"""PRE060–066: what the objects that go name is there, in what goes or on the target; down to keys and ports.

One finding for each thing that is missing, with all who name it. Optional references say nothing. Webhooks and
APIServices are judged beside (webhooks.py): what is missing there harms others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from migrate.manifest.places import get
from migrate.manifest.references import Chosen, Defined, Reference, references
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.ref import Ref
from migrate.preflight import references_defaults, references_ports
from migrate.preflight.references_there import Found, There
from migrate.preflight.references_words import counted, few, means, plural, selector
from migrate.semantics.going import Going

OBJECTS, KEYS, NAMESPACES, PODS = "PRE060", "PRE061", "PRE062", "PRE065"
_KEYED = frozenset({("", "Secret"), ("", "ConfigMap")})
# Judged by webhooks.py.
_ELSEWHERE = frozenset({"webhook", "API service"})
_NAMESPACE = "namespace"
# What operators make of custom resources, beside them.
_MADE = frozenset({"Secret", "ConfigMap", "Service", "ServiceAccount", "PersistentVolumeClaim"})

Named = dict[Ref, list[str]]


@dataclass(slots=True)
class _Ends:
    """Where the references lead. Values are {who names it: as what}."""

    missing: dict[Ref, Named] = field(default_factory=dict)
    found: dict[Ref, Found] = field(default_factory=dict)
    keyless: dict[tuple[Ref, str], Named] = field(default_factory=dict)
    has: dict[Ref, frozenset[str]] = field(default_factory=dict)
    podless: dict[Chosen, Named] = field(default_factory=dict)
    unseen: dict[tuple[str, str], dict[str, Named]] = field(default_factory=dict)
    fine: dict[tuple[str, str], dict[str, set[Ref]]] = field(default_factory=dict)


def checks(going: Going, seen: Seen) -> Iterator[Check]:
    """Follow every reference of what goes."""
    there = There(going, seen)
    ends = _Ends()
    for obj in there.objects:
        for one in references(obj):
            if isinstance(one.to, Defined) or one.kind in _ELSEWHERE or (one.optional and one.kind != _NAMESPACE):
                continue
            if isinstance(one.to, Chosen):
                _pods(there, ends, obj, one, one.to)
            elif not references_ports.is_action(obj, one):
                _object(there, ends, obj, one, one.to)
    yield from _passes(ends)
    for to, named in sorted(ends.missing.items()):
        yield _missing(there, ends.found[to], to, named)
    for (to, key), named in sorted(ends.keyless.items()):
        yield _keyless(to, key, ends.has[to], named)
    yield from _podless(there, ends.podless)
    yield from _unseen(seen, ends)
    yield from references_ports.checks(there)
    yield from references_defaults.checks(there)


def _object(there: There, ends: _Ends, obj: Object, one: Reference, to: Ref) -> None:
    found = there.find(to)
    if one.keys and found.planned and not set(one.keys) <= there.keys(found):
        found = there.find(to, both=True)
    if not found.there:
        if found.why:
            _note(ends.unseen.setdefault((to.group, to.kind), {}).setdefault(str(to), {}), obj.ref, one.kind)
        elif not there.brought(to) and not _word(there, to):
            ends.found[to] = found
            _note(ends.missing.setdefault(to, {}), obj.ref, one.kind)
        else:
            _fine(ends, OBJECTS, to.kind, str(to), obj.ref)
        return
    _fine(ends, NAMESPACES if one.kind == _NAMESPACE else OBJECTS, to.kind, str(to), obj.ref)
    if one.keys and (to.group, to.kind) in _KEYED:
        _keys(there, ends, obj, one, to, found)


def _keys(there: There, ends: _Ends, obj: Object, one: Reference, to: Ref, found: Found) -> None:
    has = there.keys(found)
    for key in one.keys:
        if key in has or to in there.made:
            _fine(ends, KEYS, to.kind, f"{to} {key}", obj.ref)
        elif found.why:
            what = f"the key {key} of {to}"
            _note(ends.unseen.setdefault((to.group, to.kind), {}).setdefault(what, {}), obj.ref, one.kind)
        else:
            ends.has[to] = has
            _note(ends.keyless.setdefault((to, key), {}), obj.ref, one.kind)


def _pods(there: There, ends: _Ends, obj: Object, one: Reference, to: Chosen) -> None:
    found, why = there.wearing(to)
    if found:
        _fine(ends, PODS, "Pod", str(obj.ref), obj.ref)
    elif why:
        kind = ("", "Pod")
        _note(ends.unseen.setdefault(kind, {}).setdefault(f"pods of {obj.ref}", {}), obj.ref, one.kind)
    else:
        _note(ends.podless.setdefault(to, {}), obj.ref, one.kind)


def _word(there: There, to: Ref) -> bool:
    """Tell whether a class is only a word that a volume and its claim both say."""
    if (to.group, to.kind) != ("storage.k8s.io", "StorageClass"):
        return False
    spoken = {obj.spec.get("storageClassName") for obj in there.objects if obj.ref.kind == "PersistentVolume"}
    live = there.seen.of("", "PersistentVolume").bodies.values()
    return to.name in spoken or any(get(body, Path(("spec", "storageClassName"))) == to.name for body in live)


def _note(named: Named, ref: Ref, kind: str) -> None:
    named.setdefault(ref, []).append(kind)


def _fine(ends: _Ends, id: str, kind: str, what: str, ref: Ref) -> None:
    ends.fine.setdefault((id, kind), {}).setdefault(what, set()).add(ref)


def _passes(ends: _Ends) -> Iterator[Check]:
    for (id, kind), things in sorted(ends.fine.items()):
        refs = sorted({ref for each in things.values() for ref in each})
        count = len(things)
        if id == PODS:
            said = f"{count:,} selectors find pods" if count > 1 else "1 selector finds pods"
        elif id == KEYS:
            said = f"{count:,} keys of {plural(kind)} are there" if count > 1 else f"1 key of a {kind} is there"
        else:
            said = f"{count:,} {plural(kind)} are there, or go" if count > 1 else f"1 {kind} is there, or goes"
        yield passed(id, f"{said}.", *refs)


def _missing(there: There, found: Found, to: Ref, named: Named) -> Check:
    why, fix = there.absent(to, found)
    severity, harm = means(kind for kinds in named.values() for kind in kinds)
    if to.kind == "Namespace" and to.group == "":
        message = f"Namespace/{to.name} neither goes nor is on the target, and {counted(named)} would be made in it."
        id = NAMESPACES
    else:
        message = f"{to} neither goes nor is on the target, and {counted(named)} {_names(named)} it."
        id = OBJECTS
    because = f"{why}; {harm}." if why else f"{harm}."
    if not why and to.kind in _MADE and there.custom_in(to.namespace):
        severity = Severity.REVIEW
        because = f"{because[:-1]}, unless an operator makes it for {few(map(str, there.custom_in(to.namespace)), 2)}."
    return finding(id, message, fix, *sorted(named), because=because, severity=severity)


def _keyless(to: Ref, key: str, has: frozenset[str], named: Named) -> Check:
    return finding(
        KEYS,
        f"{to} has no key {key}, and {counted(named)} {_names(named)} it.",
        f"correct the key by an override in gke2eks.yaml, or add it to {to}.",
        *sorted(named),
        because=f"it has {few(sorted(has))}; pods that name the key do not start." if has else "it has no keys at all.",
        severity=Severity.BLOCKER,
    )


def _podless(there: There, podless: Mapping[Chosen, Named]) -> Iterator[Check]:
    """Two findings at most: selectors whose pods are left out, and those whose pods nobody makes."""
    out = {chosen: refs[0] for chosen in podless if (refs := there.wearing_left_out(chosen))}
    for some in ([one for one in podless if one in out], [one for one in podless if one not in out]):
        if not some:
            continue
        named = [ref for one in some for ref in podless[one]]
        severity, harm = means(kind for one in some for kinds in podless[one].values() for kind in kinds)
        select = "selects" if len(named) == 1 else "select"
        whys = [there.absent(out[one], Found()) for one in some if one in out]
        examples = few((f"{selector(one)} in {one.namespace}" for one in some), 3)
        if whys:
            message = f"{counted(named)} {select} pods of workloads that do not go."
            because = f"{few((why for why, _ in whys), 3, '; ')}; {harm}."
            fix = whys[0][1] if len(set(whys)) == 1 else "each workload says in the results why it is left out."
        else:
            message = f"{counted(named)} {select} pods that nothing makes, neither what goes nor what is on the target."
            because = f"no pod has {examples}; {harm}."
            fix = "nothing, if an operator makes them; else correct the selector by an override in gke2eks.yaml."
        yield finding(PODS, message, fix, *named, because=because, severity=severity)


def _unseen(seen: Seen, ends: _Ends) -> Iterator[Check]:
    for (group, kind), things in sorted(ends.unseen.items()):
        refs = sorted({ref for named in things.values() for ref in named})
        full = f"{kind}.{group}" if group else kind
        yield unknown(
            OBJECTS,
            f"Whether {few(things)} {'is' if len(things) == 1 else 'are'} on the target: {counted(refs)} "
            f"{'needs' if len(refs) == 1 else 'need'} it.",
            seen.of(group, kind).why or "it could not be listed",
            f"grant list on {full}, or look yourself: kubectl get {full} -A",
            *refs,
        )


def _names(named: Named) -> str:
    return "names" if len(named) == 1 else "name"
