"""Whether the target serves the kinds of a plan, each in its very version.

The server's list of kinds names one version of each. Of custom kinds their definitions name all; for the others only
asking tells, and the dry runs ask in exactly the planned version: `left_to_dry_runs` are those, PRE030 is said there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Body
from migrate.model.plan import Plan
from migrate.model.ref import Ref, group_of
from migrate.preflight.identity import minor_of
from migrate.semantics.going import Going

SERVED, BY_PLAN, OLD = "PRE030", "PRE031", "PRE032"
CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")
API = ("apiregistration.k8s.io", "APIService")
Kind = tuple[str, str]  # group, kind
Exact = tuple[str, str]  # apiVersion, kind


@dataclass(frozen=True, slots=True)
class Removed:
    """Versions that Kubernetes serves no more from a minor version on, and what to write instead."""

    api_version: str
    kinds: frozenset[str]
    since: str
    instead: str


def _removed(since: str, api_version: str, kinds: str, instead: str) -> Removed:
    return Removed(api_version, frozenset(kinds.split()), since, instead)


# kubernetes.io/docs/reference/using-api/deprecation-guide, "Removed APIs by release". Servers of today do not know
# any more what they once served: without this table they only say that there is no such kind.
REMOVED: tuple[Removed, ...] = (
    _removed(
        "1.32",
        "flowcontrol.apiserver.k8s.io/v1beta3",
        "FlowSchema PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    _removed(
        "1.29",
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "FlowSchema PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    _removed("1.27", "storage.k8s.io/v1beta1", "CSIStorageCapacity", "storage.k8s.io/v1"),
    _removed(
        "1.26",
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "FlowSchema PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    _removed("1.26", "autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
    _removed("1.25", "batch/v1beta1", "CronJob", "batch/v1"),
    _removed("1.25", "discovery.k8s.io/v1beta1", "EndpointSlice", "discovery.k8s.io/v1"),
    _removed("1.25", "events.k8s.io/v1beta1", "Event", "events.k8s.io/v1"),
    _removed("1.25", "autoscaling/v2beta1", "HorizontalPodAutoscaler", "autoscaling/v2"),
    _removed("1.25", "policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
    _removed("1.25", "policy/v1beta1", "PodSecurityPolicy", ""),
    _removed("1.25", "node.k8s.io/v1beta1", "RuntimeClass", "node.k8s.io/v1"),
    _removed(
        "1.22",
        "admissionregistration.k8s.io/v1beta1",
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
    ),
    _removed("1.22", "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "apiextensions.k8s.io/v1"),
    _removed("1.22", "apiregistration.k8s.io/v1beta1", "APIService", "apiregistration.k8s.io/v1"),
    _removed("1.22", "certificates.k8s.io/v1beta1", "CertificateSigningRequest", "certificates.k8s.io/v1"),
    _removed("1.22", "coordination.k8s.io/v1beta1", "Lease", "coordination.k8s.io/v1"),
    _removed("1.22", "extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
    _removed("1.22", "networking.k8s.io/v1beta1", "Ingress IngressClass", "networking.k8s.io/v1"),
    _removed(
        "1.22",
        "rbac.authorization.k8s.io/v1beta1",
        "ClusterRole ClusterRoleBinding Role RoleBinding",
        "rbac.authorization.k8s.io/v1",
    ),
    _removed("1.22", "scheduling.k8s.io/v1beta1", "PriorityClass", "scheduling.k8s.io/v1"),
    _removed("1.22", "storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment", "storage.k8s.io/v1"),
    _removed("1.16", "extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
    _removed("1.16", "extensions/v1beta1", "DaemonSet Deployment ReplicaSet", "apps/v1"),
    _removed("1.16", "apps/v1beta2", "DaemonSet Deployment ReplicaSet StatefulSet", "apps/v1"),
    _removed("1.16", "apps/v1beta1", "Deployment StatefulSet", "apps/v1"),
)


def removed(api_version: str, kind: str, minor: str) -> Removed | None:
    """The row that says why a server of this minor version has no such kind."""
    now = minor_of(minor)
    found = (row for row in REMOVED if row.api_version == api_version and kind in row.kinds)
    return next((row for row in found if now is None or now >= (minor_of(row.since) or (0, 0))), None)


def used(plan: Plan) -> tuple[frozenset[str], frozenset[tuple[str, str, str]]]:
    """(groups in which the plan itself defines or serves kinds, (group, apiVersion, kind) of all that it sends)."""
    bodies = [(step.ref, step.body) for step in plan.steps if step.body is not None]
    own = {_text(_spec(body), "group") for ref, body in bodies if (ref.group, ref.kind) in (CRD, API)}
    return frozenset(own), frozenset((ref.group, _text(body, "apiVersion"), ref.kind) for ref, body in bodies)


def versions_of(definition: Body) -> tuple[str, ...]:
    """The versions that a CustomResourceDefinition serves."""
    versions = _spec(definition).get("versions")
    rows = [one for one in versions if isinstance(one, Mapping)] if isinstance(versions, list) else []
    return tuple(str(one.get("name")) for one in rows if one.get("served") is True)


def defined_by(bodies: Mapping[Ref, Body]) -> Mapping[Kind, tuple[Ref, Body]]:
    """{(group, kind): its definition} of the CustomResourceDefinitions among these."""
    found = {}
    for ref, body in bodies.items():
        names = _spec(body).get("names")
        if (ref.group, ref.kind) == CRD and isinstance(names, Mapping):
            found[_text(_spec(body), "group"), str(names.get("kind"))] = (ref, body)
    return found


def behind_services(bodies: Mapping[Ref, Body]) -> Mapping[str, Ref]:
    """{apiVersion: the APIService that answers for it} of the APIServices among these."""
    return {
        f"{_text(_spec(body), 'group')}/{_text(_spec(body), 'version')}": ref
        for ref, body in bodies.items()
        if (ref.group, ref.kind) == API
    }


class Kinds:
    """What is known of the kinds of a plan before anything is sent."""

    def __init__(self, going: Going, seen: Seen) -> None:
        kinds = seen.kinds()
        self.preferred: Mapping[Kind, str] = {(one.group, one.kind): one.api_version for one in kinds if one.plural}
        self.silent: Mapping[str, str] = {one.group: one.api_version for one in kinds if not one.plural}
        self.planned = defined_by(going.bodies)
        self.services = behind_services(going.bodies)
        shown = seen.of(*CRD)
        self.why = shown.why
        self.there = defined_by(shown.bodies)

    def served(self, exact: Exact) -> bool | None:
        """Tell whether the target serves exactly this; None: its list of kinds cannot say."""
        group = group_of(exact[0])
        kind = (group, exact[1])
        if self.preferred.get(kind) == exact[0]:
            return True
        if kind in self.preferred:
            if kind not in self.there:
                return None
            return exact[0].rpartition("/")[2] in versions_of(self.there[kind][1])
        return None if group in self.silent else False


def left_to_dry_runs(going: Going, seen: Seen) -> frozenset[Exact]:
    """Kinds that the target serves, but perhaps in another version than the planned one."""
    known = Kinds(going, seen)
    return frozenset(exact for exact in _by_kind(going) if _other_version(known, exact))


def checks(going: Going, seen: Seen) -> Iterator[Check]:
    """PRE030: served as planned; PRE031: will be, by the plan's own definition."""
    known = Kinds(going, seen)
    fine: list[Exact] = []
    for exact, refs in sorted(_by_kind(going).items()):
        served = known.served(exact)
        kind = (group_of(exact[0]), exact[1])
        if served:
            fine.append(exact)
        elif kind in known.planned:
            yield _planned(exact, refs, *known.planned[kind])
        elif exact[0] in known.services:
            by = known.services[exact[0]]
            yield passed(BY_PLAN, f"{_called(exact)} will be served by the plan's own {by}.", *refs)
        elif served is None and kind[0] in known.silent:
            what = f"Whether {_called(exact)} is served, for {_count(refs)}."
            because = f"the server behind {known.silent[kind[0]]} does not answer"
            fix = f"look at it: kubectl get apiservice; then run preflight again. It answers for {kind[0]}."
            yield unknown(SERVED, what, because, fix, *refs)
        elif served is False:
            yield not_served(exact, seen, refs)
    if fine:
        names = f"{len(fine)} kind{'s are' if len(fine) > 1 else ' is'} served in the planned version"
        yield passed(SERVED, f"{names}: {', '.join(_called(one) for one in fine)}.")


def not_served(exact: Exact, seen: Seen, refs: Iterable[Ref]) -> Check:
    """The finding about a kind, or a version of it, that the target does not have."""
    found = tuple(refs)
    row = removed(exact[0], exact[1], seen.minor)
    if row is not None:
        what = f"Kubernetes {row.since} took {_called(exact)} away; {_count(found)} cannot be sent."
        to = f"write apiVersion: {row.instead} with an override, or on the source," if row.instead else "leave it out"
        fix = f"{to} and plan again."
        return finding(OLD, what, fix, *found, severity=Severity.BLOCKER)
    what = f"The target does not serve {_called(exact)}; {_count(found)} cannot be sent."
    others = {one.api_version for one in seen.kinds() if (one.group, one.kind) == (group_of(exact[0]), exact[1])}
    if others:
        what = f"The target serves {exact[1]} in {', '.join(sorted(others))} and not in {exact[0]}."
        fix = f"write apiVersion: {min(others)} with an override, or on the source, and plan again."
        return finding(SERVED, what, fix, *found, severity=Severity.BLOCKER)
    fix = (
        f"install what brings {exact[1]} of {group_of(exact[0]) or 'the core group'} (its chart, or its definition), "
        f"or leave it out: --exclude '{_all_of(found)}'"
    )
    return finding(SERVED, what, fix, *found, severity=Severity.BLOCKER)


def _all_of(refs: tuple[Ref, ...]) -> str:
    some = refs[0]
    return str(Ref(some.group, some.kind, "*" if some.namespace else "", "*"))


def _planned(exact: Exact, refs: tuple[Ref, ...], definition: Ref, body: Body) -> Check:
    if exact[0].rpartition("/")[2] in versions_of(body):
        return passed(BY_PLAN, f"{_called(exact)} will be served by the plan's own {definition}.", *refs)
    what = f"{definition} of the plan does not serve {exact[0]}; {_count(refs)} cannot be sent."
    served = ", ".join(versions_of(body)) or "no version"
    fix = f"write one of its versions ({served}) with an override, or send a definition that has it."
    return finding(BY_PLAN, what, fix, *refs, severity=Severity.BLOCKER)


def _other_version(known: Kinds, exact: Exact) -> bool:
    kind = (group_of(exact[0]), exact[1])
    return known.served(exact) is None and kind in known.preferred and kind not in known.planned


def _by_kind(going: Going) -> Mapping[Exact, tuple[Ref, ...]]:
    found: dict[Exact, list[Ref]] = {}
    for ref, body in going.bodies.items():
        found.setdefault((_text(body, "apiVersion"), ref.kind), []).append(ref)
    return {exact: tuple(sorted(refs)) for exact, refs in found.items()}


def _called(exact: Exact) -> str:
    return f"{exact[0]} {exact[1]}"


def _count(refs: tuple[Ref, ...]) -> str:
    return f"{len(refs)} objects" if len(refs) > 1 else str(refs[0]) if refs else "an object"


def _spec(body: Body) -> Mapping[str, Any]:
    spec = body.get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _text(body: Mapping[str, Any], name: str) -> str:
    return str(body.get(name) or "")
