"""Whether the target has what the plan's objects need beside Kubernetes itself: drivers, controllers, agents.

Told from the API alone; the rows are in mappings/eks-addons.yaml. Only what is needed is looked for, and a check names
the objects that need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from migrate import catalog
from migrate.manifest.pods import pod_template
from migrate.model.checks import Check, Seen, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.preflight.addons_needs import drivers, needs
from migrate.preflight.identity import shown_flavour
from migrate.semantics.going import Going

_TABLE = "eks-addons.yaml"
_COLUMNS = frozenset(
    {"addon", "check", "name", "drivers", "programs", "group", "auto", "harm", "severity", "install", "source"}
)
_OTHER = "PRE024"  # CSI drivers that no row names
_DRIVER = ("storage.k8s.io", "CSIDriver")
_API = ("apiregistration.k8s.io", "APIService")
_WEBHOOK = Ref("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "", "pod-identity-webhook")
_NODE_AGENT = Ref("apps", "DaemonSet", "kube-system", "aws-node")
_CNI = Ref("", "ConfigMap", "kube-system", "amazon-vpc-cni")
_ENFORCES = "--enable-network-policy=true"  # argument of the container aws-eks-nodeagent
_SWITCH = "enable-network-policy-controller"
# Other networks that enforce policies (calico.org, cilium.io: names of their DaemonSets).
_OTHERS = ("calico-node", "cilium")
_GPU = "nvidia.com/gpu"
_LOOK = "ask for the right to list it (gke2eks access target prints it), then run preflight again."


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """The rows by the name of the add-on."""
    rows = catalog.rows(catalog.text(_TABLE), f"mappings/{_TABLE}", _COLUMNS)
    return {str(row.fields["addon"]): row.fields for row in rows}


def checks(going: Going, seen: Seen) -> Iterator[Check]:
    """One check for each add-on that something needs."""
    look = _Look(going, seen)
    yield from _blind(going, seen)
    for driver, refs in drivers(going, seen).items():
        yield from look.driver(driver, refs)
    for addon, refs in needs(going, seen).items():
        row = table()[addon]
        if addon == "network-policy":
            yield look.policies(row, refs)
        elif addon == "irsa":
            yield look.webhook(row, refs)
        elif "group" in row:
            yield look.served(row, refs)
        elif row.get("auto") and look.auto:
            yield passed(str(row["check"]), f"{_name(row)} is part of EKS Auto Mode.", *refs)
        elif "programs" in row:
            yield look.program(row, refs)
        else:
            yield look.missing(row, refs)


def absent(addon: str, going: Going, seen: Seen) -> bool:
    """Tell whether a program was looked for, and is neither on the target nor in the plan."""
    names = tuple(table()[addon]["programs"])
    shown = [seen.of("apps", kind) for kind in ("Deployment", "DaemonSet")]
    everything = [going.bodies, *(one.bodies for one in shown)]
    found = any(_runs(ref, body, names) for bodies in everything for ref, body in bodies.items())
    return not found and not any(one.why for one in shown)


def _blind(going: Going, seen: Seen) -> Iterator[Check]:
    """Claims and Ingresses say what they need by their class; without classes nobody knows."""
    for check, (group, kind), by, what in (
        ("PRE011", ("storage.k8s.io", "StorageClass"), ("PersistentVolumeClaim", "StatefulSet"), "CSI driver"),
        ("PRE012", ("networking.k8s.io", "IngressClass"), ("Ingress",), "controller"),
    ):
        refs = sorted(ref for ref in going.steps if ref.kind in by)
        why = seen.of(group, kind).why if refs else ""
        if why:
            yield unknown(check, f"Which {what} the classes of {_count(tuple(refs))} name.", why, _LOOK, *refs)


class _Look:
    def __init__(self, going: Going, seen: Seen) -> None:
        self.going, self.seen = going, seen
        self.auto = (shown_flavour(seen) or going.plan.flavour) == "auto"

    def driver(self, name: str, refs: tuple[Ref, ...]) -> Iterator[Check]:
        row = next((one for one in table().values() if name in one.get("drivers", ())), None)
        if row is None and "/" in name:
            return  # no CSI driver, such as kubernetes.io/no-provisioner: nothing shows whether it is there
        check = str(row["check"]) if row else _OTHER
        called = _name(row) if row else f"The CSI driver {name}"
        ref = Ref(*_DRIVER, "", name)
        shown = self.seen.of(*_DRIVER)
        if ref in self.going.steps:
            yield passed(check, f"{called} comes with the plan.", *refs)
        elif shown.why:
            yield unknown(check, f"Whether the target has {name}.", shown.why, _LOOK, *refs)
        elif ref in shown.bodies:
            yield passed(check, f"{called} is there.", *refs)
        elif row:
            yield self.missing(row, refs)
        else:
            what, fix = f"{called} is not installed.", f"install what brings {name}, as on the source."
            because = f"{_count(refs)} would wait for a volume for ever"
            yield finding(check, what, fix, *refs, because=because, severity=Severity.BLOCKER)

    def program(self, row: Mapping[str, Any], refs: tuple[Ref, ...]) -> Check:
        check, names = str(row["check"]), tuple(row["programs"])
        planned = sorted(ref for ref, body in self.going.bodies.items() if _runs(ref, body, names))
        if planned:
            return passed(check, f"{_name(row)} comes with the plan: {planned[0]}.", *refs)
        if row["addon"] == "gpu" and (nodes := self._with_gpus()):
            return passed(check, f"{len(nodes)} of the target's nodes offer {_GPU}.", *refs)
        whys = []
        found: dict[Ref, Body] = {}
        for kind in ("Deployment", "DaemonSet"):
            shown = self.seen.of("apps", kind)
            whys += [shown.why] if shown.why else []
            found |= {ref: body for ref, body in shown.bodies.items() if _runs(ref, body, names)}
        if found:
            return self._running(row, refs, found)
        if whys:
            return unknown(check, f"Whether the target has {row['name']}.", "; ".join(whys), _LOOK, *refs)
        return self.missing(row, refs)

    def _running(self, row: Mapping[str, Any], refs: tuple[Ref, ...], found: Mapping[Ref, Body]) -> Check:
        ready = sorted(ref for ref, body in found.items() if _is_ready(body))
        if ready:
            return passed(str(row["check"]), f"{_name(row)} is there: {ready[0]}.", *refs)
        ref = min(found)
        fix = f"look at its pods: kubectl -n {ref.namespace} describe {ref.kind.lower()} {ref.name}"
        what = f"{_name(row)} is there and not ready: {ref}."
        return finding(str(row["check"]), what, fix, *refs, because=f"meanwhile {_count(refs)} {row['harm']}")

    def served(self, row: Mapping[str, Any], refs: tuple[Ref, ...]) -> Check:
        check, group = str(row["check"]), row["group"]
        planned = [ref for ref, body in self.going.bodies.items() if _answers(ref, body, group)]
        shown = self.seen.of(*_API)
        there = {ref: body for ref, body in shown.bodies.items() if _answers(ref, body, group)}
        if any(_available(body) for body in there.values()):
            return passed(check, f"{_name(row)} answers: {min(there)}.", *refs)
        if planned:
            return passed(check, f"{_name(row)} comes with the plan: {min(planned)}.", *refs)
        if shown.why:
            return unknown(check, f"Whether the target has {row['name']}.", shown.why, _LOOK, *refs)
        if there:
            what, fix = f"{min(there)} does not answer.", f"look at it: kubectl describe apiservice {min(there).name}"
            return finding(check, what, fix, *refs, because=f"meanwhile {_count(refs)} {row['harm']}")
        return self.missing(row, refs)

    def webhook(self, row: Mapping[str, Any], refs: tuple[Ref, ...]) -> Check:
        shown = self.seen.of(_WEBHOOK.group, _WEBHOOK.kind)
        if _WEBHOOK in shown.bodies:
            return passed(str(row["check"]), f"{_name(row)} is there.", *refs)
        if shown.why:
            return unknown(str(row["check"]), f"Whether the target has {row['name']}.", shown.why, _LOOK, *refs)
        what = f"{_name(row)} is not there ({_WEBHOOK.name})."
        return finding(str(row["check"]), what, str(row["install"]), *refs, because=f"{_count(refs)} {row['harm']}")

    def policies(self, row: Mapping[str, Any], refs: tuple[Ref, ...]) -> Check:
        check = str(row["check"])
        agents, switches = self.seen.of("apps", "DaemonSet"), self.seen.of("", "ConfigMap")
        switch = _map(switches.bodies.get(_CNI, {}).get("data")).get(_SWITCH)
        if self.auto:
            if switches.why:
                return unknown(check, "Whether EKS Auto Mode enforces NetworkPolicies.", switches.why, _LOOK, *refs)
            if switch == "true":
                return passed(check, "EKS Auto Mode enforces NetworkPolicies.", *refs)
            fix = (  # as in the guide, whether it is there or not
                f"kubectl -n {_CNI.namespace} create configmap {_CNI.name} --from-literal={_SWITCH}=true "
                "--dry-run=client -o yaml | kubectl apply --server-side -f -"
            )
            what = "NetworkPolicy is not switched on in EKS Auto Mode."
            return finding(check, what, fix, *refs, because=f"{_count(refs)} {row['harm']}")
        if agents.why:
            return unknown(check, "Whether the target enforces NetworkPolicies.", agents.why, _LOOK, *refs)
        other = sorted(ref for ref in agents.bodies if ref.name in _OTHERS)
        if other:
            return passed(check, f"{other[0]} enforces NetworkPolicies.", *refs)
        agent = agents.bodies.get(_NODE_AGENT)
        if agent is None:
            what = "Nothing on the target is known to enforce NetworkPolicies: it has no DaemonSet aws-node."
            return finding(
                check, what, _fill(row["install"], self.seen), *refs, because=f"{_count(refs)} {row['harm']}"
            )
        pod = pod_template(Object(_NODE_AGENT, agent))
        said = [one for _, item in (pod.items("containers") if pod else ()) for one in item.get("args") or ()]
        # An own vpc-cni may have the agent's switch on, and that of the controller still off.
        if _ENFORCES in said and switch != "false":
            return passed(check, "The VPC CNI enforces NetworkPolicies.", *refs)
        what = "NetworkPolicy is not switched on in the vpc-cni add-on."
        return finding(check, what, _fill(row["install"], self.seen), *refs, because=f"{_count(refs)} {row['harm']}")

    def missing(self, row: Mapping[str, Any], refs: tuple[Ref, ...]) -> Check:
        weight = Severity.BLOCKER if row["severity"] == "blocker" else Severity.REVIEW
        what, because = f"{_name(row)} is not there.", f"{_count(refs)} {row['harm']}"
        install = _fill(row["install"], self.seen)
        return finding(str(row["check"]), what, install, *refs, because=because, severity=weight)

    def _with_gpus(self) -> list[Ref]:
        nodes = self.seen.of("", "Node").bodies
        return [
            ref
            for ref, body in nodes.items()
            if str(_map(_map(body.get("status")).get("allocatable")).get(_GPU, "0")) != "0"
        ]


def _runs(ref: Ref, body: Body, names: tuple[str, ...]) -> bool:
    if (ref.group, ref.kind) not in (("apps", "Deployment"), ("apps", "DaemonSet")):
        return False
    if ref.name in names or Object(ref, body).labels.get("app.kubernetes.io/name") in names:
        return True
    pod = pod_template(Object(ref, body))
    images = [str(item.get("image") or "") for _, item in (pod.items("containers") if pod else ())]
    return any(re.split("[:@]", image.rpartition("/")[2])[0] in names for image in images)


def _is_ready(body: Body) -> bool:
    """A DaemonSet for which there is no node yet is as ready as can be."""
    status = _map(body.get("status"))
    if body.get("kind") == "DaemonSet":
        return bool(status.get("numberReady")) or status.get("desiredNumberScheduled") == 0
    return bool(status.get("readyReplicas"))


def _answers(ref: Ref, body: Body, group: str) -> bool:
    return (ref.group, ref.kind) == _API and _map(body.get("spec")).get("group") == group


def _available(body: Body) -> bool:
    conditions = _map(body.get("status")).get("conditions")
    rows = [_map(one) for one in conditions] if isinstance(conditions, list) else []
    return any(one.get("type") == "Available" and one.get("status") == "True" for one in rows)


def _fill(install: str, seen: Seen) -> str:
    """Name the cluster in a command where it is known: a target that was named region/cluster."""
    known = re.fullmatch(r"([a-z]{2}(?:-[a-z]+)+-\d)/([A-Za-z0-9_-]+)", seen.name)
    region, cluster = (f" --region {known[1]}", known[2]) if known else ("", "<cluster>")
    for word, value in (
        ("{cluster}", f"--cluster-name {cluster}{region}"),
        ("{name}", f"--name {cluster}{region}"),
        ("{plain}", cluster),
    ):
        install = install.replace(word, value)
    return install


def _name(row: Mapping[str, Any]) -> str:
    name = str(row["name"])
    return name[0].upper() + name[1:] if " " in name else name  # a program is written as it is called


def _count(refs: tuple[Ref, ...]) -> str:
    return f"{len(refs)} objects" if len(refs) > 1 else str(refs[0])


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
