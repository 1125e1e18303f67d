"""Workloads, claims and plans for the tests of the guard of release."""

from __future__ import annotations

from typing import Any

import yaml

from migrate.model.effects import Cause
from migrate.model.objects import Body, Object
from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.model.ref import Ref, group_of

Json = dict[str, Any]
BOUND = "spec: {volumeName: pv}\nstatus: {phase: Bound}"
USES = "spec: {replicas: 1, template: {spec: {containers: [], volumes: [{persistentVolumeClaim: {claimName: data}}]}}}"
SET = "spec: {replicas: 2, volumeClaimTemplates: [{metadata: {name: data}, spec: {}}], template: {spec: {}}}"


def obj(what: str, text: str = "{}", **meta: Any) -> Object:
    """`obj('apps/v1 Deployment web', 'spec: …', generation=2)`, in the namespace shop."""
    version, kind, name = what.split()
    metadata = {"name": name, "namespace": "shop", **meta}
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, **yaml.safe_load(text)}
    return Object(Ref(group_of(version), kind, "shop", name), body)


def step(one: Object, runs: str = "") -> Step:
    return Step(one.ref, "v1", Fate.MIGRATE, Cause.NONE, Standing.READY, "", None, one.body, (), (), runs=runs)


def a_plan(*steps: Step) -> Plan:
    return Plan("standard", "", "", "", {}, steps, (), (), (), (), (), (tuple(s.ref for s in steps),), "")


def owned(by: Object) -> Json:
    version, kind = by.body["apiVersion"], by.ref.kind
    return {"ownerReferences": [{"apiVersion": version, "kind": kind, "name": by.ref.name, "controller": True}]}


def claim(name: str, text: str = BOUND, **meta: Any) -> Object:
    return obj(f"v1 PersistentVolumeClaim {name}", text, **meta)


def live(what: str, text: str = "{}", **meta: Any) -> Body:
    return obj(what, text, **{"generation": 2, **meta}).body


OFF = "spec: {replicas: 0}\nstatus: {observedGeneration: 2}"
WEB = obj("apps/v1 Deployment web", USES)
