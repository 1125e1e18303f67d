"""What every format of a comparison says alike: verdict, counts, order, exit code, and what was filtered."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from migrate.model.comparison import BAD, Class, Comparison, Delta, Owner, Parity
from migrate.model.objects import MISSING, Object
from migrate.model.ref import Ref
from migrate.model.selection import parse_selection
from migrate.render.compared_values import Sides, sides, single
from migrate.render.times import moment
from migrate.render.words import number, plural, safe, shown

# The worst first, so that nothing that matters stands behind what does not.
ORDER = {
    kind: at
    for at, kind in enumerate(
        (
            Class.FAILED,
            Class.MISSING,
            Class.UNEXPECTED,
            Class.EXTRA,
            Class.HELD,
            Class.EXPECTED,
            Class.RUNTIME,
            Class.DEFAULTED,
        )
    )
}
_TOLD = (Class.UNEXPECTED, Class.MISSING, Class.EXTRA, Class.FAILED)
_BRIEF = 200  # characters of a value in a look at what runs
_COMMAND = re.compile(r"(?:kubectl|aws|helm|gke2eks) \S|overrides: \[")


def only(
    comparison: Comparison,
    classes: Collection[Class] = (),
    namespaces: Collection[str] = (),
    kinds: Collection[str] = (),
) -> Comparison:
    """Keep what was asked for, to be shown; empty: everything. Raises BadSelection.

    Namespaces and kinds are those of every command: globs, and Kind, kinds or Kind.group. Classes are of deltas; what
    runs has none and stays. Verdict, counts and exit code are always those of the whole comparison.
    """
    asked = parse_selection(namespaces=namespaces, kinds=kinds)

    def wanted(ref: Ref) -> bool:
        return asked.matches(Object(ref, {}))

    return replace(
        comparison,
        deltas=tuple(one for one in comparison.deltas if (not classes or one.kind in classes) and wanted(one.ref)),
        runtime=tuple(one for one in comparison.runtime if wanted(one.ref)),
    )


def exit_code(comparison: Comparison) -> int:
    """0 when the target is what was planned, otherwise 1. What runs has no say: pods come and go."""
    return 0 if comparison.proven else 1


def bad(comparison: Comparison, kind: Class) -> bool:
    """Tell whether a class of deltas breaks the proof."""
    return kind in BAD and not (kind is Class.EXTRA and comparison.allow_extra)


def verdict(comparison: Comparison) -> str:
    """'Yes.' or 'No: 1 unexpected, 1 missing, 4 extra.'"""
    counts = comparison.counts
    found = [f"{number(counts[kind])} {kind.value}" for kind in _TOLD if counts[kind] and bad(comparison, kind)]
    if found:
        return f"No: {', '.join(found)}."
    but = [] if comparison.objects else ["no object was compared"]
    if extra := counts[Class.EXTRA]:
        but.append(f"{plural(extra, 'extra is', 'extra are')} allowed")
    if differing := sum(one.ok is False for one in comparison.runtime):
        but.append(f"{plural(differing, 'thing runs', 'things run')} differently")
    if unseen := sum(one.ok is None for one in comparison.runtime):
        but.append(f"{plural(unseen, 'thing that runs', 'things that run')} could not be looked at")
    return f"Yes, but {', '.join(but)}." if but else "Yes."


def counts_line(comparison: Comparison) -> str:
    """'750 objects compared   expected 297 fields   defaulted 2,114   runtime 96   held 5'."""
    counts = comparison.counts
    expected = plural(counts[Class.EXPECTED], "field")
    rest = [f"{kind.value} {number(counts[kind])}" for kind in (Class.DEFAULTED, Class.RUNTIME, Class.HELD)]
    return "   ".join([f"{plural(counts['objects'], 'object')} compared", f"expected {expected}", *rest])


def filtered(comparison: Comparison, chosen: Comparison) -> str:
    """What a filter left: '3 of 12 differences are shown, as asked'. '' where nothing was filtered."""
    if len(chosen.deltas) == len(comparison.deltas) and len(chosen.runtime) == len(comparison.runtime):
        return ""
    text = f"{number(len(chosen.deltas))} of {plural(len(comparison.deltas), 'difference')}"
    if comparison.runtime:
        text += f" and {number(len(chosen.runtime))} of {plural(len(comparison.runtime), 'look')} at what runs"
    return f"{text} remain, as asked"


def exit_line(comparison: Comparison, shut: bool = False) -> str:
    """Why the exit is 1, in words; '' for 0. `shut`: so is the gate, which other faults may keep shut."""
    if comparison.proven:
        return "exit 1: the gate is shut" if shut else ""
    line = f"exit 1: {verdict(comparison).removeprefix('No: ').removesuffix('.')}"
    all_extra = not any(one.kind in BAD - {Class.EXTRA} for one in comparison.deltas)
    return f"{line}; with --allow-extra the exit is 0" if all_extra and not shut else line


def to_show(comparison: Comparison, show_expected: bool) -> dict[Ref, list[Delta]]:
    """Deltas that are printed, by object: by namespace, the worst object first; the worst delta of an object first.

    Deltas of one class keep the order that they have, which is that of their paths.
    """
    groups: dict[Ref, list[Delta]] = {}
    for one in comparison.deltas:
        if show_expected or bad(comparison, one.kind):
            groups.setdefault(one.ref, []).append(one)
    for deltas in groups.values():
        deltas.sort(key=lambda one: ORDER[one.kind])

    def place(ref: Ref) -> tuple[str, int, Ref]:
        return ref.namespace, ORDER[groups[ref][0].kind], ref

    return {ref: groups[ref] for ref in sorted(groups, key=place)}


def labelled(one: Delta) -> tuple[tuple[str, str], Sides]:
    """The two labels of a delta and its values; a label is '' where there is no such side.

    A planned value that the plan removed is `removed`; so is one that was planned and is not on the target.
    """
    if one.kind is Class.EXPECTED:
        return ("source", "planned"), sides(one.source, one.planned, right_gone="removed")
    if one.kind is Class.DEFAULTED and one.planned is MISSING:
        return ("target", ""), single(one.target)
    planned = "not set" if one.source is MISSING else "removed"
    target = "not set" if one.planned is MISSING else "removed"
    return ("planned", "target"), sides(one.planned, one.target, left_gone=planned, right_gone=target)


def has_values(one: Delta) -> bool:
    """Tell whether values say something: of a whole object that is missing or extra, its name says all."""
    return bool(one.path) and (one.planned is not MISSING or one.target is not MISSING or one.source is not MISSING)


def owned(owner: Owner | None) -> str:
    """'kubectl-edit, 23 Nov 2026, 09:40 UTC'; '' where nobody says."""
    if owner is None:
        return ""
    return ", ".join(filter(None, (safe(owner.manager) or "not known", moment(owner.time) if owner.time else "")))


def looked(one: Parity) -> str:
    """'ready 3 (GKE 3)': one look at what runs, the target first; 'ready 3' where GKE has nothing to say.

    None is a side that shows nothing: 'ready' where neither does, 'ready nothing (GKE 3)' where the target does not.
    """
    here, there = (MISSING if value is None else value for value in (one.target, one.source))
    source = "" if there is MISSING else f" (GKE {_brief(there)})"
    return safe(one.check) if here is MISSING and not source else f"{safe(one.check)} {_brief(here)}{source}"


def _brief(value: Any) -> str:
    text = shown(value, "nothing")
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}… (-o json shows all)"


def is_command(line: str) -> bool:
    """Tell whether a line is there to be copied."""
    return bool(_COMMAND.match(line))
