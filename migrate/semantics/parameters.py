"""The parameters of a class as a whole: what is wanted is set, and every other one goes with the words of its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.model.effects import Effect, Flag, Remove, Set, Severity
from migrate.model.objects import Object
from migrate.model.path import P
from migrate.model.rules import Known, Row
from migrate.semantics.storageclass import Family, driver_family

PARAMETERS = P("parameters")
# What each parameter becomes on EKS, and why.
Wanted = dict[str, tuple[str, str]]
# A parameter with such a value asks for nothing, and nothing is lost with it.
_NOTHING = frozenset({"", "none", "false"})


def write(obj: Object, family: Family, wanted: Wanted, known: Known, because: str) -> Iterator[Effect]:
    """Set what is wanted and remove every other parameter; `because` is for those that no row knows."""
    found = obj.body.get("parameters")
    if not isinstance(found, Mapping):
        if wanted:
            yield Set(PARAMETERS, {key: value for key, (value, _) in wanted.items()}, next(iter(wanted.values()))[1])
        return
    for key, (value, why) in wanted.items():
        yield Set(PARAMETERS / key, value, why)
    said_again = {key.lower() for key in wanted}
    for key in found:
        if key in wanted or not isinstance(key, str):
            continue
        row = _rows(obj.ref.kind, known).get((family, key.lower()))
        if row is not None:
            yield Remove(PARAMETERS / key, f"{row.fields['because']} ({row.where})")
            yield from _said(key, found[key], row)
        elif key.lower() in said_again:
            yield Remove(PARAMETERS / key, "the driver on EKS would read it twice, in two spellings")
        else:
            yield Remove(PARAMETERS / key, because)
            yield Flag(
                PARAMETERS / key,
                f"The parameter {key} has no counterpart here and was removed.",
                "Set what you need with overrides, in the words of the driver on EKS.",
                Severity.REVIEW,
            )


def _said(key: str, value: object, row: Row) -> Iterator[Effect]:
    text = str(value).lower()
    if "say" in row.fields and text not in _NOTHING and text in row.fields.get("values", (text,)):
        weight = Severity(row.fields.get("weight", "review"))
        yield Flag(PARAMETERS / key, row.fields["say"], row.fields["fix"], weight)


def _rows(kind: str, known: Known) -> Mapping[tuple[Family, str], Row]:
    """The rows of mappings/parameters.yaml for one kind, by product and key in lower case; the first one counts."""
    return known.once(f"parameters.{kind}", lambda: _index(kind, known))


def _index(kind: str, known: Known) -> Mapping[tuple[Family, str], Row]:
    found: dict[tuple[Family, str], Row] = {}
    for row in known.rows("parameters.yaml"):
        if kind not in row.fields.get("kinds", ("StorageClass",)):
            continue
        for driver in row.fields["drivers"]:
            for key in row.fields["keys"]:
                found.setdefault((driver_family(driver), key), row)
    return found
