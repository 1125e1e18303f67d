"""The source cluster as a whole: its version, its mode, its node pools, who enforces NetworkPolicies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from migrate.manifest import pods
from migrate.model.effects import Flag, Severity
from migrate.model.facts import NodePool
from migrate.model.path import P
from migrate.model.rules import Known, Rule

_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"
_MINOR = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})(?:\.|\Z)")
_ENFORCE = "pod-security.kubernetes.io/enforce"
_REMOVED = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"


def _version(known: Known) -> Iterator[Flag]:
    source, what = _source_version(known)
    offered = {minor: row.fields for row in known.rows("eks-versions.yaml") if (minor := _minor(row.fields["version"]))}
    if source is None or not offered:
        return
    oldest, newest = min(offered), max(offered)
    if source > newest:
        yield Flag(
            P(),
            f"{what} {_text(source)}; the newest that EKS offered on {offered[newest]['read']} is {_text(newest)}.",
            f"Look whether EKS has {_text(source)} by now; else make sure that no object needs what came after "
            f"{_text(newest)}.",
        )
    elif source < oldest:
        yield Flag(
            P(),
            f"{what} {_text(source)}; the oldest that EKS offered on {offered[oldest]['read']} is {_text(oldest)}. "
            "API versions that were removed in between are not served there.",
            f"Move objects and charts to API versions that {_text(newest)} serves ({_REMOVED}).",
        )
    elif source in offered and str(offered[source]["standard"]) <= str(offered[source]["read"]):
        row = offered[source]
        yield Flag(
            P(),
            f"{what} {_text(source)}, whose standard support on EKS ended on {row['standard']}; extended support costs "
            f"more for each hour and ends on {row['extended']}.",
            f"Consider EKS {_text(newest)}, and API versions that it serves ({_REMOVED}).",
            Severity.INFO,
        )


def _source_version(known: Known) -> tuple[tuple[int, int] | None, str]:
    """The minor version, and words for whose it is. No kubelet is newer than its API server."""
    control_plane = _minor(known.facts.kubernetes_version)
    if control_plane:
        return control_plane, "The source runs Kubernetes"
    nodes = [minor for pool in known.facts.node_pools or () if (minor := _minor(pool.version))]
    return max(nodes, default=None), "The source's nodes run Kubernetes"


def _minor(version: str | None) -> tuple[int, int] | None:
    found = _MINOR.match(str(version))
    return (int(found[1]), int(found[2])) if found else None


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _autopilot(known: Known) -> Iterator[Flag]:
    if not known.facts.autopilot or not _runs_pods(known):
        return
    spaces = [obj for obj in known.all("", "Namespace") if known.migrates(obj.ref)]
    open_spaces = sorted(obj.ref.name for obj in spaces if _ENFORCE not in obj.labels)
    if open_spaces or not spaces:
        where = f" Without a level of their own: {_some(open_spaces)}." if open_spaces else ""
        yield Flag(
            P(),
            "Autopilot refused privileged containers, host namespaces and most hostPath volumes; EKS admits them "
            f"unless a namespace says otherwise.{where}",
            f"Label namespaces with {_ENFORCE}: baseline.",
        )
    yield Flag(
        P(),
        "Autopilot gave each container requests where it had none, and raised those below its minimum; EKS does "
        "neither. What was read has them written in, what your charts and repositories say may not.",
        "Compare requests with what each pod uses, and write them where you keep your manifests.",
    )


def _node_pools(known: Known) -> Iterator[Flag]:
    pools = known.facts.node_pools
    # On Autopilot the pools are Google's own: what pods ask for is in the pods.
    if not pools or known.facts.autopilot or not _runs_pods(known):
        return
    one = len(pools) == 1
    fix = "Make a managed node group or a Karpenter NodePool for each, with its labels and taints, before pods are "
    if known.flavour == "auto":
        fix = "The built-in general-purpose NodePool of EKS Auto Mode has on-demand amd64 machines of the families C, "
        fix += "M and R: make a NodePool for each pool that is more, with its labels and taints, before pods are "
    yield Flag(
        P(),
        f"{len(pools)} node pool{'' if one else 's'} of the source {'needs' if one else 'need'} a counterpart: "
        f"{'; '.join(map(_pool, pools))}.",
        f"{fix}scheduled.",
    )


def _pool(pool: NodePool) -> str:
    """'gpu (g2-standard-4, nvidia-l4, spot, taint team=ml:NoSchedule, zones us-central1-a)'."""
    said = [pool.machine_type or "machine type unknown"]
    said += [f"{one.count} × {one.type}" if one.count else one.type for one in pool.accelerators or ()]
    said += [pool.provisioning] if pool.provisioning not in (None, "standard") else []
    said += [f"taint {one.key}{'=' if one.value else ''}{one.value}:{one.effect}" for one in pool.taints or ()]
    said += [f"label {key}={value}" for key, value in sorted((pool.labels or {}).items())]
    if pool.autoscaling:
        each = " in each zone" if pool.autoscaling.scope == "zone" else ""
        said.append(f"{pool.autoscaling.minimum} to {pool.autoscaling.maximum} nodes{each}")
    said += [f"zones {', '.join(pool.zones)}"] if pool.zones else []
    return f"{pool.name} ({', '.join(said)})"


def _network_policies(known: Known) -> Iterator[Flag]:
    if not (known.facts.network_policy or known.facts.dataplane_v2):
        return
    count = sum(known.migrates(obj.ref) for obj in known.all("networking.k8s.io", "NetworkPolicy"))
    if not count:
        return
    who = "Dataplane V2" if known.facts.dataplane_v2 else "GKE"
    fix = f'Give the VPC CNI add-on the value {{"enableNetworkPolicy": "true"}} before pods start ({_EKS}/'
    fix += "cni-network-policy-configure.html)."
    if known.flavour == "auto":
        fix = 'Apply the ConfigMap kube-system/amazon-vpc-cni with enable-network-policy-controller: "true" before '
        fix += f"pods start ({_EKS}/auto-net-pol.html)."
    policies = f"{count:,} {'NetworkPolicy' if count == 1 else 'NetworkPolicies'}"
    yield Flag(
        P(), f"{who} enforced {policies}; EKS takes them and enforces none until it is told to: every pod is open.", fix
    )


def _runs_pods(known: Known) -> bool:
    return any(known.migrates(obj.ref) for kind in sorted(pods.KINDS) for obj in known.all(*kind))


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _rule(
    id: str, title: str, words: tuple[str, str, str], cluster: Callable[[Known], Iterator[Flag]], **page: Any
) -> Rule:
    what, why, do = words
    return Rule(
        id=id,
        title=title,
        what=what,
        why=why,
        do=do,
        area="cluster",
        severity=Severity.REVIEW,
        kinds=frozenset(),
        cluster=cluster,
        change="a waiver in gke2eks.yaml",
        **page,
    )


RULES: tuple[Rule, ...] = (
    _rule(
        "CLU001",
        "Version of Kubernetes",
        (
            "Nothing is changed; a source whose version EKS does not offer, or not under standard support, is named.",
            "Newer objects may need what EKS does not have yet; older ones may use API versions that are gone.",
            "Choose the version of the EKS cluster before you apply.",
        ),
        _version,
        docs=f"{_EKS}/kubernetes-versions.html",
        gke="1.30.5-gke.1443001",
        eks="a version of mappings/eks-versions.yaml",
    ),
    _rule(
        "CLU002",
        "What Autopilot guaranteed",
        (
            "Nothing is changed; what Autopilot saw to, and EKS does not, is named once.",
            "Autopilot holds pods to most of the Baseline standard, and writes requests into each container.",
            "Set a level of pod security for each namespace, and requests where you keep your manifests.",
        ),
        _autopilot,
        docs="https://docs.cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security",
        gke="Autopilot",
        eks=f"{_ENFORCE}: baseline on each namespace",
    ),
    _rule(
        "CLU003",
        "Node pools",
        (
            "Nothing is changed; the node pools of the source are listed with what makes each special.",
            "Nodes do not migrate: pods stay Pending until EKS has nodes with what they ask for.",
            "Make a counterpart for each pool before anything is applied.",
        ),
        _node_pools,
        docs=f"{_EKS}/eks-compute.html",
        gke="a node pool of g2-standard-4 with one nvidia-l4, spot",
        eks="a managed node group, or a NodePool",
    ),
    _rule(
        "CLU004",
        "Who enforces NetworkPolicies",
        (
            "Nothing is changed; the plan says that the enforcement of NetworkPolicies has to be switched on.",
            "GKE enforced them. The VPC CNI takes them and does nothing until it is told to, with no error.",
            "Switch it on before pods start.",
        ),
        _network_policies,
        docs=f"{_EKS}/cni-network-policy.html",
        gke="Dataplane V2, or network policy enabled",
        eks='enableNetworkPolicy: "true" of the VPC CNI add-on; on Auto Mode a ConfigMap',
    ),
)
