"""Defaults that differ although no manifest says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from migrate.model.objects import Object
from migrate.model.plan import Difference
from migrate.semantics import edges
from migrate.semantics.default import BOTH, NEITHER, Default
from migrate.semantics.differences_everywhere import EVERYWHERE
from migrate.semantics.storageclass import Family, family

_ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/"


def _is(group: str, kind: str) -> Callable[[Object], bool]:
    return lambda obj: obj.ref.group == group and obj.ref.kind == kind


def _balanced(obj: Object) -> bool:
    return edges.google(obj) is not None


def _speaks(protocol: str) -> Callable[[Object], bool]:
    return lambda obj: _balanced(obj) and any(said == protocol for _, said, _ in edges.ports(obj))


def _disk_class(obj: Object) -> bool:
    return obj.ref.group == "storage.k8s.io" and obj.ref.kind == "StorageClass" and family(obj) is Family.DISK


def _immediate(obj: Object) -> bool:
    return _disk_class(obj) and obj.body.get("volumeBindingMode", "Immediate") == "Immediate"


def _many_claims(obj: Object) -> bool:
    return obj.ref.group == "apps" and obj.ref.kind == "StatefulSet" and bool(obj.spec.get("volumeClaimTemplates"))


DEFAULTS: tuple[Default, ...] = (
    Default(
        "SVC001",
        "A load balancer that says nothing about its scheme",
        "public",
        "internal",
        BOTH,
        "Nothing; the scheme is written out.",
        "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/nlb/",
        _balanced,
    ),
    Default(
        "SVC002",
        "The address of a load balancer",
        "one ip, in .status",
        "a DNS name, with one address for each zone",
        NEITHER,
        "Change DNS records, allow-lists and scripts; each finding names where the old address is written.",
        f"{_ELB}network-load-balancers.html",
        _balanced,
    ),
    Default(
        "SVC008",
        "What guards a load balancer",
        "a firewall rule of the source ranges",
        "a security group of the source ranges",
        BOTH,
        "Nothing; the ranges are kept in the field that both controllers read.",
        f"{_ELB}load-balancer-security-groups.html",
        _balanced,
    ),
    Default(
        "SVC010",
        "The client's address behind externalTrafficPolicy Local",
        "seen by pods",
        "hidden by the load balancer",
        BOTH,
        "Nothing; the target group is told to keep it.",
        f"{_ELB}edit-target-group-attributes.html",
        lambda obj: _balanced(obj) and obj.spec.get("externalTrafficPolicy") == "Local",
    ),
    Default(
        "SVC014",
        "A pod that leaves a load balancer",
        "gets nothing new once its node knows",
        "drains for 300 seconds, and gets new connections for the first few",
        NEITHER,
        "Give its workload a preStop sleep and a longer grace period.",
        f"{_ELB}edit-target-group-attributes.html",
        _balanced,
    ),
    Default(
        "SVC020",
        "A TCP connection that says nothing",
        "forgotten after 10 minutes",
        "cut after 350 seconds",
        frozenset({"standard"}),
        "Send keep-alives more often than every 350 seconds.",
        f"{_ELB}update-idle-timeout.html",
        _speaks("TCP"),
    ),
    Default(
        "SVC020",
        "A UDP flow that says nothing",
        "tracked by Google's own timeouts",
        "forgotten after 120 seconds, which cannot be changed",
        NEITHER,
        "Send something more often than every 120 seconds.",
        f"{_ELB}network-load-balancers.html",
        _speaks("UDP"),
    ),
    Default(
        "SVC022",
        "The health check of a load balancer",
        "asks the node, never the application",
        "opens a TCP connection to the application's own port every 10 seconds",
        NEITHER,
        "Expect connections without a request in the logs, or set the healthcheck annotations to a path.",
        "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/#health-check",
        _balanced,
        page=True,
    ),
    Default(
        "SVC023",
        "Pods in other zones",
        "get their share of every client",
        "get nothing from a load balancer address outside their zone",
        NEITHER,
        "Spread pods over all zones, or set load_balancing.cross_zone.enabled=true in "
        f"{edges.AWS}attributes; traffic between zones costs.",
        f"{_ELB}edit-load-balancer-attributes.html",
        _balanced,
        page=True,
    ),
    Default(
        "SVC024",
        "Whether a load balancer has security groups",
        "no such thing",
        "decided when it is made, for its whole life",
        NEITHER,
        "Leave the controller's default, which makes one, before the first Service is created.",
        f"{_ELB}load-balancer-security-groups.html",
        _balanced,
        page=True,
    ),
    Default(
        "NET001",
        "NetworkPolicy",
        "enforced when Dataplane V2 or network policy is on",
        "only stored until the VPC CNI is told to enforce it",
        NEITHER,
        "Set enableNetworkPolicy in the vpc-cni add-on; on Auto Mode, enable-network-policy-controller in the "
        "ConfigMap kube-system/amazon-vpc-cni.",
        "https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html",
        _is("networking.k8s.io", "NetworkPolicy"),
        page=True,
    ),
    Default(
        "STO001",
        "A disk that says nothing about encryption",
        "always encrypted",
        "plain, unless the account's default says otherwise",
        BOTH,
        "Nothing; encryption is written out.",
        "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html",
        _disk_class,
    ),
    Default(
        "STO001",
        "A class that binds at once",
        "gives a volume to a claim before a pod asks",
        "picks a zone in which the pod may never run",
        BOTH,
        "Nothing; the class waits for the first pod.",
        "https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode",
        _immediate,
    ),
    Default(
        "STO002",
        "A claim without a class",
        "served by the default class",
        "waits for ever, because EKS marks no class as default",
        BOTH,
        "Nothing; the class is written out.",
        "https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html",
        _is("", "PersistentVolumeClaim"),
    ),
    Default(
        "STO040",
        "How many disks a node holds",
        "up to 128",
        "about 27 before generation 7 of instances, shared with network interfaces",
        NEITHER,
        "Count volumes for each node before you choose instance types; pods beyond the limit stay Pending.",
        "https://docs.aws.amazon.com/ebs/latest/userguide/volume_limits.html",
        _many_claims,
        page=True,
    ),
    *EVERYWHERE,
)


def differences(objects: Iterable[Object], flavour: str) -> tuple[Difference, ...]:
    """Every difference that touches at least one of these objects."""
    everything = tuple(objects)
    found = []
    for d in DEFAULTS:
        refs = tuple(obj.ref for obj in everything if d.touches(obj))
        if refs:
            named = () if d.whole else refs
            found.append(Difference(d.rule, d.topic, d.gke, d.eks, flavour in d.handled, named, d.fix))
    return tuple(sorted(found, key=lambda d: (d.handled, -len(d.refs), d.rule, d.topic)))
