"""What may be done: roles that only GKE has, and rules about kinds that only Google serves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.effects import Effect, Flag, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.ref import Ref
from migrate.model.rules import Known, Rule
from migrate.semantics import identities

_GROUP = "rbac.authorization.k8s.io"
_DOCS = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
# What GKE's add-on manager labels is GKE's, whatever its name.
_GKE_LABELS = ("addonmanager.kubernetes.io/mode", "components.gke.io/component-name")
_GOOGLE_GROUP = re.compile(r"([a-z0-9-]+\.)*(gke\.io|googleapis\.com|cloud\.google\.com|gke\.goog)")
_PROMETHEUS = "Add the group monitoring.coreos.com where its monitors become those of the Prometheus operator."
# Names that people give, too: a role that nobody read may be theirs, and REF001 says that it was not read.
_COMMON = frozenset({"cluster-autoscaler", "external-metrics-reader", "metering", "snapshot-controller-runner"})
_SUBJECTS = 3


def _bound(obj: Object, known: Known) -> Iterator[Effect]:
    bound = obj.body.get("roleRef")
    name = bound.get("name") if isinstance(bound, Mapping) else None
    if not isinstance(bound, Mapping) or not isinstance(name, str):
        return
    kind = "Role" if bound.get("kind") == "Role" else "ClusterRole"
    ref = Ref(_GROUP, kind, obj.ref.namespace if kind == "Role" else "", name)
    if known.migrates(ref):
        return
    role, row = known.find(ref), identities.row_of("role", name, known)
    if role is None and name in _COMMON:
        return
    if row is None and not (role is not None and any(key in role.labels for key in _GKE_LABELS)):
        return
    say = row.fields["say"] if row is not None else "It is a role of GKE's own, and stays behind"
    fix = row.fields["fix"] if row is not None else "Write a role with what the subject needs, and bind that."
    yield Flag(
        # The whole of it: there is no other word for a role that is not there.
        P("roleRef"),
        f"{obj.ref} gives {kind} {name} to {_whom(obj)}, and EKS has no such role. {say}.",
        str(fix),
        Severity(str(row.fields.get("weight", "review"))) if row is not None else Severity.REVIEW,
    )


def _whom(obj: Object) -> str:
    listed = obj.body.get("subjects")
    names = [
        str(item.get("name"))
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, Mapping) and item.get("name")
    ]
    more = f" and {len(names) - _SUBJECTS} more" if len(names) > _SUBJECTS else ""
    return ", ".join(names[:_SUBJECTS]) + more if names else "nobody"


def _rules(obj: Object, _known: Known) -> Iterator[Effect]:
    for at, rule in _each(obj):
        groups = rule.get("apiGroups")
        for place, group in enumerate(groups if isinstance(groups, list) else ()):
            if isinstance(group, str) and _GOOGLE_GROUP.fullmatch(group):
                yield Flag(
                    P("rules", at, "apiGroups", place),
                    f"EKS serves no kinds of {group}, so this rule allows nothing there; it does no harm.",
                    _PROMETHEUS if group == "monitoring.googleapis.com" else "Nothing; tidy up when you have moved.",
                    Severity.INFO,
                )


def _impersonated(obj: Object, _known: Known) -> Iterator[Effect]:
    for at, rule in _each(obj):
        verbs, resources, names = (rule.get(key) for key in ("verbs", "resources", "resourceNames"))
        if not isinstance(verbs, list) or "impersonate" not in verbs or not isinstance(names, list):
            continue
        kinds = [kind for kind in (resources if isinstance(resources, list) else ()) if kind in ("users", "groups")]
        for place, name in enumerate(names):
            found = identities.subject("Group" if kinds == ["groups"] else "User", name) if kinds else None
            if found is not None and found.google:
                yield Flag(
                    P("rules", at, "resourceNames", place),
                    f"This lets its holder act as {found.who} {name}, as the Connect gateway does; on EKS nobody "
                    "has this name, and the gateway is not there.",
                    "Take it out with its binding; give these people an access entry.",
                    Severity.REVIEW,
                )


def _each(obj: Object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    listed = obj.body.get("rules")
    for at, rule in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(rule, Mapping):
            yield at, rule


RULES: tuple[Rule, ...] = (
    Rule(
        id="RBA003",
        title="Bindings to roles that only GKE has",
        what="A binding whose role GKE made is named; it is accepted on EKS and gives nothing.",
        why="GKE's own roles stay behind. Kubernetes lets a binding name a role that does not exist.",
        docs=_DOCS,
        area="identity",
        severity=Severity.REVIEW,
        kinds=frozenset({(_GROUP, "ClusterRoleBinding"), (_GROUP, "RoleBinding")}),
        do="Write a role with what the subject needs, and bind that.",
        effects=_bound,
        gke="roleRef: {kind: ClusterRole, name: 'gce:podsecuritypolicy:privileged'}",
        eks="kept, and named in a finding",
        change="overrides in gke2eks.yaml, or a row in your own overlay of mappings/rbac.yaml",
    ),
    Rule(
        id="RBA004",
        title="Rules about kinds that only Google serves",
        what="API groups of GKE and Google Cloud in the rules of a role are kept and named.",
        why="A rule about a kind that is not there allows nothing and harms nothing.",
        docs=_DOCS,
        area="identity",
        severity=Severity.INFO,
        kinds=frozenset({(_GROUP, "ClusterRole"), (_GROUP, "Role")}),
        do="Nothing; tidy up when you have moved.",
        effects=_rules,
        gke="apiGroups: [monitoring.googleapis.com]",
        eks="kept, and named in a finding",
        change="overrides in gke2eks.yaml",
    ),
    Rule(
        id="RBA005",
        title="Rights to act as people of Google",
        what="Names of Google accounts under the verb impersonate are kept and named.",
        why="The Connect gateway comes in as a ServiceAccount that may act as people. EKS has access entries instead.",
        docs="https://cloud.google.com/kubernetes-engine/enterprise/multicluster-management/gateway/setup",
        area="identity",
        severity=Severity.REVIEW,
        kinds=frozenset({(_GROUP, "ClusterRole"), (_GROUP, "Role")}),
        do="Give these people an access entry.",
        effects=_impersonated,
        gke="verbs: [impersonate]    resourceNames: [ana@acme.dev]",
        eks="kept, and named in a finding",
        change="overrides in gke2eks.yaml",
    ),
)
