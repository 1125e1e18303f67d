"""What the checks of AWS have in common: who names what, and how it is said that nobody could look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from migrate.model.aws import Blind, Found
from migrate.model.checks import Check, unknown
from migrate.model.objects import Body
from migrate.model.ref import Ref
from migrate.preflight.after import mapping
from migrate.preflight.references_words import few

Thing = TypeVar("Thing")
# {what is named: the objects that name it}
Users = Mapping[str, tuple[Ref, ...]]


def users(pairs: Iterable[tuple[str, Ref]]) -> Users:
    """Who names what, both sorted."""
    found: dict[str, set[Ref]] = {}
    for name, ref in pairs:
        found.setdefault(name, set()).add(ref)
    return {name: tuple(sorted(refs)) for name, refs in sorted(found.items())}


def who(wanted: Users, names: Iterable[str]) -> tuple[Ref, ...]:
    """All objects that name one of these."""
    return tuple(sorted({ref for name in names for ref in wanted[name]}))


def there(found: Found[Thing]) -> dict[str, Thing]:
    """What AWS showed."""
    return {name: one for name, one in found.items() if one is not None and not isinstance(one, Blind)}


def gone(found: Found[Thing]) -> list[str]:
    """What AWS says is not there."""
    return [name for name, one in found.items() if one is None]


def unseen(check: str, what: str, found: Found[Thing], wanted: Users) -> Iterator[Check]:
    """What nobody could look at, by reason. `what` is a plural: 'The Elastic IP addresses'."""
    reasons: dict[Blind, list[str]] = {}
    for name, one in found.items():
        if isinstance(one, Blind):
            reasons.setdefault(one, []).append(name)
    for no, names in reasons.items():
        yield blind(check, f"{what} {few(names)}.", no, *who(wanted, names))


def blind(check: str, message: str, no: Blind, *refs: Ref) -> Check:
    """Nobody could look."""
    return unknown(check, message, no.why, no.fix, *refs)


def notes(body: Body) -> Mapping[str, Any]:
    """The annotations of an object."""
    return mapping(mapping(body.get("metadata")).get("annotations"))


def spec(body: Body) -> Body:
    """The spec of an object."""
    return mapping(body.get("spec"))
