"""Defaults that differ although no manifest says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from migrate.model.objects import Object
from migrate.model.plan import Difference


@dataclass(frozen=True, slots=True)
class Default:
    """A default that differs, and the objects that it touches."""

    rule: str
    topic: str
    gke: str
    eks: str
    handled: bool
    fix: str
    docs: str
    touches: Callable[[Object], bool]


def _is(group: str, kind: str) -> Callable[[Object], bool]:
    return lambda obj: obj.ref.group == group and obj.ref.kind == kind


def _load_balancer(obj: Object) -> bool:
    return obj.ref.group == "" and obj.ref.kind == "Service" and obj.spec.get("type") == "LoadBalancer"


DEFAULTS: tuple[Default, ...] = (
    Default(
        "SVC001",
        "A load balancer that says nothing about its scheme",
        "public",
        "internal",
        False,
        "Set service.beta.kubernetes.io/aws-load-balancer-scheme with an override; no rule writes it yet.",
        "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/nlb/",
        _load_balancer,
    ),
    Default(
        "SVC020",
        "A connection that says nothing",
        "forgotten after 10 minutes",
        "cut after 350 seconds",
        False,
        "Send keep-alives more often than every 350 seconds.",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html",
        _load_balancer,
    ),
    Default(
        "NET001",
        "NetworkPolicy",
        "enforced when Dataplane V2 or network policy is on",
        "only stored until the VPC CNI is told to enforce it",
        False,
        "Set enableNetworkPolicy in the vpc-cni add-on; on Auto Mode, enable-network-policy-controller in the "
        "ConfigMap kube-system/amazon-vpc-cni.",
        "https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html",
        _is("networking.k8s.io", "NetworkPolicy"),
    ),
    Default(
        "STO002",
        "A claim without a class",
        "served by the default class",
        "waits for ever, because EKS marks no class as default",
        True,
        "Nothing; the class is written out.",
        "https://docs.aws.amazon.com/eks/latest/userguide/create-storage-class.html",
        _is("", "PersistentVolumeClaim"),
    ),
)


def differences(objects: Iterable[Object]) -> tuple[Difference, ...]:
    """Every difference that touches at least one of these objects."""
    everything = tuple(objects)
    found = []
    for d in DEFAULTS:
        refs = tuple(obj.ref for obj in everything if d.touches(obj))
        if refs:
            found.append(Difference(d.rule, d.topic, d.gke, d.eks, d.handled, refs, d.fix))
    return tuple(sorted(found, key=lambda d: (d.handled, -len(d.refs), d.rule)))
