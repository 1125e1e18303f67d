"""The node affinity of a pod, in words of EKS. Terms are a choice, and what stands in one term holds together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.model.path import Path
from migrate.model.rules import Known
from migrate.semantics.nodes import Meaning, Need, Stands, field_meaning, meaning
from migrate.semantics.together import agree

LISTS = ("matchExpressions", "matchFields")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of matchExpressions or matchFields: where, what it says ('' when it is odd), what it means."""

    path: Path
    said: str
    body: Any
    meaning: Meaning

    def bodies(self, *, at_a_loss: bool = False) -> list[Any]:
        """What stands here afterwards. `at_a_loss`: the term must do without what names a node that stays behind."""
        if self.meaning.stands is Stands.SAID:
            return [need.expression for need in self.meaning.needs]
        gone = self.meaning.stands is Stands.FREE or (at_a_loss and self.meaning.stands is Stands.GONE)
        return [] if gone else [self.body]


@dataclass(frozen=True, slots=True)
class Term:
    """A nodeSelectorTerm, or a preference: its items, and its body."""

    path: Path
    body: Any
    items: tuple[Item, ...]

    @property
    def never(self) -> bool:
        """Tell whether no node meets it, on GKE or on EKS."""
        return any(item.meaning.stands is Stands.NEVER for item in self.items)

    @property
    def gone(self) -> bool:
        """Tell whether it asks for a node that stays behind."""
        return any(item.meaning.stands is Stands.GONE for item in self.items)

    @property
    def stuck(self) -> bool:
        """Tell whether it asks for what EKS does not have, and must not be left out."""
        return any(item.meaning.stands is Stands.STUCK for item in self.items)

    def always(self, *, at_a_loss: bool = False) -> bool:
        """Tell whether every node meets it now: it asked for something, and all of that goes."""
        return bool(self.items) and not any(item.bodies(at_a_loss=at_a_loss) for item in self.items)

    def after(self, more: Sequence[Need] = (), *, at_a_loss: bool = False) -> Any:
        """The body in words of EKS, with what comes from the node selector."""
        if not isinstance(self.body, Mapping):
            return self.body
        found = dict(self.body)
        for name in LISTS:
            if not isinstance(found.get(name), list):
                continue
            kept: list[Any] = []
            for item in (i for i in self.items if i.path[-2] == name):
                kept += item.bodies(at_a_loss=at_a_loss)
            if kept:
                found[name] = kept
            elif found[name]:
                del found[name]
        if more:
            has = found.get("matchExpressions")
            mine = has if isinstance(has, list) else []
            extra = [need.expression for need in more if need.expression not in mine]
            found["matchExpressions"] = [*mine, *extra]
        return found


def term(body: Any, path: Path, others: frozenset[str], known: Known) -> Term:
    """Read one term; what has not the form of one has no items, and stays. `others`: the labels that the pod wants."""
    return Term(path, body, tuple(_items(body, path, others, known)))


def _items(body: Any, path: Path, others: frozenset[str], known: Known) -> Iterator[Item]:
    for name in LISTS:
        listed = body.get(name) if isinstance(body, Mapping) else None
        for at, one in enumerate(listed if isinstance(listed, list) else ()):
            place = Path((*path, name, at))
            need = _need(one)
            if need is None:
                yield Item(place, "", one, Meaning(Stands.KEPT))
            else:
                means = meaning(need, known) if name == "matchExpressions" else field_meaning(need, known)
                yield Item(place, str(need), one, agree(need, means, others, known))


def _need(body: Any) -> Need | None:
    if not isinstance(body, Mapping):
        return None
    key, operator, values = body.get("key"), body.get("operator"), body.get("values") or []
    if not isinstance(key, str) or not isinstance(operator, str) or not isinstance(values, list):
        return None
    if not all(isinstance(value, str) for value in values):
        return None
    wants = operator in ("In", "NotIn", "Gt", "Lt")
    if wants != bool(values) or operator not in ("In", "NotIn", "Gt", "Lt", "Exists", "DoesNotExist"):
        return None
    return Need(key, operator, tuple(values))
