"""What changes for the whole cluster: addresses, the issuer of tokens, identities and clocks that no manifest names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from migrate.manifest import pods
from migrate.model.effects import Flag, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Known, Rule
from migrate.semantics.outside_world import hosts, ingress_hosts

_GSA = "iam.gke.io/gcp-service-account"
_METADATA = "iam.gke.io/gke-metadata-server-enabled"
_STREAMING = "cloud.google.com/gke-image-streaming"
_DNS_NAMES = ("external-dns.alpha.kubernetes.io/hostname", "external-dns.kubernetes.io/hostname")
_VAULT = "vault.hashicorp.com/agent-inject"
# Audiences that other rules judge, because Google or AWS are behind them.
_JUDGED = ("svc.id.goog", "googleapis.com", "amazonaws.com")
_CLOCK = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")
_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"
_NO_KIND = frozenset({("", "")})
_MOST = 20


def _egress(known: Known) -> Iterator[Flag]:
    running = list(_pods(known))
    if not running:
        return
    spaces = frozenset(obj.ref.name for obj in known.all("", "Namespace")) | {obj.ref.namespace for obj in running}
    own = _own_names(known)
    found: dict[str, set[str]] = {}
    for obj in (*running, *(one for one in known.all("", "ConfigMap") if known.migrates(one.ref))):
        for host in hosts(obj, spaces):
            if host not in own and f"*.{host.partition('.')[2]}" not in own:
                found.setdefault(host, set()).add(str(obj.ref))
    fix = "Give the addresses of the NAT gateways to everybody who lets only known addresses in, before pods start."
    if not found:
        said = "Pods leave the cluster from other addresses on EKS; no host outside of it was found in what was read."
        yield Flag(P(), said, fix, Severity.INFO)
        return
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    yield Flag(
        P(),
        f"Pods leave the cluster from other addresses on EKS, and what was read names {len(found):,} "
        f"{'host' if len(found) == 1 else 'hosts'} outside of it: "
        f"{_some([f'{host} ({_short(refs)})' for host, refs in ordered], _MOST)}.",
        fix,
    )


def _own_names(known: Known) -> frozenset[str]:
    """Names that lead into this cluster: who calls them does not leave it for somebody else."""
    found = {host for ingress in known.all("networking.k8s.io", "Ingress") for host in ingress_hosts(ingress)}
    for kind in (("", "Service"), ("networking.k8s.io", "Ingress")):
        for obj in known.all(*kind):
            for name in _DNS_NAMES:
                found.update(part.strip() for part in str(obj.annotations.get(name) or "").split(","))
    for route in known.all("gateway.networking.k8s.io", "HTTPRoute"):
        named = route.spec.get("hostnames")
        found.update(host for host in (named if isinstance(named, list) else ()) if isinstance(host, str))
    return frozenset(found)


def _issuer(known: Known) -> Iterator[Flag]:
    audiences: dict[str, set[str]] = {}
    for obj in _pods(known):
        for audience in _audiences(obj):
            audiences.setdefault(audience, set()).add(str(obj.ref))
    if audiences:
        named = [f"{name} ({_short(refs)})" for name, refs in sorted(audiences.items())]
        yield Flag(
            P(),
            f"Tokens of ServiceAccounts go to others, who trust the issuer of the source only: {_some(named, 10)}.",
            "Let them trust the issuer of the EKS cluster, too (aws eks describe-cluster --query "
            "cluster.identity.oidc.issuer).",
        )
    vault = sorted(str(obj.ref) for obj in _vault(known))
    if vault:
        yield Flag(
            P(),
            f"Vault asks this cluster whether a ServiceAccount is real, and knows no other: {_some(vault, 10)}.",
            "Add an auth mount for the EKS cluster in Vault, and name it where a path is written.",
        )


def _audiences(obj: Object) -> Iterator[str]:
    pod = pods.pod_template(obj)
    for _, volume in pod.items("volumes") if pod else ():
        projected = volume.get("projected")
        sources = projected.get("sources") if isinstance(projected, Mapping) else None
        for source in sources if isinstance(sources, list) else ():
            token = source.get("serviceAccountToken") if isinstance(source, Mapping) else None
            audience = token.get("audience") if isinstance(token, Mapping) else None
            if isinstance(audience, str) and audience and not any(part in audience for part in _JUDGED):
                yield audience


def _vault(known: Known) -> Iterator[Object]:
    for obj in _pods(known):
        pod = pods.pod_template(obj)
        if pod and str(pod.annotations.get(_VAULT)).lower() == "true":
            yield obj
    for group, kind in (("external-secrets.io", "SecretStore"), ("external-secrets.io", "ClusterSecretStore")):
        yield from (one for one in known.all(group, kind) if known.migrates(one.ref) and _by_vault(one))
    for obj in known.all("secrets.hashicorp.com", "VaultAuth"):
        if known.migrates(obj.ref) and obj.spec.get("method", "kubernetes") in ("kubernetes", "jwt"):
            yield obj


def _by_vault(store: Object) -> bool:
    here: Any = store.spec
    for key in ("provider", "vault", "auth"):
        here = here.get(key) if isinstance(here, Mapping) else None
    return isinstance(here, Mapping) and ("kubernetes" in here or "jwt" in here)


def _principals(known: Known) -> Iterator[Flag]:
    accounts = sum(_GSA in obj.annotations for obj in known.all("", "ServiceAccount"))
    selecting = any(_METADATA in _selector(obj) for obj in _pods(known))
    if not (known.facts.workload_pool or accounts or selecting):
        return
    pool = known.facts.workload_pool or "the cluster's pool"
    yield Flag(
        P(),
        "Workload Identity is in use, and IAM policies of Google may name a ServiceAccount of the cluster itself "
        "(principal://…): no manifest says which pods get in that way.",
        f"Search the IAM policies of your projects for principal:// and principalSet:// with {pool} (gcloud asset "
        "search-all-iam-policies), and give each ServiceAccount found an IAM role.",
    )


def _selector(obj: Object) -> Mapping[str, Any]:
    pod = pods.pod_template(obj)
    found = pod.spec.get("nodeSelector") if pod else None
    return found if isinstance(found, Mapping) else {}


def _clocks(known: Known) -> Iterator[Flag]:
    reading = sorted(str(obj.ref) for obj in _pods(known) if any(map(_is_clock, _host_paths(obj))))
    if reading:
        yield Flag(
            P(),
            f"Time zone files of the node are not the same on every image of nodes: {_some(reading, 10)} read them.",
            "Set TZ, and bring the zone files in the container's own image.",
        )
    unzoned = [
        str(obj.ref)
        for obj in known.all("batch", "CronJob")
        if known.migrates(obj.ref) and not obj.spec.get("timeZone") and "TZ=" not in str(obj.spec.get("schedule"))
    ]
    if unzoned:
        yield Flag(
            P(),
            f"CronJobs without timeZone follow the clock of the control plane: {_some(unzoned, 5)}.",
            "Write timeZone (Etc/UTC) where the hour matters.",
            Severity.INFO,
        )


def _host_paths(obj: Object) -> Iterator[str]:
    pod = pods.pod_template(obj)
    for _, volume in pod.items("volumes") if pod else ():
        path = volume.get("hostPath")
        if isinstance(path, Mapping) and isinstance(path.get("path"), str):
            yield path["path"]


def _is_clock(path: str) -> bool:
    return path.startswith(_CLOCK)


def _streaming(known: Known) -> Iterator[Flag]:
    nodes = [obj for obj in known.all("", "Node") if str(obj.labels.get(_STREAMING)).lower() == "true"]
    if nodes and any(_pods(known)):
        yield Flag(
            P(),
            f"Image streaming is on for {len(nodes):,} {'node' if len(nodes) == 1 else 'nodes'} of the source: "
            "containers start before their image is there. On EKS they start when all of it is pulled.",
            "Measure how long big images take, and give their startup probes that time.",
        )


def _pods(known: Known) -> Iterator[Object]:
    """Everything with a pod template that goes along."""
    return (obj for kind in sorted(pods.KINDS) for obj in known.all(*kind) if known.migrates(obj.ref))


def _short(refs: Iterable[str]) -> str:
    ordered = sorted(refs)
    return ordered[0] + (f" and {len(ordered) - 1} more" if len(ordered) > 1 else "")


def _some(names: list[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _rule(
    id: str, title: str, words: tuple[str, str, str], cluster: Callable[[Known], Iterator[Flag]], **page: Any
) -> Rule:
    what, why, do = words
    return Rule(
        id=id,
        title=title,
        what=f"Nothing is changed; {what}",
        why=why,
        do=do,
        area="cluster",
        severity=Severity.REVIEW,
        kinds=_NO_KIND,
        cluster=cluster,
        change="a waiver in gke2eks.yaml",
        **page,
    )


RULES: tuple[Rule, ...] = (
    _rule(
        "CLU010",
        "Pods call from other addresses",
        (
            "hosts outside of the cluster that environments, flags and ConfigMaps name are listed once.",
            "Whoever lets only the addresses of the source in refuses the pods on EKS.",
            "Announce the addresses of the NAT gateways before pods start.",
        ),
        _egress,
        docs="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html",
        gke="PAYMENTS_URL=https://api.stripe.com, from an address of Cloud NAT",
        eks="the same, from the address of a NAT gateway",
    ),
    _rule(
        "CLU011",
        "Another issuer signs tokens",
        (
            "tokens for other audiences, and what Vault asks the cluster about, are named once.",
            "Each cluster signs tokens of ServiceAccounts with keys and an issuer of its own.",
            "Let those who check tokens trust the EKS cluster.",
        ),
        _issuer,
        docs=f"{_EKS}/service-accounts.html",
        gke="serviceAccountToken: {audience: vault}",
        eks="the same, signed by oidc.eks.REGION.amazonaws.com",
    ),
    _rule(
        "CLU012",
        "Access to Google that no manifest shows",
        (
            "where Workload Identity is in use, the plan says what manifests cannot show.",
            "IAM policies can name a ServiceAccount of the cluster without any annotation on it.",
            "Search the IAM policies of your projects.",
        ),
        _principals,
        docs="https://docs.cloud.google.com/kubernetes-engine/docs/concepts/workload-identity",
        gke="principal://… in an IAM policy",
        eks="an IAM role for the ServiceAccount",
    ),
    _rule(
        "CLU013",
        "Clocks and time zones",
        (
            "pods that read the node's time zone, and CronJobs without one, are named once.",
            "The time zone of nodes and of the control plane is set by whoever makes them.",
            "Write the time zone where it matters.",
        ),
        _clocks,
        docs="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones",
        gke="hostPath: {path: /etc/localtime}",
        eks="the same, with what the image of the node has there",
    ),
    _rule(
        "CLU014",
        "Image streaming",
        (
            "that nodes of the source stream images is said once.",
            "Cold starts of big images take longer where the whole image is pulled first.",
            "Give startup probes of big images more time.",
        ),
        _streaming,
        docs="https://docs.cloud.google.com/kubernetes-engine/docs/how-to/image-streaming",
        gke=f'{_STREAMING}: "true" on nodes',
        eks="images are pulled whole",
    ),
)
