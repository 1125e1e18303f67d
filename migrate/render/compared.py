"""What diff shows on a terminal: the verdict, the counts, and what differs, by namespace and object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from migrate.model.comparison import BAD, Class, Comparison, Delta, Parity
from migrate.model.objects import MISSING
from migrate.model.ref import Ref
from migrate.render.compared_values import Sides, sides
from migrate.render.compared_words import (
    bad,
    counts_line,
    exit_line,
    filtered,
    has_values,
    is_command,
    labelled,
    looked,
    owned,
    to_show,
    verdict,
)
from migrate.render.ink import Paper
from migrate.render.words import by_namespace, namespace, number, safe, sentence, short

_SMALL = 40  # below, lists of objects do not fold
_KEPT = 3  # of a long list, what stays when it folds


def page(
    comparison: Comparison,
    chosen: Comparison | None = None,
    *,
    show_expected: bool = False,
    below: str = "",
    shut: bool = False,
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """The page. `chosen` is what `only` left; `show_expected` adds what is no fault and unfolds lists.

    `below` is the page of what more was asked for, `shut` whether that shuts the gate; the exit stands below all.
    Who filters for a class that is no fault wants to see it: `show_expected` is then the caller's to set.
    """
    paper = Paper(width, color, unicode)
    chosen = comparison if chosen is None else chosen
    paper.heading("Is the target what was planned?", verdict(comparison))
    paper.add(counts_line(comparison), 2)
    if told := filtered(comparison, chosen):
        paper.add(sentence(told), 2)
    for note in comparison.notes:
        paper.add(sentence(note), 2)
    fold = comparison.objects >= _SMALL and not show_expected
    objects = to_show(chosen, show_expected)
    for space, refs in by_namespace(objects).items():
        paper.add()
        paper.add(safe(space) or "cluster", 2)
        _namespace(paper, comparison, {ref: objects[ref] for ref in refs}, fold)
    _runtime(paper, chosen.runtime, fold)
    paper.lines += below.splitlines()
    if line := exit_line(comparison, shut):
        if below:
            paper.add()
        paper.add(line)
    return paper.text()


def _namespace(paper: Paper, comparison: Comparison, objects: dict[Ref, list[Delta]], fold: bool) -> None:
    """Objects of one namespace. Only whole objects that are extra, for one reason, may fold."""
    same = Counter(_extra(deltas) for deltas in objects.values())
    seen: Counter[tuple[str, str]] = Counter()
    for deltas in objects.values():
        why = _extra(deltas)
        if why is not None and fold and same[why] > _KEPT + 1:
            seen[why] += 1
            if seen[why] > _KEPT:
                continue
        _object(paper, comparison, deltas)
    for (because, _), count in seen.items():
        reason = f", {safe(because).removesuffix('.')}" if because else ""
        paper.add(f"and {number(count - _KEPT)} more extra{reason}; --show-expected lists all.", 6)


def _extra(deltas: Sequence[Delta]) -> tuple[str, str] | None:
    """Why a whole object is extra, and what to do; None for all else."""
    one = deltas[0]
    return (one.because, one.fix) if len(deltas) == 1 and one.kind is Class.EXTRA and not one.path else None


def _object(paper: Paper, comparison: Comparison, deltas: Sequence[Delta]) -> None:
    kinds = list(dict.fromkeys(one.kind for one in deltas))
    sign = "x" if any(bad(comparison, kind) for kind in kinds) else "!" if set(kinds) & BAD else "="
    words = ", ".join(kind.value for kind in kinds)
    paper.add(f"{short(deltas[0].ref):<22}  {words}", 4, paper.paint(sign, sign) + " ")
    for one in deltas:
        _delta(paper, one, one.kind.value if len(kinds) > 1 else "")
    for fix in dict.fromkeys(one.fix for one in deltas if one.fix):
        _next(paper, fix)


def _delta(paper: Paper, one: Delta, word: str) -> None:
    indent, wide = (10, 9) if one.path else (8, 6)
    if one.path:
        paper.add(safe(str(one.path)), 8, tail=word)
    if has_values(one):
        labels, found = labelled(one)
        _sides(paper, labels, found)
        if one.kind is Class.EXPECTED and one.target is not MISSING and one.target != one.planned:
            _sides(paper, ("", "target"), Sides("", sides(one.planned, one.target).right))
    if owner := owned(one.owner):
        paper.add(owner, indent, f"{'owner':<{wide}}")
    if one.because:
        paper.add(sentence(one.because), indent, f"{'why':<{wide}}", safe(one.rule))
    elif one.rule:
        paper.add(safe(one.rule), indent, f"{'rule':<{wide}}")


def _sides(paper: Paper, labels: tuple[str, str], found: Sides) -> None:
    for label, text in zip(labels, (found.left, found.right), strict=True):
        if label and text:
            paper.add(text, 10, f"{label:<9}")
    if not found.lines:
        return
    if all(labels):
        paper.add(f"- {labels[0]}   + {labels[1]}", 10)
    paper.block(found.lines, 12)


def _next(paper: Paper, fix: str) -> None:
    """What to do. A command stands in a line of its own, unbroken and without a full stop: it is there to be copied."""
    for at, line in enumerate(fix.splitlines()):
        lead = "next  " if at == 0 else " " * 6
        if is_command(line):
            paper.block([safe(line)], 8, lead)
        else:
            paper.add(sentence(line), 8, lead)


def _runtime(paper: Paper, looks: Sequence[Parity], fold: bool) -> None:
    """What runs. What differs, and what nobody could look at, stands in lines of its own and never folds."""
    if not looks:
        return
    paper.add()
    paper.add(paper.paint("Runtime", "bold"))
    for one in sorted((one for one in looks if one.ok is False), key=lambda one: (one.ref, one.check)):
        message = f"    {sentence(one.message)}" if one.message else ""
        paper.add(f"{namespace(one.ref)}: {short(one.ref)}  {looked(one)}{message}", 2, paper.paint("x", "x") + " ")
    unseen: dict[tuple[Ref, str], list[str]] = {}
    for one in sorted((one for one in looks if one.ok is None), key=lambda one: (one.ref, one.check)):
        unseen.setdefault((one.ref, one.message), []).append(safe(one.check))
    for (ref, said), checks in unseen.items():
        message = f"    {sentence(said)}" if said else ""
        text = f"{namespace(ref)}: {short(ref)}  {', '.join(checks)} could not look{message}"
        paper.add(text, 2, paper.paint("~", "~") + " ")
    alike: dict[Ref, list[str]] = {}
    for one in sorted((one for one in looks if one.ok), key=lambda one: (one.ref, one.check)):
        alike.setdefault(one.ref, []).append(looked(one))
    kept = list(alike)[:_KEPT] if fold and len(alike) > _KEPT + 1 else list(alike)
    for space, refs in by_namespace(sorted(kept, key=lambda ref: ref.namespace)).items():
        text = "   ".join(f"{short(ref)} {', '.join(alike[ref])}" for ref in refs)
        paper.add(text, 2, f"= {safe(space) or 'cluster'}: ")
    if len(kept) < len(alike):
        paper.add(f"and {number(len(alike) - len(kept))} more run as on GKE", 4)
