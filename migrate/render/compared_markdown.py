"""A comparison for a comment on a pull request: the order of the terminal, and everything from a cluster as code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from migrate.model.comparison import Class, Comparison, Delta, Parity
from migrate.model.objects import MISSING
from migrate.model.ref import Ref
from migrate.render.compared_values import Sides, sides
from migrate.render.compared_words import (
    bad,
    counts_line,
    filtered,
    has_values,
    is_command,
    labelled,
    looked,
    owned,
    to_show,
    verdict,
)
from migrate.render.markdown import LIMIT, code, prose
from migrate.render.words import by_namespace, namespace, number, sentence

# What goes, in this order, until the page fits. The verdict and the names of objects go last.
_LEVELS = ("", "what is no fault", "what is no fault and long values", "what is no fault and all values")
_ALL = "the output of `gke2eks diff -o json`"


def page(
    comparison: Comparison,
    chosen: Comparison | None = None,
    *,
    show_expected: bool = False,
    limit: int = LIMIT,
) -> str:
    """Write the page below `limit` characters; its last line says what was left out and where it is."""
    chosen = comparison if chosen is None else chosen
    text = ""
    for level, gone in enumerate(_LEVELS):
        text = _page(comparison, chosen, show_expected and level == 0, level)
        last = f"\nLeft out for length: {gone}. All of it is in {_ALL}.\n" if gone else ""
        if len(text) + len(last) < limit:
            return text + last
    last = f"\n\nLeft out for length: everything below this point. All of it is in {_ALL}.\n"
    return text[: limit - len(last) - 1].rpartition("\n")[0] + last


def _page(comparison: Comparison, chosen: Comparison, show_expected: bool, level: int) -> str:
    lines = ["## Is the target what was planned?", "", f"**{prose(verdict(comparison))}**", ""]
    lines.append(counts_line(comparison).replace("   ", " · ") + ".")
    if told := filtered(comparison, chosen):
        lines += ["", sentence(told)]
    lines += [line for note in comparison.notes for line in ("", prose(sentence(note)))]
    objects = to_show(chosen, show_expected)
    for space, refs in by_namespace(objects).items():
        lines += ["", f"### {code(space or 'cluster')}"]
        for ref in refs:
            lines += ["", *_object(comparison, ref, objects[ref], level)]
    lines += _runtime(chosen.runtime, level)
    return "\n".join(lines) + "\n"


def _object(comparison: Comparison, ref: Ref, deltas: Sequence[Delta], level: int) -> list[str]:
    kinds = list(dict.fromkeys(one.kind for one in deltas))
    sign = "x" if any(bad(comparison, kind) for kind in kinds) else "="
    lines = [f"**{code(sign)} {code(ref.short)}** {', '.join(kind.value for kind in kinds)}", ""]
    for one in deltas:
        lines += _delta(one, one.kind.value if len(kinds) > 1 else "", level)
    for fix in dict.fromkeys(one.fix for one in deltas if one.fix):
        lines += [f"- next: {code(line) if is_command(line) else prose(sentence(line))}" for line in fix.splitlines()]
    return lines[:-1] if lines[-1] == "" else lines


def _delta(one: Delta, word: str, level: int) -> list[str]:
    lines = [f"- {code(str(one.path))}{f' {word}' if word else ''}"] if one.path else []
    pad = "  " if one.path else ""
    if has_values(one) and level < 3:
        labels, found = labelled(one)
        lines += _sides(labels, found, level)
        if one.kind is Class.EXPECTED and one.target is not MISSING and one.target != one.planned:
            lines += _sides(("", "target"), Sides("", sides(one.planned, one.target).right), level)
    if owner := owned(one.owner):
        lines.append(f"{pad}- owner: {code(owner)}")
    if one.because or one.rule:
        said = [prose(sentence(one.because))] if one.because else []
        lines.append(f"{pad}- why: {' '.join([*said, *([code(one.rule)] if one.rule else [])])}")
    return lines


def _sides(labels: tuple[str, str], found: Sides, level: int) -> list[str]:
    lines = []
    for label, text in zip(labels, (found.left, found.right), strict=True):
        if label and text:
            lines.append(f"  - {label}: {code(text)}")
    if not found.lines:
        return lines
    what = f"{labels[0]} `-`, {labels[1]} `+`" if all(labels) else labels[0]
    if level >= 2:
        return [*lines, f"  - {what}: {number(len(found.lines))} lines"]
    fence = "`" * max(3, max((len(run) for line in found.lines for run in re.findall("`+", line)), default=0) + 1)
    block = [f"{fence}diff", *found.lines, fence]
    return [*lines, f"  - {what}:", "", *(f"    {line}" for line in block), ""]


def _runtime(looks: Sequence[Parity], level: int) -> list[str]:
    """What runs, the worst first; what runs as on GKE is the first to go."""
    rows = sorted(looks, key=lambda one: (one.ok is True, one.ok is None, one.ref, one.check))
    alike = sum(one.ok is True for one in rows)
    shown = [one for one in rows if not one.ok or level == 0]
    lines = ["", "### Runtime", ""] if looks else []
    lines += [_look(one) for one in shown]
    return [*lines, f"- {number(alike)} more run as on GKE"] if len(shown) < len(rows) else lines


def _look(one: Parity) -> str:
    sign = "~" if one.ok is None else "=" if one.ok else "x"
    said = f"{code(one.check)} could not look" if one.ok is None else code(looked(one))
    message = f": {prose(sentence(one.message))}" if one.message else ""
    return f"- {code(sign)} {code(f'{namespace(one.ref)}: {one.ref.short}')} {said}{message}"
