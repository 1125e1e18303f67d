"""Strict server-side dry runs of all that a run would send: PRE040–PRE047, and PRE030 where only asking tells."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from migrate.cluster.outcome import Applied, Conflict, Reason, Rejected, Tried
from migrate.cluster.port import Target
from migrate.flow.threads import in_threads
from migrate.manifest.places import get
from migrate.model.checks import Check, Seen, Status, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import MISSING, Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.dryrun import (
    CLASH,
    ELSEWHERE,
    ENDING,
    FIXES,
    OF_THE_NAMESPACE,
    REMARK,
    TAKEN,
    Trial,
    dropped,
    elsewhere,
    made_up,
    offline,
    spaces,
    trials,
)
from migrate.preflight.served import OLD, SERVED, left_to_dry_runs, not_served
from migrate.semantics.going import Going

_THREADS = 8
# `configmaps "m" is forbidden: …`: what comes after is the same for many objects.
_OF_ONE = re.compile(r'\A\S+ "[^"]*" is (?:forbidden|invalid): ')
# "v1 Endpoints is deprecated in v1.33+; use …"; of a field it says "spec.x: deprecated since …".
_DEPRECATED = re.compile(r"(\S+/)?v\d\S* \S+ is deprecated in ")
# PodSecurity warns of workloads whose pods it will refuse; PRE075 judges those by what the Namespace will say.
_POD_SECURITY = "would violate PodSecurity"
_NOT_JUDGED = frozenset({Reason.THROTTLED, Reason.WEBHOOK_NO_DRY_RUN})


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a trial."""

    trial: Trial
    tried: Tried | None


def dry_runs(
    target: Target,
    going: Going,
    seen: Seen,
    bodies: Mapping[Ref, Body],
    watch: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[Check]:
    """Try everything that goes and is served. `bodies` are those to send, Secrets filled; others get made-up values.

    `watch` is told how many of how many are done. Raises NotLoggedIn, Unreachable and Refused as `Target.dry_run`.
    """
    jobs = trials(going, seen, bodies)
    ask = left_to_dry_runs(going, seen)

    def one(trial: Trial, _: threading.Event) -> Done:
        if not trial.served:
            return Done(trial, None)
        tried = target.dry_run(trial.body)
        if _no_namespace(tried) and Ref("", "Namespace", "", trial.ref.namespace) in going.steps:
            # Namespaces could not be listed, or this one has gone since.
            trial = Trial(
                trial.ref,
                elsewhere(trial.ref, trial.body),
                True,
                trial.definition,
                True,
                trial.made_up,
                trial.without,
            )
            tried = target.dry_run(trial.body)
        return Done(trial, tried)

    done = in_threads(jobs, one, _THREADS, lambda found: watch(len(found), len(jobs)))
    done.sort(key=lambda one: one.trial.ref)
    yield from _grouped(check for one in done for check in _judged(one, going, seen, ask))
    yield from spaces(tuple(one.trial for one in done))
    yield from made_up(tuple(one.trial for one in done))
    yield from _remarks(done)


def _no_namespace(tried: Tried) -> bool:
    return isinstance(tried, Rejected) and tried.reason is Reason.NO_NAMESPACE


def _judged(done: Done, going: Going, seen: Seen, ask: frozenset[tuple[str, str]]) -> Iterator[Check]:
    trial, tried = done.trial, done.tried
    fits = list(offline(trial))
    yield from fits
    exact = (str(trial.body.get("apiVersion") or ""), trial.ref.kind)
    unserved = isinstance(tried, Rejected) and tried.reason is Reason.UNSERVED
    if exact in ask and not unserved and tried is not None:
        yield passed(SERVED, f"{exact[0]} {exact[1]} is served.", trial.ref)
    if isinstance(tried, Applied):
        yield from _applied(trial, tried)
    elif isinstance(tried, Conflict):
        yield _conflict(trial, tried)
    elif isinstance(tried, Rejected):
        # The definition that is there goes before the object does: what the plan's own says counts.
        if trial.definition is not None and tried.reason in (Reason.INVALID, Reason.UNSERVED):
            return
        yield not_served(exact, seen, (trial.ref,)) if unserved else _rejected(trial, tried, going)


def _applied(trial: Trial, tried: Applied) -> Iterator[Check]:
    ref = trial.ref
    if tried.ending:
        what = f"{ref} is being deleted on the target, and would be gone soon after."
        fix = f"wait until it is gone, and run preflight again; its finalizers may hold it: kubectl get {_path(ref)}"
        yield finding(ENDING, what, fix, ref, severity=Severity.BLOCKER)
        return
    how = "created" if tried.created else "taken"
    where = f", tried in Namespace {ELSEWHERE}" if trial.moved else ""
    but = f", without {' and '.join(trial.without)}, which comes with the plan" if trial.without else ""
    yield passed(TAKEN, f"{ref} would be {how}{where}{but}.", ref)
    yield from dropped(trial, tried.body)


def _conflict(trial: Trial, tried: Conflict) -> Check:
    ref = trial.ref
    managers = ", ".join(sorted({one.manager for one in tried.causes}))
    fields = "; ".join(
        f"{one.path} belongs to {one.manager}: there {_shown(one.theirs)}, planned {_shown(one.ours)}"
        for one in tried.causes
    )
    what = f"{ref} would be left out, for others own fields of it: {fields}."
    fix = (
        f"write their value with an override in gke2eks.yaml and plan again, have {managers} give the fields up, or "
        "say what apply does about it (--on-conflict adopt, overwrite or keep-target), or leave it out: "
        f"--exclude '{ref}'"
    )
    return finding(CLASH, what, fix, ref, severity=Severity.BLOCKER)


def _rejected(trial: Trial, no: Rejected, going: Going) -> Check:
    ref, said = trial.ref, f"{no.message}"
    where = f" (tried in Namespace {ELSEWHERE})" if trial.moved else ""
    blind = _blind(trial, no, going)
    if blind:
        because, fix = blind
        return unknown(TAKEN, f"Whether {ref} would be taken: {said}{where}", because, fix, ref)
    reason = "immutable" if _immutable(no) else no.reason.value
    fix = FIXES.get(reason, FIXES["other"]).format(by=no.by or "that it names", ref=ref, ns=ref.namespace or "it names")
    what = f"{ref} would be refused{where}: {said}"
    return finding(TAKEN, what, fix, ref, because=_because(no.reason), severity=Severity.BLOCKER)


def _blind(trial: Trial, no: Rejected, going: Going) -> tuple[str, str] | None:
    """(because, fix) of a no that says nothing about the object where it will be; None: it does."""
    if no.reason is Reason.WEBHOOK_NO_DRY_RUN:
        return f"the webhook {no.by} cannot be asked without side effects", "ask whoever runs it, or see at apply."
    if no.reason in _NOT_JUDGED:
        return "the server had too much to do", "run preflight again."
    if trial.moved and no.reason.value in OF_THE_NAMESPACE:
        because = f"it was tried in Namespace {ELSEWHERE}, whose own rules refused it"
        return because, "apply its Namespace alone and run preflight again."
    if trial.moved and any(one.field.startswith("metadata.name") for one in no.faults):
        return "it was tried under a throw-away name, which its kind does not take", "see at apply."
    role = _role(trial)
    if no.reason in (Reason.ABSENT, Reason.NO_NAMESPACE) and role in going.steps:
        return f"it names {role}, which comes with the plan, and earlier", "run preflight again when that is applied."
    return None


def _role(trial: Trial) -> Ref | None:
    """The role of a binding: servers look it up when the caller may not grant all."""
    named = get(trial.body, P("roleRef"))
    if trial.ref.group != "rbac.authorization.k8s.io" or not isinstance(named, Mapping):
        return None
    kind = str(named.get("kind"))
    return Ref(trial.ref.group, kind, trial.ref.namespace if kind == "Role" else "", str(named.get("name")))


def _immutable(no: Rejected) -> bool:
    return no.fixed


def _because(reason: Reason) -> str:
    return {
        Reason.FORBIDDEN: "the caller has no right to it",
        Reason.ESCALATION: "nobody may grant more than they have",
        Reason.WEBHOOK_DOWN: "the webhook fails closed",
        Reason.TOO_LARGE: "servers limit the size of an object",
    }.get(reason, "")


def _remarks(done: list[Done]) -> Iterator[Check]:
    """What the server says beside its answers: deprecated versions (PRE032) and fields (PRE046)."""
    found: dict[str, list[Ref]] = {}
    for one in done:
        # Made-up values earn remarks of their own.
        for text in one.tried.remarks if one.tried is not None and not one.trial.made_up else ():
            if not text.startswith(_POD_SECURITY):
                found.setdefault(text, []).append(one.trial.ref)
    for text, refs in sorted(found.items()):
        if _DEPRECATED.match(text):
            fix = "write the version that it names with an override, or on the source, and plan again."
            yield finding(OLD, f"Deprecated: {text}.", fix, *refs)
        else:
            fix = "nothing now; look at it before the target's next upgrade."
            yield finding(REMARK, f"The server remarks: {text}", fix, *refs, severity=Severity.INFO)


def _grouped(checks: Iterator[Check]) -> Iterator[Check]:
    """One finding for objects that are refused with the same words; passes stay one for each object."""
    same: dict[tuple[str, str, str], list[Check]] = {}
    for check in checks:
        text = check.message
        refused = f"{check.refs[0]} would be refused" if check.refs else ""
        if check.id != TAKEN or check.status is not Status.FINDING or not text.startswith(refused):
            yield check
            continue
        head, _, said = text.removeprefix(refused).partition(": ")
        same.setdefault((head, _OF_ONE.sub("", said), check.fix), []).append(check)
    for (head, said, fix), found in same.items():
        refs = tuple(ref for check in found for ref in check.refs)
        first = found[0]
        what = first.message if len(found) == 1 else f"{len(found)} objects would be refused{head}: {said}"
        yield finding(TAKEN, what, fix, *refs, because=first.because, severity=Severity.BLOCKER)


def _shown(value: object) -> str:
    if value is MISSING:
        return "not set"
    text = str(value) if isinstance(value, str | int | float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _path(ref: Ref) -> str:
    kind = f"{ref.kind.lower()}.{ref.group}" if "." in ref.group else ref.kind.lower()
    return f"{kind} {ref.name}" + (f" -n {ref.namespace}" if ref.namespace else "")
