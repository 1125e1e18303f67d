"""The node selector of a pod, in words of EKS: what stays an entry of it, and what only a node affinity can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.manifest.pods import PodTemplate
from migrate.model.objects import MISSING
from migrate.model.rules import Known
from migrate.semantics.nodes import Meaning, Need, Stands, meaning
from migrate.semantics.together import REQUIRED, TERMS, agree, asked


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a nodeSelector: what it says, what that means, and the part that has to move into the affinity."""

    key: str
    value: str
    meaning: Meaning
    said: tuple[tuple[str, str], ...]
    moves: tuple[Need, ...]


def entries(pod: PodTemplate, known: Known) -> tuple[Entry, ...]:
    """The entries of the pod's nodeSelector that GKE's nodes are meant by, in their order."""
    found = []
    selector = pod.spec.get("nodeSelector")
    can_move = movable(pod)
    for key, value in selector.items() if isinstance(selector, Mapping) else ():
        text = _text(value)
        if not isinstance(key, str) or text is None:
            continue
        need = Need(key, "In", (text,))
        means = agree(need, meaning(need, known), asked(pod), known)
        if means.stands is Stands.KEPT:
            continue
        plain = [need for need in means.needs if need.operator == "In" and (len(need.values) == 1 or not can_move)]
        moves = tuple(need for need in means.needs if need not in plain)
        found.append(Entry(key, text, means, tuple((n.key, n.values[0]) for n in plain), moves if can_move else ()))
    return tuple(found)


def moved(pod: PodTemplate, known: Known) -> tuple[Need, ...]:
    """What an entry of the nodeSelector comes to that only a node affinity can say: several values, or any value."""
    return tuple(dict.fromkeys(need for entry in entries(pod, known) for need in entry.moves))


def movable(pod: PodTemplate) -> bool:
    """Tell whether the pod's node affinity, if there is any, has the form that the API wants."""
    here: Any = pod.spec
    for key in ("affinity", "nodeAffinity", REQUIRED):
        here = here.get(key, MISSING)
        if here is MISSING or here is None:
            return True
        if not isinstance(here, Mapping):
            return False
    return isinstance(here.get(TERMS, []), list)


def _text(value: Any) -> str | None:
    """The value as a label has it: YAML reads true and 1 as no text, and so do people."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else None
