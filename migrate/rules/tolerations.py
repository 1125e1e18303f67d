"""Tolerations: taints of GKE's nodes do not exist on EKS; taints that GKE sets by itself somebody must set there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.manifest.pods import KINDS, pod_template
from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics.nodes import label_row

_GOOGLE = re.compile(r"(.*\.)?cloud\.google\.com/.*|(.*\.)?(gke|gke\.networks)\.io/.*|google\.com/tpu", re.DOTALL)
# STO024 takes this one out.
_STORAGE = "pd.csi.storage.gke.io/not-ready"
# What GKE taints by itself; on EKS the NodePool or node group says it.
_AUTOMATIC = {"nvidia.com/gpu": "GPUs", "kubernetes.io/arch": "Arm CPUs"}


def _tolerations(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    for at, toleration in pod.items("tolerations") if pod else ():
        key = toleration.get("key")
        if pod is None or not isinstance(key, str) or key == _STORAGE:
            continue
        place = Path((*pod.path, "spec", "tolerations", at))
        if _GOOGLE.fullmatch(key):
            row = label_row(key, known)
            why = f" ({row.where})" if row is not None else ""
            yield Remove(place, f"only nodes of GKE are tainted with {key}{why}")
        elif key in _AUTOMATIC:
            yield Flag(
                place,
                f"GKE taints nodes with {_AUTOMATIC[key]} by itself; on EKS the toleration works only for a taint that "
                "you set.",
                f"Give the NodePool or node group with {_AUTOMATIC[key]} the taint {key}, or other pods land there.",
                Severity.INFO,
            )
        elif key in known.once("taints of nodes", lambda: _taints(known)):
            yield Flag(
                place,
                f"Nodes of GKE were tainted with {key}; on EKS nothing is, until you say so.",
                f"Give the NodePool or node group for this pod the taint {key}, or other pods land there.",
                Severity.INFO,
            )


def _taints(known: Known) -> frozenset[str]:
    """The keys that the user's nodes were tainted with; those of Kubernetes come and go by themselves."""
    found = set()
    for node in known.all("", "Node"):
        taints = node.spec.get("taints")
        for taint in taints if isinstance(taints, list) else ():
            key = taint.get("key") if isinstance(taint, dict) else None
            if isinstance(key, str) and not key.startswith("node.kubernetes.io/"):
                found.add(key)
    return frozenset(found)


RULES: tuple[Rule, ...] = (
    Rule(
        id="SCH003",
        title="Toleration of GKE's taints, removed",
        what="Tolerations of taints that only GKE sets leave the pod; the others stay, and a finding names the taints "
        "that GKE set by itself.",
        why="GKE taints Spot, GPU and Arm nodes, and those of ComputeClasses. Karpenter and node groups taint nothing "
        "unless somebody says so, and then pods that nobody meant land on expensive nodes.",
        docs="https://karpenter.sh/docs/concepts/scheduling/#taints-and-tolerations",
        area="scheduling",
        severity=Severity.INFO,
        kinds=KINDS,
        do="Give NodePools the taints that keep other pods away.",
        effects=_tolerations,
        gke='tolerations: [{key: cloud.google.com/gke-spot, value: "true"}]',
        eks="removed",
        change="overrides in gke2eks.yaml",
        example=Example(
            before={"spec": {"tolerations": [{"key": "cloud.google.com/gke-spot", "operator": "Exists"}]}},
            after={"spec": {}},
        ),
    ),
)
