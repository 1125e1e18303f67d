"""What a label of GKE's nodes means on EKS: requirements on nodes, said in the words of who makes nodes there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from migrate.model.effects import Question, Severity
from migrate.model.rules import Known, Row
from migrate.semantics import nodevalues
from migrate.semantics.nodevalues import Remark, Word

TABLE = "node-labels.yaml"
HOSTNAME = "kubernetes.io/hostname"
_APART = "Its values come to different labels, and one requirement names one label only."
_TERMS = "Write a node affinity with a term for each of the values, or ask for one of them."
_OWN_GROUP = "Make a managed node group of such machines, and select it with eks.amazonaws.com/nodegroup."
_POSITIVE = ("In", "Exists", "Gt", "Lt")


class Stands(Enum):
    """What becomes of a requirement."""

    KEPT = "it is not GKE's"
    SAID = "it is said in other words"
    FREE = "it goes, and every node is as good as one that met it"
    NEVER = "no node meets it, on GKE or on EKS"
    GONE = "the node that it names stays behind"
    STUCK = "it cannot be met on EKS, and the pod must not run without"


@dataclass(frozen=True, slots=True)
class Need:
    """A requirement on a node, as nodeAffinity has it; an entry of a nodeSelector is In with one value."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={self.values[0]}"
        values = f" [{', '.join(self.values)}]" if self.values else ""
        return f"{self.key} {self.operator}{values}"

    @property
    def positive(self) -> bool:
        """Tell whether only nodes with the label meet it."""
        return self.operator in _POSITIVE

    @property
    def expression(self) -> dict[str, object]:
        """The item of matchExpressions."""
        values = {"values": list(self.values)} if self.values else {}
        return {"key": self.key, "operator": self.operator, **values}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a requirement comes to: all of `needs` together, why, and what is to be said about it."""

    stands: Stands
    needs: tuple[Need, ...] = ()
    because: str = ""
    remarks: tuple[Remark, ...] = ()

    @property
    def questions(self) -> tuple[Question, ...]:
        """What must be answered before it is known."""
        return tuple(remark.question for remark in self.remarks if remark.question)


_KEPT = Meaning(Stands.KEPT)


def label_row(key: str, known: Known) -> Row | None:
    """The row of a label of GKE's nodes; None for any other key."""
    exact, patterns = known.once("node labels", lambda: _rows(known.rows(TABLE)))
    if key in exact:
        return exact[key]
    return next((row for pattern, row in patterns if pattern.fullmatch(key)), None)


def meaning(need: Need, known: Known) -> Meaning:
    """Translate a requirement. What is not GKE's is KEPT; nothing is asked about it."""
    row = label_row(need.key, known)
    if row is None:
        return _KEPT
    because = f"{row.fields['because']} ({row.where})"
    if row.fields.get("block"):
        if not need.positive:
            return Meaning(Stands.FREE, because=because)
        return Meaning(Stands.STUCK, (), because, (_remark(row, row.fields["say"], Severity.BLOCKER),))
    by = row.fields.get("by")
    if by == "host":
        return _host(need, row, because, known)
    if "to" not in row.fields:
        return _dropped(need, row, because, known)
    read = _limits(need, row)
    if isinstance(read, Stands):
        return _settled(need, read, because)
    if not read.values or by in ("present", "same", "least") or read.operator in ("Gt", "Lt"):
        return _named(_at_least(read) if by == "least" else read, need, row, because, known)
    words = [nodevalues.word(value, row, known) for value in read.values]
    if by == "family" and not need.positive:
        words = nodevalues.only_theirs(read.values, words, known)
    found = _together(read, words, need, row, because, known)
    return _KEPT if found.needs == (need,) and not found.remarks else found


def topology(key: str, known: Known) -> tuple[str, Row] | None:
    """The topology key in place of GKE's, '' when there is none; None for any other key."""
    row = label_row(key, known)
    if row is None:
        return None
    to = row.fields.get("topology", row.fields.get("to", ""))
    return (nodevalues.dialect(to, known) if isinstance(to, str) and to else ""), row


def _limits(need: Need, row: Row) -> Need | Stands:
    """Read a requirement by the values that the label can have on GKE."""
    exists = need.operator == "Exists"
    if need.operator in ("Exists", "DoesNotExist"):
        if row.fields.get("always"):
            return Stands.FREE if exists else Stands.NEVER
        if row.fields.get("by") == "values":
            every = tuple(str(value) for value in row.fields["values"])
            return Need(need.key, "In" if exists else "NotIn", every)
        return need
    only = {"present": ("true",), "values": row.fields.get("values", ())}.get(str(row.fields.get("by")))
    if only is None:
        return need
    if need.operator in ("Gt", "Lt"):
        return Stands.NEVER
    values = tuple(value for value in need.values if value in only)
    if not values:
        return Stands.NEVER if need.positive else Stands.FREE
    if row.fields.get("by") == "present":
        return Need(need.key, "Exists" if need.positive else "DoesNotExist")
    return Need(need.key, need.operator, values)


def _settled(need: Need, stands: Stands, because: str) -> Meaning:
    if stands is Stands.FREE:
        return Meaning(stands, because=f"{because}; every node of GKE met {need}, so it says nothing")
    said = Remark(
        f"No node of GKE has {need}, so this never matched; on EKS it does not either.",
        "Take it out, or say what was meant.",
        Severity.REVIEW,
        already=True,
    )
    return Meaning(stands, because=because, remarks=(said,))


def _named(read: Need, need: Need, row: Row, because: str, known: Known) -> Meaning:
    """Another key, the same operator: what does not look at values, or looks at them as they are."""
    key = nodevalues.dialect(nodevalues.target(row, known), known)
    if not key:
        return _dropped(need, row, because, known)
    said = Need(key, read.operator, read.values)
    if said == need:
        return _KEPT
    return Meaning(Stands.SAID, (said,), because, _caveat(row, need))


def _at_least(need: Need) -> Need:
    """Who asks for one of some numbers takes more, too; who avoids numbers avoids these only."""
    numbers = [int(value) for value in need.values if re.fullmatch("[0-9]{1,6}", value)]
    if need.operator != "In" or len(numbers) < len(need.values) or not min(numbers):
        return need
    return Need(need.key, "Gt", (str(min(numbers) - 1),))


def _together(read: Need, words: Sequence[Word], need: Need, row: Row, because: str, known: Known) -> Meaning:
    # What is not quite the same matters to those who want it, not to those who avoid it.
    remarks = tuple(
        dict.fromkeys(one for word in words for one in word.remarks if need.positive or one.question is not None)
    )
    named = [dict(word.parts) for word in words if word.parts]
    if not named:
        gone = _dropped(need, row, because, known)
        return Meaning(gone.stands, (), because, (*gone.remarks, *(one for one in remarks if one.question)))
    lost = [value for value, word in zip(read.values, words, strict=True) if not word.parts]
    if lost and need.positive:
        said = f"Nothing on EKS says {need.key}={' or '.join(lost)}; the other values are kept."
        remarks += (_remark(row, said, Severity.REVIEW),)
    if need.positive:
        # All of a value's parts hold together; several values are a choice, and say only what they all speak of.
        keys = [key for key in named[0] if all(key in parts for parts in named)]
        lossy = len({frozenset(parts) for parts in named}) > 1 or (
            len(keys) > 1 and len(named) > 1 and sum(len({p[k] for p in named}) > 1 for k in keys) > 1
        )
    else:
        keys = list(dict.fromkeys(next(iter(parts)) for parts in named))
        lossy = any(len(parts) > 1 for parts in named) and not _covered(named)
    if not keys:
        gone = _dropped(need, row, because, known)
        apart = tuple(replace(one, message=f"{one.message} {_APART}", fix=_TERMS) for one in gone.remarks)
        return Meaning(gone.stands, (), because, (*apart, *(one for one in remarks if one.question)))
    needs = tuple(
        Need(key, read.operator, tuple(dict.fromkeys(value for parts in named for value in parts.get(key, ()))))
        for key in keys
    )
    if lossy:
        more = "more" if need.positive else "fewer"
        said = f"{need} cannot be said exactly on EKS; {more} nodes match {' and '.join(map(str, needs))}."
        remarks += (Remark(said, "Look whether that is right; else set it with an override.", Severity.REVIEW),)
    return Meaning(Stands.SAID, needs, because, (*remarks, *_caveat(row, need)))


def _covered(named: Sequence[dict[str, tuple[str, ...]]]) -> bool:
    """Tell whether values that differ in a second part only are all of those there are (A100 of 40 and of 80 GB)."""
    primaries = [next(iter(parts.items())) for parts in named if len(parts) > 1]
    return all(primaries.count(one) > 1 for one in primaries)


def _dropped(need: Need, row: Row, because: str, known: Known) -> Meaning:
    if not need.positive:
        # No node on EKS has the label: what must not have it is any node.
        return Meaning(Stands.FREE, because=because)
    said = f"Nothing on EKS says {need}; without it the pod may run on any node that fits."
    remark = _remark(row, said, Severity.REVIEW)
    if "to" in row.fields and not nodevalues.dialect(str(row.fields["to"]), known):
        # Only nodes of Karpenter and Auto Mode are labelled with it, and what the row advises is theirs, too.
        remark = replace(remark, fix=_OWN_GROUP)
    return Meaning(Stands.FREE, (), because, (remark,))


def _host(need: Need, row: Row, because: str, known: Known) -> Meaning:
    if need.operator not in ("In", "NotIn"):
        return _KEPT
    names = known.once("node names", lambda: frozenset(node.ref.name for node in known.all("", "Node")))
    stay = tuple(value for value in need.values if value in names or value.startswith(("gke-", "gk3-")))
    others = tuple(value for value in need.values if value not in stay)
    if not stay:
        return _KEPT
    if not need.positive and not others:
        return Meaning(Stands.FREE, because=because)
    said = f"{', '.join(stay)} {'is a node' if len(stay) == 1 else 'are nodes'} of GKE, and nodes do not move."
    remarks = (_remark(row, said, Severity.REVIEW if need.positive else Severity.INFO),)
    if not others:
        return Meaning(Stands.GONE, (), because, remarks)
    return Meaning(Stands.SAID, (Need(need.key, need.operator, others),), because, remarks)


def field_meaning(need: Need, known: Known) -> Meaning:
    """Translate a requirement of matchFields; the API knows metadata.name only."""
    row = label_row(HOSTNAME, known)
    if need.key != "metadata.name" or row is None:
        return _KEPT
    return _host(need, row, f"{row.fields['because']} ({row.where})", known)


def _caveat(row: Row, need: Need) -> tuple[Remark, ...]:
    if "say" not in row.fields or not need.positive:
        return ()
    return (_remark(row, str(row.fields["say"]), Severity.REVIEW),)


def _remark(row: Row, said: str, severity: Severity) -> Remark:
    weight = Severity(str(row.fields["weight"])) if "weight" in row.fields else severity
    return Remark(said, str(row.fields.get("fix", "Nothing.")), weight)


def _rows(rows: tuple[Row, ...]) -> tuple[dict[str, Row], list[tuple[re.Pattern[str], Row]]]:
    exact: dict[str, Row] = {}
    patterns = []
    for row in rows:
        for key in row.fields.get("keys", ()):
            if "*" in key:
                patterns.append((re.compile(re.escape(key).replace(r"\*", ".*"), re.DOTALL), row))
            else:
                exact[key] = row  # an overlay comes later, and wins
    return exact, patterns
