"""One form for label selectors, for lists whose order says nothing, and for variables, whose order sometimes does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from migrate.differ.same_places import Keys, Kind, built_in, ends, words

# Lists of Kubernetes' own kinds that are sets, alternatives or conditions that must all hold.
_UNORDERED = words(
    "finalizers ownerReferences accessModes resourceNames nonResourceURLs policyTypes externalIPs"
    " loadBalancerSourceRanges matchExpressions matchFields matchLabelExpressions nodeSelectorTerms tolerations"
    " imagePullSecrets subjects except from to supplementalGroups operations topologySpreadConstraints matchLabelKeys"
    " mismatchLabelKeys clusterRoleSelectors taints allowedTopologies readinessGates scopes volumeLifecycleModes"
    " validationActions preferredDuringSchedulingIgnoredDuringExecution volumes volumeMounts volumeDevices"
    " requiredDuringSchedulingIgnoredDuringExecution secrets conditions schedulingGates"
)
_ENDS: tuple[Keys, ...] = (
    ("capabilities", "add"),
    ("capabilities", "drop"),
    ("matchExpressions", "values"),
    ("matchFields", "values"),
    ("matchLabelExpressions", "values"),
    ("rules", "verbs"),
    ("rules", "apiGroups"),
    ("rules", "apiVersions"),
    ("rules", "resources"),
    ("resourceRules", "*"),
    ("nonResourceRules", "*"),
    ("tls", "hosts"),
    ("exitCodes", "values"),
    ("onExitCodes", "values"),
    ("endpoints", "addresses"),
)
_OF_KIND: Mapping[Kind, tuple[Keys, ...]] = {
    ("networking.k8s.io", "NetworkPolicy"): (
        ("spec", "ingress"),
        ("spec", "egress"),
        ("ingress", "ports"),
        ("egress", "ports"),
    ),
    ("rbac.authorization.k8s.io", "Role"): (("rules",),),
    ("rbac.authorization.k8s.io", "ClusterRole"): (("rules",),),
    ("karpenter.sh", "NodePool"): (("spec", "requirements"), ("requirements", "values"), ("spec", "taints")),
}
_SELECTOR_KEYS = {"matchLabels", "matchExpressions"}
_NAMED = re.compile(r"\$(?:\$|\(([^)]*)\))")


def unordered(kind: Kind, keys: Keys) -> bool:
    """Tell whether the order of this list says nothing."""
    if any(ends(keys, row) for row in _OF_KIND.get(kind, ())):
        return True
    return built_in(kind, keys) and bool(keys) and (keys[-1] in _UNORDERED or any(ends(keys, row) for row in _ENDS))


def bag(forms: Sequence[Hashable], values: Sequence[Any]) -> Hashable:
    """The form of an unordered list. Scalars are a set; of maps each counts, for two equal preferences weigh double."""
    if any(isinstance(value, (Mapping, list)) for value in values):
        return ("bag", frozenset(Counter(forms).items()))
    return ("set", frozenset(forms))


def selector(value: Any) -> frozenset[Hashable] | None:
    """The conditions of a label selector; None when it is not one. `matchLabels: {a: b}` is `a In [b]`."""
    if not isinstance(value, Mapping) or not value.keys() <= _SELECTOR_KEYS:
        return None
    labels, expressions = value.get("matchLabels"), value.get("matchExpressions")
    labels = {} if labels is None else labels
    expressions = [] if expressions is None else expressions
    if not isinstance(labels, Mapping) or not isinstance(expressions, list):
        return None
    found: set[Hashable] = set()
    for key, label in labels.items():
        if label is not None and not isinstance(label, str):
            return None
        found.add((key, "In", frozenset({label or ""})))
    for one in expressions:
        condition = _condition(one)
        if condition is None:
            return None
        found.add(condition)
    return frozenset(found)


def _condition(one: Any) -> Hashable | None:
    if not isinstance(one, Mapping) or not one.keys() <= {"key", "operator", "values"}:
        return None
    key, operator, values = one.get("key"), one.get("operator"), one.get("values")
    values = [] if values is None else values
    if not isinstance(key, str) or not isinstance(operator, str) or not isinstance(values, list):
        return None
    return (key, operator, frozenset(values)) if all(isinstance(value, str) for value in values) else None


def variables(items: Sequence[Any], forms: Sequence[Hashable]) -> Hashable | None:
    """The form of `env`; None when the order must stay. `forms` are those of the items.

    $(NAME) in a value is replaced only when NAME stands above it, so an item is itself and which of the names that it
    refers to stand above. Of two with one name the later counts: then the order stays.
    """
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None
    found: set[Hashable] = set()
    above: set[Any] = set()
    for item, name, form in zip(items, names, forms, strict=True):
        value = item.get("value")
        refers = {said for said in _NAMED.findall(value) if said} if isinstance(value, str) else set()
        found.add((form, frozenset(refers & above)))
        above.add(name)
    return ("env", frozenset(found))
