"""Gives Services of type LoadBalancer an address, as the controllers of each cloud do. Nothing listens there.

    with Addresses(client, "gke"): …         # a thread, until the block ends
    Addresses(client, "standard").once()     # one pass, now

What is written, with its source:
- gke, external: by GKE's cloud controller the finalizers l4-netlb-v1 and load-balancer-cleanup and no annotation
  (public dumps); with `cloud.google.com/l4-rbs: enabled` or the class l4-regional-external by ingress-gce:
  l4-netlb-v2 and the annotations that name Google's resources (pkg/utils/namer/l4_namer.go). gke, internal:
  ingress-gce with subsetting: l4-ilb-v2 and the same annotations. status: an ip; internal ones from GKE's default
  subnet. Other classes: nothing.
- standard (AWS Load Balancer Controller): class service.k8s.aws/nlb, or no class and the type annotation `external`
  with a target type, or `nlb-ip` (pkg/service/service_utils.go). Finalizer service.k8s.aws/resources; status: name
  and ports.
- auto: class eks.amazonaws.com/nlb only; finalizer service.eks.amazonaws.com/resources (public dumps of Auto Mode).
Names of load balancers: pkg/service/model_build_load_balancer.go. An internal NLB is named like any other (only ALB and
Classic put `internal-` in front); `built` says which is internal. AWS' in-tree Classic load balancers are not played.
"""

import hashlib
import re
import threading
from dataclasses import dataclass, field
from typing import Literal

import urllib3

from rig.http import ApiError, Client, Json

Cloud = Literal["gke", "standard", "auto"]
AWS = "service.beta.kubernetes.io/aws-load-balancer-"
_CLASS = {"standard": "service.k8s.aws/nlb", "auto": "eks.amazonaws.com/nlb"}
_FINALIZER = {"standard": "service.k8s.aws/resources", "auto": "service.eks.amazonaws.com/resources"}
_CLEANUP = "service.kubernetes.io/load-balancer-cleanup"
_GKE_CLASSES = {
    None: None,
    "networking.gke.io/l4-regional-external": False,
    "networking.gke.io/l4-regional-internal": True,
}
OURS = frozenset(
    {_CLEANUP, *_FINALIZER.values(), *(f"gke.networking.io/l4-{kind}" for kind in ("netlb-v1", "netlb-v2", "ilb-v2"))}
)


@dataclass(frozen=True, slots=True)
class Built:
    """What a controller wants on a Service. `internal`: not reachable from the internet."""

    internal: bool
    finalizers: tuple[str, ...]
    ingress: tuple[Json, ...]
    annotations: dict[str, str] = field(default_factory=dict)


def build(service: Json, cloud: Cloud) -> Built | None:
    """What that cloud's controller makes of the Service; None when it leaves it alone."""
    if service["spec"].get("type") != "LoadBalancer":
        return None
    return _google(service) if cloud == "gke" else _amazon(service, cloud)


def _google(service: Json) -> Built | None:
    spec, notes = service["spec"], service["metadata"].get("annotations") or {}
    if spec.get("loadBalancerClass") not in _GKE_CLASSES:
        return None
    internal = _GKE_CLASSES[spec.get("loadBalancerClass")]
    if internal is None:  # exactly these spellings (ingress-gce pkg/l4/annotations)
        wish = notes.get("networking.gke.io/load-balancer-type", notes.get("cloud.google.com/load-balancer-type", ""))
        internal = wish in ("Internal", "internal")
    number = int(_hash(_name(service), 8), 16)
    made_up = (
        f"10.128.{number % 16}.{number // 16 % 250 + 3}"
        if internal
        else f"34.{number % 90 + 30}.{number // 90 % 250}.{number // 9000 % 250 + 1}"
    )
    ingress = ({"ip": spec.get("loadBalancerIP") or made_up, "ipMode": "VIP"},)
    if not internal and "loadBalancerClass" not in spec and notes.get("cloud.google.com/l4-rbs") != "enabled":
        return Built(internal, ("gke.networking.io/l4-netlb-v1", _CLEANUP), ingress)
    return Built(
        internal, (f"gke.networking.io/l4-{'ilb' if internal else 'netlb'}-v2",), ingress, _resources(service, internal)
    )


def _resources(service: Json, internal: bool) -> dict[str, str]:
    """The annotations that name Google's resources."""
    meta, cluster = service["metadata"], "rig01234"
    middle = f"{meta['namespace']}-{meta['name']}"[:39]
    tail = f"{cluster}-{middle}-{_hash(_name(service), 8)}"
    shared = service["spec"].get("externalTrafficPolicy") != "Local"
    check = f"k8s2-{cluster}-l4-shared-hc" if shared else f"k8s2-{tail}"
    protocols = {port.get("protocol", "TCP").lower() for port in service["spec"]["ports"]}
    protocol = protocols.pop() if len(protocols) == 1 else "l3"
    rule = f"k8s2-{protocol}-{tail}" if internal else "a" + meta["uid"].replace("-", "")[:31]
    prefix = "service.kubernetes.io/"
    return {
        f"{prefix}backend-service": f"k8s2-{tail}",
        f"{prefix}firewall-rule": f"k8s2-{tail}",
        f"{prefix}firewall-rule-for-hc": f"{check}-fw",
        f"{prefix}healthcheck": check,
        f"{prefix}{protocol}-forwarding-rule": rule,
    }


def _amazon(service: Json, cloud: Literal["standard", "auto"]) -> Built | None:
    spec, meta = service["spec"], service["metadata"]
    notes = meta.get("annotations") or {}
    kind, target = notes.get(AWS + "type"), notes.get(AWS + "nlb-target-type")
    by_type = cloud == "standard" and (kind == "nlb-ip" or (kind == "external" and target in ("ip", "instance")))
    if spec.get("loadBalancerClass", _CLASS[cloud] if by_type else None) != _CLASS[cloud]:
        return None
    internal = notes.get(AWS + "scheme", "internal") != "internet-facing"  # the controller's default scheme is internal
    scheme = "internal" if internal else "internet-facing"
    words = [re.sub(r"[^a-zA-Z0-9]", "", meta[key])[:8] for key in ("namespace", "name")]
    name = notes.get(AWS + "name") or f"k8s-{'-'.join(words)}-{_hash(meta['uid'] + scheme, 10)}"
    host = f"{name}-{_hash(name + meta['uid'], 16)}.elb.us-east-1.amazonaws.com"
    ports = [{"port": port["port"], "protocol": port.get("protocol", "TCP")} for port in spec["ports"]]
    return Built(internal, (_FINALIZER[cloud],), ({"hostname": host, "ports": ports},))


class Addresses(threading.Thread):
    """Watches all Services. `built`: what was made, by "namespace/name". `errors`: answers that no retry explains."""

    def __init__(self, client: Client, cloud: Cloud):
        super().__init__(name=f"addresses-{cloud}", daemon=True)
        self.client, self.cloud = client, cloud
        self.built: dict[str, Built] = {}
        self.errors: list[str] = []
        self._end = threading.Event()

    def once(self) -> None:
        """Give every Service its address now."""
        for service in self.client.list("v1", "Service"):
            self.give({"apiVersion": "v1", "kind": "Service"} | service)

    def run(self) -> None:
        while not self._end.is_set():
            try:  # a watch without a version starts with all that exist
                for event, service in self.client.watch("v1", "Service", seconds=1):
                    if event in ("ADDED", "MODIFIED"):
                        self.give({"apiVersion": "v1", "kind": "Service"} | service)
                    if self._end.is_set():
                        return
            except ApiError as error:
                if error.status not in (404, 409, 410):  # gone or changed meanwhile: the next round sees it
                    self.errors.append(str(error))
                self._end.wait(0.1)
            except (urllib3.exceptions.HTTPError, OSError):  # the server restarts, or has gone before this thread
                self._end.wait(0.2)

    def stop(self) -> None:
        self._end.set()
        if self.is_alive():
            self.join(timeout=5)

    def __enter__(self) -> "Addresses":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def give(self, service: Json) -> None:
        """Finalizers first, then annotations, then the status, as controllers do; nothing when all is there."""
        meta, key = service["metadata"], f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        have = list(meta.get("finalizers") or [])
        wanted = None if meta.get("deletionTimestamp") else build(service, self.cloud)
        if wanted is None:
            left = [name for name in have if name not in OURS]
            if left != have:  # no longer ours: the load balancer goes, and with it our marks
                self.built.pop(key, None)
                if not meta.get("deletionTimestamp"):
                    self.client.patch(service, {"status": {"loadBalancer": None}}, sub="status")
                self.client.patch(service, {"metadata": {"finalizers": left or None}})
            return
        self.built[key] = wanted
        missing = [name for name in wanted.finalizers if name not in have]
        if missing:  # with the version: a finalizer list that somebody else changed is not overwritten
            version = {"resourceVersion": meta["resourceVersion"]}
            self.client.patch(service, {"metadata": {"finalizers": have + missing} | version})
        if not (wanted.annotations.items() <= (meta.get("annotations") or {}).items()):
            self.client.patch(service, {"metadata": {"annotations": wanted.annotations}})
        if ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") != list(wanted.ingress):
            self.client.patch(service, {"status": {"loadBalancer": {"ingress": list(wanted.ingress)}}}, sub="status")


def _name(service: Json) -> str:
    return f"{service['metadata']['namespace']}/{service['metadata']['name']}"


def _hash(word: str, length: int) -> str:
    return hashlib.sha256(word.encode()).hexdigest()[:length]
