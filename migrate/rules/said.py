"""Rules that judge no single object: what the planner and the sweep say, and the defaults that differ."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.effects import Effect, Severity
from migrate.model.objects import Object
from migrate.model.rules import Known, Rule
from migrate.semantics.default import Default
from migrate.semantics.differences import DEFAULTS

# A kind that no object has: the planner never asks these rules.
_NO_KIND = frozenset({("", "")})
_EKS_GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide/what-is-eks.html"


def _nothing(_obj: Object, _known: Known) -> Iterator[Effect]:
    yield from ()


def _default(default: Default) -> Rule:
    return Rule(
        id=default.rule,
        title=default.topic,
        what="Nothing is changed; the report names the objects that this default touches.",
        why=f"No manifest says it, and it differs: on GKE {default.gke}, on EKS {default.eks}.",
        docs=default.docs,
        area="defaults",
        severity=Severity.REVIEW,
        kinds=_NO_KIND,
        do=default.fix,
        effects=_nothing,
        gke=default.gke,
        eks=default.eks,
        change="overrides in gke2eks.yaml",
    )


def _page(id: str, title: str, what: str, why: str, do: str, docs: str = _EKS_GUIDE) -> Rule:
    return Rule(
        id=id,
        title=title,
        what=what,
        why=why,
        docs=docs,
        area="plan",
        severity=Severity.REVIEW,
        kinds=_NO_KIND,
        do=do,
        effects=_nothing,
        gke="any object",
        eks="unchanged",
        change="overrides and waivers in gke2eks.yaml",
    )


RULES: tuple[Rule, ...] = (
    _page(
        "SWP001",
        "Looks like Google, no rule knows it",
        "After every other rule, each key and string of the planned object is searched for names of Google.",
        "What no rule judged must not pass in silence.",
        "Find what takes its place on EKS; set it with an override, or waive the finding.",
    ),
    _page(
        "PLN001",
        "The planner could not settle this",
        "Two bodies of one object, two rules that disagree about a field, or a decision that fits nothing.",
        "Guessing would hide the question: the source's own value stays.",
        "Leave one of the two out, or set the field with an override.",
    ),
    _page(
        "REF001",
        "Names something that is not there",
        "Every Secret, key, claim, class, Service and other object that is named is looked up in what was read; so are "
        "labels. References that say they are optional, and objects that every cluster has, are passed over.",
        "Pods that name a missing Secret do not start, and a Service without pods answers nothing: on any cloud.",
        "Read it too, make sure that it is on EKS, or take the reference out.",
        "https://kubernetes.io/docs/concepts/configuration/secret/#restriction-secret-must-exist",
    ),
    *(_default(default) for default in DEFAULTS if default.page),
)
