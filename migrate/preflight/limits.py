"""LimitRanges: which pods and claims would be refused. A workload is taken all the same; only events tell."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Object
from migrate.model.ref import Ref
from migrate.preflight.after import after
from migrate.preflight.limit_ranges import OF_CLAIMS, OF_PODS, Limit, refusals_of_claim, refusals_of_pod
from migrate.preflight.pods_wanted import limit_ranges, pods_wanted
from migrate.semantics.claims import HOLDERS, claims
from migrate.semantics.going import Going

_PODS, _CLAIMS = "PRE085", "PRE086"
_RANGE = ("", "LimitRange")
_SILENT = "the workload is taken, but each of its pods is refused; only its events say so"


def checks(going: Going, seen: Seen) -> Iterator[Check]:
    """Judge the pods of workloads and the claims that go, in namespaces that have or get a LimitRange."""
    ranges = after(going, seen, *_RANGE)
    limits = limit_ranges(ranges)
    spaces = {ref.namespace for ref in going.bodies if (ref.group, ref.kind) in HOLDERS}
    if ranges.why and spaces:
        what = f"whether LimitRanges of {_some(sorted(spaces))} refuse pods or claims"
        yield unknown(_PODS, what, ranges.why, "let the caller list limitranges, or look by hand.")
    yield from _pods(going, seen, limits)
    yield from _claims(going, limits)


def _pods(going: Going, seen: Seen, limits: dict[str, list[Limit]]) -> Iterator[Check]:
    refused: dict[tuple[str, str], list[Ref]] = {}
    fine: list[Ref] = []
    for one in pods_wanted(going, seen):
        here = [limit for limit in limits.get(one.ref.namespace, ()) if limit.type in OF_PODS]
        why = "; ".join(dict.fromkeys(refusals_of_pod(one.spec, here)))
        if why:
            refused.setdefault((one.ref.namespace, why), []).append(one.ref)
        elif here:
            fine.append(one.ref)
    for (space, why), refs in sorted(refused.items()):
        message = f"The LimitRange of {space} would refuse {_count(refs, 'Pod', 'pods of ')}: {why}."
        silent = _SILENT if any(ref.kind != "Pod" for ref in refs) else ""
        fix = "set other requests and limits by an override, or change the LimitRange."
        yield finding(_PODS, message, fix, *refs, because=silent, severity=Severity.BLOCKER)
    if fine:
        yield passed(_PODS, f"LimitRanges take the pods of {_workloads(len(fine))}", *fine)


def _claims(going: Going, limits: dict[str, list[Limit]]) -> Iterator[Check]:
    refused: dict[tuple[str, str], list[Ref]] = {}
    fine: list[Ref] = []
    for ref, body in sorted(going.bodies.items()):
        if (ref.group, ref.kind) not in HOLDERS:
            continue
        here = [limit for limit in limits.get(ref.namespace, ()) if limit.type in OF_CLAIMS]
        whys = [why for claim in claims(Object(ref, body)) for why in refusals_of_claim(claim.spec, here)]
        if whys:
            refused.setdefault((ref.namespace, "; ".join(dict.fromkeys(whys))), []).append(ref)
        elif here and any(True for _ in claims(Object(ref, body))):
            fine.append(ref)
    for (space, why), refs in sorted(refused.items()):
        message = (
            f"The LimitRange of {space} would refuse {_count(refs, 'PersistentVolumeClaim', 'claims of ')}: it {why}."
        )
        silent = any(ref.kind != "PersistentVolumeClaim" for ref in refs)
        because = "the set is taken, but its claims are refused, and its pods wait for them" if silent else ""
        fix = "change the size by an override, or change the LimitRange."
        yield finding(_CLAIMS, message, fix, *refs, because=because, severity=Severity.BLOCKER)
    if fine:
        yield passed(
            _CLAIMS, f"LimitRanges take the claims of {'1 object' if len(fine) == 1 else f'{len(fine)} objects'}", *fine
        )


def _count(refs: list[Ref], itself: str, of: str) -> str:
    return refs[0].short if len(refs) == 1 and refs[0].kind == itself else f"{of}{_some([ref.short for ref in refs])}"


def _workloads(count: int) -> str:
    return "1 workload" if count == 1 else f"{count} workloads"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
