"""Nodes that only the user can provide: with labels of their own, or of a kind that Auto Mode does not make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.manifest.pods import KINDS, PodTemplate, pod_template
from migrate.model.effects import Effect, Flag, Severity
from migrate.model.objects import Object
from migrate.model.path import Path
from migrate.model.rules import Known, Rule
from migrate.semantics.affinity import Term, term
from migrate.semantics.nodes import Need, Stands, label_row, meaning
from migrate.semantics.nodevalues import way
from migrate.semantics.together import REQUIRED, TERMS, agree, asked

# Labels that kubelet, Kubernetes and AWS put on nodes; with those of GKE everything that is not the user's own.
_PUBLIC = ("kubernetes.io/", "k8s.io/", "karpenter.sh/", "karpenter.k8s.aws/", "eks.amazonaws.com/", "k8s.aws/")
_OS = ("kubernetes.io/os", "beta.kubernetes.io/os")
_POOL = "cloud.google.com/gke-nodepool"
_TYPE, _FAMILY = "node.kubernetes.io/instance-type", "eks.amazonaws.com/instance-family"


def _wants(pod: PodTemplate, known: Known) -> Iterator[tuple[Path, Need]]:
    """What the pod cannot do without, as written: its node selector, and a term that has no alternative."""
    selector = pod.spec.get("nodeSelector")
    for key, value in selector.items() if isinstance(selector, Mapping) else ():
        if isinstance(key, str) and isinstance(value, str):
            yield Path((*pod.path, "spec", "nodeSelector", key)), Need(key, "In", (value,))
    terms = _terms(pod, known)
    for one in terms if len(terms) == 1 else ():
        for item in one.items:
            body = item.body
            if item.said and item.path[-2] == "matchExpressions" and body["operator"] in ("In", "Exists"):
                yield item.path, Need(body["key"], body["operator"], tuple(body.get("values") or ()))


def _terms(pod: PodTemplate, known: Known) -> list[Term]:
    here: Any = pod.spec
    for key in ("affinity", "nodeAffinity", REQUIRED, TERMS):
        here = here.get(key) if isinstance(here, Mapping) else None
    place = Path((*pod.path, "spec", "affinity", "nodeAffinity", REQUIRED, TERMS))
    return [term(one, place / at, frozenset(), known) for at, one in enumerate(here)] if isinstance(here, list) else []


def _own_labels(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    for place, need in _wants(pod, known) if pod else ():
        if _public(need.key) or label_row(need.key, known) is not None:
            continue
        pools = known.once("labels of nodes", lambda: _labels(known)).get(need.key)
        nodes = "managed node group" if way(known) == "groups" else "NodePool"
        if pools:
            yield Flag(
                place,
                f"Nodes of {' and '.join(pools)} carry {need.key}; it does not come along, and no node on EKS has it.",
                f"Give the {nodes} that takes their place the label {need}.",
                Severity.REVIEW,
            )
        else:
            yield Flag(
                place,
                f"The pod asks for nodes with {need}, a label of your own; without it on EKS the pod waits for ever.",
                f"Give a {nodes} this label.",
                Severity.INFO,
            )


def _public(key: str) -> bool:
    return any(key.startswith(one) or f".{one}" in key for one in _PUBLIC)


def _labels(known: Known) -> Mapping[str, list[str]]:
    """The labels on GKE's nodes that are the user's, each with the pools that have it."""
    found: dict[str, set[str]] = {}
    for node in known.all("", "Node"):
        pool = node.labels.get(_POOL)
        for key in node.labels:
            if isinstance(key, str) and not _public(key) and label_row(key, known) is None:
                found.setdefault(key, set()).add(f"the node pool {pool}" if isinstance(pool, str) else node.ref.name)
    return {key: sorted(pools)[:3] for key, pools in found.items()}


def _own_pool(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    told = set()
    for place, need in _wants(pod, known) if pod else ():
        windows = need.key in _OS and need.values == ("windows",)
        if known.flavour != "auto":
            if windows:
                yield Flag(
                    place,
                    "The pod asks for Windows nodes. EKS gives pods on them addresses only where that is switched on.",
                    "Make nodes with a Windows AMI, and set enable-windows-ipam in the ConfigMap "
                    "kube-system/amazon-vpc-cni.",
                    Severity.INFO,
                )
            continue
        if windows:
            yield Flag(
                place,
                "The pod asks for Windows nodes, and Auto Mode makes nodes with Linux only.",
                "Add a managed node group with Windows to the cluster, or leave this workload where it is.",
                Severity.BLOCKER,
            )
            continue
        found = agree(need, meaning(need, known), asked(pod) if pod else frozenset(), known)
        said = found.stands is Stands.SAID
        needs = found.needs if said else (need,)
        what = next((what for what in map(_not_built_in, needs) if what), "")
        if what and what not in told:
            told.add(what)
            yield Flag(
                place,
                f"The pod asks for {what}, and the built-in NodePools of Auto Mode do not make such nodes.",
                "Create a NodePool of your own for it, with a NodeClass of eks.amazonaws.com.",
                # Who asks for it in neutral words may have made the NodePool already.
                Severity.REVIEW if said else Severity.INFO,
            )


def _not_built_in(need: Need) -> str:
    """What Auto Mode's own pools do not make (GUIDE automode/set-builtin-node-pools.adoc): '' when they do."""
    if need.key == "karpenter.sh/capacity-type" and need.values == ("spot",):
        return "Spot instances"
    if need.key == "kubernetes.io/arch" and need.values == ("arm64",):
        return "Arm CPUs"
    if need.key.startswith("eks.amazonaws.com/instance-gpu-"):
        return "GPUs"
    if need.key == "eks.amazonaws.com/instance-local-nvme":
        return "local NVMe disks"
    if need.key in (_TYPE, _FAMILY) and need.operator == "In":
        # What waits for an answer (UNDECIDED: …) is no type, and neither is one of Google Cloud: those have no dot.
        said = [value for value in need.values if ":" not in value and (need.key == _FAMILY or "." in value)]
        families = {value.partition(".")[0] for value in said}
        others = sorted(one for one in families if not _common(one))
        return f"instances of {', '.join(others)}" if others and len(others) == len(families) else ""
    return ""


def _common(family: str) -> bool:
    """Tell whether an instance family is a C, M or R of generation 5 or newer, with x86 CPUs."""
    letters, rest = family[:1], family[1:]
    generation = rest[:1]
    return letters in ("c", "m", "r") and generation.isdigit() and int(generation) >= 5 and "g" not in rest


def _page(id: str, title: str, what: str, why: str, docs: str, severity: Severity, effects: Any, *more: str) -> Rule:
    gke, eks, do = more
    change = "overrides and waivers in gke2eks.yaml"
    return Rule(id, title, what, why, docs, "scheduling", severity, KINDS, do, effects, gke, eks, change)


RULES: tuple[Rule, ...] = (
    _page(
        "SCH006",
        "Node label of your own",
        "Nothing is changed; a finding names each label that a pod requires of its node and only you can give.",
        "Karpenter makes no node for a label that no NodePool has, and node pools of GKE leave theirs behind.",
        "https://karpenter.sh/docs/concepts/scheduling/#user-defined-labels",
        Severity.INFO,
        _own_labels,
        "nodeSelector: {disktype: ssd}",
        "kept; a NodePool whose template has the label disktype: ssd",
        "Give the NodePool, or the managed node group, this label.",
    ),
    _page(
        "SCH007",
        "NodePool of your own on Auto Mode",
        "Nothing is changed; a finding names what a pod asks for and Auto Mode's built-in NodePools do not make.",
        "They make on-demand instances of C, M and R from generation 5 on, with amd64 CPUs; else the pod waits.",
        "https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html",
        Severity.REVIEW,
        _own_pool,
        'nodeSelector: {cloud.google.com/gke-spot: "true"}',
        "karpenter.sh/capacity-type: spot, and a NodePool that allows it",
        "Create a NodePool of your own.",
    ),
)
