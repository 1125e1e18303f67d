"""Node selectors: labels of GKE's nodes become what nodes on EKS are labelled with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.manifest.pods import KINDS, pod_template
from migrate.model.effects import Effect, Flag, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import nodevalues
from migrate.semantics.nodes import Stands
from migrate.semantics.nodevalues import Remark
from migrate.semantics.placement import Entry, entries

_SELECTOR = ("spec", "nodeSelector")


def _selector(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    selector = pod.spec.get("nodeSelector") if pod else None
    if pod is None or not isinstance(selector, Mapping):
        return
    here = Path((*pod.path, *_SELECTOR))
    found = entries(pod, known)
    changed = {entry.key for entry in found if entry.meaning.stands not in (Stands.STUCK, Stands.NEVER)}
    taken = {key: value for key, value in selector.items() if key not in changed}
    # What keeps its key comes first: of two entries that come to one label, the other gives way.
    for entry in sorted(found, key=lambda one: one.key not in dict(one.said)):
        yield from _entry(entry, here, taken)
    asked = nodevalues.taken((need.key for entry in found for need in entry.meaning.needs), known)
    yield from _flags(here, (asked,) if asked else ())


def _entry(entry: Entry, here: Path, taken: dict[str, object]) -> Iterator[Effect]:
    """`taken` is what the new selector says already; two entries may come to one label."""
    stands, because = entry.meaning.stands, entry.meaning.because
    place = here / entry.key
    if stands in (Stands.STUCK, Stands.NEVER):
        yield from _flags(place, entry.meaning.remarks)
        return
    if entry.key not in dict(entry.said):
        yield Remove(place, because)
    for key, value in entry.said:
        if taken.setdefault(key, value) == value:
            yield Set(here / key, value, because)
            continue
        yield Flag(
            place,
            f"{entry.key}={entry.value} comes to {key}={value}, and the selector says {key}={taken[key]} already.",
            "Look which of the two is meant; the one that was there is kept.",
            Severity.REVIEW,
        )
    said = here / entry.said[0][0] if entry.said else place
    yield from _flags(said, entry.meaning.remarks)
    if entry.moves:
        moved = " and ".join(map(str, entry.moves))
        said_so = f"A node selector holds one value for each label, so {moved} is said as a node affinity."
        yield Flag(place, said_so, "Nothing.", Severity.INFO)


def _flags(place: Path, remarks: tuple[Remark, ...]) -> Iterator[Flag]:
    for one in remarks:
        yield Flag(place, one.message, one.fix, one.severity, one.question, one.already)


RULES: tuple[Rule, ...] = (
    Rule(
        id="SCH001",
        title="Node selector for GKE's nodes",
        what="Labels of GKE's nodes in a nodeSelector become those of the nodes that Karpenter, Auto Mode or managed "
        "node groups make; what nothing on EKS says goes, with a finding.",
        why="No node on EKS has GKE's labels: Karpenter makes no node for a label that it does not know, and the pod "
        "waits for ever.",
        docs="https://karpenter.sh/docs/concepts/scheduling/#labels",
        area="scheduling",
        severity=Severity.INFO,
        kinds=KINDS,
        do="Say who makes nodes (scheduling.nodes), and name NodePools, zones and instance types.",
        effects=_selector,
        gke='nodeSelector: {cloud.google.com/gke-spot: "true"}',
        eks="nodeSelector: {karpenter.sh/capacity-type: spot}",
        change="scheduling in gke2eks.yaml, or a row in your own overlay of mappings/node-labels.yaml",
        example=Example(
            before={"spec": {"nodeSelector": {"cloud.google.com/gke-spot": "true"}}},
            after={"spec": {"nodeSelector": {"karpenter.sh/capacity-type": "spot"}}},
        ),
    ),
)
