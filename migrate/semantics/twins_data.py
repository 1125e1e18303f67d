"""Data that stays on the source: which workloads must not start here before a person says what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from migrate.manifest.places import get
from migrate.manifest.references.edges import pod_of
from migrate.model.listing import Outcome
from migrate.model.objects import Body, Object, Snapshot
from migrate.model.path import P
from migrate.model.plan import Plan
from migrate.model.ref import Ref, group_of
from migrate.semantics.going import NotSent
from migrate.semantics.holding_scaling import number, replicas_owner
from migrate.semantics.holding_who import held_with

CHOICES = ("copied", "empty-ok", "external")
_CLAIM, _INERT = ("", "PersistentVolumeClaim"), ("", "PodTemplate")  # nothing starts because of a PodTemplate
_SCALED_JOB = P("spec", "jobTargetRef", "template", "spec")  # a ScaledJob has no template of its own name
_MOST_ORDINALS = 100  # as in semantics.claims: nobody answers for more volumes than this
_SHOWN = 3

Named = Callable[[str], bool]


def data_questions(
    plan: Plan,
    objects: Iterable[Object],
    answers: Mapping[tuple[str, ...], Any],
    *,
    known: Named = lambda _: False,
) -> Mapping[Ref, tuple[str, ...]]:
    """{ref: claims, as namespace/name} of what would start on empty volumes, because nobody answered for these claims.

    A claim is in question when it is bound on the source, or when nobody knows. `objects` are those of the snapshot;
    `known` tells of a namespace that all of its claims were read (`claims_known`), so that one that is not among them
    is not there. What an operator makes of a custom resource counts for that custom resource.
    """
    source = _Source(objects, known)
    bodies = {step.ref: step.body for step in plan.steps if step.body is not None}
    scalers = [body for ref, body in bodies.items() if ref.kind in ("HorizontalPodAutoscaler", "ScaledObject")]
    found: dict[Ref, set[str]] = {}
    for ref, body in bodies.items():
        scaler = replicas_owner(body, scalers)
        if (ref.group, ref.kind) == _INERT:
            continue
        for name in source.with_data(Object(ref, body), scaler.smallest if scaler else 0):
            found.setdefault(ref, set()).add(name)
    for ref, name in source.through_operators(bodies):
        found.setdefault(ref, set()).add(name)
    open_ = {
        ref: tuple(sorted(one for one in names if answers.get(("volumes", one)) not in CHOICES))
        for ref, names in found.items()
    }
    return {ref: open_[ref] for ref in sorted(open_) if open_[ref]}


def claims_known(snapshot: Snapshot) -> Named:
    """Tell of a namespace whether all of its claims are in the snapshot. Of files nobody knows."""
    kinds = [(one.kind.group, one.kind.kind, one.outcome) for one in snapshot.listings]
    listed = (*_CLAIM, Outcome.LISTED) in kinds
    globs = snapshot.select.namespaces
    return lambda space: listed and (not globs or any(fnmatchcase(space, glob) for glob in globs))


def held_for_data(plan: Plan, questions: Mapping[Ref, tuple[str, ...]]) -> Mapping[Ref, str]:
    """{ref: why} of what arrives held because of its data, whatever `runs` says of it: the `more_held` of going().

    Also what would wake it (an autoscaler that does not take 0 for off) or wait for it (its webhooks) arrives held.
    A custom resource is among them, although no field of it holds it: it is made at release.
    """
    return held_with(plan.steps, {ref: _undecided(claims) for ref, claims in questions.items()})


def no_data(claims: tuple[str, ...]) -> NotSent:
    """Say why a workload is not started, and what to write where."""
    lines = ", ".join(f'"{one}": copied' for one in claims)
    return NotSent(
        _undecided(claims),
        f"copy the data, then answer in gke2eks.yaml  volumes: {{{lines}}}  (or empty-ok: it may be lost; external: it "
        "lives elsewhere), and plan again.",
        "have data that nobody decided about",
    )


def _undecided(claims: tuple[str, ...]) -> str:
    more = f" and {len(claims) - _SHOWN} more" if len(claims) > _SHOWN else ""
    claim = "claim" if len(claims) == 1 else "claims"
    return (
        f"nobody said what becomes of the data of {claim} {', '.join(claims[:_SHOWN])}{more}; "
        "here it would start without it"
    )


class _Source:
    """The claims of the source, and who uses them."""

    def __init__(self, objects: Iterable[Object], known: Named) -> None:
        self._objects = {obj.ref: obj for obj in objects}
        self._known = known
        self._claims: dict[str, dict[str, bool]] = {}
        for ref, obj in self._objects.items():
            if (ref.group, ref.kind) == _CLAIM:
                self._claims.setdefault(ref.namespace, {})[ref.name] = _has_data(obj)

    def with_data(self, obj: Object, smallest: int = 0) -> Iterator[str]:
        """Claims of a workload that hold data, or may. `smallest` is what an autoscaler starts it with."""
        space = obj.ref.namespace
        here = self._claims.get(space, {})
        for name in _volumes(obj):
            if here.get(name, not self._known(space)):
                yield f"{space}/{name}"
        for template in _templates(obj):
            # Claims of replicas that are gone by now stay, and are taken again.
            like = re.compile(rf"{re.escape(template)}-{re.escape(obj.ref.name)}-\d+\Z")
            yield from (f"{space}/{name}" for name, data in here.items() if data and like.match(name))
            if not self._known(space):
                names = (f"{template}-{obj.ref.name}-{n}" for n in _ordinals(obj.spec, smallest))
                yield from (f"{space}/{name}" for name in names if name not in here)

    def through_operators(self, planned: Mapping[Ref, Body]) -> Iterator[tuple[Ref, str]]:
        """(custom resource, claim) for claims of pods that its operator makes, and for claims that it owns."""
        for ref, obj in self._objects.items():
            if ref in planned or ref.kind == "ReplicaSet":
                continue  # a ReplicaSet may be an old one, with claims that nobody uses any more
            root = self._root(obj)
            if root is None or root not in planned or pod_of(Object(root, planned[root])) is not None:
                continue
            if (ref.group, ref.kind) == _CLAIM:
                names = [f"{ref.namespace}/{ref.name}"] if _has_data(obj) else []
            else:
                names = list(self.with_data(obj))
            yield from ((root, name) for name in names)

    def _root(self, obj: Object) -> Ref | None:
        """The custom resource at the end of the owners; None for what is the user's own, or a built-in kind's."""
        seen: set[Ref] = {obj.ref}
        here: Object | None = obj
        root: Ref | None = None
        while here is not None and (owner := _owner(here)) is not None and owner not in seen:
            seen.add(owner)
            root, here = owner, self._objects.get(owner)
        return root if root is not None and "." in root.group else None


def _owner(obj: Object) -> Ref | None:
    found = obj.metadata.get("ownerReferences")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping) and one.get("controller") is True:
            group = group_of(str(one.get("apiVersion", "")))
            return Ref(group, str(one.get("kind")), obj.ref.namespace, str(one.get("name")))
    return None


def _has_data(claim: Object) -> bool:
    """Tell whether the claim is bound, or may be: files tell no phase. One that waits live has no volume yet."""
    phase = get(claim.body, P("status", "phase"))
    return bool(claim.spec.get("volumeName")) or phase != "Pending"


def _volumes(obj: Object) -> Iterator[str]:
    pod = pod_of(obj)
    spec = pod[1] if pod is not None else get(obj.body, _SCALED_JOB)
    volumes = spec.get("volumes") if isinstance(spec, Mapping) else None
    for volume in volumes if isinstance(volumes, list) else ():
        name = get(volume, P("persistentVolumeClaim", "claimName"))
        if isinstance(name, str) and name:
            yield name


def _templates(obj: Object) -> Iterator[str]:
    found = obj.spec.get("volumeClaimTemplates")
    for one in found if isinstance(found, list) else ():
        name = get(one, P("metadata", "name"))
        if isinstance(name, str) and name:
            yield name


def _ordinals(spec: Body, smallest: int) -> range:
    start = number(get(spec, P("ordinals", "start")), 0)
    count = max(number(spec.get("replicas"), 1), smallest)
    return range(start, start + min(max(count, 0), _MOST_ORDINALS))
