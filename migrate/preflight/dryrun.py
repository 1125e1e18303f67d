"""What is sent to the target as a dry run for each object of a plan, and what to do about each kind of no.

An object whose Namespace is only in the plan is tried in `default` under a throw-away name, so that a server never says
"not found" of what comes with the plan; what that cannot tell is said once for each Namespace.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.places import drop, get, put
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import MISSING, Body
from migrate.model.path import P
from migrate.model.plan import Step
from migrate.model.ref import Ref
from migrate.preflight.served import Kinds
from migrate.preflight.structural import judge, schema_of
from migrate.semantics.going import Going
from migrate.semantics.holding import hold, marked
from migrate.semantics.holding_release import OURS, arrive

TAKEN, CLASH, SPACE, OFFLINE, ENDING, MADE_UP, REMARK, DROPPED = (f"PRE04{n}" for n in range(8))
ELSEWHERE = "default"
_SECRET = ("", "Secret")
_REDACTED = re.compile(r"\(secret, (\d+) bytes, key ")
_TYPED = {"kubernetes.io/dockerconfigjson": b'{"auths":{}}', "kubernetes.io/dockercfg": b"{}"}
_TOKEN = "kubernetes.io/service-account-token"
_NO_NAME = "a throw-away name"
_LOST = "look whether anybody needs it there; an override in gke2eks.yaml takes it out or writes it elsewhere."


@dataclass(frozen=True, slots=True)
class Trial:
    """One dry run. `served` False: nobody on the target can be asked. `definition` is the plan's own, of a custom kind.

    `moved`: in `default`, under another name. `made_up`: values of a Secret are. `without`: what a Pod was tried
    without, because it comes with the plan and the server would say that it is not there.
    """

    ref: Ref
    body: Body
    served: bool = True
    definition: Body | None = None
    moved: bool = False
    made_up: bool = False
    without: tuple[str, ...] = ()


def trials(going: Going, seen: Seen, bodies: Mapping[Ref, Body]) -> tuple[Trial, ...]:
    """One for each object that goes, but for those of kinds that nobody serves: PRE030 names them.

    `bodies` are those that will be sent, Secrets filled; one that is not there, or not filled, gets made-up values.
    """
    known = Kinds(going, seen)
    found = (_trial(step, bodies.get(ref, step.body), going, seen, known) for ref, step in sorted(going.steps.items()))
    return tuple(one for one in found if one is not None)


def _trial(step: Step, body: Body | None, going: Going, seen: Seen, known: Kinds) -> Trial | None:
    assert body is not None
    ref, kind = step.ref, (step.ref.group, step.ref.kind)
    exact = (str(body.get("apiVersion") or ""), ref.kind)
    definition = known.planned.get(kind, (ref, None))[1]
    if known.served(exact) is False or (known.served(exact) is None and kind not in known.preferred):
        return Trial(ref, body, False, definition) if definition else None
    body, made_up = filled(_first(step, body, going, seen))
    moved = _only_planned(ref, going, seen)
    without: tuple[str, ...] = ()
    if kind == ("", "Pod"):
        body, without = _pod(body, ref, going, seen, moved)
    return Trial(ref, elsewhere(ref, body) if moved else body, True, definition, moved, made_up, without)


def _first(step: Step, body: Body, going: Going, seen: Seen) -> Body:
    """What apply sends first. A held form differs in nothing but the hold, so one dry run is enough."""
    ref = step.ref
    live = seen.of(ref.group, ref.kind).bodies.get(ref) if (ref.group, ref.kind) != _SECRET else None
    held = hold(body) if ref in going.held else None
    sent = arrive(live, body, held=held, scaler=going.scalers.get(ref), changes=step.changes)
    ours = next((request.body for request in sent if request.manager == OURS), None)
    return marked(body, released=False) if ours is None else ours


def _only_planned(ref: Ref, going: Going, seen: Seen) -> bool:
    space = Ref("", "Namespace", "", ref.namespace)
    shown = seen.of("", "Namespace")
    return bool(ref.namespace) and space in going.steps and not shown.why and space not in shown.bodies


def elsewhere(ref: Ref, body: Body) -> Body:
    """The same object in `default`, under a name that is valid for every kind and nobody else's."""
    name = f"gke2eks-dry-run-{hashlib.sha256(str(ref).encode()).hexdigest()[:12]}"
    moved = put(put(body, P("metadata", "namespace"), ELSEWHERE), P("metadata", "name"), name)
    assert isinstance(moved, Mapping)
    return moved


def filled(body: Body) -> tuple[Body, bool]:
    """A Secret with values that its type takes, of the same sizes; (body, False) for all else."""
    data = body.get("data")
    if body.get("kind") != "Secret" or "/" in str(body.get("apiVersion")) or not isinstance(data, Mapping):
        return body, False
    if not any(isinstance(value, str) and _REDACTED.match(value) for value in data.values()):
        return body, False
    kind = str(body.get("type") or "")
    if kind == _TOKEN:  # its values are the target's own to make
        return {key: value for key, value in body.items() if key != "data"}, True
    return {**body, "data": {key: _made_up(value, kind, str(key)) for key, value in data.items()}}, True


def _made_up(value: Any, kind: str, key: str) -> str:
    size = _REDACTED.match(value) if isinstance(value, str) else None
    plain = _TYPED.get(kind) if key in (".dockerconfigjson", ".dockercfg") else None
    if plain is None:
        plain = b"x" * min(int(size[1]) if size else 1, 2_000_000)
    return base64.b64encode(plain).decode()


def _pod(body: Body, ref: Ref, going: Going, seen: Seen, moved: bool) -> tuple[Body, tuple[str, ...]]:
    """Admission refuses a Pod whose account or class is not there yet; what comes with the plan is left out of it."""
    without: list[str] = []
    for group, kind, names, space in (
        ("", "ServiceAccount", ("serviceAccountName", "serviceAccount"), ref.namespace),
        ("scheduling.k8s.io", "PriorityClass", ("priorityClassName", "priority"), ""),
        ("node.k8s.io", "RuntimeClass", ("runtimeClassName", "overhead"), ""),
    ):
        name = get(body, P("spec", names[0]))
        named = Ref(group, kind, space, str(name))
        absent = (space and moved) or (named in going.steps and named not in seen.of(group, kind).bodies)
        if name is not MISSING and name and absent:
            without.append(str(named))
            for one in names:
                body = drop(body, P("spec", one))
    return body, tuple(without)


def offline(trial: Trial) -> Iterator[Check]:
    """PRE043: an object of a kind that the plan itself defines, against that definition."""
    if trial.definition is None:
        return
    ref, assumed = trial.ref, _planned_version(trial)
    schema = schema_of(trial.definition, assumed)
    name = get(trial.definition, P("metadata", "name"))
    if schema is None:
        what, because = f"{ref} against its definition.", f"{name} of the plan has no schema for {assumed}"
        yield unknown(OFFLINE, what, because, "look at the definition; the server will judge when it has it.", ref)
        return
    judged = judge(trial.body, schema)
    if judged.faults:
        said = "; ".join(str(one) for one in judged.faults)
        what = f"{ref} does not fit the plan's own definition: {said}."
        yield finding(OFFLINE, what, FIXES["invalid"], ref, severity=Severity.BLOCKER)
        return
    if judged.dropped:
        what = f"{ref}: {', '.join(judged.dropped)} would be dropped, for the plan's own definition has no such field."
        yield finding(OFFLINE, what, _LOST, ref)
        return
    but = f"; {' and '.join(judged.unchecked)} could not be checked without a server" if judged.unchecked else ""
    yield passed(OFFLINE, f"{ref} fits the plan's own definition{but}.", ref)


def dropped(trial: Trial, answer: Body) -> Iterator[Check]:
    """PRE047: what was sent and is not in the server's answer. Servers take fields that they do not store: of an object
    without properties in its schema, or behind a feature gate that is off."""
    lost = list(_lost(trial.body, answer, ""))
    if lost and not trial.made_up and trial.ref.kind != "Secret":
        more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
        what = f"{trial.ref}: the server would take {', '.join(lost[:5])}{more}, and not store it."
        yield finding(DROPPED, what, _LOST, trial.ref)


def _lost(sent: Any, kept: Any, place: str) -> Iterator[str]:
    """Places with something in them that are gone. Lists of another length were rewritten by somebody: not judged."""
    if isinstance(sent, Mapping) and isinstance(kept, Mapping):
        for name, value in sent.items():
            here = f"{place}.{name}" if place else str(name)
            if name in kept:
                yield from _lost(value, kept[name], here)
            elif value not in (None, "", 0, False, {}, []):
                yield here
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for at, pair in enumerate(zip(sent, kept, strict=True)):
            yield from _lost(*pair, f"{place}[{at}]")


def _planned_version(trial: Trial) -> str:
    return str(trial.body.get("apiVersion") or "").rpartition("/")[2]


# What to do about a no, by the reason of migrate/cluster/outcome.py. {by} is who said it, {ref} the object, {ns} its
# namespace. Reasons that say nothing of the object are not here: nobody could look.
FIXES: Mapping[str, str] = {
    "invalid": "correct the field with an override in gke2eks.yaml, or on the source, and plan again.",
    "immutable": "nobody can change that field of an object that is there. If nothing needs the one on the target, "
    "apply --on-conflict 'recreate={ref}' deletes it and makes it anew, with all its pods; else write its value with "
    "an override, or leave it out: --exclude '{ref}'",
    "forbidden": "get the right: gke2eks access target prints the role.",
    "escalation": "have it applied by somebody who has all that it grants, or may escalate and bind: gke2eks access "
    "target says which selection avoids it.",
    "quota": "raise ResourceQuota {by} in {ns}, or plan for less.",
    "pod_security": "correct the pod as the message says, or set pod-security.kubernetes.io/enforce on Namespace {ns}.",
    "admission": "change the object as the message says, or the LimitRange or class behind it.",
    "webhook": "ask who runs the webhook {by}, or change the object as it says.",
    "webhook_down": "start the backend of the webhook {by}; while it does not answer, nothing that it judges is taken.",
    "policy": "change the object as ValidatingAdmissionPolicy {by} asks, or have its owner make an exception.",
    "no_namespace": "make Namespace {ns}, or let it be part of this run.",
    "namespace_ending": "wait until Namespace {ns} is gone, and run preflight again: kubectl get namespace {ns}",
    "unserved": "install what serves this kind, or leave it out: --exclude '{ref}'",
    "absent": "make what it names first.",
    "exists": "look at what is there: gke2eks changes nothing that it did not make.",
    "changed": "run preflight again: somebody changed it at the same time.",
    "too_large": "make it smaller: a server takes about 1.5 MB, 1 MiB of it in a ConfigMap or Secret.",
    "other": "look at what the server says, and run preflight again.",
}
# In `default` these say something about `default`, and nothing about where the object will be.
OF_THE_NAMESPACE = frozenset({"quota", "pod_security", "admission", "forbidden", "escalation"})


def spaces(tried: tuple[Trial, ...]) -> Iterator[Check]:
    """PRE042: one for each Namespace that is only in the plan: what was not tried for its objects."""
    found: dict[str, list[Ref]] = {}
    for trial in tried:
        if trial.moved:
            found.setdefault(trial.ref.namespace, []).append(trial.ref)
    for space, refs in sorted(found.items()):
        count = f"{len(refs)} objects" if len(refs) > 1 else str(refs[0])
        what = (
            f"What depends on Namespace {space}, for {count}: ResourceQuota, LimitRange, PodSecurity, and webhooks and "
            "policies that select by namespace or name."
        )
        because = f"it is only in the plan, so they were tried in Namespace {ELSEWHERE} under {_NO_NAME}"
        fix = f"apply the Namespace alone and run preflight again: gke2eks apply --only Namespace/{space}"
        yield unknown(SPACE, what, because, fix, *refs)


def made_up(tried: tuple[Trial, ...]) -> Iterator[Check]:
    """PRE045: Secrets that were tried with other values than their own."""
    refs = [trial.ref for trial in tried if trial.made_up]
    if refs:
        count = f"{len(refs)} Secrets" if len(refs) > 1 else str(refs[0])
        what = f"The values of {count}: tried with made-up ones of the same sizes."
        because = "nobody named the source, or a side file of the snapshot, to read them from"
        yield unknown(MADE_UP, what, because, "name the source: --source-context NAME, or --age-identity FILE.", *refs)
