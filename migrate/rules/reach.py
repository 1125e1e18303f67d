"""From where a load balancer can be reached: Google's global access becomes routing that the user builds."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.effects import Effect, Flag, Remove, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Example, Known, Rule

_KEY = "networking.gke.io/internal-load-balancer-allow-global-access"
_PLACE = P("metadata", "annotations", _KEY)


def _global_access(obj: Object, _known: Known) -> Iterator[Effect]:
    if _KEY not in obj.annotations:
        return
    yield Remove(_PLACE, "global access is a switch of Google's internal load balancers; nothing on EKS reads it")
    if obj.annotations[_KEY] == "true":
        yield Flag(
            _PLACE,
            "An internal NLB is reachable from other regions only over routing that you build.",
            "Connect the regions with Transit Gateway or inter-region peering, if clients elsewhere need this Service.",
            Severity.REVIEW,
        )


RULES: tuple[Rule, ...] = (
    Rule(
        id="SVC006",
        title="Global access of an internal load balancer, removed",
        what="The annotation that opens an internal load balancer to other regions leaves the Service.",
        why="On Google Cloud it is a switch. On AWS, routing between regions decides, and no annotation makes it.",
        docs="https://docs.aws.amazon.com/vpc/latest/tgw/tgw-peering.html",
        area="services",
        severity=Severity.INFO,
        kinds=frozenset({("", "Service")}),
        do="Build Transit Gateway or inter-region peering, if clients in other regions need the Service.",
        effects=_global_access,
        gke='networking.gke.io/internal-load-balancer-allow-global-access: "true"',
        eks="no annotation; routing between the regions",
        change="overrides and waivers in gke2eks.yaml",
        example=Example(
            before={"metadata": {"annotations": {_KEY: "true", "team": "core"}}},
            after={"metadata": {"annotations": {"team": "core"}}},
        ),
    ),
)
