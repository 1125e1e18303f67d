"""Who the target is: not the source, not a GKE cluster, of the planned flavour, and no older than the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.ref import Ref
from migrate.semantics.going import Going

SAME, EKS, VERSION, FLAVOUR = "PRE001", "PRE002", "PRE003", "PRE010"
KUBE_SYSTEM = Ref("", "Namespace", "", "kube-system")
_READ = "ask for the right to list it (gke2eks access target prints it), then run preflight again."
# Groups that EKS brings itself; public listings of new clusters (tests/rig/shapes/eks_data/crds.yaml).
_EKS_GROUPS = frozenset({"vpcresources.k8s.aws", "networking.k8s.aws", "crd.k8s.amazonaws.com", "eks.amazonaws.com"})
_GKE_GROUPS = frozenset({"nodemanagement.gke.io", "networking.gke.io", "cloud.google.com", "auto.gke.io"})
_GKE_LABEL = "cloud.google.com/"
# Auto Mode brings NodeClass (EKS user guide, automode/create-node-class.adoc); clusters without it do not have it.
_AUTO_KIND = ("eks.amazonaws.com", "NodeClass")


def uid_of(seen: Seen) -> tuple[str, str]:
    """(UID of kube-system on the target, '') or ('', why nobody could look)."""
    shown = seen.of("", "Namespace")
    if shown.why:
        return "", shown.why
    found = _meta(shown.bodies.get(KUBE_SYSTEM, {})).get("uid")
    return (str(found), "") if found else ("", "it shows no Namespace kube-system with a UID")


def shown_flavour(seen: Seen) -> str:
    """'auto' or 'standard', as the target's kinds show it; '' when the group that tells does not answer."""
    kinds = seen.kinds()
    if any((one.group, one.kind) == _AUTO_KIND for one in kinds):
        return "auto"
    return "" if any(one.group == _AUTO_KIND[0] and not one.plural for one in kinds) else "standard"


def checks(going: Going, seen: Seen, *, source_uid: str, flavour: str = "", eks: bool = False) -> Iterator[Check]:
    """`source_uid` '': not known. `flavour` as AWS says it, '' when nobody asked. `eks`: AWS says that it is one."""
    yield _apart(seen, source_uid)
    yield _is_eks(seen, eks)
    yield from _version(going, seen)
    yield _flavour(going.plan.flavour, flavour or shown_flavour(seen))


def _apart(seen: Seen, source_uid: str) -> Check:
    uid, why = uid_of(seen)
    what = "whether source and target are two clusters"
    if why:
        return unknown(SAME, f"The UID of kube-system on the target, and {what}.", why, _READ)
    if not source_uid:
        because = "the snapshot does not say the UID of kube-system on the source"
        fix = f"compare it by hand: the target's is {uid}. A snapshot of gke2eks export says it."
        return unknown(SAME, f"It is not known {what}.", because, fix)
    if uid == source_uid:
        said = f"Source and target are the same cluster (UID {uid})."
        return finding(SAME, said, "name another target.", severity=Severity.BLOCKER)
    return passed(SAME, f"Source and target are two clusters (UID {source_uid} and {uid}).")


def _is_eks(seen: Seen, eks: bool) -> Check:
    nodes = seen.of("", "Node")
    of_gke = sorted(ref for ref, body in nodes.bodies.items() if _made_by_gke(body))
    if of_gke:
        what = f"This is not EKS: {len(of_gke)} of its nodes are GKE's, such as {of_gke[0]}."
        return finding(EKS, what, "name another target.", *of_gke, severity=Severity.BLOCKER)
    groups = {one.group for one in seen.kinds()}
    if eks:
        return passed(EKS, "The target is a cluster of EKS; AWS says so.")
    if any(_provider(body).startswith("aws://") for body in nodes.bodies.values()):
        return passed(EKS, "The target runs on AWS: its nodes say so.")
    if groups & _EKS_GROUPS:
        return passed(EKS, f"The target is a cluster of EKS: it serves {min(groups & _EKS_GROUPS)}.")
    if groups & _GKE_GROUPS:
        what = f"This is not EKS: it serves {min(groups & _GKE_GROUPS)}, which GKE brings."
        return finding(EKS, what, "name another target.", severity=Severity.BLOCKER)
    because = nodes.why or ("none of its nodes says where it runs" if nodes.bodies else "it has no nodes")
    because += ", and it serves none of the kinds that EKS brings"
    return unknown(EKS, "It is not known whether the target is EKS.", because, "name it by --eks REGION/CLUSTER.")


def _made_by_gke(node: Mapping[str, Any]) -> bool:
    labels = _meta(node).get("labels")
    return _provider(node).startswith("gce://") or any(
        str(key).startswith(_GKE_LABEL) for key in (labels if isinstance(labels, Mapping) else ())
    )


def _version(going: Going, seen: Seen) -> Iterator[Check]:
    source = minor_of(going.plan.facts.kubernetes_version or "")
    target = minor_of(seen.minor)
    if source is None or target is None:
        which = "the source" if source is None else "the target"
        because = f"nobody said which version of Kubernetes {which} has"
        fix = "compare them by hand: the target should be no older than the source."
        yield unknown(VERSION, "The versions of Kubernetes of source and target.", because, fix)
    elif target < source:
        was, now = ".".join(map(str, source)), ".".join(map(str, target))
        what = f"The target has Kubernetes {now}, which is older than {was} on the source."
        because = "fields and kinds that came since are refused; PRE030 and PRE040 say which of the plan's"
        fix = f"upgrade it: aws eks update-cluster-version --name <cluster> --kubernetes-version {was}"
        yield finding(VERSION, what, fix, because=because)
    else:
        yield passed(VERSION, f"Kubernetes {seen.minor} on the target is no older than on the source.")


def _flavour(planned: str, shown: str) -> Check:
    if not shown:
        because = f"the group {_AUTO_KIND[0]} does not answer"
        return unknown(FLAVOUR, "Whether the target is EKS Auto Mode.", because, "run preflight again.")
    if shown == planned:
        return passed(FLAVOUR, f"The flavour is {planned}, as planned.")
    there = "EKS Auto Mode" if shown == "auto" else "EKS without Auto Mode"
    what = f"The plan is for the flavour {planned}, and the target is {there}."
    because = "classes, load balancers and node pools of one flavour are nobody's on the other"
    fix = f"plan again with --flavour {shown}: gke2eks plan --flavour {shown}. Or name another target."
    return finding(FLAVOUR, what, fix, because=because, severity=Severity.BLOCKER)


def minor_of(version: str) -> tuple[int, int] | None:
    """(1, 36) of '1.36' or '1.36.2'; None for no version."""
    parts = version.removeprefix("v").split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else None


def _provider(node: Mapping[str, Any]) -> str:
    spec = node.get("spec")
    return str(spec.get("providerID") or "") if isinstance(spec, Mapping) else ""


def _meta(body: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = body.get("metadata")
    return meta if isinstance(meta, Mapping) else {}
