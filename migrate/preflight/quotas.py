"""ResourceQuotas: is there room for what goes, for the most that autoscalers may start, and for rolling updates?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from migrate.manifest.places import get
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Body
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.after import after
from migrate.preflight.limit_ranges import missing
from migrate.preflight.pods_wanted import Wanted, pods_wanted
from migrate.preflight.quota_demand import Demand, demands, used_there
from migrate.preflight.quota_usage import means, plurals, scopes
from migrate.preflight.requests import for_whole_pod
from migrate.preflight.room_nodes import daemon_counts
from migrate.semantics.going import Going
from migrate.semantics.quantities import amounts, shown

_ROOM, _STATED, _SURGE, _MOST = "PRE080", "PRE081", "PRE082", "PRE083"
_SILENT = "the workloads are taken, but pods beyond the quota are refused; only events say so"
_NONE = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Quota:
    """A quota after apply: what it allows and what is used of it now; `why` by resource that nobody could look at."""

    ref: Ref
    hard: Mapping[str, Fraction]
    used: Mapping[str, Fraction]
    scopes: list[Body]
    why: Mapping[str, str]


def checks(going: Going, seen: Seen) -> Iterator[Check]:
    """Judge every quota of a namespace that something goes to."""
    spaces = {ref.namespace for ref in going.bodies if ref.namespace}
    found = after(going, seen, "", "ResourceQuota")
    if found.why and spaces:
        what = f"whether the quotas of {_some(sorted(spaces))} have room"
        yield unknown(_ROOM, what, found.why, "let the caller list resourcequotas, or look by hand.")
    here = {ref: body for ref, body in sorted(found.bodies.items()) if ref.namespace in spaces}
    if not here:
        return
    wanted = pods_wanted(going, seen)
    coming = demands(going, seen, wanted, daemon_counts(wanted, going, seen))
    fine = []
    for ref, body in here.items():
        quota = _quota(ref, body, found.live.get(ref), going, seen)
        said = [*_judged(quota, coming.get(ref.namespace, []), going)]
        said += _unstated(quota, [one for one in wanted if one.ref.namespace == ref.namespace])
        yield from said
        fine += [ref] if not said else []
    if fine:
        yield passed(_ROOM, f"{_quotas(len(fine))} room for what goes", *fine)


def _quota(ref: Ref, body: Body, live: Body | None, going: Going, seen: Seen) -> _Quota:
    hard = amounts(get(body, P("spec", "hard")))
    selectors = scopes(body)
    used = amounts(get(live, P("status", "used"))) if live is not None else {}
    unknown_yet = [name for name in hard if name not in used]
    there, why = used_there(unknown_yet, ref.namespace, selectors, plurals(going, seen), seen)
    return _Quota(ref, hard, {**there, **used}, selectors, why)


def _judged(quota: _Quota, coming: list[Demand], going: Going) -> Iterator[Check]:
    mine = [one for one in coming if _counts(one, quota)]
    full: dict[tuple[str, str], list[Demand]] = {}
    for name, hard in sorted(quota.hard.items()):
        asked = [one for one in mine if one.each.get(name)]
        if name in quota.why:
            if asked:
                what = f"how much of {name} in {quota.ref} is used"
                yield unknown(_ROOM, what, quota.why[name], "let the caller list it, or look by hand.", quota.ref)
            continue
        used = quota.used.get(name, _NONE)
        new = _sum(asked, name, lambda one: one.count)
        most = _sum(asked, name, lambda one: max(one.most, one.count))
        left = hard - used
        if new > left:
            full[_ROOM, f"{name}: {_of(name, new, used, hard)}"] = [one for one in asked if one.count]
        elif most > left:
            full[_MOST, f"{name}: {_of(name, most, used, hard)}"] = [one for one in asked if one.most > one.count]
        else:
            tight = [one for one in asked if one.surge and new + one.each[name] * one.surge > left]
            if tight:
                full[_SURGE, f"{name}: {_of(name, new, used, hard)}"] = tight
    for id in (_ROOM, _MOST, _SURGE):
        reasons = {text: these for (which, text), these in full.items() if which == id}
        if reasons:
            yield _said(id, quota, reasons, going)


def _said(id: str, quota: _Quota, reasons: Mapping[str, list[Demand]], going: Going) -> Check:
    these = [one for some in reasons.values() for one in some]
    refs = sorted({one.ref for one in these})
    what = "; ".join(reasons)
    if id == _MOST:
        message = f"{quota.ref} has no room for the most that autoscalers may start: {what}."
        fix = "raise the quota, or lower the autoscalers' maximum."
        return finding(id, message, fix, quota.ref, *refs)
    if id == _SURGE:
        message = f"{quota.ref} has no room for the pods that a rolling update starts first (maxSurge): {what}."
        because = "an update goes on only as far as maxUnavailable lets old pods end before new ones start"
        return finding(id, message, "raise the quota, or set maxSurge: 0.", quota.ref, *refs, because=because)
    held = sum(ref in going.held for ref in refs)
    later = f" ({held} of them held: it shows at release)" if held else ""
    message = f"{quota.ref} has no room for what goes{later}: {what}."
    silent = _SILENT if any(one.silent for one in these) else ""
    fix = "raise the quota, or lower the replicas or requests by an override."
    return finding(id, message, fix, quota.ref, *refs, because=silent, severity=Severity.BLOCKER)


def _unstated(quota: _Quota, wanted: Iterable[Wanted]) -> Iterator[Check]:
    """A quota of cpu or memory wants every container to state it; that nothing is left of it is another thing."""
    found: dict[Ref, list[str]] = {}
    for one in wanted:
        stopped = not (one.count or one.everywhere)
        if stopped or for_whole_pod(one.spec) or not means(quota.scopes, one.spec):
            continue
        for container, names in missing(one.spec, quota.hard).items():
            found.setdefault(one.ref, []).append(f"{container} of {one.ref.short} states no {' and no '.join(names)}")
    if not found:
        return
    every = [said for some in found.values() for said in some]
    message = f"{quota.ref} wants every container to state what it limits: {_some(every)}."
    fix = "state requests and limits by an override, or put a LimitRange with defaults into the namespace."
    because = "the workload is taken, but its pods are refused; only its events say so"
    yield finding(_STATED, message, fix, quota.ref, *sorted(found), because=because, severity=Severity.BLOCKER)


def _counts(one: Demand, quota: _Quota) -> bool:
    if not quota.scopes:
        return True
    return one.pod is not None and means(quota.scopes, one.pod)


def _sum(these: Iterable[Demand], name: str, count: Callable[[Demand], int]) -> Fraction:
    return sum((one.each[name] * count(one) for one in these), _NONE)


def _of(name: str, new: Fraction, used: Fraction, hard: Fraction) -> str:
    return f"{shown(name, new)} more, and {shown(name, used)} of {shown(name, hard)} are used"


def _quotas(count: int) -> str:
    return "1 ResourceQuota has" if count == 1 else f"{count} ResourceQuotas have"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
