"""A plan and a target by hand, for the checks of references, webhooks and PodSecurity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from migrate.manifest.kinds import CLUSTER_SCOPED
from migrate.manifest.waves import waves
from migrate.model.checks import Check, Shown, Status
from migrate.model.effects import Cause
from migrate.model.listing import Kind
from migrate.model.objects import Body
from migrate.model.plan import Fate, Plan, Standing, Step
from migrate.model.ref import Ref, group_of
from migrate.model.selection import EVERYTHING, Selection
from migrate.semantics.going import Going, going

Json = dict[str, Any]


def bodies(text: str) -> list[Json]:
    """Objects from YAML; without a namespace they are in `shop`, if their kind is in any."""
    found = [one for one in yaml.safe_load_all(text) if one]
    for one in found:
        if (group_of(one["apiVersion"]), one["kind"]) not in CLUSTER_SCOPED:
            one["metadata"].setdefault("namespace", "shop")
    return found


def ref_of(body: Body) -> Ref:
    meta = body["metadata"]
    return Ref(group_of(body["apiVersion"]), body["kind"], meta.get("namespace", ""), meta["name"])


def a_plan(*objects: Body, blocked: tuple[str, ...] = (), held: tuple[str, ...] = ()) -> Plan:
    """`blocked` and `held` are names."""

    def step(body: Body) -> Step:
        name = body["metadata"]["name"]
        standing = Standing.BLOCKED if name in blocked else Standing.READY
        runs = "held" if name in held else ""
        return Step(
            ref_of(body), "v1", Fate.MIGRATE, Cause.RULE, standing, "", None, dict(body), (), (), (), runs, "because"
        )

    order = waves([ref_of(one) for one in objects])
    return Plan("standard", "", "", "", {}, tuple(map(step, objects)), (), (), (), (), (), order, "")


def goes(text: str, *, select: Selection = EVERYTHING, **marks: Any) -> Going:
    return going(a_plan(*bodies(text), **marks), select=select)


@dataclass
class Fake:
    """A target by hand. `silent`: kinds that may not be listed. `asked`: what was asked for."""

    text: str = ""
    silent: tuple[str, ...] = ()
    minor: str = "1.36"
    name: str = "prod"
    served: tuple[Kind, ...] = ()
    asked: list[str] = field(default_factory=list)

    def kinds(self) -> tuple[Kind, ...]:
        return self.served

    def of(self, group: str, kind: str) -> Shown:
        self.asked.append(kind)
        if kind in self.silent:
            return Shown({}, f"the caller may not list {kind}")
        found: Mapping[Ref, Body] = {ref_of(one): one for one in bodies(self.text)}
        return Shown({ref: one for ref, one in found.items() if (ref.group, ref.kind) == (group, kind)})


def bad(checks: list[Check]) -> list[Check]:
    return [one for one in checks if one.status is not Status.PASS]


def one(checks: list[Check]) -> Check:
    """The only one that is no pass."""
    (found,) = bad(checks)
    return found
