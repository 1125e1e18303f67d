"""May a NodePool of Karpenter or Auto Mode make a node for a pod? As Karpenter 1.15 compares requirements, without a
list of instance types: where only their sizes would tell, the pool is taken to have one that fits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.preflight.after import items, mapping
from migrate.preflight.placement import amount, terms_of, tolerates
from migrate.preflight.requests import extended, requested
from migrate.semantics.quantities import CPU, MEMORY, Amounts, amounts, listed, minus, units

GROUP, KIND = "karpenter.sh", "NodePool"
ARCH = "kubernetes.io/arch"
_NAME = "karpenter.sh/nodepool"
# Karpenter reads these keys as the others (NormalizedLabels, of its core and of its AWS provider).
_SAME = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "topology.ebs.csi.aws.com/zone": "topology.kubernetes.io/zone",
    "topology.ebs.csi.eks.amazonaws.com/zone": "topology.kubernetes.io/zone",
    "beta.kubernetes.io/arch": ARCH,
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
}
# A pod may ask for these although the pool says nothing of them: the machine has them.
_KNOWN = frozenset({"topology.kubernetes.io/zone", "topology.kubernetes.io/region", "node.kubernetes.io/instance-type"})
_KNOWN |= {ARCH, "kubernetes.io/os", "karpenter.sh/capacity-type", "node.kubernetes.io/windows-build", _NAME}
_KNOWN |= {"topology.k8s.aws/zone-id"}
_OF_MACHINES = re.compile(
    r"(karpenter\.k8s\.aws|eks\.amazonaws\.com)/(instance-|capacity-reservation-|placement-group)"
)
_AUTO, _KARPENTER = "eks.amazonaws.com", "karpenter.k8s.aws"
_SIZES = {CPU: ("instance-cpu", 1000), MEMORY: ("instance-memory", 2**20)}  # in cores, and in MiB
# Instance categories of EC2 that have the resource.
_DEVICES = {"nvidia.com/gpu": frozenset({"g", "gr", "p"}), "aws.amazon.com/neuron": frozenset({"inf", "trn"})}
_FAMILY = re.compile(r"([a-z]+?)(?=[0-9])")


@dataclass(frozen=True, slots=True)
class Allowed:
    """A set of values of a label: `values`, or with `but` all others; within bounds, both included."""

    but: bool
    values: frozenset[str] = frozenset()
    least: int | None = None
    most: int | None = None

    def has(self, value: str) -> bool:
        """Tell whether the value is in the set."""
        return (value in self.values) is not self.but and self._within(value)

    def meets(self, other: Allowed) -> bool:
        """Tell whether a value is in both."""
        one = self.cut(other)
        return bool(one.values) or one.but

    def cut(self, other: Allowed) -> Allowed:
        """The values that are in both."""
        least = max((one for one in (self.least, other.least) if one is not None), default=None)
        most = min((one for one in (self.most, other.most) if one is not None), default=None)
        if least is not None and most is not None and least > most:
            return Allowed(False)
        if self.but and other.but:
            return Allowed(True, self.values | other.values, least, most)
        known = other.values if self.but else self.values
        return Allowed(False, frozenset(value for value in known if self.has(value) and other.has(value)))

    @property
    def refuses(self) -> bool:
        """Tell whether it only says what the label must not be (NotIn, DoesNotExist)."""
        return bool(self.values) if self.but else not self.values

    def _within(self, value: str) -> bool:
        if self.least is None and self.most is None:
            return True
        if not value.isdecimal() or len(value) > 18:
            return False
        low, high = self.least or 0, int(value) if self.most is None else self.most
        return low <= int(value) <= high


def allowed(operator: str, values: Iterable[Any]) -> Allowed:
    """Read a requirement; an odd one has no value at all."""
    texts = [str(value) for value in values]
    if operator in ("In", "NotIn"):
        return Allowed(operator == "NotIn", frozenset(texts))
    if operator in ("Exists", "DoesNotExist"):
        return Allowed(operator == "Exists")
    if len(texts) != 1 or not texts[0].lstrip("-").isdecimal() or len(texts[0]) > 18:
        return Allowed(False)
    bound = int(texts[0])
    if operator in ("Gt", "Gte"):
        return Allowed(True, least=bound + (operator == "Gt"))
    return Allowed(True, most=bound - (operator == "Lt")) if operator in ("Lt", "Lte") else Allowed(False)


@dataclass(frozen=True, slots=True)
class Pool:
    """A NodePool: what it says of its nodes, their taints, what its limits leave. `closed`: why it makes none."""

    ref: Ref
    needs: Mapping[str, Allowed]
    taints: tuple[Body, ...]
    left: Amounts
    closed: str = ""


def pools(bodies: Mapping[Ref, Body], live: Mapping[Ref, Body], *, karpenter: bool = True) -> tuple[Pool, ...]:
    """Read NodePools; the nodes that one has, its live object says. `karpenter`: False when it is known to be absent,
    which Auto Mode does not mind."""
    return tuple(_pool(ref, body, live.get(ref, body), karpenter) for ref, body in sorted(bodies.items()))


def _pool(ref: Ref, body: Body, live: Body, karpenter: bool) -> Pool:
    spec, status = mapping(body.get("spec")), mapping(live.get("status"))
    template = mapping(spec.get("template"))
    inside = mapping(template.get("spec"))
    needs = _needs(items(inside.get("requirements")))
    made_of = mapping(inside.get("nodeClassRef"))
    labels = {**mapping(mapping(template.get("metadata")).get("labels")), _NAME: ref.name}
    labels[f"{made_of.get('group')}/{str(made_of.get('kind')).lower()}"] = made_of.get("name")
    if made_of.get("group") == _AUTO:
        labels[f"{_AUTO}/compute-type"] = "auto"
    for key, value in labels.items():
        _add(needs, str(key), Allowed(False, frozenset({str(value)})))
    limits = amounts(spec.get("limits"))
    left = minus(limits, amounts(status.get("resources")))
    ready = next((one for one in items(status.get("conditions")) if one.get("type") == "Ready"), {})
    closed = "it is not Ready" if ready.get("status") == "False" else ""
    if not karpenter and made_of.get("group") == _KARPENTER and ready.get("status") != "True":
        closed = "Karpenter, which would make its nodes, is not there"
    closed = "its number of nodes is fixed" if "replicas" in spec else closed
    return Pool(ref, needs, tuple(items(inside.get("taints"))), left, closed)


def _needs(expressions: Iterable[Body]) -> dict[str, Allowed]:
    found: dict[str, Allowed] = {}
    for one in expressions:
        _add(found, str(one.get("key")), allowed(str(one.get("operator")), one.get("values") or ()))
    return found


def _add(needs: dict[str, Allowed], key: str, more: Allowed) -> None:
    key = _SAME.get(key, key)
    needs[key] = needs[key].cut(more) if key in needs else more


def why_not(spec: Body, pool: Pool, volumes: Iterable[Iterable[Body]] = ()) -> str:
    """Say why the pool makes no node for a pod; '' when it does. `volumes`: nodeSelectorTerms of each volume."""
    if pool.closed:
        return pool.closed
    for taint in pool.taints:
        hard = taint.get("effect") in ("NoSchedule", "NoExecute")
        if hard and not any(tolerates(one, taint) for one in items(spec.get("tolerations"))):
            return f"its nodes have the taint {taint.get('key')}:{taint.get('effect')}, which is not tolerated"
    choices = [_needs([])]
    selector = [{"key": k, "operator": "In", "values": [v]} for k, v in mapping(spec.get("nodeSelector")).items()]
    terms = terms_of(spec)
    for options in ([{"matchExpressions": selector}], terms, *volumes):
        if options is not None:
            more = [_needs(items(term.get("matchExpressions"))) for term in options]
            choices = [_joined(one, other) for one in choices for other in more]
    whys = [_compares(one, pool) for one in choices]
    if not whys or all(whys):
        return whys[0] if whys else "it wants a node affinity that nothing can meet"
    return _too_large(spec, pool)


def _joined(one: Mapping[str, Allowed], other: Mapping[str, Allowed]) -> dict[str, Allowed]:
    found = dict(one)
    for key, value in other.items():
        _add(found, key, value)
    return found


def _compares(wants: Mapping[str, Allowed], pool: Pool) -> str:
    for key, want in sorted(wants.items()):
        has = pool.needs.get(key)
        if has is None:
            if want.refuses or key in _KNOWN or _OF_MACHINES.match(key):
                continue
            return f"its nodes have no label {key}"
        if not has.meets(want) and not (want.refuses and has.refuses):
            return f"its nodes do not have {key} {_printed(want)}"
    return ""


def _printed(one: Allowed) -> str:
    values = ", ".join(sorted(one.values))
    bounds = [f"{sign} {bound}" for sign, bound in ((">=", one.least), ("<=", one.most)) if bound is not None]
    if one.but:
        return f"not in [{values}]" if values else " ".join(bounds) or "at all"
    return f"in [{values}]" if values else "absent"


def _too_large(spec: Body, pool: Pool) -> str:
    asked = requested(spec)
    whole = units(asked)
    for name, (label, unit) in _SIZES.items():
        for domain in ("karpenter.k8s.aws", _AUTO):
            size = pool.needs.get(f"{domain}/{label}")
            top = _largest(size) if size else None
            if top is not None and whole.get(name, 0) > top * unit:
                most = amount(name, top * unit)
                return f"it asks for {name} {amount(name, whole[name])} and no machine of the pool has more than {most}"
    over = [name for name, value in asked.items() if name in pool.left and value > pool.left[name]]
    if over:
        return f"it asks for {listed(asked, over)} and the pool's limits leave {listed(pool.left, over)}"
    missing = next((name for name in extended(asked) if gives(pool, name) is False), "")
    return f"no machine of the pool has {missing}" if missing else ""


def _largest(size: Allowed) -> int | None:
    if size.but:
        return size.most
    return max((int(value) for value in size.values if value.isdecimal() and len(value) < 18), default=None)


def gives(pool: Pool, resource: str) -> bool | None:
    """Tell whether machines of the pool may have an extended resource; None where nobody can tell."""
    categories = _DEVICES.get(resource)
    if categories is None:
        return None
    for domain in ("karpenter.k8s.aws", _AUTO):
        kind = pool.needs.get(f"{domain}/instance-category")
        if kind and not any(map(kind.has, categories)):
            return False
        family = pool.needs.get(f"{domain}/instance-family")
        if family and not _of_categories(family, categories):
            return False
    machine = pool.needs.get("node.kubernetes.io/instance-type")
    return not (machine and not _of_categories(machine, categories))


def _of_categories(names: Allowed, categories: frozenset[str]) -> bool:
    found = [_FAMILY.match(value) for value in names.values]
    return names.but or any(one and one[1] in categories for one in found)


def architectures(pool: Pool) -> frozenset[str]:
    """The architectures that its nodes may have; empty when the pool does not say."""
    said = pool.needs.get(ARCH)
    return frozenset(one for one in ("amd64", "arm64") if said.has(one)) if said else frozenset()
