"""Topology keys: what pods are spread over, or kept together in, is a label of nodes on EKS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.catalog import Row
from migrate.manifest.places import item_segment
from migrate.manifest.pods import KINDS, pod_template
from migrate.model.effects import Effect, Flag, Remove, Set, Severity
from migrate.model.objects import MISSING, Object
from migrate.model.path import Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics.nodes import topology

_KEY = "topologyKey"
_SPREAD = "topologySpreadConstraints"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_SPOT = ("cloud.google.com/gke-spot", "cloud.google.com/gke-preemptible")
# What Karpenter promises to spread over (concepts/scheduling.md).
_PROMISED = ("topology.kubernetes.io/zone", "kubernetes.io/hostname", "karpenter.sh/capacity-type")


def _spreads(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    listed = pod.spec.get(_SPREAD) if pod else None
    if pod is None or not isinstance(listed, list):
        return
    here = Path((*pod.path, "spec", _SPREAD))
    taken = {_who(one.get(_KEY), one) for one in listed if isinstance(one, Mapping) and _target(one, known) is None}
    going: list[Effect] = []
    for at, one in enumerate(listed):
        found = _target(one, known) if isinstance(one, Mapping) else None
        if found is None:
            continue
        to, why = found
        place = here / item_segment(_SPREAD, listed, at)
        same = _who(to, one)
        if to and same not in taken:
            taken.add(same)
            yield Set(place / _KEY, to, why)
            yield from _differs(place / _KEY, one[_KEY], to)
            continue
        going.append(Remove(here / at, why))
        if to:
            said = f"Two constraints come to {to}; the API takes one, so the one for {one[_KEY]} goes."
            yield Flag(place, said, "Check that the one that stays says enough.", Severity.REVIEW)
        else:
            yield _lost(place, one[_KEY], "the pods are not spread over it any more")
    if len(going) == len(listed):
        going = [Remove(here, effect.because) for effect in going[:1] if isinstance(effect, Remove)]
    yield from going


def _pod_affinities(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    affinity = pod.spec.get("affinity") if pod else None
    if pod is None or not isinstance(affinity, Mapping):
        return
    for side in ("podAffinity", "podAntiAffinity"):
        body = affinity.get(side)
        if isinstance(body, Mapping):
            yield from _side(body, Path((*pod.path, "spec", "affinity", side)), known)


def _side(body: Mapping[str, Any], here: Path, known: Known) -> Iterator[Effect]:
    lists: dict[str, list[Remove]] = {}
    for name in (_REQUIRED, _PREFERRED):
        listed = body.get(name, MISSING)
        for at, one in enumerate(listed if isinstance(listed, list) else ()):
            inner = ("podAffinityTerm",) if name == _PREFERRED else ()
            term = one.get(inner[0]) if inner and isinstance(one, Mapping) else one
            found = _target(term, known) if isinstance(term, Mapping) else None
            if found is None or not isinstance(term, Mapping):
                continue
            place, (to, why) = Path((*here, name, at)), found
            if to:
                yield Set(Path((*place, *inner, _KEY)), to, why)
                yield from _differs(Path((*place, *inner, _KEY)), term[_KEY], to)
            else:
                yield _lost(place, term[_KEY], "the other pods do not matter any more")
                lists.setdefault(name, []).append(Remove(place, why))
        if name in lists and len(lists[name]) == len(listed):
            lists[name] = [Remove(here / name, lists[name][0].because)]
    whole = [removes[0] for name, removes in lists.items() if removes[0].path == here / name]
    if whole and len(whole) == len(body):
        yield Remove(here, whole[0].because)
        return
    for removes in lists.values():
        yield from removes


def _target(one: Mapping[str, Any], known: Known) -> tuple[str, str] | None:
    """The key in place of GKE's ('' for none), and why; None when nothing changes."""
    key = one.get(_KEY)
    found = topology(key, known) if isinstance(key, str) else None
    if found is None or found[0] == key:
        return None
    row: Row | Any = found[1]
    return found[0], f"{row.fields['because']} ({row.where})"


def _who(key: Any, one: Mapping[str, Any]) -> tuple[str, str]:
    """What the API tells constraints apart by; repr, because files hold anything."""
    return repr(key), repr(one.get("whenUnsatisfiable"))


def _differs(place: Path, key: str, to: str) -> Iterator[Flag]:
    if key in _SPOT:
        yield Flag(
            place,
            f"Only Spot nodes had {key}; every node on EKS has {to}, so on-demand nodes count now, too.",
            "Check that pods are placed as you want.",
            Severity.REVIEW,
        )
    # Node groups are there before the pods are: any label that they have will do.
    elif to not in _PROMISED and not to.startswith("eks.amazonaws.com/node"):
        yield Flag(
            place,
            f"{to} takes the place of {key}; Karpenter counts on zones, nodes and kinds of capacity only.",
            "Check that pods are placed as you want, or spread over topology.kubernetes.io/zone.",
            Severity.REVIEW,
        )


def _lost(place: Path, key: str, so: str) -> Flag:
    return Flag(
        place,
        f"No node on EKS has {key}, and a pod that needs it waits for ever; it is left out, and {so}.",
        "Choose topology.kubernetes.io/zone or kubernetes.io/hostname with an override, if it matters.",
        Severity.REVIEW,
    )


def _page(id: str, title: str, what: str, why: str, effects: Any, gke: str, eks: str, example: Example) -> Rule:
    docs = "https://karpenter.sh/docs/concepts/scheduling/#topology-spread"
    change = "overrides in gke2eks.yaml, or a row in your own overlay of mappings/node-labels.yaml"
    do = "Look at what is spread over something else than zones and nodes."
    return Rule(id, title, what, why, docs, "scheduling", Severity.INFO, KINDS, do, effects, gke, eks, change, example)


RULES: tuple[Rule, ...] = (
    _page(
        "SCH004",
        "Topology spread over GKE's labels",
        "The topologyKey of a spread constraint becomes a label that nodes on EKS have, or the constraint goes.",
        "A constraint with DoNotSchedule over a label that no node has keeps every pod waiting.",
        _spreads,
        "topologyKey: topology.gke.io/zone",
        "topologyKey: topology.kubernetes.io/zone",
        Example(
            before={"spec": {_SPREAD: [{_KEY: "topology.gke.io/zone", "maxSkew": 1}]}},
            after={"spec": {_SPREAD: [{_KEY: "topology.kubernetes.io/zone", "maxSkew": 1}]}},
        ),
    ),
    _page(
        "SCH005",
        "Pod affinity over GKE's labels",
        "The topologyKey of a pod affinity or anti-affinity becomes a label that nodes on EKS have, or the term goes.",
        "Over a label that no node has, an affinity is never met, and an anti-affinity keeps nothing apart.",
        _pod_affinities,
        "topologyKey: failure-domain.beta.kubernetes.io/zone",
        "topologyKey: topology.kubernetes.io/zone",
        Example(
            before={
                "spec": {
                    "affinity": {"podAntiAffinity": {_REQUIRED: [{_KEY: "failure-domain.beta.kubernetes.io/zone"}]}}
                }
            },
            after={"spec": {"affinity": {"podAntiAffinity": {_REQUIRED: [{_KEY: "topology.kubernetes.io/zone"}]}}}},
        ),
    ),
)
