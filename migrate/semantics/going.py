"""What of a plan goes to the target in one run, what stays out and why, and what arrives held."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import orjson

from migrate.model.objects import Body, Object
from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.model.ref import Ref
from migrate.model.selection import EVERYTHING, Selection
from migrate.semantics.gates import Gates, gates
from migrate.semantics.holding import Held, hold
from migrate.semantics.holding_scaling import Scaler, replicas_owner
from migrate.semantics.holding_who import waiting

_PLACEHOLDER = b'"UNDECIDED: '
_NO_WAY = "no field of it holds what its controller would start"


@dataclass(frozen=True, slots=True)
class NotSent:
    """Why an object is left out, and what to do. `behind` is the object that it would only wait for.

    `short` says it of many: '61 wait for an answer'.
    """

    why: str
    fix: str
    short: str
    behind: Ref | None = None


@dataclass(frozen=True, slots=True)
class Going:
    """`steps` are those that go, held or not; `held` are those of them that arrive inert, because.

    `scalers` say who owns `replicas` of a workload. `gates` say who waits for whom, over the whole plan. `converted`
    are custom kinds whose conversion webhook is held.
    """

    plan: Plan
    steps: Mapping[Ref, Step]
    left_out: Mapping[Ref, NotSent]
    held: Mapping[Ref, str]
    scalers: Mapping[Ref, Scaler]
    gates: Gates
    converted: frozenset[tuple[str, str]] = frozenset()

    @property
    def bodies(self) -> Mapping[Ref, Body]:
        """The planned bodies of what goes; those of Secrets are without values."""
        return {ref: step.body for ref, step in self.steps.items() if step.body is not None}

    def hold(self, ref: Ref, body: Body) -> Held | None:
        """How this object arrives held; None when it is not held, or is inert as it is."""
        if ref not in self.held:
            return None
        kind = (ref.group, ref.kind)
        return hold(body, converted=self.converted & {kind}) or Held(None, because=_NO_WAY)


def going(
    plan: Plan, *, select: Selection = EVERYTHING, everything: bool = False, more_held: Mapping[Ref, str] | None = None
) -> Going:
    """Part a plan. `everything` is `apply --hold`; `more_held` are others that arrive held, because."""
    found = gates(plan)
    out = dict(_not_sendable(plan))
    for ref, root in found.stopped_by(out).items():
        out[ref] = _behind(root, out[root].why)
    selected = {step.ref for step in plan.steps if _selected(select, step)}
    steps = {s.ref: s for s in plan.steps if s.body is not None and s.ref in selected and s.ref not in out}
    asked = waiting(plan.steps, everything=everything)
    held = {**asked, **(more_held or {})}
    # Of what waiting() finds, only custom resources behind a held conversion webhook have no way of their own.
    converted = {(ref.group, ref.kind) for ref in asked if ref in steps and hold(steps[ref].body or {}) is None}
    return Going(
        plan=plan,
        steps=steps,
        left_out={ref: why for ref, why in out.items() if ref in selected},
        held={ref: why for ref, why in held.items() if ref in steps},
        scalers=_scalers(plan.steps),
        gates=found,
        converted=frozenset(converted),
    )


def without_namespaces(goes: Going, there: Collection[str]) -> Going:
    """Leave out what has no Namespace: it is neither among those `there` on the target nor part of this run."""
    known = {*there, *(ref.name for ref in goes.steps if (ref.group, ref.kind) == ("", "Namespace"))}
    lost = {ref: _no_namespace(ref.namespace) for ref in goes.steps if ref.namespace and ref.namespace not in known}
    if not lost:
        return goes
    for ref, root in goes.gates.stopped_by(lost).items():
        if ref in goes.steps:
            lost[ref] = _behind(root, lost[root].why)
    return replace(
        goes,
        steps={ref: step for ref, step in goes.steps.items() if ref not in lost},
        left_out={**goes.left_out, **lost},
        held={ref: why for ref, why in goes.held.items() if ref not in lost},
    )


def _no_namespace(name: str) -> NotSent:
    why = f"Namespace/{name} is not on the target, and not among what was selected"
    return NotSent(why, f"select Namespace/{name}, too, or make it.", "have no Namespace")


def _behind(root: Ref, why: str) -> NotSent:
    return NotSent(f"it would only wait for {root}: {why}", f"see {root}.", "would only wait for these", root)


def held_back(step: Step) -> bool:
    """Tell whether a placeholder or a blocker keeps this object from every server. A created one has no finding of
    its own: a placeholder in it is enough."""
    if step.fate is Fate.CREATE:
        return _PLACEHOLDER in orjson.dumps(step.body)
    return step.standing in (Standing.BLOCKED, Standing.WAIT)


def _selected(select: Selection, step: Step) -> bool:
    if step.body is None:  # moved by hand: nobody knows its labels here
        select = replace(select, labels=(), requirements=())
    return select.matches(Object(step.ref, step.body or {}))


def _not_sendable(plan: Plan) -> Mapping[Ref, NotSent]:
    questions = {ref: one for one in plan.undecided if one.blocks for ref in one.refs}
    out: dict[Ref, NotSent] = {}
    for step in plan.steps:
        if step.fate is Fate.MANUAL:
            out[step.ref] = NotSent("it is moved by hand", f"gke2eks explain '{step.ref}' says how.", "by hand")
        elif step.body is not None and step.standing is Standing.BLOCKED:
            out[step.ref] = NotSent("it is blocked", f"gke2eks explain '{step.ref}' says by what.", "blocked")
        elif step.body is not None and held_back(step):
            asked = questions.get(step.ref)
            key = ".".join(asked.key) if asked else ""
            why = f"it waits for an answer: {key}" if key else "it waits for an answer"
            out[step.ref] = NotSent(why, "answer it in gke2eks.yaml, then plan again.", "wait for an answer")
    return out


def _scalers(steps: Iterable[Step]) -> Mapping[Ref, Scaler]:
    bodies = {step.ref: step.body for step in steps if step.body is not None}
    autoscalers = [body for ref, body in bodies.items() if ref.kind in ("HorizontalPodAutoscaler", "ScaledObject")]
    found = ((ref, replicas_owner(body, autoscalers)) for ref, body in bodies.items())
    return {ref: scaler for ref, scaler in found if scaler is not None}
