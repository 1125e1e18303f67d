"""Small plans for tests of rights, and the roles in them."""

from __future__ import annotations

from typing import Any

import yaml

from migrate.manifest.waves import waves
from migrate.model.effects import Cause
from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.model.ref import Ref, group_of
from migrate.model.selection import EVERYTHING, Selection
from migrate.semantics.going import Going, going

RBAC = "rbac.authorization.k8s.io"
ROLE = "{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: %s%s}, rules: [%s]}"
CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}"
ALL = '{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}'


def a_plan(*texts: str, select: Selection = EVERYTHING) -> Going:
    def step(text: str) -> Step:
        body = yaml.safe_load(text)
        meta = body["metadata"]
        ref = Ref(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])
        return Step(ref, "v1", Fate.MIGRATE, Cause.RULE, Standing.READY, "", None, body, (), ())

    steps = tuple(map(step, texts))
    order = waves([one.ref for one in steps])
    return going(Plan("standard", "", "", "", {}, steps, (), (), (), (), (), order, ""), select=select)


def a_role(rules: str, kind: str = "ClusterRole", name: str = "r", space: str = "") -> str:
    return ROLE % (kind, name, f", namespace: {space}" if space else "", rules)


def a_binding(role: str, kind: str = "ClusterRole", space: str = "") -> str:
    bound = "RoleBinding" if space else "ClusterRoleBinding"
    text = a_role("", bound, "b", space)
    return text.replace("rules: []", f"roleRef: {{apiGroup: {RBAC}, kind: {kind}, name: '{role}'}}")


def rules(text: str) -> Any:
    return yaml.safe_load(f"[{text}]")
