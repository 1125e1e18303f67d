"""Pods that must not be moved: what Cluster Autoscaler was told, in the words of Karpenter."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.manifest.pods import KINDS, pod_template
from migrate.model.effects import Effect, Flag, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics.computeclasses import makes_nodes, nodes_question

_SAFE = "cluster-autoscaler.kubernetes.io/safe-to-evict"
_KEEP = "karpenter.sh/do-not-disrupt"
# How long a node lives, and what to do about that.
_LIVES = {"karpenter": "after 720 hours unless the NodePool says otherwise", "auto": "after 21 days at most"}
_DO = {
    "karpenter": "Give the NodePool an expireAfter above the longest run, and a terminationGracePeriod: without it a "
    "draining node waits for such a pod for ever.",
    "auto": "Give these pods a NodePool whose expireAfter is above the longest run, and let work of more than 21 days "
    "save its state.",
}


def _eviction(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    makes = makes_nodes(known)
    if pod is None or pod.annotations.get(_SAFE) != "false" or makes == "node-groups":
        return  # Cluster Autoscaler, which scales managed node groups, reads the annotation on EKS as well.
    notes = Path((*pod.path, "metadata", "annotations"))
    if obj.ref.kind == "DaemonSet":
        # Cluster Autoscaler asks a DaemonSet's pods for nothing, but Karpenter would leave every node as it is.
        yield Flag(
            notes / _SAFE,
            "Pods of a DaemonSet never kept a node on GKE, and this annotation does not keep one on EKS.",
            "Nothing. Do not set karpenter.sh/do-not-disrupt here: Karpenter could not remove any node.",
            Severity.INFO,
        )
        return
    why = "Karpenter makes the nodes and does not read Cluster Autoscaler's annotation"
    yield Remove(notes / _SAFE, why)
    if _KEEP not in pod.annotations:
        yield Set(notes / _KEEP, "true", why)
    yield Flag(
        notes / _KEEP,
        "Karpenter leaves a node with these pods out of consolidation, but do-not-disrupt is no guarantee: nodes still "
        f"expire ({_LIVES[makes]}), are interrupted and repaired.",
        _DO[makes],
        Severity.REVIEW,
    )
    if known.flavour != "auto" and known.answer("scheduling", "nodes") is None:
        yield Flag(
            notes / _KEEP,
            "Karpenter was taken for what makes the nodes.",
            "With managed node groups say scheduling.nodes: node-groups in gke2eks.yaml; the annotation then stays.",
            Severity.INFO,
            nodes_question(),
        )


RULES: tuple[Rule, ...] = (
    Rule(
        id="SCH065",
        title="Not safe to evict → do not disrupt",
        what="The annotation that kept Cluster Autoscaler from removing a pod's node becomes that of Karpenter.",
        why="Karpenter does not read Cluster Autoscaler's annotations: its consolidation would end the pod.",
        docs="https://karpenter.sh/docs/concepts/disruption/#pod-level-controls",
        area="scheduling",
        severity=Severity.INFO,
        kinds=KINDS,
        do="Check how long nodes live, and that long work can start again.",
        effects=_eviction,
        gke=f'{_SAFE}: "false"',
        eks=f'{_KEEP}: "true"',
        change="scheduling.nodes: node-groups in gke2eks.yaml keeps the annotation",
        example=Example(
            before={"metadata": {"annotations": {_SAFE: "false"}}},
            after={"metadata": {"annotations": {_KEEP: "true"}}},
        ),
    ),
)
