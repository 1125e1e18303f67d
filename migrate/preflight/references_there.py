"""What a reference finds once the plan is applied: among what goes, or on the target; and why it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from migrate.manifest.references import Chosen, Defined, Graph, references
from migrate.manifest.references.everywhere import made_at_run_time
from migrate.manifest.references.graph import keys_of
from migrate.model.checks import Seen
from migrate.model.objects import Body, Object
from migrate.model.plan import Fate
from migrate.model.ref import Ref
from migrate.preflight.served import defined_by
from migrate.semantics.going import Going

_OURS = "gke2eks"
# What makes pods on the target; asked for only where nothing that goes carries the labels.
_MAKE_PODS = (("", "Pod"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"))
# Old manifests say extensions/v1beta1; the servers read that as apps, and Ingresses as networking.
_MOVED = {("extensions", "Ingress"): "networking.k8s.io"}


@dataclass(frozen=True, slots=True)
class Found:
    """`planned` and `live` are the object as it goes and as it is on the target. `why`: the target was not shown.

    `ending`: it is on the target and being deleted, which counts as not there.
    """

    # Out of sight: what is on the target may be a Secret with its values.
    planned: Object | None = field(default=None, repr=False)
    live: Object | None = field(default=None, repr=False)
    why: str = ""
    ending: bool = False

    @property
    def there(self) -> bool:
        return self.planned is not None or self.live is not None


class There:
    """What will be there. The target is asked only for what does not go along."""

    def __init__(self, going: Going, seen: Seen) -> None:
        self.going, self.seen = going, seen
        self.objects = tuple(Object(ref, body) for ref, body in going.bodies.items())
        self.graph = Graph(self.objects)
        self.made = made_at_run_time(self.objects)

    def find(self, to: Ref, *, both: bool = False) -> Found:
        """Look for an object; with `both` on the target even if it goes: others may have added to it."""
        planned = next(iter(self.graph.find(to)), None)
        if planned is not None and not both:
            return Found(planned)
        shown = self.live(planned.ref if planned else to)
        return Found(planned, shown.live, shown.why, shown.ending)

    def live(self, to: Ref) -> Found:
        """Look on the target alone."""
        why, ending = "", False
        for ref in _names(to):
            shown = self.seen.of(ref.group, ref.kind)
            why = why or shown.why
            body = shown.bodies.get(ref)
            if body is not None and not is_ending(body):
                return Found(live=Object(ref, body))
            ending = ending or body is not None
        return Found(why=why, ending=ending)

    def brought(self, to: Ref) -> bool:
        """Tell whether Kubernetes, or something that goes, makes it in its own time."""
        pair = (to.kind, to.name)
        return to in self.made or pair in (("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt"))

    def keys(self, found: Found) -> frozenset[str]:
        """The keys that a ConfigMap or Secret will have. A key that only we sent goes when the plan drops it."""
        mine = keys_of(found.planned) if found.planned else frozenset()
        if found.live is None:
            return mine
        ours = _only_ours(found.live) if found.planned else frozenset()
        return mine | (keys_of(found.live) - ours)

    def ports(self, found: Found) -> tuple[Body, ...]:
        """The ports that a Service will have."""
        both = (one.spec.get("ports") for one in (found.planned, found.live) if one is not None)
        return tuple(port for ports in both for port in _maps(ports))

    def wearing(self, chosen: Chosen) -> tuple[tuple[Object, ...], str]:
        """Who makes pods with these labels, in what goes or else on the target; and why nobody could look there."""
        going = self.graph.find(chosen)
        if going:
            return going, ""
        why = next((shown.why for one in _MAKE_PODS if (shown := self.seen.of(*one)).why), "")
        return self._on_target.find(chosen), why

    def wearing_left_out(self, chosen: Chosen) -> tuple[Ref, ...]:
        """Who of the plan makes such pods and does not go."""
        return tuple(obj.ref for obj in self._left_out.find(chosen))

    def custom_in(self, namespace: str) -> tuple[Ref, ...]:
        """The custom resources that go into a Namespace and that the target takes: of others nothing is made."""
        return tuple(
            obj.ref
            for obj in self.objects
            if obj.ref.namespace == namespace and is_custom(obj) and (obj.ref.group, obj.ref.kind) in self._taken
        )

    def absent(self, to: Ref, found: Found) -> tuple[str, str]:
        """Why something is not there as far as the plan knows, and what to do."""
        left = self.going.left_out.get(to)
        if left is not None:
            return f"{to} is left out of this run: {left.why}", left.fix
        if found.ending:
            return f"{to} is on the target and is being deleted", "wait until it is gone, and make it anew."
        step = self._steps.get(to)
        if step is not None and step.body is not None:
            return f"{to} is in the plan, and this selection leaves it out", "select it too, or apply it first."
        if step is not None and step.fate in (Fate.FOLD, Fate.SKIP):
            what = f"goes into {step.into}" if step.into else f"stays behind: {step.reason}".rstrip(": ")
            return f"{to} {what}", f"make it on EKS first, or override the name; gke2eks explain '{to}' says more."
        return "", "make it on EKS first, or correct the name by an override in gke2eks.yaml."

    @cached_property
    def _steps(self) -> Mapping[Ref, Any]:
        return {step.ref: step for step in self.going.plan.steps}

    @cached_property
    def _on_target(self) -> Graph:
        every = ((ref, body) for one in _MAKE_PODS for ref, body in self.seen.of(*one).bodies.items())
        return Graph(Object(ref, body) for ref, body in every if not is_ending(body))

    @cached_property
    def _taken(self) -> frozenset[tuple[str, str]]:
        """Kinds that the target serves, or will when the definitions that go are there."""
        served = {(one.group, one.kind) for one in self.seen.kinds()}
        return frozenset(served | set(defined_by(self.going.bodies)))

    @cached_property
    def _left_out(self) -> Graph:
        steps = (s for s in self.going.plan.steps if s.body is not None and s.ref not in self.going.steps)
        return Graph(Object(step.ref, step.body) for step in steps if step.body is not None)


def is_ending(body: Body) -> bool:
    """Tell whether an object is being deleted."""
    return Object(Ref("", "", "", ""), body).metadata.get("deletionTimestamp") is not None


def is_custom(obj: Object) -> bool:
    """Tell whether a CustomResourceDefinition defines its kind."""
    return any(isinstance(one.to, Defined) for one in references(obj))


def chosen_by(obj: Object) -> Iterator[Chosen]:
    """The labels by which an object selects pods."""
    yield from (one.to for one in references(obj) if isinstance(one.to, Chosen))


def _names(to: Ref) -> Iterable[Ref]:
    """Under which identities it may be there: nobody knows whether a custom kind lives in namespaces."""
    group = _MOVED.get((to.group, to.kind), "apps" if to.group == "extensions" else to.group)
    yield Ref(group, to.kind, to.namespace, to.name)
    if "." in group and to.namespace:
        yield Ref(group, to.kind, "", to.name)


def _only_ours(live: Object) -> frozenset[str]:
    """Keys of data that nobody but us has sent, by the server's own account."""
    owners: dict[str, set[str]] = {}
    for entry in _maps(live.metadata.get("managedFields")):
        fields = entry.get("fieldsV1")
        for part in ("f:data", "f:stringData", "f:binaryData"):
            keys = fields.get(part) if isinstance(fields, Mapping) else None
            for key in keys if isinstance(keys, Mapping) else ():
                owners.setdefault(str(key).removeprefix("f:"), set()).add(str(entry.get("manager")))
    return frozenset(key for key, managers in owners.items() if managers == {_OURS})


def _maps(value: Any) -> list[Body]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
