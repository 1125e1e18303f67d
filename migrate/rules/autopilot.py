"""What Autopilot wrote into workloads: resources that it raised, and marks that only its webhooks read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.manifest.pods import pod_template
from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Body, Object
from migrate.model.path import P, Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics.autopilot import ADJUSTMENT, raised

_METADATA = P("metadata")
_DOCS = "https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests"
_WRITTEN = "Autopilot's webhook wrote it, and nothing on EKS reads it"
_PARTNER = "it asks Autopilot to let a privileged workload of a partner in; EKS refuses none by itself"
# field of the metadata, key (a prefix where it ends with `*`), why it goes
_MARKS: tuple[tuple[str, str, str], ...] = (
    ("annotations", "autopilot.gke.io/warden-version", _WRITTEN),
    ("annotations", "autopilot.gke.io/no-connect", _PARTNER),
    ("labels", "autopilot.gke.io/no-connect", _PARTNER),
    ("annotations", "cloud.google.com/matching-allowlist", _PARTNER),
    ("labels", "cloud.google.com/matching-allowlist", _PARTNER),
    ("annotations", "cloud.google.com/cluster_autoscaler_unhelpable_*", "GKE's autoscaler wrote down what it tried"),
)


def _resources(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is None:
        return
    for place, notes in _notes(obj, pod.path, pod.annotations):
        if ADJUSTMENT not in notes:
            continue
        yield Remove(Path((*place, ADJUSTMENT)), "Autopilot wrote down here what it did to the resources")
        found = raised(notes[ADJUSTMENT], pod)
        if found is None:
            yield Flag(
                Path((*place, ADJUSTMENT)),
                "Autopilot may have raised the resources of these containers, and its note of that cannot be read.",
                "Compare requests and limits with the manifest that you applied to GKE.",
                Severity.REVIEW,
            )
            continue
        for one in found:
            yield Flag(
                one.path,
                f"Autopilot changed what container {one.name} asked for: {'; '.join(one.differences)}. The changed "
                "numbers stay.",
                "Keep them if the pods need them; else set what was asked for with an override, because nodes on EKS "
                "are bought for what pods request.",
                Severity.REVIEW,
            )


def _notes(obj: Object, path: Path, inner: Body) -> Iterator[tuple[Path, Body]]:
    """The annotations of the object, and those of its pod template where that is another place."""
    yield P("metadata", "annotations"), obj.annotations
    if path:
        yield Path((*path, "metadata", "annotations")), inner


def _marks(obj: Object, _known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is None:
        return
    places: list[tuple[Path, Mapping[str, Body]]] = [
        (_METADATA, {"annotations": obj.annotations, "labels": obj.labels}),
    ]
    if pod.path:
        places.append((Path((*pod.path, "metadata")), {"annotations": pod.annotations, "labels": pod.labels}))
    chosen = _selected(obj)
    for place, found in places:
        for field, wanted, why in _MARKS:
            for key in _matching(found[field], wanted):
                here = Path((*place, field, key))
                if field == "labels" and key in chosen:
                    yield Flag(
                        here,
                        f"The label {key} is for Autopilot, and the selector of this workload names it, too.",
                        "Nothing is broken by it; take it out of selector and template together if you like.",
                        Severity.INFO,
                    )
                    yield Flag(
                        P("spec", "selector", "matchLabels", key),
                        f"The selector asks for {key}, a label that was meant for Autopilot.",
                        "Nothing is broken by it; take it out of selector and template together if you like.",
                        Severity.INFO,
                    )
                else:
                    yield Remove(here, why)


def _selected(obj: Object) -> Body:
    """The labels that the workload selects its pods by: a template without one of them is refused."""
    selector = obj.spec.get("selector")
    labels: Any = selector.get("matchLabels") if isinstance(selector, Mapping) else None
    return labels if isinstance(labels, Mapping) else {}


def _matching(found: Body, wanted: str) -> list[str]:
    if not wanted.endswith("*"):
        return [wanted] if wanted in found else []
    return [key for key in found if isinstance(key, str) and key.startswith(wanted[:-1])]


def _rule(id: str, title: str, **page: Any) -> Rule:
    given = {"area": "scheduling", "severity": Severity.INFO, "kinds": pods.KINDS, "docs": _DOCS, **page}
    return Rule(id=id, title=title, change=given.pop("change", "overrides in gke2eks.yaml"), **given)


_BEFORE = '{"input":{"containers":[{"name":"a","requests":{"cpu":"50m"}}]},"modified":true}'
RULES: tuple[Rule, ...] = (
    _rule(
        "SCH060",
        "Resources that Autopilot raised",
        what="Autopilot's note goes; the resources stay as they run, and the finding says what was asked for.",
        why="Autopilot raises requests to its minimum and ratio and makes limits equal to them, in the live object. "
        "On EKS the raised numbers are paid for, but the pods have run with them.",
        do="Decide for each workload whether it needs what Autopilot gave it.",
        effects=_resources,
        gke=f"{ADJUSTMENT}: {_BEFORE}",
        eks="requests: {cpu: 250m} as it runs, and a finding: cpu 50m → 250m",
        example=Example(
            before={"metadata": {"annotations": {ADJUSTMENT: _BEFORE}}, "spec": {"containers": [{"name": "a"}]}},
            after={"metadata": {}, "spec": {"containers": [{"name": "a"}]}},
        ),
    ),
    _rule(
        "SCH061",
        "Marks of Autopilot, removed",
        what="Annotations and labels that Autopilot's webhooks and autoscaler write or read leave workload and pod.",
        why="They let partners' workloads past Autopilot's checks, or say what it did. EKS has no such checks.",
        do="Nothing; set Pod Security on namespaces if you relied on Autopilot's checks.",
        effects=_marks,
        gke="autopilot.gke.io/warden-version: 2.9.37",
        eks="removed",
        example=Example(
            before={"metadata": {"annotations": {"autopilot.gke.io/warden-version": "2.9.37"}}},
            after={"metadata": {}},
        ),
    ),
)
