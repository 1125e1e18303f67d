"""Node affinities: each requirement in words of EKS, and terms that are a choice stay one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migrate.manifest.pods import KINDS, PodTemplate, pod_template
from migrate.model.effects import Effect, Flag, Remove, Set, Severity
from migrate.model.objects import MISSING, Object
from migrate.model.path import Path
from migrate.model.rules import Example, Known, Rule
from migrate.semantics import nodevalues
from migrate.semantics.affinity import LISTS, Item, Term, term
from migrate.semantics.nodes import Need, Stands
from migrate.semantics.placement import moved
from migrate.semantics.together import REQUIRED, TERMS, asked

_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_AFFINITY = ("spec", "affinity", "nodeAffinity")
_ALWAYS = (
    "nothing is left of a term, so every node meets it; terms are a choice, and the others decide nothing any more"
)
_MORE = "a node selector cannot say it: it holds one value for each label"
_OTHERS = "terms are a choice, and no node on EKS meets this one"


def _affinity(obj: Object, known: Known) -> Iterator[Effect]:
    pod = pod_template(obj)
    if pod is None:
        return
    more = moved(pod, known)
    body = _body(pod)
    if not body and not more:
        return
    here = Path((*pod.path, *_AFFINITY))
    others = asked(pod)
    required, required_goes = _required(body, here, more, others, known)
    preferred, preferred_goes = _preferred(body.get(_PREFERRED), here / _PREFERRED, others, known)
    going = [name for name, goes in ((REQUIRED, required_goes), (_PREFERRED, preferred_goes)) if goes]
    if going and set(going) == set(body):
        # An empty nodeAffinity would say nothing; the reasons are those of what was in it.
        effects = [*required, *preferred]
        why = next(effect.because for effect in effects if isinstance(effect, Remove))
        yield from (effect for effect in effects if isinstance(effect, Flag))
        yield Remove(here, why)
        return
    yield from required
    yield from preferred


def _body(pod: PodTemplate) -> Mapping[str, Any]:
    affinity = pod.spec.get("affinity")
    found = affinity.get("nodeAffinity") if isinstance(affinity, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _required(
    body: Mapping[str, Any], above: Path, more: Sequence[Need], others: frozenset[str], known: Known
) -> tuple[list[Effect], bool]:
    """The effects on the required terms, and whether all of them go."""
    here = above / REQUIRED
    required = body.get(REQUIRED, MISSING)
    listed = required.get(TERMS) if isinstance(required, Mapping) else None
    place = Path((*here, TERMS))
    terms = [term(one, place / at, others, known) for at, one in enumerate(listed)] if isinstance(listed, list) else []
    if not terms:
        if more:
            return [Set(here / TERMS, [{"matchExpressions": [need.expression for need in more]}], _MORE)], False
        return [], False
    if any(one.always() for one in terms):
        return list(_all_met(terms, here, more, at_a_loss=False)), not more
    live = [one for one in terms if not one.never and not one.gone]
    # A term that asks for nothing is met by no node: it is no choice.
    if any(one.items or not isinstance(one.body, Mapping) for one in live):
        return list(_kept(live, terms, here, more, known, at_a_loss=False)), False
    named = [one for one in terms if one.gone and not one.never]
    if any(one.always(at_a_loss=True) for one in named):
        return list(_all_met(terms, here, more, at_a_loss=True)), not more
    return list(_kept(named or terms, terms, here, more, known, at_a_loss=True)), False


def _kept(
    kept: list[Term], terms: list[Term], here: Path, more: Sequence[Need], known: Known, *, at_a_loss: bool
) -> Iterator[Effect]:
    """Some terms stay, in words of EKS; the others go."""
    for one in kept:
        yield from _said(one)
    going = [one for one in terms if one not in kept]
    yield from map(_gone, going)
    taken = nodevalues.taken((need.key for one in kept for item in one.items for need in item.meaning.needs), known)
    if taken is not None:
        yield Flag(here, taken.message, taken.fix, taken.severity, taken.question)
    if more:
        yield Set(here / TERMS, [one.after(more, at_a_loss=at_a_loss) for one in kept], _MORE)
        return
    for one in kept:
        yield from _edits(one, at_a_loss=at_a_loss)
    for one in going:
        yield Remove(one.path, _OTHERS)


def _all_met(terms: list[Term], here: Path, more: Sequence[Need], *, at_a_loss: bool) -> Iterator[Effect]:
    met = next(one for one in terms if one.always(at_a_loss=at_a_loss))
    why = next(item.meaning.because for item in met.items)
    yield from _said(met)
    if len(terms) > 1:
        why = f"{why}; {_ALWAYS}"
        yield Flag(
            here,
            f"One of {len(terms)} terms asks for nothing any more, so all of them go: the pod may run on any node.",
            "Look whether the other terms said something that the pod needs; then keep them with an override.",
            Severity.REVIEW,
        )
    if more:
        yield Set(here / TERMS, [{"matchExpressions": [need.expression for need in more]}], why)
    else:
        yield Remove(here, why)


def _gone(one: Term) -> Flag:
    said = " and ".join(item.said for item in one.items if item.meaning.stands in (Stands.NEVER, Stands.GONE))
    return Flag(one.path, f"No node on EKS meets {said}; this term goes, the others stay.", "Nothing.", Severity.REVIEW)


def _said(one: Term, most: Severity = Severity.BLOCKER) -> Iterator[Flag]:
    for item in one.items:
        kept = item.meaning.stands in (Stands.STUCK, Stands.NEVER)
        for said in item.meaning.remarks:
            severity = min(said.severity, most, key=lambda s: s.rank)
            place = item.path / "key" if kept else item.path
            yield Flag(place, said.message, said.fix, severity, said.question, said.already)


def _edits(one: Term, *, at_a_loss: bool = False) -> Iterator[Effect]:
    """The smallest edits: an item is written anew or taken out where that is all, else its whole list."""
    for name in LISTS:
        items = [item for item in one.items if item.path[-2] == name]
        after = [(item, item.bodies(at_a_loss=at_a_loss)) for item in items]
        changed = [(item, bodies) for item, bodies in after if bodies != [item.body]]
        if not changed:
            continue
        because = changed[0][0].meaning.because
        if not any(bodies for _, bodies in after):
            yield Remove(Path(items[0].path[:-1]), because)
        elif any(len(bodies) > 1 for _, bodies in changed):
            yield Set(Path(items[0].path[:-1]), one.after(at_a_loss=at_a_loss)[name], because)
        else:
            for item, bodies in changed:
                yield _edit(item, bodies)


def _edit(item: Item, bodies: list[Any]) -> Effect:
    because = item.meaning.because
    return Set(item.path, bodies[0], because) if bodies else Remove(item.path, because)


def _preferred(listed: Any, here: Path, others: frozenset[str], known: Known) -> tuple[list[Effect], bool]:
    """The effects on the preferences, and whether all of them go. An open answer costs a preference, not the pod."""
    effects: list[Effect] = []
    going = 0
    for at, one in enumerate(listed if isinstance(listed, list) else ()):
        wish = one.get("preference") if isinstance(one, Mapping) else None
        found = term(wish, Path((*here, at, "preference")), others, known)
        open_yet = [item for item in found.items if item.meaning.questions]
        effects += _asked(open_yet) if open_yet else _said(found, Severity.INFO)
        if open_yet or found.never or found.gone or found.stuck or found.always():
            item = next(i for i in found.items if i.meaning.stands is not Stands.KEPT)
            effects.append(
                Remove(here / at, f"{item.meaning.because}; a preference that no node can meet says nothing")
            )
            going += 1
        else:
            effects += _edits(found)
    everything = going > 0 and going == len(listed)
    if everything:
        why = next(effect.because for effect in effects if isinstance(effect, Remove))
        effects = [*(effect for effect in effects if isinstance(effect, Flag)), Remove(here, why)]
    return effects, everything


def _asked(items: list[Item]) -> Iterator[Flag]:
    for item in items:
        names = " and ".join(question.name for question in item.meaning.questions)
        # No question is asked for it: a preference holds nothing back.
        yield Flag(
            item.path,
            f"The preference for {item.said} goes, because nobody has named what takes its place.",
            f"Name it as {names} in gke2eks.yaml, if the preference matters.",
            Severity.REVIEW,
        )


RULES: tuple[Rule, ...] = (
    Rule(
        id="SCH002",
        title="Node affinity for GKE's nodes",
        what="Each requirement of a node affinity, and each preference, is said in labels of EKS; operators that "
        "forbid are inverted, and a term of which nothing is left does not become one that no node meets.",
        why="No node on EKS has GKE's labels: what must have them finds no node, what must not have them finds any.",
        docs="https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity",
        area="scheduling",
        severity=Severity.INFO,
        kinds=KINDS,
        do="Look at requirements that went; name NodePools, zones and instance types.",
        effects=_affinity,
        gke="{key: cloud.google.com/gke-spot, operator: DoesNotExist}",
        eks="{key: karpenter.sh/capacity-type, operator: NotIn, values: [spot]}",
        change="scheduling in gke2eks.yaml, or a row in your own overlay of mappings/node-labels.yaml",
        example=Example(
            before={
                "spec": {
                    "affinity": {
                        "nodeAffinity": {
                            REQUIRED: {
                                TERMS: [
                                    {
                                        "matchExpressions": [
                                            {"key": "cloud.google.com/gke-spot", "operator": "DoesNotExist"}
                                        ]
                                    }
                                ]
                            }
                        }
                    }
                }
            },
            after={
                "spec": {
                    "affinity": {
                        "nodeAffinity": {
                            REQUIRED: {
                                TERMS: [
                                    {
                                        "matchExpressions": [
                                            {
                                                "key": "karpenter.sh/capacity-type",
                                                "operator": "NotIn",
                                                "values": ["spot"],
                                            }
                                        ]
                                    }
                                ]
                            }
                        }
                    }
                }
            },
        ),
    ),
)
