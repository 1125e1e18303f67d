"""PRE070–073: admission webhooks, APIServices and conversions whose backend does not answer, or comes too late.

ValidatingAdmissionPolicies need no look: dry runs ask them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from migrate.manifest.places import get
from migrate.manifest.waves import wave_of
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.references_there import There, is_ending
from migrate.preflight.references_words import counted, few
from migrate.preflight.webhooks_backend import Backend, State, backend
from migrate.preflight.webhooks_match import CONFIGURATIONS, GROUP, Hook, Match, Request, hooks, requests
from migrate.semantics.going import Going

STANDING, COMING, ADDING, SERVING = "PRE070", "PRE071", "PRE072", "PRE073"
_WORKLOADS = wave_of(Ref("apps", "Deployment", "", ""))
_UNJUDGED = "its matchConditions, or what could not be listed, may spare some"


def checks(going: Going, seen: Seen) -> Iterator[Check]:
    """Look at the webhooks of the target, then at those that go, then at what else is served by a Service."""
    there = There(going, seen)
    asked = requests(going, seen)
    for kind in CONFIGURATIONS:
        shown = seen.of(GROUP, kind)
        if shown.why:
            what = f"Whether a {kind} of the target would refuse what goes."
            fix = f"grant list on {kind.lower()}s.{GROUP}, or look yourself: kubectl get {kind.lower()}s"
            yield unknown(STANDING, what, shown.why, fix)
        for ref, body in sorted(shown.bodies.items()):
            if not is_ending(body):
                yield from _standing(there, Object(ref, body), asked)
    for obj in there.objects:
        if obj.ref.group == GROUP and obj.ref.kind in CONFIGURATIONS:
            yield from _coming(there, obj, asked)
    yield from _serving(there)


def _standing(there: There, config: Object, asked: Sequence[Request]) -> Iterator[Check]:
    """A configuration on the target: all its webhooks that fail closed have somebody who answers."""
    fine = 0
    for hook in hooks(config):
        matched = _matched(hook, asked)
        if not hook.closed or not matched:
            fine += 1
            continue
        behind = backend(there, hook.client)
        if behind.state is State.ANSWERS:
            fine += 1
        elif behind.state is State.UNKNOWN:
            yield unknown(
                STANDING,
                f"Whether anybody answers behind {_name(hook)} of the target, which would else refuse "
                f"{_counted(matched)}.",
                behind.why,
                f"look yourself: kubectl get {config.ref.kind.lower()} {config.ref.name} -o yaml; dry runs ask it, "
                "too, but not about pods of workloads.",
                *_refs(matched),
            )
        else:
            yield _refuses(hook, behind, matched)
    if fine:
        yield passed(STANDING, f"{config.ref} of the target stands in nobody's way.", config.ref)


def _refuses(hook: Hook, behind: Backend, matched: Mapping[Request, Match]) -> Check:
    early = {one: match for one, match in matched.items() if one.is_pod or wave_of(one.ref) <= _WORKLOADS}
    comes = behind.state is State.COMES
    bad = early if comes and early else matched
    sure = any(match is Match.YES for match in bad.values()) and not (comes and not early)
    when = f", which comes only with {few(map(str, behind.behind), 2)}" if comes else ""
    because = f"it fails closed, and {behind.why}."
    if comes and not early:
        because = f"{because[:-1]}; it is asked only about what comes after its backend, which may not answer at once."
    if not all(match is Match.YES for match in bad.values()):
        because = f"{because[:-1]}; {_UNJUDGED}."
    return finding(
        STANDING,
        f"{_name(hook)} is on the target without its backend {behind.what}{when}: it would refuse {_counted(bad)}.",
        f"let it pass them until its backend answers: {_open(hook)}",
        *_refs(bad),
        because=because,
        severity=Severity.BLOCKER if sure else Severity.REVIEW,
    )


def _coming(there: There, config: Object, asked: Sequence[Request]) -> Iterator[Check]:
    """A configuration that goes: it is written after its backend, and after most of what it adds to."""
    late: dict[Ref, None] = {}
    fine = False
    for hook in hooks(config):
        behind = backend(there, hook.client)
        matched = _matched(hook, asked)
        if behind.behind:
            fine = True
        elif behind.state is State.UNKNOWN:
            if hook.closed:
                fix = "make sure that it answers from EKS, or take the configuration out of the selection."
                what = f"Whether anybody answers behind {_name(hook)}, which goes and fails closed."
                yield unknown(COMING, what, behind.why, fix, config.ref)
        elif behind.state is State.NOBODY:
            yield _nobody(hook, behind, matched)
        else:
            fine = True
        stands = there.live(config.ref).live is not None and behind.state is State.ANSWERS
        if config.ref.kind == "MutatingWebhookConfiguration" and not stands:
            late |= dict.fromkeys(one.ref for one in matched if _starts_first(there, one, behind))
    if fine:
        yield passed(COMING, f"{config.ref} is written after its backend, or finds it on the target.", config.ref)
    if late:
        yield finding(
            ADDING,
            f"{config.ref} is written after the workloads: the first pods of {counted(late)} start without what it "
            "adds.",
            "gke2eks apply --hold, then gke2eks release, which starts its backend, then writes it, then starts the "
            "rest; or restart them afterwards: kubectl rollout restart",
            *late,
            because="it has to come after its backend, which is a workload itself.",
        )


def _starts_first(there: There, one: Request, behind: Backend) -> bool:
    """Tell whether the pod of a request starts before the webhook is written. A held one starts at release."""
    pod = one.is_pod or (one.ref.group, one.ref.kind) == ("", "Pod")
    return pod and one.ref not in there.going.held and one.ref not in behind.behind


def _nobody(hook: Hook, behind: Backend, matched: Mapping[Request, Match]) -> Check:
    if not hook.closed:
        fix = behind.fix or "make its backend on EKS first, or leave the configuration out."
        said = f"{_name(hook)} goes, and nobody answers behind it; it fails open, so it does nothing."
        return finding(COMING, said, fix, hook.config, because=f"{behind.why}.")
    also = f"; {_counted(matched)} of this plan, too" if matched else ""
    return finding(
        COMING,
        f"{_name(hook)} goes and fails closed, and nobody answers behind it.",
        behind.fix or f"make its backend on EKS first, or leave it out: --exclude '{hook.config}'",
        hook.config,
        because=f"{behind.why}. From then on the server refuses every write that it is asked about{also}.",
        severity=Severity.BLOCKER,
    )


def _serving(there: There) -> Iterator[Check]:
    """APIServices and conversions that go: a Service answers for them."""
    for obj in there.objects:
        client, harm = _served(obj)
        if not isinstance(client, Mapping):
            continue
        behind = backend(there, client)
        if behind.state is State.NOBODY:
            fix = behind.fix or f"make its backend on EKS first, or leave it out: --exclude '{obj.ref}'"
            said = f"{obj.ref} goes, and nobody answers behind it."
            because = f"{behind.why}; {harm}."
            yield finding(SERVING, said, fix, obj.ref, because=because, severity=Severity.BLOCKER)
        elif behind.state is State.UNKNOWN and not behind.behind:
            fix = f"look yourself at {behind.what}."
            yield unknown(SERVING, f"Whether anybody answers behind {obj.ref}.", behind.why, fix, obj.ref)
        else:
            yield passed(SERVING, f"{obj.ref} has a backend.", obj.ref)


def _served(obj: Object) -> tuple[Any, str]:
    if (obj.ref.group, obj.ref.kind) == ("apiregistration.k8s.io", "APIService"):
        service = obj.spec.get("service")
        harm = "discovery tells every client of an error, and no Namespace can be deleted to its end"
        return ({"service": service} if service else None), harm
    if (obj.ref.group, obj.ref.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
        client = get(obj.body, P("spec", "conversion", "webhook", "clientConfig"))
        if get(obj.body, P("spec", "conversion", "strategy")) == "Webhook":
            return client, "objects of this kind cannot be read or written in any version but the stored one"
    return None, ""


def _matched(hook: Hook, asked: Iterable[Request]) -> dict[Request, Match]:
    found = ((one, hook.asks(one)) for one in asked)
    return {one: match for one, match in found if match is not Match.NO}


def _refs(matched: Iterable[Request]) -> list[Ref]:
    return sorted({one.ref for one in matched})


def _counted(matched: Iterable[Request]) -> str:
    """'2 Services and 1 Deployment, and pods of 3 Deployments'."""
    every = list(matched)
    direct, pods = [one.ref for one in every if not one.is_pod], [one.ref for one in every if one.is_pod]
    parts = [counted(direct)] if direct else []
    parts += [f"pods of {counted(pods)}"] if pods else []
    return ", and ".join(parts)


def _name(hook: Hook) -> str:
    return f"{hook.body.get('name')} of {hook.config}"


def _open(hook: Hook) -> str:
    patch = f'[{{"op":"replace","path":"/webhooks/{hook.index}/failurePolicy","value":"Ignore"}}]'
    return f"kubectl patch {hook.config.kind.lower()} {hook.config.name} --type=json -p '{patch}'"
