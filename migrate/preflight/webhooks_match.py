"""Which requests an admission webhook is asked about: rules, scope, operations, selectors.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/ ; tried against a real
server's own choice (tests/cluster/test_preflight_admission.py). matchConditions are expressions; nobody judges them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from migrate.manifest.references.edges import pod_of
from migrate.model.checks import Seen
from migrate.model.labels import hold, of_selector
from migrate.model.objects import Body, Object
from migrate.model.ref import Ref
from migrate.preflight.references_words import plural
from migrate.semantics.going import Going

GROUP = "admissionregistration.k8s.io"
CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
NAME_LABEL = "kubernetes.io/metadata.name"
# Requests for these are never sent to a webhook, or a broken one could not be repaired.
_EXEMPT = frozenset(CONFIGURATIONS) | frozenset(
    f"{sort}AdmissionPolicy{binding}" for sort in ("Validating", "Mutating") for binding in ("", "Binding")
)


class Match(IntEnum):
    """MAYBE: something decides that could not be looked at or judged."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One write as a webhook is asked about it. `ref` is the object that goes; of a pod, the workload that makes it.

    `operations` are two where nobody could look whether the object is there.

    `labels` are all that are asked: of the object as sent, and as it was. `space` are those of its Namespace; None
    where nobody could look.
    """

    ref: Ref
    group: str
    version: str
    resource: str
    namespace: str
    operations: tuple[str, ...]
    labels: tuple[Body, ...]
    space: Body | None = None
    is_pod: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook of a configuration."""

    config: Ref
    index: int
    body: Body

    @property
    def closed(self) -> bool:
        """Tell whether what it cannot be asked about is refused: the default of v1."""
        return str(self.body.get("failurePolicy", "Fail")) == "Fail"

    @property
    def client(self) -> Body:
        return _map(self.body.get("clientConfig"))

    @property
    def conditional(self) -> bool:
        """Tell whether expressions narrow what it is asked about."""
        return bool(self.body.get("matchConditions"))

    def asks(self, request: Request) -> Match:
        """Tell whether the webhook is asked about this request."""
        rules = [rule for rule in _maps(self.body.get("rules")) if self._rule(rule, request)]
        asked = [any(_one(rule.get("operations"), each) for rule in rules) for each in request.operations]
        if not any(asked):
            return Match.NO
        wanted = of_selector(self.body.get("objectSelector"))
        if not any(hold(wanted, labels) for labels in request.labels):
            return Match.NO
        return min(self._in_space(request), Match.MAYBE if self.conditional or not all(asked) else Match.YES)

    def _in_space(self, request: Request) -> Match:
        wanted = of_selector(self.body.get("namespaceSelector"))
        own = request.group == "" and request.resource == "namespaces"
        # Objects of the cluster are never spared by the labels of a Namespace.
        if not wanted or (not request.namespace and not own):
            return Match.YES
        if own:
            return Match.YES if any(hold(wanted, labels) for labels in request.labels) else Match.NO
        known = request.space if request.space is not None else {NAME_LABEL: request.namespace}
        judged = wanted if request.space is not None else tuple(one for one in wanted if one.key == NAME_LABEL)
        if not hold(judged, known):
            return Match.NO
        return Match.YES if len(judged) == len(wanted) else Match.MAYBE

    def _rule(self, rule: Body, request: Request) -> bool:
        resources = _texts(rule.get("resources"))
        scope = rule.get("scope", "*")
        # An equivalent version is asked about, too, unless the webhook wants none.
        exact = self.body.get("matchPolicy", "Equivalent") == "Exact"
        return (
            _one(rule.get("apiGroups"), request.group)
            and (not exact or _one(rule.get("apiVersions"), request.version))
            and bool(resources & {"*", "*/*", request.resource})
            and (scope == "*" or (scope == "Namespaced") == bool(request.namespace))
        )


def hooks(config: Object) -> Iterator[Hook]:
    """The webhooks of a configuration."""
    for index, body in enumerate(_maps(config.body.get("webhooks"))):
        yield Hook(config.ref, index, body)


def requests(going: Going, seen: Seen) -> tuple[Request, ...]:
    """All writes of a run, and the pods that its workloads make."""
    plurals = _plurals(going, seen)
    spaces = _Spaces(going, seen)
    found: list[Request] = []
    for ref, body in going.bodies.items():
        if ref.group == GROUP and ref.kind in _EXEMPT:
            continue
        obj = Object(ref, body)
        shown = seen.of(ref.group, ref.kind)
        old = shown.bodies.get(ref)
        labels = (obj.labels, *((Object(ref, old).labels,) if old is not None else ()))
        operations = ("CREATE", "UPDATE") if shown.why else ("CREATE",) if old is None else ("UPDATE",)
        name = plurals.get((ref.group, ref.kind)) or plural(ref.kind).lower()
        space = spaces.of(ref.namespace) if ref.namespace else None
        if (ref.group, ref.kind) == ("", "Namespace"):
            labels = (spaces.of(ref.name) or {},)
        found.append(Request(ref, ref.group, obj.version, name, ref.namespace, operations, labels, space))
        pod = pod_of(obj)
        if pod is not None and ref.namespace and (ref.group, ref.kind) not in (("", "Pod"), ("", "PodTemplate")):
            found.append(Request(ref, "", "v1", "pods", ref.namespace, ("CREATE",), (pod[2],), space, True))
    return tuple(found)


class _Spaces:
    """The labels that each Namespace will have."""

    def __init__(self, going: Going, seen: Seen) -> None:
        self._going, self._seen = going, seen

    def of(self, name: str) -> Body | None:
        ref = Ref("", "Namespace", "", name)
        planned, shown = self._going.bodies.get(ref), self._seen.of("", "Namespace")
        if planned is None and shown.why:
            return None
        labels = {**Object(ref, shown.bodies.get(ref, {})).labels, **Object(ref, planned or {}).labels}
        return {**labels, NAME_LABEL: name}


def _plurals(going: Going, seen: Seen) -> Mapping[tuple[str, str], str]:
    found = {(kind.group, kind.kind): kind.plural for kind in seen.kinds() if kind.plural}
    for ref, body in going.bodies.items():
        if ref.kind == "CustomResourceDefinition":
            spec = Object(ref, body).spec
            names = _map(spec.get("names"))
            found.setdefault((str(spec.get("group")), str(names.get("kind"))), str(names.get("plural")))
    return found


def _one(said: Any, wanted: str) -> bool:
    texts = _texts(said)
    return "*" in texts or wanted in texts


def _texts(said: Any) -> frozenset[str]:
    return frozenset(one for one in (said if isinstance(said, list) else ()) if isinstance(one, str))


def _map(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Body]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
