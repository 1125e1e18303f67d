"""What becomes of an object that is in the way of ours: the policies a person may name, and for which objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from migrate.model.ref import Ref
from migrate.model.selection import BadSelection, RefPattern, parse_ref


class Policy(StrEnum):
    """What to do where others own fields that the plan would change, or where a field cannot be changed at all."""

    FAIL = "fail"
    ADOPT = "adopt"
    OVERWRITE = "overwrite"
    KEEP_TARGET = "keep-target"
    RECREATE = "recreate"


# With whom kubectl and a server make an object; what people mended by hand later (kubectl-edit, …) has to be named.
MAKERS = ("kubectl", "kubectl-client-side-apply", "kubectl-create", "kubectl-replace")
# A server's word for whoever wrote before it kept count: there is no list of their fields that could be taken over.
BEFORE = "before-first-apply"
# Kubernetes' own controllers write again whatever is taken from them.
_CONTROLLERS = "kube-"

# What has fields that are fixed for life, holds no data, and is no more than its plan says. All other kinds, custom
# ones above all, are deleted only when they are named one by one.
_RECREATED = frozenset(
    {
        *(
            ("", kind)
            for kind in ("ConfigMap", "Endpoints", "Pod", "PodTemplate", "ReplicationController", "Secret", "Service")
        ),
        *(("apps", kind) for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")),
        *(("batch", kind) for kind in ("CronJob", "Job")),
        *(("rbac.authorization.k8s.io", kind) for kind in ("ClusterRoleBinding", "RoleBinding")),
        *(("storage.k8s.io", kind) for kind in ("CSIDriver", "StorageClass", "VolumeAttributesClass")),
        ("networking.k8s.io", "IngressClass"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("node.k8s.io", "RuntimeClass"),
        ("policy", "PodDisruptionBudget"),
        ("resource.k8s.io", "ResourceClaimTemplate"),
        ("scheduling.k8s.io", "PriorityClass"),
    }
)


_TRIAL = "-gke2eks-trial"


class BadPolicy(ValueError):
    """A text that names no policy; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A policy for the objects of a pattern, None: for all. `managers` are those whose fields adopt takes over."""

    policy: Policy
    managers: tuple[str, ...] = ()
    where: RefPattern | None = None

    def adopts(self, manager: str) -> bool:
        """Tell whether the fields of this manager become ours."""
        return manager in (self.managers or (*MAKERS, BEFORE)) and not a_controller(manager)

    def __str__(self) -> str:
        of = f":{','.join(self.managers)}" if self.managers else ""
        return f"{self.policy}{of}" + (f"={self.where.text}" if self.where else "")


FAIL = Choice(Policy.FAIL)


@dataclass(frozen=True, slots=True)
class Policies:
    """What a person chose. Of the choices for some objects the last that fits wins, then the last for all.

    `data` are objects that may be recreated although they may hold data, each by its full name.
    """

    choices: tuple[Choice, ...] = ()
    data: frozenset[str] = frozenset()

    def of(self, ref: Ref) -> Choice:
        """What was chosen for this object."""
        some = [one for one in self.choices if one.where is not None and one.where.matches(ref)]
        every = [one for one in self.choices if one.where is None]
        return (some or every or [FAIL])[-1]

    def may_recreate(self, ref: Ref, *, with_claims: bool = False) -> bool:
        """Tell whether deleting it loses nothing, or a person said so by name. `with_claims`: its claims go with it."""
        return ((ref.group, ref.kind) in _RECREATED and not with_claims) or str(ref) in self.data

    def texts(self) -> list[str]:
        """The words of a command line that say the same."""
        chosen = [word for one in self.choices for word in ("--on-conflict", str(one))]
        return chosen + [word for one in sorted(self.data) for word in ("--recreate-data", one)]


NONE = Policies()


def parse_policies(texts: Iterable[str], data: Iterable[str] = ()) -> Policies:
    """Read POLICY, POLICY=REF, adopt:MANAGER,…[=REF]. Raises BadPolicy."""
    return Policies(tuple(parse_choice(text) for text in texts), frozenset(parse_data(text) for text in data))


def parse_choice(text: str) -> Choice:
    """Read one choice. Raises BadPolicy."""
    words, _, where = text.partition("=")
    name, _, named = words.partition(":")
    if name not in list(Policy):
        raise BadPolicy(f"{text!r} names no policy: write one of {', '.join(Policy)}, or POLICY=Kind/namespace/name")
    policy = Policy(name)
    managers = tuple(filter(None, named.split(",")))
    if (":" in words) != bool(managers) or (managers and policy is not Policy.ADOPT):
        raise BadPolicy(f"{text!r}: only adopt names managers, as in adopt:helm or adopt:helm,kubectl-edit")
    for manager in managers:
        if a_controller(manager):
            raise BadPolicy(f"{text!r}: {manager} goes on writing, so its fields cannot be adopted; see keep-target")
    if "=" not in text:
        return Choice(policy, managers)
    try:
        return Choice(policy, managers, parse_ref(where))
    except BadSelection as bad:
        raise BadPolicy(str(bad)) from None


def parse_data(text: str) -> str:
    """Read the full name of one object. Raises BadPolicy."""
    try:
        parse_ref(text)
    except BadSelection as bad:
        raise BadPolicy(str(bad)) from None
    if set(text) & set("*?["):
        raise BadPolicy(f"{text!r} names many: each object that may hold data is named by itself")
    return text


def trial_name(name: str) -> str:
    """The name under which a new object is tried, beside the old one that it would take the place of."""
    return f"{name[:40].rstrip('-.')}{_TRIAL}"


def a_controller(manager: str) -> bool:
    """Tell whether a field manager is one of Kubernetes' own, which would write again what is taken from it."""
    return manager.startswith(_CONTROLLERS)
