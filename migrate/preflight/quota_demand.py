"""What a plan takes from the quotas of each namespace: every object and pod that is not there yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from migrate.manifest.places import get
from migrate.model.checks import Seen
from migrate.model.objects import Body, Object
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.preflight.after import after, mapping
from migrate.preflight.pods_wanted import Wanted
from migrate.preflight.quota_usage import as_claim, as_object, as_running, as_service, default_class, means, plurals
from migrate.preflight.requests import usage
from migrate.semantics.claims import Claim, claims
from migrate.semantics.going import Going
from migrate.semantics.holding_scaling import number
from migrate.semantics.quantities import Amounts, minus, plus

_ONE = Fraction(1)
# What controllers make one of for each object of a kind, as a quota names it.
_MAKES = {
    ("apps", "Deployment"): "count/replicasets.apps",
    ("apps", "StatefulSet"): "count/controllerrevisions.apps",
    ("apps", "DaemonSet"): "count/controllerrevisions.apps",
    ("batch", "CronJob"): "count/jobs.batch",
    ("", "Service"): "count/endpointslices.discovery.k8s.io",
}


@dataclass(frozen=True, slots=True)
class Demand:
    """What comes because of `ref`: `count` times `each`. `pod` is the pod's spec if these are pods, whom scopes may
    mean. `silent`: a controller makes them, so nobody hears of a refusal. `most`, `surge`: see Wanted."""

    ref: Ref
    each: Amounts
    count: int = 1
    most: int = 0
    surge: int = 0
    pod: Body | None = None
    silent: bool = False


def demands(going: Going, seen: Seen, wanted: Iterable[Wanted], nodes: Mapping[Ref, int]) -> dict[str, list[Demand]]:
    """{namespace: what comes}. `nodes`: on how many nodes each DaemonSet starts a new pod."""
    by_ref = {one.ref: one for one in wanted}
    names = plurals(going, seen)
    default = default_class(after(going, seen, "storage.k8s.io", "StorageClass").bodies)
    found: dict[str, list[Demand]] = {}
    for ref, body in sorted(going.bodies.items()):
        if not ref.namespace:
            continue
        here = found.setdefault(ref.namespace, [])
        live = seen.of(ref.group, ref.kind).bodies.get(ref)
        each = _each(ref, body, names, default)
        before = _each(ref, live, names, default) if live is not None else {}
        more = {name: value for name, value in minus(each, before).items() if value > 0}
        here.append(Demand(ref, more))
        if live is None and (ref.group, ref.kind) in _MAKES:
            here.append(Demand(ref, {_MAKES[ref.group, ref.kind]: _ONE}, silent=True))
        if ref in by_ref:
            one = by_ref[ref]
            count = nodes.get(ref, 0) if one.everywhere else one.new
            most = max(one.most - one.here, count)
            here.append(Demand(ref, usage(one.spec), count, most, one.surge, one.spec, silent=ref.kind != "Pod"))
            here.extend(_claims_of(ref, body, one, seen, default))
    for namespace in _new_namespaces(going, seen):
        # Kubernetes puts these into every namespace, and quotas count them.
        ref = Ref("", "Namespace", "", namespace)
        theirs = plus(as_object("configmaps", ""), as_object("serviceaccounts", ""))
        found.setdefault(namespace, []).append(Demand(ref, theirs, silent=True))
    return found


def _each(ref: Ref, body: Body, names: Mapping[tuple[str, str], str], default: str) -> Mapping[str, Fraction]:
    if (ref.group, ref.kind) == ("", "Pod"):
        return {}  # see its Wanted
    if (ref.group, ref.kind) == ("", "PersistentVolumeClaim"):
        notes = mapping(get(body, P("metadata", "annotations")))
        return as_claim(mapping(body.get("spec")), notes, default)
    plural = names.get((ref.group, ref.kind), "")
    found = as_object(plural, ref.group) if plural else {}
    return {**found, **as_service(body)} if (ref.group, ref.kind) == ("", "Service") else found


def _claims_of(ref: Ref, body: Body, one: Wanted, seen: Seen, default: str) -> Iterator[Demand]:
    live = seen.of("", "PersistentVolumeClaim").bodies
    start = number(get(body, P("spec", "ordinals", "start")), 0)
    for claim in claims(Object(ref, body)):
        each = as_claim(claim.spec, claim.annotations, default)
        if "volumeClaimTemplates" not in claim.path:
            yield Demand(ref, each, one.new, silent=True)  # an ephemeral volume: it comes with its pod
            continue
        template = _name_of(body, claim)
        names = (f"{template}-{ref.name}-{start + at}" for at in range(one.count))
        new = sum(Ref("", "PersistentVolumeClaim", ref.namespace, name) not in live for name in names)
        yield Demand(ref, each, new, silent=True)


def _name_of(body: Body, claim: Claim) -> str:
    return str(mapping(get(body, claim.metadata_path)).get("name"))


def _new_namespaces(going: Going, seen: Seen) -> Iterator[str]:
    said = seen.of("", "Namespace")
    for ref in going.bodies if not said.why else ():
        if (ref.group, ref.kind) == ("", "Namespace") and ref not in said.bodies:
            yield ref.name


def used_there(
    names: Iterable[str], namespace: str, selectors: list[Body], known: Mapping[tuple[str, str], str], seen: Seen
) -> tuple[dict[str, Fraction], dict[str, str]]:
    """What objects on the target take of a quota that is not there yet, and {name: why nobody could look}."""
    used: dict[str, Fraction] = {}
    why: dict[str, str] = {}
    by_name = {next(iter(as_object(plural, group))): (group, kind) for (group, kind), plural in known.items()}
    for name in names:
        group, kind = by_name.get(name) or by_name.get(f"count/{name}") or _holder(name)
        if selectors and kind != "Pod":
            used[name] = Fraction(0)
            continue
        said = seen.of(group, kind)
        if said.why:
            why[name] = said.why
            continue
        used[name] = Fraction(0)
        for ref, body in said.bodies.items():
            if ref.namespace == namespace and (kind != "Pod" or means(selectors, mapping(body.get("spec")))):
                used[name] += _counts(ref, body, known).get(name, Fraction(0))
    return used, why


def _holder(name: str) -> tuple[str, str]:
    if name.startswith("services."):
        return "", "Service"
    storage = name.endswith("persistentvolumeclaims") or name.endswith("requests.storage")
    return "", "PersistentVolumeClaim" if storage else "Pod"


def _counts(ref: Ref, body: Body, known: Mapping[tuple[str, str], str]) -> Mapping[str, Fraction]:
    return as_running(body) if (ref.group, ref.kind) == ("", "Pod") else _each(ref, body, known, "")
