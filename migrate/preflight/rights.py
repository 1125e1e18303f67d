"""PRE050–PRE059: the caller's rights on the target, for exactly what this run asks of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from migrate.model.checks import Check, finding, passed, unknown
from migrate.model.effects import Severity
from migrate.model.ref import Ref
from migrate.semantics.plurals import Plurals
from migrate.semantics.target_rights import Need

_FIX = "have an admin grant it: gke2eks access target prints the roles for this plan."
_ADMIN = "have an admin grant it (gke2eks access target prints it), or apply these objects and --exclude them."
_SHOWN = 3
_WHAT = {
    "PRE050": "read what is there",
    "PRE051": "write what is planned",
    "PRE052": "write roles that grant more than the caller has",
    "PRE053": "bind the roles that bindings name",
    "PRE054": "look at all that checks look at",
    "PRE055": "try in default what goes into new namespaces",
}
_ID = {"get": "PRE050", "list": "PRE050", "create": "PRE051", "patch": "PRE051", "escalate": "PRE052", "bind": "PRE053"}


def checks(needs: Iterable[Need], answers: Mapping[Need, bool | None], plurals: Plurals) -> Iterator[Check]:
    """Judge the answers of the target; None: it said neither yes nor no."""
    by_id: dict[str, list[Need]] = {}
    for need in needs:
        by_id.setdefault(_id(need), []).append(need)
    for id, asked in sorted(by_id.items()):
        missing = [need for need in asked if answers.get(need) is False]
        silent = [need for need in asked if answers.get(need) is None]
        if not missing and not silent:
            yield passed(id, f"The caller may {_WHAT[id]}.", *_refs(asked))
        for what, found in grouped(missing, plurals):
            yield _missing(id, what, found)
        for what, found in grouped(silent, plurals):
            yield unknown(
                id,
                f"Whether the caller may {what}.",
                "a binding can be tried only while its role is there, or with the right to bind it",
                _FIX,
                *_refs(found),
            )


def nobody_asked(why: str) -> Check:
    """The target does not say who may do what."""
    return unknown("PRE059", "The rights of the caller.", why, "check them by hand: gke2eks access target prints them.")


def _missing(id: str, what: str, found: list[Need]) -> Check:
    refs = _refs(found)
    if id in ("PRE054", "PRE055"):
        message = f"Not all checks could look: the caller may not {what}."
        because = f"the caller may not {_WHAT[id]}"
        return unknown(id, message, because, _FIX, *refs)
    many = f"{len(refs)} object{'' if len(refs) == 1 else 's'} would be refused" if refs else "nothing can be compared"
    because = many if id != "PRE050" else "what is there already cannot be compared with the plan"
    fix = _ADMIN if id in ("PRE052", "PRE053") else _FIX
    return finding(id, f"The caller may not {what}.", fix, *refs, because=because, severity=Severity.BLOCKER)


def _id(need: Need) -> str:
    if need.for_checks:
        return "PRE054" if need.verb in ("get", "list") else "PRE055"
    return _ID[need.verb]


def grouped(needs: Iterable[Need], plurals: Plurals) -> Iterator[tuple[str, list[Need]]]:
    """('create and patch deployments.apps in shop', needs): kinds that lack the same in the same places are one."""
    kinds: dict[str, list[Need]] = {}
    for need in needs:
        resource = plurals.of(need.group, need.kind)
        kinds.setdefault(f"{resource}.{need.group}" if need.group else resource, []).append(need)
    same: dict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for kind, found in kinds.items():
        verbs = tuple(sorted({need.verb for need in found}))
        names = tuple(sorted({need.name for need in found if need.name}))
        spaces = tuple(sorted({need.namespace for need in found if need.namespace}))
        same.setdefault((verbs, spaces, names), []).append(kind)
    for (verbs, spaces, names), found_kinds in sorted(same.items()):
        where = f" in {_some(spaces)}" if spaces else " in all namespaces" if not names else ""
        named = f" {_some(names)}" if names else ""
        text = f"{' and '.join(verbs)} {', '.join(sorted(found_kinds))}{named}{where}"
        yield text, [need for kind in found_kinds for need in kinds[kind]]


def _some(words: tuple[str, ...]) -> str:
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _refs(needs: Iterable[Need]) -> tuple[Ref, ...]:
    return tuple(sorted({ref for need in needs for ref in need.refs}))
